'use strict';

/** A borrowed connection. It knows its lease; who may use it is the engine's to say. */

const { FLAG } = require('./ring');
const { PoolError } = require('./errors');
const { setReader } = require('./lease');
const { RELEASE, checkOptions } = require('./options');
const { bindSql } = require('./sql');
const { failedStream } = require('./stream');
const { transact } = require('./transaction');

class Connection {
  #lease;
  #sql = null;

  constructor(lease) {
    this.#lease = lease;
    lease.connection = this;
  }

  static {
    setReader((value) =>
      typeof value === 'object' && value !== null && #lease in value ? value.#lease : undefined,
    );
  }

  get id() {
    return this.#lease.identify().id;
  }

  get processId() {
    return this.#lease.identify().processId;
  }

  get target() {
    return this.#lease.pool.target;
  }

  get released() {
    return this.#lease.released !== null;
  }

  get sql() {
    return (this.#sql ??= bindSql((query) => this.query(query)));
  }

  query(text, values, options) {
    const lease = this.#lease;
    if (lease.released !== null) return Promise.reject(lease.refusal());
    return lease.pool.submit(lease, text, values, options);
  }

  stream(text, values, options) {
    const lease = this.#lease;
    if (lease.released !== null) return failedStream(lease.refusal());
    return lease.pool.openStream(lease, text, values, options);
  }

  transaction(callback, options) {
    if (this.#lease.released !== null) return Promise.reject(this.#lease.refusal());
    return transact(this, callback, options);
  }

  release(options) {
    const lease = this.#lease;
    try {
      if (options !== undefined) checkOptions(RELEASE, options);
    } catch (error) {
      return Promise.reject(error);
    }
    if (lease.released === null) {
      if (lease.flags & FLAG.HOOK) {
        return Promise.reject(
          new PoolError('ERR_POLYPOOL_STALE_CONNECTION', 'a hook does not own its connection'),
        );
      }
      lease.released = lease.pool.giveBack(lease, options?.destroy === true);
    }
    return lease.released;
  }

  [Symbol.asyncDispose]() {
    return this.release();
  }
}

module.exports = { Connection };
