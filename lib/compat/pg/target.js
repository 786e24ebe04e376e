'use strict';

/**
 * Where and how the engine connects for a client, in the engine's words. What `pg` has decided is
 * said in any case, so that no default of the engine (libpq's) steps in: TLS is never tried where
 * it was not asked for, keep-alive is off, passwords go to whoever asks.
 */

const { once } = require('node:events');
const net = require('node:net');
const { lookUp } = require('./addresses');
const { findPassword } = require('./password');
const { readSsl } = require('./tls');

/** As libuv sets them together with the first delay. */
const KEEPALIVE = { keepalives_interval: 1, keepalives_count: 10 };
/** Where no delay is given, what systems have: two hours, in seconds. */
const KEEPALIVE_IDLE = 7200;
const KEEPALIVE_IDLE_MAX = 86_400;
const ITERATIONS_MAX = 2 ** 31 - 1;

/**
 * Resolves to the engine's options; rejects with what `pg`'s connect would fail with before a byte
 * is sent. `config` is what the client was made with. Of TLS, `byNode` has Node do it.
 */
async function targetOf(client, config, { byNode = false } = {}) {
  const { ssl, sslNegotiation } = client;
  const host = client.host || 'localhost';
  const bySocket = host.startsWith('/');
  checkPort(client.port);
  const given = config.stream || null;
  // PostgreSQL has no TLS on unix sockets, and says so when it is asked.
  if (ssl && bySocket && given === null) {
    throw new Error('The server does not support SSL connections');
  }
  const addresses = given === null ? await lookUp(host) : [];
  const password = await findPassword(client);
  return {
    ...placeOf(host, addresses),
    port: client.port,
    ...loginOf(client, password),
    ssl: readSsl(ssl, host, byNode),
    ...(ssl && { sslnegotiation: sslNegotiation }),
    ...keepAliveOf(config),
    ...(given !== null && { stream: streamOf(client, config) }),
  };
}

/** Node's own words. */
function checkPort(port) {
  if (!(port >= 0 && port < 65_536)) new net.Socket().connect(port);
}

/** A name with several addresses is several hosts of that name. */
function placeOf(host, addresses) {
  // With a zone it is nothing the engine takes as an address.
  if (addresses.length === 0 || addresses.some((address) => address.includes('%'))) return { host };
  return {
    host: addresses.map(() => host).join(','),
    hostaddr: addresses.join(','),
    attemptTimeoutMs: net.getDefaultAutoSelectFamilyAttemptTimeout(),
  };
}

function loginOf(client, password) {
  const { user, database } = client.connectionParameters;
  return {
    user: user ?? '',
    database: database ?? '',
    startup: Object.entries(client.getStartupConf()).map(([name, value]) => [
      name,
      String(value ?? ''),
    ]),
    ...(typeof password === 'string' && password !== '' && { password }),
    allowCleartextPassword: true,
    sendEmptyPassword: true,
    channel_binding: client.enableChannelBinding ? 'prefer' : 'disable',
    scramMaxIterations: iterationsOf(client),
  };
}

/** What the server is told at first; timeouts cut to whole milliseconds. */
function startupParameters(parameters) {
  const { user, database, replication, options } = parameters;
  const conf = { user, database };
  const name = parameters.application_name || parameters.fallback_application_name;
  if (name) conf.application_name = name;
  if (replication) conf.replication = `${replication}`;
  for (const key of ['statement_timeout', 'lock_timeout', 'idle_in_transaction_session_timeout']) {
    if (parameters[key]) conf[key] = String(parseInt(parameters[key], 10));
  }
  if (options) conf.options = options;
  return conf;
}

/** 0 is "no bound", so that the least bound is 1. */
function iterationsOf({ scramMaxIterations: most }) {
  return most === 0 ? 0 : Math.floor(Math.min(Math.max(most, 1), ITERATIONS_MAX));
}

function keepAliveOf({ keepAlive, keepAliveInitialDelayMillis: delayMs }) {
  const seconds = Math.trunc((Number(delayMs) || 0) / 1000);
  const given = seconds > 0 && { keepalives_idle: Math.min(seconds, KEEPALIVE_IDLE_MAX) };
  return {
    keepalive: Boolean(keepAlive),
    keepalives_idle: KEEPALIVE_IDLE,
    ...(given && { ...given, ...KEEPALIVE }),
    // The system's own patience, as for any socket of Node.
    tcpUserTimeoutMs: 0,
  };
}

/** The user's Duplex, or the one that the function makes; connected by us in either case. */
function streamOf(client, config) {
  const { keepAlive = false, keepAliveInitialDelayMillis: delayMs = 0, stream } = config;
  return async () => {
    const duplex = typeof stream === 'function' ? stream(connectionConfig(client, config)) : stream;
    duplex.setNoDelay(true);
    const connected = once(duplex, 'connect');
    if (client.host?.startsWith('/')) duplex.connect(`${client.host}/.s.PGSQL.${client.port}`);
    else duplex.connect(client.port, client.host);
    await connected;
    if (keepAlive) duplex.setKeepAlive(true, delayMs);
    return duplex;
  };
}

/** What `pg` makes its Connection with, and hands to the function. */
function connectionConfig(client, config) {
  return {
    stream: config.stream,
    ssl: client.connectionParameters.ssl,
    sslNegotiation: client.connectionParameters.sslnegotiation,
    keepAlive: config.keepAlive || false,
    keepAliveInitialDelayMillis: config.keepAliveInitialDelayMillis || 0,
    encoding: client.connectionParameters.client_encoding || 'utf8',
  };
}

module.exports = { startupParameters, targetOf };
