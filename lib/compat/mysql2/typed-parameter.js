'use strict';

/** Parameters whose type the program names. */

const { inspect } = require('node:util');
const { encode } = require('./charsets');
const { sized } = require('./packet');
const { Types } = require('./types');

const INTEGER_BYTES = { TINY: 1, SHORT: 2, YEAR: 2, INT24: 4, LONG: 4, LONGLONG: 8 };
const DATES = ['DATE', 'DATETIME', 'TIMESTAMP'];
const TEXTS = [
  ...['DECIMAL', 'NEWDECIMAL', 'VARCHAR', 'VAR_STRING', 'STRING', 'ENUM', 'SET', 'JSON', 'VECTOR'],
  ...['TINY_BLOB', 'MEDIUM_BLOB', 'LONG_BLOB', 'BLOB'],
];
/** What servers do not take, and what they take for the same value. */
const SENT_AS = { INT24: 'LONG', YEAR: 'SHORT', ENUM: 'STRING', SET: 'STRING', VECTOR: 'BLOB' };

const ALIASES = {
  ...{ MEDIUMTEXT: 'MEDIUM_BLOB', LONGTEXT: 'LONG_BLOB', TINYINT: 'TINY', SMALLINT: 'SHORT' },
  ...{ MEDIUMINT: 'INT24', INT: 'LONG', INTEGER: 'LONG', BIGINT: 'LONGLONG', REAL: 'DOUBLE' },
  ...{ CHAR: 'STRING', VARBINARY: 'VAR_STRING', BINARY: 'STRING', TEXT: 'BLOB' },
};

const TIME = /^(-)?(\d+):([0-5]?\d):([0-5]?\d)(?:\.(\d{1,6}))?$/;

class TypedParameter {
  constructor(type, value, unsigned) {
    this.type = type;
    this.value = value;
    this.unsigned = unsigned;
  }

  [inspect.custom]() {
    return `${Types[this.type]}${this.unsigned ? ' UNSIGNED' : ''}(${String(this.value)})`;
  }
}

// ---- Integers ----

function toInteger(value, name) {
  if (typeof value === 'bigint') return value;
  if (typeof value === 'boolean') return value ? 1n : 0n;
  const refused = (shown, cause) =>
    new TypeError(`${name} parameter must be an integer, got ${shown}`, { cause });
  if (typeof value === 'number') {
    if (!Number.isInteger(value)) throw refused(value);
    if (Number.isSafeInteger(value)) return BigInt(value);
    throw new RangeError(
      `${name} parameter ${value} exceeds Number.MAX_SAFE_INTEGER and has already lost ` +
        'precision; pass a string or BigInt instead',
    );
  }
  if (typeof value !== 'string') throw refused(typeof value);
  try {
    return BigInt(value.trim());
  } catch (cause) {
    throw refused(JSON.stringify(value), cause);
  }
}

function rangeOf(name, unsigned) {
  const bits = BigInt(8 * INTEGER_BYTES[name]);
  const half = 1n << (bits - 1n);
  return unsigned ? [0n, 2n * half - 1n] : [-half, half - 1n];
}

function checked(value, name, unsigned) {
  const integer = toInteger(value, name);
  const [least, most] = rangeOf(name, unsigned);
  if (integer >= least && integer <= most) return integer;
  throw new RangeError(
    `${name}${unsigned ? ' UNSIGNED' : ''} parameter out of range: ${integer} is not within ` +
      `${least}..${most}`,
  );
}

/** Null where it does not fit. */
function integerOf(type, value, unsigned) {
  const [least, most] = rangeOf(Types[type], unsigned);
  return value < least || value > most ? null : new TypedParameter(type, value, unsigned);
}

function integer(name, value, unsigned) {
  const size = INTEGER_BYTES[name];
  const whole = BigInt.asUintN(8 * size, checked(value, name, unsigned));
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(whole);
  return bytes.subarray(0, size);
}

// ---- Dates and times ----

function date(name, value, zone) {
  const given = value instanceof Date ? value : new Date(value);
  const time = given.getTime();
  if (Number.isNaN(time)) {
    throw new TypeError(`${name} parameter must be a valid Date, got ${String(value)}`);
  }
  return zone === 'local' || !zone ? writeDate(given, '') : writeDate(shifted(time, zone), 'UTC');
}

