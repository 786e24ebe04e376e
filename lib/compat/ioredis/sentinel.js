'use strict';

/** Sentinels: what programs read and subclass is there; finding a server through them is not. */

const { AbstractConnector } = require('./connectors');

const HOST = '127.0.0.1';
const PORT = 26_379;

const NOT_MADE =
  'polypool/ioredis connects to one server: it has no Redis Sentinel. ' +
  "Give the server's host and port instead of option 'sentinels', or use ioredis for it";

function isSame(a, b) {
  return (a.host || HOST) === (b.host || HOST) && (a.port || PORT) === (b.port || PORT);
}

class SentinelIterator {
  cursor = 0;

  constructor(sentinels) {
    this.sentinels = sentinels.slice();
  }

  next() {
    const done = this.cursor >= this.sentinels.length;
    return { done, value: done ? undefined : this.sentinels[this.cursor++] };
  }

  reset(moveCurrentEndpointToFirst) {
    const { cursor, sentinels } = this;
    if (moveCurrentEndpointToFirst && sentinels.length > 1 && cursor !== 1) {
      sentinels.unshift(...sentinels.splice(cursor - 1));
    }
    this.cursor = 0;
  }

  /** False where it is known already. */
  add(sentinel) {
    if (this.sentinels.some((known) => isSame(sentinel, known))) return false;
    this.sentinels.push(sentinel);
    return true;
  }

  toString() {
    return `${JSON.stringify(this.sentinels)} @${this.cursor}`;
  }
}

class SentinelConnector extends AbstractConnector {
  emitter = null;

  constructor(options) {
    super(options.disconnectTimeout);
    this.options = options;
    if (!options.sentinels.length) throw new Error('Requires at least one sentinel to connect to.');
    if (!options.name) throw new Error('Requires the name of master.');
    this.sentinelIterator = new SentinelIterator(options.sentinels);
  }

  async connect() {
    throw new Error(NOT_MADE);
  }
}

module.exports = { SentinelConnector, SentinelIterator };
