'use strict';
// A cache over pooled Redis connections, with both packages replaced: the program required 'ioredis'
// and 'generic-pool' before, and nothing else of it has changed.
//   REDIS_URL=redis://host node examples/ioredis/cache.js
// Prints:
//   first read: user 7, from the database
//   second read: user 7, from the cache
//   a rate: 5 of 8 allowed
//   100 visits counted over 10 connections
//   left after drain and clear: 0

const Redis = require('polypool/ioredis');
const { createPool } = require('polypool/generic-pool');

const factory = {
  create: async () => {
    const client = new Redis(process.env.REDIS_URL, {
      maxRetriesPerRequest: 3,
      retryStrategy: (times) => Math.min(times * 50, 2000),
    });
    client.on('error', (error) => console.error('Redis:', error.message));
    return client;
  },
  destroy: async (client) => {
    await client.quit();
  },
  validate: async (client) => (await client.ping()) === 'PONG',
};

const pool = createPool(factory, {
  min: 2,
  max: 10,
  acquireTimeoutMillis: 5000,
  idleTimeoutMillis: 30_000,
  evictionRunIntervalMillis: 10_000,
  testOnBorrow: true,
});

async function cacheOperation(operation) {
  const client = await pool.acquire();
  try {
    return await operation(client);
  } finally {
    await pool.release(client);
  }
}

async function readUser(id) {
  const key = `user:${id}`;
  const cached = await cacheOperation((client) => client.get(key));
  if (cached) return `${JSON.parse(cached).name}, from the cache`;
  const user = { id, name: `user ${id}` }; // stands for a query
  await cacheOperation((client) => client.set(key, JSON.stringify(user), 'EX', 60));
  return `${user.name}, from the database`;
}

/** At most five within a minute. */
async function isAllowed(who) {
  const [[, count]] = await cacheOperation((client) =>
    client.multi().incr(`rate:${who}`).expire(`rate:${who}`, 60, 'NX').exec(),
  );
  return count <= 5;
}

async function main() {
  await cacheOperation((client) => client.del('user:7', 'rate:ann', 'visits'));
  console.log('first read:', await readUser(7));
  console.log('second read:', await readUser(7));

  const asked = await Promise.all(Array.from({ length: 8 }, () => isAllowed('ann')));
  console.log(`a rate: ${asked.filter(Boolean).length} of ${asked.length} allowed`);

  const visits = Array.from({ length: 100 }, () =>
    cacheOperation((client) => client.incr('visits')),
  );
  const highest = Math.max(...(await Promise.all(visits)));
  console.log(`${highest} visits counted over ${pool.size} connections`);

  await pool.drain();
  await pool.clear();
  console.log('left after drain and clear:', pool.size);
}

main();
