'use strict';
// npm run demo: PostgreSQL behind an Express app, with a connection per request and through the
// pool, driven by the same simultaneous users; ends with a table and an HTML report.

const { fork } = require('node:child_process');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { parseArgs } = require('node:util');

const HELP = `npm run demo -- [options]

Serves /users/:id with a connection per request and through a pool of connections, drives both with
simultaneous users and compares them. Starts a PostgreSQL of its own, or uses DATABASE_URL (in a
schema of its own, dropped at the end).

  --seconds N    length of each of the two measurements, 1 to 120 (default 5)
  --users N      simultaneous users, 1 to 1000 (default 65)
  --max N        most connections of the pool, 1 to 100 (default 10)
  --report DIR   folder of the HTML report (default demo-report)
  --help         this text`;

const BOUNDS = { seconds: [5, 1, 120], users: [65, 1, 1000], max: [10, 1, 100] };
const WARMUP_MS = 1000; // lets V8 compile both servers' code and the pool open its connections

function readOptions(args) {
  const string = { type: 'string' };
  const options = { seconds: string, users: string, max: string, report: string };
  const { values } = parseArgs({ args, options: { ...options, help: { type: 'boolean' } } });
  const read = { help: values.help, report: path.resolve(values.report ?? 'demo-report') };
  for (const [name, [preset, least, most]] of Object.entries(BOUNDS)) {
    read[name] = Number(values[name] ?? preset);
    if (Number.isInteger(read[name]) && read[name] >= least && read[name] <= most) continue;
    throw new Error(`--${name} ${values[name]}: a whole number from ${least} to ${most} is needed`);
  }
  return read;
}

/** Drives one server from a process of its own; resolves with what load.js counted. */
function drive(url, { users, seconds, ids }, signal, onProgress) {
  return new Promise((resolve, reject) => {
    const load = fork(path.join(__dirname, 'load.js'));
    const stop = () => {
      load.kill('SIGKILL');
      reject(signal.reason);
    };
    signal.addEventListener('abort', stop, { once: true });
    load.once('error', reject);
    load.once('exit', (code, killedBy) => {
      signal.removeEventListener('abort', stop);
      reject(new Error(`the load generator ended early (${killedBy ?? `exit code ${code}`})`));
    });
    load.on('message', ({ progress, result }) => {
      if (progress) onProgress(progress);
      if (result) resolve(result);
    });
    load.send({ url, users, ids, warmupMs: WARMUP_MS, durationMs: seconds * 1000 });
  });
}

async function measure(title, server, job, { signal, progress }) {
  try {
    const first = await fetch(`${server.url}/users/1`, { signal });
    const body = await first.text();
    if (first.status !== 200) {
      const cause = server.failures.first;
      throw new Error(`GET /users/1: ${first.status} ${body}`, { cause });
    }
    const shown = (at) => progress.measurement(title, job.seconds * 1000, at);
    const result = await drive(server.url, job, signal, shown);
    shown({
      elapsedMs: job.seconds * 1000,
      answered: result.answered,
      errors: result.errorCount,
    });
    progress.clear();
    result.firstError = server.failures.first?.message ?? result.firstError;
    await server.close(); // first, so that the last requests' connections are counted as well
    return { title, result, opened: server.opened() };
  } finally {
    await server.close();
  }
}

function describe({ users, seconds, max }, database) {
  const cpu = os.cpus()[0]?.model.trim() ?? 'unknown CPU';
  return {
    date: new Date().toISOString().slice(0, 16).replace('T', ' ') + ' UTC',
    users,
    seconds,
    max,
    rows: database.users,
    database: database.label,
    place: database.place,
    polypool: require('polypool/package.json').version,
    node: process.version,
    machine: `${os.availableParallelism()} x ${cpu}, ${os.platform()} ${os.arch()}`,
  };
}

async function runDemo(options, signal, progress) {
  const { serveWithPool, serveWithoutPool } = require('./server');
  const { openDatabase } = require('./database');
  const { writeReport } = require('./report');
  const { COLUMNS, cells, table } = require('./progress');
  const maxConnections = options.users + options.max + 20;
  const text = process.env.DATABASE_URL ? 'Filling a users table' : 'Starting PostgreSQL';
  const database = await progress.step(text, () => openDatabase({ maxConnections }));
  try {
    signal.throwIfAborted();
    const setup = describe(options, database);
    progress.line(`${setup.database}, ${setup.rows} users in the table, Node.js ${setup.node}`);
    progress.line(`${options.users} simultaneous users, ${options.seconds} s each:\n`);
    const job = { ...options, ids: database.users };
    const context = { signal, progress };
    const each = await serveWithoutPool(database.target);
    const plain = await measure('connection per request', each, job, context);
    const pool = await serveWithPool(database.target, options.max);
    const pooled = await measure(`polypool, max ${options.max}`, pool, job, context);
    const report = writeReport(options.report, { setup, plain, pooled });
    progress.line(`\n${table([COLUMNS, cells(plain), cells(pooled)])}\n`);
    const times = pooled.result.perSecond / plain.result.perSecond;
    const gain = Number.isFinite(times) ? `${times.toFixed(1)} times the requests/s. ` : '';
    progress.line(`${gain}Report: ${report}`);
    return [plain, pooled];
  } finally {
    await progress.step('Cleaning up', () => database.close());
  }
}

/** The exit code: 1 when any answer was wrong, or the pool failed a request. */
function verdict([plain, pooled]) {
  for (const { title, result } of [plain, pooled]) {
    if (result.errorCount > 0) console.error(`${title}: ${result.firstError}`);
  }
  const wrong = plain.result.errors.wrong + pooled.result.errorCount;
  return wrong > 0 || pooled.result.answered === 0 ? 1 : 0;
}

async function main() {
  const options = readOptions(process.argv.slice(2));
  if (options.help) return console.log(HELP);
  const { Progress } = require('./progress');
  const progress = new Progress();
  const stopped = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
    process.on(signal, () => {
      if (stopped.signal.aborted) process.exit(130); // asked twice: leave without good-bye
      stopped.abort(new Error(`stopped by ${signal}`));
    });
  }
  try {
    process.exitCode = verdict(await runDemo(options, stopped.signal, progress));
  } catch (error) {
    progress.clear();
    if (!stopped.signal.aborted) throw error;
    console.error(stopped.signal.reason.message);
    process.exitCode = 130;
  }
}

main().catch((error) => {
  console.error(error.message);
  for (let { cause } = error; cause; cause = cause.cause)
    console.error(`  because: ${cause.message}`);
  process.exitCode = 1;
});
