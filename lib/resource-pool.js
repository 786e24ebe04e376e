'use strict';

/**
 * The pool of resources in its shortest form: initialize, acquire, release, drain. It keeps no state
 * of resources: the core does (`resources.js`), and nothing is destroyed before `drain` but what
 * `validate` or `reset` refuse.
 */

const { inspect } = require('node:util');
const { AcquireTimeoutError, ClosedError, OptionError, PoolError, atCaller } = require('./errors');
const { inspected } = require('./inspect');
const { RESOURCE_POOL, checkOptions } = require('./options');
const { refuseOptions } = require('./resource-factory');
const { BACK, REJECTED, Resources } = require('./resources');

const MAX = 10;
const MIN = 2;
const ACQUIRE_TIMEOUT_MS = 5000;

/** What was made stays until it is drained; `initialize` or the first acquire begins. */
const KEEPING = { lazy: true, idleTimeoutMs: 0, maxLifetimeMs: 0, closeTimeoutMs: null };

const NOT_DESTROYED = 'some resources could not be destroyed';

const settled = Promise.resolve();

class ResourcePool {
  #resources;
  #min;
  #max;
  #inUse;
  /** `{ resolve, reject }` of those who wait in `initialize`. */
  #initializing = [];
  #draining = null;
  /** What `drain` waits for: that nobody waits and nothing is lent, and then that all is gone. */
  #quiet = null;
  #gone = null;
  /** What `destroy` failed with since `drain` began. */
  #failures = [];

  constructor(factory, options = {}) {
    checkFactory(factory);
    refuseOptions(factory, Object.keys(RESOURCE_POOL.rules));
    checkOptions(RESOURCE_POOL, options);
    this.#max = options.max ?? MAX;
    this.#min = options.min ?? Math.min(MIN, this.#max);
    const { acquireTimeout = ACQUIRE_TIMEOUT_MS } = options;
    const core = { max: this.#max, min: this.#min, acquireTimeoutMs: acquireTimeout, ...KEEPING };
    this.#resources = new Resources(factory, core, this.#watcher());
    this.#inUse = new InUse(this.#resources);
  }

  /** All that exist, lent or not. */
  get resources() {
    return this.#resources.existing().map(({ resource }) => resource);
  }

  /** What is lent: `size`, `has(resource)`, and it can be iterated. */
  get inUse() {
    return this.#inUse;
  }

  initialize() {
    if (this.#draining !== null) return Promise.reject(drained());
    if (this.#isFilled()) return settled;
    const filled = new Promise((resolve, reject) => this.#initializing.push({ resolve, reject }));
    this.#resources.warm();
    return filled;
  }

  #isFilled() {
    return this.#resources.existing().length >= this.#min;
  }

  #initialized(settle) {
    const told = this.#initializing;
    this.#initializing = [];
    told.forEach(settle);
  }

  acquire() {
    if (this.#draining !== null) return Promise.reject(drained());
    const entry = this.#resources.take();
    if (entry !== null) return Promise.resolve(entry.resource);
    const waiting = new Promise((resolve, reject) => {
      this.#resources.wait({
        number: -1,
        resolve: ({ resource }) => resolve(resource),
        reject: (why, waitedMs) => {
          reject(this.#refusal(why, waitedMs));
          this.#look();
        },
      });
    });
    return waiting.then(undefined, atCaller);
  }

  #refusal(why, waitedMs) {
    if (why !== REJECTED.TIMEOUT) return drained();
    const { lastError } = this.#resources;
    const told = this.#resources.describeTimeout(waitedMs);
    const options = lastError === null ? undefined : { cause: lastError.thrown };
    return new AcquireTimeoutError('Acquire timeout', told, options);
  }

  release(resource) {
    const back = this.#resources.release(resource, false);
    if (back === BACK.NOT_LENT) return Promise.reject(notLent());
    const returned =
      back === BACK.DONE ? settled : new Promise((resolve) => this.#resources.whenBack(resolve));
    this.#look();
    return returned;
  }

  /** Serves those who wait, waits for what is lent and destroys all. */
  drain() {
    this.#draining ??= this.#drain();
    return this.#draining;
  }

  async #drain() {
    this.#initialized(({ reject }) => reject(drained()));
    this.#resources.resize(0, this.#max);
    if (!this.#isQuiet()) await new Promise((resolve) => (this.#quiet = resolve));
    await new Promise((resolve) => {
      this.#gone = resolve;
      this.#resources.close(-1);
    });
    if (this.#failures.length === 1) throw this.#failures[0];
    if (this.#failures.length > 1) throw new AggregateError(this.#failures, NOT_DESTROYED);
  }

  #isQuiet() {
    const { waiting, lent } = this.#resources.counts();
    return waiting === 0 && lent === 0;
  }

  #look() {
    if (this.#quiet !== null && this.#isQuiet()) this.#quiet();
  }

  #watcher() {
    return {
      created: () => {
        if (this.#isFilled()) this.#initialized(({ resolve }) => resolve());
      },
      createFailed: (error) => this.#initialized(({ reject }) => reject(error)),
      // Before that there is nobody to tell.
      destroyFailed: (error) => {
        if (this.#draining !== null) this.#failures.push(error);
      },
      closed: () => this.#gone(),
    };
  }

  [inspect.custom](depth, options) {
    const { total, idle, lent, creating, waiting } = this.#resources.counts();
    const load = { max: this.#max, total, idle, inUse: lent, connecting: creating, waiting };
    return inspected(this, load, depth, options);
  }
}

/** A live view of what a pool has lent. */
class InUse {
  #resources;

  constructor(resources) {
    this.#resources = resources;
  }

  get size() {
    return this.#resources.counts().lent;
  }

  has(resource) {
    return this.#resources.isLent(resource);
  }

  *[Symbol.iterator]() {
    for (const { resource } of this.#resources.existing()) {
      if (this.has(resource)) yield resource;
    }
  }
}

function checkFactory(factory) {
  for (const step of ['create', 'destroy']) {
    if (typeof factory?.[step] !== 'function') {
      throw new OptionError(`factory.${step} must be a function`, { option: step });
    }
  }
}

function drained() {
  return new ClosedError('the pool was drained');
}

function notLent() {
  const message = 'the pool has not lent this: it is not of this pool, or was released already';
  return new PoolError('ERR_POLYPOOL_NOT_LENT', message);
}

module.exports = { ResourcePool };
