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
const { Handovers } = require('../../sharing/handover');
const { Stalls } = require('../../sharing/stalls');
const { guarded, surface } = require('../../surface');
const { Connection } = require('./base');
const { whenAll } = require('./last-answer');
const { MEMBERSHIP } = require('./pool-connection');
const { Factory } = require('./pool-factory');
const { Line } = require('./pool-line');
const { listsOf } = require('./pool-lists');
const { runExecute, runQuery } = require('./pool-query');
const { Request } = require('./pool-request');
const { ExecuteStatement, QueryStatement } = require('./pool-statement');
const { Sweeper } = require('./pool-sweeper');
const { Sharing } = require('./sharing');
const { CHANNELS, isHeard, placeOf, traceCallback } = require('./tracing');

const { nextTick } = process;

const CLOSED = 'Pool is closed.';
const NONE_FREE = 'No connections available.';
const QUEUE_FULL = 'Queue limit reached.';

/** Classes of those who wait: who had a connection already, and all others. */
const FIRST = 0;
const ORDINARY = 1;
const UNBOUNDED = -1;

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
  #sharing;
  #line;
  #stalls = new Stalls();
  #handovers = new Handovers(this.#stalls);
  /** Those who were sent ahead, each with a connection that it is being given. */
  #ahead = [];

  constructor({ config }) {
    super();
    this.config = config;
    this.#sharing = new Sharing(config);
    this.#line = new Line(this.#sharing);
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
      priorities: 2,
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
    const entry = this.#take(callback);
    if (entry === undefined) return;
    if (entry === null) {
      this.#wait(new Request(this.#askers, callback));
      return;
    }
    const connection = entry.resource;
    this.#lend(entry, null);
    this.#tell('acquire', connection);
    if (isClear(connection)) nextTick(handOver, callback, connection);
    else this.#afterShared(new Request(this.#askers, callback), connection);
  }

  /** The same for a statement of the pool's own, which nobody has a hand on. */
  #run(statement) {
    const entry = this.#take(statement);
    if (entry === undefined) return;
    if (entry !== null) {
      this.#lend(entry, statement);
      this.#tell('acquire', entry.resource);
      this.#prepare(statement, entry.resource);
      return;
    }
    statement.handleWait();
    this.#wait(statement);
    this.#line.offer(statement, this.#limit === 1);
  }

  /**
   * What is idle; null: it has to `#wait`. Undefined: there will be nothing, as the callback, or the
   * statement, is told.
   */
  #take(asker) {
    if (this._closed) {
      nextTick(refuse, asker, new Error(CLOSED));
      return undefined;
    }
    const { config } = this;
    if (config.connectionLimit !== this.#limit) this.#resize();
    if (this.#minds(config) && this.#mustWait() && !this.#mayWait(asker)) return undefined;
    return config.acquireTimeout > 0
      ? this.#resources.take(ORDINARY, config.acquireTimeout)
      : this.#resources.take();
  }

  #wait(request) {
    this.#line.enter(request);
    this.#resources.wait(request);
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
  #mayWait(asker) {
    const { queueLimit, waitForConnections } = this.config;
    if (!waitForConnections) {
      nextTick(refuse, asker, new Error(NONE_FREE));
    } else if (queueLimit && this._connectionQueue.length >= queueLimit) {
      refuse(asker, new Error(QUEUE_FULL));
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
    stalls: this.#stalls,
    handleGrant: (request, entry) => this.#handleGrant(request, entry),
    handleRefusal: (request, why, waitedMs) => this.#handleRefusal(request, why, waitedMs),
    handleMove: (statement) => this.#handleMove(statement),
  };

  /** What was given back goes on without a word; of what is new the pool's listeners hear first. */
  #handleGrant(request, entry) {
    this.#line.leave(request);
    const connection = entry.resource;
    const { isNew } = connection[MEMBERSHIP];
    this.#lend(entry, request.isStatement ? request : null);
    if (!isNew) {
      this.#prepare(request, connection);
      return;
    }
    this.#later(() => {
      this.#tell('acquire', connection);
      // A listener may have destroyed it. mysql2, too, hands it out.
      if (connection._pool === null) this.#takeBack(connection);
      request.answer(null, connection);
    });
  }

  #prepare(request, connection) {
    if (request.ahead !== null) this.#handOverAhead(request, connection);
    else if (!isClear(connection)) this.#afterShared(request, connection);
    else if (request.isStatement) {
      this.#line.willBegin();
      nextTick(this.#begin, request, connection);
    } else nextTick(handOverTo, request, connection);
  }

  #begin = (statement, connection) => {
    try {
      handOverTo(statement, connection);
    } finally {
      this.#line.hasBegun();
    }
  };

  /**
   * Who was sent ahead needs nothing of it as yet, and gives it back at once where he has his answer:
   * so do those behind him, one after the other.
   */
  #handOverAhead(request, connection) {
    this.#ahead.push(request, connection);
    if (this.#ahead.length > 2) return;
    for (let at = 0; at < this.#ahead.length; at += 2) {
      try {
        handOverTo(this.#ahead[at], this.#ahead[at + 1]);
      } catch (thrown) {
        surface(thrown);
      }
    }
    this.#ahead.length = 0;
  }

  #afterShared(request, connection) {
    this.#handovers.prepare(connection._wire, {
      isUsable: () => isUsable(connection),
      clear: () => handOverTo(request, connection),
      stuck: () => this.#replace(request, connection),
    });
  }

  /** A statement that was sent ahead is to run on its own connection after all. */
  #handleMove(statement) {
    const { connection } = statement;
    if (isClear(connection)) {
      statement.run();
      return;
    }
    this.#handovers.prepare(connection._wire, {
      isUsable: () => isUsable(connection),
      clear: () => statement.run(),
      stuck: () => this.#replace(statement, connection),
    });
  }

  /** The connection goes: only reads are on its wire, which run again elsewhere. */
  #replace(request, connection) {
    if (request.isStatement) request.connection = null;
    const { acquireTimeout } = this.config;
    const entry = this.#resources.take(FIRST, acquireTimeout > 0 ? acquireTimeout : UNBOUNDED);
    if (entry === null) this.#wait(request);
    connection.destroy();
    if (entry !== null) this.#handleGrant(request, entry);
  }

  #handleRefusal(request, why, waitedMs) {
    this.#line.leave(request);
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

  /** `statement`: of the pool's own, or null. */
  #lend(entry, statement) {
    const member = entry.resource[MEMBERSHIP];
    member.entry = entry;
    member.isNew = false;
    member.isLent = true;
    member.loans++;
    this.#line.lent(member, statement);
  }

  #unlend(member) {
    if (!member.isLent) return;
    member.isLent = false;
    this.#line.givenBack(member);
  }

  releaseConnection(connection) {
    const member = connection[MEMBERSHIP];
    if (!connection._pool || !member.isLent) return;
    connection.lastActiveTime = Date.now();
    connection._begin?.leave();
    this.#unlend(member);
    const { loans } = member;
    const back = this.#resources.releaseEntry(member.entry, false);
    // It has gone from hand to hand, perhaps to several and back.
    if (member.loans !== loans) return;
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
    this.#unlend(member);
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
    if (this.#isPlain) {
      const statement = new QueryStatement(this.#askers, command);
      this.#sharing.examineQuery(statement);
      this.#run(statement);
    } else {
      runQuery(this, command);
    }
    return command;
  }

  execute(sql, values, callback) {
    const isCallback = typeof values === 'function';
    const [given, done] = isCallback ? [[], values] : [values, callback];
    if (this.#isPlain) {
      const statement = new ExecuteStatement(this.#askers, sql, given, done);
      this.#sharing.examineExecute(statement);
      this.#run(statement);
    } else {
      runExecute(this, sql, given, done);
    }
  }

  /** Nobody has replaced the way to a connection, or listens to who asks for one. */
  get #isPlain() {
    return this.getConnection === getConnection && !isHeard(CHANNELS.poolConnect);
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
    for (const connection of ending) {
      const { running } = connection[MEMBERSHIP];
      const realEnd = () => connection._realEnd(handleEnd);
      // What is answered over another connection may yet have to run over this one.
      if (running === null || running.ahead === null) realEnd();
      else running.whenOver = realEnd;
    }
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

/** `asker`: a callback, a request or a statement. */
function refuse(asker, error) {
  if (typeof asker === 'function') asker(error);
  else asker.answer(error);
}

/** Nothing of others is on its wire. It has none where it is of another class. */
function isClear({ _wire: wire }) {
  return wire === undefined || wire.shared === 0;
}

const isUsable = (connection) => connection._pool !== null && !connection._closing;

function rethrow(error) {
  if (error) throw error;
}

/** 0: no limit. */
function bound(limit) {
  return Math.min(Math.max(Math.ceil(limit) || CORE_MAX, 1), CORE_MAX);
}

const { getConnection } = Pool.prototype;

module.exports = Pool;
