'use strict';

/**
 * Who holds what while others wait: what an acquire timeout says of it, and whether the code that
 * waited is among the holders.
 */

const { AsyncLocalStorage } = require('node:async_hooks');
const { threadId } = require('node:worker_threads');

/** Holders that the message names; the error's `holders` lists some more. */
const NAMED = 3;

/**
 * What the running code holds: `{ held, outer }`. Made by the first pool with leak detection, a
 * debugging aid: in Node before 24 it makes every promise of the process dearer.
 */
let storage = null;

function trackHolders() {
  storage ??= new AsyncLocalStorage();
}

/** Runs the callback as code that holds a lease or is inside a nested transaction. */
function runHolding(held, callback, argument) {
  if (storage === null) return callback(argument);
  return storage.run({ held, outer: storage.getStore() }, callback, argument);
}

/** What the running code holds, for later: `{ held, outer }`, or undefined. */
function whatIsHeld() {
  return storage === null ? undefined : storage.getStore();
}

/** Whether the running code holds, directly or further out, something that `test` accepts. */
function holds(test) {
  for (let store = whatIsHeld(); store !== undefined; store = store.outer) {
    if (test(store.held)) return true;
  }
  return false;
}

/** The leases of a pool among what was held, as far as they still are. */
function leasesOf(pool, store) {
  const leases = [];
  for (; store !== undefined; store = store.outer) {
    const { held } = store;
    if (held.pool === pool && held.released === null) leases.push(held);
  }
  return leases;
}

/** Completes what the engine said: `leaseAt(holder)` is the lease of this load of lib/, if any. */
function describeTimeout(wire, leaseAt) {
  const holders = wire.holders.map(({ slot, generation, ...holder }) => ({
    ...holder,
    stack: leaseAt({ slot, generation })?.stack ?? null,
  }));
  const named = holders.slice(0, NAMED).map(nameOf);
  const told = named.length > 0 ? `; held longest: ${named.join(', ')}` : '';
  const { unused, ...rest } = wire;
  const hint = unused ? UNUSED : '';
  return { ...rest, message: wire.message + told + hint, holders, nested: unused === true };
}

/** No proof, but nothing else looks like it. */
const UNUSED =
  '; nothing ran on any of the lent connections meanwhile: code that holds one waits for another ' +
  '(a nested acquire waits for itself), or never gives it back';

function nameOf({ heldMs, thread, stack }) {
  if (stack !== null) return `${heldMs} ms by ${firstFrame(stack)}`;
  return thread === threadId || thread === null
    ? `${heldMs} ms`
    : `${heldMs} ms in thread ${thread}`;
}

function firstFrame(stack) {
  return stack
    .split('\n', 1)[0]
    .trim()
    .replace(/^at (?:async )?/, '');
}

/** Names the nested acquire, when the code that waited is known to hold some of them itself. */
function explainNested(error, pool, store) {
  const mine = leasesOf(pool, store);
  if (mine.length === 0) return;
  const from = mine.find((lease) => lease.stack !== undefined)?.stack;
  const where = from === undefined ? '' : ` (acquired by ${firstFrame(from)})`;
  error.nested = true;
  error.message =
    `${error.message.replace(UNUSED, '')}; this code already holds ${mine.length} ` +
    `connection${mine.length > 1 ? 's' : ''} of this pool${where}: a nested acquire waits for itself`;
}

module.exports = {
  describeTimeout,
  explainNested,
  holds,
  runHolding,
  trackHolders,
  whatIsHeld,
};
