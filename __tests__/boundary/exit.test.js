'use strict';
// The process ends when and how the program says, whatever the pool is doing at that moment.

const { observe, until, unique } = require('../support/pools.js');
const { runProgram, printed } = require('../support/child.js');

const clean = (code) => ({ code, signal: null, stderr: '' });

/** Moments at which a program may call process.exit(7). */
const MOMENTS = {
  'before the first use': `new Pool(url); process.exit(7);`,
  'in the tick of createPool': `createPool(url); process.exit(7);`,
  'while connecting': `createPool(url, { min: 5, max: 5 }); setImmediate(() => process.exit(7));`,
  'in the tick of a query': `createPool(url).then((p) => { p.query('select 1'); process.exit(7); });`,
  'while queries run': `createPool(url).then((p) => {
    for (let i = 0; i < 500; i++) p.query('select pg_sleep(0.001)');
    setTimeout(() => process.exit(7), 20); });`,
  'while rows arrive': `createPool(url).then((p) => {
    for (let i = 0; i < 4; i++) p.query("select repeat('x', 1000) from generate_series(1, 1000000)");
    setTimeout(() => process.exit(7), 30); });`,
  'in a callback of a query': `createPool(url).then(async (p) => {
    for (let i = 0; i < 100; i++) p.query('select pg_sleep(0.01)');
    await p.query('select 1'); process.exit(7); });`,
  'in the middle of a stream': `createPool(url).then(async (p) => {
    for await (const { i } of p.stream('select i from generate_series(1, 1000000) i'))
      if (i === 1500) process.exit(7); });`,
  'inside a transaction': `createPool(url).then((p) =>
    p.transaction(async (tx) => { await tx.query('select 1'); process.exit(7); }));`,
  'with a lease out': `createPool(url).then((p) => p.acquire()).then(() => process.exit(7));`,
  'while closing': `createPool(url, { min: 3 }).then((p) => { p.close(); setImmediate(() => process.exit(7)); });`,
  'after closing': `createPool(url).then(async (p) => { await p.close(); process.exit(7); });`,
  'in an event': `createPool(url, { lazy: true }).then((p) => {
    p.on('connect', () => process.exit(7)); p.query('select 1'); });`,
  'in onConnect': `createPool(url, { onConnect: () => process.exit(7) });`,
  'in an exit handler with a query pending': `createPool(url).then((p) => {
    process.on('exit', () => { p.query('select 1'); process.exitCode = 7; });
    p.query('select pg_sleep(5)'); setImmediate(() => process.exit()); });`,
};

test.each(Object.keys(MOMENTS))('process.exit(7) %s', async (moment) => {
  const runs = await Promise.all([1, 2, 3, 4].map(() => runProgram(MOMENTS[moment])));
  for (const run of runs) expect(run).toMatchObject(clean(7));
});

test('process.exit at many arbitrary moments', async () => {
  const program = `
    setTimeout(() => process.exit(7), Number(process.env.AFTER_MS));
    (async () => {
      const pool = await createPool(url, { max: 5 });
      const work = async () => { for (;;) await pool.query('select i, repeat($1, 50) as t from generate_series(1, 100) i', ['x']); };
      const lease = async () => { for (;;) await pool.use((c) => c.query('select 1')); };
      await Promise.all([work(), work(), lease(), lease(), work()]);
    })();`;
  for (let round = 0; round < 6; round++) {
    const delays = Array.from({ length: 4 }, (_, i) => String(1 + round * 23 + i * 5));
    const runs = await Promise.all(
      delays.map((AFTER_MS) => runProgram(program, { env: { AFTER_MS } })),
    );
    for (const run of runs) expect(run).toMatchObject(clean(7));
  }
});

test('an uncaught exception ends the process with its own code and message', async () => {
  const run = await runProgram(`createPool(url).then(async (p) => {
    for (let i = 0; i < 50; i++) p.query('select pg_sleep(0.01)').catch(() => {});
    await p.query('select 1'); throw new Error('not caught'); });`);
  expect([run.code, run.signal]).toEqual([1, null]);
  expect(run.stderr).toContain('not caught');
});

test.each(['SIGTERM', 'SIGINT', 'SIGKILL'])('%s ends a process that is busy', async (signal) => {
  const run = await runProgram(
    `createPool(url).then((p) => {
      const work = async () => { for (;;) await p.query('select 1'); };
      for (let i = 0; i < 20; i++) work();
      setTimeout(() => console.log('busy'), 30); });`,
    { onOutput: (text, child) => text.includes('busy') && child.kill(signal) },
  );
  expect([run.signal, run.stderr]).toEqual([signal, '']);
});

