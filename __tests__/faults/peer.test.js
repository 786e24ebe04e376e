'use strict';
// A proxy that answers slowly, partly or not at all. Bounds are generous: they only show that
// nothing waits for ever.

const { once } = require('node:events');
const { Proxy } = require('../support/proxy.js');
const {
  load,
  track,
  openPool,
  openConnection,
  lazyPool,
  rejection,
  until,
} = require('../support/pools.js');
const { testServer, url } = require('../support/urls.js');

let proxy;
beforeEach(async () => {
  const { host, port } = testServer();
  proxy = await Proxy.open({ host, port });
});
afterEach(() => proxy.close());

const through = (options) => openPool(options, { port: proxy.port });

test('the proxy itself changes nothing', async () => {
  const pool = await through({ max: 3 });
  const results = await Promise.all([1, 2, 3].map((n) => pool.query('select $1::int as n', [n])));
  expect(results.map(({ rows }) => rows[0].n)).toEqual([1, 2, 3]);
});

test('a peer that accepts and never answers: connect gives up after connectTimeoutMs', async () => {
  proxy.behave('blackHole');
  const target = url({ port: proxy.port });
  for (const open of [load().createPool, load().connect]) {
    const error = await rejection(open(target, { connectTimeoutMs: 60 }));
    expect(error.code).toBe('ERR_POLYPOOL_CONNECT');
    expect(error.reason).toBe('timeout');
    expect(error.message).toBe(
      `127.0.0.1:${proxy.port}: no connection was made within connectTimeoutMs (60 ms)`,
    );
  }
  await until(() => proxy.connections === 0);
});

test('a peer that falls silent while waiters queue: all of them settle by their deadline', async () => {
  proxy.behave('blackHole');
  const pool = lazyPool(
    { max: 3, connectTimeoutMs: 50, acquireTimeoutMs: 250 },
    { port: proxy.port },
  );
  const errors = await Promise.all(
    Array.from({ length: 40 }, () => rejection(pool.query('select 1'))),
  );
  for (const error of errors) {
    expect(error.code).toMatch(/^ERR_POLYPOOL_(CONNECT|ACQUIRE_TIMEOUT)$/);
  }
  proxy.behave('pass');
  // A backoff that began before may outlast one deadline.
  await until(() => pool.query('select 1').catch(() => null), 'an answer');
});

test('a connection that freezes in mid-query: the timeout ends the query, the pool goes on', async () => {
  const pool = await through({ max: 2 });
  const connection = await pool.acquire();
  proxy.freeze();
  const error = await rejection(connection.query('select 1', [], { timeoutMs: 60 }));
  expect(error.code).toBe('ERR_POLYPOOL_QUERY_TIMEOUT');
  proxy.thaw();
  await connection.release();
  expect((await pool.query('select 1 as a')).rows).toEqual([{ a: 1 }]);
});

test('a late answer to a query that timed out reaches nobody else', async () => {
  const pool = await through({ max: 1 });
  for (let round = 0; round < 10; round++) {
    proxy.freeze();
    const late = rejection(pool.query("select 'late' as a", [], { timeoutMs: 15 }));
    expect((await late).code).toBe('ERR_POLYPOOL_QUERY_TIMEOUT');
    const next = pool.query('select $1::int as a', [round]);
    proxy.thaw();
    expect((await next).rows).toEqual([{ a: round }]);
  }
});

test('validation of a frozen connection is bounded, the borrower gets another one', async () => {
  const pool = await through({
    max: 2,
    validate: 'always',
    acquireTimeoutMs: 3000,
    connectTimeoutMs: 100,
  });
  await pool.query('select 1');
  proxy.freeze();
  const waiting = pool.acquire().catch((error) => error);
  await new Promise((resolve) => setTimeout(resolve, 150));
  proxy.thaw();
  const got = await waiting;
  if (got instanceof Error) expect(got.code).toMatch(/^ERR_POLYPOOL_(ACQUIRE_TIMEOUT|CONNECT)$/);
  else await got.release();
  expect((await pool.query('select 1 as a')).rows).toEqual([{ a: 1 }]);
});

