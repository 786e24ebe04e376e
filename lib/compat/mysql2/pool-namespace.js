'use strict';

/** The nodes of a cluster whose names fit a pattern, and who of them is next. */

const { Connection } = require('./base');
const { runExecute, runQuery } = require('./pool-query');

/** Each makes a function that chooses one of several names. */
const SELECTORS = {
  RR() {
    let next = 0;
    return (names) => names[next++ % names.length];
  },
  RANDOM: () => (names) => names[Math.floor(Math.random() * names.length)],
  ORDER: () => (names) => names[0],
};

class PoolNamespace {
  #cluster;
  #expression;
  #select;

  constructor(cluster, pattern, selector) {
    this.#cluster = cluster;
    this.#expression = expressionOf(pattern);
    this.#select = SELECTORS[selector]();
  }

  names() {
    return this.#cluster._names(this.#expression);
  }

  getConnection(callback) {
    const names = this.names();
    const online = names.filter((name) => this.#cluster._isOnline(name));
    if (online.length === 0) {
      callback(names.length === 0 ? noNode() : noneOnline());
      return;
    }
    const name = online.length === 1 ? online[0] : this.#select(online);
    this.#cluster._getConnection(name, (error, connection) => {
      if (!error) callback(null, connection);
      else if (!this.#canRetry()) callback(error);
      else {
        this.#cluster.emit('warn', error);
        this.getConnection(callback);
      }
    });
  }

  #canRetry() {
    const cluster = this.#cluster;
    const isOnline = (name) => cluster._isOnline(name);
    return cluster._canRetry && this.names().some(isOnline);
  }

  query(sql, values, callback) {
    const command = Connection.createQuery(sql, values, callback, {});
    runQuery(this, command);
    return command;
  }

  execute(sql, values, callback) {
    if (typeof values === 'function') runExecute(this, sql, [], values);
    else runExecute(this, sql, values, callback);
  }

  /** Whether errors get the stack of whoever asked: unless all nodes decline. */
  get trace() {
    const pools = this.names().map((name) => this.#cluster._pool(name));
    return pools.length === 0 || pools.some(({ config }) => config.connectionConfig.trace);
  }
}

/** A star stands for any text. */
function expressionOf(pattern) {
  if (pattern instanceof RegExp) return pattern;
  const parts = String(pattern).split('*');
  const literal = parts.map((part) => part.replace(/[\\^$.+?()[\]{}|/]/g, '\\$&'));
  return new RegExp(`^${literal.join('.*')}$`);
}

function noNode() {
  return Object.assign(new Error('Pool does Not exist.'), { code: 'POOL_NOEXIST' });
}

function noneOnline() {
  const error = new Error('Pool does Not have online node.');
  return Object.assign(error, { code: 'POOL_NONEONLINE' });
}

module.exports = { PoolNamespace, SELECTORS };
