'use strict';

/** What package mysql2 exports. As `exports.x =`, which is how names are found that are imported. */

const SqlString = require('sql-escaper');
const { Connection, ConnectionConfig, ...rest } = require('./base');
const Pool = require('./pool');
const PoolCluster = require('./pool-cluster');
const PoolConfig = require('./pool-config');
const { PoolConnection } = require('./pool-connection');

exports.createConnection = createConnection;
exports.connect = createConnection;
exports.Connection = Connection;
exports.ConnectionConfig = ConnectionConfig;
exports.createPool = createPool;
exports.createPoolCluster = createPoolCluster;
exports.createQuery = Connection.createQuery;
exports.Pool = Pool;
exports.PoolCluster = PoolCluster;
exports.PoolConnection = PoolConnection;
exports.createServer = createServer;
exports.authPlugins = rest.authPlugins;
exports.escape = SqlString.escape;
exports.escapeId = SqlString.escapeId;
exports.format = SqlString.format;
exports.raw = SqlString.raw;
exports.setMaxParserCache = rest.setMaxParserCache;
exports.clearParserCache = rest.clearParserCache;

function createConnection(options) {
  return new Connection({ config: new ConnectionConfig(options) });
}

function createPool(options) {
  return new Pool({ config: new PoolConfig(options) });
}

function createPoolCluster(options) {
  return new PoolCluster(options);
}

function createServer() {
  throw new Error('polypool/mysql2 has no server of its own: createServer is for mysql2 itself');
}

const promises = () => require('./promise');

const LATE = {
  createConnectionPromise: () => promises().createConnection,
  createPoolPromise: () => promises().createPool,
  createPoolClusterPromise: () => promises().createPoolCluster,
  Types: () => rest.Types,
  TypedParameter: () => rest.TypedParameter,
  Charsets: () => rest.Charsets,
  CharsetToEncoding: () => rest.CharsetToEncoding,
};

for (const [name, get] of Object.entries(LATE)) {
  Object.defineProperty(exports, name, { configurable: true, enumerable: true, get });
}
