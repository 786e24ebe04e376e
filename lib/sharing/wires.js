'use strict';

/** The wires of a pool's connections, which several queries of the pool may be on at a time. */

const { clock } = require('../tick');
const { REPEATS } = require('./ahead');
const { takeAt, takeOut } = require('./take-out');

const { nextTick } = process;

/** Queries on one connection beside its own. */
const AHEAD_MAX = 16;
/** Without an answer for so long a wire has something on it that takes longer than it used to. */
const STUCK_MS = 10;

/** What was sent behind the query that has a connection, in that order. */
class SharedQueries {
  #queries = [];
  /** With what the session knows each by. */
  #sent = [];
  /** Those that only the server may stop. */
  #stoppable = [];
  #tellUnshared = [];

  get size() {
    return this.#queries.length;
  }

  /** `sent`: what the session knows it by. `isInsert`: its answer must be waited for. */
  add(query, sent, isInsert) {
    this.#queries.push(query);
    this.#sent.push(sent);
    if (isInsert) this.#stoppable.push(query);
  }

  /** All may be given up together with their connection, and run once more. */
  get mayCut() {
    return this.#stoppable.length === 0;
  }

  isFirst(query) {
    return this.#queries[0] === query;
  }

  /** What the session knows one by that is not answered. */
  get last() {
    return this.#sent.at(-1);
  }

  /** False where it is none of them. */
  settle(query) {
    const at = this.#queries.indexOf(query);
    if (at < 0) return false;
    takeAt(this.#queries, at);
    takeAt(this.#sent, at);
    takeOut(this.#stoppable, query);
    this.#tellIfEmpty();
    return true;
  }

  /** Takes all of them out. */
  drain() {
    const queries = this.#queries;
    this.#queries = [];
    this.#sent = [];
    this.#stoppable = [];
    this.#tellIfEmpty();
    return queries;
  }

  /** Calls back once those that were sent behind others are answered. */
  afterAll(callback) {
    if (this.#queries.length === 0) callback();
    else this.#tellUnshared.push(callback);
  }

  #tellIfEmpty() {
    if (this.#queries.length > 0 || this.#tellUnshared.length === 0) return;
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
    const { running, wire } = member;
    if (running === null || !running.mayLead) continue;
    if (wire === undefined || wire.isInterrupted || wire.shared >= fewest) continue;
    if (isInsert && (running.repeats === REPEATS.NEVER || !wire.mayStop)) continue;
    if (wire.progressedAt > since) [fewest, best] = [wire.shared, member];
  }
  return best;
}

module.exports = { AHEAD_MAX, SharedQueries, chooseWire };
