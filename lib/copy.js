'use strict';

/**
 * COPY as streams: data go to the server no faster than its socket takes them, and are read from it
 * no faster than they are used here. What is under way is bounded on both sides, whatever the size.
 *
 * The engine talks to the object that `open` returns beside the stream, never to the stream itself.
 */

const { AsyncResource } = require('node:async_hooks');
const { Readable, Writable } = require('node:stream');
const { failingAtReader } = require('./at-reader');
const { AbortError, PoolError } = require('./errors');
const calls = require('./options');
const { FLAG, SUBMIT } = require('./records');
const { isFragment, textFor } = require('./sql');
const { CUT, TAKEN } = require('./stream');
const { surface } = require('./surface');

const { nextTick } = process;

/** Text is collected up to this many characters and encoded at once. */
const TEXT_MAX = 16 * 1024;
/** Bytes that one record holds at most. */
const PIECE = 64 * 1024;
/** The engine gets what was written so far without waiting for the end of the tick. */
const HURRY = 64 * 1024;

/** Bytes a writer keeps, and a reader asks for ahead of its use, by default. */
const WRITER_BYTES = 64 * 1024;
const READER_BYTES = 256 * 1024;

const UNSTORED = 'the stream was destroyed before the server had stored its data';

const UTF8 = new Set(['utf8', 'utf-8', 'UTF8', 'UTF-8']);

/** The request behind a stream, and how it ends. */
class Running {
  #resource;
  #settled = null;
  /** While its statement runs. */
  link = null;
  number = 0;

  constructor(name) {
    this.#resource = new AsyncResource(name);
  }

  begin(link, number) {
    this.link = link;
    this.number = number;
  }

  /**
   * Gives the statement up; `callback` runs when the engine is done with it, and is told what the
   * statement failed with, if it did.
   */
  giveUp(error, callback) {
    if (this.link === null) {
      callback(null);
      return;
    }
    this.#settled = callback;
    this.link.recordWithText(SUBMIT.COPY_END, reasonOf(error), this.number, 0);
  }

  settle(finish, failure = null) {
    this.link = null;
    this.run(this.#settled === null ? finish : () => this.#settled(failure));
  }

  /** Listeners run within; what they throw must not reach the ring. */
  run(call) {
    this.#resource.runInAsyncScope(() => {
      try {
        call();
      } catch (error) {
        surface(error);
      }
    });
  }
}

/** What CopyFail says; it stands in the server's log. */
function reasonOf(error) {
  const message = error?.message;
  return typeof message === 'string' && message !== '' ? message : 'the stream was destroyed';
}

/** Set by the class below, whose private parts it needs. */
let flushLater;

/** Takes the data of COPY FROM STDIN. */
class CopyWriter extends Writable {
  #running = new Running('polypool.CopyWriter');
  /** Bytes that may still be submitted, from when the server takes any. */
  #credit = 0;
  #ready = false;
  /** Text that was taken and not encoded yet. */
  #text = '';
  #scheduled = false;
  /** Bytes submitted since the engine last got them. */
  #fresh = 0;
  /** Chunks not taken yet, where in them to go on, and what to call when they are. */
  #chunks = null;
  #index = 0;
  #offset = 0;
  #callback = null;
  #finished = null;

  constructor(highWaterMark) {
    super({ highWaterMark, decodeStrings: false });
    this.rowCount = null;
  }

