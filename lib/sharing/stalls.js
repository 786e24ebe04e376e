'use strict';

/** Wires on which something is waited for: whoever waits is told when nothing moves there. */

// Not the globals: test frameworks replace those, perhaps before this is loaded.
const { setImmediate, setTimeout } = require('node:timers');
const { takeOut } = require('./take-out');

const PERIOD_MS = 10;

/** In periods: the patience of who would have others stopped on the server, which costs much. */
const PATIENCE_STOPPING = 20;

/** Somebody who waits for what is on a `wire`; a subclass says what it does at a standstill. */
class Waiter {
  /** When its wire had last moved as it saw it, and how often it may yet see it so. */
  seenAt = -1;
  left = 0;
  patience = 0;
}

class Stalls {
  /** Who waits, the one that came first in front. */
  #waiters = [];
  #isArmed = false;
  // What came in while the program kept the event loop busy is looked at before.
  #expire = () => setImmediate(this.#look);

  get size() {
    return this.#waiters.length;
  }

  /** Calls `handleStall()` of a Waiter once nothing has moved for `patience` periods. */
  add(waiter, patience) {
    waiter.seenAt = -1;
    waiter.left = waiter.patience = patience;
    this.#waiters.push(waiter);
    this.#arm();
  }

  delete(waiter) {
    return takeOut(this.#waiters, waiter);
  }

  #arm() {
    if (this.#isArmed) return;
    this.#isArmed = true;
    setTimeout(this.#expire, PERIOD_MS).unref();
  }

  #look = () => {
    this.#isArmed = false;
    const stalled = this.#waiters.filter(hasStalled);
    for (const waiter of stalled) if (this.delete(waiter)) waiter.handleStall();
    if (this.#waiters.length > 0) this.#arm();
  };
}

function hasStalled(waiter) {
  const { progressedAt } = waiter.wire;
  if (progressedAt === waiter.seenAt) return --waiter.left === 0;
  waiter.seenAt = progressedAt;
  waiter.left = waiter.patience;
  return false;
}

module.exports = { PATIENCE_STOPPING, Stalls, Waiter };
