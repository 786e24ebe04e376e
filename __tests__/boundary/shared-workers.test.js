'use strict';
// One pool of several worker threads: the budget holds, whatever becomes of a thread the others go
// on, and nothing of it stays behind.

const { unique } = require('../support/pools.js');
const { printed } = require('../support/child.js');
const { runWorkers } = require('../support/workers.js');

/** Start/terminate cycles of the last test; ten thousand on request. */
const CYCLES = Number(process.env.POLYPOOL_CYCLES ?? 100);

/** In the main thread and in every worker. */
const SHARED = `
  const NAME = process.env.NAME;
  const MAX = Number(process.env.MAX);
  const open = (options) =>
    createPool(process.env.TEST_URL, { shared: true, name: NAME, applicationName: NAME, max: MAX, ...options });`;

const MAIN = `
  ${SHARED}
  const other = await createPool(process.env.TEST_URL, { max: 1 });
  const count = 'select count(*)::int as n from pg_stat_activity where application_name = $1';
  const connections = async () => (await other.query(count, [NAME])).rows[0].n;
  const message = async (worker) => (await once(worker, 'message'))[0];`;

const run = (main, worker, { max = 5, timeoutMs } = {}) => {
  const env = { NAME: unique('threads'), MAX: String(max) };
  return runWorkers(`${MAIN} ${main}`, `${SHARED} ${worker}`, env, timeoutMs);
};

const CLEAN = { code: 0, signal: null, stderr: '' };

test('eight threads over five connections: each its own answers, never a sixth', async () => {
  const result = await run(
    `const workers = Array.from({ length: 8 }, (_, n) => start({ n }));
     const answers = Promise.all(workers.map(message));
     let working = true;
     answers.then(() => (working = false));
     let most = 0;
     while (working) most = Math.max(most, await connections());
     const pool = await open();
     const { threads, created, max } = pool.stats();
     print({ wrong: await answers, within: most <= MAX, used: most > 1, threads, max, one: created <= MAX });
     workers.forEach((worker) => worker.postMessage('end'));
     await Promise.all(workers.map((worker) => once(worker, 'exit')));
     await pool.query('select 1');
     print(pool.stats().threads);
     await pool.close();
     await other.close();`,
    `open().then(async (pool) => {
       let wrong = 0;
       const ask = async (i) => {
         const n = workerData.n * 1000 + i;
         const text = i % 7 === 0 ? 'select $1::int as n, pg_sleep(0.002)' : 'select $1::int as n';
         const call = i % 3 === 0 ? pool.use((c) => c.query(text, [n])) : pool.query(text, [n]);
         if ((await call).rows[0].n !== n) wrong += 1;
       };
       await Promise.all(Array.from({ length: 300 }, (_, i) => ask(i)));
       report(wrong);
       await once(parentPort, 'message');
       await pool.close();
       parentPort.unref();
     });
     const { once } = require('node:events');`,
  );
  expect(result).toMatchObject(CLEAN);
  const expected = { wrong: Array(8).fill(0), within: true, used: true, threads: 9, max: 5 };
  expect(printed(result)).toEqual([{ ...expected, one: true }, 1]);
});

test('of a terminated thread leases are destroyed and waiters removed; others go on', async () => {
  const result = await run(
    `const pool = await open();
     const worker = start({});
     const pids = await message(worker);
     const mine = await pool.acquire();
     while (pool.stats().waiting < 3) await new Promise(setImmediate);
     const served = pool.query('select pg_backend_pid() as pid');
     while (pool.stats().waiting < 4) await new Promise(setImmediate);
     await worker.terminate();
     const { pid } = (await served).rows[0];
     const gone = 'select count(*)::int as n from pg_stat_activity where pid = any($1)';
     while ((await other.query(gone, [pids])).rows[0].n > 0);
     print({ fresh: !pids.includes(pid) && pid !== mine.processId, ...(({ waiting, inUse, threads }) => ({ waiting, inUse, threads }))(pool.stats()) });
     await mine.release();
     await pool.close();
     await other.close();`,
    `open().then(async (pool) => {
       const held = [await pool.acquire(), await pool.acquire()];
       held[0].query('select pg_sleep(60)');
       report(held.map((connection) => connection.processId));
       // Once the main thread has the third.
       while (pool.stats().inUse < 3) await new Promise(setImmediate);
       pool.acquire(); pool.acquire(); pool.query('select 1');
     });`,
    { max: 3 },
  );
  expect(result).toMatchObject(CLEAN);
  expect(printed(result)).toEqual([{ fresh: true, waiting: 0, inUse: 1, threads: 1 }]);
});

test('the pool outlives the thread that made it; its function is run by the next', async () => {
  const result = await run(
    `const worker = start({});
     await message(worker);
     const named = (pool) => pool.query("select current_setting('work_mem') as set");
     const prepare = (c) => c.query("set work_mem = '2MB'");
     const pool = await open({ onConnect: prepare });
     print((await named(pool)).rows[0].set);
     await worker.terminate();
     pool.clear();
     print((await named(pool)).rows[0].set);
     await pool.close();
     await other.close();`,
    `open({ onConnect: (c) => c.query("set work_mem = '1MB'") }).then((pool) => {
       report('open');
       setInterval(() => {}, 1000);
     });`,
    { max: 1 },
  );
  expect(result).toMatchObject(CLEAN);
  expect(printed(result)).toEqual(['1MB', '2MB']);
});

