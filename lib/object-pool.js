'use strict';

/**
 * The pool of any resource that JavaScript makes. It keeps no state of resources: the core does
 * (`resources.js`).
 */

const { AsyncResource } = require('node:async_hooks');
// Not the globals: test frameworks replace those, perhaps before this is loaded.
const { clearTimeout, setImmediate: later, setTimeout } = require('node:timers');
const { inspect } = require('node:util');
const {
  ClosedError,
  OptionError,
  PoolError,
  abortError,
  atCaller,
  fromWire,
  hide,
  messageOf,
  stackAbove,
} = require('./errors');
const { Emitter, HEARD, emitIn } = require('./emitter');
const { explained, refuseAtCaller } = require('./failure');
const { describeTimeout, runHolding, trackHolders } = require('./holders');
const { inspectedPool } = require('./inspect');
const { readOptions } = require('./resource-factory');
const { ResourceLease } = require('./resource-lease');
const { PlainWaiter, Waiter } = require('./resource-waiter');
const { BACK, REJECTED, Resources } = require('./resources');
const calls = require('./options');

const { checkOptions } = calls;

const settled = Promise.resolve();

let unnamed = 0;

class ObjectPool extends Emitter {
  #resources;
  #heard;
  #settings;
  #timeoutMs;
  #context = new AsyncResource('polypool.ObjectPool');
  /** With leak detection: who acquired, and where. */
  #traced;
  #warming = null;
  /** A listener of `acquire` is running; what it must hear of next, and in which contexts. */
  #telling = false;
  #untold = [];
  #closing = null;
  #closed = null;

