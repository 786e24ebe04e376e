'use strict';

/** The entry points that connect before they answer. */

const { inspect } = require('node:util');
const { Pool } = require('./pool');
const { CopyReader, CopyWriter, failedCopy } = require('./copy');
const { failedCursor } = require('./cursor');
const { ClosedError, OptionError } = require('./errors');
const { inspected } = require('./inspect');
const { leaseOf } = require('./lease');
const { ObjectPool } = require('./object-pool');
const { CLOSE, checkOptions } = require('./options');
const { bindSql } = require('./sql');
const { failedStream } = require('./stream');

async function createPool(target, options) {
  return opened(isFactory(target) ? new ObjectPool(target, options) : new Pool(target, options));
}

/** The pool with its first connections, unless it is lazy; closed again when there are none. */
async function opened(pool) {
  if (pool.isLazy()) return pool;
  try {
    await pool.warm();
  } catch (error) {
    await pool.close({ timeoutMs: 0 });
    throw error;
  }
  return pool;
}

/** Something that makes what the pool lends, instead of where to connect to. */
function isFactory(target) {
  return (
    typeof target === 'object' && target !== null && ('create' in target || 'destroy' in target)
  );
}

/** One connection outside any pool: a pool of one that is borrowed for good. */
class UnpooledConnection {
  #pool;
  #connection;
  #closing = null;
  #sql = null;

  constructor(pool, connection) {
    this.#pool = pool;
    this.#connection = connection;
  }

  get id() {
    return this.#connection.id;
  }

  get processId() {
    return this.#connection.processId;
  }

  get closed() {
    return this.#closing !== null;
  }

  get sql() {
    return (this.#sql ??= bindSql(
      (query) => this.query(query),
      leaseOf(this.#connection).pool.dialect,
    ));
  }

  query(text, values, options) {
    if (this.closed) return Promise.reject(closed());
    return this.#connection.query(text, values, options);
  }

  stream(text, values, options) {
    if (this.closed) return failedStream(closed());
    return this.#connection.stream(text, values, options);
  }

  copyFrom(text, options) {
    if (this.closed) return failedCopy(CopyWriter, closed());
    return this.#connection.copyFrom(text, options);
  }

  copyTo(text, options) {
    if (this.closed) return failedCopy(CopyReader, closed());
    return this.#connection.copyTo(text, options);
  }

  cursor(text, values, options) {
    if (this.closed) return failedCursor(closed());
    return this.#connection.cursor(text, values, options);
  }

  transaction(callback, options) {
    if (this.closed) return Promise.reject(closed());
    return this.#connection.transaction(callback, options);
  }

  close(options) {
    try {
      if (options !== undefined) checkOptions(CLOSE, options);
    } catch (error) {
      return Promise.reject(error);
    }
    if (this.#closing === null) {
      // Never rejects: what runs is answered first, then the connection goes with its pool.
      this.#connection.release();
      this.#closing = this.#pool.close(options);
    }
    return this.#closing;
  }

  [Symbol.asyncDispose]() {
    return this.close();
  }

  [inspect.custom](depth, options) {
    const { id, processId, closed } = this;
    return inspected(this, { id, processId, closed }, depth, options);
  }
}

async function connect(target, options) {
  const given = typeof target === 'string' || target instanceof URL ? { ...options } : target;
  refusePoolOptions(given);
  const single = { ...given, max: 1, idleTimeoutMs: 0, maxLifetimeMs: 0, reset: 'never' };
  const pool = await opened(given === target ? new Pool(single) : new Pool(target, single));
  try {
    return new UnpooledConnection(pool, await pool.acquire());
  } catch (error) {
    await pool.close({ timeoutMs: 0 });
    throw error;
  }
}

function closed() {
  return new ClosedError('the connection is closed');
}

function refusePoolOptions(given) {
  for (const option of POOL_OPTIONS) {
    if (given?.[option] !== undefined) {
      throw new OptionError(`option '${option}' is for pools; connect() opens one connection`, {
        option,
      });
    }
  }
}

const POOL_OPTIONS = [
  ...['max', 'min', 'acquireTimeoutMs', 'idleTimeoutMs', 'maxLifetimeMs', 'maxUses', 'maxWaiting'],
  ...['validate', 'validateAfterIdleMs', 'validateNew', 'maxConnecting', 'idleOrder'],
  ...[
    'leakDetectionMs',
    'maxLeaseMs',
    'reset',
    'onConnect',
    'pipeline',
    'lazy',
    'waitForServer',
    'priorities',
  ],
  ...['shared', 'minPolicy', 'evictBelowMin', 'maxIdle', 'sweepIntervalMs', 'destroyOnQueryError'],
  'replicas',
];

module.exports = { connect, createPool };
