'use strict';
// PgBouncer in transaction mode in front of a test server, as old or as new as wanted.

const { spawn } = require('node:child_process');
const { once } = require('node:events');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { unpack } = require('./debian.js');
const { ROLES, freePort, identity } = require('./server.js');

/** The Debian suites that have them. */
const SUITES = { old: 'bookworm', new: 'unstable' };

class PgBouncer {
  #child;

  /** `age` is 'old' (1.18) or 'new' (1.26); `settings` add to the [pgbouncer] section. */
  static async start(server, age, settings = {}) {
    const commandOf = await unpack('pgbouncer', SUITES[age]);
    const bouncer = new PgBouncer();
    const file = await bouncer.#configure(server, settings);
    const [command, args] = commandOf('usr/sbin/pgbouncer', [file]);
    // It refuses to run as root.
    bouncer.#child = spawn(command, args, { ...identity(), stdio: ['ignore', 'ignore', 'pipe'] });
    await bouncer.#isUp();
    return bouncer;
  }

  async #configure(server, settings) {
    this.directory = fs.mkdtempSync(path.join(os.tmpdir(), 'polypool-bouncer-'));
    fs.chmodSync(this.directory, 0o755);
    this.port = await freePort();
    const users = path.join(this.directory, 'users.txt');
    const secrets = Object.entries(ROLES).filter(([, { password }]) => password !== null);
    const lines = secrets.map(([role, { password }]) => `"${role}" "${password}"`);
    fs.writeFileSync(users, `${lines.join('\n')}\n`);
    const section = {
      listen_addr: '127.0.0.1',
      listen_port: this.port,
      unix_socket_dir: '',
      auth_type: 'scram-sha-256',
      auth_file: users,
      pool_mode: 'transaction',
      default_pool_size: 3,
      ...settings,
    };
    const file = path.join(this.directory, 'pgbouncer.ini');
    const text = Object.entries(section).map(([key, value]) => `${key} = ${value}`);
    const database = `* = host=${server.host} port=${server.port}`;
    fs.writeFileSync(file, `[databases]\n${database}\n[pgbouncer]\n${text.join('\n')}\n`);
    return file;
  }

  /** Says in its log when it listens; ends when it cannot. */
  async #isUp() {
    let log = '';
    const ended = once(this.#child, 'exit').then(() => true);
    const { stderr } = this.#child;
    stderr.setEncoding('utf8').on('data', (text) => (log += text));
    while (!log.includes('process up')) {
      const over = await Promise.race([ended, once(stderr, 'data').then(() => false)]);
      if (over) throw new Error(`PgBouncer does not start:\n${log}`);
    }
  }

  async stop() {
    if (this.#child.exitCode === null && this.#child.signalCode === null) {
      const ended = once(this.#child, 'exit');
      this.#child.kill('SIGQUIT');
      await ended;
    }
    fs.rmSync(this.directory, { recursive: true, force: true });
  }
}

module.exports = { PgBouncer };
