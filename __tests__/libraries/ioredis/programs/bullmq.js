'use strict';
// Jobs that succeed, fail, are retried, delayed, prioritized and in flows; events; a worker that
// waits blocked; connections that are shared, and made by options.

const { once } = require('node:events');
const { FlowProducer, Queue, QueueEvents, Worker } = require('bullmq');
const Redis = require('ioredis');
const { place, report } = require('../report.js');

async function main() {
  const observed = {};
  const connection = new Redis({ ...place(), maxRetriesPerRequest: null });
  const queue = new Queue('mail', { connection });
  const events = new QueueEvents('mail', { connection: place() });
  await events.waitUntilReady();
  const progress = [];
  events.on('progress', ({ data }) => progress.push(data));

  const attempts = {};
  const order = [];
  const worker = new Worker(
    'mail',
    async (job) => {
      order.push(job.name);
      attempts[job.name] = (attempts[job.name] ?? 0) + 1;
      if (job.name === 'flaky' && attempts.flaky < 3) throw new Error('not yet');
      if (job.name === 'broken') throw new Error('never');
      await job.updateProgress(50);
      return { sum: job.data.a + job.data.b };
    },
    { connection, autorun: false },
  );

  const [low] = await queue.addBulk([
    { name: 'low', data: { a: 1, b: 1 }, opts: { priority: 10 } },
    { name: 'high', data: { a: 2, b: 2 }, opts: { priority: 1 } },
  ]);
  const flaky = await queue.add('flaky', { a: 3, b: 4 }, { attempts: 3 });
  const broken = await queue.add('broken', {});
  const delayed = await queue.add('delayed', { a: 5, b: 6 }, { delay: 50 });
  observed.counts = await queue.getJobCounts('wait', 'prioritized', 'delayed');
  worker.run();
  observed.flaky = await flaky.waitUntilFinished(events);
  observed.broken = await broken.waitUntilFinished(events).catch(({ message }) => message);
  observed.delayed = await delayed.waitUntilFinished(events);
  await low.waitUntilFinished(events);
  observed.attempts = { ...attempts };
  observed.order = order.filter((name) => ['low', 'high'].includes(name));

  // The worker is blocked by now, and hears of what comes.
  const late = await queue.add('late', { a: 7, b: 8 });
  observed.late = await late.waitUntilFinished(events);
  observed.progress = [...new Set(progress)];

  const flow = new FlowProducer({ connection });
  const { job } = await flow.add({
    name: 'parent',
    queueName: 'mail',
    data: { a: 0, b: 0 },
    children: [{ name: 'child', queueName: 'mail', data: { a: 1, b: 2 } }],
  });
  observed.flow = await job.waitUntilFinished(events);
  observed.children = Object.values(await job.getChildrenValues());

  observed.failed = (await queue.getFailed()).map(({ name, failedReason }) => [name, failedReason]);
  await queue.pause();
  observed.paused = await queue.isPaused();
  await Promise.all([worker.close(), events.close(), flow.close(), queue.close()]);
  const ended = once(connection, 'end');
  await connection.quit();
  await ended;
  return observed;
}

report(main);
