'use strict';

/** A connection as package mysql2 has it: commands one after the other, over a session of ours. */

const { AsyncResource } = require('node:async_hooks');
const { EventEmitter } = require('node:events');
const timers = require('node:timers');
const { createLRU } = require('lru.min');
const SqlString = require('sql-escaper');
const { guarded, surface } = require('../../surface');
const { ChangeUser } = require('./change-user');
const { CharsetToEncoding } = require('./charsets');
const { Ping, Quit, ResetConnection } = require('./command');
const ConnectionConfig = require('./connection-config');
const { EarlyBegin } = require('./early-begin');
const { closedError, connectionLost, destroyed, fatal, lostError } = require('./errors');
const { ClientHandshake } = require('./handshake');
const { Prepare } = require('./prepare');
const { Execute, Query } = require('./query');
const { readExecute, readQuery, resolveNames } = require('./requests');
const { SessionSocket } = require('./socket');
const { traceConnect, traceExecute, traceQuery } = require('./traces');
const { SharedWire } = require('./wire');

const { nextTick } = process;

/** What timers can wait; they take more for none at all. */
const TIMEOUT_MAX_MS = 2 ** 31 - 1;

/** How long an answer is waited for after the connection was closed. */
const PARTING_MS = 1000;

/** How many keys are kept, and of texts of what length. */
const KEYS_MAX = 2_000;
const LENGTH_MAX = 4_096;

const keys = new Map();

const keyOf = (nestTables, rowsAsArray, sql) =>
  `${typeof nestTables}/${nestTables}/${rowsAsArray}${sql}`;

/** Without options: a new text would have to be hashed for each look-up. */
function plainKey(sql) {
  let key = keys.get(sql);
  if (key === undefined) {
    key = keyOf(undefined, undefined, sql);
    if (sql.length > LENGTH_MAX) return key;
    if (keys.size === KEYS_MAX) keys.clear();
    keys.set(sql, key);
  }
  return key;
}

let connections = 0;

class Connection extends EventEmitter {
  /** Runs from its close until the command under way is over. */
  #parting = null;

  constructor({ config }) {
    super();
    this.config = config;
    this._internalId = connections++;
    this._commands = [];
    this._command = null;
    this._paused = false;
    this._closes = [];
    /** How results were read last: of queries, and of statements. */
    this._readings = [undefined, undefined];
    this._closing = false;
    this._session = null;
    this._wire = new SharedWire(this);
    this._begin = new EarlyBegin(this, OWN);
    this._statements = this.#newStatements();
    this.serverCapabilityFlags = 0;
    this._isMariaDB = false;
    this.authorized = false;
    this.threadId = null;
    this._handshakePacket = null;
    this._fatalError = null;
    this._protocolError = null;
    this.clientEncoding = CharsetToEncoding[config.charsetNumber];
    this.serverEncoding = 'utf8';
    this.scope = new AsyncResource('polypool.mysql2.Connection');
    this.stream = new SessionSocket({ closed: () => this.#closed() });
    this.stream.on('error', (error) => this.#handleStreamError(error));
    this._owner = {
      parameter: () => {},
      notice: () => {},
      notification: () => {},
      lost: (wire) => this.scope.runInAsyncScope(() => this.#lost(wire)),
    };
    this.connectTimeout = null;
    if (config.connectTimeout) {
      const expire = () => this.#expire();
      const ms = Math.min(config.connectTimeout, TIMEOUT_MAX_MS);
      this.connectTimeout = timers.setTimeout(expire, ms);
    }
    this.addCommand(new ClientHandshake());
    traceConnect(this);
  }

  #newStatements() {
    const max = this.config.maxPreparedStatements;
    return createLRU({ max, onEviction: (_key, statement) => statement._evicted() });
  }

  // ---- Its begin ----

  _connected(hello) {
    timers.clearTimeout(this.connectTimeout);
    this.connectTimeout = null;
    this._handshakePacket = hello;
    this.serverCapabilityFlags = hello.capabilityFlags;
    this.serverEncoding = CharsetToEncoding[hello.characterSet];
    this.threadId = this.connectionId = hello.connectionId;
    this._isMariaDB = /mariadb/i.test(hello.serverVersion);
    this.authorized = true;
    this._endCommand(this._command, null);
  }

  _endHandshake(error) {
    this._closing = true;
    this.scope.runInAsyncScope(() => this._notifyError(error));
    this._fatalError = this._protocolError = error;
    this.close();
  }

  #expire() {
    this.connectTimeout = null;
    const error = new Error('connect ETIMEDOUT');
    Object.assign(error, { errorno: 'ETIMEDOUT', code: 'ETIMEDOUT', syscall: 'connect' });
    this._fail(fatal(error));
  }

  connect(callback) {
    if (!callback) return;
    const failed = this._fatalError || this._protocolError;
    if (failed) return callback(failed);
    if (this._handshakePacket) return callback(null, this);
    const onError = (error) => {
      this.removeListener('connect', onConnect);
      callback(error);
    };
    const onConnect = (hello) => {
      this.removeListener('error', onError);
      callback(null, hello);
    };
    this.once('error', onError);
    this.once('connect', onConnect);
  }

  /** Both sides are able to do it. */
  agreesOn(flag) {
    return (this.config.clientFlags & this.serverCapabilityFlags & flag) !== 0;
  }

  // ---- Commands ----

  addCommand(command) {
    if (this._command === null) this.#start(command);
    else this._commands.push(command);
    return command;
  }

  #start(command) {
    this._command = command;
    // What is over at once makes room for the next.
    while (this._command !== null && this.#isOver(this._command)) {
      const over = this._command;
      guarded(() => over.emit('end'));
      over._pooled?.handleEnd();
      if (this._command === over) this._command = this._commands.shift() ?? null;
    }
  }

  /** What cannot even begin is refused, and makes room as well. */
  #isOver(command) {
    try {
      const failure = this._begin.takeFailure(command);
      if (failure === null) return command.start(this);
      guarded(() => command.refuse(failure));
    } catch (error) {
      guarded(() => command.refuse(error));
    }
    return true;
  }

