// `npm run bench`: polypool against its peers in one run. `--help` lists the options.
//
// Each peer lives in a process of its own (Bun.SQL under Bun) and only one works at a time. All of
// them take ten connections. In every round the order of the peers is rotated; medians count. The
// whole run takes about ten minutes; `--quick` is a smoke test whose figures mean nothing.
import { createRequire } from 'node:module';
import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { PeerProcess, peerVersions } from './children.mjs';
import { databaseNamed, DATABASES, workloadNamed } from './databases.mjs';
import { brokenLimits, machine, printReport, summarize } from './report.mjs';
import { SERVERS } from './servers.mjs';

const require = createRequire(import.meta.url);

/** The rows and peers of each database. */
const choices = Object.entries(DATABASES).map(([name, { workloads, peers }]) => {
  const rows = workloads.map((workload) => workload.name).join(', ');
  return `${name}\n    rows:  ${rows}\n    peers: ${Object.keys(peers).join(', ')}`;
});

const HELP = `npm run bench -- [options]
  --database name  postgres (default), mariadb or mysql
  --rows a,b       only these rows
  --peers a,b      only these peers; ratios are the first one's
  --rounds 5       rounds, each with another order of the peers
  --seconds 2      length of one measurement
  --quick          one round of half a second: shows that everything runs, nothing else
  --json file      write versions, machine, medians and all rounds
  --svg file       write a bar plot
  --url address    server to use; otherwise DATABASE_URL, otherwise a server is started

${choices.join('\n')}`;

const options = {
  database: { type: 'string', default: 'postgres' },
  rows: { type: 'string' },
  peers: { type: 'string' },
  rounds: { type: 'string' },
  seconds: { type: 'string' },
  quick: { type: 'boolean', default: false },
  json: { type: 'string' },
  svg: { type: 'string' },
  url: { type: 'string', default: process.env.DATABASE_URL },
  help: { type: 'boolean', default: false },
};

function readArguments() {
  const { values } = parseArgs({ options });
  const list = (text) => text.split(',').map((name) => name.trim());
  const positive = (name, fallback) => {
    const number = Number(values[name] ?? fallback);
    if (!(number > 0)) throw new Error(`--${name} has to be a positive number`);
    return number;
  };
  const database = databaseNamed(values.database);
  const names = Object.keys(database.peers);
  const usual = names.filter((name) => !database.peers[name].apart);
  const peers = values.peers ? list(values.peers) : usual;
  const unknown = peers.find((name) => !names.includes(name));
  if (unknown) throw new Error(`unknown peer '${unknown}'; ${names.join(', ')}`);
  const rows = values.rows && list(values.rows).map((name) => workloadNamed(database, name));
  return {
    ...values,
    peers,
    workloads: rows ?? database.workloads,
    rounds: Math.ceil(positive('rounds', values.quick ? 1 : 5)),
    seconds: positive('seconds', values.quick ? 0.5 : 2),
  };
}

const rotated = (list, by) => list.map((_, index) => list[(index + by) % list.length]);

/** The peers' processes; those that stay are started on first use. */
class Crew {
  #staying = new Map();
  #working;

  constructor(server) {
    this.server = server;
  }

  async measure(name, { name: row, fresh }, seconds) {
    if (!fresh && !this.#staying.has(name)) {
      this.#staying.set(name, await PeerProcess.start(name, this.server));
    }
    const peer = fresh ? await PeerProcess.start(name, this.server) : this.#staying.get(name);
    this.#working = peer;
    const result = await peer.measure(row, seconds);
    if (fresh) await peer.stop();
    return result;
  }

  /** Fails the measurement under way, and with it the run. */
  interrupt() {
    this.#working?.kill();
  }

  async stop() {
    await Promise.all([...this.#staying.values()].map((peer) => peer.stop()));
  }
}

/** One line that is written over, for people; a file gets a line per row instead. */
function progress(text) {
  if (process.stderr.isTTY) process.stderr.write(`\r\x1b[K${text}`);
}

/** All rounds of one row: { peer: [result of each round] }. */
async function runRow(crew, workload, { rounds, seconds, ...settings }) {
  const peers = settings.peers.filter((name) => workload.peers?.includes(name) ?? true);
  const results = Object.fromEntries(peers.map((name) => [name, []]));
  for (let round = 0; round < rounds; round += 1) {
    for (const name of rotated(peers, round)) {
      progress(`${workload.name}: round ${round + 1}/${rounds}, ${name}`);
      results[name].push(await crew.measure(name, workload, seconds));
    }
    compareDigests(workload, results, round);
  }
  progress('');
  if (!process.stderr.isTTY) process.stderr.write(`${workload.name} done\n`);
  return results;
}

function compareDigests({ name }, results, round) {
  const digests = Object.entries(results).map(([peer, list]) => [peer, list[round].digest]);
  if (new Set(digests.map(([, digest]) => digest)).size === 1) return;
  const list = digests.map(([peer, digest]) => `  ${peer}: ${digest}`).join('\n');
  throw new Error(`${name}: the peers did not read the same cells\n${list}`);
}

// A signal ends the run in order, so that neither server nor tables nor peers stay behind.
let interrupt = () => process.exit(1);

async function bench(settings) {
  const { database, peers, rounds, seconds } = settings;
  const versions = peerVersions(databaseNamed(database), peers);
  const { prepareDev } = require('../../scripts/prepare-dev.js');
  prepareDev();
  const { connect, createTables, describe, dropTables, start } = SERVERS[database];
  const server = settings.url ? { url: settings.url, stop: async () => {} } : await start();
  const crew = new Crew({ database, url: server.url });
  interrupt = () => crew.interrupt();
  let client;
  try {
    client = await connect(server.url);
    const { version, tls } = await describe(client);
    versions.server = version;
    // Rows that were not asked for by name yield where the server given has no TLS.
    const workloads = settings.workloads.filter((row) => tls || settings.rows || !row.tls);
    await createTables(
      client,
      workloads.flatMap(({ tables }) => tables),
    );
    const rows = [];
    for (const workload of workloads) {
      if (!peers.some((name) => workload.peers?.includes(name) ?? true)) continue;
      rows.push(summarize(workload, await runRow(crew, workload, settings)));
    }
    return { database, versions, machine: machine(), peers, rounds, seconds, rows };
  } finally {
    await crew.stop();
    if (client) {
      await dropTables(client).catch(() => {});
      await client.end().catch(() => {});
    }
    await server.stop();
  }
}

async function main() {
  const settings = readArguments();
  if (settings.help) return console.log(HELP);
  for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => interrupt());
  const report = { startedAt: new Date().toISOString(), ...(await bench(settings)) };
  printReport(report);
  if (settings.json) writeFileSync(settings.json, `${JSON.stringify(report, null, 2)}\n`);
  if (settings.svg) {
    const { plot } = await import('./plot.mjs');
    writeFileSync(settings.svg, plot(report));
  }
  for (const broken of brokenLimits(report)) {
    console.error(broken);
    process.exitCode = 1;
  }
}

main().catch((error) => {
  console.error(`\nbench: ${error.message}`);
  process.exitCode = 1;
});
