import { once } from 'node:events';
import {
  Kysely,
  Migrator,
  PostgresDialect,
  PostgresIntrospector,
  sql,
  CamelCasePlugin,
} from 'kysely';
import { jsonArrayFrom } from 'kysely/helpers/postgres';
import pg, { Pool, types } from 'pg';
import Cursor from 'pg-cursor';
import reporting from '../report.js';

const { count, failure, refusal, removed, report } = reporting;

const MIGRATIONS = {
  '2024-01-authors': {
    async up(db) {
      await db.schema
        .createTable('authors')
        .addColumn('id', 'serial', (column) => column.primaryKey())
        .addColumn('full_name', 'varchar', (column) => column.notNull().unique())
        .execute();
    },
    down: (db) => db.schema.dropTable('authors').execute(),
  },
  '2024-02-books': {
    async up(db) {
      await db.schema
        .createTable('books')
        .addColumn('id', 'bigserial', (column) => column.primaryKey())
        .addColumn('author_id', 'integer', (column) => column.references('authors.id').notNull())
        .addColumn('title', 'text', (column) => column.notNull())
        .addColumn('about', 'jsonb')
        .addColumn('tags', sql`text[]`)
        .addColumn('published', 'date')
        .addColumn('added_at', 'timestamptz')
        .addColumn('stock', 'bigint')
        .addColumn('cover', 'bytea')
        .execute();
    },
    down: (db) => db.schema.dropTable('books').execute(),
  },
  '2024-03-broken': {
    async up(db) {
      await db.schema.createTable('half').addColumn('id', 'integer').execute();
      await sql`alter table nowhere add x int`.execute(db);
    },
  },
};

const migrator = (db, names) =>
  new Migrator({
    db,
    provider: {
      getMigrations: async () => Object.fromEntries(names.map((name) => [name, MIGRATIONS[name]])),
    },
  });

async function migrate(db) {
  const names = Object.keys(MIGRATIONS);
  const good = names.slice(0, 2);
  const { results } = await migrator(db, good).migrateToLatest();
  const down = await migrator(db, good).migrateDown();
  await migrator(db, good).migrateToLatest();
  const broken = await migrator(db, names).migrateToLatest();
  const tables = await new PostgresIntrospector(db).getTables();
  return {
    results,
    down: down.results,
    broken: [broken.results, await refusal(Promise.reject(broken.error))],
    tables: tables.map(({ name, columns }) => [name, columns.map((column) => column.dataType)]),
  };
}

async function relations(db) {
  const authors = await db
    .insertInto('authors')
    .values([{ fullName: 'ann' }, { fullName: 'bob' }])
    .returning(['id', 'fullName'])
    .execute();
  const book = {
    title: 'A',
    about: JSON.stringify({ pages: 7, parts: [1, null, 'x'] }),
    tags: ['x', 'y "quoted"'],
    published: new Date(2024, 1, 29),
    addedAt: new Date('2024-02-29T12:34:56.789Z'),
    stock: 9007199254740993n,
    cover: Buffer.from([0, 1, 254, 255]),
  };
  const inserted = await db
    .insertInto('books')
    .values({ authorId: authors[0].id, ...book })
    .returningAll()
    .executeTakeFirstOrThrow();
  await db.insertInto('books').values({ authorId: authors[1].id, title: 'B' }).execute();
  const nested = await db
    .selectFrom('authors')
    .select((eb) => [
      'fullName',
      jsonArrayFrom(
        eb.selectFrom('books').select(['title']).whereRef('books.authorId', '=', 'authors.id'),
      ).as('books'),
    ])
    .orderBy('id')
    .execute();
  return {
    authors,
    inserted,
    nested,
    updated: await db.updateTable('books').set({ stock: 1 }).executeTakeFirst(),
    deleted: await db.deleteFrom('books').where('title', '=', 'B').executeTakeFirst(),
    upserted: await db
      .insertInto('authors')
      .values({ fullName: 'bob' })
      .onConflict((conflict) => conflict.column('fullName').doNothing())
      .executeTakeFirst(),
    missing: (
      await failure(
        db.selectFrom('authors').select('id').where('id', '=', 0).executeTakeFirstOrThrow(),
      )
    ).message,
  };
}

