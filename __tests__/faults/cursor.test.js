'use strict';
// Cursors whose server, network or thread goes away while they are open.

const { once } = require('node:events');
const { Worker } = require('node:worker_threads');
const path = require('node:path');
const { Proxy } = require('../support/proxy.js');
const {
  openPool,
  observe,
  terminateBackend,
  unique,
  rejection,
  until,
} = require('../support/pools.js');
const { runProgram } = require('../support/child.js');
const { testServer, url } = require('../support/urls.js');

const series = 'select i from generate_series(1, 100000) i';

const works = async (pool) => expect((await pool.query('select 1 as a')).rows).toEqual([{ a: 1 }]);

test('its backend is ended between two reads: the next one says so', async () => {
  const pool = await openPool({ max: 1 });
  const connection = await pool.acquire();
  const cursor = connection.cursor(series);
  await cursor.read();
  await terminateBackend(connection.processId);
  await until(() => connection.released);
  // What the server said as it went.
  expect((await rejection(cursor.read())).code).toBe('57P01');
  await cursor.close();
  await connection.release();
  await works(pool);
});

test('its backend is ended during a read', async () => {
  const pool = await openPool({ max: 1 });
  const connection = await pool.acquire();
  const cursor = connection.cursor('select pg_sleep(60)');
  const stuck = rejection(cursor.read());
  await terminateBackend(connection.processId);
  expect((await stuck).message).toMatch(/terminat|lost|closed/);
  await works(pool);
});

test('one behind a write that the server refuses outlives any doubt about the server', async () => {
  const pool = await openPool({ max: 1, connectTimeoutMs: 300 });
  const connection = await pool.acquire();
  const refused = rejection(connection.query("do $$ begin raise sqlstate '25006'; end $$"));
  const cursor = connection.cursor('select i from generate_series(1, 4) i');
  expect(await cursor.read(2)).toHaveLength(2);
  expect((await refused).code).toBe('25006');
  await new Promise((resolve) => setTimeout(resolve, 600));
  expect(await cursor.read(10)).toEqual([{ i: 3 }, { i: 4 }]);
  await cursor.close();
  await connection.release();
  await works(pool);
  await until(() => pool.stats().destroyed === 1, 'a retired connection');
});

describe('behind a proxy', () => {
  let proxy;
  beforeEach(async () => {
    const { host, port } = testServer();
    proxy = await Proxy.open({ host, port });
  });
  afterEach(() => proxy.close());

  test('a black hole: the read, the close and the release all settle', async () => {
    const pool = await openPool({ max: 1, connectTimeoutMs: 2000 }, { port: proxy.port });
    const connection = await pool.acquire();
    const cursor = connection.cursor(series, [], { timeoutMs: 100 });
    await cursor.read();
    proxy.freeze();
    expect((await rejection(cursor.read())).code).toBe('ERR_POLYPOOL_QUERY_TIMEOUT');
    await cursor.close();
    await connection.release();
    proxy.thaw();
    await works(pool);
  });

  test('a black hole between reads: aborted, the connection is given up', async () => {
    const pool = await openPool({ max: 1, connectTimeoutMs: 2000 }, { port: proxy.port });
    const connection = await pool.acquire();
    const aborter = new AbortController();
    const cursor = connection.cursor(series, [], { signal: aborter.signal });
    await cursor.read();
    proxy.freeze();
    aborter.abort();
    expect((await rejection(cursor.read())).code).toBe('ERR_POLYPOOL_ABORTED');
    await connection.release();
    proxy.thaw();
    await works(pool);
  });

  test('bytes that drip in change no row', async () => {
    proxy.behave('drip', { bytes: 7 });
    const pool = await openPool({ max: 1 }, { port: proxy.port });
    const rows = [];
    const text = 'select i from generate_series(1, 200) i';
    for await (const { i } of pool.cursor(text, [], { batchSize: 9 })) rows.push(i);
    expect(rows).toEqual(Array.from({ length: 200 }, (_, i) => i + 1));
  });

  test.each([5, 40, 200, 900])('the connection is cut %i bytes after a read', async (after) => {
    const pool = await openPool({ max: 1 });
    await works(pool);
    const probe = await openPool({ max: 1 }, { port: proxy.port });
    await probe.close();
    proxy.behave('cut', { after: proxy.delivered + after });
    const cut = await openPool({ max: 1, lazy: true }, { port: proxy.port });
    const read = async () => {
      for await (const row of cut.cursor(series, [], { batchSize: 3, timeoutMs: 20_000 })) void row;
    };
    expect((await rejection(read())).code).toMatch(/^ERR_POLYPOOL_(CONNECTION_LOST|CONNECT)$/);
  });
});

test('a worker that is terminated with a cursor open leaves no session', async () => {
  const name = unique('worker');
  const worker = new Worker(
    `const { workerData, parentPort } = require('node:worker_threads');
     const { createPool } = require(workerData.entry);
     createPool(workerData.url, { max: 1, applicationName: workerData.name }).then(async (pool) => {
       const cursor = pool.cursor('select generate_series(1, 1000000)');
       await cursor.read(10);
       parentPort.postMessage('open');
       setInterval(() => cursor.read(10), 1);
     });`,
    { eval: true, workerData: { entry: path.resolve('index.js'), url: url(), name } },
  );
  await once(worker, 'message');
  const left = () => observe('select 1 from pg_stat_activity where application_name = $1', [name]);
  expect(await left()).toHaveLength(1);
  await worker.terminate();
  await until(async () => (await left()).length === 0);
});

test('one that nobody reads does not keep the process alive', async () => {
  const run = await runProgram(
    `createPool(url, { max: 1 }).then(async (pool) => {
       console.log((await pool.cursor('select generate_series(1, 1000)').read(2)).length);
     });`,
  );
  expect(run).toMatchObject({ code: 0, signal: null, stdout: '2\n', stderr: '' });
});
