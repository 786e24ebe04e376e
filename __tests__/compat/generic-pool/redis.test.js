'use strict';
// Connections of ioredis, as most people pool them, in generic-pool and in its drop-in.

const { once } = require('node:events');
const Redis = require('ioredis');
const { RedisServer } = require('../../support/redis.js');
const { unique } = require('../../support/pools.js');
const { LIBRARIES, loadDropIn, rejection } = require('./libraries.js');

/** A client whose socket is gone keeps the process alive for so long, two seconds by default. */
const disconnectTimeout = 20;

let server;
let observer;

beforeAll(async () => {
  server = await RedisServer.start();
  observer = new Redis(server.url, { disconnectTimeout });
});

afterAll(async () => {
  observer.disconnect();
  await server.destroy();
});

/** A factory whose connections the server knows by `name`, and that come up or fail at once. */
function connectionsOf(name, options) {
  return {
    create: async () => {
      const client = new Redis(server.url, {
        connectionName: name,
        lazyConnect: true,
        retryStrategy: null,
        disconnectTimeout,
        ...options,
      });
      client.on('error', () => {}); // the rejection of connect() says it as well
      await client.connect();
      return client;
    },
    destroy: async (client) => {
      if (client.status !== 'end') await client.quit();
    },
    validate: (client) =>
      client.ping().then(
        (answer) => answer === 'PONG',
        () => false,
      ),
  };
}

/** The numbers of the connections with a name, by the server's own account. */
async function connected(name) {
  const list = await observer.client('LIST');
  const lines = list.split('\n').filter((line) => line.includes(` name=${name} `));
  return lines.map((line) => /^id=(\d+)/.exec(line)[1]);
}

async function end(pool) {
  await pool.drain();
  await pool.clear();
}

describe.each(LIBRARIES)('%s', (_, load) => {
  test('many operations share a few connections, all of which are closed at the end', async () => {
    const name = unique('shared');
    const pool = load().createPool(connectionsOf(name), { min: 2, max: 5, testOnBorrow: true });
    const counts = Array.from({ length: 200 }, () => pool.use((client) => client.incr(name)));
    expect(Math.max(...(await Promise.all(counts)))).toBe(200);
    expect(await connected(name)).toHaveLength(5);
    expect(pool).toMatchObject({ size: 5, available: 5, borrowed: 0, pending: 0 });
    await end(pool);
    expect(pool.size).toBe(0);
    expect(await connected(name)).toEqual([]);
  });

  test('a connection that the server has cut while it was idle is not lent', async () => {
    const name = unique('cut');
    const options = { min: 1, max: 1, testOnBorrow: true };
    const pool = load().createPool(connectionsOf(name), options);
    const first = await pool.acquire();
    const cut = once(first, 'end');
    await pool.release(first);
    const [id] = await connected(name);
    await observer.client('KILL', 'ID', id);
    await cut;

    const second = await pool.acquire();
    expect(second).not.toBe(first);
    expect(await second.ping()).toBe('PONG');
    expect(pool.size).toBe(1);
    await pool.release(second);
    await end(pool);
  });

  test('connections beyond min are closed when they were idle for a while', async () => {
    const name = unique('idle');
    const pool = load().createPool(connectionsOf(name), {
      min: 1,
      max: 4,
      evictionRunIntervalMillis: 20,
      softIdleTimeoutMillis: 60,
      numTestsPerEvictionRun: 4,
    });
    const clients = await Promise.all(Array.from({ length: 4 }, () => pool.acquire()));
    let left = clients.length;
    const evicted = new Promise((resolve) => {
      for (const client of clients) client.once('end', () => --left === 1 && resolve());
    });
    for (const client of clients) await pool.release(client);
    await evicted;
    expect(pool).toMatchObject({ size: 1, available: 1 });
    expect(await connected(name)).toHaveLength(1);
    await end(pool);
  });

  test('operations under way while the server is restarted are done after it', async () => {
    const name = unique('restarted');
    const retryStrategy = (times) => Math.min(times * 5, 50);
    const pool = load().createPool(connectionsOf(name, { retryStrategy }), { max: 3 });
    const clients = await Promise.all(Array.from({ length: 3 }, () => pool.acquire()));
    const lost = Promise.all(clients.map((client) => once(client, 'close')));
    await server.stop();
    await lost;
    for (const client of clients) await pool.release(client);
    const counts = Promise.all(
      Array.from({ length: 30 }, () => pool.use((client) => client.incr(name))),
    );
    await server.start();
    expect(Math.max(...(await counts))).toBe(30);
    await end(pool);
    expect(await connected(name)).toEqual([]);
  });
});

test('polypool/generic-pool says why there was no connection, and does not hammer', async () => {
  const factory = connectionsOf(unique('refused'));
  let attempts = 0;
  const create = () => {
    attempts++;
    return factory.create();
  };
  // Longer than the pauses between attempts, which grow to half a second.
  const options = { acquireTimeoutMillis: 1500 };
  const pool = loadDropIn().createPool({ ...factory, create }, options);
  await server.stop();
  const error = await rejection(pool.acquire());
  expect(error).toMatchObject({ name: 'TimeoutError', message: 'ResourceRequest timed out' });
  expect(error.cause.message).toMatch(/ECONNREFUSED|Connection is closed/);
  expect(attempts).toBeLessThan(50);

  // Once it is back the next one is served.
  await server.start();
  expect(await pool.use((client) => client.ping())).toBe('PONG');
  await end(pool);
});
