'use strict';

/**
 * The submission ring: records of one tick, which go over in one native call at its end; and the
 * numbers of the texts in them.
 */

const { PoolError } = require('./errors');
const { writeParams } = require('./params');
const { FLAG, SUBMIT } = require('./records');

// Taken at load: test frameworks replace it.
const { nextTick } = process;

const RING_WORDS = 64 * 1024;
/** What a ring holds at most, in whole pairs of words: positions in it are Int32. */
const RING_BYTES_MAX = 2 ** 31 - 8;
/** A ring for what is submitted while a record is open; it grows like any other. */
const ASIDE_BYTES = 1024;
/** Texts one link numbers; the engine forgets the others. */
const STATEMENTS_MAX = 2000;

class Submission {
  constructor(native) {
    this.native = native;
    this.statements = new Map();
    /** Those with a name, by it. */
    this.named = new Map();
    this.statementIds = [];
    this.statementCount = 0;
    this.lastText = null;
    this.lastStatement = null;
    this.useRing(new ArrayBuffer(RING_WORDS * 4));
    this.at = 0;
    this.start = 0;
    this.flushing = false;
    this.flush = this.flush.bind(this);
    /** A QUERY is half written, and its values are being read: that may run the caller's code. */
    this.open = false;
    /** What that code submitted meanwhile, to follow the record. */
    this.inner = null;
    /** How many open records are around the ring in place. */
    this.depth = 0;
  }

  useRing(buffer) {
    this.i32 = new Int32Array(buffer);
    this.u8 = Buffer.from(buffer);
  }

  /** Makes room for so many bytes more in the record being written; may replace the views. */
  reserve(bytes) {
    if ((this.at << 2) + bytes + 64 > this.u8.length) this.makeRoom(bytes + 64);
  }

  makeRoom(bytes) {
    const { i32 } = this;
    // What is in a ring aside comes after what is in the outer one.
    if (this.start > 0 && this.depth === 0) {
      this.native.submit(i32, this.start);
      i32.copyWithin(0, this.start, this.at);
      this.at -= this.start;
      this.start = 0;
    }
    const wanted = this.at * 4 + bytes;
    if (wanted > this.u8.length) {
      const size = Math.max(wanted, Math.min(this.u8.length * 2, RING_BYTES_MAX));
      this.useRing(allocate(Math.ceil(size / 8) * 8));
      this.i32.set(i32.subarray(0, this.at));
    }
  }

  /** Writes while a record is open: elsewhere, and behind that record when it is complete. */
  aside(write, args) {
    const { i32, u8, at, start, inner } = this;
    this.useRing(new ArrayBuffer(ASIDE_BYTES));
    this.at = 0;
    this.start = 0;
    this.inner = null;
    this.open = false;
    this.depth++;
    try {
      return write.apply(this, args);
    } finally {
      const words = this.i32.slice(0, this.start);
      Object.assign(this, { i32, u8, at, start, inner, open: true });
      this.depth--;
      if (words.length > 0) (this.inner ??= []).push(words);
    }
  }

  /** What was submitted while the record was open. */
  takeInner() {
    const { inner } = this;
    this.inner = null;
    for (const words of inner) {
      this.reserve(words.length * 4);
      this.i32.set(words, this.at);
      this.at += words.length;
      this.commit();
    }
  }

  /** Writes a record of plain words. */
  record(op, ...words) {
    if (this.open) {
      this.aside(this.record, [op, ...words]);
      return;
    }
    this.reserve(words.length * 4 + 8);
    const { i32 } = this;
    i32[this.at++] = words.length + 2;
    i32[this.at++] = op;
    for (const word of words) i32[this.at++] = word;
    this.commit();
  }

  /** Writes a record of words and a text. Returns the bytes of the text. */
  recordWithText(op, text, ...words) {
    if (this.open) return this.aside(this.recordWithText, [op, text, ...words]);
    this.reserve(words.length * 4 + text.length * 3 + 16);
    const { i32, u8, start } = this;
    this.at++;
    i32[this.at++] = op;
    for (const word of words) i32[this.at++] = word;
    const length = u8.utf8Write(text, (this.at + 1) << 2);
    i32[this.at] = length;
    this.at += 1 + ((length + 3) >> 2);
    i32[start] = this.at - start;
    this.commit();
    return length;
  }

  /** Writes a record of a word and two texts. */
  recordWithTexts(op, first, second, word) {
    if (this.open) {
      this.aside(this.recordWithTexts, [op, first, second, word]);
      return;
    }
    this.reserve((first.length + second.length) * 3 + 32);
    const { i32, u8, start } = this;
    this.at++;
    i32[this.at++] = op;
    i32[this.at++] = word;
    for (const text of [first, second]) {
      const length = u8.utf8Write(text, (this.at + 1) << 2);
      i32[this.at] = length;
      this.at += 1 + ((length + 3) >> 2);
    }
    i32[start] = this.at - start;
    this.commit();
  }

  /** Hands over what is complete without waiting for the end of the tick. */
  hurry() {
    if (this.start === 0 || this.open) return;
    this.native.submit(this.i32, this.start);
    this.i32.copyWithin(0, this.start, this.at);
    this.at -= this.start;
    this.start = 0;
  }

