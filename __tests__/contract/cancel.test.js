'use strict';
// Signals and timeouts: who gives up gets an answer, nobody else notices.

const { getEventListeners } = require('node:events');
const { setTimeout: delay } = require('node:timers/promises');
const {
  load,
  openPool,
  openConnection,
  observe,
  rejection,
  until,
  unique,
} = require('../support/pools.js');
const { printed, runProgram } = require('../support/child.js');

/** How many backends run the marked statement. */
async function running(mark) {
  const rows = await observe(
    "select 1 from pg_stat_activity where state = 'active' and query like $1 and pid <> pg_backend_pid()",
    [`%${mark}%`],
  );
  return rows.length;
}

test('an aborted query rejects, is cancelled at the server, and the connection stays', async () => {
  const pool = await openPool({ max: 1 });
  const { AbortError } = load();
  const mark = unique('m');
  const controller = new AbortController();
  const query = rejection(
    pool.query(`select pg_sleep(60) /* ${mark} */`, [], { signal: controller.signal }),
  );
  await until(() => running(mark));
  controller.abort(new RangeError('why not'));
  const error = await query;
  expect(error).toBeInstanceOf(AbortError);
  expect(error).toMatchObject({ name: 'AbortError', code: 'ERR_POLYPOOL_ABORTED' });
  expect(error.cause).toBeInstanceOf(RangeError);
  await until(async () => (await running(mark)) === 0);
  expect((await pool.query('select 1 as a')).rows).toEqual([{ a: 1 }]);
  expect(pool.stats().total).toBe(1);
});

test('a signal that was aborted before sends nothing', async () => {
  const pool = await openPool({ max: 1 });
  const name = unique('t');
  const error = await rejection(
    pool.query(`create table ${name} (a int)`, [], { signal: AbortSignal.abort('early') }),
  );
  expect(error.code).toBe('ERR_POLYPOOL_ABORTED');
  expect(error.cause).toBe('early');
  const acquired = await rejection(pool.acquire({ signal: AbortSignal.abort() }));
  expect(acquired.code).toBe('ERR_POLYPOOL_ABORTED');
  expect(await observe('select to_regclass($1)::text as t', [name])).toEqual([{ t: null }]);
  expect(pool.stats()).toMatchObject({ inUse: 0, waiting: 0 });
});

test('an abort after the answer changes nothing', async () => {
  const pool = await openPool({ max: 1 });
  const controller = new AbortController();
  const { rows } = await pool.query('select 1 as a', [], { signal: controller.signal });
  const connection = await pool.acquire({ signal: controller.signal });
  controller.abort();
  expect(rows).toEqual([{ a: 1 }]);
  expect((await connection.query('select 2 as a')).rows).toEqual([{ a: 2 }]);
  await connection.release();
});

test('a signal has one listener however many requests wait for it, and none after them', async () => {
  const pool = await openPool({ max: 1 });
  const { signal } = new AbortController();
  const listeners = () => getEventListeners(signal, 'abort').length;
  const connection = await pool.acquire({ signal });
  expect(listeners()).toBe(0);
  const waiting = Array.from({ length: 100 }, () => [
    pool.query('select 1', [], { signal }),
    pool.transaction((tx) => tx.query('select 1', [], { signal }), { signal }),
    pool.use((borrowed) => borrowed.query('select 1'), { signal }),
  ]);
  expect(listeners()).toBe(1);
  await connection.release();
  await Promise.all(waiting.flat());
  expect(listeners()).toBe(0);
});

test('a signal that cannot be listened to refuses its request and nothing else', async () => {
  const pool = await openPool({ max: 1 });
  const signal = {
    aborted: false,
    addEventListener() {
      throw new TypeError('not today');
    },
    removeEventListener() {},
  };
  const channel = unique('c');
  const calls = {
    query: () => pool.query('select 1', [], { signal }),
    stream: () => pool.stream('select 1', [], { signal }).toArray(),
    copyTo: () => pool.copyTo('copy (select 1) to stdout', { signal }).toArray(),
    acquire: () => pool.acquire({ signal }),
    transaction: () => pool.transaction((tx) => tx.query('select 1'), { signal }),
    listen: () => pool.listen(channel, { signal }),
  };
  for (const call of Object.values(calls)) {
    expect((await rejection(call())).message).toBe('not today');
    expect((await pool.query('select 1 as a')).rows).toEqual([{ a: 1 }]);
  }
  expect(pool.stats()).toMatchObject({ inUse: 0, waiting: 0, listening: 0 });
});

