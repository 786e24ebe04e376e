'use strict';

const { once } = require('node:events');
const {
  load,
  openPool,
  lazyPool,
  observe,
  rejection,
  until,
  unique,
} = require('../support/pools.js');
const { printed, runProgram } = require('../support/child.js');

test('stats count what happened', async () => {
  const pool = await openPool({ max: 3, min: 1, name: 'counted' });
  expect(pool.name).toBe('counted');
  const held = [await pool.acquire(), await pool.acquire()];
  await held[0].query('select pg_sleep(0.01)');
  expect(pool.stats()).toMatchObject({
    name: 'counted',
    max: 3,
    min: 1,
    total: 2,
    idle: 0,
    inUse: 2,
  });
  await held[0].release();
  await held[1].release({ destroy: true });
  await until(() => pool.stats().total === 1);
  const stats = pool.stats();
  expect(stats).toMatchObject({
    idle: 1,
    inUse: 0,
    connecting: 0,
    waiting: 0,
    acquired: 2,
    created: 2,
    destroyed: 1,
    timeouts: 0,
  });
  for (const durations of [stats.waitMs, stats.useMs, stats.createMs]) {
    expect(Object.keys(durations).sort()).toEqual(['count', 'max', 'mean', 'p50', 'p99']);
    for (const value of Object.values(durations)) expect(Number.isFinite(value)).toBe(true);
    expect(durations.p50).toBeLessThanOrEqual(durations.p99);
    expect(durations.p99).toBeLessThanOrEqual(durations.max * 1.05 + 0.01);
  }
  expect(stats.createMs.count).toBe(2);
  expect(stats.useMs.max).toBeGreaterThanOrEqual(9);
});

test('pools without a name get different ones', async () => {
  const [one, other] = [lazyPool(), lazyPool()];
  expect(one.name).toMatch(/\S/);
  expect(one.name).not.toBe(other.name);
});

test('events tell the life of a connection, with its id', async () => {
  const pool = lazyPool({ max: 1 });
  const seen = [];
  for (const event of ['connect', 'acquire', 'release', 'remove']) {
    pool.on(event, ({ id, processId }, reason) => seen.push([event, id, processId, reason]));
  }
  const connection = await pool.acquire();
  const { id, processId } = connection;
  await connection.release();
  const again = await pool.acquire();
  await again.release({ destroy: true });
  await until(() => seen.some(([event]) => event === 'remove'));
  expect(seen).toEqual([
    ['connect', id, processId, undefined],
    ['acquire', id, processId, undefined],
    ['release', id, processId, undefined],
    ['acquire', id, processId, undefined],
    ['release', id, processId, undefined],
    ['remove', id, processId, 'destroyed'],
  ]);
});

test('close is announced when the last connection is gone', async () => {
  const pool = await openPool({ max: 2 });
  const closed = once(pool, 'close');
  await pool.close();
  await closed;
  expect(pool.stats()).toMatchObject({ total: 0, idle: 0 });
});

test.each(['connect', 'acquire', 'release', 'remove', 'notice', 'close'])(
  'what a listener of %s throws is an uncaught exception, and nobody else notices',
  async (event) => {
    const run = await runProgram(`
      const uncaught = [];
      process.on('uncaughtException', (error) => uncaught.push(error.message));
      (async () => {
        const pool = await createPool(url, { max: 1, lazy: true });
        pool.on('${event}', () => { throw new Error('mine'); });
        const connection = await pool.acquire();
        await connection.query("do $$ begin raise notice 'x'; end $$");
        const { rows } = await connection.query('select 1 as a');
        await connection.release({ destroy: true });
        const { inUse, waiting } = pool.stats();
        await pool.close();
        await new Promise(setImmediate);
        console.log(JSON.stringify({ rows, inUse, waiting, uncaught: [...new Set(uncaught)] }));
      })();`);
    expect(run).toMatchObject({ code: 0, stderr: '' });
    expect(printed(run)).toEqual([{ rows: [{ a: 1 }], inUse: 0, waiting: 0, uncaught: ['mine'] }]);
  },
);

test('a listener of release that releases once more changes nothing', async () => {
  const pool = await openPool({ max: 1 });
  let heard = 0;
  pool.on('release', (connection) => {
    heard += 1;
    connection.release();
  });
  for (let i = 0; i < 3; i++) await (await pool.acquire()).release();
  expect(heard).toBe(3);
  expect(pool.stats()).toMatchObject({ acquired: 3, released: 3, idle: 1 });
});

