'use strict';

/** A connection that belongs to a pool until it is destroyed, ended or lost. */

const { Connection } = require('./base');

/** Where the pool keeps what it knows of the connection. */
const MEMBERSHIP = Symbol('polypool.mysql2.membership');

const ENDING =
  'Calling conn.end() to release a pooled connection is deprecated. In next version calling ' +
  'conn.end() will be restored to default conn.end() behavior. Use conn.release() instead.';
const UNUSED = 'The connection was destroyed before it was connected';

/** What has become of a connection, as far as its pool is concerned. */
class Membership {
  /** The core's entry, from when it was lent for the first time. */
  entry = null;
  isNew = true;
  isLent = false;
  /** How often it was lent. */
  loans = 0;
  /** The statement of the pool's own that it was lent to. */
  running = null;
  /** Called with an error when it will not be connected after all; null: it is, or never will be. */
  refuseOpening = null;
  /** The same of a reset that is under way. */
  refuseReset = null;

  constructor(connection) {
    this.connection = connection;
    this.wire = connection._wire;
  }
}

class PoolConnection extends Connection {
  constructor(pool, options) {
    super(options);
    this._pool = pool;
    this._released = false;
    this.lastActiveTime = Date.now();
    this[MEMBERSHIP] = new Membership(this);
    const leave = () => this._removeFromPool();
    this.once('end', leave);
    this.once('error', leave);
  }

  /** The second time nothing happens. */
  release() {
    if (this._released || !this._pool || this._pool._closed) return;
    this._released = true;
    this._pool.releaseConnection(this);
  }

  [Symbol.dispose]() {
    this.release();
  }

  end(callback) {
    if (this.config.gracefulEnd) {
      this._removeFromPool();
      super.end(callback);
      return;
    }
    this.emit('warn', new Error(ENDING));
    console.warn(ENDING);
    this.release();
    if (typeof callback === 'function') callback();
  }

  destroy() {
    this._removeFromPool();
    this[MEMBERSHIP].refuseOpening?.(new Error(UNUSED));
    super.destroy();
  }

  _removeFromPool() {
    const pool = this._pool;
    if (!pool || pool._closed) return;
    this._pool = null;
    pool._removeConnection(this);
  }

  /** What `end` is to connections without a pool. */
  _realEnd(callback) {
    const end = () => super.end(callback);
    if (this._wire === undefined) end();
    else this._wire.afterShared(end);
  }

  promise(Promise) {
    const { PromisePoolConnection } = require('./promise/pool-connection');
    return new PromisePoolConnection(this, Promise);
  }
}

module.exports = { MEMBERSHIP, PoolConnection };
