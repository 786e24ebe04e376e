'use strict';

/**
 * One query. The client runs an ordinary one through the engine; what more it can do (rows as
 * events, a portal read in parts, binary results) goes message by message over a Connection.
 */

const { DatabaseError } = require('pg-protocol');
const { BareEmitter } = require('../../bare-emitter');
const Result = require('./result');
const utils = require('./values');

// Each look at the global goes through a getter of Node's.
const { process } = globalThis;

const NO_QUERY = 'A query must have either text or a name. Supplying neither is unsupported.';

class Query extends BareEmitter {
  constructor(config, values, callback) {
    super();
    // Read, never written to: it is the caller's.
    const given = typeof config === 'string' ? { text: config } : config;
    const called = callback || (typeof values === 'function' ? values : given.callback);
    this.text = given.text;
    this.values = values && typeof values !== 'function' ? values : given.values;
    this.rows = given.rows;
    this.types = given.types;
    this.name = given.name;
    this.queryMode = given.queryMode;
    this.binary = given.binary;
    this.portal = given.portal || '';
    this.callback = called;
    this._rowMode = given.rowMode;
    if (process.domain && called) this.callback = process.domain.bind(called);
    // A list of types is that of the values.
    const parsers = typeof this.types?.getTypeParser === 'function' ? this.types : undefined;
    this._result = new Result(this._rowMode, parsers);
    /** One result, or a list where the text had several statements. */
    this._results = this._result;
    /** What a parser threw: the rest is read over. */
    this._canceledDueToError = false;
    /** Its portal was asked for some rows, and the Sync that ends it is still to be sent. */
    this._owesSync = false;
  }

  /** By the extended protocol, with Parse and Bind. */
  requiresPreparation() {
    if (this.queryMode === 'extended' || this.name || this.rows) return true;
    if (!this.text || !this.values) return false;
    return this.values.length > 0;
  }

  /** What is wrong with it, or null. `connection` knows the names that are taken. */
  findFault({ parsedStatements, submittedNamedStatements }) {
    const { text, name, values } = this;
    if (typeof text !== 'string' && typeof name !== 'string') return new Error(NO_QUERY);
    const previous = name && (parsedStatements[name] || submittedNamedStatements[name]);
    if (text && previous && text !== previous) {
      return new Error(
        `Prepared statements must be unique - '${name}' was used for a different statement`,
      );
    }
    if (values && !Array.isArray(values)) return new Error('Query values must be an array');
    return null;
  }

  hasBeenParsed({ parsedStatements, submittedNamedStatements }) {
    const { name } = this;
    if (!name) return name;
    return parsedStatements[name] !== undefined || submittedNamedStatements[name] !== undefined;
  }

  // ---- Over a Connection ----

  submit(connection) {
    const fault = this.findFault(connection);
    if (fault !== null) return fault;
    if (!this.requiresPreparation()) {
      connection.query(this.text);
      return null;
    }
    // All messages in one write.
    connection.stream.cork?.();
    try {
      this.prepare(connection);
    } finally {
      connection.stream.uncork?.();
    }
    return null;
  }

  prepare(connection) {
    const { name, portal, values, binary } = this;
    if (!this.hasBeenParsed(connection)) this.#parse(connection);
    // Programs replace it.
    const { prepareValue: valueMapper } = utils;
    try {
      connection.bind({ portal, statement: name, values, binary, valueMapper });
    } catch (error) {
      // Nothing may be left open at the server, and its answer ends the query.
      connection.close({ type: 'S', name });
      connection.sync();
      this.handleError(error, connection);
      return;
    }
    connection.describe({ type: 'P', name: portal });
    this._getRows(connection, this.rows);
  }

  #parse(connection) {
    const { name, types } = this;
    const { doubtfulStatements, submittedNamedStatements } = connection;
    const text = this.text ?? doubtfulStatements?.get(name);
    // To close what is gone is no error; to parse what is there would be one.
    if (doubtfulStatements?.delete(name)) connection.close({ type: 'S', name });
    connection.parse({ text, name, types });
    if (name) submittedNamedStatements[name] = text;
  }

  _getRows(connection, rows) {
    connection.execute({ portal: this.portal, rows });
    this._owesSync = Boolean(rows);
    if (rows) connection.flush();
    else connection.sync();
  }

  _settleSync(connection) {
    if (!this._owesSync) return;
    this._owesSync = false;
    connection.sync();
  }

  // ---- What the server answers ----

  /** Another statement of the same text has begun to answer. */
  _checkForMultirow() {
    if (!this._result.command) return;
    if (!Array.isArray(this._results)) this._results = [this._result];
    this._result = new Result(this._rowMode, this._result._types);
    this._results.push(this._result);
  }

  handleRowDescription(message) {
    this._checkForMultirow();
    this._result.addFields(message.fields);
    // Who takes them one by one has no use for all of them.
    this._accumulateRows = this.callback || this.listenerCount('row') === 0;
  }

  handleDataRow(message) {
    if (this._canceledDueToError) return;
    let row;
    try {
      row = this._result.parseRow(message.fields);
    } catch (error) {
      this._canceledDueToError = error;
      return;
    }
    this.emit('row', row, this._result);
    if (this._accumulateRows) this._result.addRow(row);
  }

  handleCommandComplete(message, connection) {
    this._checkForMultirow();
    this._result.addCommandComplete(message);
    this._settleSync(connection);
  }

  handleEmptyQuery(connection) {
    this._settleSync(connection);
  }

  handlePortalSuspended(connection) {
    this._getRows(connection, this.rows);
  }

  handleCopyInResponse(connection) {
    connection.sendCopyFail('No source stream defined');
  }

  handleCopyData() {}

  handleError(error, connection) {
    // The server skips all up to the Sync that it would have been sent in the end.
    if (error instanceof DatabaseError) this._settleSync(connection);
    let reason = error;
    if (this._canceledDueToError) {
      reason = this._canceledDueToError;
      this._canceledDueToError = false;
    }
    if (this.callback) this.callback(reason);
    else this.emit('error', reason);
  }

  handleReadyForQuery(connection) {
    if (this._canceledDueToError) {
      this.handleError(this._canceledDueToError, connection);
      return;
    }
    if (this.callback) {
      try {
        this.callback(null, this._results);
      } catch (error) {
        // The caller's own: it must not keep what is queued from running.
        process.nextTick(() => {
          throw error;
        });
      }
    }
    this.emit('end', this._results);
  }
}

module.exports = Query;
