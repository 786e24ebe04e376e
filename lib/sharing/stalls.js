'use strict';

/** Wires on which something is waited for: whoever waits is told when nothing moves there. */

// Not the globals: test frameworks replace those, perhaps before this is loaded.
const { setImmediate, setTimeout } = require('node:timers');

const PERIOD_MS = 10;

/** In periods: the patience of who would have others stopped on the server, which costs much. */
const PATIENCE_STOPPING = 20;

class Stalls {
  /** Who waits, when his wire had last moved as he saw it, and how often he saw it so. */
  #watches = new Map();
  #isArmed = false;
  // What came in while the program kept the event loop busy is looked at before.
  #expire = () => setImmediate(this.#look);

  get size() {
    return this.#watches.size;
  }

  /** `watch`: its `wire`, and `handleStall()` once nothing has moved for `patience` periods. */
  add(watch, patience) {
    this.#watches.set(watch, { seenAt: -1, left: patience, patience });
    this.#arm();
  }

  delete(watch) {
    this.#watches.delete(watch);
  }

  #arm() {
    if (this.#isArmed) return;
    this.#isArmed = true;
    setTimeout(this.#expire, PERIOD_MS).unref();
  }

  #look = () => {
    this.#isArmed = false;
    const stalled = [];
    for (const [watch, seen] of this.#watches) {
      const { progressedAt } = watch.wire;
      if (progressedAt !== seen.seenAt) {
        seen.seenAt = progressedAt;
        seen.left = seen.patience;
      } else if (--seen.left === 0) {
        stalled.push(watch);
      }
    }
    for (const watch of stalled) if (this.#watches.delete(watch)) watch.handleStall();
    if (this.#watches.size > 0) this.#arm();
  };
}

module.exports = { PATIENCE_STOPPING, Stalls };