  /** Writes a record of words and bytes. */
  recordWithBytes(op, bytes, ...words) {
    if (this.open) {
      this.aside(this.recordWithBytes, [op, bytes, ...words]);
      return;
    }
    const { length } = bytes;
    this.reserve(words.length * 4 + length + 16);
    const { i32, start } = this;
    this.at++;
    i32[this.at++] = op;
    for (const word of words) i32[this.at++] = word;
    i32[this.at++] = length;
    this.u8.set(bytes, this.at << 2);
    this.at += (length + 3) >> 2;
    i32[start] = this.at - start;
    this.commit();
  }

  commit() {
    this.start = this.at;
    if (!this.flushing) {
      this.flushing = true;
      nextTick(this.flush);
    }
  }

  flush() {
    this.flushing = false;
    // Open here means a nested event loop; the record's commit calls once more.
    if (this.start === 0 || this.open) return;
    this.native.submit(this.i32, this.start);
    this.at = 0;
    this.start = 0;
    if (this.i32.length > RING_WORDS) this.useRing(new ArrayBuffer(RING_WORDS * 4));
  }

  /** A text with its number, which the engine is told when it is new. */
  statement(text) {
    if (text === this.lastText) return this.lastStatement;
    let entry = this.statements.get(text);
    if (entry === undefined) {
      entry = this.makeStatement(this.statements, text);
      this.recordWithText(SUBMIT.STATEMENT, text, entry.id);
      this.statements.set(text, entry);
    } else {
      entry.used = true;
    }
    this.lastText = text;
    this.lastStatement = entry;
    return entry;
  }

  /** The same of a text under the name that the server is to know it by. */
  namedStatement(text, name) {
    let entry = this.named.get(name);
    if (entry !== undefined && entry.text !== text) {
      this.named.delete(name);
      this.dropStatement(entry);
      entry = undefined;
    }
    if (entry === undefined) {
      entry = this.makeStatement(this.named, text);
      this.recordWithTexts(SUBMIT.NAMED, text, name, entry.id);
      this.named.set(name, entry);
    } else {
      entry.used = true;
    }
    return entry;
  }

  /** The entry of a text, or of one under a name, as it was last submitted; or undefined. */
  known(text, name) {
    if (name === undefined) return this.statements.get(text);
    const entry = this.named.get(name);
    return entry?.text === text ? entry : undefined;
  }

  /** What the engine has last said that a text is. */
  paceOf(text, name) {
    return this.known(text, name)?.pace ?? FLAG.ALONE;
  }

  setPace(text, name, pace) {
    const entry = this.known(text, name);
    if (entry !== undefined) entry.pace = pace;
  }

  /** With a number of its own, for which an older one may have to go. */
  makeStatement(statements, text) {
    if (statements.size >= STATEMENTS_MAX) this.forgetStatement(statements);
    const id = this.statementIds.pop() ?? this.statementCount++;
    return { text, id, used: false, pace: FLAG.ALONE, results: null };
  }

  /** Drops the oldest text that was not used again since it was last looked at. */
  forgetStatement(statements) {
    for (const [key, entry] of statements) {
      statements.delete(key);
      if (entry.used) {
        entry.used = false;
        statements.set(key, entry);
        continue;
      }
      this.dropStatement(entry);
      return;
    }
  }

  dropStatement({ text, id }) {
    this.record(SUBMIT.FORGET, id);
    this.statementIds.push(id);
    if (text === this.lastText) this.lastText = null;
  }

  /**
   * Submits a statement; throws what its parameters are refused with, then nothing was submitted.
   * `slot` is -1 for a statement of the pool itself.
   */
  query(number, pool, slot, generation, text, values, flags, timeoutMs, batch, name) {
    if (this.open) {
      const place = [number, pool, slot, generation];
      this.aside(this.query, [...place, text, values, flags, timeoutMs, batch, name]);
      return;
    }
    // Ahead of the statement's number: a Proxy's may run code that has the text forgotten.
    const count = values ? values.length >>> 0 : 0;
    const statement = name === undefined ? this.statement(text) : this.namedStatement(text, name);
    this.reserve(64);
    const { i32, start } = this;
    i32[start + 1] = SUBMIT.QUERY;
    i32[start + 2] = number;
    i32[start + 3] = pool;
    i32[start + 4] = slot;
    i32[start + 5] = generation;
    i32[start + 6] = statement.id;
    // Who wants to hear of the pace of its text says what was heard last.
    i32[start + 7] = flags & FLAG.ALONE ? (flags ^ FLAG.ALONE) | statement.pace : flags;
    i32[start + 8] = timeoutMs;
    i32[start + 9] = batch;
    i32[start + 10] = count;
    this.at = start + 11;
    if (count > 0) this.writeValues(values, count);
    // Writing them may have moved the record.
    this.i32[this.start] = this.at - this.start;
    this.commit();
    if (this.inner !== null) this.takeInner();
  }

  writeValues(values, count) {
    this.open = true;
    try {
      writeParams(this, values, count);
    } catch (error) {
      this.open = false;
      this.at = this.start;
      this.commit();
      if (this.inner !== null) this.takeInner();
      throw error;
    }
    this.open = false;
  }
}

function allocate(bytes) {
  const limit = 'the parameters of a statement take 2 GiB at most, all together';
  if (bytes > RING_BYTES_MAX) throw new PoolError('ERR_POLYPOOL_PARAMETER', limit);
  try {
    return new ArrayBuffer(bytes);
  } catch (cause) {
    const message = `there is no memory for parameters of ${bytes} bytes`;
    throw new PoolError('ERR_POLYPOOL_PARAMETER', message, { cause });
  }
}

module.exports = { Submission };
