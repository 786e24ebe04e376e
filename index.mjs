// The same instance that `require` gives, so that classes and pools are shared.
import polypool from './index.js';

export const {
  createPool,
  connect,
  Pool,
  RedisPool,
  ObjectPool,
  ResourcePool,
  sql,
  escapeIdentifier,
  escapeLiteral,
  PoolError,
  OptionError,
  AcquireTimeoutError,
  QueryTimeoutError,
  AbortError,
  ClosedError,
  ConnectError,
  ConnectionLostError,
  DatabaseError,
} = polypool;

export default polypool;
