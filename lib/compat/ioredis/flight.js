'use strict';

const { replyError } = require('./errors');

/** A command under way: what the ring settles. The same command may be sent again later. */
class Flight {
  lease = null;
  rows = null;
  results = null;
  stream = null;
  failure = null;
  isStatement = true;
  parked = false;
  shapes = null;
  context = null;
  onAbort = undefined;
  #command;

  constructor(stream, command, replies) {
    this.pool = stream;
    this.replies = replies;
    this.#command = command;
  }

  resolve(value) {
    this.pool.answer(this.#command, value, null);
  }

  /** What the connection took with it is its instance's to settle or to send again. */
  fail(error) {
    if (error.kind !== 'database') return;
    const command = this.#command;
    this.pool.answer(command, undefined, replyError(error.message, command));
  }
}

module.exports = { Flight };
