'use strict';

const { replyError } = require('./errors');

const GONE = ['ERR_POLYPOOL_CONNECTION_LOST', 'ERR_POLYPOOL_PROTOCOL', 'ERR_POLYPOOL_CLOSED'];

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
    if (GONE.includes(error.code)) return;
    const command = this.#command;
    const refused = error.kind === 'database';
    const told = refused ? replyError(error.message, command) : new Error(error.message);
    this.#connection.answer(command, undefined, told);
  }
}

module.exports = { Flight };