test('when the last thread ends without close() the pool goes with it', async () => {
  const result = await run(
    `const workers = [start({}), start({})];
     await Promise.all(workers.map(message));
     await workers[0].terminate();
     await new Promise((resolve) => workers[1].on('exit', resolve).postMessage('end'));
     while ((await connections()) > 0);
     const pool = await open({ max: MAX + 1 });
     print(pool.stats().max);
     await pool.close();
     await other.close();`,
    `open().then(async (pool) => {
       await Promise.all([pool.query('select pg_sleep(0.01)'), pool.query('select pg_sleep(0.01)')]);
       report('open');
       parentPort.once('message', () => process.exit());
     });`,
  );
  expect(result).toMatchObject(CLEAN);
  expect(printed(result)).toEqual([6]);
});

test('a timeout names the threads of the oldest holders', async () => {
  const options = '{ leakDetectionMs: 60000, acquireTimeoutMs: 100 }';
  const result = await run(
    `const worker = start({});
     await message(worker);
     const pool = await open(${options});
     const mine = await (async function mainHolder() { return pool.acquire({ timeoutMs: 20000 }); })();
     const error = await pool.query('select 1').catch((error) => error);
     const [first, second] = error.holders;
     print([first.thread === worker.threadId, first.stack, second.thread]);
     print([second.stack, error.message].map((text) => text.includes('mainHolder')));
     print([error.message.includes('ms in thread ' + worker.threadId), error.nested]);
     print(first.heldMs >= second.heldMs && error.longestHeldMs === first.heldMs);
     await mine.release();
     await worker.terminate();
     await pool.close();
     await other.close();`,
    `open(${options}).then(async (pool) => {
       await pool.acquire();
       report('held');
       setInterval(() => {}, 1000);
     });`,
    { max: 2 },
  );
  expect(result).toMatchObject(CLEAN);
  expect(printed(result)).toEqual([[true, null, 0], [true, true], [true, true], true]);
});

/** What a thread may be at when it is terminated. */
const BUSY = `
  open().then((pool) => {
    const forever = async (step) => { for (;;) await step(); };
    const jobs = [
      () => forever(() => pool.query('select i, $1::text as t from generate_series(1, 40) i', ['é'])),
      () => forever(() => pool.use((c) => c.query('select pg_sleep(0.001)'))),
      () => forever(async () => { for await (const row of pool.stream('select i from generate_series(1, 3000) i')) void row; }),
      () => forever(() => pool.transaction((tx) => tx.query('select 1'))),
      () => forever(() => pool.acquire()),
      () => forever(() => pool.query('select pg_sleep(10)')),
    ];
    for (let i = 0; i < 3; i++) jobs[(workerData.n + i * workerData.step) % jobs.length]();
    report('busy');
  }, () => {});`;

test(
  'threads that are terminated at any moment leave nothing behind',
  async () => {
    const result = await run(
      `const pool = await open();
     const cycles = ${CYCLES};
     const { readFileSync, readdirSync } = require('node:fs');
     const figures = () => ({
       rssMiB: Math.round(process.memoryUsage().rss / 2 ** 20),
       threads: readdirSync('/proc/self/task').length,
       fds: readdirSync('/proc/self/fd').length,
     });
     const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
     const until = process.env.POLYPOOL_CYCLES_UNTIL_MS ? Date.now() + Number(process.env.POLYPOOL_CYCLES_UNTIL_MS) : Infinity;
     let over = 0, ended = 0, failures = 0, samples = 0;
     const lane = async (lane) => {
       for (let n = lane; n < cycles && Date.now() < until; n += 4) {
         const worker = start({ n, step: 1 + (n % 5) });
         worker.on('error', () => (failures += 1));
         // Some while they start, some in the middle of their work.
         if (n % 4 === 0) await pause(n % 23);
         else await Promise.race([once(worker, 'message'), once(worker, 'exit')]);
         if (n % 3 === 0) await pause(n % 7);
         await worker.terminate();
         ended += 1;
         if (ended % 1000 === 0) console.error(JSON.stringify({ ended, ...figures(), ...(({ total, waiting, inUse, created }) => ({ total, waiting, inUse, created }))(pool.stats()) }));
       }
     };
     const before = figures();
     let working = true;
     const watch = (async () => {
       while (working) {
         samples += 1;
         if ((await connections()) > MAX) over += 1;
         await pause(5);
       }
     })();
     await Promise.all([0, 1, 2, 3].map(lane));
     working = false;
     await watch;
     let calm;
     do { await pause(5); calm = pool.stats(); } while (calm.inUse + calm.waiting + calm.connecting > 0);
     const answers = await Promise.all(Array.from({ length: 20 }, (_, i) => pool.query('select $1::int as n', [i])));
     const right = answers.every(({ rows }, i) => rows[0].n === i);
     await pool.close();
     while ((await connections()) > 0);
     await other.close();
     if (cycles > 1000) console.error(JSON.stringify({ before, after: figures(), ended, samples, created: calm.created }));
     print({ over, failures, right, threads: pool.stats().threads });`,
      BUSY,
      { timeoutMs: CYCLES > 200 ? 3_600_000 : undefined },
    );
    if (CYCLES > 200) process.stderr.write(result.stderr);
    expect(result).toMatchObject({ code: 0, signal: null });
    if (CYCLES <= 200) expect(result.stderr).toBe('');
    expect(printed(result)).toEqual([{ over: 0, failures: 0, right: true, threads: 0 }]);
  },
  Math.max(60_000, CYCLES * 1000),
);
