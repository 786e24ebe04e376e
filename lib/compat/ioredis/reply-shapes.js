'use strict';

/**
 * What a reply becomes for the program. Servers that speak RESP3 give maps, sets, doubles and nested
 * pairs where those of RESP2 gave flat arrays and texts: `replyMapping: 'legacy'` has all as RESP2.
 */

/** `__proto__` is a name as any other. */
function setField(object, name, value) {
  if (name in object) {
    Object.defineProperty(object, name, {
      value,
      configurable: true,
      enumerable: true,
      writable: true,
    });
  } else {
    object[name] = value;
  }
}

function objectOf(flat) {
  const object = {};
  for (let i = 0; i < flat.length; i += 2) setField(object, flat[i], flat[i + 1]);
  return object;
}

/** Buffers within it as texts. */
function decode(value, encoding) {
  if (value instanceof Buffer) return value.toString(encoding);
  if (Array.isArray(value)) return value.map((item) => decode(item, encoding));
  if (!isPlain(value)) return value;
  const decoded = {};
  for (const name of Object.keys(value)) setField(decoded, name, decode(value[name], encoding));
  return decoded;
}

function isPlain(value) {
  if (typeof value !== 'object' || value === null) return false;
  const prototype = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

/** Of pairs in arrays their members in a row. */
function flatten(reply) {
  return Array.isArray(reply) && reply.some(Array.isArray) ? reply.flat() : reply;
}

/** Of names and values in a row an array of pairs. */
function pair(reply) {
  if (!Array.isArray(reply)) return reply;
  const pairs = [];
  for (let i = 0; i < reply.length; i += 2) pairs.push([reply[i], reply[i + 1]]);
  return pairs;
}

const isLegacy = ({ protocol, replyMapping }) => protocol === 3 && replyMapping === 'legacy';

const asHash = (reply) => (Array.isArray(reply) ? objectOf(reply) : reply);
const asFlat = (reply, context) => (isLegacy(context) ? flatten(reply) : reply);
const asPairs = (reply, context) => (isLegacy(context) ? pair(reply) : reply);
const asSimilarities = (reply, context) =>
  context.replyMapping === 'legacy' ? flatten(reply) : reply;

/** By the name of the command, which may be any text. */
const REPLIES = {
  __proto__: null,
  hgetall: asHash,
  vsim: asSimilarities,
  xread: asPairs,
  xreadgroup: asPairs,
};

const FLAT = [
  ...['hrandfield', 'zdiff', 'zinter', 'zpopmax', 'zpopmin', 'zunion', 'zrandmember'],
  ...['zrange', 'zrangebyscore', 'zrevrange', 'zrevrangebyscore'],
];
for (const name of FLAT) REPLIES[name] = asFlat;

module.exports = { REPLIES, decode, setField };
