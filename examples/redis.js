'use strict';
// A queue of jobs in Redis: commands of many callers over one connection, a worker that blocks on one
// of its own, a subscription that tells when all is done.
//   REDIS_URL=redis://host node examples/redis.js
// Prints:
//   queued 100 jobs over 1 connection
//   12 ms took the longest job of ten
//   done: 100 jobs

const { RedisPool } = require('polypool');

const JOBS = 100;

async function work(kv) {
  for (;;) {
    // Waits up to 5 s for a job, and keeps nobody else waiting.
    const next = await kv.query('BLPOP', ['example:jobs', 5]);
    if (next === null) throw new Error('no job in sight');
    const { id, ms } = JSON.parse(next[1]);
    // Both or none of it.
    const [, left] = await kv.multi([
      ['ZADD', 'example:times', ms, `job ${id}`],
      ['DECR', 'example:left'],
    ]);
    if (left === 0) return kv.query('PUBLISH', ['example:done', JOBS]);
  }
}

async function main() {
  const kv = new RedisPool(process.env.REDIS_URL, { max: 4 });
  await kv.query('DEL', ['example:jobs', 'example:times']);
  await kv.query('SET', ['example:left', JOBS]);
  const done = await kv.subscribe('example:done');

  const jobs = Array.from({ length: JOBS }, (_, id) => JSON.stringify({ id, ms: 3 + (id % 10) }));
  await Promise.all(jobs.map((job) => kv.query('RPUSH', ['example:jobs', job])));
  console.log(`queued ${JOBS} jobs over ${kv.stats().total} connection`);

  work(kv);
  for await (const { message } of done) {
    const [[, longest]] = await kv.query('ZREVRANGE', ['example:times', 0, 0, 'WITHSCORES']);
    console.log(`${longest} ms took the longest job of ten`);
    console.log(`done: ${message} jobs`);
    break;
  }
  await kv.close();
}

main();
