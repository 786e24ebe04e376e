'use strict';

/** Transactions and savepoints over anything that runs statements in order. */

const { OptionError, PoolError, QueryTimeoutError, abortError } = require('./errors');
const { TRANSACTION, checkOptions, isSignal } = require('./options');
const { bindSql } = require('./sql');
const { CopyReader, CopyWriter, failedCopy } = require('./copy');
const { failedCursor } = require('./cursor');
const { failedStream } = require('./stream');
const { holds, runHolding } = require('./holders');
const { leaseOf } = require('./lease');
const { FLAG } = require('./records');
const { EitherSignal, offAbort, onAbort } = require('./signal');

/** The pause before a retry: random up to this, doubled each time, never above a second. */
const PAUSE_MS = 10;
const PAUSE_MS_MAX = 1000;
/** An aborted transaction whose ROLLBACK takes longer loses its connection. */
const ROLLBACK_MS = 5000;

const later = setTimeout;
const forget = clearTimeout;

/** What a transaction and those nested in it share. */
class Shared {
  savepoints = 0;
  /** A savepoint could not be gone back to: nothing of the transaction may be committed. */
  failure = null;
}

/** Runs statements inside one transaction; stale once the callback has settled. */
class Transaction {
  #lease;
  #shared;
  #parent;
  #signal;
  /** What begins it, until the first statement takes it along in one round trip. */
  #begin;
  #over = false;
  /** Settles when the last of the nested transactions so far is over; null while there is none. */
  #nested = null;
  #sql = null;

  constructor(lease, shared, parent, signal, begin) {
    this.#lease = lease;
    this.#shared = shared;
    this.#parent = parent;
    this.#signal = signal;
    this.#begin = begin;
  }

  get connection() {
    const { id, processId } = this.#lease.identify();
    const { target } = this.#lease.pool;
    return target === undefined ? { id, processId } : { id, processId, target };
  }

  get sql() {
    return (this.#sql ??= bindSql((query) => this.query(query), this.#lease.pool.dialect));
  }

  query(text, values, options) {
    const refusal = this.#refusal();
    if (refusal !== null) return Promise.reject(refusal);
    this.#start();
    try {
      options = this.#bounded(text, options);
    } catch (error) {
      return Promise.reject(error);
    }
    return this.#lease.query(text, values, options, FLAG.WITHIN);
  }

  stream(text, values, options) {
    const refusal = this.#refusal();
    if (refusal !== null) return failedStream(refusal);
    this.#start();
    try {
      options = this.#bounded(text, options);
    } catch (error) {
      return failedStream(error);
    }
    return this.#owned(this.#lease.stream(text, values, options, FLAG.WITHIN));
  }

  copyFrom(text, options) {
    return this.#copy(CopyWriter, text, options);
  }

  copyTo(text, options) {
    return this.#copy(CopyReader, text, options);
  }

  #copy(Stream, text, options) {
    const refusal = this.#refusal();
    if (refusal !== null) return failedCopy(Stream, refusal);
    this.#start();
    try {
      options = this.#bounded(text, options);
    } catch (error) {
      return failedCopy(Stream, error);
    }
    return this.#owned(this.#lease.copy(Stream, text, options, FLAG.WITHIN));
  }

