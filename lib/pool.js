'use strict';

/** The pool of SQL as JavaScript sees it. */

const { BasePool, adopt, openPool } = require('./base-pool');
const { LISTENING, readChannel, readPayload } = require('./channel');
const { Connection } = require('./connection');
const { CopyReader, CopyWriter } = require('./copy');
const { abortError, atCaller } = require('./errors');
const { InnerPool } = require('./inner-pool');
const { Hub } = require('./listen');
const { LISTEN, NOTIFY, checkOptions } = require('./options');
const { Group } = require('./replicas');
const { link } = require('./ring');
const { bindSql } = require('./sql');
const { Statements } = require('./statements');
const { checkLanguage, readTarget } = require('./target');
const { transactPooled } = require('./transaction');

/** What is made for its users. */
const PARTS = { Connection, Statements };

class Pool extends BasePool {
  #inner;
  #statements;
  #leases;
  /** What it was created with, for the hub's connection. */
  #given;
  #sql = null;

  constructor(target, options) {
    super();
    if (target instanceof Group) {
      this.#open(target, target);
      return;
    }
    this.#given = checkLanguage(readTarget(target, options), false);
    const parts = openPool(this.#given);
    if (parts.settings.replicas === null) {
      this.#open(parts);
      return;
    }
    const group = new Group(this, parts);
    this.#open(parts, group, new Pool(group).#inner);
  }

  #open(parts, group, replicas) {
    this.#inner = new InnerPool(this, PARTS, parts, group, replicas);
    adopt(this, this.#inner);
    this.#statements = this.#inner.statements;
    this.#leases = this.#inner.leases;
  }

  get sql() {
    return (this.#sql ??= bindSql((query) => this.query(query), this.#inner.dialect));
  }

  // ---- Statements ----

  query(text, values, options) {
    return this.#statements.submit(null, text, values, options);
  }

  stream(text, values, options) {
    return this.#statements.openStream(null, text, values, options);
  }

  copyFrom(text, options) {
    return this.#statements.openCopy(null, CopyWriter, text, options);
  }

  copyTo(text, options) {
    return this.#statements.openCopy(null, CopyReader, text, options);
  }

  cursor(text, values, options) {
    return this.#statements.openCursor(null, text, values, options);
  }

  // ---- LISTEN and NOTIFY ----

  listen(channel, options) {
    try {
      if (this.closed) throw this.#inner.refusal();
      this.#inner.checkListens();
      readChannel(channel);
      if (options !== undefined) checkOptions(LISTEN, options);
      if (options?.signal?.aborted) throw abortError(options.signal);
      this.#inner.checkBeside('listen()');
      const { settings } = this.#inner;
      // The hub's connection is a pool of its own: one connection, the same target.
      const open = (own) => new Pool({ ...this.#given, ...own });
      const hub = (this.#inner.hub ??= new Hub(this.name, open, link, LISTENING));
      const { timeoutMs = settings.acquireTimeoutMs } = options ?? {};
      return hub.listen(channel, { ...options, timeoutMs }).then(undefined, atCaller);
    } catch (error) {
      return Promise.reject(error);
    }
  }

  async notify(channel, payload, options) {
    this.#inner.checkListens();
    readChannel(channel);
    if (options !== undefined) checkOptions(NOTIFY, options);
    await this.query('select pg_notify($1, $2)', [channel, readPayload(payload)], options);
  }

  transaction(callback, options) {
    const stack = this.#leases.stackAbove(this.transaction);
    return transactPooled(this.#leases, callback, options, stack);
  }
}

module.exports = { Pool };
