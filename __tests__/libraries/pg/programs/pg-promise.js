'use strict';

const { once } = require('node:events');
const createPromise = require('pg-promise');
const QueryStream = require('pg-query-stream');
const { failure, refusal, report } = require('../report.js');

const { ParameterizedQuery, PreparedStatement, queryResult, txMode } = createPromise;

const SCHEMA = `
  create table authors (id serial primary key, name text not null unique);
  create table books (
    id bigserial primary key,
    author_id int not null references authors,
    title text not null,
    about jsonb,
    words text[],
    published date,
    added_at timestamptz,
    stock bigint,
    price numeric(8, 2),
    cover bytea
  )`;

/** How often each event of the library came. */
function watched() {
  const counts = { connect: 0, fresh: 0, disconnect: 0, query: 0, receive: 0, error: 0, task: 0 };
  counts.transact = 0;
  const options = {
    connect: ({ useCount }) => {
      counts.connect += 1;
      counts.fresh += useCount === 0;
    },
    extend: (object) => (object.authorNamed = (name) => object.one(BY_NAME, name)),
    noWarnings: true,
  };
  // A connection that is lost may have more than one thing to say.
  options.error = (_, { cn: lost }) => (counts.error += lost ? 0 : 1);
  for (const name of ['disconnect', 'query', 'receive', 'task', 'transact']) {
    options[name] = () => (counts[name] += 1);
  }
  return { counts, options };
}

const BY_NAME = 'select id, name from authors where name = $1';

async function writing(db, { helpers }) {
  const columns = new helpers.ColumnSet(['name'], { table: 'authors' });
  const names = ['ann', 'bob', "o'neil \\"].map((name) => ({ name }));
  const authors = await db.many(`${helpers.insert(names, columns)} returning id, name`);
  const book = {
    author_id: authors[0].id,
    title: 'A',
    about: { pages: 7, parts: [1, null, "it's"] },
    words: ['x', 'y "quoted"'],
    published: new Date(2024, 1, 29),
    added_at: new Date('2024-02-29T12:34:56.789Z'),
    stock: 9007199254740993n,
    price: 12.5,
    cover: Buffer.from([0, 1, 254, 255]),
  };
  const inserted = await db.one(`${helpers.insert(book, null, 'books')} returning *`);
  const updates = [{ id: 1, name: 'anna' }];
  const update = helpers.update(updates, ['?id', 'name'], 'authors') + ' where v.id = t.id';
  return { authors, inserted, updated: await db.result(update, null, ({ rowCount }) => rowCount) };
}

async function reading(db) {
  const prepared = new PreparedStatement({ name: 'by-name', text: BY_NAME });
  const asArray = new ParameterizedQuery({ text: 'select $1::int + 1 as a, 2 as b', values: [1] });
  asArray.rowMode = 'array';
  return {
    one: await db.authorNamed('bob'),
    none: await db.oneOrNone(BY_NAME, 'nobody'),
    named: await db.one('select ${a} as a, ${b:json} as b', { a: 1, b: { c: [2] } }),
    map: await db.map('select id from authors order by id', [], ({ id }) => id),
    multi: await db.multi('select 1 as a; select 2 as b; select 3 as c where false'),
    result: await db.result('select * from authors', [], ({ rowCount, command, fields }) => [
      rowCount,
      command,
      fields.map(({ name, dataTypeID }) => [name, dataTypeID]),
    ]),
    func: await db.func('array_append', [[1, 2], 3], queryResult.one),
    prepared: await db.task(async (task) => [
      await task.one(prepared, ['bob']),
      await task.oneOrNone(prepared, ['nobody']),
      await task.one("select count(*) from pg_prepared_statements where name = 'by-name'"),
    ]),
    asArray: await db.one(asArray),
    missing: (await failure(db.one(BY_NAME, 'nobody'))).message,
    several: (await failure(db.oneOrNone('select 1 from authors'))).message,
    unexpected: (await failure(db.none('select 1'))).code,
  };
}