  /** Whoever reads it does so in this transaction's callback. */
  #owned(stream) {
    this.#lease.own(stream, this);
    return stream;
  }

  /** Ends what this transaction and those nested in it left open; `cut`: it is undone anyway. */
  #endOpen(cut) {
    return this.#lease.endOpen((owner) => owner === this || this.#encloses(owner), cut);
  }

  cursor(text, values, options) {
    if (this.#isOver()) return failedCursor(over());
    if (this.#lease.undone !== null) return failedCursor(rolledBack(this.#lease));
    try {
      options = this.#bounded(text, options);
    } catch (error) {
      return failedCursor(error);
    }
    return this.#lease.openCursor(text, values, options, FLAG.WITHIN, () => this.#start());
  }

  /** With the outer transaction those within it are over. */
  #isOver() {
    return this.#over || (this.#parent !== null && this.#parent.#isOver());
  }

  /** Why nothing may run in it now, or null. */
  #refusal() {
    if (this.#isOver()) return over();
    if (this.#lease.isBarred()) return this.#lease.refusal();
    return this.#lease.undone === null ? null : rolledBack(this.#lease);
  }

  /** Whether `held` is a transaction nested in this one that has not ended. */
  #isAround(held) {
    if (!(held instanceof Transaction) || held.#over) return false;
    return held.#parent === this || (held.#parent !== null && this.#isAround(held.#parent));
  }

  #encloses(other) {
    const parent = other?.#parent ?? null;
    return parent !== null && (parent === this || this.#encloses(parent));
  }

  #start() {
    if (this.#begin === null) return;
    const begin = this.#begin;
    this.#begin = null;
    const lease = this.#lease;
    const submit = (text, flags) =>
      lease.pool.statements.submit(lease, text, undefined, undefined, flags).catch((error) => {
        this.#shared.failure ??= error;
      });
    // Should the last one fail, the statement that follows fails with the same error. Past the
    // lease's checks: that statement may be of a cursor, which bars all others.
    for (const text of begin.slice(0, -1)) submit(text);
    submit(begin.at(-1), FLAG.LEAD);
  }

  /** The transaction's own signal bounds each of its statements. */
  #bounded(text, options) {
    const own = this.#signal;
    if (own === undefined) return options;
    // Left to the call to refuse.
    if (options !== undefined && (typeof options !== 'object' || options === null)) return options;
    const other = options?.signal ?? text?.signal;
    if (other === undefined) return { ...options, signal: own };
    if (!isSignal(other)) return options;
    return { ...options, signal: new EitherSignal(own, other) };
  }

  async transaction(callback, options) {
    if (this.#isOver()) throw over();
    checkNested(options);
    const { dialect } = this.#lease.pool;
    const bound = deadline(readOptions(callback, options, dialect), this.#signal);
    const before = this.#nested;
    if (before !== null && holds((held) => this.#isAround(held))) throw selfWait();
    let resolve;
    const mine = new Promise((settle) => (resolve = settle));
    const end = () => {
      if (this.#nested === mine) this.#nested = null;
      resolve();
    };
    this.#nested = mine;
    let waits = before !== null;
    try {
      // Savepoints are a stack: those of siblings must not cross.
      if (before !== null) await unlessAborted(bound.signal, () => before);
      waits = false;
      return await this.#nest(callback, bound.signal);
    } catch (error) {
      throw bound.explain(error);
    } finally {
      bound.end();
      // One that gave up waiting has not ended those before it.
      if (waits) before.then(end);
      else end();
    }
  }

  async #nest(callback, signal) {
    const name = `polypool_${++this.#shared.savepoints}`;
    await this.query(`SAVEPOINT ${name}`);
    const inner = new Transaction(this.#lease, this.#shared, this, signal, null);
    try {
      const result = await unlessAborted(signal, () => runHolding(inner, callback, inner));
      inner.#over = true;
      const left = inner.#leaveOpen();
      if (left !== undefined) await left;
      await this.query(`RELEASE SAVEPOINT ${name}`);
      return result;
    } catch (error) {
      inner.#over = true;
      await inner.#undo(name);
      throw error;
    }
  }

  /** After its callback, while its signal still counts: how long that takes is the server's. */
  #leaveOpen() {
    const left = this.#endOpen(false);
    return left === undefined ? undefined : unlessAborted(this.#signal, () => left);
  }

  /** Back to the savepoint it began with. */
  async #undo(name) {
    const outer = this.#parent;
    try {
      await this.#endOpen(true);
      await outer.query(`ROLLBACK TO SAVEPOINT ${name}`);
      await outer.query(`RELEASE SAVEPOINT ${name}`);
    } catch (error) {
      this.#shared.failure ??= error;
    }
  }

  /** BEGIN, the callback, COMMIT or ROLLBACK. */
  static async run(connection, begin, callback, signal) {
    const lease = leaseOf(connection);
    const shared = new Shared();
    const transaction = new Transaction(lease, shared, null, signal, begin);
    lease.failure = null;
    lease.undone = null;
    let result;
    try {
      result = await unlessAborted(signal, () => runHolding(lease, callback, transaction));
      if (signal?.aborted) throw abortError(signal);
      if (lease.undone !== null) throw rolledBack(lease);
      if (shared.failure !== null) throw shared.failure;
      transaction.#over = true;
      const left = transaction.#leaveOpen();
      if (left !== undefined) await left;
    } catch (error) {
      transaction.#over = true;
      await transaction.#endOpen(true);
      if (transaction.#begin === null) await rollback(connection, signal);
      throw error;
    }
    // A callback that ran nothing has nothing to commit.
    if (transaction.#begin === null) await commit(lease);
    // A BEGIN that nobody waited for may be known to have failed only now.
    if (shared.failure !== null) throw shared.failure;
    return result;
  }
}

/** What the callback comes to, unless the signal is aborted first: then nobody hears of it. */
async function unlessAborted(signal, callback) {
  if (signal === undefined) return callback();
  if (signal.aborted) throw abortError(signal);
  let listener;
  const aborted = new Promise((_, reject) => {
    listener = () => reject(abortError(signal));
    onAbort(signal, listener);
  });
  try {
    return await Promise.race([aborted, callback()]);
  } finally {
    offAbort(signal, listener);
  }
}

async function rollback(connection, signal) {
  try {
    const options = signal?.aborted ? { timeoutMs: ROLLBACK_MS } : undefined;
    await connection.query('ROLLBACK', undefined, options);
  } catch {
    // Whatever state it is in, nobody else may get it.
    await connection.release({ destroy: true });
  }
}

async function commit(lease) {
  // Lost or taken away before: nothing took effect.
  if (lease.released !== null) throw lease.refusal();
  let result;
  try {
    result = await lease.query('COMMIT');
  } catch (error) {
    if (!lease.pool.dialect.isVerdict(error)) {
      throw new PoolError(
        'ERR_POLYPOOL_COMMIT_UNKNOWN',
        'COMMIT was not answered; whether the transaction took effect is unknown',
        { cause: error },
      );
    }
    throw error;
  }
  // What nobody waited for may have been undone.
  if (lease.undone !== null) throw rolledBack(lease);
  if (result.command === 'ROLLBACK') {
    throw rolledBack({ undone: lease.failure });
  }
}

/** A transaction on a connection the caller holds. */
async function transact(connection, callback, options) {
  const { dialect } = leaseOf(connection).pool;
  const settings = readOptions(callback, options, dialect);
  if (options?.target !== undefined) throw refusal('target', 'is for transactions of a pool');
  return attempts(settings, dialect, (signal) =>
    Transaction.run(connection, settings.begin, callback, signal),
  );
}

/** A transaction on a connection of its own, for the caller at `stack`, given back afterwards. */
async function transactPooled(leases, callback, options, stack) {
  const { dialect } = leases;
  const settings = readOptions(callback, options, dialect);
  return attempts(settings, dialect, async (signal) => {
    const { target } = settings;
    const connection = await leases.acquire((signal ?? target) && { signal, target }, stack);
    try {
      return await Transaction.run(connection, settings.begin, callback, signal);
    } finally {
      await connection.release();
    }
  });
}

async function attempts(settings, dialect, run) {
  const bound = deadline(settings);
  try {
    for (let attempt = 0; ; attempt++) {
      try {
        return await run(bound.signal);
      } catch (error) {
        if (attempt >= settings.retries || !mayRetry(dialect, error)) throw error;
      }
      await unlessAborted(bound.signal, () => pauseAfter(attempt));
    }
  } catch (error) {
    throw bound.explain(error);
  } finally {
    bound.end();
  }
}

function mayRetry(dialect, error) {
  return typeof error === 'object' && error !== null && dialect.isRetryable(error);
}

function pauseAfter(attempt) {
  const longest = Math.min(PAUSE_MS * 2 ** attempt, PAUSE_MS_MAX);
  return new Promise((resolve) => later(resolve, Math.random() * longest));
}

/**
 * A signal that follows the first of several. Not AbortSignal.any: in Node 20 each use of that
 * leaves something behind on a signal that lives on.
 */
function firstOf(signals) {
  if (signals.length < 2) return { signal: signals[0], end() {} };
  const either = new AbortController();
  const follow = ({ target }) => either.abort(target.reason);
  for (const signal of signals) {
    if (signal.aborted) either.abort(signal.reason);
    else onAbort(signal, follow);
  }
  const end = () => signals.forEach((signal) => offAbort(signal, follow));
  return { signal: either.signal, end };
}

/** One signal for the caller's own, the outer transaction's and the time limit. */
function deadline({ signal, timeoutMs }, outer) {
  const limit = timeoutMs > 0 ? new AbortController() : null;
  const signals = [outer, signal, limit?.signal].filter((one) => one !== undefined);
  const timer = limit && later(() => limit.abort(), timeoutMs);
  const { signal: one, end } = firstOf(signals);
  return {
    signal: one,
    /** The error of an abort, when it was the time limit's. */
    explain(error) {
      const mine = limit?.signal.aborted && one.reason === limit.signal.reason;
      if (!mine || error?.code !== 'ERR_POLYPOOL_ABORTED') return error;
      const message = `the transaction did not end within ${timeoutMs} ms`;
      return new QueryTimeoutError(message, { timeoutMs }, { cause: error });
    },
    end() {
      if (timer !== null) forget(timer);
      end();
    },
  };
}

function readOptions(callback, options = {}, dialect) {
  if (typeof callback !== 'function') {
    throw new PoolError('ERR_POLYPOOL_PARAMETER', 'transaction needs a callback function');
  }
  checkOptions(TRANSACTION, options);
  const { isolation, readOnly, deferrable, retries = 0, signal, timeoutMs } = options;
  // A standby knows no serializable transactions.
  const target =
    options.target ?? (readOnly && isolation !== 'serializable' ? 'replica' : undefined);
  if (deferrable && !(isolation === 'serializable' && readOnly)) {
    throw refusal('deferrable', "goes only with isolation 'serializable' and readOnly");
  }
  if (deferrable !== undefined && !dialect.deferrable) {
    throw refusal('deferrable', "is PostgreSQL's");
  }
  const begin = dialect.begin(isolation, readOnly, deferrable);
  return { begin, retries, signal, timeoutMs, target };
}

function checkNested(options) {
  for (const name of ['isolation', 'readOnly', 'deferrable', 'retries', 'target']) {
    if (options?.[name] !== undefined) {
      throw refusal(name, 'is not allowed for a nested transaction');
    }
  }
}

function refusal(option, what) {
  return new OptionError(`option '${option}' ${what}`, { option });
}

/** Known with leak detection, which tells in whose callback code runs. */
function selfWait() {
  return new PoolError(
    'ERR_POLYPOOL_SELF_DEADLOCK',
    'transaction() of an outer transaction, called inside a nested one, would wait for itself: ' +
      'call it on the innermost',
  );
}

/** By a server that undoes the whole transaction: what was to follow would have been in none. */
function rolledBack({ undone }) {
  const options = undone === null ? undefined : { cause: undone };
  return new PoolError(
    'ERR_POLYPOOL_ROLLED_BACK',
    'the server rolled the transaction back: one of its statements had failed',
    options,
  );
}

function over() {
  return new PoolError('ERR_POLYPOOL_STALE_CONNECTION', 'the transaction is over');
}

module.exports = { transact, transactPooled };
