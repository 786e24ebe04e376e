'use strict';
// Worker threads that use pools and are ended at any moment: the process and its other threads
// stay, and the server's sessions go.

const { observe, until, unique } = require('../support/pools.js');
const { printed } = require('../support/child.js');
const { runWorkers } = require('../support/workers.js');

const BUSY = `
  const busy = async (pool) => {
    const options = { max: 4, applicationName: process.env.NAME };
    const mine = await createPool(url, options);
    report('busy');
    const query = async () => { for (;;) await mine.query('select i, $1::text as t from generate_series(1, 50) i', ['é']); };
    const lease = async () => { for (;;) await mine.use((c) => c.query('select pg_sleep(0.001)')); };
    const stream = async () => { for (;;) for await (const row of mine.stream('select i from generate_series(1, 5000) i')) void row; };
    await Promise.all([query(), query(), query(), lease(), stream()]);
  };
  busy();`;

const leftAtServer = async (applicationName) => {
  const text = 'select 1 from pg_stat_activity where application_name = $1';
  return (await observe(text, [applicationName])).length;
};

test('workers that are terminated while queries run', async () => {
  const NAME = unique('worker');
  const run = await runWorkers(
    `const pool = await createPool(url, { max: 2 });
     for (let round = 0; round < 12; round++) {
       const workers = [start({}), start({})];
       await Promise.all(workers.map((worker) => once(worker, 'message')));
       for (let i = 0; i < round; i++) await pool.query('select 1');
       await Promise.all(workers.map((worker) => worker.terminate()));
       const { rows } = await pool.query('select $1::int as n', [round]);
       print(rows[0].n);
     }
     await pool.close();`,
    BUSY,
    { NAME },
  );
  expect(run).toMatchObject({ code: 0, signal: null, stderr: '' });
  expect(printed(run)).toEqual(Array.from({ length: 12 }, (_, i) => i));
  await until(async () => (await leftAtServer(NAME)) === 0);
});

test('sessions of a terminated worker end while the process lives on', async () => {
  const NAME = unique('worker');
  const run = await runWorkers(
    `const pool = await createPool(url, { max: 1 });
     const worker = start({});
     await once(worker, 'message');
     await worker.terminate();
     const text = 'select count(*)::int as n from pg_stat_activity where application_name = $1';
     const deadline = Date.now() + 20000;
     let left;
     do left = (await pool.query(text, [process.env.NAME])).rows[0].n;
     while (left > 0 && Date.now() < deadline);
     print(left);
     await pool.close();`,
    BUSY,
    { NAME },
  );
  expect(run).toMatchObject({ code: 0, signal: null, stderr: '' });
  expect(printed(run)).toEqual([0]);
});

test('workers that are terminated at once, while they load and connect', async () => {
  const run = await runWorkers(
    `for (let round = 0; round < 30; round++) {
       const worker = start({});
       await once(worker, 'online');
       const wait = round % 5;
       if (wait) await new Promise((resolve) => setTimeout(resolve, wait * 4));
       await worker.terminate();
     }
     const pool = await createPool(url);
     print((await pool.query('select 1 as a')).rows);
     await pool.close();`,
    BUSY,
  );
  expect(run).toMatchObject({ code: 0, signal: null, stderr: '' });
  expect(printed(run)).toEqual([[{ a: 1 }]]);
});

test('a worker that ends by itself leaves nothing running', async () => {
  const NAME = unique('worker');
  const run = await runWorkers(
    `const codes = await Promise.all([1, 2, 3, 4].map((n) => once(start({ n }), 'exit')));
     print(codes.map(([code]) => code));`,
    `createPool(url, { max: 3, min: 3, applicationName: process.env.NAME }).then(async (pool) => {
       const { rows } = await pool.query('select $1::int as n', [workerData.n]);
       if (rows[0].n !== workerData.n) process.exit(9);
     });`,
    { NAME },
  );
  expect(run).toMatchObject({ code: 0, signal: null, stderr: '' });
  expect(printed(run)).toEqual([[0, 0, 0, 0]]);
  await until(async () => (await leftAtServer(NAME)) === 0);
});

test('process.exit in a worker ends the worker alone', async () => {
  const run = await runWorkers(
    `const pool = await createPool(url);
     const [code] = await once(start({}), 'exit');
     print([code, (await pool.query('select 1 as a')).rows]);
     await pool.close();`,
    `createPool(url).then(async (pool) => {
       for (let i = 0; i < 100; i++) pool.query('select pg_sleep(0.01)');
       await pool.query('select 1');
       process.exit(5);
     });`,
  );
  expect(run).toMatchObject({ code: 0, signal: null, stderr: '' });
  expect(printed(run)).toEqual([[5, [{ a: 1 }]]]);
});

test('an exception in a worker reaches its error event, nothing else', async () => {
  const run = await runWorkers(
    `const worker = start({});
     const [error] = await once(worker, 'error');
     print(error.message);
     const pool = await createPool(url);
     print((await pool.query('select 1 as a')).rows);`,
    `createPool(url).then((pool) => pool.query('select 1')).then(() => { throw new Error('in the worker'); });`,
  );
  expect(run).toMatchObject({ code: 0, signal: null, stderr: '' });
  expect(printed(run)).toEqual(['in the worker', [{ a: 1 }]]);
});

test('the main thread may exit while workers are busy', async () => {
  const runs = await Promise.all(
    [0, 10, 40].map((ms) =>
      runWorkers(
        `const workers = [start({}), start({})];
         await Promise.all(workers.map((worker) => once(worker, 'message')));
         setTimeout(() => process.exit(7), ${ms});`,
        BUSY,
      ),
    ),
  );
  for (const run of runs) expect(run).toMatchObject({ code: 7, signal: null, stderr: '' });
});

test('many workers at once each get their own answers', async () => {
  const run = await runWorkers(
    `const workers = Array.from({ length: 8 }, (_, n) => start({ n }));
     const answers = await Promise.all(workers.map((worker) => once(worker, 'message')));
     print(answers.map(([sum]) => sum));`,
    `createPool(url, { max: 2 }).then(async (pool) => {
       const queries = Array.from({ length: 1000 }, (_, i) =>
         pool.query('select $1::int as n', [workerData.n * 1000000 + i]));
       const results = await Promise.all(queries);
       const wrong = results.filter(({ rows }, i) => rows[0].n !== workerData.n * 1000000 + i);
       report(wrong.length);
       await pool.close();
     });`,
  );
  expect(run).toMatchObject({ code: 0, signal: null, stderr: '' });
  expect(printed(run)).toEqual([[0, 0, 0, 0, 0, 0, 0, 0]]);
});

test('a worker that never returns to its loop can be terminated', async () => {
  const run = await runWorkers(
    `const worker = start({});
     await once(worker, 'message');
     await worker.terminate();
     print('ended');`,
    `createPool(url).then(async (pool) => {
       for (let i = 0; i < 50; i++) pool.query("select repeat('x', 10000) from generate_series(1, 1000)");
       report('spinning');
       for (;;);
     });`,
  );
  expect(run).toMatchObject({ code: 0, signal: null, stderr: '' });
  expect(printed(run)).toEqual(['ended']);
});
