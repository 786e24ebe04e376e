'use strict';

/**
 * A result read row by row. The engine sends rows against credit and leaves the rest on the
 * socket, so the server is read only as fast as rows are taken here.
 */

const { Readable } = require('node:stream');
const { AsyncResource } = require('node:async_hooks');
const { OptionError } = require('./errors');

const BATCH = 1000;
const BATCH_MAX = 100_000;

class RowStream extends Readable {
  #batch;
  /** Rows the engine may still send. */
  #credit;
  #start;
  #control = null;
  #resource = new AsyncResource('polypool.RowStream');
  #onSettled = null;

  /** `start(stream)` submits the statement and returns `{ credit(rows), cancel() }`. */
  constructor(batch, start) {
    super({ objectMode: true, highWaterMark: batch });
    this.#batch = batch;
    this.#credit = batch;
    this.#start = start;
    this.fields = null;
  }

  get batchSize() {
    return this.#batch;
  }

  _construct(callback) {
    try {
      this.#control = this.#start(this);
    } catch (error) {
      callback(error);
      return;
    }
    callback();
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
    this.#control.cancel();
  }

  /** Rows from the ring. */
  take(rows, fields) {
    this.fields = fields;
    this.#credit -= rows.length;
    if (this.destroyed) return;
    this.#resource.runInAsyncScope(() => {
      for (const row of rows) this.push(row);
    });
  }

  /** The result is complete. */
  end(fields) {
    this.fields ??= fields;
    this.#settle(() => this.push(null));
  }

  fail(error) {
    this.#settle(() => this.destroy(error));
  }

  #settle(finish) {
    this.#control = null;
    const settled = this.#onSettled;
    this.#resource.runInAsyncScope(settled ?? finish);
  }
}

/** A stream that ends with an error before it began. */
function failedStream(error) {
  return new RowStream(1, () => {
    throw error;
  });
}

function readBatchSize(options) {
  const batch = options?.batchSize ?? BATCH;
  if (Number.isInteger(batch) && batch >= 1 && batch <= BATCH_MAX) return batch;
  throw new OptionError(
    `option 'batchSize' must be an integer from 1 to ${BATCH_MAX}, got ${String(batch)}`,
    { option: 'batchSize' },
  );
}

module.exports = { RowStream, failedStream, readBatchSize };
