'use strict';

/** A borrowed connection. It knows its lease; who may use it is the engine's to say. */

const { FLAG } = require('./ring');
const { PoolError } = require('./errors');
const { setReader } = require('./lease');
const { bindSql } = require('./sql');
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

  get released() {
    return this.#lease.released !== null;
  }

  get sql() {
    return (this.#sql ??= bindSql((query) => this.query(query)));
  }

  query(text, values, options) {
    const lease = this.#lease;
    if (lease.released !== null) return Promise.reject(stale());
    return lease.pool.submit(lease, text, values, options);
  }

  stream(text, values, options) {
    const lease = this.#lease;
    return lease.pool.openStream(lease, text, values, options, lease.released !== null && stale());
  }

  transaction(callback, options) {
    if (this.#lease.released !== null) return Promise.reject(stale());
    return transact(this, callback, options);
  }

  release(options) {
    const lease = this.#lease;
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

function stale() {
  return new PoolError(
    'ERR_POLYPOOL_STALE_CONNECTION',
    'the connection was released and may not be used any more',
  );
}

module.exports = { Connection };
