'use strict';

/**
 * The pool as JavaScript sees it. It keeps no state of connections: the core does, and answers a
 * free connection within the call. What is kept here is what only JavaScript can keep: functions,
 * stacks, who holds which lease.
 */

const { EventEmitter } = require('node:events');
const { AsyncResource } = require('node:async_hooks');
const { inspect } = require('node:util');
const {
  AcquireTimeoutError,
  ClosedError,
  OptionError,
  PoolError,
  abortError,
  atCaller,
  copyServerFields,
  fromWire,
  messageOf,
} = require('./errors');
const { checkBudget } = require('./budget');
const { readChannel, readPayload } = require('./channel');
const { Connection } = require('./connection');
const { CopyReader, CopyWriter, failedCopy, prepareCopy } = require('./copy');
const { HeldSource, PooledSource, failedCursor } = require('./cursor');
const { describeTimeout, explainNested, runHolding, trackHolders } = require('./holders');
const { inspected } = require('./inspect');
const { Lease, leaseOf } = require('./lease');
const { Hub, NOTIFIED } = require('./listen');
const { PasswordFunction } = require('./password');
const calls = require('./options');
const { FATE, FLAG, HOOK, NUMBERS, SUBMIT, TRANSPORT } = require('./records');
const { Request, promiseOf } = require('./request');
const { binding, link } = require('./ring');
const { RowStream, failedStream } = require('./stream');
const { bindSql, isFragment } = require('./sql');
const { checkStatement, notValues, readStatement } = require('./statement');
const { surface } = require('./surface');
const { transactPooled } = require('./transaction');
const { readTarget, surroundings } = require('./target');
const { Transports, readTransport } = require('./transport');
const { Group, acquireReading } = require('./replicas');

const { checkOptions, configOptions } = calls;

const RETURNING = -2;
/** Rows a stream asks for at once. */
const BATCH = 1000;

const done = Promise.resolve();

/** As `atCaller`, in whose async context it shows whether the code that waited holds connections. */
function atAcquirer(error) {
  if (error instanceof AcquireTimeoutError) explainNested(error, waitedFor.get(error));
  return atCaller(error, atAcquirer);
}

/** The pool that a timeout is about. */
const waitedFor = new WeakMap();

let unnamed = 0;

