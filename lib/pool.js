'use strict';

/**
 * The pool as JavaScript sees it. It keeps no state of connections: the core does, and answers a
 * free connection within the call. What is kept here is what only JavaScript can keep: functions,
 * stacks, who holds which lease.
 */

const { EventEmitter } = require('node:events');
const { AsyncResource } = require('node:async_hooks');
const { FATE, FLAG, NUMBERS, Request, SUBMIT, binding, fromWire, link } = require('./ring');
const { ClosedError, OptionError, PoolError, abortError, copyServerFields } = require('./errors');
const { Connection } = require('./connection');
const { Lease, leaseOf } = require('./lease');
const calls = require('./options');
const { RowStream, failedStream } = require('./stream');
const { bindSql, isFragment } = require('./sql');
const { surface } = require('./surface');
const { transactPooled } = require('./transaction');
const { readTarget, surroundings } = require('./target');
const { Group, acquireReading } = require('./replicas');

const { checkOptions, configOptions } = calls;

const HOOK = { ON_CONNECT: 1, RESET: 2 };
const RETURNING = -2;
/** Rows a stream asks for at once. */
const BATCH = 1000;

const done = Promise.resolve();

let resolveNext;
let rejectNext;
const executor = (resolve, reject) => {
  resolveNext = resolve;
  rejectNext = reject;
};

/** A promise that `request` settles. */
function promiseOf(request) {
  const promise = new Promise(executor);
  request.resolve = resolveNext;
  request.reject = rejectNext;
  return promise;
}

/**
 * Errors are made when the ring is read, where no caller is on the stack. Here, in the rejection
 * of the promise that the caller awaits, V8 knows the async functions above it. Costs 25 ns per
 * promise.
 */
function atCaller(error) {
  if (error instanceof Error) Error.captureStackTrace(error, atCaller);
  throw error;
}

let unnamed = 0;

class Pool extends EventEmitter {
  #link;
  #id;
  #settings;
  #hooks;
  #resource;
  #closing = null;
  #sql = null;
  /** Leases that are out in this thread, by slot. */
  #leases = [];

  /** With replicas: what both pools share, and the pool of the replicas. */
  #group = null;
  #replicas = null;
  /** Who tells of events: a pool of replicas speaks through its primary. */
  #emitter = this;

  constructor(target, options) {
    super();
    if (target instanceof Group) {
      this.#emitter = target.primary;
      this.#group = target;
      this.#open(target.link, target.settings, target.hooks);
      return;
    }
    const { onConnect, reset, ...rest } = readTarget(target, options);
    const name = rest.name ?? `pool-${++unnamed}`;
    const own = link();
    const { environment, user, roots } = surroundings(rest);
    const settings = JSON.parse(
      binding.openPool(own.id, { ...rest, onConnect, reset, name }, environment, user, roots),
    );
    if (settings.option !== undefined) throw new OptionError(settings.message, settings);
    const hooks = { onConnect, reset };
    if (settings.replicas !== null) {
      this.#group = new Group(this, own, settings, hooks);
      this.#replicas = new Pool(this.#group);
    }
    this.#open(own, settings, hooks);
  }

