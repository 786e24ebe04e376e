'use strict';

/** A borrowed connection of Redis: WATCH, blocking commands and whatever else has state. */

const { BaseConnection } = require('../base-connection');
const { RUN, withCommands } = require('./commands');

class RedisConnection extends withCommands(BaseConnection) {
  #lease;

  constructor(lease) {
    super(lease);
    this.#lease = lease;
  }

  [RUN](text, values, options, flags) {
    const lease = this.#lease;
    if (lease.isBarred()) return Promise.reject(lease.refusal());
    return lease.pool.statements.submit(lease, text, values, options, flags);
  }
}

module.exports = { RedisConnection };