class Pool extends EventEmitter {
  #link;
  #id;
  #settings;
  #hooks;
  #password = null;
  #resource;
  #transports;
  #closing = null;
  #sql = null;
  /** What it was created with, for the hub's connection. */
  #given;
  #hub = null;
  /** Leases that are out in this thread, by slot. */
  #leases = [];
  /** `close()` was called and other threads may go on: the engine waits for what is given back. */
  #leaving = false;
  #connected = false;

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
      this.#open(target);
      return;
    }
    this.#given = readTarget(target, options);
    const { onConnect, reset, ...rest } = this.#given;
    const { engine, recipe } = readTransport(rest);
    // Nobody could mean a shared pool without a name: left out for the engine to say so.
    const name = rest.name ?? (rest.shared === true ? undefined : `pool-${++unnamed}`);
    const own = link(rest.shared === true ? name : undefined);
    const { environment, user, roots } = surroundings(rest);
    const settings = JSON.parse(
      binding.openPool(own.id, { ...engine, onConnect, reset, name }, environment, user, roots),
    );
    if (settings.option !== undefined) throw new OptionError(settings.message, settings);
    const parts = {
      link: own,
      settings,
      hooks: { onConnect, reset },
      recipe,
      password: rest.password,
    };
    if (settings.replicas !== null) {
      this.#group = new Group(this, parts);
      this.#replicas = new Pool(this.#group);
    }
    this.#open(parts);
  }

  #open({ link: own, settings, hooks, recipe, password }) {
    this.#link = own;
    this.#id = settings.pool;
    this.#settings = settings;
    this.#hooks = hooks;
    if (typeof password === 'function') this.#password = new PasswordFunction(password);
    this.#resource = new AsyncResource('polypool.Pool');
    this.#transports = new Transports(this.#link, recipe, this.#resource);
    // Read by the ring for every result.
    Object.defineProperty(this, 'int8', { value: settings.int8 });
    Object.defineProperty(this, 'lastStats', { value: null, writable: true });
    const beside = this.#emitter === this ? 'primary' : 'replica';
    Object.defineProperty(this, 'target', { value: this.#group === null ? undefined : beside });
    this.name = settings.name;
    this.#link.pools.set(this.#id, this);
    if (settings.shared) this.#link.shared.add(settings.name);
    if (settings.leakDetectionMs !== null) trackHolders();
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
    let timeoutMs = flags === FLAG.LEAD ? 0 : (this.#settings.queryTimeoutMs ?? 0);
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
      this.#describe(request, lease, text, values);
      return this.#send(request, options?.signal, flags, timeoutMs, 0);
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /** Makes a request one of a statement: on a lease, or wherever the core says. */
  #describe(request, lease, text, values) {
    request.pool = this;
    request.lease = lease;
    request.text = text;
    request.isStatement = true;
    request.values = values;
    return request;
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
    return promiseOf(request).then(undefined, atAcquirer);
  }

  stream(text, values, options) {
    return this.openStream(null, text, values, options);
  }

  /** Never throws: what is wrong ends the stream. */
  openStream(lease, text, values, options, flags = 0) {
    try {
      return this.#startStream(lease, text, values, options, flags);
    } catch (error) {
      return failedStream(error);
    }
  }

  #startStream(lease, text, values, options, flags) {
    const { STREAM, STREAM_CONFIG } = calls;
    ({ text, values, options } = readStatement(STREAM, STREAM_CONFIG, text, values, options));
    if (this.#closing !== null && lease === null) throw closed(this);
    const { signal, timeoutMs, rowMode, batchSize = BATCH, target } = options ?? {};
    if (target !== undefined) flags |= targetFlag(target, lease);
    if (signal?.aborted) throw abortError(signal);
    const stream = new RowStream(batchSize);
    const request = this.#describe(new Request(), lease, text, values);
    request.stream = stream;
    request.rowMode = rowMode;
    const bound = Math.ceil(timeoutMs ?? this.#settings.queryTimeoutMs ?? 0);
    // At once: statements of a lease run in the order of their calls.
    const number = this.#send(request, signal, FLAG.STREAM | flags, bound, batchSize);
    stream.begin({
      credit: (rows) => this.#link.record(SUBMIT.CREDIT, number, rows),
      cancel: () => this.#link.record(SUBMIT.CANCEL, number),
    });
    lease?.track(stream);
    return stream;
  }

  copyFrom(text, options) {
    return this.openCopy(null, CopyWriter, text, options);
  }

  copyTo(text, options) {
    return this.openCopy(null, CopyReader, text, options);
  }

  /** Never throws: what is wrong ends the stream. */
  openCopy(lease, Stream, statement, options, within = 0) {
    try {
      const { stream, handle, text, flags, batch } = prepareCopy(Stream, statement, options);
      if (this.#closing !== null && lease === null) throw closed(this);
      const { signal, timeoutMs } = options ?? {};
      if (signal?.aborted) throw abortError(signal);
      const request = this.#describe(new Request(), lease, text, undefined);
      request.stream = handle;
      const bound = Math.ceil(timeoutMs ?? this.#settings.queryTimeoutMs ?? 0);
      handle.begin(this.#link, this.#send(request, signal, flags | within, bound, batch));
      lease?.track(stream);
      return stream;
    } catch (error) {
      return failedCopy(Stream, error);
    }
  }

  cursor(text, values, options) {
    return this.openCursor(null, text, values, options);
  }

  /** Never throws: what is wrong rejects the first read. */
  openCursor(lease, text, values, options, flags = 0, before = undefined) {
    try {
      if (lease !== null && lease.isBarred()) throw lease.refusal();
      const { CURSOR, CURSOR_CONFIG } = calls;
      const statement = readStatement(CURSOR, CURSOR_CONFIG, text, values, options);
      const { timeoutMs = this.#settings.queryTimeoutMs ?? 0, ...own } = statement.options ?? {};
      const cursor = { ...own, timeoutMs, flags, text: statement.text, values: statement.values };
      if (lease === null) return new PooledSource(this, cursor).cursor;
      return new HeldSource(lease, cursor, before).cursor;
    } catch (error) {
      return failedCursor(error);
    }
  }

  /** Submits a cursor with its first read; what it returns asks for more. */
  startCursor(lease, cursor, { text, values, rowMode, signal, flags }, rows, timeoutMs) {
    const request = this.#describe(new Request(), lease, text, values);
    request.stream = cursor;
    request.rowMode = rowMode;
    const number = this.#send(request, signal, FLAG.CURSOR | flags, timeoutMs, rows);
    return (more, boundMs) => this.#link.fetch(number, more, boundMs);
  }

  // ---- LISTEN and NOTIFY ----

  listen(channel, options) {
    try {
      if (this.#closing !== null) throw closed(this);
      readChannel(channel);
      if (options !== undefined) checkOptions(calls.LISTEN, options);
      if (options?.signal?.aborted) throw abortError(options.signal);
      if (this.#settings.leftOut !== null) throw leftOut(this.#settings);
      // The hub's connection is a pool of its own: one connection, the same target.
      this.#hub ??= new Hub(this.name, (own) => new Pool({ ...this.#given, ...own }), link);
      const { timeoutMs = this.#settings.acquireTimeoutMs } = options ?? {};
      return this.#hub.listen(channel, { ...options, timeoutMs }).then(undefined, atCaller);
    } catch (error) {
      return Promise.reject(error);
    }
  }

  async notify(channel, payload, options) {
    readChannel(channel);
    if (options !== undefined) checkOptions(calls.NOTIFY, options);
    await this.query('select pg_notify($1, $2)', [channel, readPayload(payload)], options);
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
      return promise.then(undefined, atAcquirer);
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
    if (lease.pending > 0 || lease.unsettled || this.#leaving) {
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
      return await runHolding(leaseOf(connection), callback, connection);
    } catch (error) {
      leaseOf(connection).endOpen(true);
      throw error;
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
    const figures = { ...this.lastStats, listening: this.#hub?.connections ?? 0 };
    if (this.#replicas === null) return figures;
    const { reachable } = this.#group;
    return { ...figures, replicas: { ...this.#replicas.stats(), reachable } };
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
    return promiseOf(request).then(undefined, atCaller);
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
    const closing = this.#submitClose(timeoutMs === null ? -1 : Math.ceil(timeoutMs));
    this.#leaving = this.#settings.shared;
    const others = [this.#hub?.close(), this.#replicas?.close({ timeoutMs })];
    this.#closing ??= Promise.all([closing, ...others]).then(() => {
      this.stats();
      binding.poolForget(this.#link.id, this.#id);
      this.#link.pools.delete(this.#id);
      if (this.#leaving) this.#link.shared.delete(this.name);
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

  [inspect.custom](depth, options) {
    const { name, closed } = this;
    const { max, total, idle, inUse, connecting, waiting } = this.stats();
    const load = { max, total, idle, inUse, connecting, waiting };
    return inspected(this, { name, closed, ...load }, depth, options);
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
    const waited = wire.holders !== undefined;
    // A read may have waited at the replicas.
    const about = this.#link.pools.get(wire.pool) ?? this;
    if (waited) wire = describeTimeout(wire, (holder) => about.#leaseOf(holder));
    const { isStatement, text, values } = request;
    const thrown = this.#password;
    const error = fromWire(wire, isStatement ? { text, values, thrown } : { thrown });
    if (waited) waitedFor.set(error, about);
    return error;
  }

  handleEvent(event) {
    const info = { id: event.connection, processId: event.processId };
    if (this.target !== undefined) info.target = this.target;
    switch (event.type) {
      case 'connect':
        if (!this.#connected) {
          this.#connected = true;
          if (this.#settings.max > 1) checkBudget(this, this.#settings.max);
        }
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

  /** A hub hears of it; nobody listens for what a borrower's own LISTEN brings. */
  handleNotification(process, text) {
    this.emit(NOTIFIED, process, text);
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

  /** Makes a transport for the engine, or puts TLS on one. */
  handleTransport(kind, id, target) {
    if (kind === TRANSPORT.TLS) this.#transports.secure(id, target);
    else this.#transports.open(id, target);
  }

  /** Runs onConnect or reset on a connection that is not yet, or no longer, in use. */
  handleHook(kind, slot, serial, processId) {
    if (kind === HOOK.PASSWORD) {
      this.#password.ask(this.#resource, serial, (ok, text) =>
        this.#link.recordWithText(SUBMIT.HOOK, text, this.#id, slot, serial, ok),
      );
      return;
    }
    const hook = kind === HOOK.RESET ? this.#hooks.reset : this.#hooks.onConnect;
    const lease = new Lease(this, slot, serial, FLAG.HOOK);
    lease.identity = { id: serial, processId };
    const connection = new Connection(lease);
    const answer = (ok, message) => {
      lease.revoke('stale');
      this.#link.recordWithText(SUBMIT.HOOK, message, this.#id, slot, serial, ok);
    };
    this.#resource
      .runInAsyncScope(async () => {
        await hook(connection);
        await lease.endOpen();
      })
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

function targetFlag(target, lease) {
  if (lease !== null) {
    throw new OptionError("option 'target' is for statements of a pool, not of a connection", {
      option: 'target',
    });
  }
  return target === 'primary' ? FLAG.PRIMARY : FLAG.REPLICA;
}

function leftOut({ name, leftOut: option }) {
  const message =
    `listen() opens a connection of this thread: pass option '${option}' to the shared pool ` +
    `'${name}' here as well`;
  return new OptionError(message, { option });
}

function closed({ name }) {
  return new ClosedError(`pool '${name}' is closed`);
}

module.exports = { Pool };
