'use strict';

/** How a pool's connections come, are reset, and go: what the core asks for. */

const { MEMBERSHIP, PoolConnection } = require('./pool-connection');

const { nextTick } = process;

class Factory {
  #pool;
  #connections;

  /** `connections`: a set of all that are there, also of those that are being connected. */
  constructor(pool, connections) {
    this.#pool = pool;
    this.#connections = connections;
    // Only what is there is asked for.
    if (!pool.config.resetOnRelease) this.reset = undefined;
  }

  create(_asked, done, failed) {
    const pool = this.#pool;
    let connection;
    try {
      connection = new PoolConnection(pool, { config: pool.config.forConnection() });
    } catch (error) {
      nextTick(failed, error);
      return;
    }
    this.#connections.add(connection);
    const member = connection[MEMBERSHIP];
    member.refuseOpening = failed;
    connection.connect((error) => {
      member.refuseOpening = null;
      if (error) failed(error);
      else done(connection);
    });
  }

  reset(connection, done, failed) {
    const member = connection[MEMBERSHIP];
    member.refuseReset = failed;
    connection.reset((error) => {
      member.refuseReset = null;
      if (error) failed(error);
      else done();
    });
  }

  /** At the end of the pool `end` sees to all connections, and waits for them. */
  destroy(connection, done) {
    const pool = this.#pool;
    if (connection._pool !== null && !pool._closed) {
      connection._pool = null;
      this.#connections.delete(connection);
      connection.destroy();
    }
    done();
  }
}

module.exports = { Factory };