  static open({ highWaterMark = WRITER_BYTES }) {
    const stream = new CopyWriter(highWaterMark);
    const running = stream.#running;
    const handle = {
      begin: (link, number) => running.begin(link, number),
      grant: (bytes) => stream.#grant(bytes),
      end: (_fields, rowCount) => {
        stream.rowCount = rowCount;
        running.settle(() => stream.#finished?.());
      },
      fail: (error) => running.settle(() => stream.destroy(error), error),
    };
    return { stream, handle, flags: FLAG.COPY, batch: 0 };
  }

  /** The server takes data, or took what was submitted before. */
  #grant(bytes) {
    const waited = !this.#ready;
    this.#ready = true;
    this.#credit += bytes;
    if (this.#callback !== null) this.#running.run(() => this.#advance());
    else if (waited && this.#finished !== null) this.#complete();
  }

  _write(chunk, encoding, callback) {
    if (this.#credit > 0 && isShortText(chunk, encoding)) {
      this.#collect(chunk);
      callback();
    } else {
      this.#take([{ chunk, encoding }], callback);
    }
  }

  _writev(chunks, callback) {
    this.#take(chunks, callback);
  }

  #take(chunks, callback) {
    this.#chunks = chunks;
    this.#index = 0;
    this.#offset = 0;
    this.#callback = callback;
    this.#advance();
  }

  /** Takes chunks for as long as there is credit. */
  #advance() {
    const chunks = this.#chunks;
    while (this.#index < chunks.length) {
      if (this.#credit <= 0) return;
      const entry = chunks[this.#index];
      const { chunk, encoding } = entry;
      if (isShortText(chunk, encoding)) {
        this.#collect(chunk);
        this.#index += 1;
      } else if (typeof chunk !== 'string') {
        this.#sendPiece(chunk);
      } else if (UTF8.has(encoding)) {
        this.#collectPiece(chunk);
      } else {
        entry.chunk = Buffer.from(chunk, encoding);
      }
    }
    const callback = this.#callback;
    this.#chunks = this.#callback = null;
    callback();
  }

  #sendPiece(bytes) {
    const { length } = bytes;
    const end = Math.min(this.#offset + PIECE, length);
    this.#flush();
    if (end > this.#offset) {
      const { link, number } = this.#running;
      link.recordWithBytes(SUBMIT.COPY_DATA, bytes.subarray(this.#offset, end), number);
      this.#credit -= end - this.#offset;
      this.#count(end - this.#offset);
    }
    this.#moveTo(end, length);
  }

  /** Part of a long text; the halves of a surrogate pair stay together. */
  #collectPiece(text) {
    let end = Math.min(this.#offset + TEXT_MAX, text.length);
    if (end < text.length && (text.charCodeAt(end - 1) & 0xfc00) === 0xd800) end -= 1;
    this.#collect(text.slice(this.#offset, end));
    this.#moveTo(end, text.length);
  }

  #moveTo(offset, length) {
    this.#offset = offset;
    if (offset < length) return;
    this.#index += 1;
    this.#offset = 0;
  }

  /** Joined and encoded together, short texts cost a fraction of encoding each. */
  #collect(text) {
    this.#text += text;
    // At least; how many bytes it really is shows when it is encoded.
    this.#credit -= text.length;
    if (this.#text.length >= TEXT_MAX) {
      this.#flush();
    } else if (!this.#scheduled) {
      this.#scheduled = true;
      nextTick(flushLater, this);
    }
  }

  static {
    flushLater = (stream) => {
      stream.#scheduled = false;
      stream.#flush();
    };
  }

  #flush() {
    const text = this.#text;
    const { link, number } = this.#running;
    if (text === '' || link === null) return;
    this.#text = '';
    const length = link.recordWithText(SUBMIT.COPY_DATA, text, number);
    this.#credit -= length - text.length;
    this.#count(length);
  }

  #count(bytes) {
    this.#fresh += bytes;
    if (this.#fresh < HURRY) return;
    this.#fresh = 0;
    this.#running.link.hurry();
  }

  _final(callback) {
    this.#finished = callback;
    if (this.#ready) this.#complete();
  }

  #complete() {
    this.#flush();
    const { link, number } = this.#running;
    link.recordWithText(SUBMIT.COPY_END, '', number, 1);
  }

  _destroy(error, callback) {
    const written = this.#callback;
    this.#text = '';
    this.#chunks = this.#callback = null;
    written?.(error ?? new AbortError('the stream was destroyed before this was written'));
    this.#running.giveUp(error, (failure) => {
      // Ended and closed without an error means success to whoever waits for it.
      const untold = error === null && failure !== null && this.writableEnded;
      const heard = untold && this.listenerCount('error') > 0;
      callback(heard ? new AbortError(UNSTORED, undefined, { cause: failure }) : error);
    });
  }
}

