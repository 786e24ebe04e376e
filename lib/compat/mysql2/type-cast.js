'use strict';

/** What a `typeCast` function gets of a cell, and what `next()` makes of it. */

const { decode } = require('./charsets');
const { converterOf } = require('./conversions');
const { UNSIGNED } = require('./fields');
const { parseGeometry } = require('./geometry');
const { dateText, timeText } = require('./temporal');
const { Types } = require('./types');

const { DATE, DATETIME, JSON: JSON_TYPE, NEWDATE, TIME, TIMESTAMP } = Types;
const DATES = new Set([DATE, NEWDATE, DATETIME, TIMESTAMP]);

/** Numbers of the binary protocol, by their types. */
const NUMBERS = {
  TINY: (bytes, unsigned) => (unsigned ? bytes.readUInt8(0) : bytes.readInt8(0)),
  SHORT: (bytes, unsigned) => (unsigned ? bytes.readUInt16LE(0) : bytes.readInt16LE(0)),
  LONG: (bytes, unsigned) => (unsigned ? bytes.readUInt32LE(0) : bytes.readInt32LE(0)),
  INT24: (bytes, unsigned) => (unsigned ? bytes.readUInt32LE(0) : bytes.readInt32LE(0)),
  YEAR: (bytes) => bytes.readUInt16LE(0),
  FLOAT: (bytes) => bytes.readFloatLE(0),
  DOUBLE: (bytes) => bytes.readDoubleLE(0),
  LONGLONG: (bytes, unsigned) => (unsigned ? bytes.readBigUInt64LE(0) : bytes.readBigInt64LE(0)),
};

class Field {
  #field;
  #bytes;
  #binary;

  constructor(field, bytes, binary) {
    this.#field = field;
    this.#bytes = bytes;
    this.#binary = binary;
    this.type = Types[field.columnType];
    this.extendedTypeName = field.extendedTypeName;
    this.extendedFormat = field.extendedFormat;
    this.length = field.columnLength;
    this.db = field.schema;
    this.table = field.table;
    this.name = field.name;
    // Programs take these from the field.
    this.string = this.string.bind(this);
    this.buffer = this.buffer.bind(this);
    this.geometry = this.geometry.bind(this);
  }

  string(encoding = this.#field.encoding) {
    const { columnType: type, name } = this.#field;
    if (type === JSON_TYPE && encoding === this.#field.encoding) {
      console.warn(
        `typeCast: JSON column "${name}" is interpreted as BINARY by default, recommended to ` +
          'manually set utf8 encoding: `field.string("utf8")`',
      );
    }
    if (this.#bytes === null) return null;
    return textOf(this.#field, this.#bytes, this.#binary) ?? decode(this.#bytes, encoding);
  }

  buffer() {
    return this.#bytes;
  }

  geometry() {
    return parseGeometry(this.#bytes);
  }
}

/** Of what the binary protocol has no text for; undefined for what is one. */
function textOf(field, bytes, binary) {
  if (!binary) return undefined;
  const { columnType: type, decimals, flags } = field;
  if (DATES.has(type)) return dateText(bytes, type, decimals);
  if (type === TIME) return timeText(bytes);
  const number = NUMBERS[Types[type]];
  return number === undefined ? undefined : String(number(bytes, flags & UNSIGNED));
}

/** The value that a query without the function would have. */
function plain(field, bytes, reading) {
  if (bytes === null) return null;
  const { columnType: type, encoding, flags } = field;
  const name = Types[type];
  const convert = converterOf(field, reading);
  if (DATES.has(type)) return plainDate(field, bytes, reading);
  if (NUMBERS[name] !== undefined) {
    const text = reading.binary ? NUMBERS[name](bytes, flags & UNSIGNED) : bytes.toString('latin1');
    if (name !== 'LONGLONG') return Number(text);
    if (!reading.supportBigNumbers) return Number(text);
    return convert === null ? String(text) : convert(String(text));
  }
  if (['GEOMETRY', 'VECTOR'].includes(name) || (type === TIME && reading.binary)) {
    return convert(bytes);
  }
  if (name === 'JSON' || field.extendedFormat === 'json') {
    const text = decode(bytes, name === 'JSON' ? 'utf8' : encoding);
    return convert === null ? text : convert(text);
  }
  if (['DECIMAL', 'NEWDECIMAL', 'TIME'].includes(name)) {
    const text = bytes.toString('latin1');
    return convert === null ? text : convert(text);
  }
  return encoding === 'binary' ? bytes : decode(bytes, encoding);
}

/** The engine has left it as it was sent, which is what a zone with an offset has, too. */
function plainDate(field, bytes, reading) {
  const sent = { ...reading, dateStrings: reading.dateStrings || ['NOTHING'] };
  const convert = converterOf(field, sent);
  const cell = reading.binary ? bytes : bytes.toString('latin1');
  return convert === null ? cell : convert(cell);
}

function castCell(field, bytes, reading) {
  const given = new Field(field, bytes, reading.binary);
  return reading.typeCast(given, () => plain(field, bytes, reading));
}

module.exports = { castCell };
