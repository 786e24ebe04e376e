'use strict';

/** The options of a Redis instance, from whatever it was made with. */

const { fill } = require('./fill');
const { parseURL } = require('./url');

function retryStrategy(times) {
  const jitterMs = Math.floor(Math.random() * 200);
  return Math.min(50 * 2 ** (times - 1), 5000) + jitterMs;
}

const DEFAULTS = {
  port: 6379,
  host: 'localhost',
  family: 0,
  connectTimeout: 10_000,
  disconnectTimeout: 2000,
  retryStrategy,
  keepAlive: 30_000,
  noDelay: true,
  connectionName: null,
  disableClientInfo: false,
  clientInfoTag: undefined,
  sentinels: null,
  name: null,
  role: 'master',
  sentinelRetryStrategy: (times) => Math.min(times * 10, 1000),
  sentinelReconnectStrategy: () => 60_000,
  natMap: null,
  enableTLSForSentinelMode: false,
  updateSentinels: true,
  failoverDetector: false,
  username: null,
  password: null,
  db: 0,
  enableOfflineQueue: true,
  enableReadyCheck: true,
  autoResubscribe: true,
  autoResendUnfulfilledCommands: true,
  lazyConnect: false,
  keyPrefix: '',
  reconnectOnError: null,
  readOnly: false,
  stringNumbers: false,
  protocol: 3,
  replyMapping: 'legacy',
  maxRetriesPerRequest: 20,
  maxLoadingRetryTime: 10_000,
  enableAutoPipelining: false,
  autoPipeliningIgnoredCommands: [],
  sentinelMaxConnections: 10,
  blockingTimeoutGrace: 100,
};

/** The certificates of these are another vendor's, and change. */
const PROFILES = ['RedisCloudFixed', 'RedisCloudFlexible'];

function read(options, given) {
  switch (typeof given) {
    case 'object':
      return fill(options, given);
    case 'string':
      return fill(options, parseURL(given));
    case 'number':
      options.port = given;
      return options;
    default:
      throw new Error(`Invalid argument ${given}`);
  }
}

const toInteger = (value) => (typeof value === 'string' ? parseInt(value, 10) : value);

/** The first to give an option has decided, but for a number, which is the port. */
function readOptions(args, defaults) {
  const options = {};
  for (const given of args) if (given !== null && given !== undefined) read(options, given);
  if (args.some((given) => typeof given === 'string' && given.startsWith('rediss://'))) {
    options.tls ??= true;
  }
  fill(options, defaults);
  options.port = toInteger(options.port);
  options.db = toInteger(options.db);
  if (options.replyMapping === 'resp3' && options.protocol !== 3) {
    throw new Error('The "resp3" replyMapping is only supported with protocol 3');
  }
  refuse(options);
  return options;
}

/** What this package has not. */
function refuse({ himportFieldsets, tls }) {
  const profile = typeof tls === 'string' ? tls : tls?.profile;
  if (PROFILES.includes(profile)) {
    throw new Error(
      `polypool/ioredis has no TLS profile '${profile}': give its certificates as option 'tls.ca'`,
    );
  }
  if (himportFieldsets !== undefined) {
    throw new Error("polypool/ioredis has no option 'himportFieldsets': call HIMPORT PREPARE");
  }
}

module.exports = { DEFAULTS, readOptions };
