'use strict';

/** Values as parameters of the binary protocol: of statements, and attributes of queries. */

const { encode } = require('./charsets');
const { UNSIGNED } = require('./fields');
const { lengthOf, sized } = require('./packet');
const { TypedParameter, integerOf, typed } = require('./typed-parameter');
const { Types } = require('./types');

const QUERY = 3;
const EXECUTE = 23;
/** No cursor; with attributes the count of parameters is said. */
const COUNTED = 8;

const NOTHING = Buffer.alloc(0);

/** Integers that a server expects are sent as such. */
const HINTS = new Set([Types.TINY, Types.SHORT, Types.LONG, Types.LONGLONG]);

/** `{ type, unsigned, bytes }`; without bytes it is NULL. */
function parameterOf(value, context, hint) {
  if (value instanceof TypedParameter) return typed(value, context);
  if (value === null) return { type: Types.NULL, bytes: null };
  const integer = hint === undefined ? null : hinted(value, hint);
  if (integer !== null) return typed(integer, context);
  switch (typeof value) {
    case 'undefined':
      throw new TypeError('Bind parameters must not contain undefined');
    case 'number':
      return { type: Types.DOUBLE, bytes: double(value) };
    case 'boolean':
      return { type: Types.TINY, bytes: Buffer.from([value ? 1 : 0]) };
    case 'object':
      return objectParameter(value, context);
    default:
      return { type: Types.VAR_STRING, bytes: sized(encode(value.toString(), context.encoding)) };
  }
}

function objectParameter(value, context) {
  const { encoding, jsonAsString } = context;
  if (Object.prototype.toString.call(value) === '[object Date]') {
    return typed(new TypedParameter(Types.DATETIME, value, false), context);
  }
  if (isJson(value)) {
    const type = jsonAsString ? Types.VAR_STRING : Types.JSON;
    return { type, bytes: sized(encode(JSON.stringify(value), encoding)) };
  }
  if (Buffer.isBuffer(value)) return { type: Types.BLOB, bytes: sized(value) };
  return { type: Types.VAR_STRING, bytes: sized(Buffer.from(value)) };
}

function isJson(value) {
  if (Array.isArray(value) || value.constructor === Object) return true;
  return typeof value.toJSON === 'function' && !Buffer.isBuffer(value);
}

function hinted(value, { columnType: type, flags }) {
  if (!HINTS.has(type)) return null;
  const isWhole = typeof value === 'number' && Number.isSafeInteger(value);
  if (!isWhole && typeof value !== 'bigint' && typeof value !== 'boolean') return null;
  return integerOf(type, BigInt(value), (flags & UNSIGNED) !== 0);
}

function double(value) {
  const bytes = Buffer.allocUnsafe(8);
  bytes.writeDoubleLE(value);
  return bytes;
}

/** NULL bits, the word that types follow, types with `names` where there are any, values. */
function writeParameters(parameters, names) {
  const nulls = Buffer.alloc((parameters.length + 7) >> 3);
  const [types, values] = [[], []];
  parameters.forEach(({ type, unsigned, bytes }, at) => {
    types.push(Buffer.from([type, unsigned ? 0x80 : 0]));
    if (names !== null) types.push(sized(names[at]));
    if (bytes === null) nulls[at >> 3] |= 1 << (at & 7);
    else values.push(bytes);
  });
  return [nulls, Buffer.from([1]), ...types, ...values];
}

/** The command that runs a statement with attributes, as entries. */
function attributedPacket(statement, given, attributes, context) {
  const all = [
    ...given.map((value, at) => parameterOf(value, context, statement.parameters?.[at])),
    ...attributes.map(([, value]) => parameterOf(value, { ...context, jsonAsString: false })),
  ];
  const ofAttributes = attributes.map(([name]) => encode(name, context.encoding));
  const names = [...given.map(() => NOTHING), ...ofAttributes];
  const head = Buffer.alloc(10);
  head[0] = EXECUTE;
  head.writeUInt32LE(statement.id, 1);
  head[5] = COUNTED;
  head[6] = 1;
  return Buffer.concat([head, lengthOf(all.length), ...writeParameters(all, names)]);
}

/** A query with attributes. */
function queryPacket(sql, encoding, attributes) {
  const list = Object.entries(attributes);
  const context = { encoding, timezone: 'local', jsonAsString: false };
  const parameters = list.map(([, value]) => parameterOf(value, context));
  const names = list.map(([name]) => encode(name, encoding));
  const head = [Buffer.from([QUERY]), lengthOf(list.length), Buffer.from([1])];
  return Buffer.concat([...head, ...writeParameters(parameters, names), encode(sql, encoding)]);
}

module.exports = { attributedPacket, parameterOf, queryPacket };
