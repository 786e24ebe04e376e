'use strict';

/** How a request of a pool gets into the ring: on its lease, or wherever the core says. */

const { AsyncResource } = require('node:async_hooks');
const { HEARD } = require('./emitter');
const { PoolError } = require('./errors');
const { answerOf } = require('./request');

/**
 * A promise of the answer; the request's number where it is a stream. Throws what its values are
 * refused with.
 */
function sendStatement(pool, request, signal, flags, timeoutMs, batch) {
  const { link } = pool;
  const number = link.add(request);
  const { lease, text, values } = request;
  if (pool.emitter[HEARD].notice) request.context = new AsyncResource('polypool.Query');
  const slot = lease === null ? -1 : lease.slot;
  const generation = lease === null ? 0 : lease.generation;
  if (lease !== null) flags |= lease.flags;
  if (signal !== undefined) link.watch(number, request, signal);
  // Counted already while its values are read: their code may release the lease.
  if (lease !== null) lease.pending++;
  try {
    link.query(number, pool.id, slot, generation, text, values, flags, timeoutMs, batch);
  } catch (error) {
    if (lease !== null) lease.pending--;
    link.remove(number);
    link.settleUnused();
    // Our own frames are more than a stack holds.
    if (error instanceof PoolError) Error.captureStackTrace(error, sendStatement);
    throw error;
  }
  if (request.stream !== null) return number;
  return answerOf(request);
}

module.exports = { sendStatement };
