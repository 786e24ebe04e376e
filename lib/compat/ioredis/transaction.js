'use strict';

/** MULTI and EXEC: as a pipeline by default, or command by command. */

const { default: asCallback } = require('standard-as-callback');
const { Commander } = require('./commander');
const { Pipeline } = require('./pipeline');
const { traceBatch } = require('./traces');

const { exec: sendExec, multi: sendMulti } = Commander.prototype;

const EXECUTED =
  'Pipeline cannot be used to send any commands when the `exec()` has been called on it.';

/** An error or a reply for each command; null where a watched key has changed. */
function resultsOf(replies) {
  if (!replies) return null;
  return replies.map((reply) => (reply instanceof Error ? [reply] : [null, reply]));
}

/** The answer of EXEC; what had been refused before is with its error. */
function unwrap(results) {
  const executed = results.at(-1);
  if (executed === undefined) throw new Error(EXECUTED);
  const [error, replies] = executed;
  if (!error) return resultsOf(replies);
  error.previousErrors = results.slice(0, -1).flatMap(([refused]) => refused ?? []);
  throw error;
}

class Transaction extends Pipeline {
  exec(callback) {
    if (this._transactions > 0) super.exec();
    // Called once more, it is the pipeline's own promise.
    if (this.nodeifiedPromise) return super.exec();
    const size = Math.max(this.length - 2, 0);
    const promise = traceBatch(
      () => super.exec().then(unwrap),
      () => this.redis._buildBatchContext(size),
    );
    return asCallback(promise, callback);
  }

  execBuffer(callback) {
    if (this._transactions > 0) super.execBuffer();
    return this.exec(callback);
  }
}

/** The methods of an instance. */
const transactions = {
  pipeline(commands) {
    const pipeline = new Pipeline(this);
    return Array.isArray(commands) ? pipeline.addBatch(commands) : pipeline;
  },

  multi(commands, options = Array.isArray(commands) ? undefined : commands) {
    if (options && options.pipeline === false) return sendMulti.call(this);
    const transaction = new Transaction(this);
    transaction.multi();
    return Array.isArray(commands) ? transaction.addBatch(commands) : transaction;
  },

  exec(callback) {
    const executed = sendExec.call(this);
    const results = (replies) => (Array.isArray(replies) ? resultsOf(replies) : replies);
    return asCallback(executed.then(results), callback);
  },
};

module.exports = { resultsOf, transactions };
