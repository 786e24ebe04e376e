'use strict';

const { Writable } = require('node:stream');
const { pipeline } = require('node:stream/promises');
const createKnex = require('knex');
const { failure, refusal, report } = require('../report.js');

/** Migrations that are no files. */
const STEPS = {
  '001_shop': {
    async up(knex) {
      await knex.schema.createTable('authors', (table) => {
        table.increments('id');
        table.string('name').notNullable().unique();
        table.json('about');
      });
      await knex.schema.createTable('books', (table) => {
        table.bigIncrements('id');
        table.integer('author_id').unsigned().notNullable();
        table.foreign('author_id').references('authors.id').onDelete('cascade');
        table.string('title').notNullable();
        table.date('published');
        table.datetime('added_at', { precision: 3 });
        table.decimal('price', 8, 2);
        table.binary('cover');
        table.boolean('is_sold');
      });
    },
    async down(knex) {
      await knex.schema.dropTable('books').dropTable('authors');
    },
  },
  '002_stock': {
    up: (knex) => knex.schema.alterTable('books', (table) => table.bigInteger('stock')),
    down: (knex) => knex.schema.alterTable('books', (table) => table.dropColumn('stock')),
  },
  '003_broken': {
    up: (knex) => knex.raw('alter table nowhere add column x int'),
    down: async () => {},
  },
};

const source = (names) => ({
  getMigrations: async () => names,
  getMigrationName: (name) => name,
  getMigration: async (name) => STEPS[name],
});

async function migrate(knex) {
  const [, applied] = await knex.migrate.latest({ migrationSource: source(['001_shop']) });
  const two = { migrationSource: source(['001_shop', '002_stock']) };
  const [batch, more] = await knex.migrate.latest(two);
  const version = await knex.migrate.currentVersion(two);
  await knex.migrate.rollback(two);
  const withoutStock = await knex.schema.hasColumn('books', 'stock');
  await knex.migrate.latest(two);
  const broken = await refusal(
    knex.migrate.latest({ migrationSource: source(Object.keys(STEPS)) }),
  );
  const [complete, pending] = await knex.migrate.list(two);
  return {
    applied,
    more: [batch, more],
    version,
    withoutStock,
    broken,
    left: [complete.map(({ name }) => name), pending],
    column: (await knex('books').columnInfo('price')).type,
  };
}

const BOOK = {
  title: "A 'quoted' \\ title",
  published: '2024-02-29',
  added_at: new Date('2024-02-29T12:34:56.789Z'),
  price: '12.50',
  cover: Buffer.from([0, 1, 254, 255]),
  is_sold: false,
  stock: 9007199254740991,
};

async function relations(knex) {
  const [id] = await knex('authors').insert({ name: 'ann', about: '{"born": [1900]}' });
  await knex('authors').insert([{ name: 'bob' }, { name: 'cid' }]);
  const [bookId] = await knex('books').insert({ author_id: id, ...BOOK });
  await knex.batchInsert(
    'books',
    Array.from({ length: 25 }, (_, n) => ({ author_id: id + 1, title: `number ${n}` })),
    10,
  );
  const counted = await knex('authors')
    .leftJoin('books', 'books.author_id', 'authors.id')
    .groupBy('authors.name')
    .orderBy('authors.name')
    .select('authors.name')
    .count('books.id as books');
  await knex('authors')
    .insert({ name: 'bob', about: '["again"]' })
    .onConflict('name')
    .merge(['about']);
  return {
    ids: [id, bookId],
    book: await knex('books').where({ id: bookId }).first(),
    counted,
    about: await knex('authors').orderBy('id').select('name', 'about'),
    updated: await knex('books').where('title', 'like', 'number 1%').update({ stock: 1 }),
    deleted: await knex('authors').where({ name: 'cid' }).del(),
    pluck: await knex('authors').orderBy('id').pluck('name'),
    raw: (await knex.raw("select :a + 0 as a, '\\?' as b", { a: 7 }))[0],
    array: (await knex.raw('select 1 as a, 2 as a').options({ rowsAsArray: true }))[0],
    nested: await knex('authors')
      .join('books', 'books.author_id', 'authors.id')
      .where('books.id', bookId)
      .options({ nestTables: true })
      .select('authors.name', 'books.title'),
    found: await knex('authors')
      .whereIn(['id', 'name'], [[id, 'ann']])
      .first('name'),
  };
}

