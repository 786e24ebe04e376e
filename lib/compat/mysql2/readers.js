'use strict';

/** From the cells of a result to rows as mysql2's options want them. */

const { Shape } = require('../../rows');
const { READS } = require('../../values');
const { decode, isUtf8 } = require('./charsets');
const { castCell } = require('./type-cast');
const { converterOf } = require('./conversions');
const { ColumnDefinition } = require('./fields');
const { checkZone } = require('./local-dates');
const { Types } = require('./types');

/** Bits of how the engine reads cells: `Reading` in `src/engine/mysql/types.rs`. */
const READING = { RAW: 1, DIGITS: 2, DATES: 4 };

/** Names that rows cannot have: they mean something to every object. */
const FORBIDDEN = new Set([
  ...['__defineGetter__', '__defineSetter__', '__lookupGetter__', '__lookupSetter__'],
  '__proto__',
]);

const FIELDS = [
  ...['supportBigNumbers', 'bigNumberStrings', 'timezone', 'dateStrings', 'decimalNumbers'],
  ...['jsonStrings', 'typeCast', 'rowsAsArray', 'nestTables', 'binary'],
];

/** What was last made of options. */
const recent = [];
const RECENT_MAX = 16;

/** What is to become of a result: the options of its query, else of its connection. */
class Reading {
  #key = null;

  constructor(config, own, binary) {
    this.supportBigNumbers = Boolean(own.supportBigNumbers || config.supportBigNumbers);
    this.bigNumberStrings = Boolean(own.bigNumberStrings || config.bigNumberStrings);
    this.timezone = own.timezone || config.timezone;
    this.dateStrings = own.dateStrings || config.dateStrings;
    // Of these, mysql2 hears the connection's alone.
    this.decimalNumbers = Boolean(config.decimalNumbers);
    this.jsonStrings = Boolean(config.jsonStrings);
    this.typeCast = castOf(config, own);
    this.rowsAsArray = isArrayed(config, own);
    this.nestTables = own.nestTables === undefined ? config.nestTables : own.nestTables;
    this.binary = binary;
    /** What the engine has to know of it. */
    this.bits = bitsOf(this);
  }

  /** The one before if it is the same, or that of another connection: its shapes are at hand. */
  static of(config, own, binary, before) {
    if (before !== undefined && before.isOf(config, own, binary)) return before;
    let reading = recent.find((one) => one.isOf(config, own, binary));
    if (reading === undefined) {
      reading = new Reading(config, own, binary);
      if (recent.push(reading) > RECENT_MAX) recent.shift();
    }
    return reading;
  }

  /** Whether it is what would be made of these. */
  isOf(config, own, binary) {
    return (
      this.binary === binary &&
      this.supportBigNumbers === Boolean(own.supportBigNumbers || config.supportBigNumbers) &&
      this.bigNumberStrings === Boolean(own.bigNumberStrings || config.bigNumberStrings) &&
      this.timezone === (own.timezone || config.timezone) &&
      this.dateStrings === (own.dateStrings || config.dateStrings) &&
      this.decimalNumbers === Boolean(config.decimalNumbers) &&
      this.jsonStrings === Boolean(config.jsonStrings) &&
      this.typeCast === castOf(config, own) &&
      this.rowsAsArray === isArrayed(config, own) &&
      this.nestTables === (own.nestTables === undefined ? config.nestTables : own.nestTables)
    );
  }

  get key() {
    return (this.#key ??= JSON.stringify([
      ...FIELDS.filter((field) => field !== 'typeCast').map((field) => this[field]),
      typeof this.typeCast === 'function' ? 'cast' : this.typeCast !== false,
    ]));
  }
}

function castOf({ typeCast: general }, { typeCast: own }) {
  if (own === undefined) return general;
  return typeof general === 'function' && typeof own !== 'function' ? general : own;
}

function isArrayed(config, own) {
  return Boolean(own.rowsAsArray === undefined ? config.rowsAsArray : own.rowsAsArray);
}

function bitsOf({ typeCast, dateStrings, timezone, supportBigNumbers }) {
  if (typeof typeCast === 'function' || typeCast === false) return READING.RAW;
  const dates = dateStrings || !['local', 'Z'].includes(timezone);
  return (supportBigNumbers ? READING.DIGITS : 0) | (dates ? READING.DATES : 0);
}

