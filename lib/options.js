'use strict';

/**
 * The options of single calls: what each call knows, and what its errors say. Those of pools are
 * checked by the engine (`src/core/options.rs`).
 */

const { OptionError } = require('./errors');

const TIMEOUT_MAX = 2 ** 31 - 1;
const BATCH_MAX = 100_000;
const BYTES_MAX = 2 ** 30;
const RETRIES_MAX = 100;
const QUEUED_MAX = 10_000_000;
const ISOLATIONS = ['read uncommitted', 'read committed', 'repeatable read', 'serializable'];

const rule = (expected, fits) => ({ expected, fits });

const integer = (from, to) =>
  rule(
    `an integer from ${from} to ${to}`,
    (value) => Number.isInteger(value) && value >= from && value <= to,
  );

const choice = (...values) =>
  rule(values.map((value) => `'${value}'`).join(' or '), (value) => values.includes(value));

const isTimeout = (value) => typeof value === 'number' && value >= 0 && value <= TIMEOUT_MAX;

const ANYTHING = rule('', () => true);
const FLAG = rule('true or false', (value) => typeof value === 'boolean');
const LIMIT = integer(0, 65_535);
const isSignal = (value) =>
  typeof value?.addEventListener === 'function' &&
  typeof value.removeEventListener === 'function' &&
  typeof value.aborted === 'boolean';
const SIGNAL = rule('an AbortSignal', isSignal);
const TIMEOUT = rule(`a number of milliseconds from 0 to ${TIMEOUT_MAX}`, isTimeout);
const TIMEOUT_OR_NONE = rule(
  `a number of milliseconds from 0 to ${TIMEOUT_MAX}, or null`,
  (value) => value === null || isTimeout(value),
);
const WAIT = rule('a number of milliseconds above 0', (value) => isTimeout(value) && value > 0);
const WAIT_OR_NONE = rule(
  'a number of milliseconds above 0, or null',
  (value) => value === null || (isTimeout(value) && value > 0),
);

/** No prototype: an option called `constructor` is as unknown as any. */
const call = (name, rules) => ({ name, rules: Object.assign(Object.create(null), rules) });

const TARGET = choice('primary', 'replica');

const query = {
  signal: SIGNAL,
  timeoutMs: TIMEOUT,
  rowMode: choice('object', 'array'),
  target: TARGET,
};
const stream = { ...query, batchSize: integer(1, BATCH_MAX) };
const copy = { signal: SIGNAL, timeoutMs: TIMEOUT, highWaterMark: integer(1, BYTES_MAX) };
const { target: _, ...cursor } = stream;
const statement = { text: ANYTHING, values: ANYTHING };
const listen = {
  signal: SIGNAL,
  timeoutMs: WAIT_OR_NONE,
  maxQueued: integer(1, QUEUED_MAX),
};
const checked = { ...listen, checkIntervalMs: WAIT };
const command = { signal: SIGNAL, timeoutMs: TIMEOUT, buffers: FLAG };
const TEXT = rule('a string', (value) => typeof value === 'string');
const scan = { ...command, match: TEXT, count: integer(1, TIMEOUT_MAX) };

const CALLS = {
  QUERY: call('query()', query),
  QUERY_CONFIG: call('query()', { ...statement, ...query }),
  STREAM: call('stream()', stream),
  STREAM_CONFIG: call('stream()', { ...statement, ...stream }),
  COPY_FROM: call('copyFrom()', copy),
  COPY_TO: call('copyTo()', copy),
  CURSOR: call('cursor()', cursor),
  CURSOR_CONFIG: call('cursor()', { ...statement, ...cursor }),
  LISTEN: call('listen()', checked),
  NOTIFY: call('notify()', { signal: SIGNAL, timeoutMs: TIMEOUT }),
  COMMAND: call('query()', command),
  EVAL: call('eval()', { ...command, readOnly: FLAG }),
  SCAN: {
    SCAN: call('scan()', { ...scan, type: TEXT }),
    HSCAN: call('hscan()', { ...scan, noValues: FLAG }),
    SSCAN: call('sscan()', scan),
    ZSCAN: call('zscan()', scan),
  },
  SUBSCRIBE: call('subscribe()', { ...checked, pattern: FLAG, sharded: FLAG, buffers: FLAG }),
  MONITOR: call('monitor()', listen),
  // The range of priorities is an option of the pool.
  ACQUIRE: call('acquire()', {
    signal: SIGNAL,
    timeoutMs: WAIT_OR_NONE,
    priority: ANYTHING,
    target: TARGET,
  }),
  ACQUIRE_RESOURCE: call('acquire()', {
    signal: SIGNAL,
    timeoutMs: WAIT_OR_NONE,
    priority: ANYTHING,
  }),
  RELEASE: call('release()', { destroy: FLAG }),
  TRANSACTION: call('transaction()', {
    isolation: choice(...ISOLATIONS),
    readOnly: FLAG,
    deferrable: FLAG,
    retries: integer(0, RETRIES_MAX),
    signal: SIGNAL,
    timeoutMs: TIMEOUT,
    target: TARGET,
  }),
  RESIZE: call('resize()', { min: LIMIT, max: LIMIT }),
  RESOURCE_POOL: call('new ResourcePool()', {
    min: LIMIT,
    max: integer(1, 65_535),
    acquireTimeout: WAIT_OR_NONE,
  }),
  CLOSE: call('close()', { timeoutMs: TIMEOUT_OR_NONE }),
};

