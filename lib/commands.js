'use strict';

/** How commands get into the ring (Redis): on a lease, or on the wire that all others share. */

const { failedCopy } = require('./copy');
const { failedCursor } = require('./cursor');
const { PoolError, abortError, atCaller } = require('./errors');
const { COMMAND, checkOptions } = require('./options');
const { FLAG } = require('./records');
const { promiseOf } = require('./request');
const { failedStream } = require('./stream');

const { isAnyArrayBuffer } = require('node:util').types;

/** Somebody who waits for a reply; with what the ring asks of any request. */
class CommandRequest {
  constructor(pool, lease, text, values) {
    this.resolve = null;
    this.reject = null;
    this.pool = pool;
    this.lease = lease;
    this.text = text;
    this.values = values;
    this.signal = undefined;
    this.onAbort = undefined;
    this.shapes = null;
    this.failure = null;
    this.stream = null;
    this.context = null;
    this.held = null;
    this.parked = false;
    this.isStatement = true;
  }

  fail(error) {
    this.reject(error);
  }
}

class Commands {
  #pool;
  #link;
  #id;
  #timeoutMs;

  constructor(pool) {
    this.#pool = pool;
    this.#link = pool.link;
    this.#id = pool.id;
    this.#timeoutMs = pool.settings.queryTimeoutMs ?? 0;
  }

  /** A command with its reply; `options` are those of `query()`. */
  submit(lease, name, args, options, flags = 0) {
    let timeoutMs = this.#timeoutMs;
    let signal;
    try {
      if (typeof name !== 'string' || name === '') throw noName(name);
      if (args === undefined || args === null) args = undefined;
      else args = checkArguments(args);
      if (this.#pool.closing !== null && lease === null) throw this.#pool.refusal();
      if (options !== undefined) {
        checkOptions(COMMAND, options);
        if (options.timeoutMs !== undefined) timeoutMs = Math.ceil(options.timeoutMs);
        if (options.buffers === true) flags |= FLAG.BINARY;
        ({ signal } = options);
        if (signal?.aborted) throw abortError(signal);
      }
      return this.#send(lease, name, args, signal, flags, timeoutMs);
    } catch (error) {
      return Promise.reject(error);
    }
  }

  #send(lease, name, args, signal, flags, timeoutMs) {
    const link = this.#link;
    const request = new CommandRequest(this.#pool, lease, name, args);
    const number = link.add(request);
    let slot = -1;
    let generation = 0;
    if (lease !== null) {
      ({ slot, generation } = lease);
      flags |= lease.flags;
      lease.pending++;
    }
    try {
      if (signal !== undefined) link.watch(number, request, signal);
      link.query(number, this.#id, slot, generation, name, args, flags, timeoutMs, 0);
    } catch (error) {
      if (lease !== null) lease.pending--;
      if (link.requests[number] === request) {
        link.remove(number);
        link.settleUnused();
      }
      throw error;
    }
    return promiseOf(request).then(undefined, atCaller);
  }

  openStream() {
    return failedStream(unsupported('stream()'));
  }

  openCopy(_lease, Stream) {
    return failedCopy(Stream, unsupported('copyFrom() and copyTo()'));
  }

  openCursor() {
    return failedCursor(unsupported('cursor()'));
  }
}

/** The arguments as the ring takes them: texts, integers of a word and bytes as they are. */
function checkArguments(args) {
  if (!Array.isArray(args)) {
    const message = 'the arguments of a command are an array';
    throw new PoolError('ERR_POLYPOOL_PARAMETER', message);
  }
  const { length } = args;
  for (let at = 0; at < length; at++) {
    const value = args[at];
    if (typeof value === 'string') continue;
    if (typeof value === 'number' && (value | 0) === value) continue;
    return readArguments(args);
  }
  return args;
}

/** The slow way round: other numbers as JavaScript writes them. */
function readArguments(args) {
  return Array.from(args, (value, at) => {
    switch (typeof value) {
      case 'string':
        return value;
      case 'number':
        return String(value);
      case 'bigint':
        return value;
      default:
        if (ArrayBuffer.isView(value) || isAnyArrayBuffer(value)) return value;
        throw refusal(value, at);
    }
  });
}

function refusal(value, at) {
  const type =
    value === null ? 'null' : Array.isArray(value) ? 'an array' : `of type ${typeof value}`;
  const message =
    `argument ${at + 1} is ${type}: a command takes strings, numbers, bigints, Buffers and ` +
    'typed arrays';
  return new PoolError('ERR_POLYPOOL_PARAMETER', message);
}

function noName(given) {
  const message = `a command needs a name, got ${given === '' ? "''" : typeof given}`;
  return new PoolError('ERR_POLYPOOL_PARAMETER', message);
}

function unsupported(what) {
  return new PoolError('ERR_POLYPOOL_UNSUPPORTED', `Redis has nothing for ${what}`);
}

module.exports = { Commands };
