import { fileURLToPath } from 'node:url';
import { asc, count as countOf, eq, relations, sql } from 'drizzle-orm';
import { drizzle } from 'drizzle-orm/mysql2';
import { migrate } from 'drizzle-orm/mysql2/migrator';
import {
  bigint,
  boolean,
  date,
  datetime,
  decimal,
  int,
  json,
  mysqlTable,
  timestamp,
  varchar,
} from 'drizzle-orm/mysql-core';
import mysql from 'mysql2/promise';
import reporting from '../report.js';

const { failure, refusal, report } = reporting;

const authors = mysqlTable('authors', {
  id: int().autoincrement().primaryKey(),
  name: varchar({ length: 99 }).notNull(),
});
const books = mysqlTable('books', {
  id: bigint({ mode: 'number' }).autoincrement().primaryKey(),
  authorId: int('author_id').notNull(),
  title: varchar({ length: 99 }).notNull(),
  about: json(),
  published: date({ mode: 'string' }),
  addedAt: datetime('added_at', { fsp: 3 }),
  seenAt: timestamp('seen_at', { fsp: 3 }),
  price: decimal({ precision: 8, scale: 2 }),
  stock: bigint({ mode: 'bigint' }),
  isSold: boolean('is_sold'),
});
const schema = {
  authors,
  books,
  authorsRelations: relations(authors, ({ many }) => ({ books: many(books) })),
  booksRelations: relations(books, ({ one }) => ({
    author: one(authors, { fields: [books.authorId], references: [authors.id] }),
  })),
};

const refusedBy = (promise) => refusal(promise, ({ cause }) => cause);

async function migrateTwice(db) {
  const migrationsFolder = fileURLToPath(new URL('drizzle-migrations', import.meta.url));
  await migrate(db, { migrationsFolder });
  await migrate(db, { migrationsFolder });
  const [rows] = await db.execute(sql`select created_at from __drizzle_migrations order by id`);
  return rows;
}

async function related(db) {
  const ids = await db
    .insert(authors)
    .values([{ name: 'ann' }, { name: 'bob' }])
    .$returningId();
  const [header] = await db.insert(books).values({
    authorId: ids[0].id,
    title: "it's A",
    about: { pages: 7, parts: [1, null, 'x'] },
    published: '2024-02-29',
    addedAt: new Date('2024-02-29T12:34:56.789Z'),
    seenAt: new Date('2024-02-29T12:34:56.789Z'),
    price: '12.50',
    stock: 9007199254740991n,
    isSold: false,
  });
  await db.insert(books).values({ authorId: ids[1].id, title: 'B' });
  const joined = await db
    .select({ name: authors.name, title: books.title })
    .from(authors)
    .innerJoin(books, eq(books.authorId, authors.id))
    .orderBy(asc(books.id));
  const [update] = await db.update(books).set({ stock: 2n }).where(eq(books.title, 'B'));
  const upsert = { id: header.insertId, authorId: ids[0].id, title: 'again' };
  await db
    .insert(books)
    .values(upsert)
    .onDuplicateKeyUpdate({ set: { title: sql`concat(values(title), '!')` } });
  return {
    ids,
    header: [header.affectedRows, header.insertId],
    joined,
    updated: [update.affectedRows, update.changedRows],
    books: await db.select().from(books).orderBy(asc(books.id)),
    counted: await db.select({ books: countOf() }).from(books),
    raw: (await db.execute(sql`select now() is not null as dated, ${'x'} as text`))[0],
  };
}

async function prepared(db) {
  const byName = db
    .select()
    .from(authors)
    .where(eq(authors.name, sql.placeholder('name')))
    .prepare();
  const found = [];
  for (const name of ['ann', 'bob', 'nobody']) found.push(await byName.execute({ name }));
  return found;
}

async function transactions(db) {
  const add = (tx, name) => tx.insert(authors).values({ name });
  const failed = await failure(
    db.transaction(async (tx) => {
      await add(tx, 'dan');
      throw new Error('changed my mind');
    }),
  );
  const rolledBack = await failure(
    db.transaction(async (tx) => {
      await add(tx, 'dan');
      tx.rollback();
    }),
  );
  let inner;
  await db.transaction(async (tx) => {
    await add(tx, 'eve');
    inner = await refusedBy(
      tx.transaction(async (nested) => {
        await add(nested, 'fay');
        await add(nested, 'eve');
      }),
    );
    await tx.transaction((nested) => add(nested, 'gus'));
  });
  const readOnly = await refusedBy(
    db.transaction((tx) => add(tx, 'ian'), { accessMode: 'read only' }),
  );
  const names = await db.select({ name: authors.name }).from(authors).orderBy(authors.id);
  const messages = [failed.message, rolledBack.message];
  return { messages, inner, readOnly, names: names.map(({ name }) => name) };
}

async function errors(db) {
  const again = await failure(db.insert(authors).values({ name: 'ann' }));
  return {
    wrapped: [again.constructor.name, again.query, again.params],
    unique: await refusal(Promise.reject(again.cause)),
    foreignKey: await refusedBy(db.insert(books).values({ authorId: 0, title: 'x' })),
    syntax: await refusedBy(db.execute(sql`selec 1`)),
  };
}

async function concurrency(db, pool) {
  const queries = Array.from({ length: 40 }, (_, n) => db.execute(sql`select ${n} * 2 as x`));
  const answers = await Promise.all(queries);
  const sum = answers.reduce((total, [[{ x }]]) => total + x, 0);
  return { sum, all: pool.pool._allConnections.length };
}

report(async (uri) => {
  const pool = mysql.createPool({ uri, connectionLimit: 3 });
  const db = drizzle({ client: pool, schema, mode: 'planetscale' });
  const observed = {
    migrations: await migrateTwice(db),
    related: await related(db),
    prepared: await prepared(db),
    transactions: await transactions(db),
    errors: await errors(db),
    concurrency: await concurrency(db, pool),
  };
  await pool.end();
  return observed;
});