test('a signal that aborts while it is listened to sends nothing', async () => {
  const pool = await openPool({ max: 1 });
  const signal = {
    aborted: false,
    addEventListener(_, listener) {
      signal.aborted = true;
      listener();
    },
    removeEventListener() {},
  };
  const name = unique('t');
  const error = await rejection(pool.query(`create table ${name} (a int)`, [], { signal }));
  expect(error.code).toBe('ERR_POLYPOOL_ABORTED');
  signal.aborted = false;
  expect((await rejection(pool.acquire({ signal }))).code).toBe('ERR_POLYPOOL_ABORTED');
  expect(await observe('select to_regclass($1)::text as t', [name])).toEqual([{ t: null }]);
  expect(pool.stats()).toMatchObject({ inUse: 0, waiting: 0 });
});

test('an error of a signal that is no longer listened to is uncaught, and answers arrive', async () => {
  const run = await runProgram(`
    process.on('uncaughtException', ({ message }) => console.log(JSON.stringify(message)));
    const signal = {
      aborted: false,
      addEventListener() {},
      removeEventListener() { throw new Error('not today'); },
    };
    (async () => {
      const pool = await createPool(url, { max: 1 });
      const { rows } = await pool.query('select 1 as a', [], { signal });
      console.log(JSON.stringify(rows));
      await pool.close();
    })();`);
  expect(run).toMatchObject({ code: 0, stderr: '' });
  expect(printed(run)).toEqual(expect.arrayContaining(['not today', [{ a: 1 }]]));
});

test('one signal serves any number of requests without a warning about listeners', async () => {
  const run = await runProgram(`
    const codes = new Set();
    const count = (promise) => promise.then(() => codes.add('fine'), ({ code }) => codes.add(code));
    (async () => {
      const pool = await createPool(url, { max: 2 });
      const controller = new AbortController();
      const { signal } = controller;
      for (let i = 0; i < 50; i++) await pool.query('select 1', [], { signal });
      await Promise.all(Array.from({ length: 200 }, () => pool.query('select 1', [], { signal })));
      const all = Array.from({ length: 100 }, (_, i) => [
        count(pool.query('select pg_sleep(60)', [], { signal })),
        count(pool.transaction((tx) => tx.query('select 1'), { signal })),
        count(pool.acquire({ signal }).then((c) => c.release())),
      ]);
      setImmediate(() => controller.abort());
      await Promise.all(all.flat());
      console.log(JSON.stringify([...codes]));
      await pool.query('select 1');
      await pool.close();
    })();`);
  expect(run).toMatchObject({ code: 0, stderr: '' });
  expect(printed(run)[0]).toContain('ERR_POLYPOOL_ABORTED');
});

test.each([
  ['of the call', {}, { timeoutMs: 40 }],
  ['of the pool', { queryTimeoutMs: 40 }, {}],
])('the timeout %s rejects, cancels and keeps the connection', async (whose, options, call) => {
  const pool = await openPool({ max: 1, ...options });
  const { QueryTimeoutError } = load();
  const mark = unique('m');
  const error = await rejection(pool.query(`select pg_sleep(60) /* ${mark} */`, [], call));
  expect(error).toBeInstanceOf(QueryTimeoutError);
  expect(error).toMatchObject({ code: 'ERR_POLYPOOL_QUERY_TIMEOUT', timeoutMs: 40 });
  await until(async () => (await running(mark)) === 0);
  expect((await pool.query('select 1 as a')).rows).toEqual([{ a: 1 }]);
});

test('timeoutMs 0 lifts the timeout of the pool', async () => {
  const pool = await openPool({ max: 1, queryTimeoutMs: 20 });
  const { rows } = await pool.query('select pg_sleep(0.1), 1 as a', [], { timeoutMs: 0 });
  expect(rows[0].a).toBe(1);
});

test('a query that waits for a connection times out by the same bound', async () => {
  const pool = await openPool({ max: 1 });
  const held = await pool.acquire();
  const error = await rejection(pool.query('select 1', [], { timeoutMs: 30 }));
  expect(error.code).toBe('ERR_POLYPOOL_QUERY_TIMEOUT');
  expect(pool.stats().waiting).toBe(0);
  await held.release();
});

test('on a lease a timeout hits its own statement and none of those behind it', async () => {
  const pool = await openPool({ max: 1 });
  await pool.use(async (connection) => {
    const slow = rejection(connection.query('select pg_sleep(60)', [], { timeoutMs: 40 }));
    const behind = Array.from({ length: 20 }, (_, i) =>
      connection.query('select $1::int as n', [i]),
    );
    expect((await slow).code).toBe('ERR_POLYPOOL_QUERY_TIMEOUT');
    // Cancelling with others on the wire could hit one of them; waiting is the caller's choice.
    await observe('select pg_cancel_backend($1)', [connection.processId]);
    const outcomes = await Promise.allSettled(behind);
    outcomes.forEach(({ value, reason }, i) => {
      expect([reason?.code, value?.rows[0].n]).toEqual([undefined, i]);
    });
  });
});

