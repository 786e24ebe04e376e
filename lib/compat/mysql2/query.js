'use strict';

/** query() and execute(): what they are asked, and what they tell. */

const { Readable } = require('node:stream');
// Not the globals: test frameworks replace them.
const timers = require('node:timers');
const { CharsetToEncoding, encode, isUtf8 } = require('./charsets');
const { guarded } = require('../../surface');
const { Command, textOf } = require('./command');
const { FLAGS, STATUS } = require('./flags');
const { Gathering } = require('./gathering');
const { executePacket } = require('./execute-packet');
const { queryPacket } = require('./parameters');
const { Reading } = require('./readers');
const { resolveNames } = require('./requests');
const { ResultSetHeader } = require('./result-header');

const { nextTick } = process;

const NO_CLOSES = [];
const FILE = 0xfb;
/** May have the server ask for a file. */
const LOADS = /\bload\s+(?:data|xml)\b/i;
const READS = /^\s*(?:select|with)\b[^;]*$/i;
const TEXT_MAX = 4_096;

const NO_PROMISE =
  'You have tried to call .then(), .catch(), or invoked await on the result of query that is not ' +
  'a promise, which is a programming error. Try calling con.promise().query(), or ' +
  "require('mysql2/promise') instead of 'mysql2' for a promise-compatible version of the query " +
  'interface. To learn how to use async/await or Promises check out documentation at ' +
  'https://sidorares.github.io/node-mysql2/docs#using-promise-wrapper, or the mysql2 ' +
  'documentation at https://sidorares.github.io/node-mysql2/docs/documentation/promise-wrapper';

const ignore = () => {};

/** A command that has results. */
class Asking extends Command {
  #timer = null;
  #timedOut = false;
  #index = 0;
  #results = [];
  #fields = [];
  /** The file that the server asks for, and why it has not got it. */
  #path = null;
  #failure = null;

  constructor(options, callback) {
    super(callback);
    this.sql = options.sql;
    this.values = options.values;
    this.timeout = options.timeout;
    this.queryTimeout = null;
    this._failure = null;
    this._options = options;
  }

  get runsWithin() {
    return true;
  }

  /** Sends it; the time begins to count. */
  ask(connection, body, binary, text) {
    if (this.timeout) this.#timer = timers.setTimeout(() => this.#expire(), this.timeout);
    const loads = typeof this.sql === 'string' && LOADS.test(this.sql);
    if (loads || !this.onResult) {
      this.exchange(connection, body ?? text, this.#reading(connection, binary), loads);
      return;
    }
    connection._wire.begin();
    const flags = connection._begin.follow(this);
    // The engine wants to know whether it is a read.
    const told = flags !== 0 && binary ? readOf(this.sql) : text;
    this._exchange = this.#gathering(connection, body, binary, told, null, flags);
  }

  /** As `ask`, beside the commands of the connection; `answer` hears of it. */
  askAside(connection, body, binary, text, answer, flags = 0) {
    return this.#gathering(connection, body, binary, text, answer, flags);
  }

  #gathering(connection, body, binary, text, answer, flags) {
    const reading = this.#reading(connection, binary);
    this._connection = connection;
    const gathering = new Gathering(connection, this, reading, answer);
    const closes = answer === null ? connection._takeCloses() : NO_CLOSES;
    gathering.begin(connection._session, body, closes, text, flags);
    return gathering;
  }

