'use strict';

/** Commands that go out together; the promise is of an array with an error or a reply for each. */

const { deprecate } = require('node:util');
const { default: asCallback } = require('standard-as-callback');
const { Commander } = require('./commander');

/** What commands of a pipeline are sent with: they keep together. */
class Batch {
  isPipeline = true;

  constructor(redis) {
    this.destination = { redis };
  }
}

class Pipeline extends Commander {
  #sent = false;
  /** A command of a transaction that cannot be sent. */
  #broken = null;

  constructor(redis) {
    super();
    this.redis = redis;
    this.isPipeline = true;
    this.isCluster = redis.isCluster;
    this.options = redis.options;
    this.replyPending = 0;
    this._queue = [];
    this._result = [];
    this._transactions = 0;
    for (const name of [...Object.keys(redis.scriptsSet), ...redis.addedBuiltinSet]) {
      this[name] = redis[name];
      this[`${name}Buffer`] = redis[`${name}Buffer`];
    }
    this.promise = new Promise((resolve, reject) => {
      this.resolve = resolve;
      this.reject = reject;
    });
    // It is a count, and none of those that one may set.
    Object.defineProperty(this, 'length', { get: () => this._queue.length });
  }

  sendCommand(command) {
    if (this._transactions > 0) {
      command.inTransaction = true;
      if (!command.isSendable) this.#broken ??= command;
    }
    const position = this._queue.push(command) - 1;
    command.pipelineIndex = position;
    command.promise.then(
      (reply) => this.fillResult([null, reply], position),
      (error) => this.fillResult([error], position),
    );
    return this;
  }

  addBatch(commands) {
    for (const [name, ...args] of commands) this[name](...args);
    return this;
  }

  fillResult(result, position) {
    if (this._queue[position].name === 'exec' && Array.isArray(result[1])) {
      this.#transform(result[1], position);
    }
    this._result[position] = result;
    if (--this.replyPending === 0) this.resolve(this._result);
  }

  /** The replies of a transaction come with its EXEC: each is for the command that asked. */
  #transform(replies, position) {
    replies.forEach((reply, i) => {
      const command = this._queue[position - replies.length + i];
      if (reply instanceof Error) {
        command.refused(reply);
        return;
      }
      try {
        replies[i] = command.transformReply(reply);
      } catch (error) {
        replies[i] = error;
      }
    });
  }

  #begin(callback) {
    if (this.nodeifiedPromise) return;
    this.nodeifiedPromise = true;
    asCallback(this.promise, callback);
  }

  /** Its promise is the same however often it is called; those who wait for it hear of failures. */
  exec(callback) {
    if (this._transactions > 0) {
      this._transactions--;
      return super.execBuffer(...arguments);
    }
    this.#begin(callback);
    if (this.#sent) return this.promise;
    this.#sent = true;
    if (this._queue.length === 0) this.resolve([]);
    this.replyPending = this._queue.length;
    if (this.#broken === null) this.#send();
    else this.#broken.promise.catch((error) => this._queue.forEach((each) => each.reject(error)));
    return this.promise;
  }

  #send() {
    const batch = new Batch(this.redis);
    for (const command of this._queue) this.redis.sendCommand(command, batch);
  }
}

const { execBuffer, multi } = Commander.prototype;

Pipeline.prototype.multi = function (...args) {
  this._transactions++;
  return multi.apply(this, args);
};

Pipeline.prototype.execBuffer = deprecate(function (...args) {
  if (this._transactions > 0) this._transactions--;
  return execBuffer.apply(this, args);
}, 'Pipeline#execBuffer: Use Pipeline#exec instead');

module.exports = { Pipeline };
