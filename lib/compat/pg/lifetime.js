'use strict';

/** How the connection of a client begins and ends. */

const { types } = require('node:util');
const { guarded } = require('../../surface');
const { Session } = require('../../session');
const { connectSession } = require('./connecting');
const { lostError, noticeOf } = require('./errors');
const { Login } = require('./login');
const { statusOf } = require('./queries');
const { parsers } = require('./run');

class Lifetime {
  #client;
  #config;
  #queries;
  #dialogue;
  #session = null;
  #referenced = true;

  constructor(client, config, queries, dialogue) {
    this.#client = client;
    this.#config = config;
    this.#queries = queries;
    this.#dialogue = dialogue;
  }

  // ---- Its begin ----

  /** `caller` has the stack that errors get. */
  connect(callback, caller) {
    const client = this.#client;
    if (client._connecting || client._connected) {
      const error = new Error('Client has already been connected. You cannot reuse a client.');
      process.nextTick(callback, error);
      return;
    }
    client._connecting = true;
    client._connectionCallback = (error, connected) => {
      if (error) callback(withCaller(error, caller));
      else callback(null, connected);
    };
    const { connection } = client;
    connection._connecting = true;
    if (client._connectionTimeoutMillis > 0) this.#limit();
    this.#dialogue.listen();
    connection.once('end', () => this.#handleEnd());
    if (this.#config.connection) new Login(client).begin();
    else this.#connectSession();
  }

  #limit() {
    const client = this.#client;
    const expire = () => {
      client.connection._ending = true;
      client.connection.stream.destroy(new Error('timeout expired'));
    };
    client.connectionTimeoutHandle = setTimeout(expire, client._connectionTimeoutMillis);
    client.connectionTimeoutHandle.unref?.();
  }

  #connectSession() {
    const client = this.#client;
    client.connection.attach();
    client.connection.watch();
    connectSession(client, this.#config, () => this.#openSession()).then(
      () => guarded(() => this.#handleConnected()),
      (error) => guarded(() => this.#handleUnconnected(error)),
    );
  }

  /** A session for one attempt to connect; null when nobody waits for it any more. */
  #openSession() {
    const { stream } = this.#client.connection;
    if (stream.destroyed) return null;
    this.#session = new Session(this.#owner(), parsers);
    this.#queries.attach(this.#session);
    stream.attach(this.#session);
    return this.#session;
  }

  /** What the session tells. */
  #owner() {
    const { connection } = this.#client;
    return {
      parameter: (parameterName, parameterValue) =>
        connection.emit('parameterStatus', {
          name: 'parameterStatus',
          length: parameterName.length + parameterValue.length + 6,
          parameterName,
          parameterValue,
        }),
      notice: (fields) => {
        this.#queries.noteNotice(fields);
        connection.emit('notice', noticeOf(fields));
      },
      notification: (processId, channel, payload) =>
        connection.emit('notification', {
          length: Buffer.byteLength(channel) + Buffer.byteLength(payload) + 10,
          processId,
          channel,
          payload,
          name: 'notification',
        }),
      lost: (error) => this.#handleLost(error),
    };
  }

  #handleConnected() {
    const [client, session] = [this.#client, this.#session];
    const { connection } = client;
    if (session === null || !session.isOpen || connection.stream.destroyed) return;
    const { processId: processID, secretKey } = session;
    const key = { name: 'backendKeyData', length: 12, processID, secretKey };
    Object.assign(client, { processID, secretKey });
    connection.stream.encrypted = Boolean(client.ssl);
    connection.stream.locate(session);
    if (this.#referenced) session.ref();
    connection.emit('backendKeyData', key);
    connection.emit('readyForQuery', {
      name: 'readyForQuery',
      length: 5,
      status: statusOf(session),
    });
  }

  #handleUnconnected(error) {
    const { connection } = this.#client;
    if (connection.stream.destroyed) return;
    try {
      connection.emit('error', error);
    } finally {
      connection.stream.destroy();
    }
  }

  // ---- Its end ----

  /** The engine says that the connection is gone. */
  #handleLost(wire) {
    const { connection } = this.#client;
    connection.stream.flushHeld();
    const error = lostError(wire, this.#client);
    if (wire?.cause?.kind !== 'database') {
      if (error !== null) connection.emit('error', error);
    } else if (!this.#queries.wasToldWhy) {
      this.#dialogue.refuse(error);
    }
    connection.stream.destroy();
  }

  /** The stream is closed. */
  #handleEnd() {
    const client = this.#client;
    const ending = client._ending;
    const error = new Error(`Connection terminated${ending ? '' : ' unexpectedly'}`);
    clearTimeout(client.connectionTimeoutHandle);
    this.#queries.fail(error);
    client._ended = true;
    const connecting = client._connecting && !client._connectionError;
    process.nextTick(() => client.emit('end'));
    if (connecting && client._connectionCallback) {
      // Also where the client has ended itself: nobody is to wait for ever.
      client._connectionError = true;
      client._connectionCallback(error);
    } else if (!ending && !client._connectionError) {
      this.#dialogue.fail(error);
    }
  }

  /** Calls back when the stream is closed, if it ever was open. */
  end(callback) {
    const client = this.#client;
    const { connection } = client;
    client._ending = true;
    if (!connection._connecting || client._ended) {
      callback();
      return;
    }
    connection.once('end', callback);
    const busy = client._activeQuery || client._sentQueryQueue.length > 0;
    if (!client._queryable || client._connecting) {
      connection.stream.destroy();
    } else if (client.pipeline && (busy || client._queryQueue.length > 0)) {
      // They are answered, and then it goes.
      client.once('drain', () => connection.end());
    } else if (client._activeQuery) {
      // It might never end.
      connection.stream.destroy();
    } else {
      this.#queries.afterShared(() => connection.end());
    }
  }

  ref() {
    this.#referenced = true;
    this.#client.connection.ref();
  }

  unref() {
    this.#referenced = false;
    this.#client.connection.unref();
  }
}

/** The stack of an event says nothing of the program: that of the caller goes below it. */
function withCaller(error, caller) {
  if (!types.isNativeError(error) || typeof error.stack !== 'string') return error;
  const frames = caller.stack.replace(/^.*\n/, '');
  if (!error.stack.endsWith(frames)) Reflect.set(error, 'stack', `${error.stack}\n${frames}`);
  return error;
}

module.exports = { Lifetime };
