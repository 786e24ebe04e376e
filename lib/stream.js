'use strict';

/**
 * A result read row by row. The engine sends rows against credit and leaves the rest on the
 * socket, so the server is read only as fast as rows are taken here.
 */

const { Readable } = require('node:stream');
const { AsyncResource } = require('node:async_hooks');
const { failingAtReader } = require('./at-reader');
const { surface } = require('./surface');

/** Of a reader: ends its statement at once, whatever that does to a transaction. */
const CUT = Symbol('polypool.cut');
/** Of a reader: how much was taken; null while it waits for the server, or has heard its end. */
const TAKEN = Symbol('polypool.taken');

class RowStream extends Readable {
  #batch;
  /** Rows that have come. */
  #came = 0;
  /** Rows the engine may still send. */
  #credit;
  /** While its statement runs. */
  #control = null;
  #resource = new AsyncResource('polypool.RowStream');
  #onSettled = null;
  /** What the statement failed with. */
  #failure = null;

  constructor(batch) {
    super({ objectMode: true, highWaterMark: batch });
    this.#batch = batch;
    this.#credit = batch;
    this.fields = null;
  }

  /** Its statement was submitted, with credit for one batch: `{ credit(rows), end(), cut() }`. */
  begin(control) {
    this.#control = control;
  }

  _read() {
    if (this.#control === null || this.#credit > this.#batch / 2) return;
    const more = this.#batch - this.#credit;
    this.#credit += more;
    this.#control.credit(more);
  }

  _destroy(error, callback) {
    if (this.#control === null) {
      callback(error);
      return;
    }
    // The connection is free again when the engine says so.
    this.#onSettled = () => callback(error);
    this.#control.end();
  }

  [CUT]() {
    this.#control?.cut();
  }

  get [TAKEN]() {
    return this.#control === null || this.readableLength === 0
      ? null
      : this.#came - this.readableLength;
  }

  [Symbol.asyncIterator]() {
    const isFailure = (error) => error === this.#failure;
    return failingAtReader(this, super[Symbol.asyncIterator](), isFailure);
  }

  /** Rows from the ring. */
  take(rows, fields) {
    this.fields = fields;
    this.#credit -= rows.length;
    this.#came += rows.length;
    this.#resource.runInAsyncScope(this.#deliver, this, rows);
  }

  /** Listeners run within `push`; what they throw must not reach the ring. */
  #deliver(rows) {
    let thrown = false;
    for (const row of rows) {
      if (this.destroyed) return;
      try {
        this.push(row);
      } catch (error) {
        thrown = true;
        surface(error);
      }
    }
    // A push that was cut short has not asked for more.
    if (thrown) this.#guarded(() => this.read(0));
  }

  /** A row could not be made: the statement is to end, so nothing more is asked for. */
  halt() {
    this.#credit = Infinity;
    this.#control.end();
  }

  /** The result is complete. */
  end(fields) {
    this.fields ??= fields;
    this.#settle(() => this.push(null));
  }

  fail(error) {
    this.#failure = error;
    this.#settle(() => this.destroy(error));
  }

  #settle(finish) {
    this.#control = null;
    const settled = this.#onSettled;
    this.#resource.runInAsyncScope(() => this.#guarded(settled ?? finish));
  }

  #guarded(call) {
    try {
      call();
    } catch (error) {
      surface(error);
    }
  }
}

/** A stream that ends with an error before it began. */
function failedStream(error) {
  const stream = new RowStream(1);
  stream.destroy(error);
  return stream;
}

module.exports = { CUT, RowStream, TAKEN, failedStream };
