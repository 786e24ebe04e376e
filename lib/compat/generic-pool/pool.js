'use strict';

/**
 * The pool of `generic-pool` over the pool core. Who waits, what is idle and what is lent is the
 * core's to know (`resources.js`); this class has generic-pool's names, messages and counters.
 */

const { EventEmitter } = require('node:events');
const { BACK, REJECTED, Resources } = require('../../resources');
const { surface } = require('../../surface');
const { Deque } = require('./deque');
const { Eviction, PooledResource } = require('./eviction');
const { coreOptions, readOptions } = require('./options');
const { PriorityQueue, classOf, classesOf } = require('./priority-queue');

// Taken at load: test frameworks replace it. The timers that users see run are not.
const { setImmediate } = globalThis;

/** How often in a row a new resource may be refused before the next create has to wait. */
const REFUSALS_MAX = 2;
const NO_TIMEOUT = -1;
/** The core has no more classes: whoever is less urgent waits in the last one. */
const LAST_CLASS = 63;

let resolveNext;
let rejectNext;
const executor = (resolve, reject) => {
  resolveNext = resolve;
  rejectNext = reject;
};

class TimeoutError extends Error {
  constructor(message, options) {
    super(message, options);
    this.name = 'TimeoutError';
  }
}

/** `validate` refused what was just created; not one of the factory's errors. */
class RefusedError extends Error {}

class Pool extends EventEmitter {
  #config;
  #factory;
  #resources;
  #eviction;
  #classes;
  #Promise;
  /** Resolved: a release is over when the call is. */
  #done;
  #started = false;
  #draining = false;
  /** The Evictor runs: times are kept of each resource. */
  #timed;
  /** Promises of the creates and destroys under way, for `clear`. */
  #creates = new Set();
  #destroys = new Set();
  /** States of the pool that somebody waits for: `{ isThere, resolve }`. */
  #expected = [];
  #looking = false;

