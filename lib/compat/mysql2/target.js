'use strict';

/** Where and how the engine connects, from the configuration of a connection. */

const { once } = require('node:events');
const { FLAGS } = require('./flags');
const { sslOf } = require('./tls');

const COLLATION = 45;

function placeOf({ host, port, socketPath }) {
  return socketPath ? { socketPath } : { host, port };
}

function keepAliveOf({ enableKeepAlive, keepAliveInitialDelay: delayMs }) {
  const seconds = Math.trunc((Number(delayMs) || 0) / 1000);
  return {
    keepalive: Boolean(enableKeepAlive),
    ...(seconds > 0 && { keepalives_idle: Math.min(seconds, 86_400) }),
  };
}

/** The program's stream, or the one that its function makes. */
function streamOf(stream, options) {
  return async () => {
    const duplex = typeof stream === 'function' ? stream(options) : stream;
    if (duplex.connecting) await once(duplex, 'connect');
    return duplex;
  };
}

/**
 * The program has a say in how its password is proved, or has several. Such a connection is not
 * compressed, which begins in the midst of the engine's own login.
 */
function logsIn({ authPlugins, authSwitchHandler, passwordSha1, password2 }) {
  return Boolean(authPlugins || authSwitchHandler || passwordSha1 || password2);
}

/** `byNode`: Node does TLS. */
function targetOf(config, options, byNode) {
  checkTexts(config);
  const { stream, user, password, database, charsetNumber } = config;
  return {
    engine: 'mysql',
    ...placeOf(config),
    user: user ?? '',
    ...(password && { password: String(password) }),
    ...(database && { database: String(database) }),
    ...sslOf(config.ssl, byNode),
    ...keepAliveOf(config),
    ...(stream && { stream: streamOf(stream, options) }),
    ...(config.compress && !logsIn(config) && { compress: true }),
    clientFlags: (config.clientFlags & ~(FLAGS.SSL | FLAGS.COMPRESS)) >>> 0,
    handshakeCollation: charsetNumber & 0xff || COLLATION,
    allowPublicKeyRetrieval: true,
    allowCleartextPassword: config.enableCleartextPlugin,
    ...(logsIn(config) && { callerLogsIn: true }),
  };
}

/** Of what is sent as a text; a password may be its bytes. */
function checkTexts({ user, database, password }) {
  for (const [name, value] of Object.entries({ user, database })) {
    if (value && typeof value !== 'string') {
      throw new TypeError(`"${name}" connection config property must be a string`);
    }
  }
  if (password && typeof password !== 'string' && !Buffer.isBuffer(password)) {
    throw new TypeError('"password" connection config property must be a string or a Buffer');
  }
}

module.exports = { checkTexts, logsIn, targetOf };
