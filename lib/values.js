'use strict';

/**
 * From the cells of the wire to JavaScript values, by type.
 *
 * The engine has done what does not need JavaScript: numbers, booleans and timestamps arrive as
 * numbers, bytea as bytes, everything else as the server's text. What is left is made here, in the
 * realm that loaded this file: Dates, BigInts, parsed JSON, arrays.
 */

const { parse: parseArrayText } = require('postgres-array');
const { PoolError } = require('./errors');
const { localDate, parseTimestamp } = require('./dates');

/** Object ids of built-in types; they are fixed for ever. */
const INT8 = 20;
const JSON_TYPE = 114;
const JSONB = 3802;
const TIMESTAMP = 1114;
const TIMESTAMPTZ = 1184;

const READS = {
  ...{ i: 'int', b: 'bool', f: 'float', t: 'text', x: 'bytes', I: 'ints', T: 'texts' },
  // What MySQL's say by themselves: dates, JSON, BigInts.
  ...{ d: 'float', j: 'text', n: 'text' },
};

/** Array types whose elements stay text, by group. box[] is not here: its delimiter differs. */
const TEXT_ARRAYS = new Set([
  // "char" name text bpchar varchar cstring
  ...[1002, 1003, 1009, 1014, 1015, 1263],
  // xml uuid numeric money bit varbit
  ...[143, 2951, 1231, 791, 1561, 1563],
  // date time timetz interval
  ...[1182, 1183, 1270, 1187],
  // inet cidr macaddr macaddr8
  ...[1041, 651, 1040, 775],
  // point lseg path polygon circle line
  ...[1017, 1018, 1019, 1027, 719, 629],
  // ranges and multiranges of int4 num ts tstz date int8
  ...[3905, 3907, 3909, 3911, 3913, 3927, 6150, 6151, 6152, 6153, 6155, 6157],
  // tsvector tsquery jsonpath pg_lsn tid xid8 txid_snapshot pg_snapshot
  ...[3643, 3645, 4073, 3221, 1010, 271, 2949, 5039],
  // xid cid aclitem refcursor int2vector oidvector
  ...[1011, 1012, 1034, 2201, 1006, 1013],
  // regproc regprocedure regoper regoperator regclass regtype and the other reg types
  ...[1008, 2207, 2208, 2209, 2210, 2211, 3735, 3770, 4090, 4097, 4192],
]);

/** Array types whose elements become something else; each gives `(text, column) => value`. */
const ELEMENTS = new Map([
  [1000, () => (text) => text === 't'],
  [1001, () => parseBytes],
  [1005, () => Number],
  [1007, () => Number],
  [1016, int8Element],
  [1021, () => Number],
  [1022, () => Number],
  [1028, () => Number],
  [199, () => JSON.parse],
  [3807, () => JSON.parse],
  [1115, (column) => timestampElement(column, fromWallClock)],
  [1185, (column) => timestampElement(column, fromEpoch)],
]);

/**
 * How the row decoder makes a column: which stream to `read` and what to `convert` the cell with
 * (null: nothing to do). NULL never reaches `convert`. `convert` throws PoolError on a value that
 * has no JavaScript form.
 *
 * Arrays that the engine has taken apart are read as `ints` or `texts`; for the odd one that came
 * as text all the same `convert` parses that.
 */
function converterFor(column, options) {
  const read = READS[column.wire];
  return { read, convert: conversion(column, read, options?.types?.int8 ?? 'number') };
}

function conversion(column, read, int8) {
  const { dataTypeId, wire } = column;
  if (wire === 'd') return toDate;
  if (wire === 'j') return JSON.parse;
  if (wire === 'n') return BigInt;
  if (read === 'float') {
    if (dataTypeId === TIMESTAMPTZ) return (ms) => fromEpoch(ms, column);
    if (dataTypeId === TIMESTAMP) return (ms) => fromWallClock(ms, column);
    return null;
  }
  if (read === 'ints') return (text) => parseArray(text, column, Number);
  if (read === 'texts') return (text) => parseArray(text, column);
  if (read !== 'text') return null;
  if (dataTypeId === JSON_TYPE || dataTypeId === JSONB) return JSON.parse;
  if (dataTypeId === INT8) return int8 === 'bigint' ? BigInt : null;
  if (TEXT_ARRAYS.has(dataTypeId)) return (text) => parseArray(text, column);
  const element = ELEMENTS.get(dataTypeId)?.(column, int8);
  return element === undefined ? null : (text) => parseArray(text, column, element);
}

function parseArray(text, column, element) {
  try {
    return parseArrayText(text, element);
  } catch (cause) {
    if (cause instanceof PoolError) throw cause;
    throw undecodable(column, `holds a malformed array of type ${column.dataTypeId}`, { cause });
  }
}

function int8Element(column, int8) {
  if (int8 === 'bigint') return BigInt;
  if (int8 === 'string') return String;
  return (text) => {
    const value = Number(text);
    if (Number.isSafeInteger(value)) return value;
    throw new PoolError(
      'ERR_POLYPOOL_UNSAFE_INTEGER',
      `column "${column.name}" holds an int8 beyond the safe integers of JavaScript; ` +
        `set types: { int8: 'bigint' | 'string' }`,
    );
  };
}

function timestampElement(column, make) {
  return (text) => {
    const ms = parseTimestamp(text);
    if (!Number.isNaN(ms)) return make(ms, column);
    throw undecodable(column, 'holds a timestamp that is not in ISO style; keep DateStyle at ISO');
  };
}

/** Infinity stays a number: no Date can hold it. */
function fromEpoch(ms, column) {
  return Number.isFinite(ms) ? checked(new Date(ms), column) : ms;
}

function fromWallClock(ms, column) {
  return Number.isFinite(ms) ? checked(localDate(ms), column) : ms;
}

function toDate(ms) {
  return new Date(ms);
}

/** PostgreSQL goes on to the year 294276, JavaScript only to 275760. */
function checked(date, column) {
  if (!Number.isNaN(date.getTime())) return date;
  throw undecodable(column, 'holds a timestamp beyond the range of Date');
}

/** Hex since bytea_output is pinned; `escape` when the session changed it. */
function parseBytes(text) {
  if (text.startsWith('\\x')) return Buffer.from(text.slice(2), 'hex');
  const bytes = Buffer.alloc(text.length);
  let length = 0;
  for (let i = 0; i < text.length; length++) {
    if (text[i] !== '\\') {
      bytes[length] = text.charCodeAt(i++);
    } else if (text[i + 1] === '\\') {
      bytes[length] = 0x5c;
      i += 2;
    } else {
      bytes[length] = Number.parseInt(text.slice(i + 1, i + 4), 8);
      i += 4;
    }
  }
  return bytes.subarray(0, length);
}

/** A cell whose text is not what its type says. */
function malformed(column, cause) {
  const { dataTypeId, wire } = column;
  const isJson = wire === 'j' || dataTypeId === JSON_TYPE || dataTypeId === JSONB;
  const what = isJson ? 'JSON' : `type ${dataTypeId}`;
  return undecodable(column, `holds malformed text for ${what}`, { cause });
}

function undecodable(column, what, options) {
  return new PoolError('ERR_POLYPOOL_DECODE', `column "${column.name}" ${what}`, options);
}

module.exports = { READS, converterFor, malformed };