/** A Date whose UTC parts are those of the zone. */
function shifted(time, zone) {
  if (zone === 'Z') return new Date(time);
  const minutes = 60 * Number(zone.slice(1, 3)) + Number(zone.slice(4));
  return new Date(time + (zone.startsWith('-') ? -1 : 1) * minutes * 60_000);
}

function writeDate(given, form) {
  const part = (name) => given[`get${form}${name}`]();
  const bytes = Buffer.alloc(12);
  bytes[0] = 11;
  bytes.writeUInt16LE(part('FullYear'), 1);
  const rest = [part('Month') + 1, part('Date'), part('Hours'), part('Minutes'), part('Seconds')];
  bytes.set(rest, 3);
  bytes.writeUInt32LE(part('Milliseconds') * 1000, 8);
  return bytes;
}

function time(value) {
  const { negative, hours, minutes, seconds, micros } =
    typeof value === 'number' ? timeOfNumber(value) : timeOfText(String(value));
  const bytes = Buffer.alloc(13);
  bytes[0] = 12;
  bytes[1] = negative ? 1 : 0;
  bytes.writeUInt32LE(Math.floor(hours / 24), 2);
  bytes.set([hours % 24, minutes, seconds], 6);
  bytes.writeUInt32LE(micros, 9);
  return bytes;
}

function timeOfNumber(ms) {
  const rest = Math.abs(ms);
  const seconds = Math.floor(rest / 1000);
  return {
    negative: ms < 0,
    hours: Math.floor(seconds / 3600),
    minutes: Math.floor(seconds / 60) % 60,
    seconds: seconds % 60,
    micros: Math.round((rest % 1000) * 1000),
  };
}

function timeOfText(text) {
  const match = TIME.exec(text);
  if (match === null) {
    throw new TypeError(
      `TIME parameter must be 'HH:MM:SS[.ffffff]' or milliseconds, got ${JSON.stringify(text)}`,
    );
  }
  const [hours, minutes, seconds] = match.slice(2, 5).map(Number);
  const micros = match[5] === undefined ? 0 : Number(match[5].padEnd(6, '0'));
  return { negative: match[1] !== undefined, hours, minutes, seconds, micros };
}

// ---- All of them ----

function floating(name, value) {
  const bytes = Buffer.alloc(name === 'FLOAT' ? 4 : 8);
  if (name === 'FLOAT') bytes.writeFloatLE(Number(value));
  else bytes.writeDoubleLE(Number(value));
  return bytes;
}

function text(name, value, encoding) {
  if (Buffer.isBuffer(value)) return sized(value);
  const json = name === 'JSON' && typeof value !== 'string';
  return sized(encode(json ? JSON.stringify(value) : String(value), encoding));
}

function bytesOf(name, { value, unsigned }, { encoding, timezone }) {
  if (INTEGER_BYTES[name] !== undefined) return integer(name, value, unsigned);
  if (name === 'FLOAT' || name === 'DOUBLE') return floating(name, value);
  if (DATES.includes(name)) return date(name, value, timezone);
  if (name === 'TIME') return time(value);
  if (TEXTS.includes(name)) return text(name, value, encoding);
  throw new TypeError(`No parameter encoder for MySQL type ${name}`);
}

/** As it is sent; without bytes it is NULL. */
function typed(parameter, context) {
  const name = Types[parameter.type];
  const sent = name === 'JSON' && context.jsonAsString ? 'VAR_STRING' : (SENT_AS[name] ?? name);
  const isNull = parameter.value === null || name === 'NULL';
  const bytes = isNull ? null : bytesOf(name, parameter, context);
  return { type: Types[sent], unsigned: parameter.unsigned, bytes };
}

/** By its names, what makes parameters of a type. */
const factories = Object.create(null);

for (const name of [...Object.keys(INTEGER_BYTES), 'FLOAT', 'DOUBLE', 'TIME', ...DATES, ...TEXTS]) {
  const isInteger = INTEGER_BYTES[name] !== undefined;
  const make = (value, unsigned) => {
    const kept = isInteger && value !== null ? checked(value, name, unsigned) : value;
    return new TypedParameter(Types[name], kept, unsigned);
  };
  factories[name] = (value) => make(value, false);
  if (isInteger) factories[name].unsigned = (value) => make(value, true);
}
factories.NULL = () => new TypedParameter(Types.NULL, null, false);
for (const [alias, name] of Object.entries(ALIASES)) factories[alias] = factories[name];

module.exports = { TypedParameter, factories, integerOf, typed };
