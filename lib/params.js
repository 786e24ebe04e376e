'use strict';

/**
 * Parameters into the submission ring: per parameter a tag word and its payload, as
 * `src/wire/record.rs` lays down (`tag`) and `src/wire/param.rs` reads it.
 *
 * The writer `w` has `i32` and `u8` (both over the ring's memory), `at` (index of the next word)
 * and `reserve(bytes)`, which may replace both views. What is common, small numbers and short
 * ASCII text, is written in line; everything else takes `writeOther`.
 */

const { types } = require('node:util');
const { PoolError, messageOf } = require('./errors');
const { arrayForms } = require('./array-literal');
const { formatDate } = require('./dates');

const NULL = 0;
const FALSE = 1;
const TRUE = 2;
const INT = 3;
const FLOAT = 4;
const TEXT = 5;
const BYTES = 6;
const JSON_TEXT = 7;
const ARRAY = 8;
const DATE = 9;
const BIGINT = 10;

/** Up to here (measured: 40) packing in JavaScript beats the call into native code. */
const SHORT = 32;

/** What one parameter of fixed size or short text takes at most: tag, length, SHORT bytes. */
const ROOM = 8 + SHORT;

const float = new Float64Array(1);
const halves = new Int32Array(float.buffer);

/**
 * Appends the first `count` parameters. When it throws (a value that cannot be encoded) the caller
 * restores `w.at`. Reading a value may run code of the caller's, which must not touch the ring.
 */
function writeParams(w, values, count = values.length) {
  w.reserve(count * ROOM);
  let { i32, at } = w;
  for (let index = 0; index < count; index++) {
    const value = values[index];
    if (typeof value === 'number') {
      if ((value | 0) === value && (value !== 0 || 1 / value > 0)) {
        i32[at] = INT;
        i32[at + 1] = value;
        at += 2;
      } else {
        float[0] = value;
        i32[at] = FLOAT;
        i32[at + 1] = halves[0];
        i32[at + 2] = halves[1];
        at += 3;
      }
      continue;
    }
    if (typeof value === 'string') {
      const { length } = value;
      if (length <= SHORT && packAscii(i32, at + 2, value, length)) {
        i32[at] = TEXT;
        i32[at + 1] = length;
        at += 2 + ((length + 3) >> 2);
        continue;
      }
    } else if (value === null) {
      i32[at++] = NULL;
      continue;
    } else if (typeof value === 'boolean') {
      i32[at++] = value ? TRUE : FALSE;
      continue;
    }
    w.at = at;
    writeOther(w, value, index, (count - index - 1) * ROOM);
    ({ i32, at } = w);
  }
  w.at = at;
}

/** Writes text four characters to a word; false when it is not ASCII (what it wrote is void). */
function packAscii(i32, at, text, length) {
  let seen = 0;
  let i = 0;
  for (; i + 4 <= length; i += 4) {
    const a = text.charCodeAt(i);
    const b = text.charCodeAt(i + 1);
    const c = text.charCodeAt(i + 2);
    const d = text.charCodeAt(i + 3);
    seen |= a | b | c | d;
    i32[at++] = a | (b << 8) | (c << 16) | (d << 24);
  }
  if (i < length) {
    let word = 0;
    for (let shift = 0; i < length; i++, shift += 8) {
      const code = text.charCodeAt(i);
      seen |= code;
      word |= code << shift;
    }
    i32[at] = word;
  }
  return seen < 128;
}

/** One parameter that is not written in line. Keeps `after` bytes free for those that follow. */
function writeOther(w, value, index, after) {
  switch (typeof value) {
    case 'string':
      return writeText(w, TEXT, value, after);
    case 'bigint':
      return writeText(w, BIGINT, String(value), after);
    case 'object':
      return writeObject(w, value, index, after);
    case 'undefined':
      throw refusal(index, 'is undefined; use null for SQL NULL');
    default:
      throw refusal(index, `is a ${typeof value}, which cannot be sent`);
  }
}

function writeObject(w, value, index, after) {
  // An empty one may have been detached.
  if (types.isUint8Array(value) && value.length > 0) return writeBytes(w, value, after);
  if (types.isDate(value)) {
    const text = attempt(() => formatDate(value), index, 'is a Date that cannot be read');
    if (text === null) throw refusal(index, 'is an invalid Date');
    return writeText(w, DATE, text, after);
  }
  if (ArrayBuffer.isView(value) || types.isAnyArrayBuffer(value)) {
    const bytes = attempt(() => bytesOf(value), index, 'has no bytes to be read');
    return writeBytes(w, bytes, after);
  }
  if (Array.isArray(value)) return writeArray(w, value, index, after);
  return writeText(w, JSON_TEXT, toJson(value, index), after);
}

function writeArray(w, value, index, after) {
  let forms;
  try {
    forms = arrayForms(value);
  } catch (cause) {
    throw refusal(index, messageOf(cause), cause);
  }
  w.reserve(20 + (forms.literal.length + forms.json.length) * 3 + after);
  w.i32[w.at++] = ARRAY;
  writePayload(w, forms.literal);
  writePayload(w, forms.json);
}

/** Objects that JSON would turn into `{}` without a word. */
function isOpaque(value) {
  return (
    types.isPromise(value) ||
    types.isMap(value) ||
    types.isSet(value) ||
    types.isWeakMap(value) ||
    types.isWeakSet(value)
  );
}

function toJson(value, index) {
  const json = attempt(() => JSON.stringify(value), index, 'cannot be written as JSON');
  if (json === undefined) throw refusal(index, 'has no JSON form: its toJSON() gives undefined');
  // Asked only now, since hardly any object reads so.
  if (json === '{}' && isOpaque(value)) {
    const type = types.isPromise(value) ? 'Promise; await it first' : value[Symbol.toStringTag];
    throw refusal(index, `is a ${type}`);
  }
  return json;
}

/** What `read` gives; what it throws is that parameter's. */
function attempt(read, index, what) {
  try {
    return read();
  } catch (cause) {
    throw refusal(index, `${what}: ${messageOf(cause).split('\n', 1)[0]}`, cause);
  }
}

/** Throws when the memory was detached. */
function bytesOf(value) {
  if (!ArrayBuffer.isView(value)) return new Uint8Array(value);
  return new Uint8Array(value.buffer, value.byteOffset, value.byteLength);
}

function writeText(w, tag, text, after) {
  w.reserve(12 + text.length * 3 + after);
  w.i32[w.at++] = tag;
  writePayload(w, text);
}

/** Length word and UTF-8; a lone surrogate becomes U+FFFD. Room must have been reserved. */
function writePayload(w, text) {
  const bytes = w.u8.utf8Write(text, (w.at + 1) << 2, text.length * 3);
  w.i32[w.at] = bytes;
  w.at += 1 + ((bytes + 3) >> 2);
}

function writeBytes(w, bytes, after) {
  const { length } = bytes;
  w.reserve(12 + length + after);
  const { i32, u8, at } = w;
  u8.set(bytes, (at + 2) << 2);
  i32[at] = BYTES;
  i32[at + 1] = length;
  w.at = at + 2 + ((length + 3) >> 2);
}

function refusal(index, what, cause) {
  return new PoolError(
    'ERR_POLYPOOL_PARAMETER',
    `parameter $${index + 1} ${what}`,
    cause === undefined ? undefined : { cause },
  );
}

module.exports = { writeParams };
