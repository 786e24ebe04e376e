'use strict';

/**
 * `async-pool`: a fixed set of resources, lent through bluebird's disposers, and the form in which
 * `get()` hands out instances in turn without lending them.
 */

const { readItems } = require('./items');
const { CLOSED, Loans } = require('./loans');

/** What a pool keeps to itself: `{ all, next, loans, isOpen }`. */
const inner = new WeakMap();

/** May be called without `new`, and by constructors of another generation on their own `this`. */
function AsyncPool(resources, count) {
  if (!(this instanceof AsyncPool)) return new AsyncPool(resources, count);
  const all = readItems(resources, count);
  this.nresources = all?.length ?? 0;
  /** null, true, or with `closeAndWait` its promise and how to settle it. */
  this.willClose = null;
  inner.set(this, { all, next: 0, loans: new Loans(all ?? []), isOpen: all !== null });
}

define('get', get);
define('use', use);
define('close', close);
define('closeAndWait', closeAndWait);
define('closeImmediately', closeImmediately);
define('isClosed', isClosed);

function define(name, value) {
  Object.defineProperty(AsyncPool.prototype, name, { value, writable: true, configurable: true });
}

Object.defineProperties(AsyncPool.prototype, {
  /** What is free, the next to be lent at the end; null when the pool is closed. */
  resources: {
    get() {
      const { isOpen, loans } = inner.get(this);
      return isOpen ? loans.free() : null;
    },
  },
  waiting: {
    get() {
      return inner.get(this).loans.waiting;
    },
  },
});

/** The next instance in turn; nothing is to be given back. */
function get() {
  if (this.isClosed() || this.nresources === 0) throw new Error(CLOSED);
  const state = inner.get(this);
  const instance = state.all[state.next];
  state.next = (state.next + 1) % state.all.length;
  return instance;
}

/** A disposer for bluebird's `using`. A use of a pool that closes ends it at once. */
function use() {
  if (this.isClosed() || this.nresources === 0) {
    end(this, ({ reject }) => reject(new Error('AsyncPool used while closing.')));
    throw new Error(CLOSED);
  }
  const Bluebird = loadBluebird();
  const { loans } = inner.get(this);
  return new Bluebird((resolve) => loans.borrow(resolve)).disposer((resource) => {
    loans.giveBack(resource);
    if (this.willClose !== null && loans.areBack()) end(this, ({ resolve }) => resolve(this));
  });
}

/** Those who wait are served first. False: it is closing already. */
function close() {
  if (this.willClose !== null) return false;
  const { isOpen, loans } = inner.get(this);
  if (isOpen && !loans.areBack()) this.willClose = true;
  else end(this);
  return true;
}

function closeAndWait() {
  this.close();
  const Bluebird = findBluebird() ?? Promise;
  if (this.willClose === null) return Bluebird.resolve(this);
  if (this.willClose === true) {
    const handles = {};
    handles.promise = new Bluebird((resolve, reject) =>
      Object.assign(handles, { resolve, reject }),
    );
    this.willClose = handles;
  }
  return this.willClose.promise;
}

function closeImmediately() {
  const { isOpen, loans } = inner.get(this);
  if (isOpen && !loans.areBack()) {
    const { willClose } = this;
    this.willClose = null;
    willClose?.reject?.('Immediate close while resources still checked out.');
    throw new Error('AsyncPool closing while resources still checked out.');
  }
  end(this);
  return isOpen ? this : undefined;
}

function isClosed() {
  return !inner.get(this).isOpen || this.willClose !== null;
}

/** Whoever waits for the end is told by `tell`. */
function end(pool, tell) {
  const state = inner.get(pool);
  const { willClose } = pool;
  pool.willClose = null;
  if (state.isOpen) state.loans.close();
  state.isOpen = false;
  if (willClose?.promise !== undefined) tell(willClose);
}

let bluebird = null;

/** Null when it is not installed: it is for programs that use it anyway. */
function findBluebird() {
  try {
    bluebird ??= require('bluebird');
  } catch (error) {
    if (error.code !== 'MODULE_NOT_FOUND') throw error;
  }
  return bluebird;
}

function loadBluebird() {
  const Bluebird = findBluebird();
  if (Bluebird !== null) return Bluebird;
  throw new Error(
    "polypool/async-pool: use() returns a disposer of bluebird's promises, and package " +
      "'bluebird' is not installed",
  );
}

module.exports = AsyncPool;
