'use strict';

/** What the replies of a server become: the forms of the core API. */

const { DatabaseError, PoolError } = require('../errors');

class Replies {
  #int8;
  #keepsBytes;

  /** `int8` is the pool's form for integers that no number holds; `keepsBytes`: texts are Buffers. */
  constructor(int8, keepsBytes) {
    this.#int8 = int8;
    this.#keepsBytes = keepsBytes;
  }

  /** Keys and values in turn. Buffers are no property names. */
  map(pairs) {
    if (this.#keepsBytes) {
      const map = new Map();
      for (let at = 0; at < pairs.length; at += 2) map.set(pairs[at], pairs[at + 1]);
      return map;
    }
    const object = { __proto__: null };
    for (let at = 0; at < pairs.length; at += 2) object[pairs[at]] = pairs[at + 1];
    return object;
  }

  set(items) {
    return items;
  }

  double(text) {
    if (text === 'inf') return Infinity;
    if (text === '-inf') return -Infinity;
    return Number(text);
  }

  /** An integer beyond those that a number holds. */
  bigint(text) {
    if (this.#int8 === 'string') return text;
    if (this.#int8 === 'bigint') return BigInt(text);
    const message =
      `the integer ${text} is beyond Number.MAX_SAFE_INTEGER: ` +
      "option types: { int8: 'bigint' | 'string' } says what it should become";
    throw new PoolError('ERR_POLYPOOL_UNSAFE_INTEGER', message);
  }

  /** One of several replies; that of a single command rejects. */
  error(text) {
    return new DatabaseError(text, { code: text.split(' ', 1)[0] });
  }

  verbatim(_format, text) {
    return text;
  }
}

module.exports = { Replies };
