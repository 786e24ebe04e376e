'use strict';

/** One connection, and the queries that wait for it. */

const { AsyncResource } = require('node:async_hooks');
const { EventEmitter } = require('node:events');
const { refuseAtCaller } = require('../../failure');
const { last, pending } = require('../../pending');
const { configure } = require('./configure');
const Connection = require('./connection');
const { Dialogue } = require('./dialogue');
const { Lifetime } = require('./lifetime');
const { OWN, PLAIN, Queries, RUN, SHARE, WIRE } = require('./queries');
const Query = require('./query');
const { SessionStream } = require('./session-stream');
const { startupParameters } = require('./target');
const { escapeIdentifier, escapeLiteral } = require('./values');

const NativePromise = Promise;

class Client extends EventEmitter {
  #queries;
  #lifetime;

  constructor(config) {
    super();
    configure(this, config);
    const given = config || {};
    this.connection = given.connection || connectionOf(this, given);
    this.#queries = new Queries(this, given);
    const dialogue = new Dialogue(this, this.#queries);
    this.#lifetime = new Lifetime(this, given, this.#queries, dialogue);
  }

  // ---- Begin and end ----

  connect(callback) {
    const caller = {};
    Error.captureStackTrace(caller, Client.prototype.connect);
    if (callback) {
      this.#lifetime.connect(callback, caller);
      return undefined;
    }
    return new this._Promise((resolve, reject) => {
      this.#lifetime.connect((error) => (error ? reject(error) : resolve(this)), caller);
    });
  }

  end(callback) {
    if (!callback) return new this._Promise((resolve) => this.#lifetime.end(resolve));
    this.#lifetime.end(callback);
    return undefined;
  }

  ref() {
    this.#lifetime.ref();
  }

  unref() {
    this.#lifetime.unref();
  }

  // ---- Queries ----

  query(config, values, callback) {
    return this[RUN](config, values, callback, inContext);
  }

  /** `bind` gives a callback its async context. */
  [RUN](config, values, callback, bind) {
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
      } else {
        query.callback = bind(query.callback);
      }
    }
    const limit = config.query_timeout || this.connectionParameters.query_timeout;
    if (limit) this.#queries.limit(query, limit);
    this.#complete(query);
    const fault = this.#refusalOf(query, own);
    if (fault !== null) {
      process.nextTick(() => query.handleError(new Error(fault), this.connection));
      return result;
    }
    if (own) query[OWN] = true;
    this._queryQueue.push(query);
    this.#queries.pulse(true);
    return result;
  }

  /**
   * Sends an ordinary query behind the one that has this client; null where it has to wait for its
   * turn. Throws what it is refused with, as `query` would tell it. `isInsert`: it may be stopped.
   */
  [SHARE](config, values, callback, isInsert) {
    if (this.query !== this[PLAIN] || this.connectionParameters.query_timeout) return null;
    // They are told of the queries of one client, which would be told of those of another one.
    if (this.listenerCount('drain') > 0) return null;
    const query = new Query(config, values, callback);
    this.#complete(query);
    query[OWN] = true;
    return this.#queries.share(query, isInsert);
  }

  /** What the client says of all its queries, where they say nothing. */
  #complete(query) {
    if (this.binary && !query.binary) query.binary = true;
    if (query._result && !query._result._types) query._result._types = this._types;
  }

  get [WIRE]() {
    return this.#queries;
  }

  #promiseOf(query) {
    const promise = pending(this._Promise);
    const { resolve, reject } = last;
    if (!this.pipeline && this._Promise === NativePromise) {
      query.callback = (error, answer) =>
        error ? refuseAtCaller(resolve, error) : resolve(answer);
      return promise;
    }
    // Answers of several come together, and settle in their order; another class may know of no other
    // promises.
    query.callback = (error, answer) => (error ? reject(error) : resolve(answer));
    return promise.catch(restacked);
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

  /** What the server is told at first; subclasses say more. */
  getStartupConf() {
    return startupParameters(this.connectionParameters);
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

/** With the stack of whoever awaits it instead of the one of the event that brought it. */
function restacked(error) {
  Error.captureStackTrace(error);
  throw error;
}

/** Answers come from the event loop: a callback runs in the async context of its query. */
function inContext(callback) {
  const resource = new AsyncResource('polypool.Query');
  return function answer(...given) {
    resource.runInAsyncScope(callback, this, ...given);
  };
}

function connectionOf({ connectionParameters }, { keepAlive, keepAliveInitialDelayMillis }) {
  return new Connection({
    stream: new SessionStream(),
    ssl: connectionParameters.ssl,
    sslNegotiation: connectionParameters.sslnegotiation,
    keepAlive: keepAlive || false,
    keepAliveInitialDelayMillis: keepAliveInitialDelayMillis || 0,
  });
}

Client.Query = Query;
/** A pool whose clients have this method, unchanged, may go past it. */
Client.prototype[PLAIN] = Client.prototype.query;

module.exports = Client;
