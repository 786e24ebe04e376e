'use strict';

/** What the caller gave as target and options, and what the process has to add to it. */

const os = require('node:os');
const path = require('node:path');
const tls = require('node:tls');
const { OptionError } = require('./errors');

const SCHEME = /^([a-z][a-z0-9+.-]*):/i;
const SQL_SCHEMES = ['postgres', 'postgresql', 'mysql', 'mariadb'];
const REDIS_SCHEMES = ['redis', 'rediss', 'valkey', 'valkeys', 'unix', 'redis+unix'];
const SCHEMES = [...SQL_SCHEMES, ...REDIS_SCHEMES];

const OF_RESOURCES =
  "option 'create' makes resources of your own: their pool is made by createPool() or " +
  'new ObjectPool(), this one is of database connections';

/** Whether a target is one of Redis: option `engine` says so, or the scheme of a URL. */
function speaksRedis(target, options) {
  const isUrl = typeof target === 'string' || target instanceof URL;
  const given = isUrl ? { ...options, url: target } : (target ?? {});
  if (given.engine !== undefined) return given.engine === 'redis';
  return REDIS_SCHEMES.includes(schemeOf(given));
}

function schemeOf({ url, connectionString }) {
  return SCHEME.exec(String(url ?? connectionString ?? ''))?.[1].toLowerCase();
}

/** What was read for a pool of Redis, or for one of SQL; throws where it is for the other. */
function checkLanguage(given, isRedis) {
  const scheme = schemeOf(given);
  const fits = isRedis
    ? speaksRedis({ engine: 'redis', ...given }) && !SQL_SCHEMES.includes(scheme)
    : !speaksRedis(given);
  if (fits) return given;
  const message = isRedis ? 'new RedisPool() is for Redis' : 'Redis has new RedisPool()';
  const option = given.engine === undefined ? 'url' : 'engine';
  throw new OptionError(`${message}: createPool() makes the pool that a target asks for`, {
    option,
  });
}

/** One object of options; a URL stays text for the engine to read. */
function readTarget(target, options) {
  let given;
  if (typeof target === 'string' || target instanceof URL) {
    given = { ...readObject(options ?? {}), url: textOf(target) };
  } else {
    given = { ...readObject(target) };
  }
  if (typeof given.create === 'function') throw new OptionError(OF_RESOURCES, { option: 'create' });
  for (const key of ['url', 'connectionString']) {
    if (given[key] instanceof URL) given[key] = textOf(given[key]);
    if (typeof given[key] === 'string') checkScheme(key, given[key]);
  }
  if (typeof given.ssl === 'object' && given.ssl !== null) given.ssl = readSsl(given.ssl);
  if (given.replicas !== undefined) given.replicas = readReplicas(given.replicas);
  return given;
}

/** A URL, several, or an object with one; anything else is left to the engine to refuse. */
function readReplicas(given) {
  if (Array.isArray(given)) return given.map(readReplicas);
  if (given instanceof URL || typeof given === 'string') {
    const text = textOf(given);
    checkScheme('replicas', text);
    return text;
  }
  if (typeof given !== 'object' || given === null) return given;
  const { url, connectionString } = given;
  if (url instanceof URL) return { ...given, url: textOf(url) };
  if (connectionString instanceof URL)
    return { ...given, connectionString: textOf(connectionString) };
  return given;
}

/** PEM is often read from a file as it is: the engine takes text. */
function readSsl(ssl) {
  const text = (pem) => (pem instanceof Uint8Array ? Buffer.from(pem).toString('latin1') : pem);
  const read = { ...ssl };
  for (const key of ['ca', 'cert', 'key']) {
    if (Array.isArray(read[key])) read[key] = read[key].map(text);
    else if (read[key] !== undefined) read[key] = text(read[key]);
  }
  return read;
}

/** `searchParams` writes a space as `+`, which a connection URL reads as it stands. */
function textOf(url) {
  if (typeof url === 'string' || !url.search.includes('+')) return String(url);
  const plain = new URL(url);
  plain.search = plain.search.replaceAll('+', '%20');
  return String(plain);
}

function readObject(value) {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value;
  const type = value === null ? 'null' : typeof value;
  throw new OptionError(`a pool needs a URL or an object of options, got ${type}`, {
    option: 'url',
  });
}

/** Without the URL in the message: it may hold a password. */
function checkScheme(option, url) {
  const scheme = SCHEME.exec(url)?.[1].toLowerCase();
  if (scheme === undefined || SCHEMES.includes(scheme)) return;
  throw new OptionError(
    `option '${option}' has the unknown scheme '${scheme}:'; known are ` +
      `'${SCHEMES.join(":', '")}:'`,
    { option },
  );
}

function surroundings(options) {
  const environment = {};
  for (const key of Object.keys(process.env)) {
    if (key.startsWith('PG')) environment[key] = process.env[key];
  }
  environment.PGPASSFILE ||= usualPassfile();
  return { environment, user: userName(), roots: rootsFor(options, environment) };
}

/** Where libpq looks for passwords when nobody says where; '' where there is no home. */
function usualPassfile() {
  try {
    const { APPDATA } = process.env;
    if (process.platform !== 'win32') return path.join(os.homedir(), '.pgpass');
    return APPDATA ? path.join(APPDATA, 'postgresql', 'pgpass.conf') : '';
  } catch {
    return '';
  }
}

/** What a verifying connection may need; a hundred certificates are not copied for others. */
function rootsFor(options, environment) {
  return mayVerify(options, environment) ? roots() : [];
}

function mayVerify(given, environment) {
  const { url, connectionString, ssl, sslmode, sslrootcert, replicas } = given;
  const others = [replicas ?? []].flat();
  return (
    others.some((it) => mayVerify(typeof it === 'object' ? { ...it } : { url: it }, {})) ||
    (ssl !== undefined && ssl !== false && ssl?.rejectUnauthorized !== false) ||
    (sslmode !== undefined && sslmode !== 'disable') ||
    sslrootcert !== undefined ||
    given['ssl-mode'] !== undefined ||
    given['ssl-ca'] !== undefined ||
    environment.PGSSLMODE !== undefined ||
    environment.PGSSLROOTCERT !== undefined ||
    /ssl|^rediss:|^valkeys:/i.test(`${url ?? ''}${connectionString ?? ''}`)
  );
}

/** Node's own authorities and those of NODE_EXTRA_CA_CERTS. */
function roots() {
  const extra = tls.getCACertificates?.('extra') ?? [];
  return [...tls.rootCertificates, ...extra];
}

function userName() {
  try {
    return os.userInfo().username;
  } catch {
    // A container may run under a number that has no name.
    return null;
  }
}

module.exports = { checkLanguage, readTarget, rootsFor, speaksRedis, surroundings };
