'use strict';
// COPY over connections that end, stand still or lie, and much data through little memory.
// Whatever happens, every stream ends, and the pool goes on.

const { once } = require('node:events');
const { Readable } = require('node:stream');
const { finished, pipeline } = require('node:stream/promises');
const { Proxy } = require('../support/proxy.js');
const { printed, runProgram } = require('../support/child.js');
const {
  load,
  observe,
  openPool,
  rejection,
  terminateBackend,
  unique,
  until,
} = require('../support/pools.js');
const { testServer, url } = require('../support/urls.js');

const endless = 'copy (select generate_series(1, 10000000000)) to stdout';

async function createTable(pool) {
  const name = unique('copy');
  await pool.query(`create table ${name} (i int, t text)`);
  return name;
}

const works = async (pool) => expect((await pool.query('select 1 as a')).rows).toEqual([{ a: 1 }]);

const countOf = async (pool, table) =>
  (await pool.query(`select count(*)::int as n from ${table}`)).rows[0].n;

/** Writes lines until the stream is destroyed. */
async function writeOn(writer) {
  const line = `1\t${'x'.repeat(100)}\n`;
  const closed = new Promise((resolve) => writer.once('close', resolve));
  while (!writer.destroyed) {
    if (writer.write(line)) continue;
    let goOn;
    const drained = new Promise((resolve) => writer.once('drain', (goOn = resolve)));
    await Promise.race([drained, closed]);
    writer.off('drain', goOn);
  }
}

const ENDED = /^(57P01|ERR_POLYPOOL_CONNECTION_LOST)$/;

describe('a backend that is killed', () => {
  test('while data go in', async () => {
    const pool = await openPool({ max: 1 });
    const table = await createTable(pool);
    const connection = await pool.acquire();
    const writer = connection.copyFrom(`copy ${table} from stdin`);
    const end = rejection(finished(writer));
    const writing = writeOn(writer);
    await terminateBackend(connection.processId);
    expect((await end).code).toMatch(ENDED);
    await writing;
    await connection.release();
    expect(await countOf(pool, table)).toBe(0);
  });

  test('while data come out', async () => {
    const pool = await openPool({ max: 1 });
    const connection = await pool.acquire();
    const reader = connection.copyTo(endless);
    const end = rejection(
      pipeline(reader, async (chunks) => {
        for await (const chunk of chunks) expect(chunk.length).toBeGreaterThan(0);
      }),
    );
    await once(reader, 'data');
    await terminateBackend(connection.processId);
    expect((await end).code).toMatch(ENDED);
    await connection.release();
    await works(pool);
  });

  test('while it waits for data, and while nobody reads', async () => {
    const pool = await openPool({ max: 2 });
    const table = await createTable(pool);
    const [a, b] = [await pool.acquire(), await pool.acquire()];
    const writer = a.copyFrom(`copy ${table} from stdin`);
    writer.write('1\ta\n');
    const reader = b.copyTo(endless);
    await once(reader, 'readable');
    const ends = [rejection(finished(writer)), rejection(finished(reader))];
    await terminateBackend(a.processId);
    expect((await ends[0]).code).toMatch(ENDED);
    await terminateBackend(b.processId);
    reader.resume();
    expect((await ends[1]).code).toMatch(ENDED);
    await Promise.all([a.release(), b.release()]);
    await works(pool);
  });
});

