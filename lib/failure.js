'use strict';

/** Why a request failed: what the engine says of it, and what only this side knows. */

const { AcquireTimeoutError, abortError, atCaller, fromWire } = require('./errors');
const { describeTimeout, explainNested } = require('./holders');

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
  return waited ? explained(error, about, request.held) : error;
}

/** As far as the caller is known to hold some of what it waited for. */
function explained(error, pool, held) {
  if (error instanceof AcquireTimeoutError) explainNested(error, pool, held);
  return error;
}

/**
 * Rejects the promise that `resolve` settles, with the stack of whoever awaits it. As `atCaller`,
 * without a handler on promises that succeed; but it takes four turns. See `refuseInLine`.
 */
function refuseAtCaller(resolve, error) {
  // One turn later: V8 finds the awaiting code once the promise follows this one.
  resolve(Promise.reject(error).then(undefined, pass).then(undefined, atCaller));
}

function pass(error) {
  throw error;
}

/** Calls back once whoever awaits such a promise has been told. */
function afterRefusal(callback) {
  const fourth = Promise.resolve().then(nothing).then(nothing).then(nothing).then(nothing);
  fourth.then(callback);
}

function nothing() {}

/** Those who are told behind somebody who is being refused, and who of them is next. */
let line = [];
let next = 0;
/** How many are being refused. */
let refusing = 0;

/** As `refuseAtCaller`, in order with whoever else is told in line. */
function refuseInLine(resolve, error) {
  if (next < line.length) line.push({ resolve, value: error, isRefused: true });
  else refuseNext(resolve, error);
}

/** Resolves the promise: behind those that were refused before. */
function resolveInLine(resolve, value) {
  if (refusing === 0) resolve(value);
  else line.push({ resolve, value, isRefused: false });
}

function refuseNext(resolve, error) {
  refusing++;
  refuseAtCaller(resolve, error);
  afterRefusal(goOn);
}

function goOn() {
  refusing--;
  while (next < line.length) {
    const { resolve, value, isRefused } = line[next];
    if (!isRefused && refusing > 0) return;
    next++;
    if (isRefused) refuseNext(resolve, value);
    else resolve(value);
  }
  line = [];
  next = 0;
}

module.exports = {
  ...{ afterRefusal, errorOf, explained },
  ...{ refuseAtCaller, refuseInLine, resolveInLine },
};
