'use strict';

/** The pool of Redis as JavaScript sees it. */

const { BasePool, adopt, openPool } = require('../base-pool');
const { abortError, atCaller } = require('../errors');
const { InnerPool } = require('../inner-pool');
const { Hub, OWN_OPTIONS } = require('../listen');
const { MONITOR, SUBSCRIBE, checkOptions } = require('../options');
const { link } = require('../ring');
const { checkLanguage, readTarget } = require('../target');
const { Commands, RUN, withCommands } = require('./commands');
const { RedisConnection } = require('./connection');
const { openMonitor } = require('./monitor');
const { SUBSCRIBING, keyOf } = require('./subscribing');

/** What is made for its users. */
const PARTS = { Connection: RedisConnection, Statements: Commands };

class RedisPool extends withCommands(BasePool) {
  #inner;
  /** What it was created with, for connections beside it. */
  #given;
  /** What closes with the pool. */
  #monitors = new Set();

  constructor(target, options) {
    super();
    this.#given = checkLanguage(readTarget(target, options), true);
    this.#inner = new InnerPool(this, PARTS, openPool({ engine: 'redis', ...this.#given }));
    adopt(this, this.#inner);
  }

  [RUN](text, values, options, flags) {
    return this.#inner.statements.submit(null, text, values, options, flags);
  }

  subscribe(channel, options = {}) {
    try {
      this.#check(SUBSCRIBE, options, 'subscribe()');
      const key = keyOf(channel, options);
      const open = (own) => this.#beside(own);
      const hub = (this.#inner.hub ??= new Hub(this.name, open, link, SUBSCRIBING));
      const { timeoutMs = this.#inner.settings.acquireTimeoutMs } = options;
      return hub.listen(channel, { ...options, timeoutMs }, key).then(undefined, atCaller);
    } catch (error) {
      return Promise.reject(error);
    }
  }

  async monitor(options = {}) {
    this.#check(MONITOR, options, 'monitor()');
    const pool = this.#beside({ ...OWN_OPTIONS, name: `${this.name} (monitor)` });
    const { timeoutMs = this.#inner.settings.acquireTimeoutMs } = options;
    const monitor = await openMonitor(pool, link(), { ...options, timeoutMs });
    if (this.closed) {
      await monitor.close();
      throw this.#inner.refusal();
    }
    this.#monitors.add(monitor);
    return monitor.once('close', () => this.#monitors.delete(monitor));
  }

  close(options) {
    const closing = super.close(options);
    if (!this.closed || this.#monitors.size === 0) return closing;
    return Promise.all([closing, ...Array.from(this.#monitors, (it) => it.close())]).then(() => {});
  }

  #check(rules, options, what) {
    checkOptions(rules, options);
    if (options.signal?.aborted) throw abortError(options.signal);
    this.#inner.checkBeside(what);
  }

  #beside(own) {
    return new RedisPool({ ...this.#given, ...own });
  }
}

module.exports = { RedisPool };
