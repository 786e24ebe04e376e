'use strict';
// A server of its own that is stopped and started while queries keep coming.

const { Server } = require('../support/server.js');
const { load, track, rejection, until } = require('../support/pools.js');
const { url } = require('../support/urls.js');

let server;
beforeAll(async () => {
  server = await Server.start();
});
afterAll(() => server?.destroy());

/** What a caller may see while the server goes down, is away, and comes up. */
const EXPECTED = [
  /^57P0[123]$/,
  /^ERR_POLYPOOL_(CONNECTION_LOST|CONNECT|ACQUIRE_TIMEOUT|STALE_CONNECTION|QUERY_TIMEOUT)$/,
];

const expected = ({ code }) => EXPECTED.some((pattern) => pattern.test(code));

const makePool = async (options) =>
  track(await load().createPool(url({ server: server.describe() }), options));

async function load65(pool, whileRunning) {
  let working = true;
  const counts = { answered: 0, failed: 0 };
  const worker = async (id) => {
    for (let i = 0; working; i++) {
      const who = `${id}/${i}`;
      try {
        const { rows } = await pool.query('select $1::text as who', [who]);
        if (rows[0].who !== who) throw new Error(`${who} got ${rows[0].who}`);
        counts.answered += 1;
      } catch (error) {
        if (!expected(error)) throw error;
        counts.failed += 1;
        await new Promise(setImmediate);
      }
    }
  };
  const all = Promise.all(Array.from({ length: 65 }, (_, id) => worker(id)));
  try {
    await Promise.race([all, whileRunning(counts)]);
  } finally {
    working = false;
  }
  await all;
  return counts;
}

test.each(['fast', 'immediate'])(
  'the server is restarted (%s) under the load of 65 users',
  async (mode) => {
    const pool = await makePool({ max: 10, acquireTimeoutMs: 20_000 });
    await load65(pool, async (counts) => {
      for (let round = 0; round < 3; round++) {
        const before = counts.answered;
        await until(() => counts.answered > before + 500, 'progress');
        await server.restart(mode);
      }
      const before = counts.answered;
      await until(() => counts.answered > before + 500, 'progress after the last restart');
    });
    const stats = pool.stats();
    expect(stats).toMatchObject({ inUse: 0, waiting: 0 });
    expect(stats.total).toBeLessThanOrEqual(10);
    expect(stats.acquired).toBeGreaterThanOrEqual(stats.released);
  },
);

test('while the server is away requests wait for it, up to their deadline', async () => {
  const pool = await makePool({ max: 3, acquireTimeoutMs: 20_000 });
  await pool.query('select 1');
  await server.stop();
  const late = rejection(pool.acquire({ timeoutMs: 100 }));
  const patient = Array.from({ length: 10 }, (_, i) =>
    pool.query('select $1::int as n', [i]).catch((error) => error),
  );
  const error = await late;
  expect(error.code).toMatch(/^ERR_POLYPOOL_(ACQUIRE_TIMEOUT|CONNECT)$/);
  expect(error.cause).toBeInstanceOf(Error);
  await server.start();
  for (const [i, result] of (await Promise.all(patient)).entries()) {
    // One may have been sent on a connection that was about to be lost.
    if (result instanceof Error) expect(expected(result)).toBe(true);
    else expect(result.rows).toEqual([{ n: i }]);
  }
  expect((await pool.query('select 1 as a')).rows).toEqual([{ a: 1 }]);
});

test('while the server is away connects are few', async () => {
  const pool = await makePool({ max: 10, acquireTimeoutMs: 600 });
  await server.stop();
  const errors = await Promise.all(
    Array.from({ length: 300 }, () => rejection(pool.query('select 1'))),
  );
  for (const error of errors) expect(expected(error)).toBe(true);
  // createMs counts successes, errors the attempts: backoff keeps them far below the requests.
  expect(pool.stats().errors).toBeLessThan(200);
  await server.start();
  // A backoff that began before may outlast one deadline.
  await until(() => pool.query('select 1').catch(() => null), 'an answer');
});

test('waitForServer: createPool resolves when the server comes up', async () => {
  await server.stop();
  const pool = makePool({ max: 1, waitForServer: true, acquireTimeoutMs: 20_000 });
  await server.start();
  expect((await (await pool).query('select 1 as a')).rows).toEqual([{ a: 1 }]);
});

test('a frozen server process holds a query only as long as its timeout', async () => {
  const pool = await makePool({ max: 1 });
  const connection = await pool.acquire();
  process.kill(connection.processId, 'SIGSTOP');
  try {
    const error = await rejection(connection.query('select 1', [], { timeoutMs: 60 }));
    expect(error.code).toBe('ERR_POLYPOOL_QUERY_TIMEOUT');
  } finally {
    process.kill(connection.processId, 'SIGCONT');
  }
  await connection.release();
  expect((await pool.query('select 1 as a')).rows).toEqual([{ a: 1 }]);
});
