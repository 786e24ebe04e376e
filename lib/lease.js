'use strict';

/** What is behind a borrowed connection: known to lib/, not to its users. */

const { FLAG } = require('./ring');
const { ClosedError, ConnectionLostError, PoolError } = require('./errors');

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
    /** Statements submitted and not answered. */
    this.pending = 0;
    /** An answered statement may still occupy the wire (abort, timeout). */
    this.unsettled = false;
    /** The promise of the release; also set when the engine took the connection away. */
    this.released = null;
    /** One of ENDS. */
    this.end = 'stale';
  }

  identify() {
    return (this.identity ??= this.pool.identify(this.slot, this.generation));
  }

  /** The engine took the connection away: there is nothing left to release. */
  revoke(end) {
    if (this.released !== null) return;
    this.released = settled;
    this.end = end;
  }

  /** What is wrong with using it after its end. */
  refusal() {
    return ENDS[this.end]();
  }
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

/** Submits a statement that goes out together with the next one and shares its fate. */
function leadWith(connection, text) {
  const lease = leaseOf(connection);
  return lease.pool.submit(lease, text, undefined, undefined, FLAG.LEAD);
}

module.exports = { Lease, leadWith, leaseOf, setReader };
