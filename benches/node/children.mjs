// The peers' processes: found, started, asked one at a time, ended.
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { databaseNamed } from './databases.mjs';

const require = createRequire(import.meta.url);
const CHILD = fileURLToPath(new URL('./child.mjs', import.meta.url));
const ROOT = fileURLToPath(new URL('../..', import.meta.url));

function packageFolder(name) {
  const candidates = require.resolve.paths(name).map((base) => path.join(base, name));
  const found = candidates.find((folder) => manifest(folder)?.name === name);
  if (!found) throw new Error(`the peer package '${name}' is missing: run "npm ci" first`);
  return found;
}

function manifest(folder) {
  try {
    return JSON.parse(readFileSync(path.join(folder, 'package.json'), 'utf8'));
  } catch {
    return null;
  }
}

/** Name and version of everything that the chosen peers bring; a missing one is an error. */
export function peerVersions({ peers }, names) {
  const versions = { node: process.versions.node, polypool: manifest(ROOT).version };
  for (const name of names) {
    for (const item of peers[name].packages) versions[item] = manifest(packageFolder(item)).version;
  }
  return versions;
}

function command(runtime) {
  return runtime === 'bun' ? path.join(packageFolder('bun'), 'bin', 'bun.exe') : process.execPath;
}

/** A peer that waits, connected, for measurements. */
export class PeerProcess {
  static async start(name, server) {
    const peer = new PeerProcess(name, server);
    await peer.#answer(60);
    return peer;
  }

  #child;
  #lines;
  #ended;

  constructor(name, { database, url }) {
    this.name = name;
    // The address travels in the environment: it holds a password, and arguments are public. Times
    // without a zone mean the same to all.
    const env = { ...process.env, POLYPOOL_BENCH_URL: url, TZ: 'UTC' };
    const stdio = ['pipe', 'pipe', 'inherit'];
    const { runtime } = databaseNamed(database).peers[name];
    this.#child = spawn(command(runtime), [CHILD, database, name], { env, stdio });
    this.#ended = new Promise((resolve) => {
      this.#child.once('error', resolve);
      this.#child.once('close', (code, signal) => resolve(new Error(`ended: ${signal ?? code}`)));
    });
    this.#child.stdin.on('error', () => {}); // The end of the process says it better.
    this.#lines = createInterface({ input: this.#child.stdout })[Symbol.asyncIterator]();
  }

  async measure(row, seconds) {
    this.#child.stdin.write(`${JSON.stringify({ row, seconds })}\n`);
    return this.#answer(120 + seconds * 10);
  }

  async #answer(patienceSeconds) {
    const { promise: late, cancel } = deadline(patienceSeconds);
    try {
      const next = this.#lines.next();
      const line = await Promise.race([next, late]);
      if (line.done) throw await this.#ended;
      const value = JSON.parse(line.value);
      if (value.error) throw new Error(value.error);
      return value;
    } catch (error) {
      this.kill();
      throw new Error(`peer ${this.name}: ${error.message}`, { cause: error });
    } finally {
      cancel();
    }
  }

  async stop() {
    this.#child.stdin.end();
    const { promise: late, cancel } = deadline(10);
    await Promise.race([this.#ended, late]).catch(() => this.kill());
    cancel();
  }

  kill() {
    this.#child.kill('SIGKILL');
  }
}

function deadline(seconds) {
  let timer;
  const promise = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer within ${seconds} s`)), seconds * 1000);
  });
  return { promise, cancel: () => clearTimeout(timer) };
}