test('a queued statement that is aborted never runs', async () => {
  const pool = await openPool({ max: 1 });
  const name = unique('t');
  await pool.query(`create table ${name} (a int)`);
  const held = await pool.acquire();
  const controller = new AbortController();
  const text = `insert into ${name} values (1)`;
  const gone = rejection(pool.query(text, [], { signal: controller.signal }));
  controller.abort();
  expect((await gone).code).toBe('ERR_POLYPOOL_ABORTED');
  await held.release();
  expect((await pool.query(`select * from ${name}`)).rows).toEqual([]);
});

test('aborting one of many concurrent queries answers all the others', async () => {
  const pool = await openPool({ max: 3 });
  for (let round = 0; round < 20; round++) {
    const controller = new AbortController();
    const victim = round * 7;
    const queries = Array.from({ length: 150 }, (_, i) =>
      pool.query('select $1::int as n', [i], i === victim ? { signal: controller.signal } : {}),
    );
    if (round % 2) await new Promise(setImmediate);
    controller.abort();
    const outcomes = await Promise.allSettled(queries);
    outcomes.forEach(({ value, reason }, i) => {
      if (i === victim && reason) expect(reason.code).toBe('ERR_POLYPOOL_ABORTED');
      else expect([reason, value?.rows[0].n]).toEqual([undefined, i]);
    });
  }
});

test('cancelling in a storm hits only the victims', async () => {
  const pool = await openPool({ max: 4 });
  const outcomes = await Promise.all(
    Array.from({ length: 400 }, async (_, i) => {
      await delay(i % 17);
      if (i % 10 === 3) {
        const error = await rejection(pool.query('select pg_sleep(60)', [], { timeoutMs: 15 }));
        return error.code;
      }
      const { rows } = await pool.query('select $1::int as n, pg_sleep(0.001)', [i]);
      return rows[0].n;
    }),
  );
  outcomes.forEach((outcome, i) => {
    expect(outcome).toBe(i % 10 === 3 ? 'ERR_POLYPOOL_QUERY_TIMEOUT' : i);
  });
  await until(() => pool.stats().inUse === 0);
});

test('statements of an unpooled connection can be aborted and time out', async () => {
  const connection = await openConnection();
  const late = await rejection(connection.query('select pg_sleep(60)', [], { timeoutMs: 30 }));
  expect(late.code).toBe('ERR_POLYPOOL_QUERY_TIMEOUT');
  const controller = new AbortController();
  const query = rejection(
    connection.query('select pg_sleep(60)', [], { signal: controller.signal }),
  );
  await delay(20);
  controller.abort();
  expect((await query).code).toBe('ERR_POLYPOOL_ABORTED');
  expect((await connection.query('select 1 as a')).rows).toEqual([{ a: 1 }]);
});

test('a timed out acquire leaves the pool able to lend', async () => {
  const pool = await openPool({ max: 2 });
  const held = [await pool.acquire(), await pool.acquire()];
  const late = Array.from({ length: 100 }, (_, i) =>
    rejection(pool.acquire({ timeoutMs: 1 + (i % 20) })),
  );
  for (const error of await Promise.all(late)) {
    expect(error.code).toBe('ERR_POLYPOOL_ACQUIRE_TIMEOUT');
  }
  await Promise.all(held.map((c) => c.release()));
  const again = [await pool.acquire(), await pool.acquire()];
  await Promise.all(again.map((c) => c.release()));
  expect(pool.stats()).toMatchObject({ timeouts: 100, waiting: 0, inUse: 0, total: 2 });
});

test('faked timers do not stop the pool', async () => {
  const pool = await openPool({ max: 1, acquireTimeoutMs: 50 });
  jest.useFakeTimers();
  try {
    expect((await pool.query('select 1 as a')).rows).toEqual([{ a: 1 }]);
    const held = await pool.acquire();
    expect((await rejection(pool.acquire())).code).toBe('ERR_POLYPOOL_ACQUIRE_TIMEOUT');
    const late = await rejection(held.query('select pg_sleep(60)', [], { timeoutMs: 20 }));
    expect(late.code).toBe('ERR_POLYPOOL_QUERY_TIMEOUT');
    await held.release();
  } finally {
    jest.useRealTimers();
  }
});
