'use strict';

/**
 * What the values of replies become that RESP2 has not, by `replyMapping`: as RESP2 would have had
 * them, or as they are. `stringNumbers` has every number as a text.
 */

const { ReplyError } = require('./errors');
const { setField } = require('./reply-shapes');

const INTEGER_BITS = 64;

const same = (value) => value;
const nested = (message) => new ReplyError(message);

/** The server's own integers have 64 bits; beyond them it is a number of a script's, as a text. */
function big(text) {
  const value = BigInt(text);
  return BigInt.asIntN(INTEGER_BITS, value) === value ? Number(text) : text;
}

function toNumber(text) {
  if (/^[+-]?inf$/i.test(text)) return text.startsWith('-') ? -Infinity : Infinity;
  return Number(text);
}

function objectOf(pairs) {
  const object = {};
  for (let i = 0; i < pairs.length; i += 2) setField(object, String(pairs[i]), pairs[i + 1]);
  return object;
}

const LEGACY = {
  map: same,
  set: same,
  push: same,
  error: nested,
  double: same,
  big,
  bool: Number,
};
const RESP3 = { ...LEGACY, map: objectOf, double: toNumber, bool: same };

/** What was a text of RESP2's is a Buffer where Buffers are wanted. */
const asBuffers = (shapes) =>
  shapes.double === same ? { ...shapes, double: (text) => Buffer.from(text) } : shapes;

const errorOf = (wire) => wire;
const receiver = (replies) => ({ replies, errorOf });

/** What the ring asks of texts and of Buffers. */
function shapesOf({ condition, options }) {
  const mapped = condition.replyMapping === 'resp3' ? RESP3 : LEGACY;
  if (options.stringNumbers) {
    const texts = { ...mapped, double: same, big: same };
    return { texts: receiver(texts), buffers: receiver(texts), numbersAsTexts };
  }
  return { texts: receiver(mapped), buffers: receiver(asBuffers(mapped)), numbersAsTexts: null };
}

function numbersAsTexts(value) {
  if (typeof value === 'number') return String(value);
  if (Array.isArray(value)) return value.map(numbersAsTexts);
  if (typeof value !== 'object' || value === null || ArrayBuffer.isView(value)) return value;
  if (value instanceof Error) return value;
  const object = {};
  for (const name of Object.keys(value)) setField(object, name, numbersAsTexts(value[name]));
  return object;
}

module.exports = { shapesOf };
