'use strict';
// The server ends sessions: idle ones, busy ones, all of them at once.

const {
  openPool,
  observe,
  terminateBackend,
  rejection,
  until,
  unique,
} = require('../support/pools.js');

const LOST = /^(57P0[123]|ERR_POLYPOOL_CONNECTION_LOST)$/;

/** Waits until the backend is within pg_sleep(). */
const untilAsleep = (processId) =>
  until(async () => {
    const text = 'select 1 from pg_stat_activity where pid = $1 and wait_event = $2';
    return (await observe(text, [processId, 'PgSleep'])).length;
  });

test('an idle connection that is killed is replaced, and nobody notices', async () => {
  const pool = await openPool({ max: 1 });
  for (let round = 0; round < 5; round++) {
    const pid = await pool.use((c) => c.processId);
    await terminateBackend(pid);
    await until(() => pool.stats().destroyed === round + 1);
    const { rows } = await pool.query('select pg_backend_pid() as pid');
    expect(rows[0].pid).not.toBe(pid);
  }
});

test('a query that runs when its backend is killed rejects, the next one works', async () => {
  const pool = await openPool({ max: 1 });
  for (let round = 0; round < 5; round++) {
    const mark = unique('m');
    const query = rejection(pool.query(`select pg_sleep(60) /* ${mark} */`));
    const [{ pid }] = await until(async () => {
      const rows = await observe(
        `select pid from pg_stat_activity where state = 'active' and query like '%${mark}%'
          and pid <> pg_backend_pid()`,
      );
      return rows.length && rows;
    });
    await terminateBackend(pid);
    const error = await query;
    expect(error.code).toMatch(LOST);
    expect((await pool.query('select 1 as a')).rows).toEqual([{ a: 1 }]);
  }
  expect(pool.stats()).toMatchObject({ inUse: 0, waiting: 0, total: 1 });
});

test('everything queued on a killed connection settles', async () => {
  const pool = await openPool({ max: 1 });
  await pool.use(async (connection) => {
    const queries = Array.from({ length: 50 }, (_, i) =>
      connection.query('select $1::int as n, pg_sleep($2)', [i, i === 10 ? 60 : 0]),
    );
    await queries[9];
    await terminateBackend(connection.processId);
    const outcomes = await Promise.allSettled(queries);
    outcomes.forEach(({ value, reason }, i) => {
      if (i < 10) expect(value.rows[0].n).toBe(i);
      else expect(reason.code).toMatch(LOST);
    });
    const after = await rejection(connection.query('select 1'));
    expect(after.code).toMatch(/^ERR_POLYPOOL_(CONNECTION_LOST|STALE_CONNECTION)$/);
    expect(connection.released).toBe(true);
  });
  expect((await pool.query('select 1 as a')).rows).toEqual([{ a: 1 }]);
});

test('a lease whose connection is lost knows it, without a statement', async () => {
  const pool = await openPool({ max: 1 });
  const connection = await pool.acquire();
  const { processId } = connection;
  await terminateBackend(processId);
  await until(() => connection.released);
  const lost = { name: 'ConnectionLostError', code: 'ERR_POLYPOOL_CONNECTION_LOST' };
  expect(await rejection(connection.query('select 1'))).toMatchObject(lost);
  expect(await rejection(connection.transaction(() => {}))).toMatchObject(lost);
  expect(await rejection(connection.stream('select 1').toArray())).toMatchObject(lost);
  await connection.release();
  await connection.release({ destroy: true });
  expect(connection.processId).toBe(processId);
  expect((await pool.query('select 1 as a')).rows).toEqual([{ a: 1 }]);
  expect(pool.stats()).toMatchObject({ total: 1, inUse: 0 });
});

test('queries that were waiting go to a new connection', async () => {
  const pool = await openPool({ max: 1, pipeline: false });
  const connection = await pool.acquire();
  const waiting = Array.from({ length: 20 }, (_, i) => pool.query('select $1::int as n', [i]));
  await terminateBackend(connection.processId);
  await connection.release();
  const results = await Promise.all(waiting);
  expect(results.map(({ rows }) => rows[0].n)).toEqual(results.map((_, i) => i));
});

