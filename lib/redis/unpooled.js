'use strict';

/** A connection of Redis that belongs to no pool. */

const { BaseUnpooled, closed } = require('../base-unpooled');
const { RUN, withCommands } = require('./commands');

class UnpooledRedisConnection extends withCommands(BaseUnpooled) {
  #connection;

  constructor(pool, connection) {
    super(pool, connection);
    this.#connection = connection;
  }

  [RUN](text, values, options, flags) {
    if (this.closed) return Promise.reject(closed());
    return this.#connection[RUN](text, values, options, flags);
  }
}

module.exports = { UnpooledRedisConnection };
