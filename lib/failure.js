'use strict';

/** Why a request failed: what the engine says of it, and what only this side knows. */

const { AcquireTimeoutError, abortError, atCaller, fromWire } = require('./errors');
const { describeTimeout, explainNested } = require('./holders');

/** The pool that a timeout is about. */
const waitedFor = new WeakMap();

/** The error of a request, with what only this side knows. */
function errorOf(pool, wire, request) {
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
  const about = pool.link.pools.get(wire.pool) ?? pool;
  if (waited) wire = describeTimeout(wire, (holder) => about.leases.find(holder));
  const { isStatement, text, values } = request;
  const thrown = pool.hooks.password;
  const error = fromWire(wire, isStatement ? { text, values, thrown } : { thrown });
  if (waited) waitedFor.set(error, about);
  return error;
}

/** As `atCaller`; in the caller's async context it shows whether that code holds connections. */
function atAcquirer(error) {
  if (error instanceof AcquireTimeoutError) explainNested(error, waitedFor.get(error));
  return atCaller(error, atAcquirer);
}

module.exports = { atAcquirer, errorOf };
