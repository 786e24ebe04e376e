'use strict';

/** Transactions and savepoints over anything that runs statements in order. */

const { OptionError, PoolError, QueryTimeoutError, abortError } = require('./errors');
const { bindSql } = require('./sql');
const { failedStream } = require('./stream');
const { leadWith } = require('./lease');

const ISOLATIONS = ['read uncommitted', 'read committed', 'repeatable read', 'serializable'];
/** Serialization failure and deadlock: the whole transaction may be run again. */
const RETRYABLE = new Set(['40001', '40P01']);
const RETRIES_MAX = 100;
/** The pause before a retry: random up to this, doubled each time, never above a second. */
const PAUSE_MS = 10;
const PAUSE_MS_MAX = 1000;

const pause = setTimeout;

/** Runs statements inside one transaction; stale once the callback has settled. */
class Transaction {
  #connection;
  #depth;
  #signal;
  /** BEGIN, until the first statement takes it along in one round trip. */
  #begin;
  #over = false;
  #sql = null;

  constructor(connection, depth, signal, begin) {
    this.#connection = connection;
    this.#depth = depth;
    this.#signal = signal;
    this.#begin = begin;
  }

  get connection() {
    const { id, processId } = this.#connection;
    return { id, processId };
  }

  get sql() {
    return (this.#sql ??= bindSql((query) => this.query(query)));
  }

  query(text, values, options) {
    if (this.#over) return Promise.reject(over());
    this.#start();
    return this.#connection.query(text, values, this.#bounded(text, options));
  }

  stream(text, values, options) {
    if (this.#over) return failedStream(over());
    this.#start();
    return this.#connection.stream(text, values, this.#bounded(text, options));
  }

  #start() {
    if (this.#begin === null) return;
    const begin = this.#begin;
    this.#begin = null;
    // Should it fail, the statement that follows fails with the same error.
    leadWith(this.#connection, begin).catch(() => {});
  }

  /** The transaction's own signal bounds each of its statements. */
  #bounded(text, options) {
    const own = this.#signal;
    if (own === undefined) return options;
    const other = options?.signal ?? text?.signal;
    return { ...options, signal: other === undefined ? own : AbortSignal.any([own, other]) };
  }

  async transaction(callback, options) {
    if (this.#over) throw over();
    checkNested(options);
    const name = `polypool_${this.#depth}`;
    await this.query(`SAVEPOINT ${name}`);
    const inner = new Transaction(this.#connection, this.#depth + 1, this.#signal, null);
    let result;
    try {
      result = await callback(inner);
    } catch (error) {
      inner.#over = true;
      await this.query(`ROLLBACK TO SAVEPOINT ${name}`);
      await this.query(`RELEASE SAVEPOINT ${name}`);
      throw error;
    }
    inner.#over = true;
    await this.query(`RELEASE SAVEPOINT ${name}`);
    return result;
  }

  /** BEGIN, the callback, COMMIT or ROLLBACK. */
  static async run(connection, begin, callback, signal) {
    const transaction = new Transaction(connection, 1, signal, begin);
    let result;
    try {
      result = await callback(transaction);
    } catch (error) {
      transaction.#over = true;
      if (transaction.#begin === null) await rollback(connection);
      throw error;
    }
    transaction.#over = true;
    // A callback that ran nothing has nothing to commit.
    if (transaction.#begin === null) await commit(connection);
    return result;
  }
}

async function rollback(connection) {
  try {
    await connection.query('ROLLBACK');
  } catch {
    // Whatever state it is in, nobody else may get it.
    await connection.release({ destroy: true });
  }
}

async function commit(connection) {
  let result;
  try {
    result = await connection.query('COMMIT');
  } catch (error) {
    if (error instanceof PoolError) {
      throw new PoolError(
        'ERR_POLYPOOL_COMMIT_UNKNOWN',
        'the connection was lost during COMMIT; whether the transaction took effect is unknown',
        { cause: error },
      );
    }
    throw error;
  }
  if (result.command === 'ROLLBACK') {
    throw new PoolError(
      'ERR_POLYPOOL_ROLLED_BACK',
      'the server rolled the transaction back: one of its statements had failed',
    );
  }
}

/** A transaction on a connection the caller holds. */
async function transact(connection, callback, options = {}) {
  const settings = readOptions(callback, options);
  const bound = deadline(settings);
  try {
    return await attempts(settings, bound, () =>
      Transaction.run(connection, settings.begin, callback, bound.signal),
    );
  } finally {
    bound.end();
  }
}

/** A transaction on a connection of its own, which is given back afterwards. */
async function transactPooled(pool, callback, options = {}) {
  const settings = readOptions(callback, options);
  const bound = deadline(settings);
  try {
    return await attempts(settings, bound, async () => {
      const connection = await pool.acquire({ signal: bound.signal });
      try {
        return await Transaction.run(connection, settings.begin, callback, bound.signal);
      } finally {
        await connection.release();
      }
    });
  } finally {
    bound.end();
  }
}

async function attempts({ retries }, bound, run) {
  for (let attempt = 0; ; attempt++) {
    try {
      return await run();
    } catch (error) {
      if (bound.timedOut()) throw bound.error(error);
      if (attempt >= retries || !RETRYABLE.has(error?.code)) throw error;
    }
    const longest = Math.min(PAUSE_MS * 2 ** attempt, PAUSE_MS_MAX);
    await new Promise((resolve) => pause(resolve, Math.random() * longest));
    if (bound.signal?.aborted) {
      throw bound.timedOut() ? bound.error() : abortError(bound.signal);
    }
  }
}

/** One signal for the caller's own and the time limit. */
function deadline({ signal, timeoutMs }) {
  if (timeoutMs === undefined || timeoutMs === 0) {
    return { signal, timedOut: () => false, end() {} };
  }
  const limit = new AbortController();
  const timer = setTimeout(() => limit.abort(), timeoutMs);
  return {
    signal: signal === undefined ? limit.signal : AbortSignal.any([signal, limit.signal]),
    timedOut: () => limit.signal.aborted,
    error: (cause) =>
      new QueryTimeoutError(
        `the transaction did not end within ${timeoutMs} ms`,
        { timeoutMs },
        cause === undefined ? undefined : { cause },
      ),
    end: () => clearTimeout(timer),
  };
}

function readOptions(callback, options) {
  if (typeof callback !== 'function') {
    throw new PoolError('ERR_POLYPOOL_PARAMETER', 'transaction needs a callback function');
  }
  const { isolation, readOnly, deferrable, retries = 0, signal, timeoutMs, ...unknown } = options;
  const stray = Object.keys(unknown)[0];
  if (stray !== undefined) throw refusal(stray, 'is not an option of transaction()');
  if (isolation !== undefined && !ISOLATIONS.includes(isolation)) {
    throw refusal('isolation', `must be one of '${ISOLATIONS.join("', '")}'`);
  }
  if (deferrable && !(isolation === 'serializable' && readOnly)) {
    throw refusal('deferrable', "goes only with isolation 'serializable' and readOnly");
  }
  if (!Number.isInteger(retries) || retries < 0 || retries > RETRIES_MAX) {
    throw refusal('retries', `must be an integer from 0 to ${RETRIES_MAX}, got ${retries}`);
  }
  if (timeoutMs !== undefined && !(timeoutMs >= 0 && timeoutMs < 2 ** 31)) {
    throw refusal('timeoutMs', `must be a number from 0 to ${2 ** 31 - 1}, got ${timeoutMs}`);
  }
  const modes = [];
  if (isolation !== undefined) modes.push(`ISOLATION LEVEL ${isolation.toUpperCase()}`);
  if (readOnly !== undefined) modes.push(readOnly ? 'READ ONLY' : 'READ WRITE');
  if (deferrable !== undefined) modes.push(deferrable ? 'DEFERRABLE' : 'NOT DEFERRABLE');
  const begin = modes.length === 0 ? 'BEGIN' : `BEGIN ${modes.join(' ')}`;
  return { begin, retries, signal, timeoutMs };
}

function checkNested(options) {
  for (const name of ['isolation', 'readOnly', 'deferrable', 'retries']) {
    if (options?.[name] !== undefined) {
      throw refusal(name, 'is not allowed for a nested transaction');
    }
  }
}

function refusal(option, what) {
  return new OptionError(`option '${option}' ${what}`, { option });
}

function over() {
  return new PoolError('ERR_POLYPOOL_STALE_CONNECTION', 'the transaction is over');
}

module.exports = { transact, transactPooled };
