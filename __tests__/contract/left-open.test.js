'use strict';
// Streams that are left before their end: by their reader, by the callback's return, at a release.

const { once } = require('node:events');
const { openPool, observe, rejection, unique, until } = require('../support/pools.js');

const series = 'select n from generate_series(1, $1::int) n';
const LARGE = 300_000;

async function createTable(pool) {
  const name = unique('left');
  await pool.query(`create table ${name} (n int)`);
  return name;
}

async function numbers(pool, table) {
  return (await pool.query(`select n from ${table} order by n`)).rows.map(({ n }) => n);
}

async function works(pool) {
  expect((await pool.query('select 1 as a')).rows).toEqual([{ a: 1 }]);
  await until(() => pool.stats().inUse === 0);
}

/** Readers that stop in the middle without ending what they read. */
const STOPPED = [
  [
    'an iterator',
    async (queryable) => {
      const rows = queryable.stream(series, [LARGE])[Symbol.asyncIterator]();
      return (await rows.next()).value.n;
    },
  ],
  [
    'read() of a stream',
    async (queryable) => {
      const stream = queryable.stream(series, [LARGE]);
      await once(stream, 'readable');
      return stream.read().n;
    },
  ],
  [
    'a paused stream',
    (queryable) =>
      new Promise((resolve) => {
        const stream = queryable.stream(series, [LARGE]);
        stream.on('data', ({ n }) => resolve((stream.pause(), n)));
      }),
  ],
  [
    'a paused COPY TO',
    (queryable) =>
      new Promise((resolve) => {
        const text = `copy (select 1, repeat('x', 1000) from generate_series(1, 50000)) to stdout`;
        const stream = queryable.copyTo(text);
        stream.on('data', (bytes) => resolve((stream.pause(), bytes[0] - 48)));
      }),
  ],
];

describe.each(STOPPED)('%s that stops', (_name, stop) => {
  test('does not keep use() from returning', async () => {
    const pool = await openPool({ max: 1 });
    expect(await pool.use(stop)).toBe(1);
    await works(pool);
  });

  test('does not keep a transaction from committing, nor one within it', async () => {
    const pool = await openPool({ max: 1 });
    const table = await createTable(pool);
    const insert = `insert into ${table} values ($1)`;
    const outer = async (tx) => {
      await tx.query(insert, [1]);
      await tx.transaction(async (inner) => {
        await inner.query(insert, [2]);
        return stop(inner);
      });
      await tx.query(insert, [3]);
      return stop(tx);
    };
    expect(await pool.transaction(outer, { timeoutMs: 20_000 })).toBe(1);
    expect(await numbers(pool, table)).toEqual([1, 2, 3]);
    await pool.query(`drop table ${table}`);
  });

  test('does not hold a released connection for ever', async () => {
    const pool = await openPool({ max: 1 });
    const connection = await pool.acquire();
    expect(await stop(connection)).toBe(1);
    await connection.release();
    await works(pool);
  });

  test('in a hook does not keep the connection from being used', async () => {
    const pool = await openPool({ max: 1, onConnect: stop, connectTimeoutMs: 20_000 });
    await works(pool);
  });
});

test('whoever listens to it is told that the stream was not read to its end', async () => {
  const pool = await openPool({ max: 1 });
  let stream;
  await pool.transaction(async (tx) => {
    stream = tx.stream(series, [LARGE]);
    stream.once('error', () => {});
    await once(stream, 'readable');
  });
  expect(stream.errored).toMatchObject({ code: 'ERR_POLYPOOL_STALE_CONNECTION' });
});

test('a stream of the outer transaction goes on after one within it', async () => {
  const pool = await openPool({ max: 1 });
  const count = await pool.transaction(async (tx) => {
    const rows = tx.stream(series, [50])[Symbol.asyncIterator]();
    await rows.next();
    await tx.transaction((inner) => inner.query('select 1'));
    let read = 1;
    while (!(await rows.next()).done) read += 1;
    return read;
  });
  expect(count).toBe(50);
});

