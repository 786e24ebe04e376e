'use strict';

/** A pool with promises, over one with callbacks. */

const { EventEmitter } = require('node:events');
const { inheritEvents } = require('./inherit-events');
const { PromisePoolConnection } = require('./pool-connection');
const { nothing, promised, refuseCallback } = require('./settle');

const NativePromise = Promise;

class PromisePool extends EventEmitter {
  constructor(pool, Promise) {
    super();
    this.pool = pool;
    this.Promise = Promise || NativePromise;
    inheritEvents(pool, this, ['acquire', 'connection', 'enqueue', 'release']);
  }

  #promised(above, start, view) {
    const isTraced = this.pool.config.connectionConfig.trace;
    return promised(this.Promise, isTraced ? above : null, start, view);
  }

  getConnection() {
    const wrap = (connection) => new PromisePoolConnection(connection, this.Promise);
    return promised(this.Promise, null, (done) => this.pool.getConnection(done), wrap);
  }

  releaseConnection(connection) {
    if (connection instanceof PromisePoolConnection) connection.release();
  }

  query(sql, args) {
    refuseCallback(args);
    return this.#promised(PromisePool.prototype.query, (done) => {
      if (args === undefined) this.pool.query(sql, done);
      else this.pool.query(sql, args, done);
    });
  }

  execute(sql, args) {
    refuseCallback(args);
    return this.#promised(PromisePool.prototype.execute, (done) => {
      if (args) this.pool.execute(sql, args, done);
      else this.pool.execute(sql, done);
    });
  }

  end() {
    return this.#promised(PromisePool.prototype.end, (done) => this.pool.end(done), nothing);
  }

  async [Symbol.asyncDispose]() {
    if (!this.pool._closed) await this.end();
  }

  escape(value) {
    return this.pool.escape(value);
  }

  escapeId(value) {
    return this.pool.escapeId(value);
  }

  format(sql, values) {
    return this.pool.format(sql, values);
  }
}

module.exports = { PromisePool };
