'use strict';

/**
 * The hub of a pool: one connection of its own, whatever the number of channels and listeners.
 *
 * What is wanted (`#channels`) and what the server does (`#active`) are two sets; one loop makes
 * the second like the first, whatever happened: somebody came or left, the connection was lost.
 * How to say so to a server is the `talk` it is given: LISTENING of `channel.js`, Redis's in `redis/`.
 */

// Not the globals: test frameworks replace those, perhaps before this is loaded.
const { performance: clock } = require('node:perf_hooks');
const { clearTimeout: forget, setTimeout: later } = require('node:timers');
const { AcquireTimeoutError, ClosedError, abortError } = require('./errors');
const { offAbort, onAbort } = require('./signal');
const { Subscription } = require('./subscription');

/** What the hub's pool emits for each notification, as the engine has told it. */
const NOTIFIED = Symbol('polypool.notified');

/** A connection is looked after when nothing was heard of it for so long. */
const CHECK_MS = 30_000;
/** LISTEN and UNLISTEN must be answered within this, or the connection is given up. */
const COMMAND_MS = 10_000;
/** One wait for a connection; in between its last error is noted. */
const SLICE_MS = 500;
/** The pause after a LISTEN that the server refused: doubled each time, never above the second. */
const PAUSE_MS = 100;
const PAUSE_MS_MAX = 10_000;

/** A connection that is never idle, never replaced, and has the hub for its only borrower. */
const OWN_OPTIONS = {
  ...{ max: 1, min: 0, lazy: true, reset: 'never', validate: 'never', maxConnecting: 1 },
  ...{ idleTimeoutMs: 0, maxLifetimeMs: 0, maxUses: 0, maxWaiting: null, leakDetectionMs: 0 },
  ...{ maxLeaseMs: 0, priorities: 1, acquireTimeoutMs: null, queryTimeoutMs: 0 },
  ...{
    shared: false,
    destroyOnQueryError: false,
    minPolicy: 'spare',
    evictBelowMin: false,
    maxIdle: null,
  },
};

class Hub {
  #name;
  #openPool;
  #link;
  #talk;
  /** Subscriptions by channel; what is known of each. */
  #channels = new Map();
  #entries = new Map();
  #pool = null;
  #connection = null;
  #active = new Set();
  /** While the loop runs; aborted when it waits for a connection that nobody wants any more. */
  #working = null;
  /** Those who left, until the server knows. */
  #leaving = [];
  /** Since when, and why, there is no connection though somebody listens. */
  #lost = null;
  #refusals = 0;
  #lastError = null;
  #heardAt = 0;
  #timer = null;
  /** Settles when the last connection is gone. */
  #ended = Promise.resolve();

  /** `openPool(options)` makes a pool with the same target; `link()` gives the ring. */
  constructor(name, openPool, link, talk) {
    this.#name = name;
    this.#openPool = openPool;
    this.#link = link();
    this.#talk = talk;
  }

  /** Connections open or being opened, beyond the `max` of the pool. */
  get connections() {
    return this.#pool?.stats().total ?? 0;
  }

  /** A subscription, once the server has confirmed it; `key` is what its channel is known by. */
  listen(channel, options, key = channel) {
    const { signal, timeoutMs, maxQueued, checkIntervalMs = CHECK_MS } = options;
    const owner = {
      leave: (subscription) => this.#leave(subscription),
      keep: (referenced) => this.#link[referenced ? 'hold' : 'unhold'](),
    };
    const subscription = new Subscription(channel, owner, this.#talk.event, maxQueued);
    const own = { key, options, checkIntervalMs };
    const entry = { ...own, waiting: null, timer: null, lost: false, off: null };
    // Before anything is asked for: what a foreign signal throws then costs nothing.
    if (signal !== undefined) {
      const abort = () => this.#give(subscription, abortError(signal), true);
      entry.off = () => offAbort(signal, abort);
      onAbort(signal, abort);
    }
    this.#link.hold();
    this.#entries.set(subscription, entry);
    if (this.#channels.has(key)) this.#channels.get(key).add(subscription);
    else this.#channels.set(key, new Set([subscription]));
    const confirmed = new Promise((resolve, reject) => (entry.waiting = { resolve, reject }));
    if (timeoutMs != null) {
      entry.timer = later(
        () => this.#give(subscription, this.#timedOut(channel, timeoutMs)),
        timeoutMs,
      );
    }
    this.#wake();
    return confirmed;
  }

  /** Ends a subscription from this side: one that was not confirmed yet rejects its `listen()`. */
  #give(subscription, error, quietly = false) {
    const waiting = this.#entries.get(subscription)?.waiting;
    if (waiting != null) {
      waiting.reject(error);
      subscription.end(null);
    } else if (quietly) {
      subscription.end(error);
    } else {
      subscription.fail(error);
    }
  }

  #timedOut(channel, timeoutMs) {
    const last = this.#lastError;
    const attempt = last === null ? '' : `; the last attempt: ${last.message}`;
    const message =
      `pool '${this.#name}': ${this.#talk.command} for channel '${channel}' was not confirmed ` +
      `within ${timeoutMs} ms${attempt}`;
    const fields = { waitedMs: timeoutMs, max: 1 };
    return new AcquireTimeoutError(message, fields, last === null ? undefined : { cause: last });
  }

