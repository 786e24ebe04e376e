'use strict';

/** A borrowed connection. It knows its lease; who may use it is the engine's to say. */

const { inspect } = require('node:util');
const { PoolError } = require('./errors');
const { CopyReader, CopyWriter } = require('./copy');
const { inspected } = require('./inspect');
const { setReader } = require('./lease');
const { RELEASE, checkOptions } = require('./options');
const { FLAG } = require('./records');
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

  get target() {
    return this.#lease.pool.target;
  }

  get released() {
    return this.#lease.released !== null;
  }

  get sql() {
    return (this.#sql ??= bindSql((query) => this.query(query), this.#lease.pool.dialect));
  }

  query(text, values, options) {
    return this.#lease.query(text, values, options);
  }

  stream(text, values, options) {
    return this.#lease.stream(text, values, options);
  }

  copyFrom(text, options) {
    return this.#lease.copy(CopyWriter, text, options);
  }

  copyTo(text, options) {
    return this.#lease.copy(CopyReader, text, options);
  }

  cursor(text, values, options) {
    return this.#lease.openCursor(text, values, options);
  }

  transaction(callback, options) {
    if (this.#lease.isBarred()) return Promise.reject(this.#lease.refusal());
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
      const destroy = options?.destroy === true;
      const left = destroy ? undefined : lease.endOpen();
      lease.released =
        left === undefined ? lease.pool.leases.giveBack(lease, destroy) : this.#releaseAfter(left);
      if (!destroy) lease.endStanding();
    }
    return lease.released;
  }

  /** Once the cursor that was open on it is closed. */
  #releaseAfter(closed) {
    const lease = this.#lease;
    const released = closed.then(() => {
      const back = lease.pool.leases.giveBack(lease, false);
      lease.released = released;
      return back;
    });
    return released;
  }

  [Symbol.asyncDispose]() {
    return this.release();
  }

  [inspect.custom](depth, options) {
    const { id, processId, released } = this;
    return inspected(this, { id, processId, released }, depth, options);
  }
}

module.exports = { Connection };
