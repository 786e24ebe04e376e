'use strict';
// A work queue: LISTEN says that there is work, a cursor hands it out batch by batch.
//   DATABASE_URL=postgres://user:secret@host/db node examples/listen.js

const assert = require('node:assert/strict');
const { createPool } = require('polypool');

const JOBS = 250;

async function main() {
  const pool = await createPool(process.env.DATABASE_URL, { max: 2 });
  try {
    // Notifications travel while transactions commit: subscribe first, then look what is there.
    const subscription = await pool.listen('jobs added');
    subscription.on('resubscribed', ({ lostForMs }) => {
      console.log(`not heard for ${Math.round(lostForMs)} ms: looking for what was missed`);
    });

    await pool.transaction(async (tx) => {
      await tx.query('create table if not exists example_jobs (id serial, what text)');
      await tx.query('truncate example_jobs');
      const text =
        "insert into example_jobs (what) select 'job ' || i from generate_series(1, $1) i";
      await tx.query(text, [JOBS]);
      // Sent when the transaction commits.
      await tx.query('select pg_notify($1, $2)', ['jobs added', String(JOBS)]);
    });

    let done = 0;
    for await (const { payload } of subscription) {
      const cursor = pool.cursor('select id, what from example_jobs order by id');
      for (let batch; (batch = await cursor.read(100)).length > 0;) {
        // The cursor's connection is busy with it; this runs on the other one.
        const ids = batch.map(({ id }) => id);
        const { rowCount } = await pool.query('delete from example_jobs where id = any($1)', [ids]);
        done += rowCount;
      }
      if (done >= Number(payload)) break; // leaving the loop ends the subscription
    }
    assert.equal(done, JOBS);
    console.log(`${done} jobs done; connections for listening left: ${pool.stats().listening}`);
    await pool.query('drop table example_jobs');
  } finally {
    await pool.close();
  }
}

main();
