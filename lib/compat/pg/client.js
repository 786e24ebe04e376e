'use strict';

/**
 * pg's Client over a session of the engine. Ordinary queries are statements of the session; foreign
 * ones, and what goes message by message, get a Connection over its bare wire.
 */

const { EventEmitter } = require('node:events');
const { Session } = require('../../session');
const Connection = require('./connection');
const ConnectionParameters = require('./parameters');
const defaults = require('./defaults');
const { lostError, noticeOf } = require('./errors');
const Query = require('./query');
const { OWN, Queries, statusOf } = require('./queries');
const { parsers } = require('./run');
const { SessionStream } = require('./session-stream');
const { connectSession } = require('./connecting');
const TypeOverrides = require('./type-overrides');
const { escapeIdentifier, escapeLiteral } = require('./values');

/** How many rounds of the key derivation a server may ask for. */
const SCRAM_ITERATIONS = 100_000;

const FATAL = new Set(['FATAL', 'PANIC']);

/** Messages of the server, and the method of a query that takes each. */
const DELIVERED = [
  ['rowDescription', 'handleRowDescription', false],
  ['dataRow', 'handleDataRow', false],
  ['portalSuspended', 'handlePortalSuspended', true],
  ['emptyQuery', 'handleEmptyQuery', true],
  ['copyInResponse', 'handleCopyInResponse', true],
];

class Client extends EventEmitter {
  #session = null;
  #queries = new Queries(this);
  /** The server has said why the connection ends. */
  #toldFatal = false;
  #referenced = true;
  #config;

  constructor(config) {
    super();
    const given = config || {};
    this.#config = given;
    this.connectionParameters = new ConnectionParameters(config);
    const { user, database, port, host, password, replication } = this.connectionParameters;
    this.user = user;
    this.database = database;
    this.port = port;
    this.host = host;
    hide(this, 'password', password);
    this.replication = replication;
    this._Promise = given.Promise || global.Promise;
    this._types = new TypeOverrides(given.types);
    this._ending = false;
    this._ended = false;
    this._connecting = false;
    this._connected = false;
    this._connectionError = false;
    this._queryable = true;
    this._activeQuery = null;
    this._txStatus = null;
    this._queryQueue = [];
    this._sentQueryQueue = [];
    this.readyForQuery = false;
    this.hasExecuted = false;
    this.enableChannelBinding = Boolean(given.enableChannelBinding);
    this.scramMaxIterations = numberOr(given.scramMaxIterations, SCRAM_ITERATIONS);
    this.pipeline = Boolean(given.pipeline);
    this.binary = given.binary || defaults.binary;
    this.processID = null;
    this.secretKey = null;
    this.ssl = this.connectionParameters.ssl || false;
    this.sslNegotiation = this.connectionParameters.sslnegotiation || 'postgres';
    if (this.ssl && this.ssl.key) hide(this.ssl, 'key', this.ssl.key);
    this._connectionTimeoutMillis = given.connectionTimeoutMillis || 0;
    this.connection = given.connection || this.#connectionOf(given);
  }

