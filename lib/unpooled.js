'use strict';

/** A connection of SQL that belongs to no pool. */

const { BaseUnpooled, closed } = require('./base-unpooled');
const { CopyReader, CopyWriter, failedCopy } = require('./copy');
const { failedCursor } = require('./cursor');
const { leaseOf } = require('./lease');
const { bindSql } = require('./sql');
const { failedStream } = require('./stream');

class UnpooledConnection extends BaseUnpooled {
  #connection;
  #sql = null;

  constructor(pool, connection) {
    super(pool, connection);
    this.#connection = connection;
  }

  get sql() {
    return (this.#sql ??= bindSql(
      (query) => this.query(query),
      leaseOf(this.#connection).pool.dialect,
    ));
  }

  query(text, values, options) {
    if (this.closed) return Promise.reject(closed());
    return this.#connection.query(text, values, options);
  }

  stream(text, values, options) {
    if (this.closed) return failedStream(closed());
    return this.#connection.stream(text, values, options);
  }

  copyFrom(text, options) {
    if (this.closed) return failedCopy(CopyWriter, closed());
    return this.#connection.copyFrom(text, options);
  }

  copyTo(text, options) {
    if (this.closed) return failedCopy(CopyReader, closed());
    return this.#connection.copyTo(text, options);
  }

  cursor(text, values, options) {
    if (this.closed) return failedCursor(closed());
    return this.#connection.cursor(text, values, options);
  }

  transaction(callback, options) {
    if (this.closed) return Promise.reject(closed());
    return this.#connection.transaction(callback, options);
  }
}

module.exports = { UnpooledConnection };