  constructor(factory, options) {
    super('acquire', 'release');
    this.#heard = this[HEARD];
    const rest = readOptions(factory, options);
    const name = rest.name ?? `pool-${++unnamed}`;
    this.#resources = new Resources(factory, { ...rest, name }, this.#watcher());
    this.#settings = this.#resources.settings;
    this.#timeoutMs = this.#settings.acquireTimeoutMs ?? -1;
    this.#traced = this.#settings.leakDetectionMs !== null;
    this.name = name;
    if (this.#traced) trackHolders();
    if (!this.#settings.lazy) this.#resources.start();
  }

  get closed() {
    return this.#closing !== null;
  }

  // ---- Leases ----

  acquire(options) {
    if (options !== undefined || this.#traced || this.#heard.acquire) {
      return this.#acquire(options, this.acquire, resourceOf);
    }
    const entry = this.#resources.take();
    if (entry !== null) {
      entry.holder = null;
      return Promise.resolve(entry.resource);
    }
    const waiter = new PlainWaiter(this);
    const promise = waiter.promise();
    this.#resources.wait(waiter);
    return promise;
  }

  /** Resolves with what `view` makes of the entry and its lease. */
  #acquire(options, above, view) {
    let waiter;
    try {
      if (options !== undefined) checkOptions(calls.ACQUIRE_RESOURCE, options);
      const { signal, timeoutMs = this.#timeoutMs, priority } = options ?? {};
      if (signal?.aborted) throw abortError(signal);
      const rank = calls.readPriority(priority, this.#settings.priorities);
      const holder = this.#traced ? { pool: this, released: null, stack: stackAbove(above) } : null;
      waiter = new Waiter(this, holder, view);
      // Before anything is asked for: what a foreign signal throws then costs nothing.
      if (signal !== undefined) waiter.watch(signal, this.#resources);
      const entry = this.#resources.take(rank, timeoutMs ?? -1);
      if (entry === null) return this.#wait(waiter);
      waiter.unwatch();
      return Promise.resolve(this.#granted(waiter, entry));
    } catch (error) {
      waiter?.unwatch();
      return Promise.reject(error);
    }
  }

  #granted({ holder, view, context }, entry) {
    entry.holder = holder;
    const granted = view(entry, this.#resources);
    if (this.#heard.acquire) emitIn(this, context, 'acquire', entry.resource);
    return granted;
  }

  #wait(waiter) {
    if (this.#heard.acquire) waiter.context = new AsyncResource('polypool.Acquire');
    const promise = waiter.promise();
    this.#resources.wait(waiter);
    return promise;
  }

  // Called by waiters.

  handlePlainGrant(waiter, entry) {
    entry.holder = null;
    if (this.#heard.acquire) this.#tellGrant(waiter, entry.resource, entry.resource, null);
    else waiter.settle(entry.resource);
  }

  handleGrant(waiter, entry) {
    entry.holder = waiter.holder;
    const granted = waiter.view(entry, this.#resources);
    if (this.#heard.acquire) this.#tellGrant(waiter, granted, entry.resource, waiter.context);
    else waiter.settle(granted);
  }

  /** Listeners that give back what they hear of would call each other ever deeper. */
  #tellGrant(waiter, granted, resource, context) {
    waiter.settle(granted);
    this.#untold.push(resource, context);
    if (this.#telling) return;
    this.#telling = true;
    for (let at = 0; at < this.#untold.length; at += 2) {
      emitIn(this, this.#untold[at + 1], 'acquire', this.#untold[at]);
    }
    this.#untold = [];
    this.#telling = false;
  }

  handleRefusal(waiter, why, waitedMs) {
    refuseAtCaller(waiter.settle, this.#refusal(why, waitedMs, waiter));
  }

  #refusal(why, waitedMs, { signal, held }) {
    const { lastError } = this.#resources;
    switch (why) {
      case REJECTED.TIMEOUT: {
        const wire = this.#resources.describeTimeout(waitedMs);
        const told = describeTimeout(wire, ({ slot }) => this.#resources.entryAt(slot).holder);
        const error = fromWire(told);
        if (lastError !== null) hide(error, 'cause', lastError.thrown);
        return explained(error, this, held);
      }
      case REJECTED.ABORTED:
        return abortError(signal);
      case REJECTED.FULL:
        return queueFull(this.name, this.#resources.counts());
      default:
        return closed(this.name);
    }
  }

  release(resource, options) {
    try {
      if (options !== undefined) checkOptions(calls.RELEASE, options);
      if (this.#traced || this.#heard.release) this.#noteRelease(this.#resources.entryOf(resource));
    } catch (error) {
      return Promise.reject(error);
    }
    const back = this.#resources.release(resource, options?.destroy === true);
    return back === BACK.DONE ? settled : this.#whenBack(back);
  }

  /** The same of one lease. Where it has ended otherwise (release, maxLeaseMs) nothing is left to do. */
  #giveLeaseBack({ entry, lease }, destroy) {
    if (!this.#resources.isOut(entry, lease)) return settled;
    this.#noteRelease(entry);
    return this.#whenBack(this.#resources.releaseLease(entry, lease, destroy));
  }

  /** Before anybody else may get it. */
  #noteRelease(entry) {
    if (entry === undefined) throw notLent(this.name);
    if (entry.holder !== null) entry.holder.released = settled;
    entry.holder = null;
    if (this.#heard.release) emitIn(this, null, 'release', entry.resource);
  }

  #whenBack(back) {
    if (back === BACK.DONE) return settled;
    if (back === BACK.NOT_LENT) return Promise.reject(notLent(this.name));
    return new Promise((resolve) => this.#resources.whenBack(resolve));
  }

  async use(callback, options) {
    if (typeof callback !== 'function') {
      throw new PoolError('ERR_POLYPOOL_PARAMETER', 'use needs a callback function');
    }
    const borrowed = await this.#acquire(options, this.use, leaseOf);
    const { resource, holder } = borrowed.entry;
    try {
      return await (holder === null ? callback(resource) : runHolding(holder, callback, resource));
    } finally {
      await this.#giveLeaseBack(borrowed, false);
    }
  }

  async lease(options) {
    const borrowed = await this.#acquire(options, this.lease, leaseOf);
    const giveBack = (destroy) => this.#giveLeaseBack(borrowed, destroy);
    return new ResourceLease(borrowed.entry.resource, giveBack);
  }

  // ---- The pool itself ----

  stats() {
    return this.#resources.stats();
  }

  clear() {
    this.#resources.clear();
  }

  resize(limits) {
    if (this.closed) throw closed(this.name);
    checkOptions(calls.RESIZE, limits);
    const counts = this.#resources.counts();
    const { min = counts.min, max = counts.max } = limits;
    const refused = this.#resources.resize(min, max);
    if (refused !== null) throw new OptionError(refused.message, refused);
  }

  /** Whether `createPool` should not wait for a resource. */
  isLazy() {
    return this.#settings.lazy;
  }

  /** Resolves when `max(1, min)` resources are there; rejects when one cannot be made. */
  warm() {
    const warmed = new Promise((resolve, reject) => {
      const { acquireTimeoutMs, waitForServer } = this.#settings;
      const end = (settle, value) => {
        clearTimeout(timer);
        this.#resources.unhold();
        this.#warming = null;
        settle(value);
      };
      const timer =
        waitForServer && acquireTimeoutMs !== null
          ? setTimeout(
              () => end(reject, this.#notCreated(this.#resources.lastError)),
              Math.min(acquireTimeoutMs, calls.TIMEOUT_MAX),
            )
          : null;
      this.#warming = {
        created: () => {
          // The one it is called for still counts as being created.
          const { total, creating, closing, min } = this.#resources.counts();
          if (total - creating - closing + 1 >= Math.max(1, min)) end(resolve);
        },
        failed: (error) => {
          if (!waitForServer) end(reject, this.#notCreated({ thrown: error }));
        },
      };
      this.#resources.hold();
      this.#resources.warm();
    });
    return warmed.then(undefined, atCaller);
  }

  #notCreated(failure) {
    const told = failure === null ? 'nothing was created in time' : messageOf(failure.thrown);
    const options = failure === null ? undefined : { cause: failure.thrown };
    return new PoolError(
      'ERR_POLYPOOL_CREATE',
      `pool '${this.name}': create failed: ${told}`,
      options,
    );
  }

  close(options) {
    try {
      if (options !== undefined) checkOptions(calls.CLOSE, options);
    } catch (error) {
      return Promise.reject(error);
    }
    const given = options?.timeoutMs;
    if (this.#closing !== null && given === undefined) return this.#closing;
    const timeoutMs = given === undefined ? this.#settings.closeTimeoutMs : given;
    this.#closing ??= new Promise((resolve) => {
      this.#closed = resolve;
    });
    this.#resources.close(timeoutMs === null ? -1 : timeoutMs);
    return this.#closing;
  }

  [Symbol.asyncDispose]() {
    return this.close();
  }

  [inspect.custom](depth, options) {
    return inspectedPool(this, depth, options);
  }

  // ---- From the core ----

  #watcher() {
    return {
      created: (resource) => {
        this.#emit('connect', resource);
        this.#warming?.created();
      },
      createFailed: (error) => {
        this.#warming?.failed(error);
        this.#emitError(error);
      },
      removed: (resource, reason) => this.#emit('remove', resource, reason),
      checkFailed: (error, resource) => this.#emitError(error, resource),
      destroyFailed: (error, resource) => this.#emitError(error, resource),
      leaked: ({ resource, holder }, heldMs) => {
        this.#emit('leak', { resource, heldMs, stack: holder?.stack ?? '' });
      },
      revoked: (entry) => {
        if (entry.holder !== null) entry.holder.released = settled;
      },
      closed: () => {
        // Behind the refusals of those who waited, which take some turns.
        later(() => {
          this.#closed();
          this.#emit('close');
        });
      },
    };
  }

  #emitError(error, resource) {
    if (this.listenerCount('error') > 0) emitIn(this, this.#context, 'error', error, resource);
  }

  #emit(name, ...args) {
    if (this.listenerCount(name) > 0) emitIn(this, this.#context, name, ...args);
  }
}

function queueFull(name, { lent, idle, creating, waiting, max }) {
  const load = `inUse=${lent}, idle=${idle}, connecting=${creating}, waiting=${waiting}, max=${max}`;
  const message = `pool '${name}': too many requests wait (${load})`;
  return new PoolError('ERR_POLYPOOL_QUEUE_FULL', message);
}

function notLent(name) {
  const message = `pool '${name}' has not lent this: it is another's, or was released already`;
  return new PoolError('ERR_POLYPOOL_NOT_LENT', message);
}

function closed(name) {
  return new ClosedError(`pool '${name}' is closed`);
}

/** What somebody who asked is given. */
const resourceOf = ({ resource }) => resource;
const leaseOf = (entry, resources) => ({ entry, lease: resources.leaseOf(entry) });

module.exports = { ObjectPool };