test('a connection cut after each byte of the server: both streams end', async () => {
  const { host, port } = testServer();
  const proxy = await Proxy.open({ host, port });
  const target = url({ port: proxy.port, role: 'nopass' });
  const setUp = await openPool({ max: 1 });
  const table = await createTable(setUp);
  await setUp.query(`grant all on ${table} to public`);
  const run = async () => {
    const connection = await load().connect(target);
    const login = proxy.delivered;
    const writer = connection.copyFrom(`copy ${table} from stdin`);
    writer.end('1\ta\n2\tb\n');
    const reader = connection.copyTo(`copy (values (1, 'é'), (2, 'b')) to stdout`);
    const ends = await Promise.allSettled([finished(writer), reader.toArray()]);
    await connection.close();
    return { login, total: proxy.delivered, ends };
  };
  const whole = await run();
  expect(whole.ends.map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled']);
  for (let after = whole.login; after < whole.total; after++) {
    proxy.behave('cut', { after });
    const { ends } = await run();
    for (const { status, reason } of ends) {
      if (status === 'rejected')
        expect(reason.code).toMatch(/^ERR_POLYPOOL_(CONNECTION_LOST|STALE_CONNECTION)$/);
    }
    expect([after, ends[1].status]).toEqual([after, 'rejected']);
  }
  await proxy.close();
});

test('each byte of COPY TO changed: the stream ends one way or the other', async () => {
  const { host, port } = testServer();
  const proxy = await Proxy.open({ host, port });
  const target = url({ port: proxy.port, role: 'nopass' });
  const read = async () => {
    const connection = await load().connect(target, { queryTimeoutMs: 300 });
    const login = proxy.delivered;
    const reader = connection.copyTo(`copy (values (1, 'é'), (2, 'b')) to stdout`);
    const [end] = await Promise.allSettled([reader.toArray()]);
    await connection.close({ timeoutMs: 50 });
    return { login, total: proxy.delivered, end };
  };
  const { login, total } = await read();
  let failed = 0;
  for (let at = login; at < total; at++) {
    proxy.behave('corrupt', { at, mask: 0x7f });
    if ((await read()).end.status === 'rejected') failed += 1;
  }
  expect(failed).toBeGreaterThan((total - login) / 3);
  await proxy.close();
});

describe('a peer that stands still', () => {
  let proxy;
  beforeEach(async () => {
    const { host, port } = testServer();
    proxy = await Proxy.open({ host, port });
  });
  afterEach(() => proxy.close());

  test('both directions end by their timeout, and the pool by its own', async () => {
    const pool = await openPool({ max: 2 }, { port: proxy.port });
    const table = await createTable(pool);
    const writer = pool.copyFrom(`copy ${table} from stdin`, { timeoutMs: 2000 });
    const reader = pool.copyTo(endless, { timeoutMs: 2000 });
    const ends = [rejection(finished(writer)), rejection(finished(reader))];
    writer.write('1\ta\n');
    await once(reader, 'data');
    proxy.freeze();
    const writing = writeOn(writer);
    for (const end of ends) expect((await end).code).toBe('ERR_POLYPOOL_QUERY_TIMEOUT');
    await writing;
    await pool.close({ timeoutMs: 100 });
  });

  test('a given-up COPY whose server never answers costs its connection, not the pool', async () => {
    const pool = await openPool({ max: 1, acquireTimeoutMs: 30_000 }, { port: proxy.port });
    const table = await createTable(pool);
    const writer = pool.copyFrom(`copy ${table} from stdin`);
    writer.write('1\ta\n');
    await until(async () => {
      const text = "select 1 from pg_stat_activity where query = $1 and wait_event = 'ClientRead'";
      return (await observe(text, [`copy ${table} from stdin`])).length > 0;
    });
    const removed = once(pool, 'remove');
    proxy.freeze();
    writer.destroy();
    await once(writer, 'close');
    await removed;
    proxy.thaw();
    await works(pool);
    expect(await countOf(pool, table)).toBe(0);
  });

  test('answers that come byte by byte change nothing', async () => {
    proxy.behave('drip', { bytes: 3 });
    const pool = await openPool({ max: 2 }, { port: proxy.port });
    const table = await createTable(pool);
    const lines = Array.from({ length: 500 }, (_, i) => `${i}\tline é ${i}\n`);
    await pipeline(Readable.from(lines), pool.copyFrom(`copy ${table} from stdin`));
    const chunks = await pool.copyTo(`copy ${table} to stdout`).toArray();
    expect(Buffer.concat(chunks).toString()).toBe(lines.join(''));
  });
});

describe('much data through little memory', () => {
  const MEASURE = `
    const { Readable } = require('node:stream');
    const { pipeline, finished } = require('node:stream/promises');
    const fs = require('node:fs');
    const memory = () => {
      const [, kb] = /VmHWM:\\s*(\\d+)/.exec(fs.readFileSync('/proc/self/status', 'utf8')) ?? [];
      return kb === undefined ? process.memoryUsage.rss() / 2 ** 20 : Number(kb) / 1024;
    };
    const TABLE = process.env.TABLE;
    const COUNT = 64;
    const MIB = 2 ** 20;
    async function warm(pool) {
      await pipeline(Readable.from(['0\\tx\\n']), pool.copyFrom('copy ' + TABLE + ' from stdin'));
      for await (const chunk of pool.copyTo('copy ' + TABLE + ' to stdout')) void chunk;
      await pool.query('truncate ' + TABLE);
    }
    function print(value) { console.log(JSON.stringify(value)); }
  `;
  const LIMIT_MIB = 48;
  let table;
  beforeEach(async () => {
    table = await createTable(await openPool({ max: 1 }));
  });
  const program = (body) => runProgram(MEASURE + body, { env: { TABLE: table } });

  test('64 MiB of rows, in and out', async () => {
    const run = await program(`(async () => {
      const pool = await createPool(url, { max: 1 });
      await warm(pool);
      const before = memory();
      const lines = Array.from({ length: 1024 }, (_, i) => i + '\\t' + 'x'.repeat(1017 - String(i).length) + '\\n').join('');
      const chunk = Buffer.from(lines);
      function* chunks() { for (let i = 0; i < COUNT; i++) yield chunk; }
      const writer = pool.copyFrom('copy ' + TABLE + ' from stdin');
      await pipeline(Readable.from(chunks()), writer);
      let bytes = 0;
      for await (const part of pool.copyTo('copy ' + TABLE + ' to stdout')) bytes += part.length;
      print({ rows: writer.rowCount, bytes: bytes === COUNT * chunk.length, grown: memory() - before });
      await pool.close();
    })();`);
    expect(run).toMatchObject({ code: 0, stderr: '' });
    const [{ grown, ...rest }] = printed(run);
    expect(rest).toEqual({ rows: 64 * 1024, bytes: true });
    expect(grown).toBeLessThan(LIMIT_MIB);
  });

  test('one value of 64 MiB, in and out', async () => {
    const run = await program(`(async () => {
      const pool = await createPool(url, { max: 1 });
      await warm(pool);
      const before = memory();
      const piece = Buffer.alloc(MIB, 'y');
      function* value() { yield '1\\t'; for (let i = 0; i < COUNT; i++) yield piece; yield '\\n'; }
      await pipeline(value, pool.copyFrom('copy ' + TABLE + ' from stdin'));
      let bytes = 0;
      let largest = 0;
      for await (const part of pool.copyTo('copy ' + TABLE + ' to stdout')) {
        bytes += part.length;
        largest = Math.max(largest, part.length);
      }
      print({ bytes: bytes === COUNT * MIB + 3, small: largest < MIB, grown: memory() - before });
      await pool.close();
    })();`);
    expect(run).toMatchObject({ code: 0, stderr: '' });
    const [{ grown, ...rest }] = printed(run);
    expect(rest).toEqual({ bytes: true, small: true });
    expect(grown).toBeLessThan(LIMIT_MIB);
  });
});

test('a worker that is terminated in the middle of both directions', async () => {
  const pool = await openPool({ max: 1 });
  const table = await createTable(pool);
  const NAME = unique('worker');
  const worker = `
    const { workerData, parentPort } = require('node:worker_threads');
    const { once } = require('node:events');
    const { createPool } = require(workerData.entry);
    (async () => {
      const pool = await createPool(process.env.TEST_URL, { max: 2, applicationName: process.env.NAME });
      const writer = pool.copyFrom('copy ' + process.env.TABLE + ' from stdin');
      const reader = pool.copyTo(process.env.ENDLESS);
      await once(reader, 'data');
      parentPort.postMessage('busy');
      reader.resume();
      for (let i = 0; ; i++) {
        if (!writer.write('1\\tsome text\\n')) await once(writer, 'drain');
        if (i % 1000 === 0) await new Promise(setImmediate);
      }
    })();`;
  const run = await runProgram(
    `const { Worker } = require('node:worker_threads');
     const { once } = require('node:events');
     const entry = require.resolve('./index.js');
     (async () => {
       const pool = await createPool(url, { max: 1 });
       for (let round = 0; round < 6; round++) {
         const worker = new Worker(${JSON.stringify(worker)}, { eval: true, workerData: { entry } });
         await once(worker, 'message');
         for (let i = 0; i < round; i++) await pool.query('select 1');
         await worker.terminate();
         console.log(JSON.stringify((await pool.query('select $1::int as n', [round])).rows[0].n));
       }
       await pool.close();
     })();`,
    { env: { NAME, TABLE: table, ENDLESS: endless } },
  );
  expect(run).toMatchObject({ code: 0, signal: null, stderr: '' });
  expect(printed(run)).toEqual([0, 1, 2, 3, 4, 5]);
  await until(async () => {
    const text = 'select 1 from pg_stat_activity where application_name = $1';
    return (await observe(text, [NAME])).length === 0;
  });
  expect(await countOf(pool, table)).toBe(0);
});
