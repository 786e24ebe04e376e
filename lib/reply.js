'use strict';

/**
 * Values out of the completion ring: a tag word and its payload, as `src/wire/record.rs` lays down
 * (`value`) and `src/engine/redis/value.rs` writes it.
 *
 * What maps, sets, doubles and the like become is the asker's to say, by `replies`:
 * - `map(items)` of keys and values in turn, `set(items)`, `push(items)`: each may keep the array,
 * - `double(text)`, of `1.5`, `inf`, `-inf` or `nan`; `big(text)`, an integer beyond 2^53 - 1,
 * - `bool(flag)`, `error(text)` for an error within another reply.
 *
 * What one of these throws is kept until the value is read to its end, for the reader must stand
 * behind it.
 */

const { VALUE } = require('./records');
const { readBytes, readText } = require('./rows');

/** What was thrown first while the value under way is read; null for nothing. */
let failure = null;

/** Reads a value; throws what making it has thrown. */
function readReply(reader, replies) {
  const value = readValue(reader, replies);
  if (failure === null) return value;
  const { thrown } = failure;
  failure = null;
  throw thrown;
}

/** The engine bounds how deeply values stand within one another. */
function readValue(reader, replies) {
  const { ints } = reader;
  switch (ints[reader.i++]) {
    case VALUE.TEXT:
    case VALUE.STATUS:
      return readText(reader);
    case VALUE.OK:
      return 'OK';
    case VALUE.NIL:
      return null;
    case VALUE.INT:
      return ints[reader.i++];
    case VALUE.BYTES:
      return readBytes(reader, reader.bytes);
    case VALUE.ARRAY:
      return readItems(reader, replies, ints[reader.i++]);
    case VALUE.LONG:
      return reader.floats[reader.f++];
    case VALUE.TRUE:
      return made(replies, 'bool', true);
    case VALUE.FALSE:
      return made(replies, 'bool', false);
    case VALUE.MAP:
      return made(replies, 'map', readItems(reader, replies, 2 * ints[reader.i++]));
    case VALUE.SET:
      return made(replies, 'set', readItems(reader, replies, ints[reader.i++]));
    case VALUE.PUSH:
      return made(replies, 'push', readItems(reader, replies, ints[reader.i++]));
    case VALUE.DOUBLE:
      return made(replies, 'double', readText(reader));
    case VALUE.BIG:
      return made(replies, 'big', readText(reader));
    default:
      return made(replies, 'error', readText(reader));
  }
}

function readItems(reader, replies, count) {
  const items = new Array(count);
  for (let at = 0; at < count; at++) items[at] = readValue(reader, replies);
  return items;
}

function made(replies, kind, given) {
  try {
    return replies[kind](given);
  } catch (thrown) {
    failure ??= { thrown };
    return null;
  }
}

module.exports = { readReply };
