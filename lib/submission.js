'use strict';

/**
 * The submission ring: records of one tick, which go over in one native call at its end; and the
 * numbers of the texts in them.
 */

const { writeParams } = require('./params');
const { SUBMIT } = require('./records');

// Taken at load: test frameworks replace it.
const { nextTick } = process;

const RING_WORDS = 64 * 1024;
/** Texts one link numbers; the engine forgets the others. */
const STATEMENTS_MAX = 2000;

class Submission {
  constructor(native) {
    this.native = native;
    this.statements = new Map();
    this.statementIds = [];
    this.statementCount = 0;
    this.lastText = null;
    this.lastStatement = null;
    this.useRing(new ArrayBuffer(RING_WORDS * 4));
    this.at = 0;
    this.start = 0;
    this.flushing = false;
    this.flush = this.flush.bind(this);
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
    if (this.start > 0) {
      this.native.submit(i32, this.start);
      i32.copyWithin(0, this.start, this.at);
      this.at -= this.start;
      this.start = 0;
    }
    const wanted = (this.at << 2) + bytes;
    if (wanted > this.u8.length) {
      const size = Math.max(wanted, this.u8.length * 2);
      this.useRing(new ArrayBuffer(Math.ceil(size / 8) * 8));
      this.i32.set(i32.subarray(0, this.at));
    }
  }

  /** Writes a record of plain words. */
  record(op, ...words) {
    this.reserve(words.length * 4 + 8);
    const { i32 } = this;
    i32[this.at++] = words.length + 2;
    i32[this.at++] = op;
    for (const word of words) i32[this.at++] = word;
    this.commit();
  }

  /** Writes a record of words and a text. Returns the bytes of the text. */
  recordWithText(op, text, ...words) {
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

  /** Hands over what is complete without waiting for the end of the tick. */
  hurry() {
    if (this.start === 0) return;
    this.native.submit(this.i32, this.start);
    this.i32.copyWithin(0, this.start, this.at);
    this.at -= this.start;
    this.start = 0;
  }

  /** Writes a record of words and bytes. */
  recordWithBytes(op, bytes, ...words) {
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
    if (this.start === 0) return;
    this.native.submit(this.i32, this.start);
    this.at = 0;
    this.start = 0;
    if (this.i32.length > RING_WORDS) this.useRing(new ArrayBuffer(RING_WORDS * 4));
  }

  /** The number of a text, told to the engine when it is new. */
  statement(text) {
    if (text === this.lastText) return this.lastStatement.id;
    let entry = this.statements.get(text);
    if (entry === undefined) {
      if (this.statements.size >= STATEMENTS_MAX) this.forgetStatement();
      entry = { id: this.statementIds.pop() ?? this.statementCount++, used: false };
      this.recordWithText(SUBMIT.STATEMENT, text, entry.id);
      this.statements.set(text, entry);
    } else {
      entry.used = true;
    }
    this.lastText = text;
    this.lastStatement = entry;
    return entry.id;
  }

  /** Drops the oldest text that was not used again since it was last looked at. */
  forgetStatement() {
    for (const [text, entry] of this.statements) {
      this.statements.delete(text);
      if (entry.used) {
        entry.used = false;
        this.statements.set(text, entry);
        continue;
      }
      this.record(SUBMIT.FORGET, entry.id);
      this.statementIds.push(entry.id);
      if (text === this.lastText) this.lastText = null;
      return;
    }
  }

  /**
   * Submits a statement; throws what its parameters are refused with, then nothing was submitted.
   * `slot` is -1 for a statement of the pool itself.
   */
  query(number, pool, slot, generation, text, values, flags, timeoutMs, batch) {
    const statement = this.statement(text);
    const count = values ? values.length : 0;
    this.reserve(64);
    const { i32, start } = this;
    i32[start + 1] = SUBMIT.QUERY;
    i32[start + 2] = number;
    i32[start + 3] = pool;
    i32[start + 4] = slot;
    i32[start + 5] = generation;
    i32[start + 6] = statement;
    i32[start + 7] = flags;
    i32[start + 8] = timeoutMs;
    i32[start + 9] = batch;
    i32[start + 10] = count;
    this.at = start + 11;
    if (count > 0) {
      try {
        writeParams(this, values);
      } catch (error) {
        this.at = this.start;
        throw error;
      }
    }
    // `writeParams` may have moved the record.
    this.i32[this.start] = this.at - this.start;
    this.commit();
  }
}

module.exports = { Submission };
