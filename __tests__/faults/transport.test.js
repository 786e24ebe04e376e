'use strict';
// Duplexes that fail, end or hang at any moment, and networks that cut what goes through them.

const { Duplex } = require('node:stream');
const net = require('node:net');
const { load, lazyPool, openPool, rejection, until, unique } = require('../support/pools.js');
const { observe, deferred, terminateBackend } = require('../support/pools.js');
const { Tunnel } = require('../support/duplex.js');
const { Proxy } = require('../support/proxy.js');
const { testServer } = require('../support/urls.js');

const { port } = testServer();

let proxy;

beforeAll(async () => {
  proxy = await Proxy.open({ host: '127.0.0.1', port });
});

beforeEach(() => {
  proxy.thaw();
  proxy.behave('pass');
});

afterAll(() => proxy.close());

const KINDS = {
  socket: () => net.connect(proxy.port, '127.0.0.1'),
  tunnel: () => new Tunnel(proxy.port),
};

const both = test.each(Object.keys(KINDS));

both('bytes that drip in change no answer: %s', async (kind) => {
  proxy.behave('drip', { bytes: 3 });
  const pool = await openPool({ stream: KINDS[kind], max: 2, connectTimeoutMs: 30_000 });
  const text = "select i, 'text ünïcode ' || i as t from generate_series(1, $1::int) i";
  const results = await Promise.all([3, 5, 7].map((n) => pool.query(text, [n])));
  results.forEach(({ rows }, at) =>
    expect(rows).toEqual(
      Array.from({ length: [3, 5, 7][at] }, (_, i) => ({ i: i + 1, t: `text ünïcode ${i + 1}` })),
    ),
  );
});

both('cut at many points, every query settles and the next one works: %s', async (kind) => {
  const probe = await openPool({ stream: KINDS[kind], max: 1 });
  const handshake = proxy.delivered;
  await probe.query('select repeat($1, 5000) as t', ['x']);
  const all = proxy.delivered;
  await probe.close();
  const step = Math.ceil((all - handshake) / 12);
  const points = [1, 5, 50, handshake - 1];
  for (let at = handshake; at <= all; at += step) points.push(at);
  for (const after of points) {
    proxy.behave('cut', { after });
    const pool = lazyPool({ stream: KINDS[kind], max: 1, acquireTimeoutMs: 300 });
    const outcome = await pool.query('select repeat($1, 5000) as t', ['x']).catch((error) => error);
    if (outcome instanceof Error) {
      expect(outcome.code).toMatch(/^ERR_POLYPOOL_(CONNECTION_LOST|CONNECT|ACQUIRE_TIMEOUT)$/);
    } else {
      expect(outcome.rows[0].t).toBe('x'.repeat(5000));
    }
    proxy.behave('pass');
    await until(() =>
      pool.query('select 2 as a').then(
        ({ rows }) => rows[0].a === 2,
        () => false,
      ),
    );
    await pool.close();
  }
});

both('a half-closed connection is lost, and another one takes over: %s', async (kind) => {
  const pool = await openPool({ stream: KINDS[kind], max: 1 });
  await pool.close();
  const handshake = proxy.delivered;
  const before = proxy.accepted;
  proxy.behave('halfClose', { after: handshake });
  const second = lazyPool({ stream: KINDS[kind], max: 1, acquireTimeoutMs: 5000 });
  await second.query('select 1 as a').catch((error) => {
    expect(error.code).toMatch(/^ERR_POLYPOOL_(CONNECTION_LOST|CONNECT)$/);
  });
  proxy.behave('pass');
  await until(() =>
    second.query('select 2 as a').then(
      ({ rows }) => rows[0].a === 2,
      () => false,
    ),
  );
  expect(proxy.accepted).toBeGreaterThan(before);
});

test('an error of the Duplex is the cause of every query that it takes along', async () => {
  const made = [];
  const stream = () => made[made.push(new Tunnel(port)) - 1];
  const pool = await openPool({ stream, max: 1 });
  const queries = [1, 2, 3].map(() => rejection(pool.query('select pg_sleep(60)')));
  const reason = Object.assign(new Error('the tunnel collapsed'), { code: 'ETUNNEL' });
  await until(() => pool.stats().inUse > 0);
  made[0].destroy(reason);
  const first = await queries[0];
  expect(first).toBeInstanceOf(load().ConnectionLostError);
  expect(first.message).toContain('the tunnel collapsed');
  expect(first.cause).toBe(reason);
  await pool.close({ timeoutMs: 0 });
  await Promise.all(queries);
});

