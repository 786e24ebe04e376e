'use strict';
// What bridged pools do to the process and its threads.

const { observe, until, unique } = require('../support/pools.js');
const { runProgram, printed } = require('../support/child.js');

const clean = (code) => ({ code, signal: null, stderr: '' });

const SOCKET = `
  const net = require('node:net');
  const stream = ({ host, port }) => net.connect(port, host);
`;

test('an idle bridged pool does not keep the process alive', async () => {
  const run = await runProgram(`${SOCKET}
    createPool(url, { stream, min: 3, max: 3, idleTimeoutMs: 0 }).then(async (p) => {
      await Promise.all([1, 2, 3].map(() => p.query('select 1')));
      console.log(JSON.stringify(p.stats().total)); });`);
  expect(run).toMatchObject(clean(0));
  expect(printed(run)).toEqual([3]);
});

test('pending requests keep it alive: connecting, queries, a stream', async () => {
  const run = await runProgram(`${SOCKET}
    const pool = new Pool(url, { stream, max: 2 });
    pool.query('select pg_sleep(0.1), 1 as n').then(async ({ rows }) => {
      console.log(rows[0].n);
      let count = 0;
      for await (const row of pool.stream('select i from generate_series(1, 20000) i')) count += 1;
      console.log(count); });`);
  expect(run).toMatchObject(clean(0));
  expect(printed(run)).toEqual([1, 20000]);
});

test.each(['while connecting', 'while queries run', 'with TLS by Node'])(
  'process.exit(7) %s',
  async (moment) => {
    const tls = moment === 'with TLS by Node';
    const options = tls ? `ssl: { minVersion: 'TLSv1.2', rejectUnauthorized: false }` : 'stream';
    const run = await runProgram(`${SOCKET}
      const pool = new Pool(${tls ? "url.replace(/\\?.*/, '')" : 'url'}, { ${options}, max: 4 });
      for (let i = 0; i < 500; i++) pool.query('select repeat($1, 1000)', ['x']).catch(() => {});
      setTimeout(() => process.exit(7), ${moment === 'while connecting' ? 0 : 60});`);
    expect(run).toMatchObject(clean(7));
  },
);

const WORKER = `
  const { workerData, parentPort } = require('node:worker_threads');
  const net = require('node:net');
  const { createPool } = require(workerData.entry);
  const stream = ({ host, port }) => net.connect(port, host);
  (async () => {
    const options = { stream, max: 4, applicationName: process.env.NAME };
    const pool = await createPool(process.env.TEST_URL, options);
    parentPort.postMessage('busy');
    const big = Buffer.alloc(1 << 20);
    const query = async () => { for (;;) await pool.query('select $1::bytea as b', [big]); };
    const read = async () => { for (;;) for await (const row of pool.stream("select repeat('x', 1000) from generate_series(1, 5000)")) void row; };
    await Promise.all([query(), query(), read(), read()]);
  })();`;

test('workers that are terminated while their transports are busy', async () => {
  const NAME = unique('bridged');
  const run = await runProgram(
    `${SOCKET}
    const { Worker } = require('node:worker_threads');
    const { once } = require('node:events');
    const entry = require.resolve('./index.js');
    (async () => {
      const pool = await createPool(url, { max: 2, stream });
      for (let round = 0; round < 10; round++) {
        const workers = [1, 2].map(() => new Worker(${JSON.stringify(WORKER)}, { eval: true, workerData: { entry } }));
        await Promise.all(workers.map((worker) => once(worker, 'message')));
        for (let i = 0; i < round; i++) await pool.query('select 1');
        await Promise.all(workers.map((worker) => worker.terminate()));
        console.log((await pool.query('select $1::int as n', [round])).rows[0].n);
      }
      const text = 'select count(*)::int as n from pg_stat_activity where application_name = $1';
      let left;
      do left = (await pool.query(text, [process.env.NAME])).rows[0].n; while (left > 0);
      await pool.close();
    })();`,
    { env: { NAME } },
  );
  expect(run).toMatchObject(clean(0));
  expect(printed(run)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
  const left = () => observe('select 1 from pg_stat_activity where application_name = $1', [NAME]);
  await until(async () => (await left()).length === 0);
});

test('workers that are terminated while their transports open', async () => {
  const run = await runProgram(`
    const { Worker } = require('node:worker_threads');
    const { once } = require('node:events');
    const entry = require.resolve('./index.js');
    (async () => {
      for (let round = 0; round < 20; round++) {
        const worker = new Worker(${JSON.stringify(WORKER)}, { eval: true, workerData: { entry } });
        await once(worker, 'online');
        await new Promise((resolve) => setTimeout(resolve, (round % 7) * 6));
        await worker.terminate();
      }
      const pool = await createPool(url);
      console.log((await pool.query('select 1 as a')).rows[0].a);
      await pool.close();
    })();`);
  expect(run).toMatchObject(clean(0));
  expect(printed(run)).toEqual([1]);
});

test('connections that come and go leave no socket behind', async () => {
  const run = await runProgram(`${SOCKET}
    createPool(url, { stream, max: 1 }).then(async (p) => {
      for (let i = 0; i < 300; i++) {
        const lease = await p.acquire();
        await lease.query('select 1');
        await lease.release({ destroy: true });
      }
      await p.close();
      const left = process.getActiveResourcesInfo().filter((name) => /TCP|Socket/.test(name));
      console.log(JSON.stringify(left.length)); });`);
  expect(run).toMatchObject(clean(0));
  expect(printed(run)).toEqual([0]);
});

test('streaming 1,000,000 rows through a Duplex stays within 100 MB', async () => {
  const program = `${SOCKET}
    createPool(url, { stream, max: 1 }).then(async (p) => {
    const text = "select i, repeat('x', 100) as t, now() as at from generate_series(1, $1::int) i";
    for await (const row of p.stream(text, [20000])) void row;
    gc();
    const start = process.memoryUsage.rss();
    let peak = start, count = 0;
    for await (const row of p.stream(text, [1000000]))
      if (++count % 5000 === 0) peak = Math.max(peak, process.memoryUsage.rss());
    console.log(JSON.stringify({ count, mb: (peak - start) / 1048576 })); });`;
  const run = await runProgram(program, { flags: ['--expose-gc'] });
  expect(run).toMatchObject(clean(0));
  const [{ count, mb }] = printed(run);
  expect(count).toBe(1_000_000);
  expect(mb).toBeLessThan(100);
});
