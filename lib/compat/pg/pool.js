'use strict';

/**
 * The pool of `pg-pool` over the pool core. Who waits, what is idle and what is lent is the core's
 * to know (`resources.js`); this class has pg-pool's names, messages, events and counters.
 */

const { EventEmitter } = require('node:events');
const { Resources } = require('../../resources');
const { guarded, surface } = require('../../surface');
const { Handovers } = require('../../sharing/handover');
const { Stalls } = require('../../sharing/stalls');
const { takeOut } = require('../../sharing/take-out');
const { PooledClient } = require('./pool-client');
const {
  ENDED,
  ENDED_TWICE,
  NOT_A_QUERY,
  RELEASED_TWICE,
  refusalOf,
  warnOfLoss,
} = require('./pool-messages');
const { bounds, coreOptions, readOptions, timeoutOf } = require('./pool-options');
const { ClientRequest, QueryRequest } = require('./pool-request');
const { Sharing } = require('./sharing');

const { nextTick } = process;

const NOOP = () => {};

/** Classes of those who wait: who had a client already, and all others. */
const FIRST = 0;
const ORDINARY = 1;
const UNBOUNDED = -1;

/** Programs may replace it. */
const { emit } = EventEmitter.prototype;

const handleTick = (request) => request.pool.handleTick(request);

