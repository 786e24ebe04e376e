'use strict';

/** What the elements of a reply become in the core API, where JavaScript has no type of them. */

const { DatabaseError, PoolError } = require('../errors');

const DOUBLES = new Map([
  ['inf', Infinity],
  ['-inf', -Infinity],
  ['nan', NaN],
]);

/** Integers beyond those that a number holds, by the pool's option. */
const BIGS = {
  bigint: BigInt,
  string: String,
  number(text) {
    const message =
      `the reply holds ${text}, which no number of JavaScript is: ` +
      "set types: { int8: 'bigint' | 'string' }";
    throw new PoolError('ERR_POLYPOOL_UNSAFE_INTEGER', message);
  },
};

/** No prototype: a field may have any name. What is no name, a list for one, is a Map's key. */
function objectOf(items) {
  const object = { __proto__: null };
  for (let at = 0; at < items.length; at += 2) {
    const field = items[at];
    if (typeof field === 'object') return mapOf(items);
    object[field] = items[at + 1];
  }
  return object;
}

/** Buffers are no names of properties. */
function mapOf(items) {
  const map = new Map();
  for (let at = 0; at < items.length; at += 2) map.set(items[at], items[at + 1]);
  return map;
}

/** One of several replies; that of a single command rejects. */
function errorOf(text) {
  return new DatabaseError(text, { code: text.split(' ', 1)[0] });
}

/** As the server writes scores, whatever the protocol. */
const doubleOf = (text) => DOUBLES.get(text) ?? Number(text);

const same = (given) => given;

/** `int8` is the pool's option; `keepsBytes`: texts are Buffers. */
function repliesOf(int8, keepsBytes) {
  return {
    map: keepsBytes ? mapOf : objectOf,
    set: same,
    push: same,
    bool: same,
    double: doubleOf,
    big: BIGS[int8],
    error: errorOf,
  };
}

module.exports = { doubleOf, repliesOf };
