'use strict';

const {
  load,
  openPool,
  lazyPool,
  observe,
  rejection,
  until,
  deferred,
  unique,
} = require('../support/pools.js');

const pidOf = async (queryable) =>
  (await queryable.query('select pg_backend_pid() as pid')).rows[0].pid;

test('a lease keeps one connection to itself', async () => {
  const pool = await openPool({ max: 2 });
  const connection = await pool.acquire();
  const pid = await pidOf(connection);
  expect(connection.processId).toBe(pid);
  const others = await Promise.all(Array.from({ length: 50 }, () => pidOf(pool)));
  expect(others).not.toContain(pid);
  await connection.release();
});

test('release() resolves when the connection can be borrowed again', async () => {
  const pool = await openPool({ max: 1 });
  const first = await pool.acquire();
  await first.release();
  const { idle, inUse } = pool.stats();
  expect([idle, inUse]).toEqual([1, 0]);
  const second = await pool.acquire();
  expect(second.processId).toBe(first.processId);
  expect(second).not.toBe(first);
  await pool.release(second);
});

test('a second release changes nothing', async () => {
  const pool = await openPool({ max: 1 });
  const first = await pool.acquire();
  const once = first.release();
  const twice = first.release({ destroy: true });
  await Promise.all([once, twice]);
  const second = await pool.acquire();
  await first.release({ destroy: true });
  await pool.release(first, { destroy: true });
  expect(await pidOf(second)).toBe(first.processId);
  expect(pool.stats()).toMatchObject({ inUse: 1, created: 1, destroyed: 0 });
  await second.release();
});

test('a released connection refuses everything', async () => {
  const pool = await openPool({ max: 1 });
  const connection = await pool.acquire();
  await connection.release();
  expect(connection.released).toBe(true);
  const stale = { code: 'ERR_POLYPOOL_STALE_CONNECTION' };
  expect(await rejection(connection.query('select 1'))).toMatchObject(stale);
  expect(await rejection(connection.sql`select 1`)).toMatchObject(stale);
  expect(await rejection(connection.transaction(() => {}))).toMatchObject(stale);
  const rows = connection.stream('select 1');
  expect(await rejection(rows[Symbol.asyncIterator]().next())).toMatchObject(stale);
});

test('release() waits for the statements submitted before', async () => {
  const pool = await openPool({ max: 1 });
  const connection = await pool.acquire();
  const queries = [1, 2, 3].map((n) =>
    connection.query('select $1::int as n, pg_sleep(0.01)', [n]),
  );
  await connection.release();
  const settled = await Promise.all(queries);
  expect(settled.map(({ rows }) => rows[0].n)).toEqual([1, 2, 3]);
});

test('a released connection keeps its own id and process id', async () => {
  const pool = await openPool({ max: 1 });
  const first = await pool.acquire();
  await first.release({ destroy: true });
  const second = await pool.acquire();
  expect(first.id).not.toBe(second.id);
  expect(first.processId).not.toBe(second.processId);
  await second.release();
});

test('ids that were never looked at are known after the release too', async () => {
  const pool = await openPool({ max: 1 });
  const connections = [];
  for (let i = 0; i < 3; i++) {
    const connection = await pool.acquire();
    connections.push([connection, await pidOf(connection)]);
    await connection.release({ destroy: true });
  }
  await pool.query('select 1');
  for (const [connection, pid] of connections) expect(connection.processId).toBe(pid);
  expect(new Set(connections.map(([connection]) => connection.id)).size).toBe(3);
});

test('release({ destroy: true }) closes the connection at the server', async () => {
  const pool = await openPool({ max: 1 });
  const connection = await pool.acquire();
  await connection.release({ destroy: true });
  const gone = () =>
    observe('select 1 from pg_stat_activity where pid = $1', [connection.processId]);
  await until(async () => (await gone()).length === 0);
  expect(await pidOf(pool)).not.toBe(connection.processId);
  expect(pool.stats()).toMatchObject({ created: 2, destroyed: 1, total: 1 });
});

test('a connection of another pool is refused', async () => {
  const [one, other] = [await openPool({ max: 1 }), await openPool({ max: 1 })];
  const connection = await one.acquire();
  expect(() => other.release(connection)).toThrow(
    expect.objectContaining({ code: 'ERR_POLYPOOL_PARAMETER' }),
  );
  expect(connection.released).toBe(false);
  await one.release(connection);
});

