'use strict';

/**
 * The core behind resources that JavaScript makes. It runs inside the calls made here, on this
 * thread, and says what to do: grants are told here, the factory's steps are `resource-steps.js`.
 * What is idle, lent or waited for is known to the core alone.
 */

// Not the globals: test frameworks replace those, perhaps before this is loaded.
const { performance } = require('node:perf_hooks');
const { clearTimeout, setTimeout } = require('node:timers');
const binding = require('./binding');
const { OptionError, messageOf } = require('./errors');
const { TIMEOUT_MAX } = require('./options');
const { Entries } = require('./resource-entries');
const { Steps } = require('./resource-steps');
const { Tick, clock } = require('./tick');

// Not the global's: test frameworks replace it.
const { parse } = JSON;

/** The numbers of `src/wire/foreign.rs`; `__tests__/boundary/records.test.js` compares them. */
const ANSWER = { NOTHING: -1, MORE: -2, NOT_LENT: -3 };
const CHANGE = {
  CREATED: 1,
  CREATE_FAILED: 2,
  VALIDATED: 3,
  RESET: 4,
  DESTROYED: 5,
  EVICT: 6,
  CANCEL: 7,
  WARM: 8,
  CLEAR: 9,
  TICK: 10,
};
const EFFECT = {
  CREATE: 1,
  VALIDATE: 2,
  RESET: 3,
  DESTROY: 4,
  GRANT: 5,
  REJECT: 6,
  LEAK: 7,
  REVOKE: 8,
  CLOSED: 9,
  ALARM: 10,
};
const REJECTED = { TIMEOUT: 1, ABORTED: 2, FULL: 3, CLOSED: 4, CREATE: 5 };

/** What a release came to. */
const BACK = { NOT_LENT: 0, DONE: 1, UNDER_WAY: 2 };

/** Effects taken at once: few are ever due together. */
const TAKEN = 16;
const COUNTS = 10;

/** The number of a pool that has closed. */
const NONE = -1;

/** One per load of lib/, made with the first pool. */
let native = null;

/** What nobody closed and nobody can reach any more leaves no core behind. */
const dropped = new FinalizationRegistry((pool) => native.forget(pool));
const counts = new Int32Array(COUNTS);

/** The core is told the time once in a tick: a clock costs as much as all else that lending does. */
const told = new Tick();

function tellTime() {
  if (told.isNew()) native.now(clock());
}

class Resources {
  #pool;
  #settings;
  #watcher;
  #steps;
  #effects = new Int32Array(4 * TAKEN);
  #entries = new Entries();
  /** Those of `#entries`, by slot. */
  #slots = this.#entries.slots;
  /** Those who wait, by number, and the numbers that are free. */
  #requests = [];
  #free = [];
  #waiting = 0;
  /** What `take` has asked for, and the answer. */
  #asked = 0;
  #answer = ANSWER.NOTHING;
  /** Released last, and not back at once; those released while effects are being performed. */
  #returning = null;
  #nested = [];
  #performing = false;
  /** Of the effects taken: how many words, and the next to be looked at. */
  #taken = 0;
  #next = 0;
  #closing = false;
  #lastStats = null;
  #alarm = null;