async function transactions(knex) {
  const names = () => knex('authors').orderBy('id').pluck('name');
  const before = await names();
  const failed = await failure(
    knex.transaction(async (trx) => {
      await trx('authors').insert({ name: 'dan' });
      throw new Error('changed my mind');
    }),
  );
  const afterRollback = await names();
  await knex.transaction(async (trx) => {
    await trx('authors').insert({ name: 'eve' });
    await failure(
      trx.transaction(async (inner) => {
        await inner('authors').insert({ name: 'fay' });
        await inner('authors').insert({ name: 'eve' });
      }),
    );
    await trx.transaction((inner) => inner('authors').insert({ name: 'gus' }));
  });
  const trx = await knex.transaction({ isolationLevel: 'serializable' });
  await trx.rollback();
  return {
    failed: failed.message,
    rolledBack: JSON.stringify(afterRollback) === JSON.stringify(before),
    savepoints: await names(),
    isCompleted: trx.isCompleted(),
  };
}

const NUMBERS = `with recursive numbers(n) as (select 1 union all select n + 1 from numbers where n < 900)
  select n from numbers`;

async function streams(knex) {
  let sum = 0;
  for await (const { n } of knex.raw(NUMBERS).stream({ highWaterMark: 7 })) sum += n;
  let piped = 0;
  const sink = new Writable({
    objectMode: true,
    write(row, _encoding, done) {
      piped += 1;
      setImmediate(done);
    },
  });
  await pipeline(knex('books').stream(), sink);
  let seen = 0;
  for await (const { n } of knex.raw(NUMBERS).stream()) {
    seen = n;
    if (n === 10) break;
  }
  const none = new Writable({ objectMode: true, write: (row, _, done) => done() });
  const refused = await refusal(pipeline(knex('nothing').stream(), none));
  return { sum, piped, seen, refused, after: await knex.select(knex.raw('1 as one')) };
}

async function errors(knex) {
  const slow = knex.raw('select sleep(5)').timeout(50, { cancel: true });
  return {
    unique: await refusal(knex('authors').insert({ name: 'ann' })),
    foreignKey: await refusal(knex('books').insert({ author_id: 0, title: 'x' })),
    missing: await refusal(knex('books').insert({ author_id: 1 })),
    syntax: await refusal(knex.raw('selec 1')),
    table: await refusal(knex('nothing').select()),
    timeout: (await failure(slow)).message,
  };
}

/** More queries than connections, and what knex tells of them. */
async function concurrency(knex) {
  const told = { query: 0, 'query-response': 0, 'query-error': 0 };
  for (const name of Object.keys(told)) {
    const about = (...given) => given.find((each) => each?.sql).sql;
    knex.on(name, (...given) => (told[name] += /^select (\? \* 2|wrong)/.test(about(...given))));
  }
  const queries = Array.from({ length: 40 }, (_, n) => knex.select(knex.raw('? * 2 as x', [n])));
  const answers = await Promise.all(queries);
  await failure(knex.raw('select wrong'));
  return {
    sum: answers.reduce((total, [{ x }]) => total + x, 0),
    told: { ...told },
    // One may still be on its way when the others have answered everything.
    isBounded: knex.client.pool.numUsed() + knex.client.pool.numFree() <= 3,
  };
}

report(async (connection) => {
  const knex = createKnex({
    client: 'mysql2',
    connection,
    pool: {
      min: 0,
      max: 3,
      afterCreate: (client, done) => client.query("set time_zone = '+00:00'", done),
    },
    log: { warn() {}, error() {}, deprecate() {}, debug() {} },
  });
  try {
    return {
      migrations: await migrate(knex),
      relations: await relations(knex),
      transactions: await transactions(knex),
      streams: await streams(knex),
      errors: await errors(knex),
      concurrency: await concurrency(knex),
    };
  } finally {
    await knex.destroy();
  }
});