test('an idle pool does not keep the process alive', async () => {
  const run =
    await runProgram(`createPool(url, { min: 3, max: 3, idleTimeoutMs: 0 }).then(async (p) => {
    await Promise.all([1, 2, 3].map(() => p.query('select 1')));
    console.log(JSON.stringify(p.stats().total)); });`);
  expect(run).toMatchObject(clean(0));
  expect(printed(run)).toEqual([3]);
});

test('a lease that is out and idle does not keep the process alive', async () => {
  const run =
    await runProgram(`createPool(url).then((p) => p.acquire()).then((c) => c.query('select 1'))
    .then(() => { process.exitCode = 3; });`);
  expect(run).toMatchObject(clean(3));
});

test('pending work does keep the process alive, to the last answer', async () => {
  const run = await runProgram(`createPool(url, { max: 2 }).then(async (p) => {
    const queries = [1, 2, 3, 4].map((n) => p.query('select pg_sleep(0.1), $1::int as n', [n]));
    for (const query of queries) query.then(({ rows }) => console.log(rows[0].n));
    const lease = await p.acquire();
    lease.release().then(() => console.log('5')); });`);
  expect(run).toMatchObject(clean(0));
  expect(printed(run).sort()).toEqual([1, 2, 3, 4, 5]);
});

test('a stream that is being read keeps the process alive', async () => {
  const run = await runProgram(`createPool(url).then(async (p) => {
    let count = 0;
    for await (const row of p.stream('select i from generate_series(1, 20000) i')) count += 1;
    console.log(count); });`);
  expect(run).toMatchObject(clean(0));
  expect(printed(run)).toEqual([20000]);
});

test('waiting for a connection keeps the process alive until the deadline', async () => {
  const run =
    await runProgram(`createPool(url, { max: 1, acquireTimeoutMs: 100 }).then(async (p) => {
    await p.acquire();
    await p.acquire().catch((error) => console.log(JSON.stringify(error.code))); });`);
  expect(run).toMatchObject(clean(0));
  expect(printed(run)).toEqual(['ERR_POLYPOOL_ACQUIRE_TIMEOUT']);
});

test('the server is left by those who end without close()', async () => {
  const applicationName = unique('gone');
  const run = await runProgram(
    `createPool(url, { min: 5, max: 5, applicationName: process.env.NAME }).then((p) => p.query('select 1'));`,
    { env: { NAME: applicationName } },
  );
  expect(run).toMatchObject(clean(0));
  const left = () =>
    observe('select 1 from pg_stat_activity where application_name = $1', [applicationName]);
  await until(async () => (await left()).length === 0);
});

test('an unhandled rejection of a query is reported as Node does', async () => {
  const run = await runProgram(`createPool(url).then((p) => { p.query('select 1 / 0'); });`);
  expect(run.code).toBe(1);
  expect(run.stderr).toContain('division by zero');
});

test('code generation from strings may be forbidden', async () => {
  const program = `createPool(url).then(async (p) => {
    for (let i = 0; i < 3; i++) {
      const { rows } = await p.query("select 1 as a, null as b, 'é' as c, now() > 'epoch' as d, '{1}'::int[] as e");
      console.log(JSON.stringify(rows)); } });`;
  const flags = ['--disallow-code-generation-from-strings'];
  const run = await runProgram(program, { flags });
  expect(run).toMatchObject(clean(0));
  const row = { a: 1, b: null, c: 'é', d: true, e: [1] };
  expect(printed(run)).toEqual([[row], [row], [row]]);
});

test('streaming 1,000,000 rows stays within 100 MB of the memory at the start', async () => {
  const program = `createPool(url, { max: 1 }).then(async (p) => {
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

test('the memory of results is given back', async () => {
  const program = `createPool(url, { max: 2 }).then(async (p) => {
    const round = async () => {
      for (let i = 0; i < 20; i++) {
        await p.query("select i, repeat('x', 100) as t from generate_series(1, 10000) i");
        await p.query('select 1 / 0').catch(() => {});
        await p.use((c) => c.query('select 1'));
        const rows = p.stream('select i from generate_series(1, 100000) i');
        for await (const { i } of rows) if (i === 10) break;
      }
      gc(); await new Promise(setImmediate); gc();
      return process.memoryUsage.rss();
    };
    await round();
    const first = await round();
    for (let i = 0; i < 4; i++) await round();
    console.log(JSON.stringify({ mb: (await round() - first) / 1048576 })); });`;
  const run = await runProgram(program, { flags: ['--expose-gc'] });
  expect(run).toMatchObject(clean(0));
  // A leak of one result a round would be 5 x 20 x 1.5 MB.
  expect(printed(run)[0].mb).toBeLessThan(60);
});