test('events come in the order of what they tell of, for waiters too', async () => {
  const pool = await openPool({ max: 1 });
  const seen = [];
  pool.on('acquire', () => seen.push('acquire'));
  pool.on('release', () => seen.push('release'));
  const held = await pool.acquire();
  const next = pool.acquire();
  held.release();
  await (await next).release();
  expect(seen).toEqual(['acquire', 'release', 'acquire', 'release']);
});

test('losing an idle connection is an error event only where somebody listens', async () => {
  const pool = await openPool({ max: 1, min: 1 });
  const [first] = [await pool.use((c) => c.processId)];
  await observe('select pg_terminate_backend($1, 5000)', [first]);
  await until(() => pool.stats().destroyed === 1);
  // stats() is ahead of the events: an answer of the engine has let the first one pass.
  const [{ pid: second }] = await pool.sql`select pg_backend_pid() as pid`;
  expect(second).not.toBe(first);
  const heard = once(pool, 'error');
  await observe('select pg_terminate_backend($1, 5000)', [second]);
  const [error, connection] = await heard;
  expect(error).toBeInstanceOf(Error);
  expect(connection.processId).toBe(second);
});

test('clear() replaces idle connections at once and leased ones when they come back', async () => {
  const pool = await openPool({ max: 3 });
  const held = await Promise.all([1, 2, 3].map(() => pool.acquire()));
  const before = held.map((c) => c.processId);
  await held[0].release();
  pool.clear();
  expect((await held[1].query('select pg_backend_pid() as pid')).rows[0].pid).toBe(before[1]);
  await Promise.all([held[1].release(), held[2].release()]);
  const after = await Promise.all([1, 2, 3].map(() => pool.acquire()));
  expect(after.filter((c) => before.includes(c.processId))).toEqual([]);
  await Promise.all(after.map((c) => c.release()));
  expect(pool.stats().destroyed).toBe(3);
});

test('resize() grows for those who wait and shrinks as connections come back', async () => {
  const pool = await openPool({ max: 1 });
  const first = await pool.acquire();
  const second = pool.acquire();
  expect(pool.stats().waiting).toBe(1);
  pool.resize({ max: 2 });
  const held = [first, await second];
  expect(pool.stats()).toMatchObject({ max: 2, inUse: 2 });
  pool.resize({ max: 1 });
  await Promise.all(held.map((c) => c.release()));
  await until(() => pool.stats().total === 1);
  pool.resize({ min: 3, max: 4 });
  await until(() => pool.stats().idle === 3);
  expect(pool.stats()).toMatchObject({ min: 3, max: 4 });
});

test('resize() refuses what cannot be and changes nothing', async () => {
  const pool = await openPool({ max: 2 });
  for (const limits of [{ max: 0 }, { min: 3 }, { max: 1.5 }, { max: '4' }, { maximum: 4 }]) {
    expect(() => pool.resize(limits)).toThrow(
      expect.objectContaining({ code: 'ERR_POLYPOOL_OPTION' }),
    );
  }
  expect(pool.stats()).toMatchObject({ max: 2, min: 0 });
  await pool.close();
  expect(() => pool.resize({ max: 3 })).toThrow(
    expect.objectContaining({ code: 'ERR_POLYPOOL_CLOSED' }),
  );
});

test('close() refuses new requests, rejects those that wait, lets those under way finish', async () => {
  const pool = await openPool({ max: 1 });
  const connection = await pool.acquire();
  const query = connection.query('select pg_sleep(0.05), 1 as a');
  const waiting = rejection(pool.acquire());
  const queued = rejection(pool.query('select 1'));
  let closed = false;
  const closing = pool.close().then(() => (closed = true));
  expect(pool.closed).toBe(true);
  const { ClosedError } = load();
  for (const error of [await waiting, await queued, await rejection(pool.query('select 1'))]) {
    expect(error).toBeInstanceOf(ClosedError);
    expect(error.code).toBe('ERR_POLYPOOL_CLOSED');
  }
  expect((await rejection(pool.acquire())).code).toBe('ERR_POLYPOOL_CLOSED');
  expect((await query).rows[0].a).toBe(1);
  expect(closed).toBe(false);
  await connection.release();
  await closing;
});

