// `npm run bench:resources`: pools of JavaScript's resources side by side, without any I/O.
//
// Each peer lives in a process of its own, only one works at a time, and in every round their order
// is rotated; medians count. `node benches/node/resources.mjs <peer>` is such a process.
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { brokenLimits, machine, printReport, summarize } from './report.mjs';

const require = createRequire(import.meta.url);
const FILE = fileURLToPath(import.meta.url);

const ROUNDS = 7;
const PAIRS = 300_000;
const MAX = 10;
const WORKERS = 65;
const IDLE_POOLS = 500;

const factory = { create: async () => ({}), destroy: async () => {} };

/** What a peer calls making a pool, borrowing, giving back and ending. */
const PEERS = {
  polypool() {
    const { ObjectPool } = require('../../index.js');
    return () => new ObjectPool(factory, { max: MAX, min: 1 });
  },
  'polypool/generic-pool'() {
    const { createPool } = require('../../lib/compat/generic-pool/index.js');
    return () => createPool(factory, { max: MAX, min: 1 });
  },
  'generic-pool'() {
    const { createPool } = require('generic-pool');
    return () => createPool(factory, { max: MAX, min: 1 });
  },
  tarn() {
    const { Pool } = require('tarn');
    return () => {
      const pool = new Pool({ ...factory, min: 1, max: MAX });
      return { acquire: () => pool.acquire().promise, release: (it) => pool.release(it) };
    };
  },
  'lightning-pool'() {
    const { createPool } = require('lightning-pool');
    return () => {
      const pool = createPool(factory, { max: MAX, min: 1 });
      pool.start();
      return { acquire: () => pool.acquire(), release: (it) => pool.releaseAsync(it) };
    };
  },
};

/** Workers that borrow and give back in turns, `PAIRS` times together. */
async function lend(pool, workers) {
  let left = PAIRS;
  const worker = async () => {
    while (left-- > 0) {
      const resource = await pool.acquire();
      await pool.release(resource);
    }
  };
  const cpu = process.cpuUsage();
  const began = process.hrtime.bigint();
  await Promise.all(Array.from({ length: workers }, worker));
  const seconds = Number(process.hrtime.bigint() - began) / 1e9;
  const { user, system } = process.cpuUsage(cpu);
  return { rate: PAIRS / seconds, cpuNs: (1000 * (user + system)) / PAIRS };
}

/** Memory of a pool that has lent a resource once and is idle. */
async function weigh(make) {
  const settle = () => new Promise((resolve) => setTimeout(resolve, 20));
  const memory = async () => {
    for (let turn = 0; turn < 3; turn++) {
      global.gc();
      await settle();
    }
    return process.memoryUsage().rss;
  };
  const before = await memory();
  const pools = Array.from({ length: IDLE_POOLS }, make);
  for (const pool of pools) await pool.release(await pool.acquire());
  const after = await memory();
  return { poolKib: (after - before) / 1024 / pools.length };
}

const WORKLOADS = [
  {
    name: 'alone',
    title: 'acquire and release, nobody else',
    metrics: lending({ 'generic-pool': 2 }),
    run: (make) => lend(make(), 1),
  },
  {
    name: 'crowd',
    title: `${WORKERS} workers over ${MAX} resources`,
    metrics: lending({ 'generic-pool': 2 }),
    run: (make) => lend(make(), WORKERS),
  },
  {
    name: 'idle',
    title: 'memory of an idle pool',
    metrics: [{ key: 'poolKib', unit: 'KiB', better: 'lower', limits: { polypool: 20 } }],
    run: weigh,
  },
];

function lending(floors) {
  return [
    { key: 'rate', unit: 'pairs/s', better: 'higher', floors },
    { key: 'cpuNs', title: 'process CPU', unit: 'ns/pair', better: 'lower' },
  ];
}

function serve(name) {
  const make = PEERS[name]();
  process.on('message', async (row) => {
    const { run } = WORKLOADS.find((workload) => workload.name === row);
    process.send(await run(make));
  });
}

async function measure(peer, row) {
  const child = fork(FILE, [peer], { execArgv: ['--expose-gc'] });
  const failure = once(child, 'exit').then(([code]) => {
    throw new Error(`${peer} ended with code ${code}`);
  });
  failure.catch(() => {}); // a process that is ended below ends so, too
  try {
    let result;
    // The first one warms up the compiler.
    for (let lap = 0; lap < (row === 'idle' ? 1 : 2); lap++) {
      child.send(row);
      [result] = await Promise.race([once(child, 'message'), failure]);
    }
    return { ...result, digest: '' };
  } finally {
    child.kill();
  }
}

async function main() {
  const peers = Object.keys(PEERS);
  const rows = [];
  for (const workload of WORKLOADS) {
    const results = Object.fromEntries(peers.map((peer) => [peer, []]));
    for (let round = 0; round < ROUNDS; round++) {
      for (let turn = 0; turn < peers.length; turn++) {
        const peer = peers[(turn + round) % peers.length];
        results[peer].push(await measure(peer, workload.name));
      }
    }
    rows.push(summarize(workload, results));
    process.stderr.write(`${workload.name} done\n`);
  }
  const versions = { node: process.versions.node };
  for (const name of ['generic-pool', 'tarn', 'lightning-pool']) {
    versions[name] = require(`${name}/package.json`).version;
  }
  const report = {
    versions,
    machine: machine(),
    peers,
    rounds: ROUNDS,
    lap: `${PAIRS} pairs`,
    rows,
  };
  printReport(report);
  for (const broken of brokenLimits(report)) {
    console.error(broken);
    process.exitCode = 1;
  }
}

if (process.argv[2] !== undefined) serve(process.argv[2]);
else await main();