const namesOf = async (db) => {
  const rows = await db.selectFrom('authors').select('fullName').orderBy('id').execute();
  return rows.map(({ fullName }) => fullName);
};

async function transactions(db) {
  const add = (trx, fullName) => trx.insertInto('authors').values({ fullName }).execute();
  const failed = await failure(
    db.transaction().execute(async (trx) => {
      await add(trx, 'dan');
      throw new Error('changed my mind');
    }),
  );
  const level = await db
    .transaction()
    .setIsolationLevel('serializable')
    .execute((trx) => sql`show transaction_isolation`.execute(trx));
  const trx = await db.startTransaction().execute();
  await add(trx, 'eve');
  const before = await trx.savepoint('before').execute();
  const refused = await refusal(add(before, 'eve'));
  const aborted = await refusal(add(before, 'fay'));
  const after = await before.rollbackToSavepoint('before').execute();
  await add(after, 'gus');
  await trx.commit().execute();
  return { failed: failed.message, level: level.rows, refused, aborted, names: await namesOf(db) };
}

async function streams(db) {
  const numbers = () => db.selectFrom(sql`generate_series(1, 2500)`.as('n')).select(sql`n`.as('n'));
  let sum = 0;
  for await (const { n } of numbers().stream(100)) sum += n;
  let seen = 0;
  for await (const { n } of numbers().stream(10)) {
    seen = n;
    if (n === 25) break;
  }
  const broken = async () => {
    const rows = db.selectFrom(sql`generate_series(1, 9)`.as('n')).select(sql`1 / (3 - n)`.as('x'));
    for await (const _ of rows.stream(1));
  };
  return { sum, seen, broken: await refusal(broken()) };
}

async function errors(db) {
  const books = db.insertInto('books');
  return {
    unique: await refusal(db.insertInto('authors').values({ fullName: 'ann' }).execute()),
    foreignKey: await refusal(books.values({ authorId: 0, title: 'x' }).execute()),
    notNull: await refusal(books.values({ authorId: 1 }).execute()),
    syntax: await refusal(sql`selec 1`.execute(db)),
  };
}

async function concurrency(db, pool) {
  const queries = Array.from({ length: 40 }, (_, n) => sql`select ${n}::int * 2 as x`.execute(db));
  const answers = await Promise.all(queries);
  const sum = answers.reduce((total, { rows }) => total + rows[0].x, 0);
  return { sum, total: pool.totalCount };
}

async function notifications(pool) {
  const listener = await pool.connect();
  await listener.query('listen news');
  const heard = once(listener, 'notification');
  await pool.query("select pg_notify('news', 'hello')");
  const [{ channel, payload }] = await heard;
  listener.release();
  return { channel, payload };
}

report(async (connectionString) => {
  const pool = new Pool({ connectionString, max: 3 });
  const counts = count(pool, ['connect', 'remove', 'error']);
  let failed = 0;
  const db = new Kysely({
    dialect: new PostgresDialect({ pool: async () => pool, cursor: Cursor }),
    plugins: [new CamelCasePlugin()],
    log: ({ level }) => (failed += level === 'error'),
  });
  const observed = {
    migrations: await migrate(db.withoutPlugins()),
    relations: await relations(db),
    transactions: await transactions(db),
    streams: await streams(db),
    errors: await errors(db),
    concurrency: await concurrency(db, pool),
    notifications: await notifications(pool),
    sameModule: pg.Pool === Pool && pg.types === types,
  };
  await db.destroy();
  await removed(pool, counts);
  return { ...observed, counts, failed, ended: [pool.ended, pool.totalCount] };
});
