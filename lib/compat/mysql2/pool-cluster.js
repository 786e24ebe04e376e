'use strict';

/** Pools under names. Those that fail too often are taken out, for good or for a time. */

const { EventEmitter } = require('node:events');
const { performance: clock } = require('node:perf_hooks');
const { whenAll } = require('./last-answer');
const Pool = require('./pool');
const PoolConfig = require('./pool-config');
const { PoolNamespace, SELECTORS } = require('./pool-namespace');

class PoolCluster extends EventEmitter {
  /** By name: `{ pool, errors, offlineUntil }`. */
  #nodes = new Map();
  #namespaces = new Map();
  #unnamed = 0;

  constructor(config) {
    super();
    const { canRetry = true, defaultSelector, ...given } = config || {};
    this._canRetry = canRetry;
    this._removeNodeErrorCount = given.removeNodeErrorCount || 5;
    this._restoreNodeTimeout = given.restoreNodeTimeout || 0;
    this._defaultSelector = defaultSelector || 'RR';
    this._closed = false;
  }

  of(pattern, selector) {
    const known = pattern || '*';
    const asked = (selector || this._defaultSelector).toUpperCase();
    const chosen = asked in SELECTORS ? asked : 'RR';
    const key = `${known}${chosen}`;
    if (!this.#namespaces.has(key)) {
      this.#namespaces.set(key, new PoolNamespace(this, known, chosen));
    }
    return this.#namespaces.get(key);
  }

  /** A name that is there stays what it is. */
  add(id, config) {
    if (typeof id === 'object') {
      this.add(`CLUSTER::${++this.#unnamed}`, id);
    } else if (!this.#nodes.has(id)) {
      const pool = new Pool({ config: new PoolConfig(config) });
      this.#nodes.set(id, { pool, errors: 0, offlineUntil: 0 });
    }
  }

  remove(pattern) {
    for (const name of this.of(pattern).names()) this.#remove(name);
  }

  #remove(name) {
    const { pool } = this.#nodes.get(name);
    this.#nodes.delete(name);
    pool.end();
  }

  // ---- Asked of all nodes, or of those that a pattern names ----

  getConnection(pattern, selector, callback) {
    if (typeof pattern === 'function') this.of().getConnection(pattern);
    else if (typeof selector === 'function') this.of(pattern).getConnection(selector);
    else this.of(pattern, selector).getConnection(callback);
  }

  query(sql, values, callback) {
    return this.of().query(sql, values, callback);
  }

  execute(sql, values, callback) {
    this.of().execute(sql, values, callback);
  }

  // ---- The nodes, for namespaces ----

  _names(expression) {
    return [...this.#nodes.keys()].filter((name) => name.match(expression));
  }

  _pool(name) {
    return this.#nodes.get(name).pool;
  }

  _isOnline(name) {
    return this.#nodes.get(name).offlineUntil <= clock.now();
  }

  _getConnection(name, callback) {
    const node = this.#nodes.get(name);
    node.pool.getConnection((error, connection) => {
      if (error) {
        this.#handleFailure(name, node);
        callback(error);
        return;
      }
      this.#handleSuccess(name, node);
      connection._clusterId = name;
      callback(null, connection);
    });
  }

  #handleFailure(name, node) {
    if (++node.errors < this._removeNodeErrorCount) return;
    if (this._restoreNodeTimeout > 0) {
      node.offlineUntil = clock.now() + this._restoreNodeTimeout;
      this.emit('offline', name);
    } else if (this.#nodes.get(name) === node) {
      this.#remove(name);
      this.emit('remove', name);
    }
  }

  #handleSuccess(name, node) {
    node.errors = Math.max(Math.min(node.errors, this._removeNodeErrorCount) - 1, 0);
    if (node.offlineUntil === 0) return;
    node.offlineUntil = 0;
    this.emit('online', name);
  }

  // ---- The end ----

  end(callback = rethrow) {
    const pools = this._closed ? [] : [...this.#nodes.values()].map(({ pool }) => pool);
    this._closed = true;
    if (pools.length === 0) process.nextTick(callback, undefined);
    const handleEnd = whenAll(pools.length, callback);
    for (const pool of pools) pool.end(handleEnd);
  }

  [Symbol.dispose]() {
    if (!this._closed) this.end();
  }
}

function rethrow(error) {
  if (error) throw error;
}

module.exports = PoolCluster;
