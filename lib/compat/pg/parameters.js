'use strict';

/** Where and as whom to connect: configuration, then URL, then PG* environment, then defaults. */

const dns = require('node:dns');
const { parse } = require('pg-connection-string');
const defaults = require('./defaults');
const { hide } = require('./hide');

/** Properties that are read alike: each with its variable, or null where there is none. */
const SETTINGS = {
  client_encoding: 'PGCLIENT_ENCODING',
  replication: 'PGREPLICATION',
  application_name: 'PGAPPNAME',
  fallback_application_name: null,
  statement_timeout: null,
  lock_timeout: null,
  idle_in_transaction_session_timeout: null,
  query_timeout: null,
};

const VERIFYING = ['prefer', 'require', 'verify-ca', 'verify-full'];

class ConnectionParameters {
  constructor(given) {
    const config = readConfig(given);
    this.user = setting(config, 'user', 'PGUSER');
    this.database = setting(config, 'database', 'PGDATABASE');
    if (this.database === undefined) this.database = this.user;
    this.port = parseInt(setting(config, 'port', 'PGPORT'), 10);
    this.host = setting(config, 'host', 'PGHOST');
    hide(this, 'password', setting(config, 'password', 'PGPASSWORD'));
    this.binary = setting(config, 'binary', 'PGBINARY');
    this.options = setting(config, 'options', 'PGOPTIONS');
    this.ssl = readSsl(config.ssl);
    this.sslnegotiation = setting(config, 'sslnegotiation', 'PGSSLNEGOTIATION');
    checkNegotiation(this.sslnegotiation, this.ssl);
    this.isDomainSocket = (this.host || '').startsWith('/');
    for (const [key, variable] of Object.entries(SETTINGS)) {
      this[key] = setting(config, key, variable);
    }
    this.connect_timeout = connectTimeout(config);
    const { keepAlive, keepAliveInitialDelayMillis: delayMs } = config;
    if (typeof keepAlive === 'boolean') this.keepalives = keepAlive ? 1 : 0;
    if (typeof delayMs === 'number') this.keepalives_idle = Math.floor(delayMs / 1000);
  }

  /** The same as libpq writes it; `callback(error, text)`, as the host's address is looked up. */
  getLibpqConnectionString(callback) {
    const parts = [...this.#libpqSettings()].map(([key, value]) => `${key}=${quote(value)}`);
    if (this.isDomainSocket) return callback(null, parts.join(' '));
    if (this.client_encoding) parts.push(`client_encoding=${quote(this.client_encoding)}`);
    dns.lookup(this.host, (error, address) => {
      if (error) return callback(error, null);
      return callback(null, [...parts, `hostaddr=${quote(address)}`].join(' '));
    });
    return undefined;
  }

  *#libpqSettings() {
    const { ssl, database, replication, host } = this;
    yield* present(this, ['user', 'password', 'port', 'application_name']);
    yield* present(this, ['fallback_application_name', 'connect_timeout', 'options']);
    const tls = typeof ssl === 'object' ? (ssl ?? {}) : { sslmode: ssl || undefined };
    yield* present(tls, ['sslmode', 'sslca', 'sslkey', 'sslcert', 'sslrootcert']);
    yield* present(this, ['sslnegotiation']);
    if (database) yield ['dbname', database];
    if (replication) yield ['replication', replication];
    if (host) yield ['host', host];
  }
}

/** What a URL says is stronger than what stands beside it. */
function readConfig(given) {
  const config = typeof given === 'string' ? parse(given) : given || {};
  return config.connectionString ? { ...config, ...parse(config.connectionString) } : config;
}

/** An empty value is none, wherever it stands. */
function setting(config, key, variable) {
  return config[key] || (variable !== null && process.env[variable]) || defaults[key];
}

/** True, false, or options of tls.connect(); the private key is not for logs. */
function readSsl(given) {
  let ssl = given === undefined ? sslOfEnvironment() : given;
  if (ssl === 'true') ssl = true;
  if (ssl === 'no-verify') ssl = { rejectUnauthorized: false };
  if (ssl && ssl.key) Object.defineProperty(ssl, 'key', { enumerable: false });
  return ssl;
}

function sslOfEnvironment() {
  const mode = process.env.PGSSLMODE;
  if (mode === 'disable') return false;
  if (VERIFYING.includes(mode)) return true;
  return mode === 'no-verify' ? 'no-verify' : defaults.ssl;
}

function checkNegotiation(negotiation, ssl) {
  if (negotiation === undefined || negotiation === 'postgres') return;
  if (negotiation !== 'direct') {
    throw new Error(
      `Invalid sslnegotiation value: "${negotiation}". Valid values are "postgres" and "direct".`,
    );
  }
  if (!ssl) throw new Error('sslnegotiation=direct requires SSL to be enabled');
}

/** In seconds, as libpq has it. */
function connectTimeout({ connectionTimeoutMillis: ms }) {
  return ms === undefined ? process.env.PGCONNECT_TIMEOUT || 0 : Math.floor(ms / 1000);
}

function* present(object, keys) {
  for (const key of keys) {
    const value = object[key];
    if (value !== undefined && value !== null) yield [key, value];
  }
}

function quote(value) {
  return `'${String(value).replace(/[\\']/g, '\\$&')}'`;
}

module.exports = ConnectionParameters;
