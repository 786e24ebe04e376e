'use strict';

const { once } = require('node:events');
const { DataSource, EntitySchema, In, IsNull, Raw } = require('typeorm');
const { failure, refusal, report } = require('../report.js');

const Author = new EntitySchema({
  name: 'Author',
  tableName: 'authors',
  columns: {
    id: { type: Number, primary: true, generated: true },
    name: { type: 'text', unique: true },
    version: { type: Number, version: true },
  },
  relations: {
    books: { type: 'one-to-many', target: 'Book', inverseSide: 'author', cascade: true },
  },
});
const Book = new EntitySchema({
  name: 'Book',
  tableName: 'books',
  columns: {
    id: { type: 'bigint', primary: true, generated: true },
    title: { type: 'text' },
    about: { type: 'jsonb', nullable: true },
    words: { type: 'text', array: true, nullable: true },
    published: { type: 'date', nullable: true },
    addedAt: { type: 'timestamptz', nullable: true },
    stock: { type: 'bigint', nullable: true },
    price: { type: 'numeric', precision: 8, scale: 2, nullable: true },
    cover: { type: 'bytea', nullable: true },
    kind: { type: 'enum', enum: ['novel', 'poem'], default: 'novel' },
    key: { type: 'uuid', nullable: true },
    lasts: { type: 'interval', nullable: true },
    place: { type: 'point', nullable: true },
  },
  relations: {
    author: {
      type: 'many-to-one',
      target: 'Author',
      inverseSide: 'books',
      joinColumn: { name: 'author_id' },
      nullable: false,
    },
    tags: { type: 'many-to-many', target: 'Tag', joinTable: { name: 'book_tags' }, cascade: true },
  },
});
const Tag = new EntitySchema({
  name: 'Tag',
  tableName: 'tags',
  columns: { name: { type: 'text', primary: true } },
});

class Notes1700000000000 {
  name = 'Notes1700000000000';
  up = (runner) => runner.query('create table notes (id int primary key, text text)');
  down = (runner) => runner.dropTable('notes');
}
class Broken1700000001000 {
  name = 'Broken1700000001000';
  up = async (runner) => {
    await runner.query('create table half (id int)');
    await runner.query('alter table nowhere add x int');
  };
  down = async () => {};
}

/** Without one TypeORM prints what fails. */
const logged = [];
const logger = {
  log() {},
  logQuery() {},
  logQueryError: ({ code }) => logged.push(code),
  logQuerySlow() {},
  logSchemaBuild() {},
  logMigration: (message) => logged.push(message),
};

const options = (url, rest) => ({
  type: 'postgres',
  url,
  logger,
  poolSize: 3,
  entities: [Author, Book, Tag],
  migrations: [Notes1700000000000],
  ...rest,
});

const sourceOf = ({ driverError }) => driverError;
const namesOf = (found) => found.map(({ name }) => name);

async function migrate(url, source) {
  const done = namesOf(await source.runMigrations());
  await source.undoLastMigration();
  const pending = await source.showMigrations();
  await source.runMigrations();
  const migrations = [Notes1700000000000, Broken1700000001000];
  const other = await new DataSource(options(url, { migrations })).initialize();
  const refused = await refusal(other.runMigrations(), sourceOf);
  const runner = other.createQueryRunner();
  const tables = [await runner.hasTable('notes'), await runner.hasTable('half')];
  await runner.release();
  await other.destroy();
  await source.synchronize();
  const log = await source.driver.createSchemaBuilder().log();
  return {
    done,
    pending,
    refused,
    logged: [...logged],
    tables,
    isInStep: log.upQueries.length === 0,
  };
}

const BOOK = {
  title: 'A',
  about: { pages: 7, parts: [1, null, 'x'] },
  words: ['x', 'y "quoted"'],
  published: '2024-02-29',
  addedAt: new Date('2024-02-29T12:34:56.789Z'),
  stock: '9007199254740993',
  price: '12.50',
  cover: Buffer.from([0, 1, 254, 255]),
  kind: 'poem',
  key: '0d2e1f6a-5c77-4b19-9d7c-0c4f7d1a2b3c',
  lasts: '1 day 02:03:04',
  place: '(1.5,2)',
};

