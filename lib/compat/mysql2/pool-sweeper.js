'use strict';

// Not the globals: test frameworks replace those, perhaps before this is loaded.
const { clearTimeout, setTimeout } = require('node:timers');

const SWEEP_MS = 1_000;

/**
 * Ends idle connections once a second, the longest idle first: those beyond `maxIdle`, and those idle
 * for too long. The timer keeps no process alive, as the connections do.
 */
class Sweeper {
  #pool;
  #timer = null;

  constructor(pool) {
    this.#pool = pool;
  }

  start() {
    this.#timer = setTimeout(() => {
      this.#sweep();
      this.start();
    }, SWEEP_MS).unref();
  }

  stop() {
    clearTimeout(this.#timer);
  }

  #sweep() {
    const { config, _freeConnections: idle } = this.#pool;
    const { connectionConfig, idleTimeout, maxIdle } = config;
    const now = Date.now();
    let left = idle.length;
    for (const connection of idle.toArray()) {
      if (left-- <= maxIdle && now - connection.lastActiveTime <= idleTimeout) return;
      if (connectionConfig.gracefulEnd) connection.end();
      else connection.destroy();
    }
  }
}

module.exports = { Sweeper };
