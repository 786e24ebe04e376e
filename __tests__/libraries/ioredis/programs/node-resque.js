'use strict';
// Jobs that are queued, run, delayed and fail; a scheduler that leads; what is left in the end.
// The connection is the program's: the library brings an ioredis of its own.

const Redis = require('ioredis');
const { Queue, Scheduler, Worker } = require('node-resque');
const { place, report } = require('../report.js');

const jobs = {
  add: { perform: async (a, b) => a + b },
  broken: {
    perform: async () => {
      throw new Error('never');
    },
  },
};

const once = (emitter, name) =>
  new Promise((resolve) => emitter.once(name, (...all) => resolve(all)));

async function main() {
  const observed = {};
  const redis = new Redis(place());
  const connection = { redis };
  const queue = new Queue({ connection }, jobs);
  queue.on('error', (error) => (observed.error = error.message));
  await queue.connect();
  await queue.enqueue('math', 'add', [1, 2]);
  await queue.enqueue('math', 'broken', []);
  await queue.enqueueIn(1, 'math', 'add', [3, 4]);
  observed.length = await queue.length('math');
  observed.queued = (await queue.queued('math', 0, 10)).map((job) => job.class);

  const worker = new Worker({ connection, queues: ['math'], timeout: 10 }, jobs);
  await worker.connect();
  const done = [];
  worker.on('success', (_queue, job, result) => done.push([job.class, result]));
  const failed = once(worker, 'failure');
  worker.start();
  const [, job, error] = await failed;
  observed.failure = [job.class, error.message];

  const scheduler = new Scheduler({ connection, timeout: 10 });
  await scheduler.connect();
  const leading = once(scheduler, 'leader');
  scheduler.start();
  await leading;
  while (done.length < 2) await once(worker, 'success');
  observed.done = done;
  observed.failed = (await queue.failed(0, 10)).map(({ exception, error: text }) => [
    exception,
    text,
  ]);
  observed.stats = Object.keys(await queue.stats())
    .filter((name) => !name.includes(':'))
    .sort();
  await scheduler.end();
  await worker.end();
  await queue.end();
  if (redis.status !== 'end') redis.disconnect();
  return observed;
}

report(main);
