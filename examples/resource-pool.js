'use strict';
// ResourcePool, a class that many programs have of their own, and a monitor that samples it. Here
// the resources are clients of pg, each with its session. Such a program changes one line: the one
// that gets it the class.
//   DATABASE_URL=postgres://user:secret@host/db node examples/resource-pool.js
// Prints:
//   at first: 0 of 2 in use
//   20 squares over 4 clients: 2470
//   all taken: 4 of 4 in use
//   a fifth: Acquire timeout
//   given back: 0 of 4 in use
//   highest utilization: 100 %
//   drained: 0 of 0 in use

const { Client } = require('pg');
const { ResourcePool } = require('polypool');

const factory = {
  create: async () => {
    const client = new Client({ connectionString: process.env.DATABASE_URL });
    await client.connect();
    return client;
  },
  destroy: async (client) => {
    await client.end();
  },
};

class PoolMonitor {
  constructor(pool, intervalMs = 50) {
    this.pool = pool;
    this.samples = [];
    this.timer = setInterval(() => this.sample(), intervalMs);
  }

  sample() {
    const total = this.pool.resources.length;
    const inUse = this.pool.inUse.size;
    const sample = { total, inUse, utilization: total === 0 ? 0 : inUse / total };
    this.samples.push(sample);
    return sample;
  }

  report(label) {
    const { total, inUse } = this.sample();
    console.log(`${label}: ${inUse} of ${total} in use`);
  }

  stop() {
    clearInterval(this.timer);
    const highest = Math.max(...this.samples.map(({ utilization }) => utilization));
    console.log(`highest utilization: ${Math.round(100 * highest)} %`);
  }
}

async function withResource(pool, work) {
  const resource = await pool.acquire();
  try {
    return await work(resource);
  } finally {
    await pool.release(resource);
  }
}

async function main() {
  const pool = new ResourcePool(factory, { min: 2, max: 4, acquireTimeout: 1000 });
  await pool.initialize();
  const monitor = new PoolMonitor(pool);
  monitor.report('at first');

  const squares = Array.from({ length: 20 }, (_, n) =>
    withResource(pool, async (client) => {
      const { rows } = await client.query('select $1::int * $1::int as square', [n]);
      return rows[0].square;
    }),
  );
  const sum = (await Promise.all(squares)).reduce((total, square) => total + square);
  console.log('20 squares over 4 clients:', sum);

  const clients = await Promise.all(Array.from({ length: 4 }, () => pool.acquire()));
  monitor.report('all taken');
  await pool.acquire().catch((error) => console.log('a fifth:', error.message));
  await Promise.all(clients.map((client) => pool.release(client)));
  monitor.report('given back');

  monitor.stop();
  await pool.drain();
  monitor.report('drained');
}

main();
