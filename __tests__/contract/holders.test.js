'use strict';
// Who holds connections while others wait: what the timeout says, acquires that wait for
// themselves, and leases that are taken away.

const {
  deferred,
  observe,
  openConnection,
  openPool,
  rejection,
  until,
} = require('../support/pools.js');

const timeoutOf = (pool, timeoutMs = 80) => rejection(pool.acquire({ timeoutMs }));

describe('the oldest holders', () => {
  test('five at most, the longest first, with the stack of each acquire', async () => {
    const pool = await openPool({ max: 6, leakDetectionMs: 60_000 });
    const held = [];
    async function eldest() {
      return pool.acquire();
    }
    held.push(await eldest());
    for (let i = 0; i < 5; i++) held.push(await pool.acquire());
    const error = await timeoutOf(pool);
    expect(error.holders).toHaveLength(5);
    const times = error.holders.map((holder) => holder.heldMs);
    expect(times).toEqual([...times].sort((a, b) => b - a));
    expect(error.longestHeldMs).toBe(times[0]);
    expect(error.holders[0].stack).toContain('eldest');
    expect(error.holderStack).toBe(error.holders[0].stack);
    expect(error.message).toMatch(/held longest: \d+ ms by .*eldest/);
    for (const holder of error.holders) {
      expect(Object.keys(holder).sort()).toEqual(['heldMs', 'idleMs', 'stack', 'thread']);
    }
    await Promise.all(held.map((connection) => connection.release()));
  });

  test.each([
    ['acquire', (pool) => pool.acquire()],
    ['use', (pool, end) => pool.use(() => end)],
    ['transaction', (pool, end) => pool.transaction(() => end)],
    ['cursor', (pool) => pool.cursor('select generate_series(1, 3)')],
  ])('%s: the first frame is where the application called', async (_, call) => {
    const pool = await openPool({ max: 1, leakDetectionMs: 1 });
    const leaks = [];
    pool.on('leak', (leak) => leaks.push(leak));
    const done = deferred();
    const application = () => call(pool, done.promise);
    const held = application();
    // A cursor has its connection from the first read on.
    const lent = held.read === undefined ? held : held.read(1);
    await until(() => leaks.length === 1, 'a leak');
    const error = await timeoutOf(pool);
    for (const { stack } of [error.holders[0], leaks[0]]) {
      const [first] = stack.split('\n');
      expect(first).toContain(__filename);
      expect(stack).toContain('application');
    }
    expect(error.message).toMatch(/held longest: \d+ ms by \S*( \()?[^,]*holders\.test\.js/);
    done.resolve();
    await (await lent)?.release?.();
    await held.close?.();
  });

  test('a transaction that runs again is still its caller’s', async () => {
    const pool = await openPool({ max: 1, leakDetectionMs: 60_000 });
    let runs = 0;
    let error;
    async function application() {
      await pool.transaction(
        async (tx) => {
          await tx.query('select 1');
          if (++runs === 2) error = await timeoutOf(pool);
          else throw Object.assign(new Error('again'), { code: '40001' });
        },
        { retries: 1 },
      );
    }
    await application();
    const [first] = error.holders[0].stack.split('\n');
    expect(first).toContain('application');
  });

  test('without leak detection times only', async () => {
    const pool = await openPool({ max: 1 });
    const held = await pool.acquire();
    const error = await timeoutOf(pool);
    expect(error.holders).toMatchObject([{ stack: null }]);
    expect(error.holderStack).toBe(null);
    expect(error.message).toMatch(/held longest: \d+ ms(;|$)/);
    await held.release();
  });

  test('none when connections are busy without being lent', async () => {
    const pool = await openPool({ max: 1, acquireTimeoutMs: 50 });
    const running = pool.query('select pg_sleep(0.3)');
    await until(() => pool.stats().inUse === 1);
    const error = await timeoutOf(pool, 50);
    expect(error).toMatchObject({ holders: [], longestHeldMs: null, nested: false });
    await running;
  });
});

describe('an acquire that waits for itself', () => {
  test.each([
    ['acquire', (pool) => pool.acquire()],
    ['query', (pool) => pool.query('select 1')],
    ['transaction', (pool) => pool.transaction((tx) => tx.query('select 1'))],
  ])('%s within use() and transaction() is named, with leak detection', async (_, call) => {
    const options = { max: 1, acquireTimeoutMs: 60, leakDetectionMs: 60_000 };
    const pool = await openPool(options);
    for (const outer of ['use', 'transaction']) {
      const error = await pool[outer](async (connection) => {
        await connection.query('select 1');
        return rejection(call(pool));
      });
      expect(error).toMatchObject({ code: 'ERR_POLYPOOL_ACQUIRE_TIMEOUT', nested: true });
      expect(error.message).toContain('this code already holds 1 connection of this pool');
      expect(error.message).toContain('a nested acquire waits for itself');
      expect(error.stack).toContain(error.message);
    }
  });

  test('who does not hold any is not accused, though another does', async () => {
    const pool = await openPool({ max: 1, leakDetectionMs: 60_000 });
    const done = deferred();
    const holding = pool.use(async (connection) => {
      const running = connection.query('select pg_sleep(0.3)');
      await done.promise;
      await running;
    });
    const error = await timeoutOf(pool);
    expect(error.nested).toBe(false);
    expect(error.message).not.toContain('nested');
    done.resolve();
    await holding;
  });

  test('nor is who held one and gave it back', async () => {
    const pool = await openPool({ max: 1, leakDetectionMs: 60_000 });
    let late;
    const go = deferred();
    await pool.use(async () => {
      late = go.promise.then(() => timeoutOf(pool));
    });
    const busy = pool.use((connection) => connection.query('select pg_sleep(0.3)'));
    go.resolve();
    expect((await late).nested).toBe(false);
    await busy;
  });

  test('without leak detection it is told by what the holders do', async () => {
    const pool = await openPool({ max: 2 });
    const held = [await pool.acquire(), await pool.acquire()];
    const idle = await timeoutOf(pool);
    expect(idle.nested).toBe(true);
    expect(idle.message).toContain('a nested acquire waits for itself');
    const running = held[0].query('select pg_sleep(0.3)');
    const busy = await timeoutOf(pool);
    expect(busy.nested).toBe(false);
    expect(busy.message).not.toContain('nested');
    await running;
    await Promise.all(held.map((connection) => connection.release()));
  });

  test('transaction() of an outer transaction within a nested one', async () => {
    const pool = await openPool({ max: 1, leakDetectionMs: 60_000 });
    const error = await pool.transaction(async (tx) => {
      const siblings = await Promise.all([
        tx.transaction(() => tx.query('select 1 as a')),
        tx.transaction(() => tx.query('select 2 as a')),
      ]);
      expect(siblings.map(({ rows }) => rows[0].a)).toEqual([1, 2]);
      const [failed] = await tx.transaction((inner) =>
        inner.transaction(() => Promise.all([rejection(tx.transaction(() => {}))])),
      );
      await tx.transaction((inner) => inner.transaction(() => {}));
      return failed;
    });
    expect(error.code).toBe('ERR_POLYPOOL_SELF_DEADLOCK');
    expect(error.message).toContain('innermost');
  });

  test('one connection of its own nests its transactions as well', async () => {
    await openPool({ max: 1, leakDetectionMs: 60_000 });
    const connection = await openConnection();
    const error = await connection.transaction((tx) =>
      tx.transaction(() => rejection(tx.transaction(() => {}))),
    );
    expect(error.code).toBe('ERR_POLYPOOL_SELF_DEADLOCK');
  });
});

describe('maxLeaseMs', () => {
  test('cancels what runs, closes the connection, and the next one is served', async () => {
    const pool = await openPool({ max: 1, maxLeaseMs: 60 });
    const removed = [];
    pool.on('remove', (info, reason) => removed.push([info.processId, reason]));
    const held = await pool.acquire();
    const { processId } = held;
    const marker = `held by ${processId}`;
    const running = rejection(held.query(`select pg_sleep(30), '${marker}'`));
    const next = pool.query('select pg_backend_pid() as pid');
    const error = await running;
    expect(error.code).toBe('ERR_POLYPOOL_STALE_CONNECTION');
    expect(error.message).toContain('maxLeaseMs');
    expect((await next).rows[0].pid).not.toBe(processId);
    expect(removed).toEqual([[processId, 'leaseExpired']]);
    const later = await rejection(held.query('select 1'));
    expect(later.code).toBe('ERR_POLYPOOL_STALE_CONNECTION');
    expect(later.message).toContain('maxLeaseMs');
    const text = 'select 1 from pg_stat_activity where pid = $1';
    await until(async () => (await observe(text, [processId])).length === 0);
    await held.release();
    expect(pool.stats()).toMatchObject({ inUse: 0, waiting: 0, total: 1 });
  });

  test('takes an idle lease and an open transaction just the same', async () => {
    const pool = await openPool({ max: 2, maxLeaseMs: 60 });
    const gone = deferred();
    let count = 0;
    pool.on('remove', () => (count += 1) === 2 && gone.resolve());
    const idle = await pool.acquire();
    const error = await rejection(
      pool.transaction(async (tx) => {
        await tx.query('select 1');
        await gone.promise;
        await tx.query('select 2');
      }),
    );
    expect(error.code).toBe('ERR_POLYPOOL_STALE_CONNECTION');
    expect(idle.released).toBe(true);
    expect((await pool.query('select 3 as a')).rows).toEqual([{ a: 3 }]);
  });
});