  /** The program is told; the next command begins whatever that throws. */
  _endCommand(command, failure) {
    // It was told that its connection is gone.
    if (this._command !== command) return;
    try {
      if (failure === null) command.finish(this);
      else command.refuse(failure);
    } catch (error) {
      surface(error);
    }
    guarded(() => command.emit('end'));
    this._wire.note();
    if (command._pooled !== null) command._pooled.handleEnd();
    if (this._command !== command) return;
    this._command = null;
    const next = this.#parting === null ? this._commands.shift() : undefined;
    if (next !== undefined) this.#startBehind(next);
    else if (this.#parting !== null) this.#part();
  }

  #startBehind(command) {
    this._begin.isBehind = true;
    try {
      this.#start(command);
    } finally {
      this._begin.isBehind = false;
    }
  }

  /** It was closed amid a command. */
  #part() {
    timers.clearTimeout(this.#parting);
    this.stream.end();
  }

  /** Its connection is gone, or the engine has refused it. */
  _loseCommand(command, wire) {
    const gone = ['ERR_POLYPOOL_CONNECTION_LOST', 'ERR_POLYPOOL_PROTOCOL'].includes(wire.code);
    if (gone || !this._session.isOpen) return;
    this._endCommand(command, new Error(wire.message));
  }

  _takeCloses() {
    const closes = this._closes;
    if (closes.length > 0) this._closes = [];
    return closes;
  }

  /** The session begins anew. */
  _forgetSession() {
    this._statements = this.#newStatements();
    this._begin.forget();
  }

  // ---- What is asked of it ----

  static createQuery(sql, values, callback, config) {
    const { options, onResult } = readQuery(sql, values, callback, config);
    return new Query(options, onResult);
  }

  static statementKey(options) {
    const { nestTables, rowsAsArray, sql } = options;
    const isPlain = nestTables === undefined && rowsAsArray === undefined;
    return isPlain && typeof sql === 'string' ? plainKey(sql) : keyOf(nestTables, rowsAsArray, sql);
  }

  query(sql, values, callback) {
    const command =
      sql.constructor === Query ? sql : Connection.createQuery(sql, values, callback, this.config);
    command.prepareText(this);
    return traceQuery(this, command);
  }

  execute(sql, values, callback) {
    const { options, onResult } = readExecute(sql, values, callback, this.config);
    const execute = new Execute(options, onResult);
    return traceExecute(this, execute, () => this.executeCommand(execute));
  }

  /** Where the statement is known that is all; else it is prepared first. */
  executeCommand(execute) {
    const { _options: options } = execute;
    // It may have one of another connection.
    const isNext = this._command === null;
    execute.statement = isNext ? this._statements.get(Connection.statementKey(options)) : undefined;
    if (execute.statement === undefined) {
      const prepared = (error, statement) => {
        if (error) execute.refuse(error);
        else execute.statement = statement;
      };
      this.addCommand(new Prepare(options, prepared));
    }
    this.addCommand(execute);
  }

  prepare(options, callback) {
    const given = typeof options === 'string' ? { sql: options } : options;
    return this.addCommand(new Prepare(given, callback));
  }

  unprepare(sql) {
    const key = Connection.statementKey(typeof sql === 'object' ? sql : { sql });
    const statement = this._statements.get(key);
    if (statement === undefined) return undefined;
    this._statements.delete(key);
    statement.close();
    return statement;
  }

  beginTransaction(callback) {
    return this.query('START TRANSACTION', callback);
  }

  commit(callback) {
    return this.query('COMMIT', callback);
  }

  rollback(callback) {
    return this.query('ROLLBACK', callback);
  }

  ping(callback) {
    return this.addCommand(new Ping(callback));
  }

  reset(callback) {
    return this.addCommand(new ResetConnection(callback));
  }

  changeUser(options, callback) {
    if (typeof options === 'function') return this.changeUser({}, options);
    return this.addCommand(new ChangeUser(options ?? {}, this.config, callback));
  }

  pause() {
    this._paused = true;
  }

