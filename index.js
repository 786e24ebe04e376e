'use strict';

const errors = require('./lib/errors');
const { escapeIdentifier, escapeLiteral } = require('./lib/escape');
const { ResourcePool } = require('./lib/resource-pool');
const { sql } = require('./lib/sql');
const { ObjectPool } = require('./lib/object-pool');
const { Pool } = require('./lib/pool');
const { RedisPool } = require('./lib/redis/pool');
const { connect, createPool } = require('./lib/create');

exports.createPool = createPool;
exports.connect = connect;
exports.Pool = Pool;
exports.RedisPool = RedisPool;
exports.ObjectPool = ObjectPool;
exports.ResourcePool = ResourcePool;
exports.sql = sql;
exports.escapeIdentifier = escapeIdentifier;
exports.escapeLiteral = escapeLiteral;
exports.PoolError = errors.PoolError;
exports.OptionError = errors.OptionError;
exports.AcquireTimeoutError = errors.AcquireTimeoutError;
exports.QueryTimeoutError = errors.QueryTimeoutError;
exports.AbortError = errors.AbortError;
exports.ClosedError = errors.ClosedError;
exports.ConnectError = errors.ConnectError;
exports.ConnectionLostError = errors.ConnectionLostError;
exports.DatabaseError = errors.DatabaseError;
