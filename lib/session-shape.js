'use strict';

/** Rows as the parsers of the `pg-types` package make them, decoded natively where that is equal. */

const { localDate } = require('./dates');
const { READS } = require('./values');
const { Shape } = require('./rows');
const { Tick } = require('./tick');

const JSON_TYPE = 114;
const JSONB = 3802;
const TIMESTAMP = 1114;
const TIMESTAMPTZ = 1184;

/** What a parser of a type is where it is one of the package's own, by the type's object id. */
class Parsers {
  #own = new Map();
  /** Of the types that the engine decodes, in their order: what does the same. */
  #native;
  /** One of these was found replaced. */
  #isReplaced = false;
  #tick = new Tick();
  #keep;

  /**
   * `init(register)` names the package's parsers; `keep` is the one of types it has none for;
   * `textual` lists types whose own parser leaves the text as it is. `binaryParser(types, oid)`
   * finds those of the binary form.
   */
  constructor(init, keep, textual, binaryParser) {
    this.binaryParser = binaryParser;
    init((oid, parser) => this.#own.set(oid, parser));
    this.#keep = new Set([keep, ...textual.map((oid) => this.#own.get(oid))]);
    this.#native = NATIVE.map((oid) => this.#own.get(oid));
  }

  /**
   * Whether cells may come decoded: nobody has replaced a parser of a type that would be. `seen` are
   * the results that the statement has had, or null. As long as no parser was found replaced, all
   * are asked for once in a tick, then those of their types alone: all cost a tenth of a short query.
   * What has never had columns asks for none.
   */
  areNative(types, seen = null) {
    const isKnown = seen !== null && !this.#isReplaced;
    if (isKnown && !seen.hadColumns) return true;
    const isAll = this.#tick.isNew() || !isKnown;
    const isNative = isAll ? this.#areAll(types) : seen.areNative(types);
    if (!isNative) this.#isReplaced = true;
    return isNative;
  }

  #areAll(types) {
    for (let at = 0; at < NATIVE.length; at++) {
      if (types.getTypeParser(NATIVE[at], 'text') !== this.#native[at]) return false;
    }
    return true;
  }

  ownOf(oid) {
    return this.#own.get(oid);
  }

  isOwn(oid, parser) {
    return this.#own.get(oid) === parser;
  }

  keepsText(parser) {
    return this.#keep.has(parser);
  }
}

/** bool, bytea, int2, int4, oid, float4, float8, timestamp, timestamptz, arrays of some. */
const NATIVE = [16, 17, 21, 23, 26, 700, 701, TIMESTAMP, TIMESTAMPTZ, 1005, 1007, 1009, 1015, 2951];

/** What the results of a statement have been: types that the engine decodes, in any of them. */
class SeenResults {
  #parsers;
  #oids = [];
  #own = [];
  /** Of the entry of the last one. */
  serial = 0;

  constructor(parsers) {
    this.#parsers = parsers;
  }

  /** `entry`: null where it had no columns. */
  note(entry) {
    if (entry === null) return;
    this.serial = entry.serial;
    for (const { dataTypeId: oid } of entry.columns) {
      if (!NATIVE.includes(oid) || this.#oids.includes(oid)) continue;
      this.#oids.push(oid);
      this.#own.push(this.#parsers.ownOf(oid));
    }
  }

  get hadColumns() {
    return this.serial > 0;
  }

  areNative(types) {
    for (let at = 0; at < this.#oids.length; at++) {
      if (types.getTypeParser(this.#oids[at], 'text') !== this.#own[at]) return false;
    }
    return true;
  }
}

/** The shape of a result for these types; the one of last time if the parsers are the same. */
function typedShape(entry, types, parsers, isBinary) {
  const { columns, typed } = entry;
  if (typed !== null && typed.isFor(types, parsers, isBinary)) return typed;
  const wanted = columns.map(({ dataTypeId }) => parserFor(types, dataTypeId, parsers, isBinary));
  const readers = isBinary
    ? wanted.map((convert) => ({ read: 'bytes', convert }))
    : columns.map((column, at) => readerFor(column, wanted[at], parsers));
  return (entry.typed = new TypedShape(columns, readers, wanted));
}

function parserFor(types, oid, parsers, isBinary) {
  return isBinary ? parsers.binaryParser(types, oid) : types.getTypeParser(oid, 'text');
}

class TypedShape extends Shape {
  constructor(columns, readers, wanted) {
    super(columns, readers);
    this.wanted = wanted;
  }

  isFor(types, parsers, isBinary) {
    const { columns, wanted } = this;
    for (let at = 0; at < columns.length; at++) {
      const parser = parserFor(types, columns[at].dataTypeId, parsers, isBinary);
      if (parser !== wanted[at]) return false;
    }
    return true;
  }

  /** What a parser throws is the caller's own error. */
  explain(error) {
    return error;
  }
}

function readerFor({ wire, dataTypeId }, parser, parsers) {
  const read = READS[wire];
  // Replaced while the result was on its way: its text is made anew.
  const late = read !== 'text' && !parsers.isOwn(dataTypeId, parser);
  switch (late && LATE[read] !== undefined ? 'late' : read) {
    case 'late':
      return { read, convert: (cell) => parser(LATE[read](cell, dataTypeId)) };
    case 'text':
      return { read, convert: textConverter(dataTypeId, parser, parsers) };
    case 'ints':
    case 'texts':
      // For what is more than a plain list.
      return { read, convert: parser };
    case 'float':
      if (dataTypeId === TIMESTAMPTZ) return { read, convert: instant };
      if (dataTypeId === TIMESTAMP) return { read, convert: wallClock };
      return { read, convert: null };
    default:
      return { read, convert: null };
  }
}

/** The package's parser of JSON is JSON.parse, of which the decoder knows that it takes lists. */
function textConverter(oid, parser, parsers) {
  if (parsers.keepsText(parser)) return null;
  const isJson = (oid === JSON_TYPE || oid === JSONB) && parsers.isOwn(oid, parser);
  return isJson ? JSON.parse : parser;
}

/** The text of a cell that came decoded, as the server would have it. */
const LATE = {
  int: String,
  bool: (cell) => (cell ? 't' : 'f'),
  bytes: (cell) => `\\x${cell.toString('hex')}`,
  float: (cell, oid) =>
    oid === TIMESTAMP || oid === TIMESTAMPTZ ? momentText(cell, oid) : `${cell}`,
};

function momentText(ms, oid) {
  if (!Number.isFinite(ms)) return ms > 0 ? 'infinity' : '-infinity';
  const text = new Date(ms).toISOString().replace('T', ' ');
  return text.replace('Z', oid === TIMESTAMPTZ ? '+00' : '');
}

/** NaN stands for a text that is no timestamp. */
function instant(ms) {
  if (Number.isFinite(ms)) return new Date(ms);
  return Number.isNaN(ms) ? null : ms;
}

function wallClock(ms) {
  if (Number.isFinite(ms)) return localDate(ms);
  return Number.isNaN(ms) ? null : ms;
}

module.exports = { Parsers, SeenResults, typedShape };
