'use strict';

/** A command: its words, and the promise of its reply. */

const { exists, getKeyIndexes } = require('@ioredis/commands');
const { default: asCallback } = require('standard-as-callback');
const { BLOCKING, blockingTimeout } = require('./blocking');
const { withStack } = require('./errors');
const { REPLIES, decode } = require('./reply-shapes');
const { ARGUMENTS, prefixer, writeWords } = require('./words');

const ANY_CASE = { caseInsensitive: true };
const NAME_IN_ANY_CASE = { nameCaseInsensitive: true };

const SUBSCRIBES = ['subscribe', 'psubscribe', 'ssubscribe'];
const UNSUBSCRIBES = ['unsubscribe', 'punsubscribe', 'sunsubscribe'];
const LAST = ['blpop', 'brpop', 'brpoplpush', 'blmove', 'bzpopmin', 'bzpopmax'];

const FLAGS = {
  VALID_IN_SUBSCRIBER_MODE: [...SUBSCRIBES, ...UNSUBSCRIBES, 'ping', 'quit'],
  VALID_IN_MONITOR_MODE: ['monitor', 'auth'],
  ENTER_SUBSCRIBER_MODE: SUBSCRIBES,
  EXIT_SUBSCRIBER_MODE: UNSUBSCRIBES,
  WILL_DISCONNECT: ['quit'],
  HANDSHAKE_COMMANDS: ['auth', 'hello', 'select', 'client', 'readonly', 'info'],
  IGNORE_RECONNECT_ON_ERROR: ['client'],
  BLOCKING_COMMANDS: Object.keys(BLOCKING),
  LAST_ARG_TIMEOUT_COMMANDS: LAST,
  FIRST_ARG_TIMEOUT_COMMANDS: ['bzmpop', 'blmpop'],
  BLOCK_OPTION_COMMANDS: ['xread', 'xreadgroup'],
};

const flagged = new Map(Object.entries(FLAGS).map(([flag, names]) => [flag, new Set(names)]));

let keptResolve;
let keptReject;
const keep = (resolve, reject) => {
  keptResolve = resolve;
  keptReject = reject;
};

const unnamed = (name) =>
  `the name of a command must be a string, not ${name === null ? 'null' : typeof name}`;

/** In one array; programs give arguments as lists. */
function flat(args) {
  for (let i = 0; i < args.length; i++) if (Array.isArray(args[i])) return args.flat();
  return args.slice();
}

class Command {
  static FLAGS = FLAGS;
  static _transformer = { argument: ARGUMENTS, reply: REPLIES };

  static checkFlag(flag, name) {
    return flagged.get(flag).has(name.toLowerCase());
  }

  static setArgumentTransformer(name, transform) {
    Command._transformer.argument[name] = transform;
  }

  static setReplyTransformer(name, transform) {
    Command._transformer.reply[name] = transform;
  }

  #fulfil;
  #refuse;
  /** Made when somebody asks for them, or put there: who traces commands replaces them. */
  #resolve = null;
  #reject = null;
  #timeout = null;
  #blocking = null;
  #deadlineMs = null;
  /** Its name is no text, or its arguments could not be made into words. */
  #unsendable = false;

  constructor(name, args = [], options = {}, callback) {
    this.name = name;
    this.args = flat(args);
    this.callback = callback;
    this.replyEncoding = options.replyEncoding;
    this.errorStack = options.errorStack;
    this.protocol = 2;
    this.replyMapping = 'legacy';
    this.inTransaction = false;
    this.isTraced = false;
    this.isResolved = false;
    this.isSettled = false;
    this.pipelineIndex = undefined;
    this.ignore = false;
    /** The database that it was meant for, and the pipeline it is part of. */
    this.select = undefined;
    this.stream = undefined;
    const promise = new Promise(keep);
    this.#fulfil = keptResolve;
    this.#refuse = keptReject;
    this.#write();
    this.promise = callback === undefined ? promise : asCallback(promise, callback);
    if (options.keyPrefix && this.isSendable) this._iterateKeys(prefixer(options.keyPrefix));
    if (options.readOnly) this.isReadOnly = true;
  }