test('use() gives the connection back on success, throw and rejection', async () => {
  const pool = await openPool({ max: 1 });
  expect(await pool.use(async (c) => (await c.query('select 1 as a')).rows)).toEqual([{ a: 1 }]);
  const thrown = await rejection(
    pool.use(() => {
      throw new RangeError('thrown');
    }),
  );
  expect(thrown).toBeInstanceOf(RangeError);
  const rejected = await rejection(pool.use(() => Promise.reject(new TypeError('rejected'))));
  expect(rejected.message).toBe('rejected');
  await until(() => pool.stats().idle === 1);
  expect(pool.stats()).toMatchObject({ inUse: 0, acquired: 3, released: 3 });
});

test('Symbol.asyncDispose gives a connection back and closes a pool', async () => {
  const pool = await openPool({ max: 1 });
  const connection = await pool.acquire();
  await connection[Symbol.asyncDispose]();
  expect(connection.released).toBe(true);
  expect(pool.stats().idle).toBe(1);
  await pool[Symbol.asyncDispose]();
  expect(pool.closed).toBe(true);
});

test('waiters are served in the order they came', async () => {
  const pool = await openPool({ max: 1 });
  const held = await pool.acquire();
  const order = [];
  const waiters = Array.from({ length: 30 }, async (_, i) => {
    const connection = await pool.acquire();
    order.push(i);
    await connection.release();
  });
  expect(pool.stats().waiting).toBe(30);
  await held.release();
  await Promise.all(waiters);
  expect(order).toEqual(Array.from({ length: 30 }, (_, i) => i));
});

test('a lower priority number is served first', async () => {
  const pool = await openPool({ max: 1, priorities: 3 });
  const held = await pool.acquire();
  const order = [];
  const waiters = [2, 1, 0, undefined, 0].map(async (priority) => {
    const connection = await pool.acquire({ priority });
    order.push(priority ?? 'last');
    await connection.release();
  });
  await held.release();
  await Promise.all(waiters);
  expect(order).toEqual([0, 0, 1, 2, 'last']);
});

test('never more than max connections, however many ask', async () => {
  const name = unique('app');
  const pool = await openPool({ max: 4, applicationName: name });
  let most = 0;
  let held = 0;
  await Promise.all(
    Array.from({ length: 200 }, () =>
      pool.use(async (connection) => {
        most = Math.max(most, ++held);
        await connection.query('select 1');
        held -= 1;
      }),
    ),
  );
  const [{ n }] = await observe(
    'select count(*)::int as n from pg_stat_activity where application_name = $1',
    [name],
  );
  expect(most).toBeLessThanOrEqual(4);
  expect(n).toBeLessThanOrEqual(4);
  expect(pool.stats()).toMatchObject({ acquired: 200, released: 200, waiting: 0, inUse: 0 });
});

test('an acquire that waits too long says who is in the way', async () => {
  const pool = await openPool({ max: 2, acquireTimeoutMs: 30, leakDetectionMs: 60_000 });
  const { AcquireTimeoutError } = load();
  // The second one has yet to be opened, which may take longer than 30 ms.
  const patient = { timeoutMs: null };
  const held = [await pool.acquire(patient), await pool.acquire(patient)];
  const error = await rejection(pool.acquire());
  expect(error).toBeInstanceOf(AcquireTimeoutError);
  expect(error).toMatchObject({
    name: 'AcquireTimeoutError',
    code: 'ERR_POLYPOOL_ACQUIRE_TIMEOUT',
    max: 2,
    inUse: 2,
    idle: 0,
    connecting: 0,
    waiting: 0,
  });
  expect(error.waitedMs).toBeGreaterThanOrEqual(29);
  expect(error.longestHeldMs).toBeGreaterThanOrEqual(29);
  expect(error.holderStack).toContain('acquire.test.js');
  expect(error.message).toMatch(/2/);
  await Promise.all(held.map((connection) => connection.release()));
  expect(pool.stats()).toMatchObject({ timeouts: 1, idle: 2, waiting: 0 });
});

test('a timeout of the call overrules that of the pool, null waits', async () => {
  const pool = await openPool({ max: 1, acquireTimeoutMs: 20 });
  const held = await pool.acquire();
  const patient = pool.acquire({ timeoutMs: null });
  const error = await rejection(pool.acquire());
  expect(error.code).toBe('ERR_POLYPOOL_ACQUIRE_TIMEOUT');
  await held.release();
  await (await patient).release();
});

test('a waiter that gave up receives nothing: the connection goes to the next', async () => {
  const pool = await openPool({ max: 1 });
  const held = await pool.acquire();
  const controller = new AbortController();
  const gone = rejection(pool.acquire({ signal: controller.signal }));
  const late = rejection(pool.acquire({ timeoutMs: 1 }));
  const next = pool.acquire();
  controller.abort();
  expect((await gone).code).toBe('ERR_POLYPOOL_ABORTED');
  expect((await late).code).toBe('ERR_POLYPOOL_ACQUIRE_TIMEOUT');
  await held.release();
  await (await next).release();
  expect(pool.stats()).toMatchObject({ acquired: 2, released: 2, waiting: 0, idle: 1 });
});