/** Throws on an option that the call does not know, and on a value that cannot be. */
function checkOptions({ name, rules }, options) {
  if (typeof options !== 'object' || options === null) {
    const message = `the options of ${name} must be an object, got ${shown(options)}`;
    throw new OptionError(message, { option: '' });
  }
  for (const option of Object.keys(options)) {
    const value = options[option];
    if (value === undefined) continue;
    const known = rules[option];
    if (known === undefined) throw unknown(name, option, Object.keys(rules));
    if (!known.fits(value)) throw refusal(option, known.expected, value);
  }
}

/** What `{ text, values, ...options }` and the options beside it come to. */
function configOptions({ name, rules }, config, options) {
  checkOptions({ name, rules }, config);
  const { text, values, ...own } = config;
  if (options === undefined) return own;
  checkOptions({ name, rules }, options);
  return { ...own, ...options };
}

function unknown(name, option, known) {
  const near = nearest(option, known);
  const hint =
    near === undefined ? `; it knows '${known.join("', '")}'` : `; did you mean '${near}'?`;
  return new OptionError(`Unknown option '${option}' of ${name}${hint}`, { option });
}

function refusal(option, expected, given) {
  const message = `option '${option}' must be ${expected}, got ${shown(given)}`;
  return new OptionError(message, { option });
}

/** The class of an acquire; whoever names none waits in the last one. */
function readPriority(priority, priorities) {
  const last = priorities - 1;
  if (priority === undefined) return last;
  if (Number.isInteger(priority) && priority >= 0 && priority <= last) return priority;
  throw refusal('priority', `an integer from 0 to ${last} (option 'priorities')`, priority);
}

const SHOWN_MAX = 40;

function shown(value) {
  if (typeof value === 'string') {
    return `'${value.length > SHOWN_MAX ? `${value.slice(0, SHOWN_MAX)}...` : value}'`;
  }
  if (typeof value === 'function') return 'a function';
  if (typeof value === 'object' && value !== null) {
    return Array.isArray(value) ? 'an array' : 'an object';
  }
  return String(value);
}

/** Nobody misspells a key into a novel; bounds the work. */
const KEY_MAX = 64;

/** The known key at the smallest edit distance, unless even that one is too far to be a slip. */
function nearest(option, known) {
  if (option.length > KEY_MAX) return undefined;
  let slips = Math.max(Math.floor(option.length / 3), 2) + 1;
  let found;
  for (const key of known) {
    const away = distance(option.toLowerCase(), key.toLowerCase());
    if (away < slips && away < key.length) [slips, found] = [away, key];
  }
  return found;
}

/** Edits (insert, delete, replace) that turn one word into the other. */
function distance(from, to) {
  const row = Array.from({ length: to.length + 1 }, (_, at) => at);
  for (let i = 0; i < from.length; i++) {
    let diagonal = row[0];
    row[0] = i + 1;
    for (let j = 0; j < to.length; j++) {
      const replaced = diagonal + (from[i] === to[j] ? 0 : 1);
      diagonal = row[j + 1];
      row[j + 1] = Math.min(replaced, diagonal + 1, row[j] + 1);
    }
  }
  return row[to.length];
}

module.exports = {
  ...CALLS,
  BATCH_MAX,
  TIMEOUT_MAX,
  checkOptions,
  configOptions,
  isSignal,
  nearest,
  readPriority,
  refusal,
};
