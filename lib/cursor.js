'use strict';

/**
 * A result that the server makes as it is asked for. The engine opens a portal with the first read
 * and suspends it after each; in between nothing is computed, sent or kept.
 */

const { PoolError, abortError, atCaller } = require('./errors');
const { leaseOf } = require('./lease');
const { BATCH_MAX, refusal } = require('./options');

/** Rows that a read asks for when it names no number. */
const BATCH = 100;
/** Bound of a close that has no `timeoutMs`: it is one short round trip. */
const CLOSE_MS = 10_000;

const done = Promise.resolve();

class Cursor {
  /** `{ start(cursor, rows, timeoutMs), released() }`: how it gets on a connection, and off it. */
  #source;
  #batch;
  #timeoutMs;
  #signal;
  /** Asks for so many rows more, or with 0 for the end: `(rows, timeoutMs)`. */
  #fetch = null;
  /** Rows of the read under way, and its promise's handles. */
  #rows = [];
  #reader = null;
  /** Reads and the close take turns. */
  #turn = done;
  /** No more rows will come: it was read to its end, closed, or failed. */
  #over = false;
  #failure = null;
  #halted = false;
  /** Closed before its end. */
  #cut = false;
  #closing = null;

  constructor(source, { batchSize = BATCH, timeoutMs = 0, signal } = {}) {
    this.#source = source;
    this.#batch = batchSize;
    this.#timeoutMs = Math.ceil(timeoutMs);
    this.#signal = signal;
    this.fields = null;
  }

  get closed() {
    return this.#over || this.#closing !== null;
  }

  read(rows = this.#batch) {
    if (!Number.isInteger(rows) || rows < 1 || rows > BATCH_MAX) {
      return Promise.reject(refusal('rows', `an integer from 1 to ${BATCH_MAX}`, rows));
    }
    return this.#inTurn(() => this.#read(rows)).then(undefined, atCaller);
  }

  async #read(rows) {
    if (this.#failure !== null) throw this.#failure;
    if (this.#cut) throw closed();
    if (this.#over) return [];
    if (this.#signal?.aborted) throw this.#end(abortError(this.#signal));
    if (this.#fetch === null) {
      try {
        this.#fetch = await this.#source.start(this, rows, this.#timeoutMs);
      } catch (error) {
        throw this.#end(error);
      }
    } else {
      this.#fetch(rows, this.#timeoutMs);
    }
    return this.#answer();
  }

  /** What the engine says to the fetch that was just submitted. */
  #answer() {
    return new Promise((resolve, reject) => (this.#reader = { resolve, reject }));
  }

  #inTurn(step) {
    const result = this.#turn.then(step);
    this.#turn = result.then(ignore, ignore);
    return result;
  }

  /** Ends it after the reads so far. */
  close() {
    return (this.#closing ??= this.#inTurn(() => this.#close()));
  }

  async #close() {
    this.#cut = !this.#over;
    if (this.#cut && this.#fetch !== null) {
      this.#fetch(0, this.#timeoutMs || CLOSE_MS);
      await this.#answer();
    }
    if (!this.#over) this.#end(null);
    await this.#source.released();
  }

  async *[Symbol.asyncIterator]() {
    try {
      for (;;) {
        const rows = await this.read();
        if (rows.length === 0) return;
        yield* rows;
      }
    } finally {
      await this.close();
    }
  }

  [Symbol.asyncDispose]() {
    return this.close();
  }

  /** Nothing more will come of it: its connection is free. */
  #end(failure) {
    this.#over = true;
    this.#failure = failure;
    this.#source.ended();
    return failure;
  }

  // ---- From the ring, as a stream hears of it ----

  take(rows, fields) {
    this.fields = fields;
    if (this.#rows.length === 0) this.#rows = rows;
    else for (const row of rows) this.#rows.push(row);
  }

  /** A row could not be made: the statement ends with the batch, then `fail` says why. */
  halt() {
    this.#halted = true;
  }

  suspended() {
    if (this.#halted) this.#fetch(0, this.#timeoutMs || CLOSE_MS);
    else this.#settle();
  }

  end(fields) {
    this.fields ??= fields;
    this.#end(null);
    this.#settle();
  }

  fail(error) {
    this.#end(error);
    this.#rows = [];
    // Aborted or lost between two reads: the next one hears of it.
    const reader = this.#reader;
    this.#reader = null;
    reader?.reject(error);
  }

  #settle() {
    const { resolve } = this.#reader;
    const rows = this.#rows;
    this.#reader = null;
    this.#rows = [];
    resolve(rows);
  }
}

/** On a connection somebody holds, which knows of it; `before` runs ahead of the statement. */
class HeldSource {
  #lease;
  #statement;
  #before;

  constructor(lease, statement, before) {
    this.#lease = lease;
    this.#statement = statement;
    this.#before = before;
    this.cursor = new Cursor(this, statement);
    lease.cursor = this;
  }

  get text() {
    return this.#statement.text;
  }

  start(cursor, rows, timeoutMs) {
    const lease = this.#lease;
    if (lease.released !== null) throw lease.refusal();
    this.#before?.();
    return lease.pool.statements.startCursor(lease, cursor, this.#statement, rows, timeoutMs);
  }

  ended() {
    this.#lease.cursor = null;
  }

  released() {
    return done;
  }
}

/** On a connection of its own, for as long as it is open. */
class PooledSource {
  #pool;
  #statement;
  /** Of the call that made it: the first read comes later, from wherever. */
  #stack;
  #connection = null;
  #released = done;

  constructor(pool, statement, stack) {
    this.#pool = pool;
    this.#statement = statement;
    this.#stack = stack;
    this.cursor = new Cursor(this, statement);
  }

  async start(cursor, rows, timeoutMs) {
    const { signal } = this.#statement;
    this.#connection = await this.#pool.leases.acquire(signal && { signal }, this.#stack);
    const lease = leaseOf(this.#connection);
    return this.#pool.statements.startCursor(lease, cursor, this.#statement, rows, timeoutMs);
  }

  ended() {
    if (this.#connection !== null) this.#released = this.#connection.release();
  }

  released() {
    return this.#released;
  }
}

/** A cursor whose first read rejects: `cursor()` itself never throws. */
function failedCursor(error) {
  const source = {
    start: () => Promise.reject(error),
    ended: ignore,
    released: () => done,
  };
  return new Cursor(source);
}

function ignore() {}

function closed() {
  return new PoolError('ERR_POLYPOOL_STALE_CONNECTION', 'the cursor was closed before its end');
}

module.exports = { HeldSource, PooledSource, failedCursor };
