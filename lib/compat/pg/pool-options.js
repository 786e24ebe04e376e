'use strict';

/** The options of a pool as pg-pool reads them, lenient with strings; then in the core's words. */

const { hide } = require('./hide');

/** What the core takes; a pool whose `max` is beyond it opens no more than this. */
const CORE_MAX = 65_535;

/** A copy with the defaults, in which secrets are not enumerable. */
function readOptions(given) {
  const options = Object.assign({}, given);
  if (given != null && 'password' in given) {
    hide(options, 'password', given.password);
  }
  if (options.ssl && options.ssl.key) options.ssl = withHiddenKey(options.ssl);
  options.max = options.max || options.poolSize || 10;
  options.min = options.min || 0;
  options.maxUses = options.maxUses || Infinity;
  options.allowExitOnIdle = options.allowExitOnIdle || false;
  options.maxLifetimeSeconds = options.maxLifetimeSeconds || 0;
  if (options.idleTimeoutMillis === undefined) options.idleTimeoutMillis = 10_000;
  return options;
}

/** Of the same class: the caller's own object stays as it is. */
function withHiddenKey(ssl) {
  const fields = Object.getOwnPropertyDescriptors(ssl);
  fields.key = { configurable: true, enumerable: false, writable: true, value: ssl.key };
  return Object.create(Object.getPrototypeOf(ssl), fields);
}

function coreOptions(options) {
  return {
    ...bounds(options),
    maxConnecting: CORE_MAX,
    ownConnects: true,
    minPolicy: 'spare',
    // Whoever had a client, and could not use it, is the next one.
    priorities: 2,
    // May change while the pool is used: it counts them itself.
    maxUses: null,
    idleTimeoutMs: timeoutOf(options.idleTimeoutMillis),
    maxLifetimeMs: timeoutOf(options.maxLifetimeSeconds * 1000),
    acquireTimeoutMs: timeoutOf(options.connectionTimeoutMillis),
    closeTimeoutMs: null,
    createTimeoutMs: 0,
    destroyTimeoutMs: 0,
  };
}

function bounds({ max, min }) {
  const most = Math.min(Math.max(Math.ceil(max) || CORE_MAX, 1), CORE_MAX);
  return { max: most, min: Math.min(Math.max(Math.ceil(min) || 0, 0), most) };
}

/** As `setTimeout` reads it, except that 0 and nothing are no timeout. */
function timeoutOf(ms) {
  return ms ? Math.max(Math.ceil(ms) || 1, 1) : null;
}

module.exports = { bounds, coreOptions, readOptions, timeoutOf };
