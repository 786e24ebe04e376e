'use strict';

/** What is behind a borrowed connection: known to lib/, not to its users. */

// Not the globals: test frameworks replace those, perhaps before this is loaded.
const { setTimeout: later } = require('node:timers');
const { ClosedError, ConnectionLostError, PoolError, attachStatement } = require('./errors');
const { failedCopy } = require('./copy');
const { CUT, TAKEN, failedStream } = require('./stream');

const settled = Promise.resolve();

/** How a lease may end other than by its release, and what its statements are refused with. */
const ENDS = {
  stale: () =>
    new PoolError(
      'ERR_POLYPOOL_STALE_CONNECTION',
      'the connection was released and may not be used any more',
    ),
  revoked: () =>
    new PoolError(
      'ERR_POLYPOOL_STALE_CONNECTION',
      'the connection was held for longer than maxLeaseMs and was taken away',
    ),
  closed: () => new ClosedError('the pool is closed'),
  lost: () => new ConnectionLostError('the connection was lost'),
};

/** A reader that takes nothing for so long holds a released connection no longer. */
const STANDING_MS = 5000;

const NONE = new Map();

const FAILED_TRANSACTION = '25P02';

/** How a statement may end before the server has answered it: then it may have run. */
const CUT_SHORT = new Set(['ERR_POLYPOOL_ABORTED', 'ERR_POLYPOOL_QUERY_TIMEOUT']);

/** The right to use a slot's connection, and what is known of its use. */
class Lease {
  constructor(pool, slot, generation, flags, stack) {
    this.pool = pool;
    this.slot = slot;
    this.generation = generation;
    this.flags = flags;
    /** Where it was acquired, with leak detection. */
    this.stack = stack;
    this.connection = null;
    this.identity = null;
    /** A cursor that is open on it: nothing else may run. */
    this.cursor = null;
    /** Streams of rows and COPYs that are not over, with the transaction of each, if any. */
    this.streams = null;
    /** Statements submitted and not answered. */
    this.pending = 0;
    /** An answered statement may still occupy the wire (abort, timeout). */
    this.unsettled = false;
    /** What failed first since a statement ended well: it is what fails a transaction. */
    this.failure = null;
    this.recovered = false;
    /** What undid the transaction under way: its statements would run in none. */
    this.undone = null;
    /** The promise of the release; also set when the engine took the connection away. */
    this.released = null;
    /** One of ENDS. */
    this.end = 'stale';
  }

  query(text, values, options, flags) {
    if (this.isBarred()) return Promise.reject(this.refusal());
    return this.pool.statements.submit(this, text, values, options, flags);
  }

  stream(text, values, options, flags) {
    if (this.isBarred()) return failedStream(this.refusal());
    return this.pool.statements.openStream(this, text, values, options, flags);
  }

  copy(Stream, text, options, flags) {
    if (this.isBarred()) return failedCopy(Stream, this.refusal());
    return this.pool.statements.openCopy(this, Stream, text, options, flags);
  }

  /** `before` runs ahead of its statement. */
  openCursor(text, values, options, flags, before) {
    return this.pool.statements.openCursor(this, text, values, options, flags, before);
  }

  /** Nothing may run on it now, as `refusal` explains. */
  isBarred() {
    return this.released !== null || this.cursor !== null;
  }

  /** A stream on it, until it is closed. */
  track(stream) {
    this.streams ??= new Map();
    this.streams.set(stream, null);
    stream.once('close', () => this.streams.delete(stream));
  }

  /** The stream was opened by this transaction. */
  own(stream, transaction) {
    if (this.streams?.has(stream)) this.streams.set(stream, transaction);
  }

