'use strict';

/** Commands into the ring, and the methods that pools and connections of Redis have alike. */

const { abortError } = require('../errors');
const { COMMAND, EVAL, checkOptions } = require('../options');
const { FLAG } = require('../records');
const { sendStatement } = require('../send');
const { batchOf } = require('./batch');
const { repliesOf } = require('./replies');
const { CommandRequest } = require('./request');
const { scan } = require('./scan');
const { evaluate } = require('./scripts');
const { readWords, wrong } = require('./words');

/** A command of a pool or connection: name, arguments, options, flags. */
const RUN = Symbol('polypool.run');

class Commands {
  #pool;
  #settings;
  #texts;
  #bytes;

  constructor(pool) {
    this.#pool = pool;
    this.#settings = pool.settings;
    this.#texts = repliesOf(pool.int8, false);
    this.#bytes = repliesOf(pool.int8, true);
  }

  /** How what nobody asked for becomes values. */
  get replies() {
    return this.#texts;
  }

  /** `options` are those of `query()`. */
  submit(lease, text, values, options, flags = 0) {
    let timeoutMs = this.#settings.queryTimeoutMs ?? 0;
    let signal;
    let replies = this.#texts;
    try {
      if (this.#pool.closing !== null && lease === null) throw this.#pool.refusal();
      if (options !== undefined) {
        checkOptions(COMMAND, options);
        ({ signal } = options);
        if (signal?.aborted) throw abortError(signal);
        if (options.timeoutMs !== undefined) timeoutMs = Math.ceil(options.timeoutMs);
        if (options.buffers === true) {
          replies = this.#bytes;
          flags |= FLAG.BINARY;
        }
      }
      const request = new CommandRequest(this.#pool, lease, text, values, replies);
      return sendStatement(this.#pool, request, signal, flags, timeoutMs, 0);
    } catch (error) {
      return Promise.reject(error);
    }
  }
}

/** The methods, for a class that has `[RUN]`. */
const withCommands = (Base) =>
  class extends Base {
    query(command, args, options) {
      let words;
      try {
        checkName(command);
        words = args == null ? undefined : readWords(args);
      } catch (error) {
        return Promise.reject(error);
      }
      return this[RUN](command, words, options);
    }

    command(command, ...args) {
      return this.query(command, args);
    }

    pipeline(commands, options) {
      return this.#batch('', commands, options);
    }

    multi(commands, options) {
      return this.#batch('MULTI', commands, options);
    }

    #batch(text, commands, options) {
      let values;
      try {
        values = batchOf(commands);
      } catch (error) {
        return Promise.reject(error);
      }
      if (values.length === 0 && text === '')
        return this[RUN]('PING', null, options).then(() => []);
      return this[RUN](text, values, options, FLAG.BATCH);
    }

    async eval(source, keys = [], args = [], options = undefined) {
      if (typeof source !== 'string') throw wrong('eval() needs the text of a script');
      const words = [0, ...readWords(keys), ...readWords(args)];
      words[0] = keys.length;
      if (options !== undefined) checkOptions(EVAL, options);
      return evaluate(this[RUN].bind(this), source, words, options);
    }

    scan(options) {
      return scan(this[RUN].bind(this), 'SCAN', undefined, options);
    }

    hscan(key, options) {
      return scan(this[RUN].bind(this), 'HSCAN', key, options);
    }

    sscan(key, options) {
      return scan(this[RUN].bind(this), 'SSCAN', key, options);
    }

    zscan(key, options) {
      return scan(this[RUN].bind(this), 'ZSCAN', key, options);
    }
  };

function checkName(command) {
  if (typeof command !== 'string' || command.trim() === '') {
    throw wrong('a command is a name such as SET, and its arguments are an array of their own');
  }
}

module.exports = { Commands, RUN, withCommands };
