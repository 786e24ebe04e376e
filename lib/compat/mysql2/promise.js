'use strict';

/** What `mysql2/promise` exports. As `exports.x =`, which is how names are found that are imported. */

const SqlString = require('sql-escaper');
const mysql = require('./index');
const { PromiseConnection } = require('./promise/connection');
const { PromisePool } = require('./promise/pool');
const { PromisePoolCluster } = require('./promise/pool-cluster');
const { PromisePoolConnection } = require('./promise/pool-connection');
const { restack, stackAbove } = require('./promise/settle');

exports.createConnection = createConnection;
exports.createPool = createPool;
exports.createPoolCluster = createPoolCluster;
exports.escape = SqlString.escape;
exports.escapeId = SqlString.escapeId;
exports.format = SqlString.format;
exports.raw = SqlString.raw;
exports.Connection = PromiseConnection;
exports.PoolConnection = PromisePoolConnection;
exports.PromisePool = PromisePool;
exports.PromiseConnection = PromiseConnection;
exports.PromisePoolConnection = PromisePoolConnection;
exports.setMaxParserCache = mysql.setMaxParserCache;
exports.clearParserCache = mysql.clearParserCache;

/** Resolves when it is connected. */
function createConnection(options) {
  const connection = mysql.createConnection(options);
  const holder = stackAbove(createConnection);
  const Own = options.Promise || Promise;
  return new Own((resolve, reject) => {
    connection.once('connect', () => resolve(new PromiseConnection(connection, Own)));
    connection.once('error', (error) => {
      restack(error, holder);
      reject(error);
    });
  });
}

function createPool(options) {
  return new PromisePool(mysql.createPool(options), options.Promise);
}

function createPoolCluster(options) {
  return new PromisePoolCluster(mysql.createPoolCluster(options), options?.Promise);
}

for (const name of ['Types', 'TypedParameter', 'Charsets', 'CharsetToEncoding']) {
  const get = () => mysql[name];
  Object.defineProperty(exports, name, { configurable: true, enumerable: true, get });
}
