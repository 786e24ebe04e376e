'use strict';
// The server's bytes are cut or changed at every single position of the login and of a result.
// Whatever happens, every promise settles, and what settles with an error discards its connection.

const { Proxy } = require('../support/proxy.js');
const { load, rejection } = require('../support/pools.js');
const { testServer, url } = require('../support/urls.js');

const AT_ONCE = 32;
// Of constants alone: each run answers with as many bytes as the one that was measured.
const STATEMENT = `select i, 'tëxt' as t, 1.5::float8 as f, null as n, '{1,2}'::int[] as l,
  '2026-01-02 03:04:05.678901+00'::timestamptz as at, '\\x01'::bytea as b, '{"a":1}'::jsonb as j from generate_series(1, 2) i`;

/** Runs the jobs, a few at a time, each with a proxy of its own. */
async function inParallel(jobs, run) {
  const { host, port } = testServer();
  const queue = jobs[Symbol.iterator]();
  const worker = async () => {
    const proxy = await Proxy.open({ host, port });
    for (const job of queue) await run(job, proxy);
    await proxy.close();
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
}

/** How many bytes the server sends for the login, and from then on for the statement, run twice. */
async function measure(role) {
  const { host, port } = testServer();
  const proxy = await Proxy.open({ host, port });
  const connection = await load().connect(url({ port: proxy.port, role }));
  const login = proxy.delivered;
  await connection.query(STATEMENT);
  await connection.query(STATEMENT);
  const total = proxy.delivered;
  await connection.close();
  await proxy.close();
  return { login, total };
}

const range = (from, to) => Array.from({ length: to - from }, (_, i) => from + i);

const CONNECT = ['ERR_POLYPOOL_CONNECT'];
const AFTER = [
  'ERR_POLYPOOL_CONNECTION_LOST',
  'ERR_POLYPOOL_PROTOCOL',
  'ERR_POLYPOOL_DECODE',
  'ERR_POLYPOOL_QUERY_TIMEOUT',
  'ERR_POLYPOOL_UNSAFE_INTEGER',
  'ERR_POLYPOOL_STALE_CONNECTION',
  'ERR_POLYPOOL_CLOSED',
];

describe.each(['nopass', 'app', 'md5user'])('login of %s', (role) => {
  test('cut after each byte: an error at once', async () => {
    const { login } = await measure(role);
    expect(login).toBeGreaterThan(200);
    await inParallel(range(0, login), async (after, proxy) => {
      proxy.behave('cut', { after });
      const error = await rejection(load().connect(url({ port: proxy.port, role })));
      expect([after, error.code]).toEqual([after, 'ERR_POLYPOOL_CONNECT']);
    });
  });
});

describe.each([0x01, 0xff])('each byte changed by %i', (mask) => {
  test('in the login: it fails or the connection works', async () => {
    const { login } = await measure('app');
    await inParallel(range(0, login), async (at, proxy) => {
      proxy.behave('corrupt', { at, mask });
      const options = { connectTimeoutMs: 400 };
      let connection;
      try {
        connection = await load().connect(url({ port: proxy.port }), options);
      } catch (error) {
        const known = CONNECT.includes(error.code) || error.name === 'DatabaseError';
        expect([at, error.code, error.message, known]).toEqual([
          at,
          error.code,
          error.message,
          true,
        ]);
        return;
      }
      // A changed process id, key or parameter: not of any consequence for a query.
      await connection.query('select 1 as a', [], { timeoutMs: 5000 }).catch((error) => {
        expect([at, error.code]).toEqual([at, expect.stringMatching(/^ERR_POLYPOOL_/)]);
      });
      await connection.close({ timeoutMs: 1000 });
    });
  });

  test('in results: an answer or an error, and the pool goes on', async () => {
    const { login, total } = await measure('nopass');
    await inParallel(range(login, total), async (at, proxy) => {
      proxy.behave('corrupt', { at, mask });
      const pool = await load().createPool(url({ port: proxy.port, role: 'nopass' }), { max: 1 });
      for (let run = 0; run < 2; run++) {
        await pool.query(STATEMENT, [], { timeoutMs: 250 }).catch((error) => {
          const known = AFTER.includes(error.code) || error.name === 'DatabaseError';
          expect([at, run, error.code, error.message, known]).toEqual([
            at,
            run,
            error.code,
            error.message,
            true,
          ]);
        });
      }
      // Now in order again. A length changed to some millions is still being waited for.
      proxy.behave('pass');
      await pool.close({ timeoutMs: 0 });
    });
  });
});

test('cut after each byte of results: an error, and the next query gets a new connection', async () => {
  const { login, total } = await measure('nopass');
  await inParallel(range(login, total), async (after, proxy) => {
    proxy.behave('cut', { after });
    const pool = await load().createPool(url({ port: proxy.port, role: 'nopass' }), { max: 1 });
    proxy.behave('pass');
    const outcomes = [];
    for (let run = 0; run < 3; run++) {
      outcomes.push(
        await pool.query(STATEMENT).then(
          () => 'answer',
          (error) => error.code,
        ),
      );
    }
    expect([after, outcomes.at(-1)]).toEqual([after, 'answer']);
    for (const outcome of outcomes) {
      expect([after, outcome]).toEqual([
        after,
        expect.stringMatching(/^(answer|ERR_POLYPOOL_CONNECTION_LOST)$/),
      ]);
    }
    await pool.close({ timeoutMs: 0 });
  });
});