test('queries submitted before close() are answered', async () => {
  const pool = await openPool({ min: 2, max: 2 });
  await until(() => pool.stats().idle === 2);
  const queries = [1, 2].map((n) => pool.query('select $1::int as n, pg_sleep(0.02)', [n]));
  await new Promise(setImmediate);
  await pool.close();
  const results = await Promise.allSettled(queries);
  expect(results.map(({ value }) => value?.rows[0].n)).toEqual([1, 2]);
});

test('close({ timeoutMs }) cuts off what still runs', async () => {
  const pool = await openPool({ max: 2 });
  const connection = await pool.acquire();
  const leased = rejection(connection.query('select pg_sleep(60)'));
  const direct = rejection(pool.query('select pg_sleep(60)'));
  await new Promise(setImmediate);
  await pool.close({ timeoutMs: 30 });
  expect((await leased).code).toBe('ERR_POLYPOOL_CLOSED');
  expect((await direct).code).toBe('ERR_POLYPOOL_CLOSED');
  await connection.release();
  expect(pool.stats()).toMatchObject({ total: 0, inUse: 0 });
});

test('a second close() resolves with the first and may bring the end forward', async () => {
  const pool = await openPool({ max: 1 });
  const connection = await pool.acquire();
  const first = pool.close();
  await Promise.all([pool.close({ timeoutMs: 10 }), first]);
  await connection.release();
  await pool.close();
});

test('after close() no session is left at the server', async () => {
  const applicationName = unique('app');
  const pool = await openPool({ max: 8, applicationName });
  await Promise.all(Array.from({ length: 8 }, () => pool.query('select pg_sleep(0.05)')));
  await pool.close();
  const left = () =>
    observe('select 1 from pg_stat_activity where application_name = $1', [applicationName]);
  await until(async () => (await left()).length === 0);
});

test('close() while connections are being opened ends too', async () => {
  for (let i = 0; i < 20; i++) {
    const pool = lazyPool({ max: 5 });
    const queries = Promise.allSettled(Array.from({ length: 5 }, () => pool.query('select 1')));
    if (i % 2) await new Promise(setImmediate);
    await pool.close({ timeoutMs: i % 3 === 0 ? 0 : 5000 });
    for (const { status, reason } of await queries) {
      if (status === 'rejected') expect(reason.code).toBe('ERR_POLYPOOL_CLOSED');
    }
  }
});

test('hundreds of pools opened and closed leave nothing behind', async () => {
  const applicationName = unique('app');
  for (let round = 0; round < 10; round++) {
    const pools = await Promise.all(
      Array.from({ length: 20 }, () => openPool({ max: 1, applicationName })),
    );
    await Promise.all(pools.map((pool) => pool.query('select 1')));
    await Promise.all(pools.map((pool) => pool.close()));
  }
  const left = () =>
    observe('select 1 from pg_stat_activity where application_name = $1', [applicationName]);
  await until(async () => (await left()).length === 0);
});

test('close() with a wrong option rejects and closes nothing', async () => {
  const pool = await openPool({ max: 1 });
  for (const options of [{ timeoutMs: -1 }, { timeout: 5 }]) {
    expect((await rejection(pool.close(options))).code).toBe('ERR_POLYPOOL_OPTION');
  }
  expect((await pool.query('select 1 as a')).rows).toEqual([{ a: 1 }]);
});

test('a statement that two pools share outlives the one that ran it first', async () => {
  const text = `select $1::int as n /* ${unique('shared')} */`;
  const [first, second] = [await openPool({ max: 1 }), await openPool({ max: 1 })];
  expect((await first.query(text, [1])).rows).toEqual([{ n: 1 }]);
  await first.close();
  expect((await second.query(text, [2])).rows).toEqual([{ n: 2 }]);
  // Told to the engine by a pool that is closed at once.
  const third = lazyPool({ max: 1 });
  const other = `${text} /* again */`;
  const gone = rejection(third.query(other, [3]));
  await third.close({ timeoutMs: 0 });
  expect((await gone).code).toBe('ERR_POLYPOOL_CLOSED');
  expect((await second.query(other, [4])).rows).toEqual([{ n: 4 }]);
});

test('close() tells of each connection that goes', async () => {
  const pool = await openPool({ max: 2 });
  const reasons = [];
  pool.on('remove', (_, reason) => reasons.push(reason));
  const lent = [await pool.acquire(), await pool.acquire()];
  await lent[0].release();
  await pool.close({ timeoutMs: 10 });
  expect(lent[1].released).toBe(true);
  expect(reasons).toEqual(['closed', 'closed']);
  expect(pool.stats()).toMatchObject({ total: 0, threads: 0 });
});
