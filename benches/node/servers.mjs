// The servers of the bench: the one given, or one of our own that disappears with the run; and the
// client that makes the tables.
import { createRequire } from 'node:module';
import * as mysqlSchema from './mysql-schema.mjs';
import * as postgresSchema from './schema.mjs';

const require = createRequire(import.meta.url);

const postgres = {
  ...postgresSchema,

  async start() {
    const { Server, ROLES, DATABASE } = require('../../__tests__/support/server.js');
    // No background vacuum, and checkpoints far apart, so that rounds do not differ by them.
    const settings = { autovacuum: 'off', max_wal_size: '8GB', shared_buffers: '256MB' };
    const server = await Server.start(settings);
    // Plain, whatever a peer's default: the row about TLS asks for it.
    const place = `127.0.0.1:${server.port}/${DATABASE}?sslmode=disable`;
    const url = `postgres://app:${ROLES.app.password}@${place}`;
    return { url, stop: () => server.destroy() };
  },

  async connect(url) {
    const { Client } = require('pg');
    const client = new Client({ connectionString: url });
    await client.connect();
    return client;
  },

  async describe(client) {
    const { server_version: version } = (await client.query('show server_version')).rows[0];
    const { ssl } = (await client.query('show ssl')).rows[0];
    return { version, tls: ssl === 'on' };
  },
};

const speakingMySql = (kind) => ({
  ...mysqlSchema,

  async start() {
    const { MySqlServer } = require('../../__tests__/support/mysql-server.js');
    const { mysqlUrl } = require('../../__tests__/support/mysql.js');
    // Nothing is flushed for the disk's sake, and no log is filled within a run.
    const log = kind === 'mariadb' ? 'innodb-log-file-size' : 'innodb-redo-log-capacity';
    const server = await MySqlServer.start(kind, {
      'innodb-buffer-pool-size': '256M',
      [log]: '1G',
    });
    const url = mysqlUrl({ server: server.describe() });
    return { url, stop: () => server.destroy() };
  },

  async connect(url) {
    return require('mysql2/promise').createConnection(url);
  },

  async describe(client) {
    const [[{ version }]] = await client.query('select version() as version');
    return { version, tls: false };
  },
});

const redis = {
  // Each peer writes its own keys.
  createTables: async () => {},
  dropTables: async () => {},

  async start() {
    const { RedisServer } = require('../../__tests__/support/redis.js');
    const server = await RedisServer.start();
    return { url: server.url, stop: () => server.destroy() };
  },

  async connect(url) {
    const { Redis } = require('ioredis');
    const client = new Redis(url);
    return Object.assign(client, { end: () => client.quit() });
  },

  async describe(client) {
    const [, version] = /redis_version:(\S+)/.exec(await client.info('server'));
    return { version, tls: false };
  },
};

export const SERVERS = {
  postgres,
  redis,
  mariadb: speakingMySql('mariadb'),
  mysql: speakingMySql('mysql'),
};
