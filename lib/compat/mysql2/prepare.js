'use strict';

/** Statements that their server knows by a number. */

const { guarded } = require('../../surface');
const { CharsetToEncoding, encode } = require('./charsets');
const { CloseStatement, Command, textOf } = require('./command');
const { Execute } = require('./query');
const { Reading } = require('./readers');

const PREPARE = 22;

class PreparedStatementInfo {
  /** By which its connection knows it, until it makes room for others. */
  #key;
  #isKept = true;

  constructor(query, id, columns, parameters, connection, key) {
    this.query = query;
    this.id = id;
    this.columns = columns;
    this.parameters = parameters;
    this.rowParser = null;
    this._connection = connection;
    this.#key = key;
  }

  /** Whoever executes its text hereafter has it prepared anew. */
  close() {
    const { _statements: known } = this._connection;
    const isKept = this.#isKept && known.peek(this.#key) === this;
    this.#isKept = false;
    if (isKept) known.delete(this.#key);
    return this._connection.addCommand(new CloseStatement(this.id));
  }

  _evicted() {
    if (!this.#isKept) return;
    this.#isKept = false;
    this.close();
  }

  execute(parameters, callback) {
    if (typeof parameters === 'function') return this.execute([], parameters);
    const execute = new Execute({ statement: this, values: parameters }, callback);
    execute.query = this.query;
    return this._connection.addCommand(execute);
  }
}

class Prepare extends Command {
  #id = 0;
  #counts = [0, 0];
  #described = [];
  #key = '';

  constructor(options, callback) {
    super(callback);
    this.query = options.sql;
    this.options = options;
  }

  get runsWithin() {
    return true;
  }

  start(connection) {
    this.#key = connection.constructor.statementKey(this.options);
    const known = connection._statements.get(this.#key);
    if (known !== undefined) {
      if (this.onResult) guarded(() => this.onResult(null, known));
      return true;
    }
    const encoding = CharsetToEncoding[connection.config.charsetNumber];
    const body = Buffer.concat([Buffer.from([PREPARE]), encode(textOf(this.query), encoding)]);
    this.exchange(connection, body, new Reading(connection.config, {}, false));
    return false;
  }

  hears(bytes) {
    this.#id = bytes.readUInt32LE(1);
    this.#counts = [bytes.readUInt16LE(7), bytes.readUInt16LE(5)];
    return true;
  }

  handleFields(fields) {
    if (fields.length > 0) this.#described.push(fields);
  }

  handleRow() {}

  handleRows() {}

  finish(connection) {
    const [parameters, columns] = this.#counts.map((count) =>
      count > 0 ? (this.#described.shift() ?? []) : [],
    );
    const statement = new PreparedStatementInfo(
      this.query,
      this.#id,
      columns,
      parameters,
      connection,
      this.#key,
    );
    connection._statements.set(this.#key, statement);
    if (this.onResult) this.onResult(null, statement);
  }
}

module.exports = { Prepare, PreparedStatementInfo };
