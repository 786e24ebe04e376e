'use strict';

/** What borrowed connections have in common, whatever is spoken on them. */

const { inspect } = require('node:util');
const { PoolError } = require('./errors');
const { inspected } = require('./inspect');
const { setReader } = require('./lease');
const { RELEASE, checkOptions } = require('./options');
const { FLAG } = require('./records');

class BaseConnection {
  #lease;

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

module.exports = { BaseConnection };