  #reading(connection, binary) {
    const { config, _readings: readings } = connection;
    const at = binary ? 1 : 0;
    return (readings[at] = Reading.of(config, this._options, binary, readings[at]));
  }

  #expire() {
    this.#timedOut = true;
    this.#timer = null;
    const error = new Error('Query inactivity timeout');
    const code = 'PROTOCOL_SEQUENCE_TIMEOUT';
    this.refuse(Object.assign(error, { errorno: code, code, syscall: 'query' }));
  }

  // ---- What the server says ----

  hears(bytes) {
    if (bytes[0] !== FILE) return false;
    this.#path = bytes.toString('utf8', 1);
    const factory = this._options.infileStreamFactory;
    if (!factory || !LOADS.test(this.sql)) {
      this.#failure = new Error(
        `As a result of LOCAL INFILE command server wants to read ${this.#path} file, but as of ` +
          'v2.0 you must provide streamFactory option returning ReadStream.',
      );
    }
    return true;
  }

  /** It takes a file now. */
  handleAsked(exchange, credit) {
    if (this.#failure !== null) {
      exchange.sendEnd();
      return;
    }
    const fail = (error) => (this.#failure = error);
    try {
      exchange.sendFile(this._options.infileStreamFactory(this.#path), credit, fail);
    } catch (error) {
      fail(error);
      exchange.sendEnd();
    }
  }

  handleFields(fields) {
    this.#fields.push(fields);
    this.#results.push([]);
    this.emit('fields', fields);
  }

  handleRow(row) {
    if (this.onResult) this.#results.at(-1).push(row);
    else this.emit('result', row, this.#index);
  }

  /** The rows of a result that come all at once, and its end. */
  handleRows(rows) {
    if (rows.length > 0) {
      if (this.onResult) this.#results[this.#results.length - 1] = rows;
      else for (const row of rows) this.handleRow(row);
    }
    this.#index++;
  }

  /** All of its results at once, as the ring gives them. */
  gather(results) {
    for (const { info, rows, fields } of results) {
      if (info !== undefined && fields.length === 0) {
        this.handlePacket(info);
      } else {
        this.#fields.push(fields);
        this.#results.push(rows);
        this.#index++;
        this.#say('fields', fields);
      }
    }
  }

  /** What a listener throws costs nobody the answer. */
  #say(event, about) {
    if (this.listenerCount(event) > 0) guarded(() => this.emit(event, about));
  }

  handlePacket(told) {
    const connection = this._connection;
    const header = new ResultSetHeader(told, connection);
    connection._begin.note(this, header, told);
    if (this.#failure !== null && !(header.serverStatus & STATUS.MORE_RESULTS)) return;
    this.#results.push(header);
    this.#fields.push(undefined);
    this.#index++;
    this.#say('fields', undefined);
    this.#say('result', header);
  }

  // ---- Its end ----

  finish() {
    this.#stopTimer();
    if (this.#timedOut) return;
    if (this.#failure !== null) {
      this.refuse(this.#failure);
      return;
    }
    if (!this.onResult) return;
    const several = this.#index > 1;
    const results = several ? this.#results : this.#results[0];
    const fields = several ? this.#fields : this.#fields[0];
    if (fields) nextTick(tellRows, this, results, fields);
    else nextTick(tellResults, this, results);
  }

  #stopTimer() {
    if (this.#timer !== null) timers.clearTimeout(this.#timer);
  }

  refuse(error) {
    this.#stopTimer();
    this._failure = error;
    if (this.#timedOut && error.code !== 'PROTOCOL_SEQUENCE_TIMEOUT') return;
    super.refuse(error);
  }

  // ---- Other forms ----

  then() {
    console.log(NO_PROMISE);
    throw new Error(NO_PROMISE);
  }

  /** Rows as a stream: it pauses the connection while it is full. */
  stream(options = {}) {
    const resume = () => this._connection?.resume();
    const stream = new Readable({
      ...options,
      objectMode: true,
      emitClose: true,
      autoDestroy: true,
      read: resume,
      destroy: (error, callback) => {
        resume();
        for (const [name, listener] of listeners) this.removeListener(name, listener);
        // Nobody reads it any more.
        this.on('error', ignore);
        callback(error);
      },
    });
    // Those who left it early wait for its end as well.
    stream.once('close', () => stream.readableEnded || stream.emit('end'));
    const listeners = [
      ['result', (row, index) => this.#push(stream, row, index)],
      ['fields', (fields) => stream.destroyed || stream.emit('fields', fields)],
      ['end', () => stream.destroyed || stream.push(null)],
      ['error', (error) => stream.destroy(error)],
    ];
    for (const [name, listener] of listeners) this.on(name, listener);
    return stream;
  }

  #push(stream, row, index) {
    if (stream.destroyed) return;
    if (!stream.push(row)) this._connection?.pause();
    stream.emit('result', row, index);
  }
}

Asking.prototype.catch = Asking.prototype.then;

/** The text of what may be a read, or null. */
function readOf(sql) {
  return typeof sql === 'string' && sql.length <= TEXT_MAX && READS.test(sql) ? sql : null;
}

function tellRows(command, rows, fields) {
  command.onResult(null, rows, fields);
}

function tellResults(command, results) {
  command.onResult(null, results);
}

class Query extends Asking {
  constructor(options, callback) {
    super(options, callback);
    this.namedPlaceholders = Object.hasOwn(options, 'namedPlaceholders')
      ? options.namedPlaceholders
      : undefined;
    /** Of a pool's: its text as it was given, where its pace is worth knowing. */
    this.template = null;
  }

  start(connection) {
    const body = this.#body(connection);
    if (typeof body === 'string' && connection._begin.answers(this, body)) {
      this._connection = connection;
    } else if (typeof body === 'string' && this.#mayTell) {
      this.ask(connection, body === this.template ? null : body, false, this.template);
    } else {
      this.ask(connection, body, false, null);
    }
    return false;
  }

  /** Its pace is of use to its pool. */
  get #mayTell() {
    return this._pooled !== null && this.template !== null;
  }

  /** Sends it beside the commands of a connection; null where it has to wait for its turn. */
  sendOver(connection, answer) {
    this.prepareText(connection);
    const body = this.#body(connection);
    if (typeof body !== 'string') return null;
    const text = this.template;
    return this.askAside(connection, body === text ? null : body, false, text, answer);
  }

  /** Its values become part of its text. */
  prepareText(connection) {
    resolveNames(this, connection.config);
    const given = this.values === undefined ? [] : this.values;
    const text = this.template ?? this.sql;
    this.sql = connection.format(text, given, this.namedPlaceholders);
  }

  /** A text is the engine's to send, unless it is in another character set. */
  #body(connection) {
    const { config } = connection;
    const encoding = CharsetToEncoding[config.charsetNumber];
    const { attributes } = this._options;
    const withAttributes = connection.agreesOn(FLAGS.CLIENT_QUERY_ATTRIBUTES);
    const sql = textOf(this.sql);
    if (withAttributes && attributes && Object.keys(attributes).length > 0) {
      return queryPacket(sql, encoding, attributes);
    }
    if (isUtf8(encoding)) return sql;
    const head = withAttributes ? [3, 0, 1] : [3];
    return Buffer.concat([Buffer.from(head), encode(sql, encoding)]);
  }
}

class Execute extends Asking {
  constructor(options, callback) {
    super(options, callback);
    this.statement = options.statement;
    this.parameters = options.values;
    /** As of a query. */
    this.template = null;
  }

  start(connection) {
    if (this.statement === undefined) return true;
    let body;
    try {
      body = executePacket(this, connection);
    } catch (error) {
      this.refuse(error);
      return true;
    }
    this.ask(connection, body, true, this._pooled === null ? null : this.template);
    return false;
  }

  /** As of a query; only where the connection knows the statement. */
  sendOver(connection, answer) {
    const { _statements: statements, constructor: Connection } = connection;
    this.statement = statements.get(Connection.statementKey(this._options));
    if (this.statement === undefined) return null;
    const body = executePacket(this, connection);
    return this.askAside(connection, body, true, this.template, answer);
  }

  /** Its statement is lost together with it: who asked hears of that once. */
  refuse(error) {
    const { onResult } = this;
    if (onResult) {
      this.onResult = (...given) => {
        this.onResult = ignore;
        onResult(...given);
      };
    }
    super.refuse(error);
  }
}

module.exports = { Execute, Query };