test.each([5, 500, 5000, LARGE])(
  'leaving the loop over one of %i rows leaves the transaction as it is',
  async (size) => {
    const pool = await openPool({ max: 1 });
    const table = await createTable(pool);
    const insert = `insert into ${table} values ($1)`;
    const leave = async (tx) => {
      for await (const { n } of tx.stream(series, [size])) if (n === 3) break;
    };
    await pool.transaction(async (tx) => {
      await tx.query(insert, [1]);
      await leave(tx);
      await tx.query(insert, [2]);
      await tx.transaction(leave);
      // Neither a portal nor a cancel is left for what follows.
      for await (const row of tx.stream(`select 1 as a; ${series.replace('$1', size)}`)) {
        expect(row).toEqual({ a: 1 });
        break;
      }
      for await (const _bytes of tx.copyTo(`copy (${series.replace('$1', size)}) to stdout`)) break;
      await tx.query(insert, [3]);
      tx.stream(series, [size]);
    });
    expect(await numbers(pool, table)).toEqual([1, 2, 3]);
    await pool.query(`drop table ${table}`);
  },
);

test('so it does in a transaction of the caller’s own', async () => {
  const pool = await openPool({ max: 1 });
  const table = await createTable(pool);
  await pool.use(async (connection) => {
    await connection.query('begin');
    await connection.query(`insert into ${table} values (1)`);
    for await (const _row of connection.stream(series, [LARGE])) break;
    expect((await connection.query('commit')).command).toBe('COMMIT');
  });
  expect(await numbers(pool, table)).toEqual([1]);
  await pool.query(`drop table ${table}`);
});

test('within a transaction the server makes only what is asked for', async () => {
  const pool = await openPool({ max: 1 });
  const name = unique('s');
  await pool.query(`create sequence ${name}`);
  await pool.query(`grant select on ${name} to public`);
  const text = `select nextval('${name}')::int as n from generate_series(1, ${LARGE})`;
  const batchSize = 100;
  await pool.transaction(async (tx) => {
    let count = 0;
    for await (const { n } of tx.stream(text, [], { batchSize })) {
      expect(n).toBe(++count);
      if (n === 1000) break;
    }
  });
  const [{ n }] = await observe(`select last_value::int as n from ${name}`);
  expect(n).toBeLessThan(1000 + 3 * batchSize);
});

test('timeoutMs of a transaction holds for what it left open', async () => {
  const pool = await openPool({ max: 1 });
  const slow = pool.transaction(
    async (tx) => {
      await tx.query('select 1');
      tx.stream('select pg_sleep(60)');
    },
    { timeoutMs: 100 },
  );
  expect(await rejection(slow)).toMatchObject({ name: 'QueryTimeoutError', timeoutMs: 100 });
  await works(pool);
});

test('a statement that goes on for too long is cancelled, and what fails for that says so', async () => {
  const pool = await openPool({ max: 1 });
  const why = /left before its end .* cancelled/;
  const failing = pool.transaction(async (tx) => {
    tx.stream('select pg_sleep(60)').destroy();
    const next = await rejection(tx.query('select 1'));
    expect(next).toMatchObject({ code: '25P02', cause: { message: expect.stringMatching(why) } });
  });
  const error = await rejection(failing);
  expect(error.code).toBe('ERR_POLYPOOL_ROLLED_BACK');
  expect(error.cause.message).toMatch(why);
  await works(pool);
});

test('a callback that throws has its streams cancelled at once', async () => {
  const pool = await openPool({ max: 1 });
  const mine = new Error('mine');
  for (const run of ['transaction', 'use']) {
    const began = performance.now();
    const failing = pool[run](async (queryable) => {
      await queryable.query('select 1');
      queryable.stream('select pg_sleep(60)');
      throw mine;
    });
    expect(await rejection(failing)).toBe(mine);
    expect(performance.now() - began).toBeLessThan(4000);
  }
  await works(pool);
});
