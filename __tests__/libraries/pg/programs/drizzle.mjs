import { fileURLToPath } from 'node:url';
import { asc, count as countOf, eq, relations, sql } from 'drizzle-orm';
import { drizzle } from 'drizzle-orm/node-postgres';
import { migrate } from 'drizzle-orm/node-postgres/migrator';
import {
  bigint,
  bigserial,
  date,
  integer,
  jsonb,
  numeric,
  pgTable,
  serial,
  text,
  timestamp,
} from 'drizzle-orm/pg-core';
import reporting from '../report.js';

const { count, failure, refusal, removed, report } = reporting;

const authors = pgTable('authors', { id: serial().primaryKey(), name: text().notNull() });
const books = pgTable('books', {
  id: bigserial({ mode: 'bigint' }).primaryKey(),
  authorId: integer('author_id').notNull(),
  title: text().notNull(),
  about: jsonb(),
  tags: text().array(),
  published: date({ mode: 'string' }),
  addedAt: timestamp('added_at', { withTimezone: true }),
  seenAt: timestamp('seen_at'),
  price: numeric(),
  stock: bigint({ mode: 'bigint' }),
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
  const { rows } = await db.execute(
    sql`select created_at from drizzle.__drizzle_migrations order by id`,
  );
  return rows;
}

async function related(db) {
  const [ann, bob] = await db
    .insert(authors)
    .values([{ name: 'ann' }, { name: 'bob' }])
    .returning();
  const [book] = await db
    .insert(books)
    .values({
      authorId: ann.id,
      title: 'A',
      about: { pages: 7, parts: [1, null, 'x'] },
      tags: ['x', 'y "quoted"'],
      published: '2024-02-29',
      addedAt: new Date('2024-02-29T12:34:56.789Z'),
      seenAt: new Date('2024-02-29T12:34:56.789Z'),
      price: '12.50',
      stock: 9007199254740993n,
    })
    .returning();
  await db.insert(books).values({ authorId: bob.id, title: 'B' });
  const joined = await db
    .select({ name: authors.name, title: books.title })
    .from(authors)
    .innerJoin(books, eq(books.authorId, authors.id))
    .orderBy(asc(books.id));
  const nested = await db.query.authors.findMany({
    orderBy: asc(authors.id),
    with: { books: { columns: { title: true, addedAt: true } } },
  });
  const { rowCount, command } = await db
    .update(books)
    .set({ stock: 2n })
    .where(eq(books.title, 'B'));
  return {
    authors: [ann, bob],
    book,
    joined,
    nested,
    updated: [command, rowCount],
    upserted: await db
      .insert(books)
      .values({ id: book.id, authorId: ann.id, title: 'again' })
      .onConflictDoUpdate({ target: books.id, set: { title: sql`excluded.title || '!'` } })
      .returning({ title: books.title, stock: books.stock }),
    counted: await db.select({ books: countOf() }).from(books),
    raw: (await db.execute(sql`select now() is not null as dated, ${'x'}::text as text`)).rows,
  };
}

/** The statement lives on the server, under its name, on each connection that ran it. */
async function prepared(db) {
  const byName = db
    .select()
    .from(authors)
    .where(eq(authors.name, sql.placeholder('name')))
    .prepare('author_by_name');
  const found = [];
  for (const name of ['ann', 'bob', 'nobody']) found.push(await byName.execute({ name }));
  const { rows } = await db.execute(sql`select name from pg_prepared_statements`);
  return { found, rows };
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
  const level = await db.transaction(
    (tx) =>
      tx.execute(sql`select current_setting('transaction_isolation') as level,
      current_setting('transaction_read_only') as read_only`),
    { isolationLevel: 'repeatable read', accessMode: 'read only' },
  );
  const names = await db.select({ name: authors.name }).from(authors).orderBy(authors.id);
  const messages = [failed.message, rolledBack.message];
  return { messages, inner, level: level.rows, names: names.map(({ name }) => name) };
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

async function concurrency(db) {
  const queries = Array.from({ length: 40 }, (_, n) => db.execute(sql`select ${n}::int * 2 as x`));
  const answers = await Promise.all(queries);
  const sum = answers.reduce((total, { rows }) => total + rows[0].x, 0);
  return { sum, total: db.$client.totalCount };
}

report(async (connectionString) => {
  const db = drizzle({ connection: { connectionString, max: 3 }, schema });
  const counts = count(db.$client, ['connect', 'remove', 'error']);
  const observed = {
    migrations: await migrateTwice(db),
    related: await related(db),
    prepared: await prepared(db),
    transactions: await transactions(db),
    errors: await errors(db),
    concurrency: await concurrency(db),
  };
  await db.$client.end();
  await removed(db.$client, counts);
  return { ...observed, counts };
});
