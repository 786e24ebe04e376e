'use strict';

/** The entry points that connect before they answer. */

const { OptionError } = require('./errors');
const { ObjectPool } = require('./object-pool');
const { Pool } = require('./pool');
const { UnpooledRedisConnection } = require('./redis/unpooled');
const { RedisPool } = require('./redis/pool');
const { speaksRedis } = require('./target');
const { UnpooledConnection } = require('./unpooled');

async function createPool(target, options) {
  return opened(new (classFor(target, options))(target, options));
}

function classFor(target, options) {
  if (isFactory(target)) return ObjectPool;
  return speaksRedis(target, options) ? RedisPool : Pool;
}

/** The pool with its first connections, unless it is lazy; closed again when there are none. */
async function opened(pool) {
  if (pool.isLazy()) return pool;
  try {
    await pool.warm();
  } catch (error) {
    await pool.close({ timeoutMs: 0 });
    throw error;
  }
  return pool;
}

/** Something that makes what the pool lends, instead of where to connect to. */
function isFactory(target) {
  return (
    typeof target === 'object' && target !== null && ('create' in target || 'destroy' in target)
  );
}

async function connect(target, options) {
  const given = typeof target === 'string' || target instanceof URL ? { ...options } : target;
  refusePoolOptions(given);
  const single = { ...given, max: 1, idleTimeoutMs: 0, maxLifetimeMs: 0, reset: 'never' };
  const Class = speaksRedis(target, options) ? RedisPool : Pool;
  const Unpooled = Class === RedisPool ? UnpooledRedisConnection : UnpooledConnection;
  const pool = await opened(given === target ? new Class(single) : new Class(target, single));
  try {
    return new Unpooled(pool, await pool.acquire());
  } catch (error) {
    await pool.close({ timeoutMs: 0 });
    throw error;
  }
}

function refusePoolOptions(given) {
  for (const option of POOL_OPTIONS) {
    if (given?.[option] !== undefined) {
      throw new OptionError(`option '${option}' is for pools; connect() opens one connection`, {
        option,
      });
    }
  }
}

const POOL_OPTIONS = [
  ...['max', 'min', 'acquireTimeoutMs', 'idleTimeoutMs', 'maxLifetimeMs', 'maxUses', 'maxWaiting'],
  ...['validate', 'validateAfterIdleMs', 'validateNew', 'maxConnecting', 'idleOrder'],
  ...[
    'leakDetectionMs',
    'maxLeaseMs',
    'reset',
    'onConnect',
    'pipeline',
    'lazy',
    'waitForServer',
    'priorities',
  ],
  ...['shared', 'minPolicy', 'evictBelowMin', 'maxIdle', 'sweepIntervalMs', 'destroyOnQueryError'],
  'replicas',
];

module.exports = { connect, createPool };
