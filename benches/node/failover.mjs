// How long writers wait after a standby was promoted: from the moment it answers that it takes
// writes to the first write of a pool that is acknowledged. Ten runs, eight writers each.
//
//   node benches/node/failover.mjs [runs]

import { createRequire } from 'node:module';
import { performance } from 'node:perf_hooks';

const require = createRequire(import.meta.url);
const { createPool } = require('../../index.js');
const { startPair, urlOf } = require('../../__tests__/support/pair.js');
const { Client } = require('pg');

const RUNS = Number(process.argv[2] ?? 10);
const WRITERS = 8;

/** Resolves with the time at which the server is no standby any more. */
async function takesWrites(server) {
  const client = new Client({
    host: server.directory,
    port: server.port,
    user: 'postgres',
    database: 'postgres',
  });
  await client.connect();
  for (;;) {
    const { rows } = await client.query('select pg_is_in_recovery() as standby');
    if (!rows[0].standby) break;
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
  const at = performance.now();
  await client.end();
  return at;
}

/** The primary dies under its writers and the standby takes over; milliseconds until a write. */
async function run(primary, standby) {
  const url = urlOf([primary, standby], { target_session_attrs: 'read-write' });
  const pool = await createPool(url, { max: 5 });
  await pool.query('create table if not exists failover (at timestamptz)');
  let working = true;
  let written = 0;
  let killed = Infinity;
  let resolveFirst;
  const first = new Promise((resolve) => (resolveFirst = resolve));
  const writer = async () => {
    while (working) {
      const began = performance.now();
      try {
        await pool.query('insert into failover values (now())');
        written += 1;
        if (began > killed) resolveFirst(performance.now());
      } catch {
        await new Promise(setImmediate);
      }
    }
  };
  const writers = Array.from({ length: WRITERS }, writer);
  while (written < 100) await new Promise((resolve) => setTimeout(resolve, 5));
  await primary.stop('immediate');
  killed = performance.now();
  const promoted = takesWrites(standby);
  await standby.promote();
  const took = (await first) - (await promoted);
  working = false;
  await Promise.all(writers);
  await pool.close();
  return took;
}

const pair = await startPair();
let { primary, standby } = pair;
const all = [];
try {
  for (let i = 0; i < RUNS; i++) {
    all.push(await run(primary, standby));
    console.log(`run ${i + 1}: ${all.at(-1).toFixed(0)} ms`);
    if (i + 1 === RUNS) break;
    await primary.follow(standby);
    [primary, standby] = [standby, primary];
    await primary.synchronize();
  }
} finally {
  await pair.destroy();
}
const sorted = all.toSorted((a, b) => a - b);
const median = (sorted[(RUNS - 1) >> 1] + sorted[RUNS >> 1]) / 2;
const longest = sorted.at(-1).toFixed(0);
console.log(
  `first write after the promoted standby answers: median ${median.toFixed(0)} ms, ` +
    `longest ${longest} ms (${RUNS} runs, ${WRITERS} writers)`,
);
