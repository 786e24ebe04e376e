'use strict';

/**
 * The pool of mysql2 over the pool core. Who waits, what is idle and what is lent is the core's to
 * know (`resources.js`); this class has mysql2's names, messages, events and the fields that people
 * read.
 */

const { EventEmitter } = require('node:events');
const SqlString = require('sql-escaper');
const { fromWire } = require('../../errors');
const { describeTimeout } = require('../../holders');
const { BACK, REJECTED, Resources } = require('../../resources');
const { guarded, surface } = require('../../surface');
const { Connection } = require('./base');
const { whenAll } = require('./last-answer');
const { MEMBERSHIP } = require('./pool-connection');
const { Factory } = require('./pool-factory');
const { listsOf } = require('./pool-lists');
const { runExecute, runQuery } = require('./pool-query');
const { Request } = require('./pool-request');
const { Sweeper } = require('./pool-sweeper');
const { CHANNELS, isHeard, placeOf, traceCallback } = require('./tracing');

const { nextTick } = process;

const CLOSED = 'Pool is closed.';
const NONE_FREE = 'No connections available.';
const QUEUE_FULL = 'Queue limit reached.';

/** What the core takes; a pool without a limit opens no more than this. */
const CORE_MAX = 65_535;

class Pool extends EventEmitter {
  #resources;
  #limit;
  /** In the order in which they were made, also those that are being connected. */
  #connections = new Set();
  /** Those who are told of their connection, or that they get none, when all effects are done. */
  #answers = [];
  #sweeper = new Sweeper(this);

  constructor({ config }) {
    super();
    this.config = config;
    config.connectionConfig.pool = this;
    this._closed = false;
    this.#limit = config.connectionLimit;
    this.#resources = this.#open();
    const { all, idle, queue } = listsOf(this.#resources, this.#connections);
    this._allConnections = all;
    this._freeConnections = idle;
    this._connectionQueue = queue;
    if (config.maxIdle < config.connectionLimit) this.#sweeper.start();
  }

  #open() {
    const options = {
      name: 'mysql2',
      max: bound(this.#limit),
      maxConnecting: CORE_MAX,
      ownConnects: true,
      idleTimeoutMs: null,
      maxLifetimeMs: null,
      acquireTimeoutMs: null,
      closeTimeoutMs: 0,
      createTimeoutMs: 0,
      resetTimeoutMs: 0,
      destroyTimeoutMs: 0,
    };
    const watcher = {
      created: (connection) => this.#tell('connection', connection),
      performed: () => this.#answer(),
    };
    const factory = new Factory(this, this.#connections);
    return new Resources(factory, options, watcher, { callsBack: true });
  }

  // ---- Requests ----

  getConnection(callback) {
    if (isHeard(CHANNELS.poolConnect)) this.#traceRequest(callback);
    else this.#request(callback);
  }

  #traceRequest(callback) {
    const start = (done) => this.#request(done);
    const describe = () => placeOf(this.config.connectionConfig);
    traceCallback(CHANNELS.poolConnect, start, callback, describe);
  }

  #request(callback) {
    if (this._closed) {
      nextTick(callback, new Error(CLOSED));
      return;
    }
    const { config } = this;
    if (config.connectionLimit !== this.#limit) this.#resize();
    if (this.#minds(config) && this.#mustWait() && !this.#mayWait(callback)) return;
    const entry =
      config.acquireTimeout > 0
        ? this.#resources.take(0, config.acquireTimeout)
        : this.#resources.take();
    if (entry === null) {
      this.#resources.wait(new Request(this.#askers, callback));
      return;
    }
    const connection = entry.resource;
    this.#lend(connection, entry);
    this.#tell('acquire', connection);
    nextTick(handOver, callback, connection);
  }

  /** Somebody is to hear of it when there is no connection for this one. */
  #minds({ queueLimit, waitForConnections }) {
    return queueLimit > 0 || !waitForConnections || this.listenerCount('enqueue') > 0;
  }

  #mustWait() {
    const { idle, total, closing, max } = this.#resources.counts();
    return idle === 0 && total - closing >= max;
  }

