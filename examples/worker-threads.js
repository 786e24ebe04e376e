'use strict';
// One pool for all worker threads: four threads and the main one over three connections in all.
//   DATABASE_URL=postgres://user:secret@host/db node examples/worker-threads.js

const assert = require('node:assert/strict');
const { once } = require('node:events');
const { Worker, isMainThread, parentPort, threadId } = require('node:worker_threads');
const { createPool } = require('polypool');

/** The same call in every thread: the first makes the pool, the others attach to it. */
const open = () =>
  createPool(process.env.DATABASE_URL, { name: 'main', shared: true, max: 3, idleTimeoutMs: 0 });

async function work() {
  const pool = await open();
  const squares = Array.from({ length: 20 }, (_, n) => pool.query('select $1::int ^ 2 as s', [n]));
  const results = await Promise.all(squares);
  const sum = results.reduce((total, { rows }) => total + rows[0].s, 0);
  parentPort.postMessage({ threadId, sum });
  // Detaches this thread. One that ends without is detached as well.
  await pool.close();
}

async function main() {
  const pool = await open();
  const workers = Array.from({ length: 4 }, () => new Worker(__filename));
  const ends = workers.map((worker) => once(worker, 'exit'));
  const answers = await Promise.all(workers.map((worker) => once(worker, 'message')));
  for (const [{ threadId: thread, sum }] of answers) {
    console.log(`thread ${thread}: ${sum}`);
    assert.equal(sum, 2470);
  }
  await Promise.all(ends);
  const { created } = pool.stats();
  console.log(`${created} connections were opened`);
  assert.ok(created <= 3);
  await pool.close();
}

if (isMainThread) main();
else work();
