'use strict';

/** Leases of a pool: how they are got and given back, and which ones are out in this thread. */

const { AsyncResource } = require('node:async_hooks');
const { HEARD } = require('./emitter');
const { abortError, atCaller, stackAbove } = require('./errors');
const { Lease } = require('./lease');
const { ACQUIRE, checkOptions, readPriority } = require('./options');
const { FATE, NUMBERS, SUBMIT } = require('./records');
const { acquireReading } = require('./replicas');
const { Request, promiseOf } = require('./request');
const { binding } = require('./ring');

const RETURNING = -2;

const done = Promise.resolve();

class Leases {
  #pool;
  #link;
  #id;
  #settings;
  #heard;
  /** Those that are out in this thread, by slot. */
  #out = [];

  constructor(pool) {
    this.#pool = pool;
    this.#link = pool.link;
    this.#id = pool.id;
    this.#settings = pool.settings;
    this.#heard = pool.emitter[HEARD];
  }

  get dialect() {
    return this.#pool.dialect;
  }

  /** Where the caller of a method stands, with leak detection. */
  stackAbove(method) {
    return this.#settings.leakDetectionMs === null ? undefined : stackAbove(method);
  }

  /** For the caller at `stack`. */
  acquire(options, stack) {
    const request = new Request();
    request.pool = this.#pool;
    let timeoutMs = this.#settings.acquireTimeoutMs ?? -1;
    let priority = this.#settings.priorities - 1;
    let signal;
    try {
      if (this.#pool.closing !== null) throw this.#pool.refusal();
      if (options !== undefined) {
        checkOptions(ACQUIRE, options);
        ({ signal } = options);
        if (signal?.aborted) throw abortError(signal);
        if (options.timeoutMs !== undefined) timeoutMs = options.timeoutMs ?? -1;
        priority = readPriority(options.priority, this.#settings.priorities);
        if (options.target === 'replica' && this.#pool.replicas !== null) {
          const { replicas, group } = this.#pool;
          return acquireReading(this, replicas.leases, group, options, stack);
        }
      }
      request.text = stack;
      const number = this.#link.add(request);
      if (signal !== undefined) this.#link.watch(number, request, signal);
      const granted = this.#link.native.acquire(this.#id, number, priority, timeoutMs);
      const promise = promiseOf(request);
      if (granted >= 0) {
        this.#link.remove(number);
        this.#link.settleUnused();
        this.granted(request, granted % NUMBERS, Math.floor(granted / NUMBERS));
        return promise;
      }
      const heard = this.#heard.acquire;
      request.context = heard ? new AsyncResource('polypool.Acquire') : this.#pool.resource;
      return promise.then(undefined, atCaller);
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /** Takes back an acquire that still waits; its answer comes through the ring. */
  withdraw(number) {
    this.#link.native.cancel(this.#id, number);
  }

  /** A lease for an acquire that waited or was served at once. */
  granted(request, slot, generation) {
    const lease = new Lease(this.#pool, slot, generation, 0, request.text);
    const connection = new this.#pool.Connection(lease);
    this.#out[slot] = lease;
    if (this.#heard.acquire) this.#pool.events.emitIn(request.context, 'acquire', connection);
    request.resolve(connection);
  }

  /** Called once per lease, by its connection. */
  giveBack(lease, destroy) {
    const { slot, generation } = lease;
    if (this.#out[slot] === lease) this.#out[slot] = undefined;
    // Before the listeners: one may release once more.
    lease.released = done;
    if (this.#heard.release) this.#pool.events.emitIn(null, 'release', lease.connection);
    const fate = destroy ? FATE.DESTROY : FATE.RETURN;
    if (lease.pending > 0 || lease.unsettled || this.#pool.leaving) {
      return this.#awaitReturn(slot, generation, fate);
    }
    const next = this.#link.native.release(this.#id, slot, generation, fate);
    if (this.#link.broken !== null) return done;
    if (next === RETURNING) return this.#awaitReturn(slot, generation, FATE.AWAIT);
    if (next >= 0) {
      const request = this.#link.remove(next % NUMBERS);
      this.#link.settleUnused();
      request.pool.granted(request, slot, Math.floor(next / NUMBERS));
    }
    return done;
  }

  #awaitReturn(slot, generation, fate) {
    if (this.#link.broken !== null) {
      this.#link.native.release(this.#id, slot, generation, fate);
      return done;
    }
    const request = new Request();
    request.pool = this.#pool;
    request.alwaysDone = true;
    const number = this.#link.add(request, true);
    this.#link.record(SUBMIT.RELEASE, number, this.#id, slot, generation | 0, fate);
    return promiseOf(request);
  }

  /** The lease that slot and generation name. */
  find({ slot, generation }) {
    const lease = this.#out[slot];
    return lease?.generation === generation ? lease : undefined;
  }

  /** Number of the connection that a lease had, and the server's for it. */
  identify(slot, generation) {
    const [id, processId] = binding.connectionIdentity(this.#link.id, this.#id, slot, generation);
    return { id, processId };
  }
}

module.exports = { Leases };
