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
const { RowStream, readBatchSize } = require('./stream');
const { bindSql } = require('./sql');
const { transactPooled } = require('./transaction');
const { readTarget, surroundings } = require('./target');

const HOOK = { ON_CONNECT: 1, RESET: 2 };
const RETURNING = -2;
const TIMEOUT_MAX = 2 ** 31 - 1;

const { nextTick } = process;
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

  constructor(target, options) {
    super();
    const { onConnect, reset, ...rest } = readTarget(target, options);
    const name = rest.name ?? `pool-${++unnamed}`;
    this.#link = link();
    const { environment, user, roots } = surroundings(rest);
    const settings = JSON.parse(
      binding.openPool(
        this.#link.id,
        { ...rest, onConnect, reset, name },
        environment,
        user,
        roots,
      ),
    );
    if (settings.option !== undefined) throw new OptionError(settings.message, settings);
    this.#id = settings.pool;
    this.#settings = settings;
    this.#hooks = { onConnect, reset };
    this.#resource = new AsyncResource('polypool.Pool');
    // Read by the ring for every result.
    Object.defineProperty(this, 'int8', { value: settings.int8 });
    Object.defineProperty(this, 'lastStats', { value: null, writable: true });
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
    if (typeof text !== 'string') {
      if (typeof text !== 'object' || text === null || typeof text.text !== 'string') {
        return Promise.reject(notText(text));
      }
      options = options === undefined ? text : { ...text, ...options };
      values = text.values;
      text = text.text;
    }
    const request = new Request();
    request.pool = this;
    request.lease = lease;
    request.text = text;
    request.isStatement = true;
    request.values = values;
    let timeoutMs = this.#settings.queryTimeoutMs ?? 0;
    try {
      if (values != null && !Array.isArray(values)) throw notValues();
      if (this.#closing !== null && lease === null) throw closed();
      if (options !== undefined) {
        if (options.timeoutMs !== undefined) timeoutMs = readTimeout(options.timeoutMs);
        request.rowMode = readRowMode(options.rowMode);
        readSignal(options.signal);
      }
      return this.#send(request, options?.signal, flags, timeoutMs, 0);
    } catch (error) {
      return Promise.reject(error);
    }
  }

  #send(request, signal, flags, timeoutMs, batch) {
    const number = this.#link.add(request);
    const { lease, text, values } = request;
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
    return this.openStream(null, text, values, options, false);
  }

  openStream(lease, text, values, options, refusal) {
    let batch;
    let failure = refusal || null;
    try {
      batch = readBatchSize(options);
    } catch (error) {
      failure ??= error;
    }
    return new RowStream(batch ?? 1, (stream) => {
      if (failure !== null) throw failure;
      return this.#startStream(stream, lease, text, values, options);
    });
  }

  #startStream(stream, lease, text, values, options) {
    if (typeof text === 'object' && text !== null) ({ text, values } = text);
    if (typeof text !== 'string') throw notText(text);
    if (values != null && !Array.isArray(values)) throw notValues();
    if (this.#closing !== null && lease === null) throw closed();
    const request = new Request();
    request.pool = this;
    request.lease = lease;
    request.text = text;
    request.isStatement = true;
    request.values = values;
    request.stream = stream;
    request.rowMode = readRowMode(options?.rowMode);
    const timeoutMs = readTimeout(options?.timeoutMs ?? this.#settings.queryTimeoutMs ?? 0);
    readSignal(options?.signal);
    const { batchSize } = stream;
    const number = this.#send(request, options?.signal, FLAG.STREAM, timeoutMs, batchSize);
    return {
      credit: (rows) => this.#link.record(SUBMIT.CREDIT, number, rows),
      cancel: () => this.#link.record(SUBMIT.CANCEL, number),
    };
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
      if (this.#closing !== null) throw closed();
      if (options !== undefined) {
        ({ signal } = options);
        readSignal(signal);
        if (options.timeoutMs !== undefined) timeoutMs = readAcquireTimeout(options.timeoutMs);
        if (options.priority !== undefined) priority = this.#readPriority(options.priority);
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
      return promise.then(undefined, atCaller);
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /** A lease for an acquire that waited or was served at once. */
  granted(request, slot, generation) {
    const lease = new Lease(this, slot, generation, 0, request.text);
    const connection = new Connection(lease);
    this.#leases[slot] = lease;
    if (this.listenerCount('acquire') > 0) this.#emitNow('acquire', connection);
    request.resolve(connection);
  }

  release(connection, options) {
    if (leaseOf(connection)?.pool !== this) {
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
    if (this.listenerCount('release') > 0) {
      lease.identify();
      nextTick(() => this.emit('release', lease.connection));
    }
    const fate = destroy ? FATE.DESTROY : FATE.RETURN;
    if (lease.pending > 0 || lease.unsettled) {
      return this.#awaitReturn(slot, generation, fate);
    }
    const next = this.#link.native.release(this.#id, slot, generation, fate);
    if (next === RETURNING) return this.#awaitReturn(slot, generation, FATE.AWAIT);
    if (next >= 0) {
      const request = this.#link.remove(next % NUMBERS);
      this.#link.settleUnused();
      request.pool.granted(request, slot, Math.floor(next / NUMBERS));
    }
    return done;
  }

  #awaitReturn(slot, generation, fate) {
    const request = new Request();
    request.pool = this;
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
    throw refusal('priority', `an integer from 0 to ${last} (option 'priorities')`, priority);
  }

  /** Number of the connection in a slot, and the server's for it. */
  identify(slot) {
    const [id, processId] = binding.connectionIdentity(this.#link.id, this.#id, slot);
    return { id, processId };
  }

  // ---- The pool itself ----

  stats() {
    const stats = binding.poolStats(this.#link.id, this.#id);
    if (stats !== null) this.lastStats = JSON.parse(stats);
    return { ...this.lastStats };
  }

  clear() {
    binding.poolClear(this.#link.id, this.#id);
  }

  resize(limits) {
    if (this.#closing !== null) throw closed();
    const { min, max } = { ...this.#limits(), ...limits };
    for (const [option, value] of Object.entries({ min, max })) {
      if (!Number.isInteger(value) || value < 0 || value > 65_535) {
        throw refusal(option, 'an integer from 0 to 65535', value);
      }
    }
    const message = binding.poolResize(this.#link.id, this.#id, min, max);
    if (message !== null) {
      throw new OptionError(message, { option: message.includes("'min'") ? 'min' : 'max' });
    }
  }

  #limits() {
    const { min, max } = this.stats();
    return { min, max };
  }

  /** Whether `createPool` should not wait for a connection. */
  isLazy() {
    return this.#settings.lazy;
  }

  /** Opens the first connections; rejects when that fails. For `createPool`. */
  warm() {
    const request = new Request();
    request.pool = this;
    const number = this.#link.add(request);
    this.#link.record(SUBMIT.WARM, number, this.#id);
    return promiseOf(request);
  }

  close(options) {
    const given = options?.timeoutMs;
    let timeoutMs;
    try {
      timeoutMs = given === undefined ? (this.#settings.closeTimeoutMs ?? -1) : readClose(given);
    } catch (error) {
      return Promise.reject(error);
    }
    if (this.#closing !== null && given === undefined) return this.#closing;
    const request = new Request();
    request.pool = this;
    const number = this.#link.add(request);
    this.#link.record(SUBMIT.CLOSE, number, this.#id, timeoutMs);
    const closing = promiseOf(request);
    this.#closing ??= closing.then(() => {
      this.stats();
      binding.poolForget(this.#link.id, this.#id);
      this.#link.pools.delete(this.#id);
      this.#emitLater('close');
    });
    return this.#closing;
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
    if (wire.holders?.length > 0) {
      wire.holderStack = this.#leases[wire.holders[0].slot]?.stack ?? null;
    }
    const { isStatement, text, values } = request;
    return fromWire(wire, isStatement ? { text, values } : undefined);
  }

  handleEvent(event) {
    const info = { id: event.connection, processId: event.processId };
    switch (event.type) {
      case 'connect':
        this.#emitLater('connect', info);
        break;
      case 'remove':
        this.#emitLater('remove', info, event.reason);
        if (event.idle) this.#emitError(fromWire(event.error), info);
        break;
      case 'error':
        this.#emitError(fromWire(event.error), null);
        break;
      case 'notice':
        this.#emitLater('notice', noticeOf(event.notice), info);
        break;
      case 'leak': {
        const { heldMs } = event;
        const { stack } = this.#leaseOf(event) ?? {};
        this.#emitLater('leak', { ...info, heldMs, stack: stack ?? '' });
        break;
      }
      default:
        this.#leaseOf(event)?.revoke();
    }
  }

  #leaseOf({ slot, generation }) {
    const lease = this.#leases[slot];
    return lease?.generation === generation ? lease : undefined;
  }

  #emitError(error, info) {
    if (this.listenerCount('error') > 0) this.#emitLater('error', error, info);
  }

  /** What a listener throws is the process's to hear of: the lease must reach its borrower. */
  #emitNow(name, ...args) {
    try {
      this.#resource.runInAsyncScope(() => this.emit(name, ...args));
    } catch (error) {
      nextTick(() => {
        throw error;
      });
    }
  }

  /** Listeners run outside of the drain: what one throws must not stop the others' answers. */
  #emitLater(name, ...args) {
    if (this.listenerCount(name) === 0) return;
    nextTick(() => this.#resource.runInAsyncScope(() => this.emit(name, ...args)));
  }

  /** Runs onConnect or reset on a connection that is not yet, or no longer, in use. */
  handleHook(kind, slot, serial) {
    const hook = kind === HOOK.RESET ? this.#hooks.reset : this.#hooks.onConnect;
    const lease = new Lease(this, slot, serial, FLAG.HOOK);
    const connection = new Connection(lease);
    const answer = (ok, message) => {
      lease.revoke();
      this.#link.recordWithText(SUBMIT.HOOK, message, this.#id, slot, serial, ok);
    };
    this.#resource
      .runInAsyncScope(async () => hook(connection))
      .then(
        () => answer(1, ''),
        (error) => answer(0, String(error?.message ?? error)),
      );
  }
}

/** Where the caller stands. */
function stackOf(above) {
  const holder = {};
  Error.captureStackTrace(holder, above);
  return holder.stack.replace(/^.*\n/, '');
}

function noticeOf(wire) {
  return copyServerFields({ message: wire.message }, wire);
}

function readTimeout(value) {
  if (typeof value === 'number' && value >= 0 && value <= TIMEOUT_MAX) return Math.ceil(value);
  throw refusal('timeoutMs', `a number of milliseconds from 0 to ${TIMEOUT_MAX}`, value);
}

function readAcquireTimeout(value) {
  if (value === null) return -1;
  if (typeof value === 'number' && value > 0 && value <= TIMEOUT_MAX) return value;
  throw refusal('timeoutMs', 'a number of milliseconds above 0, or null', value);
}

function readClose(value) {
  return value === null ? -1 : readTimeout(value);
}

function readRowMode(value) {
  if (value === undefined || value === 'object' || value === 'array') return value;
  throw refusal('rowMode', "'object' or 'array'", value);
}

function readSignal(signal) {
  if (signal === undefined) return;
  if (typeof signal?.addEventListener !== 'function' || typeof signal.aborted !== 'boolean') {
    throw refusal('signal', 'an AbortSignal', signal);
  }
  if (signal.aborted) throw abortError(signal);
}

function refusal(option, expected, given) {
  const shown = typeof given === 'string' ? `'${given}'` : String(given);
  return new OptionError(`option '${option}' must be ${expected}, got ${shown}`, { option });
}

function notText(given) {
  const type = given === null ? 'null' : typeof given;
  return new PoolError('ERR_POLYPOOL_PARAMETER', `the statement must be a string, got ${type}`);
}

function notValues() {
  return new PoolError('ERR_POLYPOOL_PARAMETER', 'the values of a statement must be an array');
}

function closed() {
  return new ClosedError('the pool is closed');
}

module.exports = { Pool };