  #open(own, settings, hooks) {
    this.#link = own;
    this.#id = settings.pool;
    this.#settings = settings;
    this.#hooks = hooks;
    this.#resource = new AsyncResource('polypool.Pool');
    // Read by the ring for every result.
    Object.defineProperty(this, 'int8', { value: settings.int8 });
    Object.defineProperty(this, 'lastStats', { value: null, writable: true });
    const beside = this.#emitter === this ? 'primary' : 'replica';
    Object.defineProperty(this, 'target', { value: this.#group === null ? undefined : beside });
    this.name = settings.name;
    this.#link.pools.set(this.#id, this);
  }

  get closed() {
    return this.#closing !== null;
  }

  get sql() {
    return (this.#sql ??= bindSql((query) => this.query(query)));
  }

  // ---- Statements ----

  query(text, values, options) {
    return this.submit(null, text, values, options);
  }

  /** Runs a statement on a lease, or on whatever connection the core chooses. */
  submit(lease, text, values, options, flags = 0) {
    const request = new Request();
    // A lead is bounded by what follows it.
    let timeoutMs = flags === 0 ? (this.#settings.queryTimeoutMs ?? 0) : 0;
    try {
      if (typeof text !== 'string') {
        checkStatement(text, values);
        if (!isFragment(text)) options = configOptions(calls.QUERY_CONFIG, text, options);
        ({ text, values } = text);
      }
      if (values != null && !Array.isArray(values)) throw notValues();
      if (this.#closing !== null && lease === null) throw closed(this);
      if (options !== undefined) {
        checkOptions(calls.QUERY, options);
        if (options.timeoutMs !== undefined) timeoutMs = Math.ceil(options.timeoutMs);
        request.rowMode = options.rowMode;
        if (options.signal?.aborted) throw abortError(options.signal);
        if (options.target !== undefined) flags |= targetFlag(options.target, lease);
      }
      request.pool = this;
      request.lease = lease;
      request.text = text;
      request.isStatement = true;
      request.values = values;
      return this.#send(request, options?.signal, flags, timeoutMs, 0);
    } catch (error) {
      return Promise.reject(error);
    }
  }

  #send(request, signal, flags, timeoutMs, batch) {
    const number = this.#link.add(request);
    const { lease, text, values } = request;
    if (this.#emitter.listenerCount('notice') > 0)
      request.context = new AsyncResource('polypool.Query');
    const slot = lease === null ? -1 : lease.slot;
    const generation = lease === null ? 0 : lease.generation;
    if (lease !== null) flags |= lease.flags;
    try {
      this.#link.query(number, this.#id, slot, generation, text, values, flags, timeoutMs, batch);
    } catch (error) {
      this.#link.remove(number);
      this.#link.settleUnused();
      throw error;
    }
    if (lease !== null) lease.pending++;
    if (signal !== undefined) this.#link.watch(number, request, signal);
    if (request.stream !== null) return number;
    return promiseOf(request).then(undefined, atCaller);
  }

  stream(text, values, options) {
    return this.openStream(null, text, values, options);
  }

  /** Never throws: what is wrong ends the stream. */
  openStream(lease, text, values, options) {
    try {
      return this.#startStream(lease, text, values, options);
    } catch (error) {
      return failedStream(error);
    }
  }

  #startStream(lease, text, values, options) {
    if (typeof text !== 'string') {
      checkStatement(text, values);
      if (!isFragment(text)) options = configOptions(calls.STREAM_CONFIG, text, options);
      ({ text, values } = text);
    }
    if (values != null && !Array.isArray(values)) throw notValues();
    if (this.#closing !== null && lease === null) throw closed(this);
    if (options !== undefined) checkOptions(calls.STREAM, options);
    const { signal, timeoutMs, rowMode, batchSize = BATCH, target } = options ?? {};
    const flags = target === undefined ? FLAG.STREAM : FLAG.STREAM | targetFlag(target, lease);
    if (signal?.aborted) throw abortError(signal);
    const stream = new RowStream(batchSize);
    const request = new Request();
    request.pool = this;
    request.lease = lease;
    request.text = text;
    request.isStatement = true;
    request.values = values;
    request.stream = stream;
    request.rowMode = rowMode;
    const bound = Math.ceil(timeoutMs ?? this.#settings.queryTimeoutMs ?? 0);
    // At once: statements of a lease run in the order of their calls.
    const number = this.#send(request, signal, flags, bound, batchSize);
    stream.begin({
      credit: (rows) => this.#link.record(SUBMIT.CREDIT, number, rows),
      cancel: () => this.#link.record(SUBMIT.CANCEL, number),
    });
    return stream;
  }

  transaction(callback, options) {
    return transactPooled(this, callback, options);
  }

  // ---- Leases ----

  acquire(options) {
    const request = new Request();
    request.pool = this;
    let timeoutMs = this.#settings.acquireTimeoutMs ?? -1;
    let priority = this.#settings.priorities - 1;
    let signal;
    try {
      if (this.#closing !== null) throw closed(this);
      if (options !== undefined) {
        checkOptions(calls.ACQUIRE, options);
        ({ signal } = options);
        if (signal?.aborted) throw abortError(signal);
        if (options.timeoutMs !== undefined) timeoutMs = options.timeoutMs ?? -1;
        if (options.priority !== undefined) priority = this.#readPriority(options.priority);
        if (options.target === 'replica' && this.#replicas !== null) {
          return acquireReading(this, this.#replicas, this.#group, options);
        }
      }
      if (this.#settings.leakDetectionMs !== null) request.text = stackOf(this.acquire);
      const number = this.#link.add(request);
      const granted = this.#link.native.acquire(this.#id, number, priority, timeoutMs);
      const promise = promiseOf(request);
      if (granted >= 0) {
        this.#link.remove(number);
        this.#link.settleUnused();
        this.granted(request, granted % NUMBERS, Math.floor(granted / NUMBERS));
        return promise;
      }
      if (signal !== undefined) this.#link.watch(number, request, signal);
      const heard = this.#emitter.listenerCount('acquire') > 0;
      request.context = heard ? new AsyncResource('polypool.Acquire') : this.#resource;
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
    const lease = new Lease(this, slot, generation, 0, request.text);
    const connection = new Connection(lease);
    this.#leases[slot] = lease;
    if (this.#emitter.listenerCount('acquire') > 0)
      this.#emitIn(request.context, 'acquire', connection);
    request.resolve(connection);
  }

  release(connection, options) {
    const owner = leaseOf(connection)?.pool;
    if (owner !== this && (owner === undefined || owner !== this.#replicas)) {
      throw new PoolError(
        'ERR_POLYPOOL_PARAMETER',
        'release needs a connection that was acquired from this pool',
      );
    }
    return connection.release(options);
  }

  /** Called once per lease, by its connection. */
  giveBack(lease, destroy) {
    const { slot, generation } = lease;
    if (this.#leases[slot] === lease) this.#leases[slot] = undefined;
    // Before the listeners: one may release once more.
    lease.released = done;
    if (this.#emitter.listenerCount('release') > 0) this.#emitIn(null, 'release', lease.connection);
    const fate = destroy ? FATE.DESTROY : FATE.RETURN;
    if (lease.pending > 0 || lease.unsettled) {
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
    request.pool = this;
    request.alwaysDone = true;
    const number = this.#link.add(request);
    this.#link.record(SUBMIT.RELEASE, number, this.#id, slot, generation | 0, fate);
    return promiseOf(request);
  }

  async use(callback, options) {
    if (typeof callback !== 'function') {
      throw new PoolError('ERR_POLYPOOL_PARAMETER', 'use needs a callback function');
    }
    const connection = await this.acquire(options);
    try {
      return await callback(connection);
    } finally {
      await connection.release();
    }
  }

  #readPriority(priority) {
    const last = this.#settings.priorities - 1;
    if (Number.isInteger(priority) && priority >= 0 && priority <= last) return priority;
    throw calls.refusal('priority', `an integer from 0 to ${last} (option 'priorities')`, priority);
  }

  /** Number of the connection that a lease had, and the server's for it. */
  identify(slot, generation) {
    const [id, processId] = binding.connectionIdentity(this.#link.id, this.#id, slot, generation);
    return { id, processId };
  }

  // ---- The pool itself ----

  stats() {
    const stats = binding.poolStats(this.#link.id, this.#id);
    if (stats !== null) this.lastStats = JSON.parse(stats);
    if (this.#replicas === null) return { ...this.lastStats };
    const { reachable } = this.#group;
    return { ...this.lastStats, replicas: { ...this.#replicas.stats(), reachable } };
  }

  clear() {
    binding.poolClear(this.#link.id, this.#id);
    this.#replicas?.clear();
  }

  resize(limits) {
    if (this.#closing !== null) throw closed(this);
    checkOptions(calls.RESIZE, limits);
    const { min: least, max: most } = this.stats();
    const { min = least, max = most } = limits;
    const message = binding.poolResize(this.#link.id, this.#id, min, max);
    if (message !== null) {
      throw new OptionError(message, { option: message.includes("'min'") ? 'min' : 'max' });
    }
    this.#replicas?.resize({ min, max });
  }

  /** Whether `createPool` should not wait for a connection. */
  isLazy() {
    return this.#settings.lazy;
  }

  /** Opens the first connections; rejects when that fails. For `createPool`. */
  warm() {
    // Without replicas the primary serves; nobody waits for them.
    this.#replicas?.warm().catch(() => {});
    const request = new Request();
    request.pool = this;
    const number = this.#link.add(request);
    this.#link.record(SUBMIT.WARM, number, this.#id);
    return promiseOf(request);
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
    const own = this.#submitClose(timeoutMs === null ? -1 : Math.ceil(timeoutMs));
    const closing =
      this.#replicas === null ? own : Promise.all([own, this.#replicas.close({ timeoutMs })]);
    this.#closing ??= closing.then(() => {
      this.stats();
      binding.poolForget(this.#link.id, this.#id);
      this.#link.pools.delete(this.#id);
      if (this.#emitter === this) this.#emit('close');
    });
    return this.#closing;
  }

  #submitClose(timeoutMs) {
    if (this.#link.broken !== null) {
      // Nothing that still runs can be answered, nor can it be told when all is closed.
      this.#link.record(SUBMIT.CLOSE, 0, this.#id, 0);
      return done;
    }
    const request = new Request();
    request.pool = this;
    request.alwaysDone = true;
    const number = this.#link.add(request);
    this.#link.record(SUBMIT.CLOSE, number, this.#id, timeoutMs);
    return promiseOf(request);
  }

  [Symbol.asyncDispose]() {
    return this.close();
  }

  // ---- From the engine ----

  /** The error of a request, with what only this side knows. */
  errorOf(wire, request) {
    if (wire.code === 'ERR_POLYPOOL_ABORTED' && request.signal?.aborted) {
      return abortError(request.signal);
    }
    if (wire.code === 'ERR_POLYPOOL_STALE_CONNECTION' && request.lease?.end === 'lost') {
      // It was lost while this was on its way.
      const { code, message } = request.lease.refusal();
      wire = { ...wire, code, message };
    }
    if (wire.holders?.length > 0) {
      wire.holderStack = this.#leases[wire.holders[0].slot]?.stack ?? null;
    }
    const { isStatement, text, values } = request;
    return fromWire(wire, isStatement ? { text, values } : undefined);
  }

  handleEvent(event) {
    const info = { id: event.connection, processId: event.processId };
    if (this.target !== undefined) info.target = this.target;
    switch (event.type) {
      case 'connect':
        this.#emit('connect', info);
        break;
      case 'remove':
        this.#leaseOf(event)?.revoke(REMOVED[event.reason] ?? 'lost');
        this.#emit('remove', info, event.reason);
        if (event.idle) this.#emitError(fromWire(event.error), info);
        break;
      case 'replicas':
        this.#group.reachable = event.reachable;
        if (!event.reachable) this.#emitError(fromWire(event.error), null);
        break;
      case 'error':
        this.#emitError(fromWire(event.error), null);
        break;
      case 'notice': {
        const context = event.request === null ? null : this.#link.contextOf(event.request);
        this.#emitIn(context ?? this.#resource, 'notice', noticeOf(event.notice), info);
        break;
      }
      case 'leak': {
        const { heldMs } = event;
        const { stack } = this.#leaseOf(event) ?? {};
        this.#emit('leak', { ...info, heldMs, stack: stack ?? '' });
        break;
      }
      default:
        this.#leaseOf(event)?.revoke(this.#closing === null ? 'revoked' : 'closed');
    }
  }

  #leaseOf({ slot, generation }) {
    const lease = this.#leases[slot];
    return lease?.generation === generation ? lease : undefined;
  }

  #emitError(error, info) {
    if (this.#emitter.listenerCount('error') > 0) this.#emit('error', error, info);
  }

  #emit(name, ...args) {
    if (this.#emitter.listenerCount(name) > 0) this.#emitIn(this.#resource, name, ...args);
  }

  /**
   * Events are emitted at once, in the order of what they tell of; null: in the caller's context.
   * What a listener throws stops neither a drain nor the lease on its way to its borrower.
   */
  #emitIn(context, name, ...args) {
    try {
      if (context === null) this.#emitter.emit(name, ...args);
      else context.runInAsyncScope(this.#emitter.emit, this.#emitter, name, ...args);
    } catch (error) {
      surface(error);
    }
  }

  /** Runs onConnect or reset on a connection that is not yet, or no longer, in use. */
  handleHook(kind, slot, serial, processId) {
    const hook = kind === HOOK.RESET ? this.#hooks.reset : this.#hooks.onConnect;
    const lease = new Lease(this, slot, serial, FLAG.HOOK);
    lease.identity = { id: serial, processId };
    const connection = new Connection(lease);
    const answer = (ok, message) => {
      lease.revoke('stale');
      this.#link.recordWithText(SUBMIT.HOOK, message, this.#id, slot, serial, ok);
    };
    this.#resource
      .runInAsyncScope(async () => hook(connection))
      .then(
        () => answer(1, ''),
        (error) => answer(0, messageOf(error)),
      );
  }
}

/** What a lease's statements are told when its connection was removed; else that it was lost. */
const REMOVED = {
  destroyed: 'stale',
  leaseExpired: 'revoked',
  closed: 'closed',
};

/** Where the caller stands. */
function stackOf(above) {
  const holder = {};
  Error.captureStackTrace(holder, above);
  return holder.stack.replace(/^.*\n/, '');
}

function noticeOf(wire) {
  return copyServerFields({ message: wire.message }, wire);
}

function messageOf(error) {
  try {
    return String(error?.message ?? error);
  } catch {
    return 'what it threw has no text';
  }
}

/** A statement that is not a string: `{ text, values }` and perhaps options. */
function checkStatement(given, values) {
  if (typeof given !== 'object' || given === null || typeof given.text !== 'string') {
    throw notText(given);
  }
  if (values != null) {
    throw new PoolError(
      'ERR_POLYPOOL_PARAMETER',
      'the values belong into the object that has the text',
    );
  }
}

function notText(given) {
  const type = given === null ? 'null' : typeof given;
  return new PoolError('ERR_POLYPOOL_PARAMETER', `the statement must be a string, got ${type}`);
}

function targetFlag(target, lease) {
  if (lease !== null) {
    throw new OptionError("option 'target' is for statements of a pool, not of a connection", {
      option: 'target',
    });
  }
  return target === 'primary' ? FLAG.PRIMARY : FLAG.REPLICA;
}

function notValues() {
  return new PoolError('ERR_POLYPOOL_PARAMETER', 'the values of a statement must be an array');
}

function closed({ name }) {
  return new ClosedError(`pool '${name}' is closed`);
}

module.exports = { Pool };
