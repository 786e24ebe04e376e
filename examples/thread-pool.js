'use strict';
// A pool of any resource: worker threads that compute, so that the main thread need not.
//   node examples/thread-pool.js
// Prints:
//   primes below 100000: 9592
//   eight tasks on three threads: 78498 78498 78498 78498 78498 78498 78498 78498
//   RangeError: a limit of -1
//   threads replaced: 1

const { once } = require('node:events');
const { Worker, isMainThread, parentPort } = require('node:worker_threads');
const { createPool } = require('polypool');

const isAlive = (worker) => worker.threadId !== -1;

const factory = {
  async create() {
    const worker = new Worker(__filename);
    await once(worker, 'online');
    // Of one that dies while it is idle nobody else hears; it is then found dead by `validate`.
    worker.on('error', () => {});
    return worker;
  },
  destroy: (worker) => worker.terminate(),
  validate: isAlive,
};

/** One task, one answer; or what the thread died of. */
function ask(worker, task) {
  return new Promise((resolve, reject) => {
    let reason = new Error('the thread ended');
    const keepReason = (error) => (reason = error);
    const end = () => reject(reason);
    worker.once('error', keepReason).once('exit', end);
    worker.once('message', (answer) => {
      worker.off('error', keepReason).off('exit', end);
      resolve(answer);
    });
    worker.postMessage(task);
  });
}

async function run(pool, task) {
  const worker = await pool.acquire();
  try {
    return await ask(worker, task);
  } finally {
    // A dead thread is not lent again: another one takes its place.
    await pool.release(worker, { destroy: !isAlive(worker) });
  }
}

async function main() {
  const pool = await createPool(factory, { max: 3, validateAfterIdleMs: 0 });
  try {
    console.log('primes below 100000:', await run(pool, 100_000));

    const counts = await Promise.all(Array.from({ length: 8 }, () => run(pool, 1_000_000)));
    console.log('eight tasks on three threads:', counts.join(' '));

    await run(pool, -1).catch((error) => console.log(String(error)));
    console.log('threads replaced:', pool.stats().destroyed);
  } finally {
    await pool.close();
  }
}

function countPrimes(limit) {
  if (limit < 0) throw new RangeError(`a limit of ${limit}`);
  const isComposite = new Uint8Array(limit);
  let primes = 0;
  for (let n = 2; n < limit; n++) {
    if (isComposite[n]) continue;
    primes++;
    for (let multiple = n * n; multiple < limit; multiple += n) isComposite[multiple] = 1;
  }
  return primes;
}

if (isMainThread) main();
else parentPort.on('message', (limit) => parentPort.postMessage(countPrimes(limit)));
