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
  #connection;
  #command;
  #convert;

  /** `pool` says what values become; `convert`, if any, of the whole reply. */
  constructor(connection, command, pool, convert) {
    this.pool = pool;
    this.#connection = connection;
    this.#command = command;
    this.#convert = convert;
  }

  resolve(value) {
    const reply = this.#convert === null ? value : this.#convert(value);
    this.#connection.answer(this.#command, reply, null);
  }

  /** What the connection took with it is its instance's to settle or to send again. */
  fail(error) {
    if (error.kind !== 'database') return;
    const command = this.#command;
    this.#connection.answer(command, undefined, replyError(error.message, command));
  }
}

module.exports = { Flight };