test('beyond maxWaiting requests are refused at once', async () => {
  const pool = await openPool({ max: 1, maxWaiting: 2 });
  const held = await pool.acquire();
  const waiting = [pool.acquire(), pool.acquire()];
  const error = await rejection(pool.acquire());
  expect(error.code).toBe('ERR_POLYPOOL_QUEUE_FULL');
  await held.release();
  for (const waiter of waiting) await (await waiter).release();
});

test('min connections are opened at once and kept', async () => {
  const pool = await openPool({ min: 3, max: 5 });
  expect(pool.stats().total).toBeGreaterThanOrEqual(3);
  const connection = await pool.acquire();
  await connection.release({ destroy: true });
  await until(() => pool.stats().idle === 3);
});

test('idle connections above min are closed after idleTimeoutMs', async () => {
  const pool = await openPool({ min: 1, max: 4, idleTimeoutMs: 40 });
  const removed = [];
  pool.on('remove', (connection, reason) => removed.push(reason));
  const held = await Promise.all([1, 2, 3].map(() => pool.acquire()));
  await Promise.all(held.map((connection) => connection.release()));
  // The counts are the core's, which events follow.
  await until(() => removed.length === 2);
  expect(removed).toEqual(['idle', 'idle']);
  expect(pool.stats().total).toBe(1);
});

test('maxUses retires a connection after so many leases', async () => {
  const pool = await openPool({ max: 1, maxUses: 3 });
  const pids = [];
  for (let i = 0; i < 7; i++) pids.push(await pool.use((c) => c.processId));
  expect(new Set(pids.slice(0, 3)).size).toBe(1);
  expect(new Set(pids).size).toBe(3);
});

test('maxLifetimeMs retires idle connections, a lease stays', async () => {
  const pool = await openPool({ max: 2, maxLifetimeMs: 60, idleTimeoutMs: 0 });
  const reasons = [];
  pool.on('remove', (connection, reason) => reasons.push([connection.id, reason]));
  const [leased, idle] = [await pool.acquire(), await pool.acquire()];
  await idle.release();
  await until(() => reasons.length === 1);
  expect(reasons).toEqual([[idle.id, 'lifetime']]);
  expect(await pidOf(leased)).toBe(leased.processId);
  await leased.release();
  await until(() => reasons.length === 2);
  expect(reasons[1]).toEqual([leased.id, 'lifetime']);
});

test('idleOrder fifo goes round, lifo stays with the last', async () => {
  for (const [idleOrder, distinct] of [
    ['lifo', 1],
    ['fifo', 3],
  ]) {
    const pool = await openPool({ max: 3, idleOrder });
    const all = await Promise.all([1, 2, 3].map(() => pool.acquire()));
    for (const connection of all) await connection.release();
    const seen = new Set();
    for (let i = 0; i < 6; i++) seen.add(await pool.use((c) => c.id));
    expect([idleOrder, seen.size]).toEqual([idleOrder, distinct]);
  }
});

test('validate always notices a connection that died while idle', async () => {
  const pool = await openPool({ max: 1, validate: 'always' });
  const first = await pool.use((c) => c.processId);
  await observe('select pg_terminate_backend($1, 5000)', [first]);
  expect(await pidOf(pool)).not.toBe(first);
});

test('a lease held too long is reported once, with the stack of its acquire', async () => {
  const pool = await openPool({ max: 1, leakDetectionMs: 20 });
  const leaks = [];
  const { promise, resolve } = deferred();
  pool.on('leak', (leak) => {
    leaks.push(leak);
    resolve();
  });
  async function forgetfulCaller() {
    return pool.acquire();
  }
  const connection = await forgetfulCaller();
  await promise;
  expect(leaks[0].stack).toContain('forgetfulCaller');
  expect(leaks[0].heldMs).toBeGreaterThanOrEqual(19);
  expect(leaks[0].id).toBe(connection.id);
  expect(leaks[0].processId).toBe(connection.processId);
  await connection.query('select pg_sleep(0.1)');
  await connection.release();
  expect(leaks).toHaveLength(1);
});

test('maxLeaseMs takes the connection away', async () => {
  const pool = await openPool({ max: 1, maxLeaseMs: 30 });
  const connection = await pool.acquire();
  const error = await rejection(connection.query('select pg_sleep(20)'));
  expect(error.code).toBe('ERR_POLYPOOL_STALE_CONNECTION');
  expect(connection.released).toBe(true);
  expect(await pidOf(pool)).not.toBe(connection.processId);
  await connection.release();
});

