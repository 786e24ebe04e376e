'use strict';

/** One client of a pool: made ready, watched for errors, ended. */

// Not the globals: test frameworks replace those, perhaps before this is loaded.
const { clearTimeout, setTimeout } = require('node:timers');
const { WIRE } = require('./queries');

const TIMED_OUT = 'Connection terminated due to connection timeout';
/** How long a client whose socket was destroyed may take to say so. */
const CUT_MS = 100;
/** How long the place of a client that ends is kept for it, when others wait for the place. */
const END_MS = 5_000;

class PooledClient {
  client = null;
  /** Where its queries are sent; undefined where the client is of the application's own class. */
  wire = undefined;
  /** The core's entry, while it is lent. */
  entry = null;
  /** It was not lent yet; `verify` has passed it. */
  isNew = true;
  isVerified = false;
  isLent = false;
  /** `handleError` is a listener of the client. */
  isWatched = false;
  /** Who hears of an error instead of the pool: its opening, or the query of `pool.query`. */
  running = null;
  isGone = false;
  /** Nobody waits for what is on its wire. */
  isCut = false;
  #pool;
  #handleLost;

  /** `handleLost(member, error)`: the client failed while nobody had it. */
  constructor(pool, handleLost) {
    this.#pool = pool;
    this.#handleLost = handleLost;
  }

  /** Calls `done(this)` when the client is connected and `onConnect` is over. */
  open(done, failed) {
    const opening = new Opening(this.#pool, this, done, failed);
    this.running = opening;
    opening.start();
  }

  get isUsable() {
    const { _queryable: isQueryable, _ending: isEnding, _ended: isEnded } = this.client;
    return isQueryable && !isEnding && !isEnded;
  }

  watch() {
    if (this.isWatched) return;
    this.isWatched = true;
    this.client.on('error', this.handleError);
  }

  unwatch() {
    if (!this.isWatched) return;
    this.isWatched = false;
    this.client.removeListener('error', this.handleError);
  }

  handleError = (error) => {
    if (this.isGone) {
      this.#pool.log('additional client error after disconnection due to error', error);
    } else if (this.running === null) {
      this.isGone = true;
      this.#handleLost(this, error);
    } else {
      this.running.handleError(error);
    }
  };

  /** Calls back once, with what is wrong with it: also with an error of its own, or after the time. */
  verify(verify, timeoutMs, over) {
    let isOver = false;
    let timer;
    const settle = (error) => {
      if (isOver) return;
      isOver = true;
      clearTimeout(timer);
      this.running = null;
      this.isVerified = !error;
      over(error);
    };
    this.running = { handleError: settle };
    if (timeoutMs !== undefined) timer = setTimeout(settle, timeoutMs, new Error(TIMED_OUT));
    try {
      verify(this.client, settle)?.then?.(undefined, settle);
    } catch (error) {
      settle(error);
    }
  }

  /** Calls back once, also when `end` fails or does not come to an end. */
  end(over) {
    this.isGone = true;
    this.watch();
    let isOver = false;
    const done = () => {
      if (isOver) return;
      isOver = true;
      clearTimeout(timer);
      over();
    };
    const timer = setTimeout(done, END_MS).unref();
    try {
      this.client.end(done)?.then?.(undefined, done);
      if (this.isCut) this.client.connection.stream.destroy();
    } catch {
      done();
    }
  }
}

/** From `new Client` to the end of `onConnect`, all of it within `connectionTimeoutMillis`. */
class Opening {
  #pool;
  #member;
  #tellDone;
  #tellFailed;
  #timer;
  #isTimedOut = false;
  /** The client's own answer has come; the outcome is told. */
  #isConnected = false;
  #isOver = false;

  constructor(pool, member, tellDone, tellFailed) {
    this.#pool = pool;
    this.#member = member;
    this.#tellDone = tellDone;
    this.#tellFailed = tellFailed;
  }

  /** What is thrown fails the request like anything else: later, so never within `pool.connect`. */
  start() {
    try {
      this.#connect();
    } catch (error) {
      queueMicrotask(() => this.#fail(error));
    }
  }

  #connect() {
    const pool = this.#pool;
    const client = new pool.Client(pool.options);
    this.#member.client = client;
    this.#member.wire = client[WIRE];
    pool.log('checking client timeout');
    const timeoutMs = pool.options.connectionTimeoutMillis;
    if (timeoutMs) this.#timer = setTimeout(() => this.#expire(), timeoutMs);
    pool.log('connecting new client');
    const connecting = client.connect((error) => this.#handleConnected(error));
    connecting?.then?.(undefined, (error) => this.#fail(error));
  }

  handleError(error) {
    this.#fail(error);
  }

  #handleConnected(error) {
    if (this.#isOver || this.#isConnected) return;
    this.#isConnected = true;
    this.#member.watch();
    if (error) {
      this.#fail(error);
      return;
    }
    this.#pool.log('new client connected');
    const { options } = this.#pool;
    if (!options.onConnect) {
      this.#succeed();
      return;
    }
    new Promise((resolve) => resolve(options.onConnect(this.#member.client))).then(
      () => this.#succeed(),
      (reason) => this.#refuse(reason),
    );
  }

  #succeed() {
    if (!this.#conclude()) return;
    this.#tellDone(this.#member);
  }

  #fail(error) {
    if (!this.#conclude()) return;
    this.#pool.log('client failed to connect', error);
    this.#member.isGone = true;
    if (this.#member.client !== null) this.#member.watch();
    const cause = error === undefined ? undefined : { cause: error };
    this.#tellFailed(this.#isTimedOut ? new Error(TIMED_OUT, cause) : error);
  }

  /** `onConnect` does not want it: told once the client has ended. */
  #refuse(reason) {
    if (!this.#conclude()) return;
    this.#member.end(() => this.#tellFailed(reason));
  }

  #conclude() {
    if (this.#isOver) return false;
    this.#isOver = true;
    this.#member.running = null;
    clearTimeout(this.#timer);
    return true;
  }

  /** The client is to say itself what its connect came to: that is the cause. */
  #expire() {
    this.#pool.log('ending client due to timeout');
    this.#isTimedOut = true;
    this.#timer = setTimeout(() => this.#fail(), CUT_MS);
    try {
      cut(this.#member.client);
    } catch (error) {
      this.#fail(error);
    }
  }
}

function cut(client) {
  const stream = client.connection?.stream;
  if (stream === undefined) client.end(() => {});
  else stream.destroy();
}

module.exports = { PooledClient };
