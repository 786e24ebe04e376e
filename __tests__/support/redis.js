'use strict';
// A throw-away Redis server on a free port, which keeps nothing.

const { spawn } = require('node:child_process');
const { once } = require('node:events');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { install, isRoot, onPath } = require('./apt.js');
const { unpack } = require('./debian.js');
const { freePort } = require('./server.js');

const PROGRAM = 'redis-server';
/** The Debian suite it is unpacked from; the program itself is in the package of the tools. */
const SUITE = 'bookworm';
const PARTS = ['redis-tools'];

/**
 * From arguments to the command line of the server. Root installs what is missing, an ordinary user
 * unpacks it.
 */
async function findServer() {
  if (isRoot && !onPath(PROGRAM)) install([PROGRAM]);
  if (onPath(PROGRAM)) return (args) => [PROGRAM, args];
  try {
    const commandOf = await unpack(PROGRAM, SUITE, PARTS);
    return (args) => commandOf(`usr/bin/${PROGRAM}`, args);
  } catch (error) {
    const message = `no Redis server here: sudo apt-get install ${PROGRAM}`;
    throw new Error(message, { cause: error });
  }
}

class RedisServer {
  /** Gets what is missing, before several test files want it at once. */
  static async prepare() {
    await findServer();
  }

  static async start() {
    const server = new RedisServer(await findServer());
    try {
      server.port = await freePort();
      await server.start();
    } catch (error) {
      await server.destroy();
      throw error;
    }
    return server;
  }

  #commandOf;
  #child = null;

  constructor(commandOf) {
    this.#commandOf = commandOf;
    this.directory = fs.mkdtempSync(path.join(os.tmpdir(), 'polypool-redis-'));
    process.once('exit', this.#onExit);
  }

  /** For runs that end by an exception: nothing asynchronous happens any more. */
  #onExit = () => {
    this.#child?.kill('SIGKILL');
    fs.rmSync(this.directory, { recursive: true, force: true });
  };

  get url() {
    return `redis://127.0.0.1:${this.port}`;
  }

  async start() {
    const network = ['--bind', '127.0.0.1', '--port', String(this.port)];
    const storage = ['--dir', this.directory, '--save', '', '--appendonly', 'no'];
    const [command, args] = this.#commandOf([...network, ...storage]);
    this.#child = spawn(command, args, { stdio: ['ignore', 'pipe', 'inherit'] });
    await this.#isReady(this.#child);
  }

  /** Says in its log when it takes connections; ends when it cannot. */
  async #isReady(child) {
    let log = '';
    const closed = once(child, 'close').then(() => true);
    child.stdout.setEncoding('utf8').on('data', (text) => (log += text));
    while (!log.includes('Ready to accept connections')) {
      const over = await Promise.race([closed, once(child.stdout, 'data').then(() => false)]);
      if (over) throw new Error(`Redis does not start:\n${log}`);
    }
  }

  /** As when the machine is gone: nothing is said any more. */
  kill() {
    return this.stop('SIGKILL');
  }

  /** Cuts every connection; what was stored is lost. */
  async stop(signal = 'SIGTERM') {
    const child = this.#child;
    this.#child = null;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const closed = once(child, 'close');
    child.kill(signal);
    await closed;
  }

  async destroy() {
    process.removeListener('exit', this.#onExit);
    await this.stop();
    fs.rmSync(this.directory, { recursive: true, force: true });
  }
}

module.exports = { RedisServer };