async function relations(source) {
  const [authors, books] = [source.getRepository('Author'), source.getRepository('Book')];
  const tags = [{ name: 'red' }, { name: 'blue' }];
  const saved = await authors.save({ name: 'ann', books: [{ ...BOOK, tags }, { title: 'B' }] });
  saved.name = 'anna';
  await authors.save(saved);
  const read = await authors.findOne({
    where: { name: 'anna' },
    relations: { books: { tags: true } },
    order: { books: { id: 'ASC', tags: { name: 'ASC' } } },
  });
  const joined = await books
    .createQueryBuilder('book')
    .innerJoin('book.author', 'author')
    .select(['book.title as title', 'author.name as name', 'count(*) over () as total'])
    .where('book.title in (:...titles)', { titles: ['A', 'B'] })
    .orderBy('book.title')
    .getRawMany();
  const { identifiers } = await authors.insert([{ name: 'bob' }, { name: 'cid' }]);
  const upserted = await authors.upsert([{ name: 'bob' }], ['name']);
  return {
    read,
    joined,
    identifiers,
    upserted: upserted.identifiers,
    updated: (await books.update({ stock: IsNull() }, { stock: '2' })).affected,
    found: await books.countBy({ title: In(['A', 'Z']) }),
    raw: await books.countBy({ words: Raw((name) => `:word = any(${name})`, { word: 'x' }) }),
    deleted: (await authors.delete({ name: 'cid' })).affected,
    page: await books.findAndCount({ select: { title: true }, order: { id: 'DESC' }, take: 1 }),
  };
}

async function transactions(source) {
  const failed = await failure(
    source.transaction(async (manager) => {
      await manager.insert('Author', { name: 'dan' });
      throw new Error('changed my mind');
    }),
  );
  let refused;
  await source.transaction(async (manager) => {
    await manager.insert('Author', { name: 'eve' });
    const nested = manager.transaction((inner) => inner.insert('Author', { name: 'eve' }));
    refused = await refusal(nested, sourceOf);
    await manager.transaction((inner) => inner.insert('Author', { name: 'gus' }));
  });
  const level = await source.transaction('SERIALIZABLE', (manager) =>
    manager.query('show transaction_isolation'),
  );
  const locked = await source.transaction((manager) =>
    manager.findOne('Author', { where: { name: 'eve' }, lock: { mode: 'pessimistic_write' } }),
  );
  const names = namesOf(await source.manager.find('Author', { order: { id: 'ASC' } }));
  return { failed: failed.message, refused, level, locked: locked.name, names };
}

async function streams(source) {
  const runner = source.createQueryRunner();
  const numbers = await runner.stream('select n from generate_series(1, $1::int) n', [3000]);
  let sum = 0;
  for await (const { n } of numbers) sum += n;
  const broken = await runner.stream('select 1 / (3 - n) as x from generate_series(1, 9) n');
  const drained = (async () => {
    for await (const _ of broken);
  })();
  const refused = await refusal(drained);
  const after = await runner.query('select 1 as one');
  await runner.release();
  const books = source.getRepository('Book').createQueryBuilder('book');
  const titles = [];
  for await (const row of await books.orderBy('book.id').stream()) titles.push(row.book_title);
  return { sum, refused, after, titles };
}

async function errors(source) {
  const unique = await failure(source.manager.insert('Author', { name: 'anna' }));
  return {
    unique: [unique.name, unique.code, unique.constraint, unique.parameters],
    foreignKey: await refusal(
      source.manager.insert('Book', { title: 'x', author: { id: 0 } }),
      sourceOf,
    ),
    notNull: await refusal(source.manager.insert('Book', { title: 'x' }), sourceOf),
    syntax: await refusal(source.query('selec 1'), sourceOf),
    missing: (await failure(source.manager.findOneByOrFail('Author', { id: 0 }))).name,
  };
}

async function concurrency(source) {
  const query = (_, n) => source.query('select $1::int * 2 as x', [n]);
  const answers = await Promise.all(Array.from({ length: 40 }, query));
  const structured = source.createQueryRunner();
  const { affected, raw } = await structured.query('update authors set version = 7', [], true);
  await structured.release();
  return {
    sum: answers.reduce((total, [{ x }]) => total + x, 0),
    structured: [affected, raw],
    connections: source.driver.master.totalCount,
  };
}

async function notifications(source) {
  const runner = source.createQueryRunner();
  const client = await runner.connect();
  await runner.query('listen news');
  const heard = once(client, 'notification');
  await source.query("select pg_notify('news', 'hello')");
  const [{ channel, payload }] = await heard;
  await runner.release();
  return { channel, payload };
}

async function rejected(connectionString) {
  const url = new URL(connectionString);
  url.password = 'wrong';
  return refusal(new DataSource(options(url.href)).initialize());
}

report(async (url) => {
  const source = await new DataSource(options(url)).initialize();
  const observed = {
    migrations: await migrate(url, source),
    relations: await relations(source),
    transactions: await transactions(source),
    streams: await streams(source),
    errors: await errors(source),
    concurrency: await concurrency(source),
    notifications: await notifications(source),
    rejected: await rejected(url),
  };
  const { master } = source.driver;
  await source.destroy();
  return { ...observed, ended: [master.ended, source.isInitialized] };
});
