'use strict';
// TLS connections that are cut, changed or left without an answer, in the handshake and after it.

const { Proxy } = require('../support/proxy.js');
const { lazyPool, load, openPool, rejection } = require('../support/pools.js');
const { testServer, url } = require('../support/urls.js');

let proxy;

beforeEach(async () => {
  const { host, port } = testServer();
  proxy = await Proxy.open({ host, port });
});

afterEach(() => proxy.close());

const target = () => ({ port: proxy.port, sslmode: 'require' });
const attempt = (options) => load().createPool(url(target()), options);

/** What the server says until the first pool is up, in bytes. */
async function greeting() {
  const pool = await openPool({}, target());
  const { delivered } = proxy;
  await pool.close();
  return delivered;
}

test('a handshake that is cut anywhere is a ConnectError', async () => {
  const bytes = await greeting();
  expect(bytes).toBeGreaterThan(1000);
  for (const after of [1, 2, 6, 90, 400, bytes - 1200, bytes - 400, bytes - 1]) {
    proxy.behave('cut', { after });
    const error = await rejection(attempt());
    expect(error).toMatchObject({ name: 'ConnectError', code: 'ERR_POLYPOOL_CONNECT' });
    expect(['tls', 'io']).toContain(error.reason);
  }
});

test('a changed byte of the handshake is found out', async () => {
  const bytes = await greeting();
  for (const at of [0, 1, 8, 60, 130, 700, bytes - 1000, bytes - 30]) {
    proxy.behave('corrupt', { at });
    const error = await rejection(attempt());
    expect(error).toMatchObject({ name: 'ConnectError', code: 'ERR_POLYPOOL_CONNECT' });
  }
  proxy.behave('pass');
  const pool = await openPool({}, target());
  expect((await pool.query('select 1 as a')).rows).toEqual([{ a: 1 }]);
});

test('a server that falls silent in the handshake is given connectTimeoutMs', async () => {
  proxy.behave('blackHole');
  const error = await rejection(attempt({ connectTimeoutMs: 60 }));
  expect(error).toMatchObject({ code: 'ERR_POLYPOOL_CONNECT', reason: 'timeout' });
});

test('a session in pieces is read whole, one that is cut is lost', async () => {
  const pool = lazyPool({ max: 1 }, target());
  proxy.behave('drip', { bytes: 7 });
  const text = "select repeat('long ', 4000) as text, generate_series(1, 5) as n";
  const { rows } = await pool.query(text);
  expect(rows).toHaveLength(5);
  expect(rows[4]).toEqual({ text: 'long '.repeat(4000), n: 5 });
  const running = rejection(pool.query('select pg_sleep(60)'));
  await new Promise((resolve) => setImmediate(resolve));
  proxy.cut();
  expect((await running).code).toBe('ERR_POLYPOOL_CONNECTION_LOST');
  proxy.behave('pass');
  expect((await pool.query('select 2 as a')).rows).toEqual([{ a: 2 }]);
});
