'use strict';

/**
 * What the values of replies become that RESP2 has not, by `replyMapping`: as RESP2 would have had
 * them, or as they are. `stringNumbers` has every number as a text.
 */

const { ReplyError } = require('./errors');
const { setField } = require('./reply-shapes');

const text = (digits) => digits;
const nested = (message) => new ReplyError(message);
const flat = (pairs) => pairs;

function objectOf(pairs) {
  const object = {};
  for (let i = 0; i < pairs.length; i += 2) setField(object, String(pairs[i]), pairs[i + 1]);
  return object;
}

const LEGACY = {
  map: flat,
  set: flat,
  error: nested,
  double: text,
  bigint: Number,
  bignumber: text,
  boolean: Number,
};
const RESP3 = { ...LEGACY, map: objectOf, double: Number, boolean: (value) => value };

function shapesOf({ condition, options }) {
  const shapes = condition.replyMapping === 'resp3' ? RESP3 : LEGACY;
  return options.stringNumbers ? { ...shapes, int: String, double: text, bigint: text } : shapes;
}

module.exports = { shapesOf };
