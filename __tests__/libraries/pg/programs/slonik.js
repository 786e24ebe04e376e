'use strict';

const slonik = require('slonik');
const { z } = require('zod');
const { failure, report } = require('../report.js');

const { createPool, createTypeParserPreset, sql } = slonik;

/** Checks rows against the query's schema, as slonik's documents show. */
const validate = {
  transformRow({ resultParser: parser }, { sql: text, values }, row, fields) {
    if (!parser) return row;
    const checked = parser.safeParse(row);
    if (!checked.success) {
      const { SchemaValidationError } = slonik;
      throw new SchemaValidationError({ sql: text, values }, row, checked.error.issues);
    }
    return Object.fromEntries(fields.map(({ name }) => [name, checked.data[name]]));
  },
};

const Author = z.object({ id: z.number(), name: z.string() });
const statement = sql.unsafe;

const SCHEMA = [
  statement`create table authors (id serial primary key, name text not null unique)`,
  statement`create table books (
    id bigserial primary key,
    author_id int not null references authors,
    title text not null check (title <> ''),
    about jsonb,
    words text[],
    published date,
    added_at timestamptz,
    stock bigint,
    lasts interval,
    cover bytea
  )`,
];

/** slonik's class says what went wrong; the server's error is the cause. */
async function refused(promise) {
  const error = await failure(promise);
  const { message, cause, constraint, issues } = error;
  const code = cause?.code ?? error.code;
  return { name: error.constructor.name, message, code, constraint, issues };
}

async function reading(pool) {
  const ann = sql.type(Author)`insert into authors (name) values (${'ann'}) returning *`;
  const author = await pool.one(ann);
  await pool.query(
    sql.unsafe`insert into authors (name)
      select * from ${sql.unnest([['bob'], ['cid']], ['text'])} returning id`,
  );
  const inserted = await pool.one(
    statement`insert into books
      (author_id, title, about, words, published, added_at, stock, lasts, cover)
      values (${author.id}, ${'A'}, ${sql.jsonb({ pages: 7, parts: [1, null, 'x'] })},
        ${sql.array(['x', 'y "quoted"'], 'text')}, ${sql.date(new Date('2024-02-29T12:00:00Z'))},
        ${sql.timestamp(new Date('2024-02-29T12:34:56.789Z'))}, ${9007199254740991n},
        ${sql.interval({ days: 1, hours: 2 })}, ${sql.binary(Buffer.from([0, 1, 254, 255]))})
      returning *`,
  );
  const joined = statement`select name, title from books join authors on author_id = authors.id`;
  const condition = sql.join(
    [sql.fragment`name = ${'ann'}`, sql.fragment`id > ${0}`],
    sql.fragment` and `,
  );
  return {
    author,
    inserted,
    joined: await pool.any(joined),
    first: await pool.oneFirst(statement`select count(*) from authors`),
    maybe: await pool.maybeOne(statement`select 1 as one where false`),
    many: await pool.manyFirst(statement`select name from authors order by id`),
    exists: await pool.exists(statement`select 1 from authors where ${condition}`),
    missing: await refused(pool.one(statement`select 1 from authors where false`)),
    several: await refused(pool.one(statement`select 1 from authors`)),
    invalid: await refused(pool.one(sql.type(Author)`select 1 as id, 2 as name`)),
    result: await pool.query(statement`update books set stock = ${1} where title = ${'A'}`),
  };
}

async function transactions(pool) {
  const add = (handler, name) =>
    handler.query(statement`insert into authors (name) values (${name})`);
  const failed = await failure(
    pool.transaction(async (transaction) => {
      await add(transaction, 'dan');
      throw new Error('changed my mind');
    }),
  );
  let nested;
  await pool.transaction(async (transaction) => {
    await add(transaction, 'eve');
    nested = await refused(
      transaction.transaction(async (inner) => {
        await add(inner, 'fay');
        await add(inner, 'eve');
      }),
    );
    await transaction.transaction((inner) => add(inner, 'gus'));
  });
  const names = await pool.manyFirst(statement`select name from authors order by id`);
  return { failed: failed.message, nested, names };
}

async function streams(pool) {
  let sum = 0;
  let names;
  await pool.stream(statement`select n from generate_series(1, ${2000}::int) n`, (stream) => {
    stream.on('data', ({ data, fields }) => {
      sum += data.n;
      names = fields;
    });
  });
  const broken = pool.stream(
    statement`select 1 / (3 - n) as x from generate_series(1, 9) n`,
    (stream) => stream.on('data', () => {}),
  );
  return {
    sum,
    names,
    broken: await refused(broken),
    after: await pool.oneFirst(statement`select 1`),
  };
}

async function errors(pool) {
  const end = statement`select pg_terminate_backend(pg_backend_pid())`;
  return {
    unique: await refused(pool.query(statement`insert into authors (name) values ('ann')`)),
    foreignKey: await refused(
      pool.query(statement`insert into books (author_id, title) values (0, 'x')`),
    ),
    notNull: await refused(pool.query(statement`insert into authors (name) values (null)`)),
    check: await refused(
      pool.query(statement`insert into books (author_id, title) values (1, '')`),
    ),
    syntax: await refused(pool.query(statement`selec 1`)),
    input: await refused(pool.query(statement`select 'x'::int`)),
    terminated: (await refused(pool.query(end))).name,
    after: await pool.oneFirst(statement`select 2`),
  };
}

async function timeouts(url) {
  const pool = await createPool(url, { statementTimeout: 500, typeParsers: [] });
  const error = await refused(pool.query(statement`select pg_sleep(10)`));
  await pool.end();
  return error;
}

async function concurrency(pool) {
  const query = (_, n) => pool.oneFirst(statement`select ${n}::int * 2`);
  const answers = await Promise.all(Array.from({ length: 40 }, query));
  const { acquiredConnections, idleConnections, waitingClients } = pool.state();
  // One may still be on its way when the others have answered everything.
  const isBounded = acquiredConnections + idleConnections <= 3;
  return { sum: answers.reduce((total, x) => total + x), isBounded, waitingClients };
}

async function notices(pool) {
  return pool.connect(async (connection) => {
    const { notices: heard } = await connection.query(
      statement`do $$ begin raise notice 'one'; raise warning 'two'; end $$`,
    );
    return heard.map(({ message }) => message);
  });
}

report(async (url) => {
  const told = [];
  const timeout = timeouts(url);
  const pool = await createPool(url, {
    maximumPoolSize: 3,
    interceptors: [validate],
    typeParsers: [
      ...createTypeParserPreset(),
      { name: 'jsonb', parse: (text) => ({ parsed: JSON.parse(text) }) },
    ],
  });
  pool.on('error', (error) => told.push(error.constructor.name));
  for (const text of SCHEMA) await pool.query(text);
  const observed = {
    reading: await reading(pool),
    transactions: await transactions(pool),
    streams: await streams(pool),
    errors: await errors(pool),
    concurrency: await concurrency(pool),
    notices: await notices(pool),
    timeout: await timeout,
  };
  await pool.end();
  return { ...observed, told, ended: pool.state().state };
});