  constructor(Evictor, QueueOfIdle, QueueOfWaiting, factory, options) {
    super();
    checkFactory(factory);
    checkQueue('Deque', QueueOfIdle, Deque);
    checkQueue('PriorityQueue', QueueOfWaiting, PriorityQueue);
    this.#config = readOptions(options);
    this.#factory = factory;
    this.#Promise = this.#config.Promise;
    this.#done = this.#Promise.resolve();
    this.#classes = classesOf(this.#config.priorityRange);
    const core = coreOptions(this.#config);
    const steps = this.#steps();
    this.#resources = new Resources(steps, core, this.#watcher(), { awaitDestroy: false });
    this.#eviction = new Eviction(new Evictor(), this.#resources, this.#config);
    this.#timed = this.#eviction.isWanted;
    if (this.#config.autostart) this.start();
  }

  start() {
    if (this.#draining || this.#started) return;
    this.#started = true;
    this.#eviction.start();
    this.#resources.start();
  }

  // ---- Loans ----

  acquire(priority) {
    if (!this.#started && !this.#config.autostart) this.start();
    if (this.#draining) return this.#rejected('pool is draining and cannot accept work');
    if (this.#isCrowded()) return this.#rejected('max waitingClients count exceeded');
    const timeoutMs = this.#config.acquireTimeoutMillis;
    if (timeoutMs !== undefined && !(timeoutMs > 0))
      throw new Error('delay must be a positive int');
    const entry = this.#take(priority);
    if (entry === null) return this.#wait();
    if (this.#timed) entry.holder.handleLent();
    return this.#Promise.resolve(entry.resource);
  }

  #take(priority) {
    if (this.#classes === 1) return this.#resources.take();
    const level = Math.min(classOf(priority, this.#classes), LAST_CLASS);
    return this.#resources.take(level, this.#config.acquireTimeoutMillis ?? NO_TIMEOUT);
  }

  /** Looked at only where the option is given: it costs as much as the loan. */
  #isCrowded() {
    const { maxWaitingClients } = this.#config;
    if (maxWaitingClients === Infinity) return false;
    const { total, idle, waiting } = this.#resources.counts();
    return total >= this.#config.max && idle === 0 && waiting >= maxWaitingClients;
  }

  #wait() {
    const promise = new this.#Promise(executor);
    this.#resources.wait(new Request(this, resolveNext, rejectNext));
    return promise;
  }

  /** Called by the request. */
  handleGrant({ onLoan }, entry) {
    if (this.#timed) entry.holder.handleLent();
    onLoan(entry.resource);
  }

  handleRefusal({ onRefusal }, why) {
    const { lastError } = this.#resources;
    const options = lastError === null ? undefined : { cause: lastError.thrown };
    // Nothing but the deadline ends a wait here: there is no abort and no close.
    onRefusal(why === REJECTED.TIMEOUT ? new TimeoutError(TIMED_OUT, options) : new Error(CLOSED));
    this.#look();
  }

  release(resource) {
    return this.#giveBack(resource, false);
  }

  destroy(resource) {
    return this.#giveBack(resource, true);
  }

  #giveBack(resource, destroy) {
    if (this.#timed) this.#resources.entryOf(resource)?.holder.handleReturned();
    if (this.#resources.release(resource, destroy) === BACK.NOT_LENT) {
      return this.#rejected('Resource not currently part of this pool');
    }
    if (this.#expected.length > 0) this.#look();
    return this.#done;
  }

  isBorrowedResource(resource) {
    return this.#resources.isLent(resource);
  }

  use(fn, priority) {
    return this.acquire(priority).then((resource) =>
      new this.#Promise((resolve) => resolve(fn(resource))).then(
        (result) => {
          this.release(resource).then(undefined, ignoreReturned);
          return result;
        },
        (error) => {
          this.destroy(resource).then(undefined, ignoreReturned);
          throw error;
        },
      ),
    );
  }

  #rejected(message) {
    return this.#Promise.reject(new Error(message));
  }

  // ---- The pool itself ----

  drain() {
    if (!this.#draining) {
      this.#draining = true;
      // What is destroyed from now on is not replaced, except for those who wait.
      this.#resources.resize(0, coreOptions(this.#config).max);
    }
    const drained = this.#until(({ waiting, lent }) => waiting === 0 && lent === 0);
    return this.#Promise.resolve(drained).then(() => this.#eviction.stop());
  }

  clear() {
    return this.#Promise.resolve(this.#clear());
  }

  async #clear() {
    const creates = [...this.#creates];
    await Promise.allSettled(creates);
    if (creates.length > 0) await turn(); // the core knows of them by then
    for (const entry of this.#resources.idle()) this.#resources.evict(entry);
    await Promise.allSettled(this.#destroys);
    this.#closeIfOver();
  }

  /** Nobody can bring a drained and cleared pool back to life: the core may forget it. */
  #closeIfOver() {
    const { total, waiting } = this.#resources.counts();
    if (this.#draining && total === 0 && waiting === 0) this.#resources.close(-1);
  }

  ready() {
    return this.#Promise.resolve(this.#until(({ idle }) => idle >= this.#config.min));
  }

  #until(isThere) {
    return new Promise((resolve) => {
      if (isThere(this.#resources.counts())) resolve();
      else this.#expected.push({ isThere, resolve });
    });
  }

  /** Soon, when the core has heard of what was just over. */
  #look() {
    if (this.#looking || this.#expected.length === 0) return;
    this.#looking = true;
    setImmediate(() => {
      this.#looking = false;
      const counts = this.#resources.counts();
      const there = this.#expected.filter(({ isThere }) => isThere(counts));
      this.#expected = this.#expected.filter((expected) => !there.includes(expected));
      for (const { resolve } of there) resolve();
    });
  }

  // ---- The factory ----

  #steps() {
    return {
      create: () => this.#create(),
      destroy: (resource) => this.#destroy(resource),
      validate: this.#config.testOnBorrow ? (resource) => this.#validate(resource) : undefined,
    };
  }

  #create() {
    const creating = this.#config.testOnBorrow ? this.#createTested() : this.#factory.create();
    return this.#track(this.#creates, creating);
  }

  /**
   * The core lends what was just created as it is; generic-pool tests that too, when somebody waits
   * for it. A factory that makes nothing but rubbish is asked again, but not in a tight loop.
   */
  async #createTested() {
    for (let refusals = 1; ; refusals++) {
      const resource = await this.#factory.create();
      if (!this.#isWaitedFor() || (await this.#validate(resource)) !== false) return resource;
      this.#destroy(resource).catch((error) => this.#report('factoryDestroyError', error));
      if (refusals === REFUSALS_MAX || !this.#isWaitedFor()) {
        throw new RefusedError('factory.validate refused what factory.create had just made');
      }
    }
  }

  #isWaitedFor() {
    return this.#resources.counts().waiting > 0;
  }

  /** Without a `validate` there is nothing to test. */
  async #validate(resource) {
    try {
      return await this.#factory.validate?.(resource);
    } catch {
      return false;
    } finally {
      this.#look();
    }
  }

  #destroy(resource) {
    const destroying = new Promise((resolve) => resolve(this.#factory.destroy(resource)));
    const { destroyTimeoutMillis } = this.#config;
    return this.#track(
      this.#destroys,
      destroyTimeoutMillis ? bounded(destroying, destroyTimeoutMillis) : destroying,
    );
  }

  #track(set, outcome) {
    const operation = Promise.resolve(outcome);
    const end = () => {
      set.delete(operation);
      this.#look();
    };
    set.add(operation);
    operation.then(end, end);
    return operation;
  }

  #watcher() {
    return {
      created: () => {
        if (this.#timed) this.#keepTimes();
      },
      createFailed: (error) => {
        if (!(error instanceof RefusedError)) this.#report('factoryCreateError', error);
      },
      destroyFailed: (error) => this.#report('factoryDestroyError', error),
    };
  }

  #keepTimes() {
    for (const entry of this.#resources.existing()) {
      entry.holder ??= new PooledResource(entry.resource);
    }
  }

  /** What a listener throws is not the pool's failure. */
  #report(event, error) {
    try {
      this.emit(event, error);
    } catch (thrown) {
      surface(thrown);
    }
  }

  // ---- Counters ----

  /** Without what is being destroyed. */
  get size() {
    return this.#resources.counts().total;
  }

  get available() {
    return this.#resources.counts().idle;
  }

  get borrowed() {
    return this.#resources.counts().lent;
  }

  get pending() {
    return this.#resources.counts().waiting;
  }

  get spareResourceCapacity() {
    return this.#config.max - this.size;
  }

  get max() {
    return this.#config.max;
  }

  get min() {
    return this.#config.min;
  }
}

const TIMED_OUT = 'ResourceRequest timed out';
const CLOSED = 'pool is draining and cannot accept work';

/** Somebody who waits. */
class Request {
  constructor(pool, onLoan, onRefusal) {
    this.pool = pool;
    this.number = -1;
    this.onLoan = onLoan;
    this.onRefusal = onRefusal;
  }

  resolve(entry) {
    this.pool.handleGrant(this, entry);
  }

  reject(why) {
    this.pool.handleRefusal(this, why);
  }
}

function checkFactory(factory) {
  for (const step of ['create', 'destroy', 'validate']) {
    const isOptional = step === 'validate';
    const given = factory?.[step];
    if (typeof given === 'function' || (isOptional && given === undefined)) continue;
    throw new TypeError(`factory.${step} must be a function`);
  }
}

function checkQueue(name, given, own) {
  if (given === own) return;
  throw new TypeError(
    `polypool/generic-pool keeps its queues in the pool core: pass the ${name} that it exports, ` +
      'another one cannot be used',
  );
}

function bounded(destroying, timeoutMs) {
  return new Promise((resolve, reject) => {
    const late = () => reject(new Error('destroy timed out'));
    const timer = setTimeout(late, timeoutMs).unref();
    destroying.then(resolve, reject).finally(() => clearTimeout(timer));
  });
}

function turn() {
  return new Promise((resolve) => setImmediate(resolve));
}

/** At the end of `use`: the function may have given it back itself. */
function ignoreReturned() {}

module.exports = { Pool };
