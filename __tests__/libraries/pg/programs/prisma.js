'use strict';
// The adapter as Prisma's client drives it, without the client, whose engine is a download.

const { PrismaPg } = require('@prisma/adapter-pg');
const { Pool } = require('pg');
const { count, failure, removed, report } = require('../report.js');

const SCHEMA = `
  create type kind as enum ('novel', 'poem');
  create table authors (id serial primary key, name varchar(20) not null unique);
  create table books (
    id bigserial primary key,
    author_id int not null references authors,
    title text not null,
    about jsonb,
    words text[],
    numbers int8[],
    published date,
    read_at timestamp,
    added_at timestamptz,
    sold_at time,
    stock bigint,
    price numeric(8, 2),
    rating float8,
    cover bytea,
    kind kind,
    key uuid,
    is_sold boolean
  )`;

/** A parameter with its type, as the client describes them. */
const scalar = (scalarType, value, dbType) => ({
  value,
  type: { scalarType, dbType, arity: 'scalar' },
});
const list = (scalarType, value) => ({ value, type: { scalarType, arity: 'list' } });

const query = (sql, ...parameters) => ({
  sql,
  args: parameters.map(({ value }) => value),
  argTypes: parameters.map(({ type }) => type),
});

const BOOK = {
  author_id: scalar('int', 1),
  title: scalar('string', 'A'),
  about: scalar('json', '{"pages":7,"parts":[1,null]}'),
  words: list('string', ['x', 'y "quoted"']),
  numbers: list('bigint', ['1', '9007199254740993']),
  published: scalar('datetime', '2024-02-29T00:00:00.000Z', 'DATE'),
  read_at: scalar('datetime', '2024-02-29T12:34:56.789Z', 'TIMESTAMP'),
  added_at: scalar('datetime', new Date('2024-02-29T12:34:56.789Z'), 'TIMESTAMPTZ'),
  sold_at: scalar('datetime', '1970-01-01T12:34:56.000Z', 'TIME'),
  stock: scalar('bigint', '9007199254740993'),
  price: scalar('decimal', '12.50'),
  rating: scalar('float', 0.1),
  cover: scalar('bytes', 'AAH+/w=='),
  kind: scalar('enum', 'poem'),
  key: scalar('uuid', '0d2e1f6a-5c77-4b19-9d7c-0c4f7d1a2b3c'),
  is_sold: scalar('boolean', true),
};

function insert(table, values) {
  const names = Object.keys(values);
  const places = names.map((_, index) => `$${index + 1}`);
  const sql = `insert into ${table} (${names}) values (${places}) returning *`;
  return query(sql, ...Object.values(values));
}

const author = (name) => insert('authors', { name: scalar('string', name) });

async function values(adapter) {
  return {
    author: await adapter.queryRaw(author('ann')),
    book: await adapter.queryRaw(insert('books', BOOK)),
    none: await adapter.queryRaw(query('select 1 as one where false')),
    updated: await adapter.executeRaw(
      query(
        'update books set stock = $1 where id = any($2)',
        scalar('bigint', '2'),
        list('bigint', ['1']),
      ),
    ),
    nothing: await adapter.executeRaw(query('create table notes (id int)')),
    duplicate: await adapter.queryRaw(query('select 1 as a, 2 as a')),
  };
}

/** What the client is told of an error, by kind. */
async function cause(promise) {
  const error = await failure(promise);
  return { name: error.name, ...error.cause };
}

const names = async (queryable) => {
  const { rows } = await queryable.queryRaw(query('select name from authors order by id'));
  return rows.map(([name]) => name);
};

async function transactions(adapter) {
  const abandoned = await adapter.startTransaction();
  await abandoned.executeRaw(author('dan'));
  const seen = [await names(abandoned), await names(adapter)];
  await abandoned.executeRaw(query('ROLLBACK'));
  await abandoned.rollback();

  const kept = await adapter.startTransaction('SERIALIZABLE');
  const level = await kept.queryRaw(query('show transaction_isolation'));
  await kept.executeRaw(author('eve'));
  await kept.createSavepoint('sp1');
  const refused = await cause(kept.executeRaw(author('eve')));
  const aborted = await cause(kept.executeRaw(author('fay')));
  await kept.rollbackToSavepoint('sp1');
  await kept.releaseSavepoint('sp1');
  await kept.executeRaw(author('gus'));
  await kept.executeRaw(query('COMMIT'));
  await kept.commit();
  return { seen, level: level.rows, refused, aborted, names: await names(adapter) };
}