test.each([1, 2, 3, 5, 64])('bytes that drip in by %i change no answer', async (bytes) => {
  proxy.behave('drip', { bytes });
  const pool = await through({ max: 2, connectTimeoutMs: 30_000 });
  const text = `select i, 'text ünïcode ' || i as t, array[i, null] as list, '\\x0102'::bytea as b,
    i / 8.0::float8 as f from generate_series(1, $1::int) i`;
  const results = await Promise.all([3, 5, 7].map((n) => pool.query(text, [n])));
  for (const [index, n] of [3, 5, 7].entries()) {
    expect(results[index].rows).toHaveLength(n);
    results[index].rows.forEach(({ i, t, list, b, f }, row) => {
      expect([i, t, list, b, f]).toEqual([
        row + 1,
        `text ünïcode ${row + 1}`,
        [row + 1, null],
        Buffer.from([1, 2]),
        (row + 1) / 8,
      ]);
    });
  }
  expect((await rejection(pool.query('select 1 / 0'))).code).toBe('22012');
});

test('a half-closed connection is not used again', async () => {
  const probe = await openConnection({}, { port: proxy.port });
  await probe.close();
  const handshake = proxy.delivered;
  proxy.behave('halfClose', { after: handshake });
  const pool = lazyPool({ max: 1, acquireTimeoutMs: 5000 }, { port: proxy.port });
  const outcome = await pool.query('select 1 as a').catch((error) => error);
  if (outcome instanceof Error) {
    expect(outcome.code).toMatch(/^ERR_POLYPOOL_(CONNECTION_LOST|CONNECT)$/);
  }
  proxy.behave('pass');
  await until(async () => {
    const next = await pool.query('select 2 as a').catch(() => null);
    return next?.rows[0].a === 2;
  });
});

test('a server that half-closes while queries wait for answers: all of them settle', async () => {
  const probe = await openConnection({}, { port: proxy.port });
  await probe.close();
  proxy.behave('halfClose', { after: proxy.delivered + 200 });
  const pool = lazyPool({ max: 1, acquireTimeoutMs: 5000 }, { port: proxy.port });
  const outcomes = await Promise.allSettled(
    Array.from({ length: 60 }, (_, i) =>
      pool.query('select $1::int as n', [i], { timeoutMs: 20_000 }),
    ),
  );
  outcomes.forEach(({ value, reason }, i) => {
    if (value) expect(value.rows).toEqual([{ n: i }]);
    else expect(reason.code).toMatch(/^ERR_POLYPOOL_(CONNECTION_LOST|CONNECT|ACQUIRE_TIMEOUT)$/);
  });
});

test('connections reset by the peer under load: every query settles, none gets a wrong answer', async () => {
  const pool = await through({ max: 4 });
  let working = true;
  let answered = 0;
  const worker = async (id) => {
    for (let i = 0; working; i++) {
      const who = `${id}/${i}`;
      try {
        const { rows } = await pool.query('select $1::text as who', [who]);
        if (rows[0].who !== who) throw new Error(`${who} got ${rows[0].who}`);
        answered += 1;
      } catch (error) {
        if (!/^ERR_POLYPOOL_(CONNECTION_LOST|CONNECT)$/.test(error.code)) throw error;
      }
    }
  };
  const all = Promise.all(Array.from({ length: 20 }, (_, id) => worker(id)));
  for (let round = 0; round < 10; round++) {
    const before = answered;
    await Promise.race([all, until(() => answered > before + 100, 'progress')]);
    proxy.cut();
  }
  working = false;
  await all;
  // The last cut may still be on its way to connections that are idle.
  const lost = ({ code }) => expect(code).toBe('ERR_POLYPOOL_CONNECTION_LOST');
  const { rows } = await until(() => pool.query('select 1 as a').catch(lost), 'an answer');
  expect(rows).toEqual([{ a: 1 }]);
});

