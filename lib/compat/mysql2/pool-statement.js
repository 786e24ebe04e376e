'use strict';

/**
 * A statement of a pool itself, in line for a connection of which nobody but it will know: it runs,
 * and gives the connection back. While it waits it may be sent over a connection that another one
 * has.
 */

const { AsyncResource } = require('node:async_hooks');
const { Ahead, REPEATS } = require('../../sharing/ahead');
const { guarded } = require('../../surface');
const { connectionLost } = require('./errors');
const {
  failQuery,
  isPlain,
  isReadOnly,
  startExecute,
  startQuery,
  unheard,
} = require('./pool-query');
const { nextRank } = require('./pool-request');
const { Execute } = require('./query');
const { readExecute } = require('./requests');

const { nextTick } = process;

const ignore = () => {};

class PoolStatement {
  /** Of the core. */
  number = -1;
  rank = -1;
  /** What is asked, once that is known. */
  command = null;
  connection = null;
  /** `read` or `write` where it is short, so that others may be sent over its connection. */
  pace = undefined;
  /** The engine is to tell its pace. */
  isKnown = false;
  /** May be sent before it is its turn, and whether it may run again, should that take long. */
  maySend = false;
  repeats = REPEATS.NEVER;
  /** What came of sending it over somebody else's connection. */
  ahead = null;
  /** It is to run on its own connection after all. */
  isMoving = false;
  /** It was stopped on the server: nobody is sent behind it again. */
  isAlone = false;
  /** It waits, and was not sent. */
  isInLine = false;
  /** Called once its own connection has all that it will have of it. */
  whenOver = null;
  #context = null;

  /** `pool`: what a `Request` has, and `handleMove(statement)`. */
  constructor(pool) {
    this.pool = pool;
  }

  /** Stands in the pool's queue. */
  get callback() {
    return ignore;
  }

  get isStatement() {
    return true;
  }

  resolve(entry) {
    this.pool.handleGrant(this, entry);
  }

  reject(why, waitedMs) {
    this.pool.handleRefusal(this, why, waitedMs);
  }

  handleWait() {
    this.rank = nextRank();
    this.#context = new AsyncResource('polypool.mysql2.getConnection');
  }

  answer(error, connection) {
    if (this.#context === null) this.take(error, connection);
    else this.#context.runInAsyncScope(this.take, this, error, connection);
  }

  take(error, connection) {
    if (error) {
      if (this.ahead === null) this.finish({ thrown: error });
      else this.ahead.refuse({ thrown: error });
      return;
    }
    this.connection = connection;
    if (this.ahead === null) this.run();
    else this.ahead.grant();
  }

  run() {
    const { connection } = this;
    this.isMoving = false;
    try {
      this.start(connection);
    } catch (thrown) {
      connection.release();
      this.fail(thrown);
    }
    this.whenOver?.();
  }

  /** Its command is over, on its own connection. */
  handleEnd() {
    const { connection } = this;
    if (isReadOnly(this.command._failure)) connection.destroy();
    else connection.release();
  }

  // ---- Ahead of its turn ----

  get stalls() {
    return this.pool.stalls;
  }

  get wire() {
    return this.connection?._wire;
  }

  /** What its own connection was lost by, where it had one. */
  get lost() {
    const { connection } = this;
    if (connection === null || connection._pool !== null) return undefined;
    return { thrown: connection._protocolError ?? connection._fatalError ?? connectionLost() };
  }

  isOfConnection({ wire, thrown, isThrown }) {
    return thrown === undefined && !isThrown && wire.kind !== 'database';
  }

  /** What the server was to stop has done nothing. */
  wasStopped({ wire }) {
    return wire?.interrupted === true;
  }

  /** Others may be sent over its connection, behind it. */
  get mayLead() {
    if (this.pace === undefined || this.connection === null) return false;
    return !this.isMoving && !this.isAlone;
  }

  /** It still waits for a connection of its own. */
  sendAhead(connection) {
    const { _wire: wire } = connection;
    const ahead = new Ahead(this, wire);
    const isInsert = this.repeats === REPEATS.STOPPED;
    const start = (answer) => wire.share(this.prepared(connection), answer, isInsert);
    if (ahead.send(start)) this.ahead = ahead;
  }

  /** No answer is waited for any more: it runs on a connection of its own, once it has one. */
  sendAgain(isGranted, wasStopped) {
    this.ahead = null;
    this.isAlone = wasStopped;
    if (!isGranted) return;
    this.isMoving = true;
    this.pool.handleMove(this);
  }

  /** Answered by another connection than its own, which goes back. */
  end(failure, results) {
    const { connection } = this;
    this.finish(failure, results);
    if (isReadOnly(this.command._failure)) connection.destroy();
    else connection.release();
    this.whenOver?.();
  }

  finishRefused(failure, results) {
    this.finish(failure, results);
  }

  /** What the program's code throws is not the failure of whoever gave the connection back. */
  finish(failure, results) {
    guarded(() => {
      if (this.#context === null) this.#settle(failure, results);
      else this.#context.runInAsyncScope(this.#settle, this, failure, results);
    });
  }

  #settle(failure, results) {
    if (failure !== null && failure.thrown !== undefined) this.fail(failure.thrown);
    else this.#conclude(failure, results);
  }

  #conclude(failure, results) {
    const { command } = this;
    command.gather(results);
    if (failure === null) command.finish();
    else this.#refuse(this.#errorOf(failure));
    command.emit('end');
  }

  /** Behind those that were told of their results: the answers have come together. */
  #refuse(error) {
    const { command } = this;
    command._failure = error;
    if (command.onResult) nextTick(() => command.refuse(error));
    else command.refuse(error);
  }

  #errorOf({ wire, isThrown }) {
    if (isThrown) return wire;
    return wire.kind === 'database' ? this.command.errorOf(wire) : connectionLost();
  }
}

/** `pool.query`. */
class QueryStatement extends PoolStatement {
  constructor(pool, command) {
    super(pool);
    this.command = command;
  }

  start(connection) {
    const { command } = this;
    if (!isPlain(connection, 'query')) {
      startQuery(connection, command);
      return;
    }
    // As mysql2: nobody has to listen.
    if (!command.onResult) command.once('error', ignore);
    command.prepareText(connection);
    command._pooled = this;
    connection.addCommand(command);
  }

  prepared() {
    return this.command;
  }

  fail(error) {
    failQuery(this.command, error);
  }
}

/** `pool.execute`. */
class ExecuteStatement extends PoolStatement {
  #callback;

  constructor(pool, sql, values, callback = unheard) {
    super(pool);
    this.sql = sql;
    this.values = values;
    this.#callback = callback;
  }

  start(connection) {
    if (!isPlain(connection, 'execute')) {
      startExecute(connection, this.sql, this.values, this.#callback);
      return;
    }
    const command = this.prepared(connection);
    command._pooled = this;
    connection.executeCommand(command);
  }

  /** The command; throws what its values are refused with. */
  prepared({ config }) {
    if (this.command !== null) return this.command;
    const given = readExecute(this.sql, this.values, this.#tell, config);
    this.command = new Execute(given.options, given.onResult);
    if (this.isKnown) this.command.template = given.options.sql;
    return this.command;
  }

  #tell = (error, rows, fields) => {
    if (isReadOnly(error)) this.connection?.destroy();
    this.#callback(error, rows, fields);
  };

  fail(error) {
    this.#callback(error);
  }
}

module.exports = { ExecuteStatement, QueryStatement };
