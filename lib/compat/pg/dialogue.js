'use strict';

/**
 * What the server says, and whom it is for: the query that runs, whoever connects, or the listeners
 * of the client. It comes from the bare wire, or as the engine tells it.
 */

const { errorMonitor } = require('node:events');
const { guarded } = require('../../surface');

/** Messages of the server, the method of a query that takes each, and whether without its fields. */
const DELIVERED = [
  ['rowDescription', 'handleRowDescription', false],
  ['dataRow', 'handleDataRow', false],
  ['portalSuspended', 'handlePortalSuspended', true],
  ['emptyQuery', 'handleEmptyQuery', true],
  ['copyInResponse', 'handleCopyInResponse', true],
];

/** Once is enough: where one client is lost, others may be. */
let hasWarned = false;

class Dialogue {
  #client;
  #queries;

  constructor(client, queries) {
    this.#client = client;
    this.#queries = queries;
  }

  listen() {
    const client = this.#client;
    const { connection } = client;
    connection.on('error', (error) => this.fail(error));
    connection.on('errorMessage', (message) => this.refuse(message));
    connection.on('readyForQuery', (message) => this.#handleReady(message));
    connection.on('notice', (message) => client.emit('notice', message));
    connection.on('notification', (message) => client.emit('notification', message));
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
    const query = this.#client._activeQuery;
    if (query == null) this.fail(new Error(`Received unexpected ${name} message from backend.`));
    return query;
  }

  #handleReady(message) {
    const client = this.#client;
    if (client._connecting) this.#welcome();
    const query = client._activeQuery;
    client._activeQuery = null;
    client._txStatus = message?.status ?? null;
    client.readyForQuery = true;
    if (query) guarded(() => query.handleReadyForQuery(client.connection));
    this.#queries.pulse();
  }

  #welcome() {
    const client = this.#client;
    client._connecting = false;
    client._connected = true;
    clearTimeout(client.connectionTimeoutHandle);
    const callback = client._connectionCallback;
    client._connectionCallback = null;
    if (callback) guarded(() => callback(null, client));
    guarded(() => client.emit('connect'));
  }

  #handleParseComplete() {
    const query = this.#active('parseComplete');
    if (query == null || !query.name) return;
    const { parsedStatements, submittedNamedStatements } = this.#client.connection;
    parsedStatements[query.name] = query.text;
    delete submittedNamedStatements[query.name];
  }

  /** The server has said no. */
  refuse(message) {
    const client = this.#client;
    if (client._connecting) {
      this.#failConnecting(message);
      return;
    }
    this.#queries.noteSeverity(message.severity);
    const query = client._activeQuery;
    if (!query) {
      this.fail(message);
      return;
    }
    client._activeQuery = null;
    if (query.name) delete client.connection.submittedNamedStatements[query.name];
    query.handleError(message, client.connection);
  }

  /** The connection is of no use any more. */
  fail(error) {
    const client = this.#client;
    if (client._connecting) {
      this.#failConnecting(error);
      return;
    }
    client._queryable = false;
    this.#queries.fail(error);
    this.#tell(error);
  }

  #failConnecting(error) {
    const client = this.#client;
    if (client._connectionError) return;
    client._connectionError = true;
    clearTimeout(client.connectionTimeoutHandle);
    if (client._connectionCallback) client._connectionCallback(error);
    else this.#tell(error);
  }

  /** Without a listener the event would end the process. */
  #tell(error) {
    const client = this.#client;
    if (client.listenerCount('error') > 0) {
      client.emit('error', error);
      return;
    }
    client.emit(errorMonitor, error);
    if (hasWarned) return;
    hasWarned = true;
    process.emitWarning(
      `A client was lost: ${error?.message}. To hear of the next one, add a listener with ` +
        "client.on('error', listener)",
      { type: 'PolypoolWarning', code: 'POLYPOOL_CLIENT_LOST' },
    );
  }
}

module.exports = { Dialogue };
