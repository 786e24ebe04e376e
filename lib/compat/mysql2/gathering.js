'use strict';

/**
 * One command on its way through the ring whose results are wanted as a whole: most are. What a
 * command says while it runs, and is asked, is an `Exchange`.
 */

const { FLAG } = require('../../records');
const { guarded } = require('../../surface');
const { fatal } = require('./errors');
const { shapeOf } = require('./readers');

/** How a name of a file begins that the server asks for. */
const FILE = 0xfb;

class Gathering {
  lease = null;
  rows = null;
  rowMode = undefined;
  results = null;
  failure = null;
  isStatement = true;
  stream = null;
  parked = false;
  shapes = null;
  context = null;
  onAbort = undefined;
  /** What its pace is known by. */
  text = '';
  name = undefined;
  /** In the ring, while it is under way. */
  number = -1;
  #connection;
  #command;
  #reading;
  /** Who hears of it instead of the command, which is not its connection's. */
  #answer;
  #told = null;
  /** The end, while its connection is paused. */
  #held = null;
  /** As it was sent, where it may have to be once more. */
  #body = null;

  constructor(connection, command, reading, answer) {
    this.#connection = connection;
    this.#command = command;
    this.#reading = reading;
    this.#answer = answer;
    this.pool = this;
  }

  /**
   * `text`: of the statement, as far as it is the same each time; a body of null is that text.
   * Without a text, or with flags, nobody wants to know its pace.
   */
  begin(session, body, closes, text, flags) {
    this.session = session;
    const values = [body, this.#reading.bits];
    if (closes.length > 0) values.push(closes.join(','));
    if (text === null) {
      session.submit(this, values, flags, 0);
    } else {
      // The next packet is written over this one.
      if (this.#answer === null) this.#body = Buffer.isBuffer(body) ? Buffer.from(body) : body;
      this.text = text;
      this.number = session.submit(this, values, flags || FLAG.ALONE, 0, text);
    }
  }

  /** It was stopped on the server for those behind it, and has done nothing. */
  #beginAgain() {
    this.results = this.rows = this.#told = null;
    this.begin(this.session, this.#body, [], this.text);
  }

  // ---- From the ring ----

  shapeOf(entry) {
    return shapeOf(entry, this.#reading, this.#connection.clientEncoding);
  }

  errorOf(wire) {
    return wire;
  }

  /** How the session stands now. */
  set status(status) {
    this.session.status = status;
  }

  get outcome() {
    return this.#told;
  }

  /** What the server has said, one character for each byte. */
  set outcome(told) {
    if (told !== null && told.info.charCodeAt(0) === FILE) {
      this.#command.hears(Buffer.from(told.info, 'latin1'));
    } else {
      this.#told = told;
    }
  }

  /** A result, or a list of them. */
  resolve(given) {
    this.#end(null, Array.isArray(given) ? given : [given]);
  }

  fail(error) {
    const wasStopped = this.failure === null && error.interrupted === true;
    if (wasStopped && this.#answer === null) this.#beginAgain();
    else this.#end(error, this.results ?? []);
  }

  #end(error, results) {
    const connection = this.#connection;
    if (this.#answer !== null) {
      guarded(() => this.#answer(error, results, this.failure !== null));
    } else if (connection._paused) {
      this.#held = { error, results };
    } else {
      guarded(() => connection.scope.runInAsyncScope(this.#tell, this, error, results));
    }
  }

  #tell(error, results) {
    try {
      this.#command.gather(results);
    } catch (malformed) {
      this.#connection._fail(fatal(malformed));
      return;
    }
    this.#command.handleEnd(error, this.failure !== null);
  }

  /** Its connection goes on. */
  deliver() {
    if (this.#held === null) return;
    const { error, results } = this.#held;
    this.#held = null;
    this.#end(error, results);
  }
}

module.exports = { Gathering };