async function errors(adapter) {
  const book = (changes) =>
    insert('books', { author_id: BOOK.author_id, title: BOOK.title, ...changes });
  return {
    unique: await cause(adapter.queryRaw(author('ann'))),
    tooLong: await cause(adapter.queryRaw(author('a'.repeat(21)))),
    foreignKey: await cause(adapter.queryRaw(book({ author_id: scalar('int', 0) }))),
    notNull: await cause(adapter.queryRaw(book({ title: scalar('string', null) }))),
    input: await cause(adapter.queryRaw(query('select $1::int', scalar('string', 'x')))),
    range: await cause(adapter.queryRaw(query('select 2147483647 + 1'))),
    table: await cause(adapter.queryRaw(query('select 1 from nowhere'))),
    column: await cause(adapter.queryRaw(query('select nothing from authors'))),
    syntax: await cause(adapter.queryRaw(query('selec 1'))),
    type: await cause(adapter.queryRaw(query("select '1,2'::point"))),
    script: await cause(adapter.executeScript('select 1; selec 2; select 3')),
  };
}

async function refusedConnections(connectionString) {
  const told = [];
  for (const change of [{ password: 'wrong' }, { pathname: '/nowhere' }, { port: '1' }]) {
    const url = Object.assign(new URL(connectionString), change);
    const adapter = await new PrismaPg(url.href).connect();
    const { originalMessage, ...rest } = await cause(adapter.queryRaw(query('select 1')));
    told.push(rest);
    await adapter.dispose();
  }
  return told;
}

async function concurrency(adapter) {
  const doubled = (n) => query('select $1::int * 2', scalar('int', n));
  const answers = await Promise.all(
    Array.from({ length: 40 }, (_, n) => adapter.queryRaw(doubled(n))),
  );
  const sum = answers.reduce((total, { rows }) => total + rows[0][0], 0);
  return { sum, connections: adapter.underlyingDriver().totalCount };
}

/** An idle connection that the server ends is told to the adapter's owner. */
async function ownPool(connectionString) {
  const pool = new Pool({ connectionString, max: 2 });
  const counts = count(pool, ['connect', 'remove']);
  let lost;
  const loss = new Promise((resolve) => (lost = resolve));
  const factory = new PrismaPg(pool, {
    disposeExternalPool: true,
    schema: 'public',
    onPoolError: ({ code }) => lost(code),
    statementNameGenerator: ({ sql }) => `s_${sql.length}`,
  });
  const adapter = await factory.connect();
  for (let n = 0; n < 3; n += 1) await adapter.queryRaw(query('select $1::int', scalar('int', n)));
  const named = await adapter.queryRaw(
    query("select name from pg_prepared_statements where name = 's_14'"),
  );
  const { rows } = await adapter.queryRaw(query('select pg_backend_pid()'));
  const other = await new PrismaPg(connectionString).connect();
  await other.queryRaw(query('select pg_terminate_backend($1)', scalar('int', rows[0][0])));
  const told = await loss;
  await other.dispose();
  const after = await adapter.queryRaw(query('select 1'));
  await adapter.dispose();
  await removed(pool, counts);
  return {
    named: named.rows,
    told,
    after: after.rows,
    info: adapter.getConnectionInfo(),
    counts,
    ended: pool.ended,
  };
}

report(async (connectionString) => {
  const adapter = await new PrismaPg({ connectionString, max: 3 }).connect();
  await adapter.executeScript(SCHEMA);
  const observed = {
    values: await values(adapter),
    transactions: await transactions(adapter),
    errors: await errors(adapter),
    refused: await refusedConnections(connectionString),
    concurrency: await concurrency(adapter),
    ownPool: await ownPool(connectionString),
  };
  await adapter.dispose();
  return { ...observed, ended: adapter.underlyingDriver().ended };
});
