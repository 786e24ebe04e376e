'use strict';

/** The wires of a pool's connections, which several queries of the pool may be on at a time. */

// Not the global: test frameworks replace it, perhaps before this is loaded.
const { performance } = require('node:perf_hooks');
const { REPEATS } = require('./ahead');

const { nextTick } = process;

/** Milliseconds. */
const clock = performance.now.bind(performance);

/** Queries on one connection beside its own. */
const AHEAD_MAX = 16;
/** Without an answer for so long a wire has something on it that takes longer than it used to. */
const STUCK_MS = 10;

/** What was sent behind the query that has a connection. */
class SharedQueries {
  /** With what the session knows each by. */
  #queries = new Map();
  /** Those that only the server may stop. */
  #stoppable = new Set();
  #tellUnshared = [];

  get size() {
    return this.#queries.size;
  }

  /** `sent`: what the session knows it by. `isInsert`: its answer must be waited for. */
  add(query, sent, isInsert) {
    this.#queries.set(query, sent);
    if (isInsert) this.#stoppable.add(query);
  }

  /** All may be given up together with their connection, and run once more. */
  get mayCut() {
    return this.#stoppable.size === 0;
  }

  isFirst(query) {
    const [first] = this.#queries.keys();
    return first === query;
  }

  /** What the session knows one by that is not answered. */
  get last() {
    let last;
    for (const sent of this.#queries.values()) last = sent;
    return last;
  }

  /** False where it is none of them. */
  settle(query) {
    if (!this.#queries.delete(query)) return false;
    this.#stoppable.delete(query);
    this.#tellIfEmpty();
    return true;
  }

  /** Takes all of them out. */
  drain() {
    const queries = [...this.#queries.keys()];
    this.#queries.clear();
    this.#stoppable.clear();
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

/**
 * The least busy of the wires that a query may go ahead over, of those that move; or null. An INSERT
 * only goes where all others could be stopped together with it.
 */
function chooseWire(members, isInsert) {
  const since = clock() - STUCK_MS;
  let fewest = AHEAD_MAX;
  let best = null;
  for (const member of members) {
    const { running } = member;
    if (running === null || !running.mayLead) continue;
    const { wire } = member;
    if (wire === undefined || wire.isInterrupted) continue;
    if (isInsert && (running.repeats === REPEATS.NEVER || !wire.mayStop)) continue;
    if (wire.shared < fewest && wire.progressedAt > since) [fewest, best] = [wire.shared, member];
  }
  return best;
}

module.exports = { AHEAD_MAX, SharedQueries, chooseWire, clock };
