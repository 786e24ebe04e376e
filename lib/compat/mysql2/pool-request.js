'use strict';

/** Somebody who has to wait for a connection of a pool: in its queue, or for the connect. */

const { AsyncResource } = require('node:async_hooks');

let asked = 0;

const nextRank = () => asked++;

class Request {
  /** Where its callback runs, whoever gave the connection back. */
  #context = new AsyncResource('polypool.mysql2.getConnection');

  /** `pool`: `handleGrant(request, entry)` and `handleRefusal(request, why, waitedMs)`. */
  constructor(pool, callback) {
    this.pool = pool;
    this.callback = callback;
    /** Of the core. */
    this.number = -1;
    /** By which those who wait are in order. */
    this.rank = nextRank();
    this.isInLine = false;
    /** As of a statement. */
    this.ahead = null;
  }

  get isStatement() {
    return false;
  }

  resolve(entry) {
    this.pool.handleGrant(this, entry);
  }

  reject(why, waitedMs) {
    this.pool.handleRefusal(this, why, waitedMs);
  }

  answer(error, connection) {
    this.#context.runInAsyncScope(this.callback, null, error, connection);
  }
}

module.exports = { Request, nextRank };