  /** Called once by each subscription that ends. Resolves when the server knows. */
  #leave(subscription) {
    const entry = this.#entries.get(subscription);
    this.#entries.delete(subscription);
    forget(entry.timer);
    entry.off?.();
    const others = this.#channels.get(entry.key);
    others.delete(subscription);
    if (others.size > 0) return Promise.resolve();
    this.#channels.delete(entry.key);
    // Others wait for a connection: there is none that could notify anybody.
    if (this.#connection === null && this.#channels.size > 0) return Promise.resolve();
    return new Promise((resolve) => {
      this.#leaving.push(resolve);
      if (this.#channels.size === 0) this.#working?.abort();
      this.#wake();
    });
  }

  /** Ends all subscriptions, then the connection. */
  async close() {
    const closed = () => new ClosedError(`pool '${this.#name}' is closed`);
    const ends = [...this.#entries].map(([subscription, { waiting }]) => {
      waiting?.reject(closed());
      return subscription.end(null);
    });
    await Promise.all([...ends, this.#disconnect()]);
  }

  // ---- The loop ----

  #wake() {
    if (this.#working === null) this.#work();
  }

  async #work() {
    do {
      this.#working = new AbortController();
      const leaving = this.#leaving.splice(0);
      try {
        if (this.#channels.size === 0) await this.#disconnect();
        else await this.#agree(this.#working.signal);
        this.#refusals = 0;
      } catch (error) {
        await this.#failed(error);
      }
      for (const left of leaving) left();
    } while (!this.#isSettled());
    this.#working = null;
    this.#checkLater();
  }

  #isSettled() {
    if (this.#leaving.length > 0) return false;
    if (this.#channels.size === 0) return this.#pool === null;
    for (const { waiting } of this.#entries.values()) if (waiting !== null) return false;
    if (this.#connection === null || this.#active.size !== this.#channels.size) return false;
    for (const channel of this.#channels.keys()) if (!this.#active.has(channel)) return false;
    return true;
  }

  /** Has the server notify us of what is wanted, and of nothing else. */
  async #agree(signal) {
    if (this.#connection === null) await this.#connect(signal);
    const connection = this.#connection;
    const wanted = [...this.#channels.keys()].filter((channel) => !this.#active.has(channel));
    const unwanted = [...this.#active].filter((channel) => !this.#channels.has(channel));
    if (wanted.length > 0 || unwanted.length > 0) {
      if (!(await this.#ask(connection, wanted, unwanted))) return;
      this.#heardAt = clock.now();
      for (const channel of wanted) this.#active.add(channel);
      for (const channel of unwanted) this.#active.delete(channel);
    }
    this.#confirm();
  }

  /**
   * Rejects when the server refuses the command; false when the connection is lost instead. What a
   * session says that ends (FATAL, PANIC) is about the session, whatever it was asked.
   */
  async #ask(connection, wanted, unwanted) {
    try {
      await this.#talk.agree(connection, wanted, unwanted, COMMAND_MS);
    } catch (error) {
      if (this.#connection === connection && this.#talk.isRefusal(error)) throw error;
      if (this.#channels.size > 0) {
        this.#lastError = error;
        this.#lose(error);
      }
      return false;
    }
    // The end of the connection may have been told in between.
    return this.#connection === connection;
  }

  async #connect(signal) {
    this.#pool ??= this.#open();
    const pool = this.#pool;
    while (this.#connection === null) {
      try {
        this.#connection = await pool.acquire({ timeoutMs: SLICE_MS, signal });
      } catch (error) {
        if (error?.code !== 'ERR_POLYPOOL_ACQUIRE_TIMEOUT') throw error;
        this.#lastError = error.cause ?? this.#lastError;
      }
    }
    this.#lastError = null;
  }

  #open() {
    const pool = this.#openPool({
      ...OWN_OPTIONS,
      ...this.#talk.options,
      name: `${this.#name} (listen)`,
    });
    pool.on(NOTIFIED, (...told) => this.#notified(this.#talk.read(...told)));
    pool.on('remove', ({ id }) => {
      if (this.#connection?.id === id) this.#lose(null);
    });
    // Follows `remove`, of a connection that had nothing else to do.
    pool.on('error', (error) => {
      if (this.#lost !== null) this.#lost.cause ??= error;
    });
    return pool;
  }

  /** Every wanted channel is active. */
  #confirm() {
    const lost = this.#lost;
    this.#lost = null;
    const gap = lost && { lostForMs: clock.now() - lost.at, cause: lost.cause };
    for (const [subscription, entry] of [...this.#entries]) {
      if (!this.#active.has(entry.key)) continue;
      if (entry.waiting !== null) {
        forget(entry.timer);
        entry.waiting.resolve(subscription);
        entry.waiting = null;
      } else if (entry.lost) {
        entry.lost = false;
        subscription.resubscribed(gap);
      }
    }
  }

  /** The connection is gone, or given up. */
  #lose(cause) {
    const connection = this.#connection;
    if (connection === null) {
      if (this.#lost !== null) this.#lost.cause ??= cause;
      return;
    }
    this.#connection = null;
    this.#active.clear();
    for (const left of this.#leaving.splice(0)) left();
    this.#lost ??= { at: clock.now(), cause };
    for (const entry of this.#entries.values()) entry.lost ||= entry.waiting === null;
    connection.release({ destroy: true });
    this.#wake();
  }

  /** No connection could be had, or it was lost, or the server refused. */
  async #failed(error) {
    if (this.#channels.size === 0 || error?.code === 'ERR_POLYPOOL_ABORTED') return;
    this.#lastError = error;
    const connected = this.#connection !== null;
    const lost = connected || error?.code === 'ERR_POLYPOOL_CONNECTION_LOST';
    if (lost) this.#lose(error);
    const refused = this.#talk.isRefusal(error);
    for (const [subscription, { waiting }] of [...this.#entries]) {
      // What the server refuses now it may take later, from those it has taken it from before.
      if (!lost || (refused && waiting !== null)) this.#give(subscription, error);
    }
    if (refused && this.#channels.size > 0) await this.#pause();
  }

  #pause() {
    const longest = Math.min(PAUSE_MS * 2 ** this.#refusals++, PAUSE_MS_MAX);
    return new Promise((resolve) => {
      const timer = later(resolve, longest * (0.5 + Math.random() / 2));
      this.#working.signal.addEventListener('abort', () => {
        forget(timer);
        resolve();
      });
    });
  }

  async #disconnect() {
    const pool = this.#pool;
    this.#pool = null;
    this.#connection = null;
    this.#lost = null;
    this.#active.clear();
    forget(this.#timer);
    if (pool === null) {
      await this.#ended;
      return;
    }
    pool.removeAllListeners();
    this.#ended = pool.close({ timeoutMs: 0 });
    await this.#ended;
  }

  // ---- A peer that falls silent ----

  /** A round trip when nothing was heard for as long as somebody wants. */
  #checkLater() {
    forget(this.#timer);
    if (this.#connection === null) return;
    let interval = CHECK_MS;
    for (const entry of this.#entries.values()) {
      interval = Math.min(interval, entry.checkIntervalMs);
    }
    const due = Math.max(1, this.#heardAt + interval - clock.now());
    this.#timer = later(() => this.#check(interval), due).unref();
  }

  async #check(interval) {
    const connection = this.#connection;
    if (connection === null || this.#working !== null) return;
    if (clock.now() < this.#heardAt + interval) {
      this.#checkLater();
      return;
    }
    try {
      await this.#talk.check(connection, interval);
      this.#heardAt = clock.now();
    } catch (error) {
      if (this.#connection === connection || this.#connection === null) this.#lose(error);
    }
    if (this.#working === null) this.#checkLater();
  }

  #notified(notification) {
    this.#heardAt = clock.now();
    const subscriptions = this.#channels.get(notification?.key);
    if (subscriptions === undefined) return;
    // A listener may subscribe, or close others.
    for (const subscription of [...subscriptions]) {
      const options = this.#entries.get(subscription)?.options;
      subscription.take(this.#talk.present(notification.told, options));
    }
  }
}

module.exports = { Hub, NOTIFIED, OWN_OPTIONS };
