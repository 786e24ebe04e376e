'use strict';
// A throw-away MariaDB or MySQL server on a free port, unpacked from Debian's packages: one role per
// way of logging in, TLS with a certificate made for the run, data that disappears with it.

const { execFile, spawn } = require('node:child_process');
const { once } = require('node:events');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { promisify } = require('node:util');
const { isRoot } = require('./apt.js');
const { Authority } = require('./certificates.js');
const { shelf, unpack } = require('./debian.js');
const { DATABASE, KINDS, SETTINGS, rolesOf } = require('./mysql-settings.js');
const { freePort, identity } = require('./server.js');

const run = promisify(execFile);

const flags = (settings) => Object.entries(settings).map(([name, value]) => `--${name}=${value}`);

/** Gives its folder to the user that the server runs as. */
function own(folder) {
  const { uid, gid } = identity();
  if (isRoot) fs.chownSync(folder, uid, gid);
  return folder;
}

/** The command line of a server of this kind, which reads no file of settings. */
function commandOf(kind, program, settings, others = []) {
  const usr = path.join(program.root, 'usr');
  const places = {
    basedir: usr,
    'lc-messages-dir': path.join(usr, 'share', 'mysql'),
    'character-sets-dir': path.join(usr, 'share', 'mysql', 'charsets'),
    'plugin-dir': path.join(usr, 'lib', 'mysql', 'plugin'),
  };
  const all = flags({ ...SETTINGS, ...KINDS[kind].settings, ...places, ...settings });
  return program(KINDS[kind].program, ['--no-defaults', ...all, ...others]);
}

/** The files of an empty server, made once per machine: MySQL takes some seconds for them. */
async function emptyData(kind, program) {
  const place = path.join(shelf(), `${path.basename(program.root)}-data`);
  if (fs.existsSync(place)) return place;
  const fresh = own(fs.mkdtempSync(path.join(shelf(), 'fresh-data-')));
  try {
    const data = path.join(fresh, 'data');
    // MariaDB wants the folder to be there, MySQL wants it empty.
    fs.mkdirSync(data);
    own(data);
    await initialize(kind, program, data);
    fs.rmSync(path.join(data, 'auto.cnf'), { force: true });
    fs.renameSync(data, place);
  } catch (error) {
    // Another test file was faster.
    if (!fs.existsSync(place)) throw error;
  } finally {
    fs.rmSync(fresh, { recursive: true, force: true });
  }
  return place;
}

async function initialize(kind, program, datadir) {
  const { initialize: others, tables } = KINDS[kind];
  const [command, args] = commandOf(kind, program, { datadir }, others());
  const options = { ...identity(), stdio: ['pipe', 'ignore', 'pipe'] };
  const child = spawn(command, args, options);
  const log = collect(child.stderr);
  child.stdin.on('error', () => {}); // of a server that did not come that far
  child.stdin.end(tables(path.join(program.root, 'usr', 'share', 'mysql')));
  const [code] = await once(child, 'close');
  if (code !== 0) throw new Error(`${kind} makes no files (${code}):\n${log.text}`);
}

/** What a server writes, the end of it. */
function collect(stream) {
  const log = { text: '' };
  stream.setEncoding('utf8').on('data', (text) => (log.text = (log.text + text).slice(-8000)));
  return log;
}

class MySqlServer {
  /**
   * Makes and starts a server; `kind` is 'mariadb' (10.11) or 'mysql' (9.7), `settings` are options
   * of the server without their dashes.
   */
  static async start(kind, settings = {}) {
    const { package: name, suite, parts } = KINDS[kind];
    const server = new MySqlServer(kind, await unpack(name, suite, parts), settings);
    try {
      await server.#create();
      await server.start();
      await server.#createRoles();
    } catch (error) {
      await server.destroy();
      throw error;
    }
    return server;
  }

  #program;
  #settings;
  #data;
  #child = null;
  #log = { text: '' };

  constructor(kind, program, settings) {
    this.kind = kind;
    this.#program = program;
    this.#settings = settings;
    this.directory = own(fs.mkdtempSync(path.join(os.tmpdir(), `polypool-${kind}-`)));
    fs.chmodSync(this.directory, 0o755);
    this.#data = path.join(this.directory, 'data');
    process.once('exit', this.#onExit);
  }

  /** For runs that end by an exception: nothing asynchronous happens any more. */
  #onExit = () => {
    this.kill('SIGKILL');
    fs.rmSync(this.directory, { recursive: true, force: true, maxRetries: 5 });
  };

  async #create() {
    const empty = await emptyData(this.kind, this.#program);
    await run('cp', ['-a', '--reflink=auto', empty, this.#data]);
    this.authority = await Authority.create(this.directory, identity());
    this.caFile = path.join(this.directory, 'ca.crt');
    this.socket = path.join(this.directory, 'sql.sock');
    this.port = await freePort();
  }

  async start() {
    const file = (name) => path.join(this.directory, name);
    const places = {
      datadir: this.#data,
      tmpdir: this.directory,
      port: this.port,
      socket: this.socket,
      'pid-file': file('server.pid'),
      'ssl-ca': file('ca.crt'),
      'ssl-cert': file('server.crt'),
      'ssl-key': file('server.key'),
    };
    const settings = { ...places, ...this.#settings };
    const [command, args] = commandOf(this.kind, this.#program, settings);
    const options = { ...identity(), cwd: this.directory, stdio: ['ignore', 'ignore', 'pipe'] };
    this.#child = spawn(command, args, options);
    this.#log = collect(this.#child.stderr);
    await this.#isReady(this.#child);
  }

  /** Says in its log when it takes connections; ends when it cannot. */
  async #isReady(child) {
    const closed = once(child, 'close').then(() => true);
    while (!this.#log.text.includes('ready for connections')) {
      const over = await Promise.race([closed, once(child.stderr, 'data').then(() => false)]);
      if (over) throw new Error(`${this.kind} does not start:\n${this.#log.text}`);
    }
  }

  /** Over the unix socket as the user that an empty server has. */
  async #createRoles() {
    const { createConnection } = require('mysql2/promise');
    const client = await createConnection({ socketPath: this.socket, user: 'root' });
    for (const statement of rolesOf(this.kind)) await client.query(statement);
    await client.end();
  }

  /** `fast` ends sessions as an administrator does, `immediate` cuts them as a crash does. */
  async stop(mode = 'fast') {
    const child = this.#child;
    this.#child = null;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const closed = once(child, 'close');
    child.kill(mode === 'fast' ? 'SIGTERM' : 'SIGKILL');
    await closed;
  }

  async restart(mode = 'fast') {
    await this.stop(mode);
    await this.start();
  }

  get pid() {
    return this.#child?.pid ?? null;
  }

  kill(signal) {
    this.#child?.kill(signal);
  }

  async destroy() {
    process.removeListener('exit', this.#onExit);
    await this.stop('immediate');
    fs.rmSync(this.directory, { recursive: true, force: true });
  }

  /** What another process needs in order to connect. */
  describe() {
    const { kind, port, socket, caFile, directory } = this;
    return { kind, host: '127.0.0.1', port, socket, caFile, directory, database: DATABASE };
  }
}

module.exports = { MySqlServer };