/** The shape of a result for this reading; the one of last time if that was the same. */
function shapeOf(entry, reading, encoding) {
  const known = (entry.typed ??= new Known());
  if (known.reading === reading && known.encoding === encoding) return known.shape;
  return known.find(entry, reading, encoding);
}

/** Shapes of one result, and which of them was asked for last. */
class Known {
  reading = null;
  encoding = null;
  shape = null;
  #shapes = new Map();

  find(entry, reading, encoding) {
    const key = `${encoding}${reading.key}`;
    let shape = this.#shapes.get(key);
    if (shape === undefined) {
      shape = new RowShape(entry.columns, reading, encoding);
      // A function may differ from one query to the next.
      if (typeof reading.typeCast !== 'function') this.#shapes.set(key, shape);
    }
    this.reading = reading;
    this.encoding = encoding;
    this.shape = shape;
    return shape;
  }
}

class RowShape extends Shape {
  constructor(columns, reading, encoding) {
    const fields = columns.map(
      ({ definition, extended }) => new ColumnDefinition(definition, extended, encoding),
    );
    const names = namesOf(fields, reading);
    const readers = columns.map(({ wire }, at) => ({
      read: READS[wire],
      convert: conversionOf(fields[at], wire, reading),
    }));
    super(
      names.map((name) => ({ name, wire: '' })),
      readers,
    );
    this.fields = fields;
    this.rowMode = reading.rowsAsArray ? 'array' : 'object';
    this.nests = reading.nestTables === true;
    this.hasDates = fields.some(({ columnType }) => DATES.has(columnType));
    this.casts = typeof reading.typeCast === 'function' ? reading : null;
  }

  read(reader, count, out) {
    if (this.hasDates) checkZone();
    if (this.casts !== null) return this.#cast(reader, count, out);
    if (!this.nests) return super.read(reader, count, out, this.rowMode);
    const rows = out ?? [];
    for (const row of super.read(reader, count, [], 'array')) rows.push(this.#nest(row));
    return rows;
  }

  /** A function is called with every cell, those that are NULL too, in their order. */
  #cast(reader, count, out) {
    const rows = out ?? [];
    for (const row of super.read(reader, count, [], 'array')) {
      const values = row.map((cell, at) => castCell(this.fields[at], cell, this.casts));
      if (this.nests) rows.push(this.#nest(values));
      else if (this.rowMode === 'array') rows.push(values);
      else rows.push(this.#object(values));
    }
    return rows;
  }

  #object(values) {
    const row = {};
    this.columns.forEach(({ name }, at) => (row[name] = values[at]));
    return row;
  }

  #nest(values) {
    const row = {};
    this.fields.forEach(({ table, name }, at) => {
      (row[table] ??= {})[name] = values[at];
    });
    return row;
  }

  /** What a cast or a conversion throws is the caller's to see. */
  explain(error) {
    return error;
  }
}

function namesOf(fields, { nestTables }) {
  const names = fields.map((field) =>
    typeof nestTables === 'string' ? `${field.table}${nestTables}${field.name}` : field.name,
  );
  const forbidden = names.find((name) => FORBIDDEN.has(name));
  if (forbidden !== undefined) {
    throw new Error(
      `The field name (${forbidden}) can't be the same as an object's private property.`,
    );
  }
  return names;
}

function conversionOf(field, wire, reading) {
  if (typeof reading.typeCast === 'function' || reading.typeCast === false) return null;
  const { columnType, encoding } = field;
  // Text in another character set comes as it is.
  if (wire === 'x' && encoding !== 'binary' && !isUtf8(encoding) && isText(columnType)) {
    const text = (bytes) => decode(bytes, encoding);
    if (field.extendedFormat !== 'json') return text;
    const convert = converterOf(field, reading);
    return convert === null ? text : (bytes) => convert(text(bytes));
  }
  return converterOf(field, reading);
}

const NO_TEXTS = new Set(
  ['GEOMETRY', 'VECTOR', 'TIME', 'DATE', 'NEWDATE', 'DATETIME', 'TIMESTAMP'].map((it) => Types[it]),
);

const DATES = new Set(['DATE', 'NEWDATE', 'DATETIME', 'TIMESTAMP'].map((it) => Types[it]));

const isText = (type) => !NO_TEXTS.has(type);

module.exports = { Reading, shapeOf };