  resume() {
    if (!this._paused) return;
    this._paused = false;
    this._command?.resume();
  }

  createBinlogStream() {
    throw new Error(
      'polypool/mysql2 reads no binary logs: createBinlogStream is for mysql2 itself',
    );
  }

  // ---- Texts ----

  format(sql, values, namedPlaceholders) {
    const { queryFormat, stringifyObjects, timezone } = this.config;
    if (typeof queryFormat === 'function') return queryFormat.call(this, sql, values, timezone);
    const options = { sql, values, namedPlaceholders };
    resolveNames(options, this.config);
    return SqlString.format(options.sql, options.values, stringifyObjects, timezone);
  }

  escape(value) {
    return SqlString.escape(value, false, this.config.timezone);
  }

  escapeId(value) {
    return SqlString.escapeId(value, false);
  }

  raw(sql) {
    return SqlString.raw(sql);
  }

  promise(Promise) {
    const { PromiseConnection } = require('./promise/connection');
    return new PromiseConnection(this, Promise);
  }

  // ---- Its end ----

  get state() {
    if (this._fatalError || this._protocolError) return 'error';
    if (this._closing || this.stream.destroyed) return 'disconnected';
    if (this.authorized) return 'authenticated';
    return this._handshakePacket ? 'connected' : 'protocol_handshake';
  }

  get fatalError() {
    return this._fatalError;
  }

  end(callback) {
    const quit = this.addCommand(new Quit(callback));
    this.addCommand = this._addCommandClosedState;
    return quit;
  }

  _quit() {
    this.stream.close(true);
  }

  destroy() {
    this.close();
  }

  close() {
    timers.clearTimeout(this.connectTimeout);
    this.connectTimeout = null;
    this._closing = true;
    this.addCommand = this._addCommandClosedState;
    this.#cut();
  }

  /** At once, but for a command that has been sent: it has a moment to be answered. */
  #cut() {
    const isAsked = this._command !== null && !(this._command instanceof ClientHandshake);
    if (!isAsked || this._session === null) this.stream.end();
    else this.#parting ??= timers.setTimeout(() => this.stream.end(), PARTING_MS).unref();
  }

  [Symbol.dispose]() {
    if (!this._closing) this.end();
  }

  _addCommandClosedState(command) {
    const error = closedError();
    if (command.onResult) {
      command.onResult(error);
    } else {
      nextTick(tellLoss, command, error);
      this.emit('error', error);
    }
    return command;
  }

  /** The socket is gone, as the program wanted it. */
  #closed() {
    this.scope.runInAsyncScope(() => {
      guarded(() => this.emit('end'));
      this.stream.emit('close');
      if (!this._closing) this._notifyError((this._protocolError ??= connectionLost()));
      else if (!(this._command instanceof ClientHandshake)) this.#tellAll(destroyed());
    });
  }

  /** Whoever waits for an answer. */
  #tellAll(error) {
    const asked = this._command === null ? [] : [this._command];
    asked.push(...this._commands.splice(0));
    this._command = null;
    for (const each of asked) guarded(() => tellLoss(each, error));
    return asked;
  }

  /** The engine says that the connection is gone. */
  #lost(wire) {
    this.stream.lost();
    if (this._closing) {
      this.#tellAll(destroyed());
      this.stream.emit('close');
      return;
    }
    const isIdle = this._command === null && this._wire.shared === 0;
    const error = lostError(wire, isIdle);
    this._protocolError = error;
    guarded(() => this.emit('end'));
    this.stream.emit('close');
    this._notifyError(error);
  }

  /** Programs destroy the stream with it. */
  #handleStreamError(error) {
    if (!this._closing || error.code !== 'ECONNRESET') this._fail(fatal(error));
  }

  /** Nothing more is heard of the server. */
  _fail(error) {
    this.addCommand = this._addCommandClosedState;
    this.scope.runInAsyncScope(() => this._notifyError(error));
    this._fatalError = error;
  }

  /** Those who wait hear of it; the connection itself where one of them cannot. */
  _notifyError(error) {
    timers.clearTimeout(this.connectTimeout);
    this.connectTimeout = null;
    if (this._fatalError) return;
    // Whoever hears of it may ask for more at once.
    this.addCommand = this._addCommandClosedState;
    const command = this._command;
    const isImplicit = command instanceof ClientHandshake && this._commands.length > 0;
    const asked = this.#tellAll(error);
    const isUnheard = asked.some((each) => !each.onResult && !(isImplicit && each === command));
    const bubbles = command === null || isUnheard;
    if (bubbles || this._pool) guarded(() => this.emit('error', error));
    if (error.fatal) this.close();
  }
}

/** What programs may replace. */
const { query, addCommand } = Connection.prototype;
const OWN = { query, addCommand };

/** Without a callback the connection hears of it, and whoever reads its rows. */
function tellLoss(command, error) {
  if (command.onResult) command.onResult(error);
  // It was refused what it needs.
  else if (command._failure) command.emit('end');
  else if (command.listenerCount('error') > 0) command.emit('error', error);
}

module.exports = { Connection, ConnectionConfig };
