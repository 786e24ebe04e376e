'use strict';

/**
 * The link to the engine: both rings, and who waits for an answer. There is one per load of lib/,
 * rarely more; it opens when the first pool does.
 */

const { threadId } = require('node:worker_threads');
const binding = require('./binding');
const { Completion } = require('./completion');
const { PoolError, abortError } = require('./errors');
const { NUMBERS, ORDINARY_NUMBERS, SUBMIT } = require('./records');
const { offAbort, onAbort } = require('./signal');
const { Submission } = require('./submission');

/** How long the end of the process waits for the engine, which has to do no more than write. */
const EXIT_MS = 1000;

/** The links of the process that hear of its end, by whichever load of lib/ they are. */
const LEAVING = Symbol.for('polypool.leaving');

/** One listener for all: several loads would be one too many for Node to keep quiet. */
function atExit(link) {
  if (process[LEAVING] === undefined) {
    Object.defineProperty(process, LEAVING, { value: new Set() });
    process.on('exit', () => process[LEAVING].forEach((one) => one.leave()));
  }
  process[LEAVING].add(link);
}

class Link extends Submission {
  constructor() {
    super(binding.openLink(() => this.completion.wake(), threadId));
    this.completion = new Completion(this);
    this.id = this.native.id;
    this.pools = new Map();
    /** Transports made for the engine, by its numbers. */
    this.transports = new Map();
    /** Names of the shared pools among them. */
    this.shared = new Set();
    this.requests = [];
    this.free = [];
    /** Numbers beyond the ordinary ones that are free again. */
    this.spare = [];
    this.pending = 0;
    this.broken = null;
    atExit(this);
  }

  /**
   * The process is about to end: what was asked goes out, and from now on at once. No tick follows,
   * and nobody waits for an answer.
   */
  leave() {
    const { commit } = this;
    this.commit = () => {
      commit.call(this);
      this.#writeOut();
    };
    this.#writeOut();
  }

  #writeOut() {
    this.flush();
    if (this.broken === null) binding.writeOut(this.id, EXIT_MS);
  }

  /**
   * A number for a request; the event loop stays alive until it is settled. A release or close is
   * `urgent`: it gets one however many others are pending.
   */
  add(request, urgent = false) {
    if (this.broken !== null) throw this.broken;
    let number = this.free.length > 0 ? this.free.pop() : this.requests.length;
    if (number >= ORDINARY_NUMBERS) number = this.#spareNumber(urgent);
    this.requests[number] = request;
    request.shapes = this.completion.shapes;
    if (this.pending++ === 0) this.native.ref();
    return number;
  }

  #spareNumber(urgent) {
    if (urgent && this.spare.length > 0) return this.spare.pop();
    if (urgent && this.requests.length < NUMBERS) return this.requests.length;
    const message = `more than ${ORDINARY_NUMBERS} requests are pending`;
    throw new PoolError('ERR_POLYPOOL_QUEUE_FULL', message);
  }

  /** Takes a settled request out. */
  remove(number) {
    const request = this.requests[number];
    this.requests[number] = undefined;
    (number < ORDINARY_NUMBERS ? this.free : this.spare).push(number);
    if (request.parked) request.parked = false;
    else this.pending--;
    if (request.onAbort !== undefined) offAbort(request.signal, request.onAbort);
    return request;
  }

  /** For a request that ends without the ring. */
  settleUnused() {
    if (this.pending === 0) this.native.unref();
  }

  /** Asks a suspended cursor for so many rows more, or with 0 for its end. */
  fetch(number, rows, timeoutMs) {
    this.unpark(this.requests[number]);
    this.record(SUBMIT.FETCH, number, rows, timeoutMs);
  }

  /** Waited for by nobody, a request does not keep the event loop alive. */
  park(request) {
    request.parked = true;
    this.pending--;
  }

  unpark(request) {
    if (!request.parked) return;
    request.parked = false;
    this.hold();
  }

  /** Keeps the event loop alive until as many `unhold` follow. */
  hold() {
    if (this.pending++ === 0) this.native.ref();
  }

  unhold() {
    if (--this.pending === 0) this.native.unref();
  }

  /** The async context of a request's caller, if it was noted. */
  contextOf(number) {
    return this.requests[number]?.context ?? null;
  }

  /**
   * Ends the request early when the signal fires. Called before the engine knows of it: a foreign
   * signal may throw or turn out to be aborted, and then the request is out again.
   */
  watch(number, request, signal) {
    request.signal = signal;
    request.onAbort = () => {
      // The number may be another's by now.
      if (this.requests[number] !== request) return;
      if (request.isStatement) this.record(SUBMIT.CANCEL, number);
      else request.pool.withdraw(number);
    };
    try {
      onAbort(signal, request.onAbort);
      if (signal.aborted) throw abortError(signal);
    } catch (error) {
      this.remove(number);
      this.settleUnused();
      throw error;
    }
  }

  /**
   * The two sides no longer understand each other: nothing that is pending can be answered, and
   * the numbers mean nothing any more. Pools of this link are lost; the next one opens a new link.
   */
  breakDown(message, cause) {
    if (this.broken !== null) return;
    this.broken = new PoolError('ERR_POLYPOOL_PROTOCOL', message, { cause });
    links = links.filter((link) => link !== this);
    this.transports.forEach((transport) => transport.fail(this.broken));
    this.transports.clear();
    this.pools.forEach((pool) => pool.handleBreakdown?.(this.broken));
    this.requests.forEach((request, number) => {
      if (request === undefined) return;
      this.remove(number).fail(this.broken);
    });
  }
}

/** The links of this load of lib/. */
let links = [];

/**
 * One is enough, unless this load opens a shared pool twice: the engine tells who uses a pool by
 * its link.
 */
function link(shared) {
  let found = shared === undefined ? links[0] : links.find((one) => !one.shared.has(shared));
  if (found === undefined) {
    found = new Link();
    links.push(found);
  }
  return found;
}

module.exports = { binding, link };