test('onConnect runs before the first lease of each connection', async () => {
  const seen = [];
  const pool = await openPool({
    max: 2,
    onConnect: async (connection) => {
      seen.push(connection.processId);
      await connection.query("set application_name = 'prepared'");
    },
  });
  const held = [await pool.acquire(), await pool.acquire()];
  for (const connection of held) {
    const { rows } = await connection.query("select current_setting('application_name') as name");
    expect(rows[0].name).toBe('prepared');
    await connection.release();
  }
  expect(seen.sort()).toEqual(held.map((c) => c.processId).sort());
});

test('onConnect runs again after a full reset', async () => {
  const pool = await openPool({
    max: 1,
    onConnect: (connection) => connection.query("set application_name = 'prepared'"),
  });
  await pool.use((connection) => connection.query("set application_name = 'mine'"));
  const { rows } = await pool.query("select current_setting('application_name') as name");
  expect(rows[0].name).toBe('prepared');
});

test('when onConnect throws, whoever waits is told why', async () => {
  const { createPool } = load();
  const { url } = require('../support/urls.js');
  const onConnect = () => {
    throw new RangeError('not this one');
  };
  const error = await rejection(createPool(url(), { max: 1, onConnect }));
  expect(error.code).toBe('ERR_POLYPOOL_CONNECT');
  expect(error.message).toContain('not this one');
});

test('a reset function does the reset, and its rejection closes the connection', async () => {
  let calls = 0;
  const pool = await openPool({
    max: 1,
    reset: async (connection) => {
      calls += 1;
      await connection.query('discard all');
      if (calls === 2) throw new Error('does not come clean');
    },
  });
  const pids = [];
  for (let i = 0; i < 3; i++) {
    pids.push(
      await pool.use(async (connection) => {
        await connection.query("set application_name = 'mine'");
        return connection.processId;
      }),
    );
  }
  expect(calls).toBe(3);
  expect(pids[1]).toBe(pids[0]);
  expect(pids[2]).not.toBe(pids[0]);
});

test('a lazy pool opens nothing before the first use', async () => {
  const pool = lazyPool({ max: 2 });
  expect(pool.stats()).toMatchObject({ total: 0, created: 0 });
  expect((await pool.query('select 1 as a')).rows).toEqual([{ a: 1 }]);
  expect(pool.stats().created).toBe(1);
});

test('thousands of acquires within one tick all settle', async () => {
  const pool = await openPool({ max: 3 });
  let served = 0;
  await Promise.all(
    Array.from({ length: 5000 }, async () => {
      const connection = await pool.acquire();
      served += 1;
      await connection.release();
    }),
  );
  expect(served).toBe(5000);
  expect(pool.stats()).toMatchObject({ acquired: 5000, released: 5000, inUse: 0, waiting: 0 });
});

test('an abort does not reach whoever got the same place in line since', async () => {
  const pool = await openPool({ max: 1 });
  for (let round = 0; round < 50; round++) {
    const held = await pool.acquire();
    const controller = new AbortController();
    const first = pool.acquire({ signal: controller.signal }).then(
      (connection) => connection.release(),
      (error) => expect(error.code).toBe('ERR_POLYPOOL_ABORTED'),
    );
    const abort = () => controller.abort();
    // In one tick: the waiter gives up, its connection comes back, another takes its number.
    if (round % 2) abort();
    const released = held.release();
    if (round % 4 === 0) abort();
    const innocent = pool.acquire();
    if (round % 4 === 2) abort();
    await Promise.all([first, released]);
    await (await innocent).release();
  }
  expect(pool.stats()).toMatchObject({ inUse: 0, waiting: 0, idle: 1 });
});

test('a statement of onConnect settles when onConnect fails', async () => {
  const { createPool } = load();
  const { url } = require('../support/urls.js');
  let statement;
  const onConnect = (connection) => {
    statement = rejection(connection.query('select pg_sleep(60)'));
    throw new Error('no');
  };
  const error = await rejection(createPool(url(), { max: 1, onConnect }));
  expect(error.message).toContain('no');
  expect((await statement).code).toMatch(/^ERR_POLYPOOL_/);
});

test('onConnect sees the ids of its connection', async () => {
  let seen;
  const pool = await openPool({
    max: 1,
    onConnect: async (connection) => {
      seen = [connection.id, connection.processId, await pidOf(connection)];
    },
  });
  await pool.use(({ id, processId }) => expect(seen).toEqual([id, processId, processId]));
});
