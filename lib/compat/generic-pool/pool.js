'use strict';

/**
 * The pool of `generic-pool` over the pool core. Who waits, what is idle and what is lent is the
 * core's to know (`resources.js`); this class has generic-pool's names, messages and counters.
 */

// Not the global: test frameworks replace it. The timers that users see run are the globals.
const { setImmediate } = require('node:timers');
const { EventEmitter } = require('node:events');
const { last, pending } = require('../../pending');
const { BACK, Resources } = require('../../resources');
const { Deque } = require('./deque');
const { TimeoutError } = require('./errors');
const { Eviction, PooledResource } = require('./eviction');
const { coreOptions, readOptions } = require('./options');
const { PriorityQueue, classOf, classesOf } = require('./priority-queue');
const { Steps } = require('./steps');

const NO_TIMEOUT = -1;
/** The core has no more classes: whoever is less urgent waits in the last one. */
const LAST_CLASS = 63;

class Pool extends EventEmitter {
  #config;
  #steps;
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
  /** States of the pool that somebody waits for: `{ isThere, resolve }`. */
  #expected = [];
  #looking = false;

  constructor(Evictor, QueueOfIdle, QueueOfWaiting, factory, options) {
    super();
    checkFactory(factory);
    checkQueue('Deque', QueueOfIdle, Deque);
    checkQueue('PriorityQueue', QueueOfWaiting, PriorityQueue);
    this.#config = readOptions(options);
    this.#Promise = this.#config.Promise;
    this.#done = this.#Promise.resolve();
    this.#classes = classesOf(this.#config.priorityRange);
    this.#steps = new Steps(factory, this.#config, {
      emit: (event, error) => this.emit(event, error),
      look: () => this.#look(),
    });
    const core = coreOptions(this.#config);
    const leaves = { awaitDestroy: false };
    this.#resources = new Resources(this.#steps.factory, core, this.#watcher(), leaves);
    this.#eviction = new Eviction(new Evictor(), this.#resources, this.#config);
    this.#timed = this.#eviction.isWanted;
    if (this.#config.autostart) this.start();
  }

  /** Nothing but the deadline ends a wait: there is no abort, and a pool that closes has no waiters. */
  #refuse = (reject) => {
    const { lastError } = this.#resources;
    const options = lastError === null ? undefined : { cause: lastError.thrown };
    reject(new TimeoutError('ResourceRequest timed out', options));
    this.#look();
  };

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
    if (timeoutMs <= 0 || Number.isNaN(timeoutMs)) throw new Error('delay must be a positive int');
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
    const promise = pending(this.#Promise);
    this.#resources.wait(new Request(this.#timed, last.resolve, last.reject, this.#refuse));
    return promise;
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
    const { creates } = this.#steps;
    await Promise.allSettled(creates);
    if (creates.length > 0) await turn(); // the core knows of them by then
    for (const entry of this.#resources.idle()) this.#resources.evict(entry);
    await Promise.allSettled(this.#steps.destroys);
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

  #watcher() {
    return {
      created: () => {
        if (this.#timed) this.#keepTimes();
      },
      createFailed: (error) => this.#steps.handleCreateFailed(error),
      destroyFailed: (error) => this.#steps.handleDestroyFailed(error),
    };
  }

  #keepTimes() {
    for (const entry of this.#resources.existing()) {
      entry.holder ??= new PooledResource(entry.resource);
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

/** Somebody who waits. */
class Request {
  constructor(timed, onLoan, onRefusal, refuse) {
    this.timed = timed;
    this.number = -1;
    this.onLoan = onLoan;
    this.onRefusal = onRefusal;
    this.refuse = refuse;
  }

  resolve(entry) {
    if (this.timed) entry.holder.handleLent();
    this.onLoan(entry.resource);
  }

  reject() {
    this.refuse(this.onRefusal);
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

function turn() {
  return new Promise((resolve) => setImmediate(resolve));
}

/** At the end of `use`: the function may have given it back itself. */
function ignoreReturned() {}

module.exports = { Pool };
