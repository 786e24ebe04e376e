import { CamelCasePlugin, Kysely, Migrator, MysqlDialect, sql } from 'kysely';
import { createPool } from 'mysql2';
import reporting from '../report.js';

const { count, failure, refusal, report } = reporting;

const MIGRATIONS = {
  '2024-01-authors': {
    async up(db) {
      await db.schema
        .createTable('authors')
        .addColumn('id', 'integer', (column) => column.autoIncrement().primaryKey())
        .addColumn('full_name', 'varchar(99)', (column) => column.notNull().unique())
        .execute();
    },
    down: (db) => db.schema.dropTable('authors').execute(),
  },
  '2024-02-books': {
    async up(db) {
      await db.schema
        .createTable('books')
        .addColumn('id', 'bigint', (column) => column.autoIncrement().primaryKey())
        .addColumn('author_id', 'integer', (column) => column.notNull())
        .addColumn('title', 'varchar(99)', (column) => column.notNull())
        .addColumn('about', 'json')
        .addColumn('published', 'date')
        .addColumn('added_at', 'datetime(3)')
        .addColumn('stock', 'bigint')
        .addColumn('price', 'decimal(8, 2)')
        .addColumn('cover', 'blob')
        .addForeignKeyConstraint('books_author', ['author_id'], 'authors', ['id'])
        .execute();
    },
    down: (db) => db.schema.dropTable('books').execute(),
  },
  '2024-03-broken': {
    up: (db) => sql`alter table nowhere add x int`.execute(db),
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
  const tables = await db.introspection.getTables();
  return {
    results,
    down: down.results,
    broken: [broken.results, await refusal(Promise.reject(broken.error))],
    tables: tables.map(({ name, columns }) => [name, columns.map((column) => column.name)]),
  };
}

async function relations(db) {
  const ann = await db.insertInto('authors').values({ fullName: 'ann' }).executeTakeFirst();
  const bob = await db.insertInto('authors').values({ fullName: 'bob' }).executeTakeFirst();
  const book = {
    title: "it's A",
    about: JSON.stringify({ pages: 7, parts: [1, null, 'x'] }),
    published: new Date(2024, 1, 29),
    addedAt: new Date('2024-02-29T12:34:56.789Z'),
    stock: 9007199254740991n,
    price: '12.5',
    cover: Buffer.from([0, 1, 254, 255]),
  };
  await db
    .insertInto('books')
    .values({ authorId: Number(ann.insertId), ...book })
    .execute();
  await db
    .insertInto('books')
    .values({ authorId: Number(bob.insertId), title: 'B' })
    .execute();
  const joined = db
    .selectFrom('authors')
    .innerJoin('books', 'books.authorId', 'authors.id')
    .select(['authors.fullName', 'books.title'])
    .orderBy('books.id');
  return {
    inserted: [ann, bob],
    book: await db.selectFrom('books').selectAll().where('title', '=', "it's A").execute(),
    joined: await joined.execute(),
    updated: await db.updateTable('books').set({ stock: 1 }).executeTakeFirst(),
    same: await db.updateTable('books').set({ stock: 1 }).executeTakeFirst(),
    deleted: await db.deleteFrom('books').where('title', '=', 'B').executeTakeFirst(),
    upserted: await db
      .insertInto('authors')
      .values({ fullName: 'bob' })
      .onDuplicateKeyUpdate({ fullName: 'bob!' })
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
  await db
    .transaction()
    .setIsolationLevel('serializable')
    .execute((trx) => add(trx, 'sue'));
  const trx = await db.startTransaction().execute();
  await add(trx, 'eve');
  const before = await trx.savepoint('before').execute();
  const refused = await refusal(add(before, 'eve'));
  await add(before, 'fay');
  const after = await before.rollbackToSavepoint('before').execute();
  await add(after, 'gus');
  await trx.commit().execute();
  return { failed: failed.message, refused, names: await namesOf(db) };
}

async function streams(db) {
  const numbers = () =>
    db
      .withRecursive('numbers(n)', (cte) =>
        cte.selectNoFrom(sql`1`.as('n')).unionAll(
          cte
            .selectFrom('numbers')
            .select(sql`n + 1`.as('n'))
            .where('n', '<', 900),
        ),
      )
      .selectFrom('numbers')
      .select('n');
  let sum = 0;
  for await (const { n } of numbers().stream(100)) sum += n;
  let seen = 0;
  for await (const { n } of numbers().stream()) {
    seen = n;
    if (n === 25) break;
  }
  const broken = async () => {
    for await (const _ of db.selectFrom('nothing').selectAll().stream(1));
  };
  return { sum, seen, broken: await refusal(broken()) };
}

async function errors(db) {
  const books = db.insertInto('books');
  return {
    unique: await refusal(db.insertInto('authors').values({ fullName: 'ann' }).execute()),
    foreignKey: await refusal(books.values({ authorId: 0, title: 'x' }).execute()),
    missing: await refusal(books.values({ authorId: 1 }).execute()),
    syntax: await refusal(sql`selec 1`.execute(db)),
  };
}

async function concurrency(db, pool) {
  const queries = Array.from({ length: 40 }, (_, n) => sql`select ${n} * 2 as x`.execute(db));
  const answers = await Promise.all(queries);
  const sum = answers.reduce((total, { rows }) => total + rows[0].x, 0);
  return { sum, all: pool._allConnections.length, waiting: pool._connectionQueue.length };
}

report(async (uri) => {
  const pool = createPool({ uri, connectionLimit: 3 });
  const counts = count(pool, ['connection', 'error']);
  const db = new Kysely({
    dialect: new MysqlDialect({ pool: async () => pool }),
    plugins: [new CamelCasePlugin()],
    log: () => {},
  });
  const observed = {
    migrations: await migrate(db.withoutPlugins()),
    relations: await relations(db),
    transactions: await transactions(db),
    streams: await streams(db),
    errors: await errors(db),
    concurrency: await concurrency(db, pool),
  };
  await db.destroy();
  return { ...observed, counts, closed: pool._closed };
});