  /** Whoever may not is told why. */
  #mayWait(callback) {
    const { queueLimit, waitForConnections } = this.config;
    if (!waitForConnections) {
      nextTick(callback, new Error(NONE_FREE));
    } else if (queueLimit && this._connectionQueue.length >= queueLimit) {
      callback(new Error(QUEUE_FULL));
    } else {
      this.emit('enqueue');
      return true;
    }
    return false;
  }

  #resize() {
    this.#limit = this.config.connectionLimit;
    this.#resources.resize(0, bound(this.#limit));
  }

  #askers = {
    handleGrant: (request, entry) => this.#handleGrant(request, entry),
    handleRefusal: (request, why, waitedMs) => this.#handleRefusal(request, why, waitedMs),
  };

  /** What was given back goes on without a word; of what is new the pool's listeners hear first. */
  #handleGrant(request, entry) {
    const connection = entry.resource;
    const { isNew } = connection[MEMBERSHIP];
    this.#lend(connection, entry);
    if (!isNew) {
      nextTick(handOverTo, request, connection);
      return;
    }
    this.#later(() => {
      this.#tell('acquire', connection);
      // A listener may have destroyed it. mysql2, too, hands it out.
      if (connection._pool === null) this.#takeBack(connection);
      request.answer(null, connection);
    });
  }

  #handleRefusal(request, why, waitedMs) {
    if (why === REJECTED.CREATE) {
      const { thrown } = this.#resources.lastError;
      this.#later(() => request.answer(thrown));
    } else {
      const error = why === REJECTED.TIMEOUT ? this.#timedOut(waitedMs) : new Error(CLOSED);
      nextTick(refuse, request, error);
    }
  }

  #timedOut(waitedMs) {
    return fromWire(describeTimeout(this.#resources.describeTimeout(waitedMs), () => null));
  }

  /** Amid the core's effects is no time for callers, who may call the pool. */
  #later(answer) {
    if (this.#resources.isPerforming) this.#answers.push(answer);
    else guarded(answer);
  }

  #answer() {
    while (this.#answers.length > 0) guarded(this.#answers.shift());
  }

  // ---- Loans ----

  #lend(connection, entry) {
    const member = connection[MEMBERSHIP];
    member.entry = entry;
    member.isNew = false;
    member.isLent = true;
  }

  releaseConnection(connection) {
    const member = connection[MEMBERSHIP];
    if (!connection._pool || !member.isLent) return;
    connection.lastActiveTime = Date.now();
    member.isLent = false;
    const back = this.#resources.releaseEntry(member.entry, false);
    if (back === BACK.UNDER_WAY) this.#resources.whenBack(() => this.#tellIdle(connection));
    else this.#tellIdle(connection);
  }

  /** Unless it has gone from hand to hand, or is gone. */
  #tellIdle(connection) {
    const isIdle = !connection[MEMBERSHIP].isLent && connection._pool !== null;
    if (isIdle && !this._closed) this.#tell('release', connection);
  }

  /** Out of the pool, whoever has it. */
  #takeBack(connection) {
    const member = connection[MEMBERSHIP];
    member.isLent = false;
    this.#resources.releaseEntry(member.entry, true);
  }

  _removeConnection(connection) {
    this.#connections.delete(connection);
    const member = connection[MEMBERSHIP];
    if (member.isLent) this.#takeBack(connection);
    else if (member.refuseReset !== null) member.refuseReset(new Error(CLOSED));
    else if (member.refuseOpening === null) this.#evict(connection);
  }

  #evict(connection) {
    const entry = this.#resources.idle().find(({ resource }) => resource === connection);
    if (entry !== undefined) this.#resources.evict(entry);
  }

  /** What a listener throws costs nobody his connection. */
  #tell(event, connection) {
    try {
      this.emit(event, connection);
    } catch (thrown) {
      surface(thrown);
    }
  }

  // ---- Statements ----

  query(sql, values, callback) {
    const { connectionConfig } = this.config;
    const command = Connection.createQuery(sql, values, callback, connectionConfig);
    command.namedPlaceholders ??= connectionConfig.namedPlaceholders;
    runQuery(this, command);
    return command;
  }

  execute(sql, values, callback) {
    if (typeof values === 'function') runExecute(this, sql, [], values);
    else runExecute(this, sql, values, callback);
  }

  format(sql, values) {
    const { stringifyObjects, timezone } = this.config.connectionConfig;
    return SqlString.format(sql, values, stringifyObjects, timezone);
  }

  escape(value) {
    const { stringifyObjects, timezone } = this.config.connectionConfig;
    return SqlString.escape(value, stringifyObjects, timezone);
  }

  escapeId(value) {
    return SqlString.escapeId(value, false);
  }

  /**
   * What the core has counted: also who got a connection that somebody had just given back, of which
   * `acquire` and `release` say nothing.
   */
  stats() {
    return this.#resources.stats();
  }

  promise(Promise) {
    const { PromisePool } = require('./promise/pool');
    return new PromisePool(this, Promise);
  }

  // ---- The end ----

  /** Those in the queue are told; connections end once they have done what they were asked before. */
  end(given) {
    const callback = typeof given === 'function' ? given : rethrow;
    this._closed = true;
    this.#sweeper.stop();
    this.#resources.close(0);
    const ending = [...this.#connections];
    if (ending.length === 0) {
      callback(undefined);
      return;
    }
    const handleEnd = whenAll(ending.length, callback);
    for (const connection of ending) connection._realEnd(handleEnd);
  }

  [Symbol.dispose]() {
    if (!this._closed) this.end();
  }
}

function handOver(callback, connection) {
  connection._released = false;
  callback(null, connection);
}

function handOverTo(request, connection) {
  connection._released = false;
  request.answer(null, connection);
}

function refuse(request, error) {
  request.answer(error);
}

function rethrow(error) {
  if (error) throw error;
}

/** 0: no limit. */
function bound(limit) {
  return Math.min(Math.max(Math.ceil(limit) || CORE_MAX, 1), CORE_MAX);
}

module.exports = Pool;