test('the error of an idle Duplex reaches the error event with its cause', async () => {
  const made = [];
  const stream = () => made[made.push(new Tunnel(port)) - 1];
  const pool = await openPool({ stream, max: 1 });
  const { promise, resolve } = deferred();
  pool.on('error', resolve);
  const reason = new Error('gone while idle');
  made[0].destroy(reason);
  expect((await promise).cause).toBe(reason);
  expect((await pool.query('select 1 as a')).rows).toEqual([{ a: 1 }]);
});

test('a Duplex that closes without a word loses its connection', async () => {
  const made = [];
  const stream = () => made[made.push(new Tunnel(port)) - 1];
  const pool = await openPool({ stream, max: 1 });
  const query = rejection(pool.query('select pg_sleep(60)'));
  await until(() => pool.stats().inUse > 0);
  made[0].destroy();
  expect((await query).code).toBe('ERR_POLYPOOL_CONNECTION_LOST');
});

test('a backend that is killed ends its Duplex', async () => {
  const made = [];
  const stream = () => made[made.push(new Tunnel(port)) - 1];
  const pool = await openPool({ stream, max: 1 });
  const { rows } = await pool.query('select pg_backend_pid() as pid');
  const { promise, resolve } = deferred();
  pool.on('remove', resolve);
  await terminateBackend(rows[0].pid);
  await promise;
  await until(() => made[0].destroyed);
  expect((await pool.query('select 1 as a')).rows).toEqual([{ a: 1 }]);
});

test('what never opens is bounded by connectTimeoutMs', async () => {
  const made = [];
  const silent = () =>
    made[made.push(new Duplex({ read() {}, write: (c, e, done) => done() })) - 1];
  const stuck = () => new Promise(() => {});
  for (const stream of [silent, stuck]) {
    const error = await rejection(openPool({ stream, connectTimeoutMs: 100 }));
    expect(error).toMatchObject({ code: 'ERR_POLYPOOL_CONNECT', reason: 'timeout' });
    expect(error.message).toMatch(/^127\.0\.0\.1:\d+: no connection .* connectTimeoutMs/);
  }
  await until(() => made[0].destroyed);
});

test('a Duplex that comes too late is destroyed', async () => {
  const { promise, resolve } = deferred();
  const error = await rejection(openPool({ stream: () => promise, connectTimeoutMs: 50 }));
  expect(error.reason).toBe('timeout');
  const late = new Tunnel(port);
  resolve(late);
  await until(() => late.destroyed);
});

test('a Duplex that is closed already is not used', async () => {
  const closed = () => {
    const made = new Tunnel(port);
    made.destroy();
    return made;
  };
  const error = await rejection(openPool({ stream: closed }));
  expect(error.message).toContain("option 'stream' returned is closed already");
});

test('a Duplex whose write throws, or whose callback says no, loses its connection', async () => {
  const reason = new Error('not today');
  class Moody extends Tunnel {
    writes = 0;
    _write(chunk, encoding, callback) {
      if (++this.writes < this.constructor.patience) super._write(chunk, encoding, callback);
      else this.refuse(callback);
    }
  }
  const manners = [
    (callback) => callback(reason),
    () => {
      throw reason;
    },
  ];
  for (const refuse of manners) {
    class Refusing extends Moody {
      static patience = 4;
      refuse = refuse;
    }
    let first = true;
    const stream = () => {
      const made = first ? new Refusing(port) : new Tunnel(port);
      first = false;
      return made;
    };
    const pool = await openPool({ stream, max: 1 });
    const outcomes = [];
    for (let i = 0; i < 5; i++) outcomes.push(await pool.query('select 1').catch((error) => error));
    const failed = outcomes.filter((outcome) => outcome instanceof Error);
    expect(failed).toHaveLength(1);
    expect(failed[0]).toMatchObject({ code: 'ERR_POLYPOOL_CONNECTION_LOST', cause: reason });
  }
});

test('close() does not wait for a Duplex that never ends', async () => {
  class Clinging extends Tunnel {
    _final() {}
    _destroy() {}
  }
  const pool = await openPool({ stream: () => new Clinging(port), max: 1 });
  await pool.query('select 1');
  await pool.close();
  expect(pool.stats().total).toBe(0);
});

test('a storm of cuts loses no query and leaves no session', async () => {
  const name = unique('storm');
  const pool = await openPool({ stream: KINDS.tunnel, max: 4, applicationName: name });
  let settled = 0;
  const count = () => (settled += 1);
  const queries = [];
  for (let round = 0; round < 20; round++) {
    for (let i = 0; i < 20; i++) queries.push(pool.query('select $1::int', [i]).then(count, count));
    if (round % 4 === 3) proxy.cut();
    await new Promise(setImmediate);
  }
  await Promise.all(queries);
  expect(settled).toBe(400);
  await pool.close();
  const left = () => observe('select 1 from pg_stat_activity where application_name = $1', [name]);
  await until(async () => (await left()).length === 0);
});