async function transactions(db) {
  const add = (task, name) => task.none('insert into authors (name) values ($1)', name);
  const failed = await failure(
    db.tx('first', async (task) => {
      await add(task, 'dan');
      throw new Error('changed my mind');
    }),
  );
  let nested;
  await db.tx(async (task) => {
    await add(task, 'eve');
    nested = await refusal(
      task.tx(async (inner) => {
        await add(inner, 'fay');
        await add(inner, 'eve');
      }),
    );
    await task.batch([task.tx((inner) => add(inner, 'gus')), task.any('select 1')]);
  });
  const mode = new txMode.TransactionMode({
    tiLevel: txMode.isolationLevel.serializable,
    readOnly: true,
    deferrable: true,
  });
  const level = await db.tx({ mode }, async (task) => [
    await task.one('show transaction_isolation'),
    await refusal(add(task, 'ivy')),
  ]);
  const names = await db.map('select name from authors order by id', [], ({ name }) => name);
  return { failed: failed.message, nested, level, names };
}

async function streams(db) {
  let sum = 0;
  const numbers = new QueryStream('select n from generate_series(1, $1::int) n', [3000]);
  const { processed } = await db.stream(numbers, (stream) => {
    stream.on('data', ({ n }) => (sum += n));
  });
  const broken = new QueryStream('select 1 / (3 - n) as x from generate_series(1, 9) n');
  const refused = await refusal(db.stream(broken, (stream) => stream.resume()));
  return { sum, processed, refused, after: await db.one('select 1 as one') };
}

async function errors(db) {
  const books = 'insert into books (author_id, title) values ($1, $2)';
  const batch = await failure(
    db.task((task) => task.batch([task.one('select 1 as one'), task.any('selec 2')])),
  );
  return {
    unique: await refusal(db.none('insert into authors (name) values ($1)', 'bob')),
    foreignKey: await refusal(db.none(books, [0, 'x'])),
    notNull: await refusal(db.none(books, [1, null])),
    syntax: await refusal(db.none('selec 1')),
    batch: [batch.name, batch.first.code, batch.stat.succeeded],
  };
}

async function concurrency(db) {
  const query = (_, n) => db.one('select $1::int * 2 as x', [n], ({ x }) => x);
  const answers = await Promise.all(Array.from({ length: 40 }, query));
  return { sum: answers.reduce((total, x) => total + x), connections: db.$pool.totalCount };
}

/** A connection of its own, which the library keeps, and how it tells that it was lost. */
async function listening(db) {
  let lost;
  const direct = await db.connect({
    direct: true,
    onLost: (error, { client, start }) => lost.resolve([error.code, typeof start, client !== null]),
  });
  await direct.none('listen $1:name', 'news');
  const heard = once(direct.client, 'notification');
  await db.any("select pg_notify('news', 'hello')");
  const [{ channel, payload }] = await heard;
  const loss = new Promise((resolve) => (lost = { resolve }));
  await db.any('select pg_terminate_backend($1)', [direct.client.processID]);
  const told = await loss;
  direct.done(true);
  const shared = await db.connect();
  const { one } = await shared.one('select 1 as one');
  shared.done();
  return { channel, payload, told, one };
}

report(async (connectionString) => {
  const { counts, options } = watched();
  const pgp = createPromise(options);
  pgp.pg.types.setTypeParser(pgp.pg.types.builtins.INT8, BigInt);
  const db = pgp({ connectionString, max: 3 });
  await db.multi(SCHEMA);
  const observed = {
    writing: await writing(db, pgp),
    reading: await reading(db),
    transactions: await transactions(db),
    streams: await streams(db),
    errors: await errors(db),
    concurrency: await concurrency(db),
    listening: await listening(db),
  };
  await db.$pool.end();
  return { ...observed, counts, ended: (await failure(db.any('select 1'))).message };
});
