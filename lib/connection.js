'use strict';

/** A borrowed connection. It knows its lease; who may use it is the engine's to say. */

const { FLAG } = require('./ring');
const { PoolError } = require('./errors');
const { bindSql } = require('./sql');
const { transact } = require('./transaction');

class Connection {
  #pool;
  #released = null;
  #sql = null;

  constructor(pool, slot, generation, flags) {
    this.#pool = pool;
    hide(this, 'slot', slot);
    hide(this, 'generation', generation);
    hide(this, 'flags', flags);
    hide(this, 'identity', null);
    /** Statements submitted and not answered. */
    hide(this, 'pending', 0);
    /** An answered statement may still occupy the wire (abort, timeout). */
    hide(this, 'unsettled', false);
    /** Where it was acquired, with leak detection. */
    hide(this, 'stack', null);
  }

  get pool() {
    return this.#pool;
  }

  get id() {
    return this.#identify().id;
  }

  get processId() {
    return this.#identify().processId;
  }

  #identify() {
    return (this.identity ??= this.#pool.identify(this.slot));
  }

  get released() {
    return this.#released !== null;
  }

  get sql() {
    return (this.#sql ??= bindSql((query) => this.query(query)));
  }

  query(text, values, options) {
    if (this.#released !== null) return Promise.reject(stale());
    return this.#pool.submit(this, text, values, options);
  }

  stream(text, values, options) {
    return this.#pool.openStream(this, text, values, options, this.#released !== null && stale());
  }

  transaction(callback, options) {
    if (this.#released !== null) return Promise.reject(stale());
    return transact(this, callback, options);
  }

  release(options) {
    if (this.#released === null) {
      if (this.flags & FLAG.HOOK) {
        return Promise.reject(
          new PoolError('ERR_POLYPOOL_STALE_CONNECTION', 'a hook does not own its connection'),
        );
      }
      this.#released = this.#pool.giveBack(this, options?.destroy === true);
    }
    return this.#released;
  }

  /** The engine took it away, or its hook has ended. */
  revoke() {
    this.#released ??= Promise.resolve();
  }

  [Symbol.asyncDispose]() {
    return this.release();
  }
}

/** Own state that `inspect` and JSON need not show. */
function hide(target, name, value) {
  Object.defineProperty(target, name, { value, writable: true });
}

function stale() {
  return new PoolError(
    'ERR_POLYPOOL_STALE_CONNECTION',
    'the connection was released and may not be used any more',
  );
}

module.exports = { Connection };
