'use strict';

/** The wires of a pool's connections, which several queries of the pool may be on at a time. */

// Not the global: test frameworks replace it, perhaps before this is loaded.
const { performance } = require('node:perf_hooks');

const { nextTick } = process;

/** Milliseconds. */
const clock = performance.now.bind(performance);

/** Queries on one connection beside its own. */
const AHEAD_MAX = 16;
/** Without an answer for so long a wire has something on it that takes longer than it used to. */
const STUCK_MS = 10;

/** What was sent behind the query that has a connection. */
class SharedQueries {
  #queries = new Set();
  #tellUnshared = [];

  get size() {
    return this.#queries.size;
  }

  add(query) {
    this.#queries.add(query);
  }

  isFirst(query) {
    const [first] = this.#queries;
    return first === query;
  }

  /** False where it is none of them. */
  settle(query) {
    if (!this.#queries.delete(query)) return false;
    this.#tellIfEmpty();
    return true;
  }

  /** Takes all of them out. */
  drain() {
    const queries = [...this.#queries];
    this.#queries.clear();
    this.#tellIfEmpty();
    return queries;
  }

  /** Calls back once those that were sent behind others are answered. */
  afterAll(callback) {
    if (this.#queries.size === 0) callback();
    else this.#tellUnshared.push(callback);
  }

  #tellIfEmpty() {
    if (this.#queries.size > 0 || this.#tellUnshared.length === 0) return;
    for (const tell of this.#tellUnshared.splice(0)) nextTick(tell);
  }
}

/** The least busy of the wires that a query may go ahead over, of those that move; or null. */
function chooseWire(members) {
  const since = clock() - STUCK_MS;
  let fewest = AHEAD_MAX;
  let best = null;
  for (const member of members) {
    if (member.running === null || !member.running.mayLead) continue;
    const { wire } = member;
    if (wire === undefined) continue;
    if (wire.shared < fewest && wire.progressedAt > since) [fewest, best] = [wire.shared, member];
  }
  return best;
}

module.exports = { AHEAD_MAX, SharedQueries, chooseWire, clock };
