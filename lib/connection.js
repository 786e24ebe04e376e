'use strict';

/** A borrowed connection of SQL. It knows its lease; who may use it is the engine's to say. */

const { BaseConnection } = require('./base-connection');
const { CopyReader, CopyWriter } = require('./copy');
const { bindSql } = require('./sql');
const { transact } = require('./transaction');

class Connection extends BaseConnection {
  #lease;
  #sql = null;

  constructor(lease) {
    super(lease);
    this.#lease = lease;
  }

  get sql() {
    return (this.#sql ??= bindSql((query) => this.query(query), this.#lease.pool.dialect));
  }

  query(text, values, options) {
    return this.#lease.query(text, values, options);
  }

  stream(text, values, options) {
    return this.#lease.stream(text, values, options);
  }

  copyFrom(text, options) {
    return this.#lease.copy(CopyWriter, text, options);
  }

  copyTo(text, options) {
    return this.#lease.copy(CopyReader, text, options);
  }

  cursor(text, values, options) {
    return this.#lease.openCursor(text, values, options);
  }

  transaction(callback, options) {
    if (this.#lease.isBarred()) return Promise.reject(this.#lease.refusal());
    return transact(this, callback, options);
  }
}

module.exports = { Connection };
