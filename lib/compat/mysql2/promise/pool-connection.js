'use strict';

const { PromiseConnection } = require('./connection');

/** A connection of a pool with promises. */
class PromisePoolConnection extends PromiseConnection {
  destroy() {
    return this.connection.destroy();
  }

  async [Symbol.asyncDispose]() {
    this.release();
  }
}

module.exports = { PromisePoolConnection };
