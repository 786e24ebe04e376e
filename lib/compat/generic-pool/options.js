'use strict';

/**
 * The options as generic-pool reads them: lenient with strings and nonsense, silent about what it
 * does not know. Then the same in the core's words.
 */

const { classesOf } = require('./priority-queue');

/** What the core takes; a pool whose `max` is beyond it opens no more than this. */
const CORE_MAX = 65_535;
const CORE_PRIORITIES = 64;

const DEFAULTS = {
  fifo: true,
  testOnBorrow: false,
  testOnReturn: false,
  autostart: true,
  priorityRange: 1,
  evictionRunIntervalMillis: 0,
  numTestsPerEvictionRun: 3,
  softIdleTimeoutMillis: -1,
  idleTimeoutMillis: 30_000,
};

const FLAGS = ['fifo', 'testOnBorrow', 'testOnReturn', 'autostart'];
/** Taken as they are; 0, null and '' are the default. */
const PLAIN = [
  ...['priorityRange', 'evictionRunIntervalMillis', 'numTestsPerEvictionRun'],
  ...['softIdleTimeoutMillis', 'idleTimeoutMillis'],
];
/** Whole numbers, in strings too; `undefined` where there is none. */
const BOUNDS = ['acquireTimeoutMillis', 'destroyTimeoutMillis'];

function readOptions(given) {
  const options = given || {};
  const config = {};
  for (const key of FLAGS) {
    config[key] = typeof options[key] === 'boolean' ? options[key] : DEFAULTS[key];
  }
  for (const key of PLAIN) config[key] = options[key] || DEFAULTS[key];
  for (const key of BOUNDS) config[key] = options[key] ? parseInt(options[key], 10) : undefined;
  const waiting = parseInt(options.maxWaitingClients, 10);
  config.maxWaitingClients = Number.isNaN(waiting) ? Infinity : waiting;
  config.max = Math.max(parseInt(options.max, 10) || 1, 1);
  config.min = Math.min(parseInt(options.min, 10) || 0, config.max);
  config.Promise = options.Promise ?? Promise;
  return config;
}

/** Evicting is done here, by an Evictor, and what waits has its own bound. */
function coreOptions({ max, min, fifo, priorityRange, acquireTimeoutMillis }) {
  const most = Math.min(max, CORE_MAX);
  return {
    max: most,
    min: Math.min(Math.max(min, 0), most),
    maxConnecting: most,
    idleOrder: fifo ? 'fifo' : 'lifo',
    priorities: Math.min(classesOf(priorityRange), CORE_PRIORITIES),
    acquireTimeoutMs: acquireTimeoutMillis > 0 ? acquireTimeoutMillis : null,
    validateAfterIdleMs: 0,
    idleTimeoutMs: 0,
    maxLifetimeMs: 0,
    closeTimeoutMs: null,
    createTimeoutMs: 0,
    validateTimeoutMs: 0,
    destroyTimeoutMs: 0,
  };
}

module.exports = { coreOptions, readOptions };
