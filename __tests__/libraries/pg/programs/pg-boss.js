'use strict';

const { once } = require('node:events');
const PgBoss = require('pg-boss');
const { failure, refusal, report } = require('../report.js');

/** What does not differ from run to run. */
function essence(job) {
  const { name, data, state, retryCount, output, priority, singletonKey } = job;
  return { name, data, state, retryCount, output, priority, singletonKey };
}

/** Resolves to what `handle` was called with, `count` times in all. */
function calls(count, handle) {
  const seen = [];
  let finish;
  const finished = new Promise((resolve) => (finish = resolve));
  const handler = async (jobs) => {
    const number = seen.push(jobs.map(({ data }) => data.n).sort());
    if (number === count) finish(seen);
    return handle(number, jobs);
  };
  return { handler, finished };
}

async function byHand(boss) {
  await boss.createQueue('letters', { retryLimit: 1 });
  const sent = { to: 'ann', at: new Date('2024-02-29T12:34:56.789Z'), parts: [1, null, "it's"] };
  const id = await boss.send('letters', sent, { priority: 7 });
  await boss.send('letters', { to: 'bob' });
  const later = await boss.send('letters', { to: 'cid' }, { startAfter: 3600 });
  const size = await boss.getQueueSize('letters');
  const [job] = await boss.fetch('letters', { includeMetadata: true });
  await boss.complete('letters', id, { read: true });
  const [second] = await boss.fetch('letters');
  await boss.fail('letters', second.id, { reason: 'lost' });
  await boss.cancel('letters', later);
  const states = [];
  for (const each of [id, second.id, later])
    states.push(essence(await boss.getJobById('letters', each)));
  const once = { singletonKey: 'only' };
  await boss.createQueue('singles', { policy: 'short' });
  const singles = [await boss.send('singles', {}, once), await boss.send('singles', {}, once)];
  return {
    fetched: [essence(job), job.createdOn instanceof Date, typeof job.id],
    size,
    states,
    again: (await boss.fetch('letters')).map(essence),
    empty: await boss.fetch('letters'),
    singles: singles.map((single) => typeof single),
    queues: (await boss.getQueues()).map(({ name, policy }) => [name, policy]).sort(),
  };
}

async function byWorkers(boss) {
  await boss.createQueue('mails', { retryLimit: 2, retryDelay: 0 });
  await boss.insert([1, 2, 3].map((n) => ({ name: 'mails', data: { n } })));
  const batch = calls(1, () => ({ handled: true }));
  const worker = await boss.work('mails', { batchSize: 3 }, batch.handler);
  const batches = await batch.finished;
  await boss.offWork({ id: worker });

  const flaky = calls(2, (number) => {
    if (number === 1) throw new Error('not today');
    return { ok: number };
  });
  await boss.createQueue('flaky', { retryLimit: 1 });
  const id = await boss.send('flaky', { n: 1 });
  const retrier = await boss.work('flaky', { pollingIntervalSeconds: 0.5 }, flaky.handler);
  const tries = await flaky.finished;
  await boss.offWork({ id: retrier });
  const job = await settled(boss, 'flaky', id);
  return { batches, tries, job: essence(job) };
}

/** A job that no worker holds any more. */
async function settled(boss, name, id) {
  const job = await boss.getJobById(name, id);
  return job.state === 'completed' ? job : settled(boss, name, id);
}

/** Jobs and other work in one transaction of the program's own. */
async function inTransaction(boss, pool) {
  const client = await pool.connect();
  const db = { executeSql: (text, values) => client.query(text, values) };
  await client.query('begin');
  const id = await boss.send('letters', { to: 'nobody' }, { db });
  await client.query('rollback');
  client.release();
  return { id: typeof id, job: await boss.getJobById('letters', id) };
}

report(async (connectionString) => {
  const boss = new PgBoss({ connectionString, max: 3, schedule: true, supervise: true });
  const errors = [];
  boss.on('error', ({ code, message }) => errors.push(code ?? message));
  await boss.start();
  const version = await boss.schemaVersion();
  const hand = await byHand(boss);
  const workers = await byWorkers(boss);
  const { pool } = boss.getDb();
  const transaction = await inTransaction(boss, pool);
  await boss.schedule('letters', '0 0 1 1 *', { to: 'everybody' });
  const [{ name, cron, data }] = await boss.getSchedules();
  const syntax = await refusal(boss.getDb().executeSql('selec 1'));
  const stopped = once(boss, 'stopped');
  await boss.stop({ graceful: true });
  await stopped;
  return {
    version: typeof version,
    hand,
    workers,
    transaction,
    schedule: { name, cron, data },
    syntax,
    errors,
    ended: [pool.ended, (await failure(pool.query('select 1'))).message],
  };
});
