'use strict';

/** What the elements of a Redis reply become in the core API, where JavaScript has no type of them. */

const { DatabaseError, PoolError } = require('./errors');

/** How a pool tells who subscribes over its connection; `value` is the push as it came. */
const PUSHED = Symbol('polypool.pushed');

/** An error as the server words it; its code is the first word. */
function serverError(text) {
  return new DatabaseError(text, { code: text.split(' ', 1)[0] });
}

const DOUBLES = new Map([
  ['inf', Infinity],
  ['-inf', -Infinity],
  ['nan', NaN],
]);

const BIGS = {
  bigint: BigInt,
  string: String,
  number(text) {
    const message =
      `the reply holds ${text}, which is no exact number in JavaScript: ask for it with ` +
      "types: { int8: 'bigint' | 'string' }";
    throw new PoolError('ERR_POLYPOOL_UNSAFE_INTEGER', message);
  },
};

/** An object where all keys are texts, else a Map: Buffers are keys by identity only. */
function mapOf(items) {
  const object = Object.create(null);
  for (let at = 0; at < items.length; at += 2) {
    if (typeof items[at] !== 'string') return pairsOf(items);
    object[items[at]] = items[at + 1];
  }
  return object;
}

function pairsOf(items) {
  const map = new Map();
  for (let at = 0; at < items.length; at += 2) map.set(items[at], items[at + 1]);
  return map;
}

/** By the pool's option for integers beyond the safe ones. */
function repliesOf(int8) {
  return {
    map: mapOf,
    set: (items) => new Set(items),
    push: (items) => items,
    bool: (flag) => flag,
    double: (text) => DOUBLES.get(text) ?? Number(text),
    big: BIGS[int8],
    error: serverError,
  };
}

module.exports = { PUSHED, repliesOf };
