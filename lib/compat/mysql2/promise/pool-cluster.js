'use strict';

/** A cluster of pools with promises, and those of its nodes that a pattern names. */

const { EventEmitter } = require('node:events');
const { inheritEvents } = require('./inherit-events');
const { PromisePoolConnection } = require('./pool-connection');
const { nothing, promised, refuseCallback } = require('./settle');

const NativePromise = Promise;

class PromisePoolNamespace {
  constructor(poolNamespace, Promise) {
    this.poolNamespace = poolNamespace;
    this.Promise = Promise || NativePromise;
  }

  #promised(above, start) {
    return promised(this.Promise, this.poolNamespace.trace ? above : null, start);
  }

  getConnection() {
    const wrap = (connection) => new PromisePoolConnection(connection, this.Promise);
    const start = (done) => this.poolNamespace.getConnection(done);
    return promised(this.Promise, null, start, wrap);
  }

  query(sql, values) {
    refuseCallback(values);
    const start = (done) => this.poolNamespace.query(sql, values, done);
    return this.#promised(PromisePoolNamespace.prototype.query, start);
  }

  execute(sql, values) {
    refuseCallback(values);
    const start = (done) => this.poolNamespace.execute(sql, values, done);
    return this.#promised(PromisePoolNamespace.prototype.execute, start);
  }
}

class PromisePoolCluster extends EventEmitter {
  constructor(poolCluster, Promise) {
    super();
    this.poolCluster = poolCluster;
    this.Promise = Promise || NativePromise;
    inheritEvents(poolCluster, this, ['warn', 'remove', 'online', 'offline']);
  }

  getConnection(pattern, selector) {
    const wrap = (connection) => new PromisePoolConnection(connection, this.Promise);
    const start = (done) => this.poolCluster.getConnection(pattern, selector, done);
    return promised(this.Promise, null, start, wrap);
  }

  query(sql, args) {
    refuseCallback(args);
    const start = (done) => this.poolCluster.query(sql, args, done);
    return promised(this.Promise, PromisePoolCluster.prototype.query, start);
  }

  execute(sql, args) {
    refuseCallback(args);
    const start = (done) => this.poolCluster.execute(sql, args, done);
    return promised(this.Promise, PromisePoolCluster.prototype.execute, start);
  }

  of(pattern, selector) {
    return new PromisePoolNamespace(this.poolCluster.of(pattern, selector), this.Promise);
  }

  add(...given) {
    this.poolCluster.add(...given);
  }

  remove(pattern) {
    this.poolCluster.remove(pattern);
  }

  end() {
    const start = (done) => this.poolCluster.end(done);
    return promised(this.Promise, PromisePoolCluster.prototype.end, start, nothing);
  }

  async [Symbol.asyncDispose]() {
    if (!this.poolCluster._closed) await this.end();
  }
}

module.exports = { PromisePoolCluster, PromisePoolNamespace };