class Pool extends EventEmitter {
  #resources;
  /** Requests that are looked at after this tick, and those of them that have a client already. */
  #deferred = 0;
  #reserved = 0;
  /** Those who are told of their client, or that they get none, when all effects are done. */
  #answers = [];
  #max;
  #min;
  #timeout;
  /** Clients that queries of the pool have, and how many somebody has himself. */
  #queried = [];
  #holders = 0;
  /** Whoever is being given back. */
  #returning = null;
  #sharing;
  #stalls = new Stalls();
  #handovers = new Handovers(this.#stalls);
  /** How many wait without having been sent over somebody else's client. */
  #inLine = 0;
  #isClosing = false;
  #hasWarned = false;
  #tellEnded = null;
  #clients = {
    create: (_asked, done, failed) => new PooledClient(this, this.#handleLost).open(done, failed),
    destroy: (member, done) => this.#endClient(member, done),
  };
  #askers = {
    stalls: this.#stalls,
    handleGrant: (request, entry) => this.#handleGrant(request, entry),
    handleRefusal: (request, why) => this.#handleRefusal(request, why),
    handleTick: (request) => this.#handleTick(request),
    handleMove: (request) => this.#handleMove(request),
    handleServed: () => this.ending && this.#closeIfServed(),
  };

  constructor(options, Client) {
    super();
    this.options = readOptions(options);
    this.log = this.options.log || NOOP;
    this.Client = this.options.Client || Client || require('./client');
    this.Promise = this.options.Promise || global.Promise;
    this.ending = false;
    this.ended = false;
    this.#max = this.options.max;
    this.#min = this.options.min;
    this.#timeout = this.options.connectionTimeoutMillis;
    const watcher = {
      created: (member) => this.#handleCreated(member),
      removed: (member, why) => this.#handleRemoved(member, why),
      performed: () => this.#answer(),
      closed: () => this.#handleClosed(),
    };
    this.#sharing = new Sharing(this.options);
    const core = coreOptions(this.options);
    this.#resources = new Resources(this.#clients, core, watcher, { callsBack: true });
  }

  // ---- Requests ----

  connect(cb) {
    if (this.ending) return this.#refused(ENDED, cb);
    const request = new ClientRequest(this.#askers, cb);
    const promise = cb ? undefined : request.promise(this.Promise);
    this.#request(request);
    return promise;
  }

  query(text, values, cb) {
    if (typeof values === 'function') {
      cb = values;
      values = undefined;
    }
    if (typeof text === 'function') return this.#refuseFunction(text);
    const request = new QueryRequest(this.#askers, this, text, values, cb);
    const promise = cb ? undefined : request.promise(this.Promise);
    // Instrumentation and subclasses that replace `connect` mean the queries too.
    if (this.connect !== connect) {
      this.connect((error, client) => request.handleClient(error, client));
    } else if (this.ending) request.finish(new Error(ENDED));
    else {
      this.#sharing.examine(request);
      this.#request(request);
    }
    return promise;
  }

  #refuseFunction(callback) {
    setImmediate(() => callback(new Error(NOT_A_QUERY)));
  }

  #refused(message, cb) {
    const error = new Error(message);
    return cb ? cb(error) : this.Promise.reject(error);
  }

  /**
   * pg-pool leaves its idle clients where they are until the tick after `connect`, and so the
   * counters: whoever asks in the meantime is looked at in a later tick, too.
   */
  #request(request) {
    const { options } = this;
    if (options.max !== this.#max || options.min !== this.#min) this.#resize();
    if (this.#deferred === 0) {
      const entry = this.#take(request);
      if (entry === null) return;
      request.entry = entry;
      this.#reserved++;
    }
    this.#deferred++;
    nextTick(handleTick, request);
  }

  /** Null: it waits. */
  #take(request) {
    if (this.options.verify) request.since = Date.now();
    const entry = this.#takeInTime();
    if (entry !== null) return entry;
    this.#wait(request);
    if (request.isQuery && request.isInLine && this.#maySend(request)) {
      this.#sharing.send(request, this.#queried);
      if (request.ahead !== null) this.#leaveLine(request);
    }
    return null;
  }

  /** The core has the option as it was at first. */
  #takeInTime() {
    const { connectionTimeoutMillis: timeout } = this.options;
    if (timeout === this.#timeout) return this.#resources.take();
    return this.#resources.take(ORDINARY, timeoutOf(timeout) ?? UNBOUNDED);
  }

  #wait(request) {
    request.handleWait(this.#hasHooks);
    request.isInLine = true;
    this.#inLine++;
    this.#resources.wait(request);
  }

  #leaveLine(request) {
    if (!request.isInLine) return;
    request.isInLine = false;
    this.#inLine--;
  }

  /** Whether who waits last may be sent over somebody else's client. */
  #maySend({ hasHooks }) {
    // What somebody who holds a client has locked, a query may wait for, and those behind it.
    if (this.#sharing.isOff || this.#holders > 0) return false;
    if (this.#sharing.isAlways) return true;
    // What they set up for a loan is for its query alone.
    if (hasHooks) return false;
    // A single client has an order, which programs rely on.
    return this.#inLine === 1 || bounds(this.options).max > 1;
  }

  #handleTick(request) {
    this.#deferred--;
    if (request.entry === null) {
      const entry = this.#take(request);
      if (entry !== null) this.#handleGrant(request, entry);
    } else {
      this.#reserved--;
      this.#handleGrant(request, request.entry);
    }
  }

  #handleRefusal(request, why) {
    this.#leaveLine(request);
    const error = refusalOf(why, this.#resources.lastError);
    if (this.#resources.isPerforming) this.#answers.push(() => this.#refuse(request, error));
    else this.#refuse(request, error);
  }

  #refuse(request, error) {
    request.answer(error, undefined, NOOP);
    if (this.ending) this.#closeIfServed();
  }

  /** What came out of the core's effects, when these are done: callers may call the pool. */
  #answer() {
    while (this.#answers.length > 0) this.#answers.shift()();
  }

  /** Options may change while the pool is used; the core is told when somebody asks. */
  #resize() {
    this.#max = this.options.max;
    this.#min = this.options.min;
    const { min, max } = bounds(this.options);
    this.#resources.resize(min, max);
  }

  // ---- Loans ----

  #handleGrant(request, entry) {
    this.#leaveLine(request);
    const member = entry.resource;
    member.entry = entry;
    if (this.#resources.isPerforming) this.#answers.push(() => this.#prepare(request, member));
    else this.#prepare(request, member);
  }

  /** Who was sent ahead needs nothing of it as yet. */
  #prepare(request, member) {
    if (isClear(member) || (request.isQuery && request.ahead !== null)) {
      this.#lend(request, member);
      return;
    }
    const lend = () => this.#lend(request, member);
    this.#clear(member, lend, () => this.#replace(request, member));
  }

  #clear(member, clear, stuck) {
    if (isClear(member)) clear();
    else this.#handovers.prepare(member.wire, { isUsable: () => member.isUsable, clear, stuck });
  }

  /** A query that was sent ahead is to run on its own client after all. */
  #handleMove(request) {
    const { member } = request;
    const run = () => request.isOver || request.run(member.client);
    this.#clear(member, run, () => request.isOver || this.#replace(request, member));
  }

  /** The client goes: at most reads are on its wire, which run again elsewhere. */
  #replace(request, member) {
    member.isCut = true;
    const { release } = member.client;
    if (member.isLent) request.leave();
    const { connectionTimeoutMillis: timeout } = this.options;
    const entry = this.#resources.take(FIRST, timeoutOf(timeout) ?? UNBOUNDED);
    if (entry === null) this.#wait(request);
    if (member.isLent) guarded(() => release(true));
    else this.#resources.releaseEntry(member.entry, true);
    if (entry !== null) this.#handleGrant(request, entry);
  }

  /** Hooks of a loan run where it was asked for, whoever gave the client back. */
  #lend(request, member) {
    if (!request.hasHooks) this.#lendHere(request, member);
    else request.context.runInAsyncScope(this.#lendHere, this, request, member);
  }

  #lendHere(request, member) {
    const { client } = member;
    member.isLent = true;
    if (request.isQuery) this.#queried.push(member);
    else this.#holders++;
    if (member.isNew) member.isNew = false;
    else client.ref?.();
    try {
      this.emit('acquire', client);
    } catch (thrown) {
      surface(thrown);
    }
    const release = this.#releaseOnce(member);
    client.release = release;
    if (!member.isVerified && this.options.verify) this.#verify(request, member, release);
    else this.#handOver(request, member, release);
    if (this.ending) this.#closeIfServed();
  }

  #verify(request, member, release) {
    const { verify, connectionTimeoutMillis } = this.options;
    member.watch();
    const left = connectionTimeoutMillis - (Date.now() - request.since);
    member.verify(verify, connectionTimeoutMillis ? left : undefined, (error) => {
      if (!error) {
        this.#handOver(request, member, release);
        return;
      }
      if (member.isLent && member.client.release === release) release(error);
      request.answer(error, undefined, NOOP);
    });
  }

  #handOver(request, member, release) {
    if (request.isQuery) member.watch();
    else member.unwatch();
    request.answer(undefined, member, release);
  }

  #releaseOnce(member) {
    let isReleased = false;
    return (err) => {
      if (isReleased) throw new Error(RELEASED_TWICE);
      isReleased = true;
      this.#giveBack(member, err);
    };
  }

  #giveBack(member, err) {
    const { client } = member;
    const { options } = this;
    member.isLent = false;
    if (!takeOut(this.#queried, member)) this.#holders--;
    if (this.#isHeard) member.watch();
    client._poolUseCount = (client._poolUseCount || 0) + 1;
    try {
      this.emit('release', err, client);
    } finally {
      const isSpent = client._poolUseCount >= options.maxUses;
      if (isSpent) this.log('remove expended client');
      const isUnfit = Boolean(err) || !client._queryable || client._ending;
      if (options.allowExitOnIdle && !isUnfit && !isSpent && !this.ending) client.unref();
      this.#returning = member;
      this.#resources.releaseEntry(member.entry, isUnfit || isSpent);
      this.#returning = null;
      if (!member.isLent) member.watch();
      if (this.ending) this.#closeIfServed();
    }
  }

  /** Whether anybody could tell that a client which goes from hand to hand is watched on its way. */
  get #isHeard() {
    return this.log !== NOOP || this.options.allowExitOnIdle || this.#hasHooks;
  }

  /** Whether a program does something of its own at each loan. */
  get #hasHooks() {
    if (this.emit !== emit || this.options.verify) return true;
    return this.listenerCount('release') + this.listenerCount('acquire') > 0;
  }

  // ---- Clients come and go ----

  #handleCreated(member) {
    this.#tell('connect', member.client);
    if (!this.options.allowExitOnIdle) return;
    // Whoever it was for may be gone.
    queueMicrotask(() => {
      if (member.isNew && !member.isGone) member.client.unref();
    });
  }

  #handleLost = (member, error) => {
    const { client } = member;
    if (error !== null && typeof error === 'object') error.client = client;
    for (const entry of this.#resources.idle()) {
      if (entry.resource === member) this.#resources.evict(entry);
    }
    if (this.listenerCount('error') > 0) this.emit('error', error, client);
    else this.#warn(error);
  };

  #warn(error) {
    if (this.#hasWarned) return;
    this.#hasWarned = true;
    warnOfLoss(error);
  }

  #handleRemoved(member, why) {
    const { client } = member;
    if (why === 'idle') this.log('remove idle client');
    if (why !== 'lifetime') return;
    this.log('remove expired client');
    if (member === this.#returning) return;
    // An idle one: pg-pool lends it to itself to be rid of it.
    this.#tell('acquire', client);
    this.#tell('release', undefined, client);
  }

  #endClient(member, done) {
    member.end(() => {
      this.#tell('remove', member.client);
      done();
    });
  }

  /** What a listener throws costs nobody his client. */
  #tell(event, ...about) {
    try {
      this.emit(event, ...about);
    } catch (thrown) {
      surface(thrown);
    }
  }

  // ---- The end ----

  end(cb) {
    this.log('ending');
    if (this.ending) return this.#refused(ENDED_TWICE, cb);
    this.ending = true;
    const promise = cb ? undefined : new this.Promise((resolve) => (this.#tellEnded = resolve));
    if (cb) this.#tellEnded = cb;
    this.#closeIfServed();
    return promise;
  }

  /** Whoever asked before the end is served; then idle clients go, and lent ones when given back. */
  #closeIfServed() {
    if (this.#isClosing || this.waitingCount > 0) return;
    // Who may need another client.
    if (this.#handovers.size > 0 || this.#stalls.size > 0) return;
    this.#isClosing = true;
    this.#resources.close(-1);
  }

  #handleClosed() {
    this.ended = true;
    try {
      this.#tellEnded();
    } catch (thrown) {
      surface(thrown);
    }
  }

  // ---- Counters ----

  get waitingCount() {
    return this.#resources.counts().waiting + this.#deferred;
  }

  get idleCount() {
    return this.#resources.counts().idle + this.#reserved;
  }

  /** Lent for longer than they may live. */
  get expiredCount() {
    return this.#resources.expired();
  }

  get totalCount() {
    const { total, closing } = this.#resources.counts();
    return total - closing;
  }
}

/** Nothing of others is on its wire. It has none where it is of the application's own class. */
function isClear({ wire }) {
  return wire === undefined || wire.shared === 0;
}

const { connect } = Pool.prototype;

module.exports = Pool;