  /**
   * `watcher`: `created`, `createFailed`, `removed`, `destroyFailed`, `checkFailed`, `leaked`,
   * `revoked`, `performed`, `closed`, each optional. `awaitDestroy: false`: a resource leaves the
   * counts when its destroy is called, not when that is over. `callsBack`: the factory's steps do.
   */
  constructor(factory, options, watcher, { awaitDestroy = true, callsBack = false } = {}) {
    native ??= binding.openResources();
    tellTime();
    this.#watcher = watcher;
    const { create, destroy, validate, reset } = factory;
    const settings = parse(native.open({ ...options, create, destroy, validate, reset }));
    if (settings.option !== undefined) throw new OptionError(settings.message, settings);
    this.#settings = settings;
    this.#pool = settings.pool;
    dropped.register(this, settings.pool, this);
    this.#steps = new Steps(factory, callsBack, this.#entries, {
      ...{ settings, watcher, awaitDestroy, reasonOf: (why) => native.reason(why) },
      tell: (change, entry, ok) => this.#tell(CHANGE[change], entry.slot, entry.serial, ok),
      isWanted: () => this.#waiting > 0,
    });
  }

  /** `{ thrown }` of the last create, when it failed. */
  get lastError() {
    return this.#steps.lastError;
  }

  get settings() {
    return this.#settings;
  }

  /** Begins to fill `min`; of a pool that is lazy the first acquire does. */
  start() {
    this.#tell(CHANGE.TICK);
  }

  /** As `start`, of at least one resource. */
  warm() {
    this.#tell(CHANGE.WARM);
  }

  /** Somebody waits for `warm`: the process must not end before the next attempt. */
  hold() {
    if (this.#waiting++ === 0) this.#alarm?.ref();
  }

  unhold() {
    if (--this.#waiting === 0) this.#alarm?.unref();
  }

  /**
   * The entry of an idle resource. Null: `wait` must follow before anything else. Without arguments
   * in the last class of priority and with the pool's own timeout.
   */
  take(priority, timeoutMs) {
    tellTime();
    const free = this.#free;
    const number = free.length > 0 ? free[free.length - 1] : this.#requests.length;
    const answer =
      priority === undefined
        ? native.acquire(this.#pool, number)
        : native.acquireWith(this.#pool, number, priority, timeoutMs);
    if (answer >= 0) return this.#slots[answer];
    this.#asked = number;
    this.#answer = answer;
    return null;
  }

  /**
   * Waits for what `take` did not get: `request.resolve(entry)` or `request.reject(why, waitedMs)`
   * follows, perhaps within the call.
   */
  wait(request) {
    const number = this.#asked;
    if (number < this.#requests.length) this.#free.pop();
    this.#requests[number] = request;
    request.number = number;
    this.hold();
    if (this.#answer === ANSWER.NOTHING) return;
    if (this.#answer === ANSWER.MORE) this.#perform();
    else this.#takeRequest(number).reject(REJECTED.CLOSED, 0);
  }

  /** Withdraws a request that still waits: its `reject` follows at once. */
  cancel(request) {
    if (this.#requests[request.number] === request) this.#tell(CHANGE.CANCEL, request.number);
  }

  /** One of BACK. Under way: `whenBack` tells when it is over. */
  release(resource, destroy) {
    const entry = this.#lent(resource);
    return entry === undefined ? BACK.NOT_LENT : this.releaseEntry(entry, destroy);
  }

  /** As `release`, where the entry is at hand. */
  releaseEntry(entry, destroy) {
    tellTime();
    const { slot } = entry;
    const answer = destroy ? native.destroy(this.#pool, slot) : native.release(this.#pool, slot);
    return this.#released(entry, answer);
  }

  /** What tells this lease of the entry from later ones. */
  leaseOf(entry) {
    return native.generation(this.#pool, entry.slot);
  }

  /** As `release`, unless that lease has ended already: whoever has the resource now keeps it. */
  releaseLease(entry, lease, destroy) {
    tellTime();
    const answer = native.releaseLease(this.#pool, entry.slot, lease, destroy ? 1 : 0);
    return this.#released(entry, answer);
  }

  #released(entry, answer) {
    if (answer === ANSWER.NOTHING) return BACK.DONE;
    if (answer >= 0) {
      this.#takeRequest(answer).resolve(entry);
      return BACK.DONE;
    }
    if (answer !== ANSWER.MORE) return BACK.NOT_LENT;
    this.#returning = entry;
    if (this.#performing) {
      this.#nested.push(entry);
      return BACK.UNDER_WAY;
    }
    this.#perform();
    return entry.step === null ? BACK.DONE : BACK.UNDER_WAY;
  }

  /** Calls back once what was released last is back or gone. */
  whenBack(callback) {
    this.#returning.onceBack(callback);
  }

  /** The entry of a lent resource. Of several equal ones, any that is lent. */
  #lent(resource) {
    const entry = this.#entries.get(resource);
    if (entry === undefined || entry.twin === null) return entry;
    for (let it = entry; it !== null; it = it.twin) if (this.#isLent(it)) return it;
    return undefined;
  }

  #isLent(entry) {
    return native.isLent(this.#pool, entry.slot) === 1;
  }

  /** Whether that lease of the entry is still out. */
  isOut(entry, lease) {
    return this.leaseOf(entry) === lease && this.#isLent(entry);
  }

  isLent(resource) {
    return this.entryOf(resource) !== undefined;
  }

  /** The entry of a resource that is lent, for what a surface keeps with it. */
  entryOf(resource) {
    const entry = this.#lent(resource);
    return entry !== undefined && this.#isLent(entry) ? entry : undefined;
  }

  /** How many are lent for longer than they may live. */
  expired() {
    tellTime();
    return native.expired(this.#pool) ?? 0;
  }

  counts() {
    if (native.counts(this.#pool, counts) === undefined) counts.fill(0);
    // By index: a pool with a bound on its waiters asks before each of them.
    return {
      total: counts[0],
      idle: counts[1],
      lent: counts[2],
      creating: counts[3],
      validating: counts[4],
      resetting: counts[5],
      closing: counts[6],
      waiting: counts[7],
      max: counts[8],
      min: counts[9],
    };
  }

  /** Entries that are idle, the longest first. */
  idle() {
    const slots = new Int32Array(this.#slots.length);
    const found = native.idle(this.#pool, slots) ?? 0;
    return Array.from(slots.subarray(0, found), (slot) => this.#slots[slot]);
  }

  /** Those who wait, whether in line or for what is being created for them; in no order. */
  requests() {
    return this.#requests.filter((request) => request !== undefined);
  }

  /** All that exist, idle or not. */
  existing() {
    return this.#slots.filter((entry) => entry?.exists === true);
  }

  /** Destroys an idle resource; a lent one when it is given back. */
  evict(entry) {
    this.#tell(CHANGE.EVICT, entry.slot, entry.serial);
  }

  /** Replaces all, the lent ones when they are given back. */
  clear() {
    this.#tell(CHANGE.CLEAR);
  }

  /** What is wrong with the bounds: `{ option, message }`, or null. */
  resize(min, max) {
    tellTime();
    const refused = native.resize(this.#pool, min, max);
    this.#perform();
    return refused ? parse(refused) : null;
  }

  /**
   * `watcher.closed` follows when the last resource is gone: the deadline ends the wait for those
   * that are lent; their destroy has its own bound.
   */
  close(timeoutMs) {
    tellTime();
    // Until the deadline, whatever else the process has to do.
    if (!this.#closing) this.hold();
    this.#closing = true;
    native.close(this.#pool, timeoutMs);
    this.#perform();
  }

  stats() {
    if (this.#pool === NONE) return this.#lastStats;
    return parse(native.stats(this.#pool));
  }

  /** JSON of the error of somebody who waited in vain. */
  describeTimeout(waitedMs) {
    const { lastError } = this.#steps;
    const attempt = lastError === null ? '' : messageOf(lastError.thrown);
    return parse(native.timedOut(this.#pool, waitedMs, attempt));
  }

  entryAt(slot) {
    return this.#slots[slot];
  }

  // ---- What the core asks for ----

  #tell(change, slot = 0, serial = 0, ok = 0) {
    tellTime();
    const answer = native.tell(this.#pool, change, slot, serial, ok);
    if (answer === ANSWER.MORE) this.#perform();
  }

  /** Does what is to be done; what comes up meanwhile is for the outermost call. */
  #perform() {
    if (this.#performing) return;
    this.#performing = true;
    let done = false;
    try {
      while (this.#next < this.#taken || this.#takeMore()) {
        const at = this.#next;
        this.#next += 4;
        const effects = this.#effects;
        this.#do(effects[at], effects[at + 1], effects[at + 2], effects[at + 3]);
      }
      done = true;
    } finally {
      this.#performing = false;
      // Whatever was thrown (the caller's stack may be exhausted), the rest has to be done.
      if (!done) queueMicrotask(() => this.#perform());
    }
    while (this.#nested.length > 0) this.#nested.pop().settleBack();
    this.#watcher.performed?.();
  }

  /** What is told now is told amid effects: not the time for code of the caller's. */
  get isPerforming() {
    return this.#performing;
  }

  #takeMore() {
    this.#taken = native.take(this.#pool, this.#effects) ?? 0;
    this.#next = 0;
    return this.#taken > 0;
  }

  #do(effect, first, second, third) {
    switch (effect) {
      case EFFECT.GRANT:
        this.#takeRequest(first).resolve(this.#slots[second]);
        break;
      case EFFECT.REJECT:
        this.#takeRequest(first).reject(second, third);
        break;
      case EFFECT.ALARM:
        this.#arm(first);
        break;
      case EFFECT.CREATE:
        this.#steps.create(first, second);
        break;
      case EFFECT.VALIDATE:
        this.#steps.validate(this.#slots[first]);
        break;
      case EFFECT.RESET:
        this.#steps.reset(this.#slots[first]);
        break;
      case EFFECT.DESTROY:
        this.#steps.destroy(this.#slots[first], third);
        break;
      case EFFECT.LEAK:
        this.#watcher.leaked?.(this.#slots[first], third);
        break;
      case EFFECT.REVOKE:
        this.#watcher.revoked?.(this.#slots[first]);
        break;
      case EFFECT.CLOSED:
        this.#end();
    }
  }

  #takeRequest(number) {
    const request = this.#requests[number];
    this.#requests[number] = undefined;
    this.#free.push(number);
    this.unhold();
    return request;
  }

  /** A timer takes no more than TIMEOUT_MAX: the core is then asked too early, which is harmless. */
  #arm(ms) {
    clearTimeout(this.#alarm);
    this.#alarm = setTimeout(() => this.#tick(), Math.min(Math.max(ms, 1), TIMEOUT_MAX));
    if (this.#waiting === 0) this.#alarm.unref();
  }

  #tick() {
    // What is due now must not look as if it were not.
    told.isNew();
    native.now(performance.now());
    this.#tell(CHANGE.TICK);
  }

  #end() {
    clearTimeout(this.#alarm);
    this.#lastStats = this.stats();
    dropped.unregister(this);
    native.forget(this.#pool);
    this.#pool = NONE;
    this.#watcher.closed?.();
  }
}

module.exports = { BACK, REJECTED, Resources };
