'use strict';

/** A query that the engine executes: its values as the protocol takes them, its result as pg's. */

const { init } = require('pg-types/lib/textParsers');
const types = require('pg-types');
const { Parsers } = require('../../session-shape');
const { binaryParser } = require('./binary-parsers');
const Result = require('./result');
const TypeOverrides = require('./type-overrides');
const { prepareValue } = require('./values');

/** No built-in type has it. */
const UNKNOWN = 2 ** 31;
/** Its parser leaves the text as it is. */
const INT8 = 20;

/** Programs may replace it, and classes of theirs. */
const { getTypeParser } = TypeOverrides.prototype;

const keep = types.getTypeParser(UNKNOWN, 'text');
const parsers = new Parsers(init, keep, [INT8], binaryParser);

/** The first word of a command tag, and the object id that INSERT once had. */
const tags = new Map();

function tagOf(command) {
  let tag = tags.get(command);
  if (tag === undefined) {
    const [, word = null, oid] = /^([A-Za-z]+)(?: (\d+))?/.exec(command) ?? [];
    tag = { word, oid: word === 'INSERT' ? Number(oid ?? 0) : null };
    tags.set(command, tag);
  }
  return tag;
}

class Run {
  #queries;
  #binary = false;

  /** `queries` hears `finished(run)` or `failed(run, error, isThrown)`, else in the engine's JSON. */
  constructor(queries, query) {
    this.#queries = queries;
    this.query = query;
    this.number = -1;
    /** Its name is among those that were submitted. */
    this.isNamed = false;
  }

  /** Throws what the values are refused with. */
  start(session, text) {
    const { query } = this;
    const values = query.values ? preparedValues(query.values) : undefined;
    const simple = !query.requiresPreparation();
    this.#binary = Boolean(query.binary) && !simple;
    const { _types: parsing } = query._result;
    const name = query.name || undefined;
    const seen = session.resultsOf(text, name);
    this.number = session.query(this, text, values, {
      types: parsing,
      decoded: areNative(parsing, seen),
      seen,
      binary: this.#binary,
      rowMode: query._rowMode,
      simple,
      name,
    });
  }

  done(answer) {
    const { query } = this;
    if (Array.isArray(answer)) {
      query._results = answer.map((one) =>
        fill(new Result(query._rowMode, query._result._types), one, 'text'),
      );
      // A statement without a command, such as an empty one, has no result of its own.
      if (query._results.length === 1) [query._results] = query._results;
    } else {
      fill(query._result, answer, this.#binary ? 'binary' : 'text');
    }
    this.#queries.finished(this);
  }

  failed(error, isThrown) {
    this.#queries.failed(this, error, isThrown || error instanceof Error);
  }
}

/** Whether the engine may read the cells: other parsers than the package's own are asked for text. */
function areNative(given, seen) {
  if (given === types) return parsers.areNative(types, seen);
  if (!(given instanceof TypeOverrides) || given._types !== types) return false;
  if (given.getTypeParser !== getTypeParser) return false;
  // Mostly nothing is overridden; then the package can be asked directly.
  for (const _oid in given.text) return parsers.areNative(given);
  return parsers.areNative(types, seen);
}

/** Small numbers go as they are: their text is what `prepareValue` would give. */
function preparedValues(values) {
  const prepared = new Array(values.length);
  for (let i = 0; i < values.length; i++) {
    const value = values[i];
    if (typeof value === 'string') prepared[i] = value;
    // Minus zero loses its sign, as its text does.
    else if (typeof value === 'number' && (value | 0) === value) prepared[i] = value | 0;
    // A `toJSON` may give nothing.
    else prepared[i] = prepareValue(value) ?? null;
  }
  return prepared;
}

function fill(result, { rows, fields, rowCount, command }, format) {
  result.rows = rows;
  result.rowCount = rowCount;
  if (fields.length > 0) result.fields = fields.map((column) => new Field(column, format));
  if (command !== null) {
    const { word, oid } = tagOf(command);
    result.command = word;
    if (rowCount !== null) result.oid = oid;
  }
  return result;
}

/** What pg says of a column. */
class Field {
  constructor(column, format) {
    this.name = column.name;
    this.tableID = column.tableId;
    this.columnID = column.columnId;
    this.dataTypeID = column.dataTypeId;
    this.dataTypeSize = column.dataTypeSize;
    this.dataTypeModifier = column.dataTypeModifier;
    this.format = format;
  }
}

module.exports = { Run, parsers };