  #write() {
    try {
      if (typeof this.name !== 'string') throw new TypeError(unnamed(this.name));
      const transform = ARGUMENTS[this.name];
      if (transform !== undefined) this.args = transform(this.args);
      writeWords(this.args);
    } catch (error) {
      this.#unsendable = true;
      this.#refuse(error);
    }
  }

  get isSendable() {
    return !this.#unsendable;
  }

  /** As it stands in the queues of an instance. */
  get command() {
    return this;
  }

  // ---- Its end ----

  get resolve() {
    return (this.#resolve ??= (value) => {
      this.#end(value);
      return this.promise;
    });
  }

  set resolve(resolve) {
    this.#resolve = resolve;
  }

  get reject() {
    return (this.#reject ??= (error) => this.#fail(error));
  }

  set reject(reject) {
    this.#reject = reject;
  }

  /** The same as `resolve`, without making a function of it. */
  settle(value) {
    if (this.#resolve === null) this.#end(value);
    else this.#resolve(value);
  }

  #end(value) {
    try {
      this.#clearTimers();
      this.#fulfil(this.transformReply(value));
      this.isResolved = true;
      this.isSettled = true;
    } catch (error) {
      this.reject(error);
    }
  }

  #fail(error) {
    this.#clearTimers();
    this.isSettled = true;
    this.#refuse(this.errorStack ? withStack(error, this.errorStack.stack) : error);
  }

  /** Told where it goes, each time that it is sent; and what the server says against it. */
  prepare() {}

  refused() {}

  transformReply(value) {
    const reply = this.replyEncoding ? decode(value, this.replyEncoding) : value;
    const transform = REPLIES[this.name];
    if (transform === undefined) return reply;
    const { protocol, replyMapping, name: commandName } = this;
    return transform(reply, { commandName, protocol, replyMapping });
  }

  /** How the connection speaks that it goes to. */
  setReplyContext(context) {
    this.protocol = context?.protocol ?? 2;
    this.replyMapping = context?.replyMapping ?? 'legacy';
  }

  // ---- Keys ----

  getKeys() {
    return this._iterateKeys();
  }

  _iterateKeys(transform = (key) => key) {
    if (this.keys !== undefined) return this.keys;
    this.keys = [];
    if (!exists(this.name, ANY_CASE)) return this.keys;
    for (const index of getKeyIndexes(this.name, this.args, NAME_IN_ANY_CASE)) {
      this.args[index] = transform(this.args[index]);
      this.keys.push(this.args[index]);
    }
    return this.keys;
  }

  // ---- Time; by the timers of the moment, which tests replace ----

  setTimeout(ms) {
    this.#timeout ??= setTimeout(() => {
      if (!this.isSettled) this.reject(new Error('Command timed out'));
    }, ms);
  }

  /**
   * It ends with null, as if the server had waited in vain. Time in the offline queue counts: the
   * first call says when.
   */
  setBlockingTimeout(ms) {
    if (ms <= 0) return;
    clearTimeout(this.#blocking);
    const now = Date.now();
    this.#deadlineMs ??= now + ms;
    const left = this.#deadlineMs - now;
    if (left <= 0) {
      this.resolve(null);
      return;
    }
    this.#blocking = setTimeout(() => {
      this.#blocking = null;
      if (!this.isSettled) this.resolve(null);
    }, left);
  }

  extractBlockingTimeout() {
    return blockingTimeout(this.name, this.args);
  }

  #clearTimers() {
    if (this.#timeout !== null) clearTimeout(this.#timeout);
    if (this.#blocking !== null) clearTimeout(this.#blocking);
    this.#timeout = this.#blocking = null;
  }
}

module.exports = { Command };
