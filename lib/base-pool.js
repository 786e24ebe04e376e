'use strict';

/**
 * What pools of connections have in common, whatever is spoken on them. A pool keeps no state of
 * connections: the core does, and answers a free connection within the call. What is kept here is
 * what only JavaScript can keep: functions, stacks, who holds which lease.
 */

const { inspect } = require('node:util');
const { Emitter } = require('./emitter');
const { OptionError, PoolError, atCaller } = require('./errors');
const { runHolding } = require('./holders');
const { inspectedPool } = require('./inspect');
const { leaseOf } = require('./lease');
const { CLOSE, RESIZE, checkOptions } = require('./options');
const { SUBMIT } = require('./records');
const { Request, promiseOf } = require('./request');
const { binding, link } = require('./ring');
const { surroundings } = require('./target');
const { readTransport } = require('./transport');

// Not the global's: test frameworks replace it.
const { parse } = JSON;

const done = Promise.resolve();

let unnamed = 0;

let adopt = null;

class BasePool extends Emitter {
  #inner;
  #leases;
  #lastStats = null;

  constructor() {
    super('acquire', 'release', 'notice');
  }

  static {
    adopt = (pool, inner) => {
      pool.#inner = inner;
      pool.#leases = inner.leases;
      pool.name = inner.name;
    };
  }

  get closed() {
    return this.#inner.closing !== null;
  }

  // ---- Leases ----

  acquire(options) {
    return this.#leases.acquire(options, this.#leases.stackAbove(this.acquire));
  }

  release(connection, options) {
    const owner = leaseOf(connection)?.pool;
    const own = this.#inner;
    if (owner !== own && (owner === undefined || owner !== own.replicas)) {
      throw new PoolError(
        'ERR_POLYPOOL_PARAMETER',
        'release needs a connection that was acquired from this pool',
      );
    }
    return connection.release(options);
  }

  async use(callback, options) {
    if (typeof callback !== 'function') {
      throw new PoolError('ERR_POLYPOOL_PARAMETER', 'use needs a callback function');
    }
    const leases = this.#leases;
    const connection = await leases.acquire(options, leases.stackAbove(this.use));
    try {
      const result = await runHolding(leaseOf(connection), callback, connection);
      if (!connection.released) leaseOf(connection).endOpen(() => true);
      return result;
    } catch (error) {
      leaseOf(connection).endOpen(() => true, true);
      throw error;
    } finally {
      await connection.release();
    }
  }

  // ---- The pool itself ----

  stats() {
    const { link, id, group, hub, replicas } = this.#inner;
    const stats = binding.poolStats(link.id, id);
    if (stats !== null) this.#lastStats = parse(stats);
    const figures = { ...this.#lastStats, listening: hub?.connections ?? 0 };
    if (replicas === null) return figures;
    return { ...figures, replicas: { ...replicas.facade.stats(), reachable: group.reachable } };
  }

  clear() {
    const { link, id, replicas } = this.#inner;
    binding.poolClear(link.id, id);
    replicas?.facade.clear();
  }

  resize(limits) {
    if (this.closed) throw this.#inner.refusal();
    checkOptions(RESIZE, limits);
    const { min: least, max: most } = this.stats();
    const { min = least, max = most } = limits;
    const { link, id, replicas } = this.#inner;
    const message = binding.poolResize(link.id, id, min, max);
    if (message !== null) {
      throw new OptionError(message, { option: message.includes("'min'") ? 'min' : 'max' });
    }
    replicas?.facade.resize({ min, max });
  }

  /** Whether `createPool` should not wait for a connection. */
  isLazy() {
    return this.#inner.settings.lazy;
  }

  /** Opens the first connections; rejects when that fails. For `createPool`. */
  warm() {
    const { link, id, replicas } = this.#inner;
    // Without replicas the primary serves; nobody waits for them.
    replicas?.facade.warm().catch(() => {});
    const request = new Request();
    request.pool = this.#inner;
    const number = link.add(request);
    link.record(SUBMIT.WARM, number, id);
    return promiseOf(request).then(undefined, atCaller);
  }

  close(options) {
    try {
      if (options !== undefined) checkOptions(CLOSE, options);
    } catch (error) {
      return Promise.reject(error);
    }
    const inner = this.#inner;
    const given = options?.timeoutMs;
    if (inner.closing !== null && given === undefined) return inner.closing;
    const timeoutMs = given === undefined ? inner.settings.closeTimeoutMs : given;
    const closing = this.#submitClose(timeoutMs === null ? -1 : Math.ceil(timeoutMs));
    inner.leaving = inner.settings.shared;
    const others = [inner.hub?.close(), inner.replicas?.facade.close({ timeoutMs })];
    inner.closing ??= Promise.all([closing, ...others]).then(() => {
      this.stats();
      const { link, id, name, emitter, events } = inner;
      binding.poolForget(link.id, id);
      link.pools.delete(id);
      if (inner.leaving) link.shared.delete(name);
      if (emitter === this) events.emit('close');
    });
    return inner.closing;
  }

  #submitClose(timeoutMs) {
    const { link, id } = this.#inner;
    if (link.broken !== null) {
      // Nothing that still runs can be answered, nor can it be told when all is closed.
      link.record(SUBMIT.CLOSE, 0, id, 0);
      return done;
    }
    const request = new Request();
    request.pool = this.#inner;
    request.alwaysDone = true;
    const number = link.add(request, true);
    link.record(SUBMIT.CLOSE, number, id, timeoutMs);
    return promiseOf(request);
  }

  [Symbol.asyncDispose]() {
    return this.close();
  }

  [inspect.custom](depth, options) {
    return inspectedPool(this, depth, options);
  }
}

/** Opens it at the engine: its link, what the engine made of the options, and what stays here. */
function openPool(given) {
  const { onConnect, reset, ...rest } = given;
  const { engine, recipe } = readTransport(rest);
  // Nobody could mean a shared pool without a name: left out for the engine to say so.
  const name = rest.name ?? (rest.shared === true ? undefined : `pool-${++unnamed}`);
  const own = link(rest.shared === true ? name : undefined);
  const { environment, user, roots } = surroundings(rest);
  const settings = parse(
    binding.openPool(own.id, { ...engine, onConnect, reset, name }, environment, user, roots),
  );
  if (settings.option !== undefined) throw new OptionError(settings.message, settings);
  const hooks = { onConnect, reset };
  return { link: own, settings, hooks, recipe, password: rest.password };
}

module.exports = { BasePool, adopt: (pool, inner) => adopt(pool, inner), openPool };
