'use strict';

const { whatIsHeld } = require('./holders');
const { last, pending } = require('./pending');
const { offAbort, onAbort } = require('./signal');

/** Somebody who waits for a resource, and asked for nothing in particular. */
class PlainWaiter {
  constructor(pool) {
    this.pool = pool;
    this.number = -1;
    /** Resolves the promise of the acquire. */
    this.settle = null;
  }

  promise() {
    const promise = pending(Promise);
    this.settle = last.resolve;
    return promise;
  }

  resolve(entry) {
    this.pool.handlePlainGrant(this, entry);
  }

  reject(why, waitedMs) {
    this.pool.handleRefusal(this, why, waitedMs);
  }
}

/** Somebody who waits for a resource: with a signal, a lease, a context for the event. */
class Waiter {
  /** `view` makes of the entry what the promise resolves with. */
  constructor(pool, holder, view) {
    this.pool = pool;
    this.holder = holder;
    this.view = view;
    /** What the caller holds, with leak detection. */
    this.held = whatIsHeld();
    this.number = -1;
    /** Resolves the promise of the acquire. */
    this.settle = null;
    /** Its async context, for the event; only while somebody listens. */
    this.context = null;
    this.signal = undefined;
    this.onAbort = null;
  }

  promise() {
    const promise = pending(Promise);
    this.settle = last.resolve;
    return promise;
  }

  watch(signal, resources) {
    this.signal = signal;
    this.onAbort = () => resources.cancel(this);
    onAbort(signal, this.onAbort);
  }

  unwatch() {
    if (this.signal !== undefined) offAbort(this.signal, this.onAbort);
  }

  resolve(entry) {
    this.unwatch();
    this.pool.handleGrant(this, entry);
  }

  reject(why, waitedMs) {
    this.unwatch();
    this.pool.handleRefusal(this, why, waitedMs);
  }
}

module.exports = { PlainWaiter, Waiter };
