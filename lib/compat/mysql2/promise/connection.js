'use strict';

/** A connection with promises, over one with callbacks. */

const { EventEmitter } = require('node:events');
const { inheritEvents } = require('./inherit-events');
const { both, first, nothing, promised, refuseCallback } = require('./settle');
const { PromisePreparedStatementInfo } = require('./statement');

const NativePromise = Promise;
const EVENTS = ['error', 'drain', 'connect', 'end', 'enqueue'];

class PromiseConnection extends EventEmitter {
  constructor(connection, Promise) {
    super();
    this.connection = connection;
    this.Promise = Promise || NativePromise;
    inheritEvents(connection, this, EVENTS);
  }

  #promised(above, start, view) {
    const isTraced = this.connection.config.trace;
    return promised(this.Promise, isTraced ? above : null, start, view);
  }

  query(query, params) {
    refuseCallback(params);
    return this.#promised(PromiseConnection.prototype.query, (done) => {
      if (params === undefined) this.connection.query(query, done);
      else this.connection.query(query, params, done);
    });
  }

  execute(query, params) {
    refuseCallback(params);
    return this.#promised(PromiseConnection.prototype.execute, (done) => {
      if (params === undefined) this.connection.execute(query, done);
      else this.connection.execute(query, params, done);
    });
  }

  release() {
    this.connection.release();
  }

  /** Never rejects. */
  end() {
    return new this.Promise((resolve) => this.connection.end(resolve));
  }

  async [Symbol.asyncDispose]() {
    if (!this.connection._closing) await this.end();
  }

  prepare(options) {
    const { prototype } = PromiseConnection;
    const wrap = (statement) => new PromisePreparedStatementInfo(statement, this.Promise);
    return this.#promised(
      prototype.prepare,
      (done) => this.connection.prepare(options, done),
      wrap,
    );
  }

  changeUser(options) {
    const { prototype } = PromiseConnection;
    const start = (done) => this.connection.changeUser(options, done);
    return this.#promised(prototype.changeUser, start, nothing);
  }

  get config() {
    return this.connection.config;
  }

  get threadId() {
    return this.connection.threadId;
  }

  static {
    /** Methods of a callback alone, and what their promises are fulfilled with. */
    const plain = {
      beginTransaction: both,
      commit: both,
      rollback: both,
      ping: () => true,
      reset: nothing,
      connect: first,
    };
    for (const [name, view] of Object.entries(plain)) {
      define(this, name, function () {
        const above = PromiseConnection.prototype[name];
        return this.#promised(above, (done) => this.connection[name](done), view);
      });
    }
    for (const name of [
      'close',
      'createBinlogStream',
      'destroy',
      'escape',
      'escapeId',
      'format',
      'pause',
      'pipe',
      'resume',
      'unprepare',
    ]) {
      define(this, name, function (...given) {
        return this.connection[name](...given);
      });
    }
  }
}

function define(Class, name, value) {
  Object.defineProperty(value, 'name', { value: name });
  Object.defineProperty(Class.prototype, name, { configurable: true, value, writable: true });
}

module.exports = { PromiseConnection };