test('close({ timeoutMs }) ends although the peer is frozen', async () => {
  const pool = await through({ max: 2 });
  const connection = await pool.acquire();
  proxy.freeze();
  const query = rejection(connection.query('select 1'));
  const began = performance.now();
  await pool.close({ timeoutMs: 50 });
  // A goodbye may take a second: nobody waits for that.
  expect(performance.now() - began).toBeLessThan(800);
  expect((await query).code).toBe('ERR_POLYPOOL_CLOSED');
  proxy.thaw();
  await until(() => proxy.connections === 0);
});

test('close() of an idle pool ends although the peer is frozen', async () => {
  const pool = await through({ max: 2 });
  await pool.query('select 1');
  proxy.freeze();
  await pool.close({ timeoutMs: 2000 });
  expect(pool.stats().total).toBe(0);
});

test('a cancel whose side connection is swallowed holds nobody up for ever', async () => {
  const pool = await through({ max: 1, connectTimeoutMs: 200 });
  const query = rejection(pool.query('select pg_sleep(60)', [], { timeoutMs: 50 }));
  proxy.behave('blackHole');
  expect((await query).code).toBe('ERR_POLYPOOL_QUERY_TIMEOUT');
  proxy.behave('pass');
  expect((await pool.query('select 1 as a')).rows).toEqual([{ a: 1 }]);
});

test('a cancel that overtakes its statement is sent again', async () => {
  const arrival = once(proxy, 'connection');
  const pool = await through({ max: 1 });
  const [socket] = await arrival;
  const { processId } = await pool.use(async (conn) => conn);
  socket.pause();
  const query = rejection(pool.query('select pg_sleep(60)', [], { timeoutMs: 50 }));
  const ended = once(proxy, 'closed');
  expect((await query).code).toBe('ERR_POLYPOOL_QUERY_TIMEOUT');
  // The cancel has come and gone, and found nothing to cancel.
  await ended;
  socket.resume();
  const { rows } = await pool.query('select pg_backend_pid() as pid');
  expect(rows).toEqual([{ pid: processId }]);
});

test('a server that sends rubbish instead of a handshake', async () => {
  const net = require('node:net');
  const rubbish = [
    Buffer.alloc(100_000, 0),
    Buffer.alloc(100_000, 0xff),
    Buffer.from('HTTP/1.1 400 Bad Request\r\n\r\n'),
    Buffer.from('SSSS'),
    Buffer.from([0x52, 0, 0, 0, 3]), // shorter than its own length field
    Buffer.from([0x52, 0xff, 0xff, 0xff, 0xff]),
    Buffer.from([0x45, 0, 0, 0, 5, 0]), // an error without fields
    Buffer.from([0x5a, 0, 0, 0, 5, 0x49]), // ready before the login
  ];
  for (const bytes of rubbish) {
    const server = net.createServer((socket) => {
      socket.on('error', () => {});
      socket.once('data', () => socket.write(bytes));
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const target = url({ port: server.address().port });
    const error = await rejection(load().createPool(target, { connectTimeoutMs: 300 }));
    // An error message without any field in it is an error of the server all the same.
    if (bytes[0] === 0x45) expect(error.name).toBe('DatabaseError');
    else expect(error.code).toBe('ERR_POLYPOOL_CONNECT');
    server.close();
  }
});

test('bytes that a server sends unasked to an idle connection discard it', async () => {
  const pool = track(
    await load().createPool(url({ port: proxy.port }), { max: 1, idleTimeoutMs: 0 }),
  );
  const clients = [];
  proxy.on('connection', (client) => clients.push(client));
  await pool.use((connection) => connection.release({ destroy: true }));
  const second = await pool.use((c) => c.processId);
  // A data row nobody asked for.
  clients[0].write(Buffer.from([0x44, 0, 0, 0, 6, 0, 0]));
  await until(() => pool.stats().destroyed === 2);
  expect(await pool.use((c) => c.processId)).not.toBe(second);
  expect((await pool.query('select 1 as a')).rows).toEqual([{ a: 1 }]);
});
