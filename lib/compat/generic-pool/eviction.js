'use strict';

/**
 * The runs of the Evictor over what is idle: every so often, a few resources each, going on where
 * the last run stopped. What is idle, and in which order, the core says.
 */

/** What an Evictor is shown of a resource. Kept with its entry, so that it may leave marks. */
class PooledResource {
  /** Of how many loans this is the state: tells whether it was away since somebody looked. */
  #loans = 0;

  constructor(resource) {
    this.creationTime = Date.now();
    this.lastReturnTime = null;
    this.lastBorrowTime = null;
    this.lastIdleTime = this.creationTime;
    this.obj = resource;
    this.state = 'IDLE';
  }

  get loans() {
    return this.#loans;
  }

  handleLent() {
    this.#loans++;
    this.lastBorrowTime = Date.now();
    this.state = 'ALLOCATED';
  }

  handleReturned() {
    this.lastReturnTime = this.lastIdleTime = Date.now();
    this.state = 'IDLE';
  }
}

class Eviction {
  #evictor;
  #resources;
  #config;
  #settings;
  #timer = null;
  /** Where the last look was: `{ entry, loans }`. */
  #cursor = null;

  constructor(evictor, resources, config) {
    const { softIdleTimeoutMillis, idleTimeoutMillis, min } = config;
    this.#evictor = evictor;
    this.#resources = resources;
    this.#config = config;
    this.#settings = { softIdleTimeoutMillis, idleTimeoutMillis, min };
  }

  get isWanted() {
    return this.#config.evictionRunIntervalMillis > 0;
  }

  start() {
    if (!this.isWanted) return;
    const run = () => {
      try {
        this.#run();
      } finally {
        this.start();
      }
    };
    this.#timer = setTimeout(run, this.#config.evictionRunIntervalMillis).unref();
  }

  stop() {
    clearTimeout(this.#timer);
  }

  #run() {
    const tests = Math.min(this.#config.numTestsPerEvictionRun, this.#idle().length);
    for (let test = 0; test < tests; test++) {
      // Asked anew each time: evictors and factories may borrow, and what goes is replaced.
      const idle = this.#idle();
      const entry = this.#next(idle);
      if (entry === undefined) return;
      this.#cursor = { entry, loans: entry.holder.loans };
      if (this.#evictor.evict({ ...this.#settings }, entry.holder, idle.length) === true) {
        this.#resources.evict(entry);
      }
    }
  }

  /** In the order in which they would be lent. */
  #idle() {
    const idle = this.#resources.idle();
    return this.#config.fifo ? idle : idle.reverse();
  }

  /** The one after the cursor; the first when that was lent since, or is gone, or the last. */
  #next(idle) {
    if (this.#cursor === null) return idle[0];
    const { entry, loans } = this.#cursor;
    const at = entry.holder.loans === loans ? idle.indexOf(entry) : -1;
    return idle[at + 1] ?? idle[0];
  }
}

module.exports = { Eviction, PooledResource };