function isShortText(chunk, encoding) {
  return typeof chunk === 'string' && chunk.length <= TEXT_MAX && UTF8.has(encoding);
}

/** Gives the data of COPY TO STDOUT. */
class CopyReader extends Readable {
  #running = new Running('polypool.CopyReader');
  #window;
  /** Bytes the engine may still send, and those that have come. */
  #credit;
  #came = 0;
  /** What the statement failed with. */
  #failure = null;

  constructor(highWaterMark) {
    super({ highWaterMark });
    this.#window = highWaterMark;
    this.#credit = highWaterMark;
    this.rowCount = null;
  }

  static open({ highWaterMark = READER_BYTES }) {
    const stream = new CopyReader(highWaterMark);
    const running = stream.#running;
    const handle = {
      begin: (link, number) => running.begin(link, number),
      takeBytes: (bytes) => {
        stream.#credit -= bytes.length;
        stream.#came += bytes.length;
        running.run(() => stream.push(bytes));
      },
      end: (_fields, rowCount) => {
        stream.rowCount = rowCount;
        running.settle(() => stream.push(null));
      },
      fail: (error) => {
        stream.#failure = error;
        running.settle(() => stream.destroy(error), error);
      },
    };
    return { stream, handle, flags: FLAG.COPY | FLAG.STREAM, batch: highWaterMark };
  }

  _read() {
    const { link, number } = this.#running;
    if (link === null || this.#credit > this.#window / 2) return;
    const more = this.#window - this.#credit;
    this.#credit += more;
    link.record(SUBMIT.CREDIT, number, more);
  }

  [Symbol.asyncIterator]() {
    const isFailure = (error) => error === this.#failure;
    return failingAtReader(this, super[Symbol.asyncIterator](), isFailure);
  }

  _destroy(error, callback) {
    this.#running.giveUp(error, () => callback(error));
  }

  [CUT]() {
    const { link, number } = this.#running;
    link?.record(SUBMIT.CANCEL, number);
  }

  get [TAKEN]() {
    const waits = this.#running.link === null || this.readableLength === 0;
    return waits ? null : this.#came - this.readableLength;
  }
}

/** What `openCopy` of a pool needs: the checked text and options, and the stream. */
function prepareCopy(Stream, statement, options = {}, dialect) {
  const call = Stream === CopyWriter ? calls.COPY_FROM : calls.COPY_TO;
  const text = textOf(call.name, statement, dialect);
  if (Array.isArray(options)) throw noValues(call.name);
  calls.checkOptions(call, options);
  return { text, ...Stream.open(options) };
}

function textOf(name, statement, dialect) {
  if (typeof statement === 'string') return statement;
  if (!isFragment(statement)) {
    throw new PoolError(
      'ERR_POLYPOOL_PARAMETER',
      `${name} needs the statement as a string or as an sql template without values`,
    );
  }
  if (statement.values.length > 0) throw noValues(name);
  return textFor(statement, dialect);
}

function noValues(name) {
  return new PoolError(
    'ERR_POLYPOOL_PARAMETER',
    `${name} takes no values: COPY has no parameters; write them into the text with ` +
      'escapeLiteral() and escapeIdentifier(), or sql.identifier()',
  );
}

/** A stream that ends with an error before it began. */
function failedCopy(Stream, error) {
  const stream = new Stream(1);
  stream.destroy(error);
  return stream;
}

module.exports = { CopyReader, CopyWriter, failedCopy, prepareCopy };
