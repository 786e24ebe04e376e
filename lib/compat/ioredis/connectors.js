'use strict';

/** How instances get their streams. Programs have connectors of their own, by option `Connector`. */

const net = require('node:net');
const { closedError } = require('./errors');
const { SessionStream } = require('./session-stream');
const { lookUp } = require('./addresses');
const { asksNode, byNode, noteAcceptedByNode, tlsTarget } = require('./tls');

// Taken at load: test frameworks replace it.
const { nextTick } = process;

class AbstractConnector {
  connecting = false;

  constructor(disconnectTimeout) {
    this.disconnectTimeout = disconnectTimeout;
  }

  /** What INFO says of the server; false has the instance look for another one. */
  check() {
    return true;
  }

  disconnect() {
    this.connecting = false;
    const { stream } = this;
    if (!stream) return;
    const timer = setTimeout(() => stream.destroy(), this.disconnectTimeout);
    stream.on('close', () => clearTimeout(timer));
    stream.end();
  }
}

/** What is said of the place; a socket's path is all of it. */
function placeOf({ path, port, host, family }) {
  if (path) return { path };
  const place = {};
  if (port != null) place.port = port;
  if (host != null) place.host = host;
  if (family != null) place.family = family;
  return place;
}

const KEEPALIVE_SECONDS_MAX = 86_400;

function keepAliveOf({ keepAlive: delayMs }) {
  if (typeof delayMs !== 'number') return { keepalive: false };
  const seconds = Math.trunc(delayMs / 1000);
  return {
    keepalive: true,
    ...(seconds > 0 && { keepalives_idle: Math.min(seconds, KEEPALIVE_SECONDS_MAX) }),
  };
}

/** In the engine's words. Rejects with Node's error where the name is unknown. */
async function addressOf({ path, host, port, family }) {
  if (path) return { socketPath: path };
  const addresses = await lookUp(host ?? 'localhost', family);
  return {
    host: addresses.join(','),
    port,
    attemptTimeoutMs: net.getDefaultAutoSelectFamilyAttemptTimeout(),
  };
}

/** Node's own words. */
function checkPort(port) {
  if (!(port >= 0 && port < 65_536)) new net.Socket().connect(port);
}

class StandaloneConnector extends AbstractConnector {
  constructor(options) {
    super(options.disconnectTimeout);
    this.options = options;
  }

  connect() {
    this.connecting = true;
    return new Promise((resolve, reject) => {
      nextTick(() => {
        if (!this.connecting) {
          reject(closedError());
          return;
        }
        try {
          resolve((this.stream = this.#open()));
        } catch (error) {
          reject(error);
        }
      });
    });
  }

  #open() {
    const { path, port } = this.options;
    if (!path) checkPort(port);
    const stream = new SessionStream();
    stream.once('error', (error) => (this.firstError = error));
    this.#attempts().then(
      (attempts) => stream.open(attempts),
      (error) => stream.fail(error),
    );
    return stream;
  }

  /** By the engine's TLS; where that refuses the server, by Node's. */
  async #attempts() {
    const { options } = this;
    const own = typeof options.tls === 'object' ? options.tls : {};
    const place = { ...placeOf(options), ...placeOf(own) };
    const target = { ...(await addressOf(place)), ...keepAliveOf(options) };
    if (!options.tls) return [{ target: { ...target, ssl: false } }];
    const first = { target: { ...target, ...tlsTarget(options.tls, place) } };
    if (first.target.stream !== undefined) return [first];
    const again = {
      target: { ...target, ...byNode(own, place) },
      follows: asksNode,
      accepted: () => noteAcceptedByNode(place),
    };
    return [first, again];
  }
}

/** Over a Duplex that a program's connector gives. */
function streamOver(duplex, firstError) {
  const stream = new SessionStream();
  if (duplex.destroyed) stream.fail(firstError ?? null);
  else stream.open([{ target: { ssl: false, stream: () => duplex } }]);
  return stream;
}

module.exports = { AbstractConnector, StandaloneConnector, streamOver };
