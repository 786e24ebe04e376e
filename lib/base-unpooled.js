'use strict';

/** One connection outside any pool: a pool of one that is borrowed for good. */

const { inspect } = require('node:util');
const { ClosedError } = require('./errors');
const { inspected } = require('./inspect');
const { CLOSE, checkOptions } = require('./options');

class BaseUnpooled {
  #pool;
  #connection;
  #closing = null;

  constructor(pool, connection) {
    this.#pool = pool;
    this.#connection = connection;
  }

  get id() {
    return this.#connection.id;
  }

  get processId() {
    return this.#connection.processId;
  }

  get closed() {
    return this.#closing !== null;
  }

  close(options) {
    try {
      if (options !== undefined) checkOptions(CLOSE, options);
    } catch (error) {
      return Promise.reject(error);
    }
    if (this.#closing === null) {
      // Never rejects: what runs is answered first, then the connection goes with its pool.
      this.#connection.release();
      this.#closing = this.#pool.close(options);
    }
    return this.#closing;
  }

  [Symbol.asyncDispose]() {
    return this.close();
  }

  [inspect.custom](depth, options) {
    const { id, processId, closed } = this;
    return inspected(this, { id, processId, closed }, depth, options);
  }
}

/** What is wrong with using one after `close()`. */
function closed() {
  return new ClosedError('the connection is closed');
}

module.exports = { BaseUnpooled, closed };
