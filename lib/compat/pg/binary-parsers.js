'use strict';

/**
 * Parsers of the binary form in place of those of `pg-types`, which misread floats at the ends of
 * their range, fractions of numeric, dates by the offset of another moment, and what is negative
 * in arrays. Those that users have registered stay.
 */

const types = require('pg-types');
const { init } = require('pg-types/lib/binaryParsers');
const { localDate } = require('../../dates');

/** PostgreSQL counts microseconds from 2000 on. */
const EPOCH_MS = Date.UTC(2000, 0, 1);
const [EARLIEST, LATEST] = [-(2n ** 63n), 2n ** 63n - 1n];

/** Signs of a numeric, and what is no number of digits. */
const NEGATIVE = 0x4000;
const SPECIAL = new Map([
  [0xc000, NaN],
  [0xd000, Infinity],
  [0xf000, -Infinity],
]);

const parseBool = (bytes) => bytes[0] !== 0;
const parseInt2 = (bytes) => bytes.readInt16BE(0);
const parseInt4 = (bytes) => bytes.readInt32BE(0);
const parseInt8 = (bytes) => String(bytes.readBigInt64BE(0));
const parseOid = (bytes) => bytes.readUInt32BE(0);
const parseFloat4 = (bytes) => bytes.readFloatBE(0);
const parseFloat8 = (bytes) => bytes.readDoubleBE(0);
const parseText = (bytes) => bytes.toString();
const parseTimestamp = (bytes) => parseMoment(bytes, localDate);
const parseTimestamptz = (bytes) => parseMoment(bytes, (ms) => new Date(ms));

/** Digits to the base of ten thousand, the first of them with the weight given. */
function parseNumeric(bytes) {
  const sign = bytes.readUInt16BE(4);
  if (SPECIAL.has(sign)) return SPECIAL.get(sign);
  const [count, weight] = [bytes.readUInt16BE(0), bytes.readInt16BE(2)];
  let digits = '0';
  for (let i = 0; i < count; i++) {
    digits += String(bytes.readUInt16BE(8 + 2 * i)).padStart(4, '0');
  }
  const value = Number(`${digits}e${4 * (weight + 1 - count)}`);
  return sign === NEGATIVE ? -value : value;
}

/** A Date that knows its microseconds, as those of `pg-types` do. */
function parseMoment(bytes, dateOf) {
  const micros = bytes.readBigInt64BE(0);
  if (micros === LATEST) return Infinity;
  if (micros === EARLIEST) return -Infinity;
  const rest = ((micros % 1000n) + 1000n) % 1000n;
  const date = dateOf(Number((micros - rest) / 1000n) + EPOCH_MS);
  return Object.assign(date, { usec: Number(rest), ...MICROSECONDS });
}

const MICROSECONDS = {
  getMicroSeconds() {
    return this.usec;
  },
  setMicroSeconds(usec) {
    this.usec = usec;
  },
  getUTCMicroSeconds() {
    return this.usec;
  },
};

/** What elements become, by their type; all others are text. As with `pg-types`, int8 a number. */
const ELEMENTS = new Map([
  [16, parseBool],
  [20, (bytes) => Number(bytes.readBigInt64BE(0))],
  [21, parseInt2],
  [23, parseInt4],
  [26, parseOid],
]);

/** Dimensions, flags, type of the elements; length and lower bound of each dimension; elements. */
function parseArray(bytes) {
  const parse = ELEMENTS.get(bytes.readUInt32BE(8)) ?? parseText;
  const lengths = [];
  let at = 12;
  for (let left = bytes.readInt32BE(0); left > 0; left--, at += 8) {
    lengths.push(bytes.readInt32BE(at));
  }
  const element = () => {
    const length = bytes.readInt32BE(at);
    at += 4;
    return length < 0 ? null : parse(bytes.subarray(at, (at += length)));
  };
  const list = ([length = 0, ...inner]) =>
    Array.from({ length }, inner.length > 0 ? () => list(inner) : element);
  return list(lengths);
}

const OWN = new Map([
  [16, parseBool],
  [20, parseInt8],
  [21, parseInt2],
  [23, parseInt4],
  [25, parseText],
  [26, parseOid],
  [700, parseFloat4],
  [701, parseFloat8],
  [1000, parseArray],
  [1007, parseArray],
  [1008, parseArray],
  [1009, parseArray],
  [1016, parseArray],
  [1114, parseTimestamp],
  [1184, parseTimestamptz],
  [1700, parseNumeric],
]);

/** The package's own parsers, by type. */
const theirs = new Map();

init((oid, parser) => {
  const registered = types.getTypeParser(oid, 'binary');
  // Some are made anew at each call.
  if (registered === parser || registered.name === parser.name) theirs.set(oid, registered);
});

/** The parser to take for the one that `source` has. */
function binaryParser(source, oid) {
  const parser = source.getTypeParser(oid, 'binary');
  return parser === theirs.get(oid) ? OWN.get(oid) : parser;
}

module.exports = { binaryParser };