  #connectionOf({ keepAlive, keepAliveInitialDelayMillis }) {
    return new Connection({
      stream: new SessionStream(),
      ssl: this.connectionParameters.ssl,
      sslNegotiation: this.connectionParameters.sslnegotiation,
      keepAlive: keepAlive || false,
      keepAliveInitialDelayMillis: keepAliveInitialDelayMillis || 0,
    });
  }

  // ---- Begin and end ----

  connect(callback) {
    if (callback) {
      this._connect(callback);
      return undefined;
    }
    return new this._Promise((resolve, reject) => {
      this._connect((error) => (error ? reject(error) : resolve(this)));
    });
  }

  _connect(callback) {
    if (this._connecting || this._connected) {
      const error = new Error('Client has already been connected. You cannot reuse a client.');
      process.nextTick(callback, error);
      return;
    }
    this._connecting = true;
    this._connectionCallback = callback;
    const { connection } = this;
    connection._connecting = true;
    if (this._connectionTimeoutMillis > 0) this.#limitConnecting();
    this.#listen();
    connection.once('end', () => this.#handleEnd());
    connection.attach();
    connection.watch();
    connectSession(this, this.#config, () => this.#openSession()).then(
      () => this.#handleConnected(),
      (error) => this.#handleUnconnected(error),
    );
  }

  #limitConnecting() {
    const expire = () => {
      this.connection._ending = true;
      this.connection.stream.destroy(new Error('timeout expired'));
    };
    this.connectionTimeoutHandle = setTimeout(expire, this._connectionTimeoutMillis);
    this.connectionTimeoutHandle.unref?.();
  }

  /** A session for one attempt to connect; null when nobody waits for it any more. */
  #openSession() {
    const { stream } = this.connection;
    if (stream.destroyed) return null;
    this.#session = new Session(this.#owner(), parsers);
    this.#queries.attach(this.#session);
    stream.attach(this.#session);
    return this.#session;
  }

  /** What the session tells. */
  #owner() {
    const { connection } = this;
    return {
      parameter: (parameterName, parameterValue) =>
        connection.emit('parameterStatus', {
          name: 'parameterStatus',
          length: parameterName.length + parameterValue.length + 6,
          parameterName,
          parameterValue,
        }),
      notice: (fields) => connection.emit('notice', noticeOf(fields)),
      notification: (processId, channel, payload) =>
        connection.emit('notification', {
          length: channel.length + payload.length + 10,
          processId,
          channel,
          payload,
          name: 'notification',
        }),
      lost: (error) => this.#handleLost(error),
    };
  }

  #handleConnected() {
    const session = this.#session;
    if (session === null || !session.isOpen || this.connection.stream.destroyed) return;
    const { processId: processID, secretKey } = session;
    const key = { name: 'backendKeyData', length: 12, processID, secretKey };
    Object.assign(this, { processID, secretKey });
    this.connection.stream.encrypted = Boolean(this.ssl);
    if (this.#referenced) session.ref();
    this.connection.emit('backendKeyData', key);
    this.connection.emit('readyForQuery', {
      name: 'readyForQuery',
      length: 5,
      status: statusOf(session),
    });
  }

  #handleUnconnected(error) {
    const { connection } = this;
    if (connection.stream.destroyed) return;
    connection.emit('error', error);
    connection.stream.destroy();
  }

  #listen() {
    const { connection } = this;
    connection.on('error', (error) => this._handleErrorEvent(error));
    connection.on('errorMessage', (message) => this._handleErrorMessage(message));
    connection.on('readyForQuery', (message) => this._handleReadyForQuery(message));
    connection.on('notice', (message) => this.emit('notice', message));
    connection.on('notification', (message) => this.emit('notification', message));
    connection.on('commandComplete', (message) => {
      this.#active('commandComplete')?.handleCommandComplete(message, connection);
    });
    connection.on('copyData', (message) => {
      this.#active('copyData')?.handleCopyData(message, connection);
    });
    connection.on('parseComplete', () => this.#handleParseComplete());
    for (const [name, method, bare] of DELIVERED) {
      connection.on(name, (message) => {
        const query = this.#active(name);
        if (query != null) query[method](bare ? connection : message);
      });
    }
  }

  /** The query that a message is for. */
  #active(name) {
    if (this._activeQuery == null) {
      this._handleErrorEvent(new Error(`Received unexpected ${name} message from backend.`));
    }
    return this._activeQuery;
  }

  /** The engine says that the connection is gone. */
  #handleLost(wire) {
    const error = lostError(wire, this);
    if (wire?.cause?.kind !== 'database') {
      if (error !== null) this.connection.emit('error', error);
    } else if (!this.#toldFatal) {
      this._handleErrorMessage(error);
    }
    this.connection.stream.destroy();
  }

  /** The stream is closed. */
  #handleEnd() {
    const ending = this._ending;
    const error = new Error(`Connection terminated${ending ? '' : ' unexpectedly'}`);
    clearTimeout(this.connectionTimeoutHandle);
    this.#queries.fail(error);
    this._ended = true;
    const connecting = this._connecting && !this._connectionError;
    if (connecting && this._connectionCallback) {
      // Also where the client has ended itself: nobody is to wait for ever.
      this._connectionError = true;
      this._connectionCallback(error);
    } else if (!ending && !this._connectionError) {
      this._handleErrorEvent(error);
    }
    process.nextTick(() => this.emit('end'));
  }

  end(callback) {
    this._ending = true;
    const { connection } = this;
    if (!connection._connecting || this._ended) {
      if (!callback) return this._Promise.resolve();
      callback();
      return undefined;
    }
    const busy = this._activeQuery || this._sentQueryQueue.length > 0;
    if (!this._queryable || this._connecting) {
      connection.stream.destroy();
    } else if (this.pipeline && (busy || this._queryQueue.length > 0)) {
      // They are answered, and then it goes.
      this.once('drain', () => connection.end());
    } else if (this._activeQuery) {
      // It might never end.
      connection.stream.destroy();
    } else {
      connection.end();
    }
    if (!callback) return new this._Promise((resolve) => connection.once('end', resolve));
    connection.once('end', callback);
    return undefined;
  }

  ref() {
    this.#referenced = true;
    this.connection.ref();
  }

  unref() {
    this.#referenced = false;
    this.connection.unref();
  }

  // ---- Queries ----

  query(config, values, callback) {
    if (config === null || config === undefined) {
      throw new TypeError('Client was passed a null or undefined query');
    }
    let query = config;
    let result;
    let own = false;
    if (typeof config.submit === 'function') {
      result = query;
      if (!query.callback) {
        if (typeof values === 'function') query.callback = values;
        else if (callback) query.callback = callback;
      }
    } else {
      query = new Query(config, values, callback);
      own = true;
      if (!query.callback) {
        result = this.#promiseOf(query);
      } else if (typeof query.callback !== 'function') {
        throw new TypeError('callback is not a function');
      }
    }
    const limit = config.query_timeout || this.connectionParameters.query_timeout;
    if (limit) this.#queries.limit(query, limit);
    if (this.binary && !query.binary) query.binary = true;
    if (query._result && !query._result._types) query._result._types = this._types;
    const fault = this.#refusalOf(query, own);
    if (fault !== null) {
      process.nextTick(() => query.handleError(new Error(fault), this.connection));
      return result;
    }
    if (own) query[OWN] = true;
    this._queryQueue.push(query);
    this.#queries.pulse();
    return result;
  }

  #promiseOf(query) {
    return new this._Promise((resolve, reject) => {
      query.callback = (error, answer) => (error ? reject(error) : resolve(answer));
    }).catch((error) => {
      // The stack of whoever awaits it instead of the one of the event that brought it.
      Error.captureStackTrace(error);
      throw error;
    });
  }

  /** Why a query is not run at all, or null. */
  #refusalOf(query, own) {
    if (this.pipeline) {
      // Its portal stays open over several answers, which those behind it would get.
      if (!own && !(query instanceof Query)) {
        return (
          'Custom query classes such as pg-cursor and pg-query-stream are not supported in ' +
          'pipeline mode'
        );
      }
      if (query.rows) return 'The `rows` option is not supported in pipeline mode';
    }
    if (!this._queryable) {
      return 'Client has encountered a connection error and is not queryable';
    }
    return this._ending ? 'Client was closed and is not queryable' : null;
  }

  // ---- From the bare wire, and the end of the start-up ----

  _handleReadyForQuery(message) {
    if (this._connecting) {
      this._connecting = false;
      this._connected = true;
      clearTimeout(this.connectionTimeoutHandle);
      const callback = this._connectionCallback;
      this._connectionCallback = null;
      callback?.(null, this);
      this.emit('connect');
    }
    const query = this._activeQuery;
    this._activeQuery = null;
    this._txStatus = message?.status ?? null;
    this.readyForQuery = true;
    if (query) query.handleReadyForQuery(this.connection);
    this.#queries.pulse();
  }

  _handleErrorMessage(message) {
    if (this._connecting) {
      this.#handleErrorWhileConnecting(message);
      return;
    }
    this._noteSeverity(message.severity);
    const query = this._activeQuery;
    if (!query) {
      this._handleErrorEvent(message);
      return;
    }
    this._activeQuery = null;
    if (query.name) delete this.connection.submittedNamedStatements[query.name];
    query.handleError(message, this.connection);
  }

  #handleErrorWhileConnecting(error) {
    if (this._connectionError) return;
    this._connectionError = true;
    clearTimeout(this.connectionTimeoutHandle);
    if (this._connectionCallback) this._connectionCallback(error);
    else this.emit('error', error);
  }

  /** Whatever follows, the reason for the end of the connection has been told. */
  _noteSeverity(severity) {
    if (FATAL.has(severity)) this.#toldFatal = true;
  }

  /** The connection is of no use any more. */
  _handleErrorEvent(error) {
    if (this._connecting) {
      this.#handleErrorWhileConnecting(error);
      return;
    }
    this._queryable = false;
    this.#queries.fail(error);
    this.emit('error', error);
  }

  #handleParseComplete() {
    const query = this.#active('parseComplete');
    if (query == null || !query.name) return;
    const { parsedStatements, submittedNamedStatements } = this.connection;
    parsedStatements[query.name] = query.text;
    delete submittedNamedStatements[query.name];
  }

  // ---- What else there is ----

  get activeQuery() {
    return this._activeQuery;
  }

  set activeQuery(query) {
    this._activeQuery = query;
  }

  get queryQueue() {
    return this._queryQueue;
  }

  /** Takes back a query that another client has not sent yet, or stops the one it runs. */
  cancel(client, query) {
    const waiting = client._queryQueue.indexOf(query);
    if (waiting >= 0) client._queryQueue.splice(waiting, 1);
    else if (client._sentQueryQueue.includes(query)) query.callback = () => {};
    else client.#queries.stop(query);
  }

  getTransactionStatus() {
    return this._txStatus;
  }

  setTypeParser(oid, format, parseFn) {
    return this._types.setTypeParser(oid, format, parseFn);
  }

  getTypeParser(oid, format) {
    return this._types.getTypeParser(oid, format);
  }

  escapeIdentifier(name) {
    return escapeIdentifier(name);
  }

  escapeLiteral(text) {
    return escapeLiteral(text);
  }
}

/** Kept out of console.log and of what is written into logs. */
function hide(object, name, value) {
  Object.defineProperty(object, name, {
    configurable: true,
    enumerable: false,
    writable: true,
    value,
  });
}

function numberOr(value, fallback) {
  const isText = typeof value === 'string' && value.trim() !== '';
  const number = isText ? Number(value) : value;
  return typeof number === 'number' && Number.isFinite(number) ? number : fallback;
}

Client.Query = Query;

module.exports = Client;