test('a transaction whose backend is killed rejects and is not retried on its own', async () => {
  const pool = await openPool({ max: 1 });
  let runs = 0;
  const error = await rejection(
    pool.transaction(
      async (tx) => {
        runs += 1;
        await tx.query('select 1');
        const sleeping = tx.query('select pg_sleep(60)');
        await untilAsleep(tx.connection.processId);
        await terminateBackend(tx.connection.processId);
        await sleeping;
      },
      { retries: 3 },
    ),
  );
  expect(error.code).toMatch(LOST);
  expect(runs).toBe(1);
  expect((await pool.query('select 1 as a')).rows).toEqual([{ a: 1 }]);
});

test('a stream whose backend is killed ends with an error', async () => {
  const pool = await openPool({ max: 1 });
  const text =
    "select i, repeat('x', 1000) as x, pg_backend_pid() as pid from generate_series(1, 10000000) i";
  const error = await rejection(
    (async () => {
      for await (const { i, pid } of pool.stream(text)) if (i === 100) await terminateBackend(pid);
    })(),
  );
  expect(error.code).toMatch(LOST);
  expect((await pool.query('select 1 as a')).rows).toEqual([{ a: 1 }]);
});

test('all connections killed at once, again and again, under load', async () => {
  const applicationName = unique('app');
  const pool = await openPool({ max: 5, applicationName });
  let working = true;
  const outcomes = { answered: 0, lost: 0 };
  const worker = async (id) => {
    for (let i = 0; working; i++) {
      try {
        const { rows } = await pool.query('select $1::text as who', [`${id}/${i}`]);
        if (rows[0].who !== `${id}/${i}`) throw new Error(`${id}/${i} got ${rows[0].who}`);
        outcomes.answered += 1;
      } catch (error) {
        if (!LOST.test(error.code)) throw error;
        outcomes.lost += 1;
      }
    }
  };
  const workers = Array.from({ length: 20 }, (_, id) => worker(id));
  const all = Promise.all(workers);
  for (let round = 0; round < 8; round++) {
    const before = outcomes.answered;
    await Promise.race([all, until(() => outcomes.answered > before + 200, 'progress')]);
    await observe(
      'select pg_terminate_backend(pid) from pg_stat_activity where application_name = $1',
      [applicationName],
    );
  }
  const before = outcomes.answered;
  await Promise.race([all, until(() => outcomes.answered > before + 200, 'progress')]);
  working = false;
  await all;
  expect(pool.stats()).toMatchObject({ inUse: 0, waiting: 0 });
  expect(pool.stats().total).toBeLessThanOrEqual(5);
});

test('min is restored after its connections were killed', async () => {
  const pool = await openPool({ max: 4, min: 4, idleTimeoutMs: 0 });
  const held = await Promise.all([1, 2, 3, 4].map(() => pool.acquire()));
  const pids = held.map((c) => c.processId);
  await Promise.all(held.map((c) => c.release()));
  for (const pid of pids) await terminateBackend(pid);
  await until(() => pool.stats().destroyed === 4 && pool.stats().idle === 4);
});

test('a query cancelled by somebody else is an error of its own', async () => {
  const pool = await openPool({ max: 1 });
  await pool.use(async (connection) => {
    const query = rejection(connection.query('select pg_sleep(60)'));
    await untilAsleep(connection.processId);
    await observe('select pg_cancel_backend($1)', [connection.processId]);
    const error = await query;
    expect(error).toMatchObject({ name: 'DatabaseError', code: '57014' });
    expect((await connection.query('select 1 as a')).rows).toEqual([{ a: 1 }]);
  });
});

test('rows that arrived before an error are not delivered as a result', async () => {
  const pool = await openPool({ max: 1 });
  for (let run = 0; run < 3; run++) {
    const error = await rejection(
      pool.query('select 1 / (5000 - i) as a from generate_series(1, 10000) i'),
    );
    expect(error.code).toBe('22012');
  }
  expect((await pool.query('select 1 as a')).rows).toEqual([{ a: 1 }]);
});
