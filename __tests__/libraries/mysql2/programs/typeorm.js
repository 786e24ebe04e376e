'use strict';

const { DataSource, EntitySchema, In, IsNull } = require('typeorm');
const { failure, refusal, report } = require('../report.js');

const Author = new EntitySchema({
  name: 'Author',
  tableName: 'authors',
  columns: {
    id: { type: Number, primary: true, generated: true },
    name: { type: 'varchar', length: 99, unique: true },
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
    title: { type: 'varchar', length: 99 },
    about: { type: 'simple-json', nullable: true },
    words: { type: 'simple-array', nullable: true },
    published: { type: 'date', nullable: true },
    addedAt: { type: 'datetime', precision: 3, nullable: true },
    stock: { type: 'bigint', nullable: true },
    price: { type: 'decimal', precision: 8, scale: 2, nullable: true },
    cover: { type: 'blob', nullable: true },
    kind: { type: 'enum', enum: ['novel', 'poem'], default: 'novel' },
    isSold: { type: Boolean, default: false },
    lasts: { type: 'time', nullable: true },
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
  columns: { name: { type: 'varchar', length: 20, primary: true } },
});

class Notes1700000000000 {
  name = 'Notes1700000000000';
  up = (runner) => runner.query('create table notes (id int primary key, text text)');
  down = (runner) => runner.dropTable('notes');
}
class Broken1700000001000 {
  name = 'Broken1700000001000';
  up = (runner) => runner.query('alter table nowhere add x int');
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
  logMigration() {},
};

const options = (url, rest) => ({
  type: 'mysql',
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
  await other.destroy();
  await source.synchronize();
  return { done, pending, refused, logged: [...logged] };
}

const BOOK = {
  title: "it's A",
  about: { pages: 7, parts: [1, null, 'x'] },
  words: ['x', 'y "quoted"'],
  published: '2024-02-29',
  addedAt: new Date('2024-02-29T12:34:56.789Z'),
  stock: '9007199254740993',
  price: '12.50',
  cover: Buffer.from([0, 1, 254, 255]),
  kind: 'poem',
  isSold: true,
  lasts: '-12:34:56',
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
    order: { books: { title: 'DESC', tags: { name: 'ASC' } } },
  });
  const joined = await books
    .createQueryBuilder('book')
    .innerJoin('book.author', 'author')
    .select(['book.title as title', 'author.name as name', 'count(*) over () as total'])
    .where('book.title in (:...titles)', { titles: ["it's A", 'B'] })
    .orderBy('book.title')
    .getRawMany();
  const { identifiers } = await authors.insert([{ name: 'bob' }, { name: 'cid' }]);
  const [{ id }] = identifiers;
  await authors.upsert([{ id, name: 'bobby' }], ['id']);
  return {
    read: { ...read, books: read.books.map(({ id: _id, ...book }) => book) },
    joined,
    identifiers: identifiers.length,
    upserted: (await authors.findOneBy({ id })).name,
    updated: (await books.update({ stock: IsNull() }, { stock: '2' })).affected,
    found: await books.countBy({ title: In(["it's A", 'Z']) }),
    deleted: (await authors.delete({ name: 'cid' })).affected,
    page: await books.findAndCount({ select: { title: true }, order: { title: 'ASC' }, take: 1 }),
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
  const locked = await source.transaction('SERIALIZABLE', (manager) =>
    manager.findOne('Author', { where: { name: 'eve' }, lock: { mode: 'pessimistic_write' } }),
  );
  const names = namesOf(await source.manager.find('Author', { order: { id: 'ASC' } }));
  return { failed: failed.message, refused, locked: locked.name, names };
}

async function streams(source) {
  const runner = source.createQueryRunner();
  const numbers = await runner.stream(
    `with recursive numbers(n) as (select 1 union all select n + 1 from numbers where n < ?)
     select n from numbers`,
    [900],
  );
  let sum = 0;
  for await (const { n } of numbers) sum += Number(n);
  await runner.release();
  return sum;
}

async function errors(source) {
  const unique = await failure(source.manager.insert('Author', { name: 'anna' }));
  return {
    unique: [unique.name, unique.code, unique.driverError.errno],
    missing: await refusal(source.manager.insert('Book', { title: 'x' }), sourceOf),
    syntax: await refusal(source.query('selec 1'), sourceOf),
  };
}

async function concurrency(source) {
  const queries = Array.from({ length: 40 }, (_, n) => source.query('select ? * 2 as x', [n]));
  const answers = await Promise.all(queries);
  const { pool } = source.driver;
  return {
    sum: answers.reduce((total, [{ x }]) => total + Number(x), 0),
    all: pool._allConnections.length,
  };
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
  };
  await source.destroy();
  const wrong = new URL(url);
  wrong.password = 'wrong';
  const refused = await failure(new DataSource(options(wrong.href)).initialize());
  return { ...observed, refused: refused.code, isInitialized: source.isInitialized };
});
