'use strict';

const { once } = require('node:events');
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
        table.jsonb('about');
      });
      await knex.schema.createTable('books', (table) => {
        table.bigIncrements('id');
        table.integer('author_id').notNullable().references('authors.id').onDelete('cascade');
        table.text('title').notNullable();
        table.date('published');
        table.timestamp('added_at');
        table.specificType('tags', 'text[]');
        table.decimal('price', 8, 2);
        table.binary('cover');
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
    async up(knex) {
      await knex.schema.createTable('half', (table) => table.increments('id'));
      await knex.raw('alter table nowhere add column x int');
    },
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
    halfOfABrokenOne: await knex.schema.hasTable('half'),
    left: [complete.map(({ name }) => name), pending],
    column: await knex('books').columnInfo('price'),
  };
}

const BOOK = {
  title: 'A',
  published: '2024-02-29',
  added_at: new Date('2024-02-29T12:34:56.789Z'),
  tags: ['x', 'y "quoted"', null],
  price: '12.50',
  cover: Buffer.from([0, 1, 254, 255]),
  stock: '9007199254740993',
};

async function relations(knex) {
  const [{ id }] = await knex('authors').insert({ name: 'ann', about: { born: [1900] } }, ['id']);
  await knex('authors').insert([{ name: 'bob' }, { name: 'cid' }]);
  const [book] = await knex('books').insert({ author_id: id, ...BOOK }, '*');
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
  const upserted = await knex('authors')
    .insert({ name: 'bob', about: JSON.stringify(['again']) })
    .onConflict('name')
    .merge(['about'])
    .returning(['name', 'about']);
  const [first] = await knex('authors').whereJsonPath('about', '$.born[0]', '=', 1900);
  return {
    book,
    counted,
    upserted,
    first,
    updated: await knex('books').where('title', 'like', 'number 1%').update({ stock: 1 }),
    deleted: await knex('authors').where({ name: 'cid' }).del(),
    pluck: await knex('authors').orderBy('id').pluck('name'),
    raw: (await knex.raw("select :a::int as a, '\\?' as b", { a: 7 })).rows,
    array: (await knex.raw('select 1 as a, 2 as a').options({ rowMode: 'array' })).rows,
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
  const level = (await trx.raw('show transaction_isolation')).rows;
  await trx.rollback();
  return {
    failed: failed.message,
    rolledBack: JSON.stringify(afterRollback) === JSON.stringify(before),
    savepoints: await names(),
    level,
    isCompleted: trx.isCompleted(),
  };
}

async function streams(knex) {
  const numbers = knex.select('n').from(knex.raw('generate_series(1, 5000) n'));
  let sum = 0;
  for await (const { n } of numbers.clone().stream({ highWaterMark: 7 })) sum += n;

  let piped = 0;
  const sink = new Writable({
    objectMode: true,
    write(row, _encoding, done) {
      piped += 1;
      setImmediate(done);
    },
  });
  await pipeline(numbers.clone().limit(300).stream(), sink);

  let seen = 0;
  for await (const { n } of numbers.clone().stream()) {
    seen = n;
    if (n === 10) break;
  }
  const broken = knex
    .select(knex.raw('1 / (3 - n) as x'))
    .from(knex.raw('generate_series(1, 9) n'));
  const refused = await refusal(
    pipeline(broken.stream(), new Writable({ objectMode: true, write: (row, _, done) => done() })),
  );
  return { sum, piped, seen, refused, after: await knex.select(knex.raw('1 as one')) };
}

/** knex stops the statement on the server, which then says so. */
async function timedOut(knex) {
  const stopped = once(knex, 'query-error');
  const { message } = await failure(knex.raw('select pg_sleep(10)').timeout(50, { cancel: true }));
  const [{ code }] = await stopped;
  return { message, code };
}

async function errors(knex) {
  return {
    unique: await refusal(knex('authors').insert({ name: 'ann' })),
    foreignKey: await refusal(knex('books').insert({ author_id: 0, title: 'x' })),
    notNull: await refusal(knex('books').insert({ author_id: 1 })),
    syntax: await refusal(knex.raw('selec 1')),
    table: await refusal(knex('nothing').select()),
    timeout: await timedOut(knex),
  };
}

/** More queries than connections, and what knex tells of them. */
async function concurrency(knex) {
  const told = { query: 0, 'query-response': 0, 'query-error': 0 };
  for (const name of Object.keys(told)) knex.on(name, () => (told[name] += 1));
  const queries = Array.from({ length: 40 }, (_, n) =>
    knex.select(knex.raw('?::int * 2 as x', [n])),
  );
  const answers = await Promise.all(queries);
  await failure(knex.raw('select 1 / 0'));
  return {
    sum: answers.reduce((total, [{ x }]) => total + x, 0),
    told: { ...told },
    // One may still be on its way when the others have answered everything.
    isBounded: knex.client.pool.numUsed() + knex.client.pool.numFree() <= 3,
  };
}

async function notifications(knex) {
  const listener = await knex.client.acquireConnection();
  const heard = once(listener, 'notification');
  await knex.raw('listen news').connection(listener);
  await knex.raw("select pg_notify('news', ?)", ['hello']);
  const [{ channel, payload }] = await heard;
  await knex.client.releaseConnection(listener);
  return { channel, payload };
}

report(async (connectionString) => {
  const knex = createKnex({
    client: 'pg',
    connection: { connectionString, application_name: 'shop' },
    pool: {
      min: 0,
      max: 3,
      afterCreate: (client, done) => client.query('set timezone to utc', done),
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
      notifications: await notifications(knex),
      name: (await knex.raw("select current_setting('application_name') as name")).rows,
    };
  } finally {
    await knex.destroy();
  }
});