  /**
   * Ends what was left open and would be in the way of what follows for ever: a cursor, writers
   * that were not ended, readers that nobody reads. Of readers also those of which `isMine(owner)`:
   * whoever read them has returned. With `cut` they are cancelled, whatever that does to a
   * transaction. Undefined: nothing to wait for.
   */
  endOpen(isMine = nobody, cut = false) {
    const ends = [];
    const cursor = this.cursor?.cursor.close();
    if (cursor !== undefined) ends.push(cursor.catch(() => {}));
    for (const [stream, owner] of this.streams ?? NONE) {
      if (isWriter(stream)) {
        if (!stream.writableEnded) stream.destroy();
      } else if (isMine(owner)) {
        ends.push(new Promise((resolve) => stream.once('close', resolve)));
        if (cut) stream[CUT]();
        leave(stream);
      } else if (isUnread(stream)) {
        stream.destroy();
      }
    }
    return ends.length === 0 ? undefined : Promise.all(ends);
  }

  /** Once released: readers of which nothing is taken any more are ended. */
  endStanding() {
    if (this.streams === null || this.streams.size === 0) return;
    const before = new Map();
    const look = () => {
      const readers = [...this.streams.keys()].filter((stream) => !isWriter(stream));
      for (const stream of readers) {
        const taken = stream[TAKEN];
        if (taken !== null && taken === before.get(stream)) leave(stream);
        before.set(stream, taken);
      }
      if (readers.length > 0) later(look, STANDING_MS).unref();
    };
    look();
  }

  /** A statement has ended well. */
  noteDone() {
    this.pending--;
    if (this.failure !== null) this.recovered = true;
  }

  noteFailed(wire, error) {
    const { kind, code } = wire;
    this.pending--;
    if (this.pool.dialect.undoes(wire)) this.undone ??= error;
    // An abort or a timeout is answered at once; the wire may still be busy with the statement.
    if (kind === 'pool') this.unsettled = true;
    if (kind !== 'database' && !CUT_SHORT.has(code)) return;
    if (code === FAILED_TRANSACTION) explain(error, this.failure);
    if (this.failure === null || this.recovered) {
      this.failure = error;
      this.recovered = false;
    }
  }

  identify() {
    return (this.identity ??= this.pool.leases.identify(this.slot, this.generation));
  }

  /** The engine took the connection away: there is nothing left to release. */
  revoke(end) {
    if (this.released !== null) return;
    this.released = settled;
    this.end = end;
  }

  /** What is wrong with using it after its end, or while a cursor is open on it. */
  refusal() {
    if (this.released === null && this.cursor !== null) return cursorOpen(this.cursor.text);
    return ENDS[this.end]();
  }
}

function cursorOpen(text) {
  const message =
    'a cursor is open on this connection: read it to its end or close() it first, or run the ' +
    'statement on another connection';
  return attachStatement(new PoolError('ERR_POLYPOOL_CURSOR_OPEN', message), text);
}

/** That the transaction has failed says nothing of why. */
function explain(error, cause) {
  if (cause === null || error.cause !== undefined) return;
  Object.defineProperty(error, 'cause', { value: cause, configurable: true, writable: true });
}

function nobody() {
  return false;
}

function isWriter(stream) {
  return typeof stream.writableEnded === 'boolean';
}

/** Ends a reader; whoever listens hears that it was not read to its end. */
function leave(stream) {
  stream.destroy(stream.listenerCount('error') > 0 ? leftOpen() : undefined);
}

function leftOpen() {
  return new PoolError(
    'ERR_POLYPOOL_STALE_CONNECTION',
    'the stream was ended before its end: the callback that it belongs to has returned, or its ' +
      'connection was released and nothing was read any more',
  );
}

function isUnread(stream) {
  return stream.readableFlowing === null && stream.listenerCount('readable') === 0;
}

let read = null;

/** `Connection` says how to get at its lease. */
function setReader(reader) {
  read = reader;
}

/** The lease of a connection of this load of lib/; undefined for anything else. */
function leaseOf(value) {
  return read(value);
}

module.exports = { Lease, leaseOf, setReader };
