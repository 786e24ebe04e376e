'use strict';

/** The configuration of a pool; all of it may change while the pool is used. */

const { ConnectionConfig } = require('./base');

/**
 * Statements that all connections of a pool keep on the server, where the program sets no number for
 * each of them. The server has 16,382 for all its clients, by default, and refuses the next.
 */
const STATEMENTS = 16_000;
const STATEMENTS_MIN = 16;
/** Where there is no limit. */
const CONNECTIONS = 100;

class PoolConfig {
  /** No number was set for each connection. */
  #sharesStatements;

  constructor(given) {
    const options = readOptions(given);
    this.#sharesStatements = !options.maxPreparedStatements;
    this.connectionConfig = new ConnectionConfig(options);
    this.waitForConnections = flag(options.waitForConnections, true);
    this.connectionLimit = number(options.connectionLimit, 10);
    this.maxIdle = number(options.maxIdle, this.connectionLimit);
    this.idleTimeout = number(options.idleTimeout, 60_000);
    this.queueLimit = number(options.queueLimit, 0);
    this.resetOnRelease = flag(options.resetOnRelease, false);
    /** Milliseconds that a caller is in the queue at most; 0: mysql2's own way, however long. */
    this.acquireTimeout = number(options.acquireTimeout, 0);
    /** true: short statements share connections; false: none do; undefined: short reads. */
    this.pipeline = optionalFlag(options.pipeline);
  }

  /**
   * For one connection, since `changeUser` and others change what it has. Of the same class, with
   * what programs have added.
   */
  forConnection() {
    const { connectionConfig } = this;
    const fields = Object.getOwnPropertyDescriptors(connectionConfig);
    const config = Object.create(Object.getPrototypeOf(connectionConfig), fields);
    if (this.#sharesStatements) {
      const share = Math.floor(STATEMENTS / (this.connectionLimit || CONNECTIONS));
      const max = Math.max(share, STATEMENTS_MIN);
      config.maxPreparedStatements = Math.min(max, connectionConfig.maxPreparedStatements);
    }
    return config;
  }
}

/** What stands in a URL counts where nothing is given beside it. */
function readOptions(given) {
  const { parseUrl } = ConnectionConfig;
  ConnectionConfig.check(given);
  if (typeof given === 'string') return parseUrl(given);
  if (!given.uri) return given;
  const options = { ...given };
  for (const [key, value] of Object.entries(parseUrl(given.uri))) options[key] ||= value;
  return options;
}

const flag = (value, otherwise) => (value === undefined ? otherwise : Boolean(value));

const optionalFlag = (value) =>
  value === undefined || value === null ? undefined : Boolean(value) && value !== 'false';

/** Texts, too: in URLs all values are. Also of what is no number mysql2 has the default. */
const number = (value, otherwise) => (isNaN(value) ? otherwise : Number(value));

module.exports = PoolConfig;
