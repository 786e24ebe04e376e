'use strict';

/**
 * The bare wire of a session: bytes both ways in records of the ring, against credit. The engine
 * reads no more from its socket than was taken here, and takes no more than its socket has.
 */

const { SUBMIT } = require('./records');
const { surface } = require('./surface');

/** Bytes that may come before the reader has taken any. */
const WINDOW = 256 * 1024;
/** Credit goes back in portions. */
const PORTION = WINDOW / 4;
/** Bytes of one record: the submission ring has room for four. */
const PIECE = 64 * 1024;

class Wire {
  #link;
  #receive;
  #number = -1;
  /** Bytes the engine still takes; none until it has handed over the wire. */
  #credit = 0;
  /** What is not submitted yet, from `#offset` on, and whom to tell when it is. */
  #bytes = null;
  #offset = 0;
  #callback = null;
  /** Bytes taken since the engine was last told. */
  #taken = 0;
  #over = false;

  /** `receive(bytes)` hears what the server sends. */
  constructor(link, receive) {
    this.#link = link;
    this.#receive = receive;
  }

  begin(number) {
    this.#number = number;
  }

  /** Calls back once all is submitted; one at a time. */
  write(bytes, callback) {
    this.#bytes = bytes;
    this.#offset = 0;
    this.#callback = callback;
    this.#advance();
  }

  #advance() {
    const bytes = this.#bytes;
    while (this.#offset < bytes.length) {
      if (this.#credit <= 0) return;
      const end = Math.min(this.#offset + PIECE, bytes.length);
      const piece = bytes.subarray(this.#offset, end);
      this.#link.recordWithBytes(SUBMIT.COPY_DATA, piece, this.#number);
      this.#credit -= piece.length;
      this.#offset = end;
    }
    this.#settle();
  }

  #settle() {
    const callback = this.#callback;
    this.#bytes = this.#callback = null;
    callback?.();
  }

  /** The reader has room for so many bytes again. */
  take(bytes) {
    this.#taken += bytes;
    if (this.#over || this.#taken < PORTION) return;
    this.#link.record(SUBMIT.CREDIT, this.#number, this.#taken);
    this.#taken = 0;
  }

  /** Gives it back. What the server still owes for what was written is not heard any more. */
  release() {
    this.#over = true;
    this.#link.recordWithText(SUBMIT.COPY_END, '', this.#number, 1);
  }

  // ---- From the ring ----

  takeBytes(bytes) {
    try {
      this.#receive(bytes);
    } catch (error) {
      surface(error);
    }
  }

  grant(bytes) {
    this.#credit += bytes;
    if (this.#callback !== null) this.#advance();
  }

  end() {
    this.#over = true;
  }

  /** The connection is gone: what was to be written is of no use to anybody. */
  fail() {
    this.#over = true;
    this.#settle();
  }
}

module.exports = { WINDOW, Wire };
