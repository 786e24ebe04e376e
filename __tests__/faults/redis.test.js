'use strict';
// A Redis server that is killed and started again under load: every command settles, no reply goes
// astray, and nothing that may have run is sent again.

const { RedisServer } = require('../support/redis.js');
const { load, rejection, track, until } = require('../support/pools.js');
const { Proxy } = require('../support/proxy.js');

let server;
beforeAll(async () => {
  server = await RedisServer.start();
});
afterAll(() => server?.destroy());

const makePool = async (options) => track(await load().createPool(server.url, options));

/** What a caller may see while the server goes down, is away, and comes up. */
const EXPECTED = /^(ERR_POLYPOOL_(CONNECTION_LOST|CONNECT|ACQUIRE_TIMEOUT)|LOADING)$/;

test('killed and started again under the load of 65 users', async () => {
  const pool = await makePool({ max: 5, acquireTimeoutMs: 20_000 });
  let working = true;
  const counts = { answered: 0, failed: 0 };
  const worker = async (id) => {
    for (let i = 0; working; i++) {
      const who = `${id}/${i}`;
      try {
        const heard = await pool.query('ECHO', [who]);
        if (heard !== who) throw new Error(`${who} got ${heard}`);
        counts.answered += 1;
      } catch (error) {
        if (!EXPECTED.test(error.code)) throw error;
        counts.failed += 1;
        await new Promise(setImmediate);
      }
    }
  };
  const all = Promise.all(Array.from({ length: 65 }, (_, id) => worker(id)));
  for (let round = 0; round < 4; round++) {
    const before = counts.answered;
    await Promise.race([all, until(() => counts.answered > before + 500, 'progress')]);
    await server.kill();
    await server.start();
  }
  const before = counts.answered;
  await until(() => counts.answered > before + 500, 'progress after the last start');
  working = false;
  await all;
  expect(pool.stats()).toMatchObject({ inUse: 0, waiting: 0 });
});

/** A pool behind a proxy that loses its connections when told to. */
async function proxied(options) {
  const proxy = await Proxy.open({ port: server.port, host: '127.0.0.1' });
  const pool = track(await load().createPool(`redis://127.0.0.1:${proxy.port}`, options));
  return { proxy, pool };
}

test('what was sent may have run, says so, and runs once at most', async () => {
  const { proxy, pool } = await proxied({ max: 3 });
  const direct = await makePool();
  await direct.query('SET', ['count', 0]);
  let lost = 0;
  let answered = 0;
  for (let round = 0; round < 20; round++) {
    const commands = Array.from({ length: 200 }, () => pool.query('INCR', ['count']));
    const outcomes = Promise.allSettled(commands);
    await commands[round % 3].catch(() => {});
    proxy.cut();
    for (const { status, reason } of await outcomes) {
      if (status === 'fulfilled') answered += 1;
      else {
        lost += 1;
        expect(reason.code).toBe('ERR_POLYPOOL_CONNECTION_LOST');
        expect(reason.message).toContain('may have run');
      }
    }
  }
  expect(answered + lost).toBe(4000);
  const count = Number(await direct.query('GET', ['count']));
  expect(count).toBeGreaterThanOrEqual(answered);
  expect(count).toBeLessThanOrEqual(answered + lost);
  await pool.close();
  await proxy.close();
});

test('what was not sent waits for the server, in its order', async () => {
  const pool = await makePool({ max: 3, acquireTimeoutMs: 20_000 });
  await pool.query('PING');
  await server.stop();
  await until(() => pool.stats().total === 0, 'the connection is known to be lost');
  const waiting = Array.from({ length: 100 }, (_, at) => pool.query('RPUSH', ['order', at]));
  await server.start();
  expect(await Promise.all(waiting)).toEqual(Array.from({ length: 100 }, (_, at) => at + 1));
  expect(await pool.query('LRANGE', ['order', 0, -1])).toEqual(
    Array.from({ length: 100 }, (_, at) => String(at)),
  );
});

test('those who wait are bounded by count, by bytes and in time', async () => {
  const gone = await RedisServer.start();
  const { url } = gone;
  const bounded = track(
    new (load().RedisPool)(url, { max: 1, maxWaiting: 3, acquireTimeoutMs: 2000 }),
  );
  const large = track(new (load().RedisPool)(url, { max: 1, acquireTimeoutMs: 2000 }));
  await gone.destroy();
  const codes = async (commands) =>
    (await Promise.all(commands.map((command) => rejection(command)))).map(({ code }) => code);
  const few = await codes(Array.from({ length: 6 }, () => bounded.query('PING')));
  expect(few.filter((code) => code === 'ERR_POLYPOOL_QUEUE_FULL').length).toBeGreaterThan(0);
  expect(few.filter((code) => code === 'ERR_POLYPOOL_ACQUIRE_TIMEOUT').length).toBeGreaterThan(0);
  const megabytes = Buffer.alloc(30 * 1024 * 1024);
  const many = await codes([1, 2, 3].map(() => large.query('SET', ['a', megabytes])));
  expect(many).toEqual([
    ...['ERR_POLYPOOL_ACQUIRE_TIMEOUT', 'ERR_POLYPOOL_ACQUIRE_TIMEOUT'],
    'ERR_POLYPOOL_QUEUE_FULL',
  ]);
});

test('a server that only copies another one is left', async () => {
  const other = await RedisServer.start();
  const pool = track(await load().createPool(server.url, { max: 2 }));
  const first = await pool.query('CLIENT ID');
  const direct = await makePool();
  await direct.query('REPLICAOF', ['127.0.0.1', other.port]);
  const error = await rejection(pool.query('SET', ['a', 'b']));
  expect(error.code).toBe('READONLY');
  await direct.query('REPLICAOF', ['NO', 'ONE']);
  await until(async () => (await pool.query('CLIENT ID')) !== first, 'another connection');
  expect(await pool.query('SET', ['a', 'b'])).toBe('OK');
  await other.destroy();
});

test('of several servers the one that takes writes is found', async () => {
  const replica = await RedisServer.start();
  const own = track(await load().createPool(replica.url));
  await own.query('REPLICAOF', ['127.0.0.1', server.port]);
  const target = {
    engine: 'redis',
    host: '127.0.0.1,127.0.0.1',
    port: `${replica.port},${server.port}`,
  };
  const pool = track(await load().createPool(target));
  expect(await pool.query('SET', ['a', 'found'])).toBe('OK');
  const only = { ...target, port: `${replica.port},${replica.port}` };
  const error = await rejection(load().createPool(only));
  expect(error).toMatchObject({ name: 'ConnectError', reason: 'role' });
  await own.close();
  await replica.destroy();
});
