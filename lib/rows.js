'use strict';

/**
 * Result shapes: from the cells of the completion ring to rows.
 *
 * One decoder is generated per shape and row mode, so that all rows of a shape share one hidden
 * class and no cell is asked for its type. Where code generation is forbidden a loop does the same.
 * The layout of the cells is that of `src/wire/chunk.rs`.
 */

const { malformed } = require('./values');
const { PoolError } = require('./errors');

/** A wider result is read by the loop: its generated function would be too large to optimise. */
const COLUMNS_MAX = 400;

/** Shapes whose generated functions are kept for the next result that looks alike. */
const FUNCTIONS_MAX = 2000;

const functions = new Map();

const { allocUnsafe } = Buffer;

/** Room for two chunks of the engine: after each drain the clock is looked at. */
const INTS = 16 * 1024;
const FLOATS = 8 * 1024;
const TEXTS = 1024;
const BYTES = 64 * 1024;

/** Sets several texts at once, for the engine. */
function put(texts, at, ...next) {
  for (let i = 0; i < next.length; i++) texts[at + i] = next[i];
}

/** The four streams of a drain, and where it stands in them and in the current segment of text. */
class Reader {
  constructor() {
    this.shrink();
    this.rewind();
  }

  /** Takes over what fits; false while the engine had nothing. */
  drain(native) {
    for (;;) {
      this.drop();
      const count = native.drain(this.ints, this.floats, this.texts, this.bytes, put);
      if (count >= 0) {
        this.rewind();
        return count;
      }
      this.grow(native);
    }
  }

  /** Makes room for one chunk that is larger than usual. */
  grow(native) {
    const [ints, floats, texts, bytes] = [0, 1, 2, 3].map((stream) => native.needed(stream));
    if (ints > this.ints.length) this.ints = new Int32Array(ints);
    if (floats > this.floats.length) this.floats = new Float64Array(floats);
    if (texts > this.texts.length) this.texts = new Array(texts).fill('');
    if (bytes > this.bytes.length) this.bytes = Buffer.allocUnsafeSlow(bytes);
    this.grown = true;
  }

  /** Gives back what a large chunk took. */
  shrink() {
    this.ints = new Int32Array(INTS);
    this.floats = new Float64Array(FLOATS);
    // The engine sets what is there.
    this.texts = new Array(TEXTS).fill('');
    this.bytes = Buffer.alloc(BYTES);
    this.grown = false;
  }

  /** Lets go of the texts that were read; `fill` leaves JavaScript for that, which takes longer. */
  drop() {
    const { texts, t } = this;
    for (let at = 0; at < t; at++) texts[at] = '';
    this.t = 0;
  }

  rewind() {
    this.i = 0;
    this.f = 0;
    this.t = 0;
    this.b = 0;
    this.segment = '';
    this.at = 0;
  }

  /** A byte payload behind its length word. */
  payload() {
    const length = this.ints[this.i++];
    if (length === 0) return '';
    const start = this.b;
    this.b += length;
    return this.bytes.utf8Slice(start, this.b);
  }

  /** The same as bytes that outlive the drain. */
  blob() {
    const length = this.ints[this.i++];
    const start = this.b;
    this.b += length;
    return Buffer.from(this.bytes.subarray(start, this.b));
  }
}

class Shape {
  /** `readers` say how each column is read, and what is made of its cells. */
  constructor(columns, readers) {
    this.columns = columns;
    this.fields = columns.map(({ wire, ...field }) => field);
    this.readers = readers;
    this.asObjects = null;
    this.asArrays = null;
  }

  /**
   * Appends `count` rows to `out`, or makes a list of them where that is null: one row is a list of
   * its own size. On a throw the reader is behind the rows all the same.
   */
  read(reader, count, out, rowMode) {
    const { i, f, t, b, segment, at } = reader;
    try {
      if (rowMode === 'array') return (this.asArrays ??= this.#decoder(true))(reader, count, out);
      return (this.asObjects ??= this.#decoder(false))(reader, count, out);
    } catch (error) {
      const start = { i, f, t, b, segment, at };
      const failure = this.explain(error, Object.assign(reader, start), count);
      Object.assign(reader, start);
      this.skip(reader, count);
      throw failure;
    }
  }

  /** What a reading threw that begins where `reader` stands. */
  explain(error, reader, count) {
    return error instanceof PoolError ? error : (this.#locate(reader, count) ?? error);
  }

  /** What JSON.parse, BigInt or a text throw names no column: reads again to find out which it was. */
  #locate(reader, count) {
    const naming = this.readers.map(({ read, convert }, at) => ({
      read,
      convert: this.#naming(convert, this.columns[at]),
    }));
    try {
      for (let row = 0; row < count; row++) readRow(reader, naming);
    } catch (error) {
      return error;
    }
    return undefined;
  }

  #naming(convert, column) {
    return (cell) => {
      if (cell === null) throw tooLong(column);
      try {
        return convert === null ? cell : convert(cell);
      } catch (cause) {
        throw cause instanceof PoolError ? cause : malformed(column, cause);
      }
    };
  }

  skip(reader, count) {
    const ignore = this.readers.map(({ read }) => ({ read, convert: null }));
    for (let row = 0; row < count; row++) readRow(reader, ignore);
  }

  #decoder(asArray) {
    const { columns, readers } = this;
    if (canGenerate && columns.length <= COLUMNS_MAX) {
      const converts = readers.map(({ convert }) => convert);
      return generated(columns, readers, asArray)(converts, allocUnsafe, parseAll);
    }
    return asArray ? arrayLoop(readers) : objectLoop(columns, readers);
  }
}

const canGenerate = (() => {
  try {
    return new Function('return true')();
  } catch {
    return false;
  }
})();

function tooLong({ name }) {
  const message = `column "${name}" holds a text that is too long for a string of JavaScript`;
  return new PoolError('ERR_POLYPOOL_DECODE', message);
}

/** The factory of a decoder; shared by all shapes with the same names and ways of reading. */
function generated(columns, readers, asArray) {
  const source = decoderSource(columns, readers, asArray);
  let factory = functions.get(source);
  if (factory === undefined) {
    factory = new Function('converts', 'allocUnsafe', 'parseAll', source);
    if (functions.size >= FUNCTIONS_MAX) functions.clear();
    functions.set(source, factory);
  }
  return factory;
}

/**
 * The JSON texts of one column, parsed in one go: a call of its own for each small document costs
 * a third more (400 ns against 560 for one of 70 bytes).
 */
function parseAll(texts) {
  if (texts.length === 1) return [JSON.parse(texts[0])];
  const parsed = JSON.parse(`[${texts.join(',')}]`);
  // Texts that are no documents by themselves may be one together.
  return parsed.length === texts.length ? parsed : texts.map((text) => JSON.parse(text));
}

/** Whether a column's texts are collected first and parsed behind the rows. */
function isCollected({ read, convert }) {
  return read === 'text' && convert === JSON.parse;
}

/** Fills the values of a collected column into its rows; a later column of its name hides it. */
function fillSource(columns, at, asArray) {
  const { name } = columns[at];
  if (!asArray && columns.some((other, index) => index > at && other.name === name)) return '';
  const place = asArray ? at : JSON.stringify(name);
  return `if (j${at}.length > 0) {
const parsed = parseAll(j${at});
for (let k = 0; k < parsed.length; k++) out[base + k${at}[k]][${place}] = parsed[k];
}`;
}

function decoderSource(columns, readers, asArray) {
  const words = Math.ceil(columns.length / 32);
  const lines = [];
  for (let word = 0; word < words; word++) lines.push(`const n${word} = ints[i++];`);
  readers.forEach((reader, at) => lines.push(cellSource(reader, at)));
  const [maker, row] = asArray ? arraySource(columns) : objectSource(columns);
  const converts = readers.map(({ convert }, at) =>
    convert === null ? '' : `const c${at} = converts[${at}];`,
  );
  const collected = readers.flatMap((reader, at) => (isCollected(reader) ? [at] : []));
  const lists = collected.map((at) => `const j${at} = [], k${at} = [];`);
  const fills = collected.map((at) => fillSource(columns, at, asArray));
  return `${maker}
${converts.join('\n')}
return function decode(reader, count, out) {
const { ints, floats, texts, bytes } = reader;
let { i, f, t, b, segment, at } = reader;
const base = out === null ? 0 : out.length;
${lists.join('\n')}
for (let row = 0; row < count; row++) {
${lines.join('\n')}
const made = ${row};
if (out === null) out = [made];
else out.push(made);
}
reader.i = i; reader.f = f; reader.t = t; reader.b = b; reader.segment = segment; reader.at = at;
${fills.join('\n')}
return out;
};`;
}

/*
 * How a row is made: what comes ahead of the loop, and an expression. Not by a literal, whose rows V8
 * puts among the old ones for good once many of a program's rows have survived: dead ones then keep
 * alive what their cells hold, and a result costs twice as much.
 */

function arraySource(columns) {
  const cells = columns.map((_, at) => `v${at}`);
  return ['const list = (...cells) => cells;', `list(${cells.join(', ')})`];
}

function objectSource(columns) {
  const cells = columns.map((_, at) => `v${at}`).join(', ');
  // What every object inherits is not to be assigned to.
  if (columns.some(({ name }) => name in Object.prototype)) {
    const entries = columns.map(({ name }, at) => `${key(name)}: v${at}`);
    return ['', `{ ${entries.join(', ')} }`];
  }
  const fills = columns.map(({ name }, at) => `this[${JSON.stringify(name)}] = v${at};`);
  const maker = `function Row(${cells}) { ${fills.join(' ')} }
Row.prototype = Object.prototype;`;
  return [maker, `new Row(${cells})`];
}

/** A computed key makes `__proto__` an own property like any other. */
function key(name) {
  return name === '__proto__' ? '["__proto__"]' : JSON.stringify(name);
}

function cellSource({ read, convert }, at) {
  const isNull = `n${at >> 5} & ${1 << (at & 31)}`;
  const value = convert === null ? (cell) => cell : (cell) => `c${at}(${cell})`;
  const converted = convert === null ? '' : `v${at} = c${at}(v${at});`;
  switch (read) {
    case 'int':
      return `const v${at} = ${isNull} ? null : ${value('ints[i++]')};`;
    case 'bool':
      return `const v${at} = ${isNull} ? null : ${value('ints[i++] === 1')};`;
    case 'float':
      return `const v${at} = ${isNull} ? null : ${value('floats[f++]')};`;
    case 'bytes':
      return `let v${at} = null;
if (!(${isNull})) {
const length = ints[i++];
v${at} = allocUnsafe(length);
bytes.copy(v${at}, 0, b, b += length);${converted}
}`;
    case 'ints':
    case 'texts':
      return `let v${at} = null;
if (!(${isNull})) {
const count = ints[i++];
if (count < 0) { ${textSource(`v${at}`)} ${converted} }
else {
v${at} = new Array(count);
for (let k = 0; k < count; k++) {
${read === 'ints' ? `v${at}[k] = ints[i++];` : textSource(`v${at}[k]`)}
}
}
}`;
    default:
      return `let v${at} = null;
if (!(${isNull})) {
${textSource(`v${at}`)}
${isCollected({ read, convert }) ? `j${at}.push(v${at}); k${at}.push(row); v${at} = null;` : converted}
}`;
  }
}

/** Reads a text cell into `target`. */
function textSource(target) {
  return `const length = ints[i++];
if (length > 0) {
if (at === segment.length) { segment = texts[t++]; at = 0; }
${target} = length === segment.length ? segment : segment.slice(at, at + length);
at += length;
} else if (length === 0) ${target} = '';
else ${target} = bytes.ucs2Slice(b, b += 2 * ~length);`;
}

/** One row as an array of cells, by the loop. */
function readRow(reader, readers) {
  const { ints, floats, bytes } = reader;
  const nulls = reader.i;
  reader.i += Math.ceil(readers.length / 32);
  return readers.map(({ read, convert }, at) => {
    if (ints[nulls + (at >> 5)] & (1 << (at & 31))) return null;
    let value;
    if (read === 'int') value = ints[reader.i++];
    else if (read === 'bool') value = ints[reader.i++] === 1;
    else if (read === 'float') value = floats[reader.f++];
    else if (read === 'bytes') value = readBytes(reader, bytes);
    else if (read === 'ints' || read === 'texts') return readArray(reader, read, convert);
    else value = readText(reader);
    return convert === null ? value : convert(value);
  });
}

function readBytes(reader, bytes) {
  const length = reader.ints[reader.i++];
  const value = allocUnsafe(length);
  bytes.copy(value, 0, reader.b, (reader.b += length));
  return value;
}

function readArray(reader, read, convert) {
  const count = reader.ints[reader.i++];
  if (count < 0) {
    const text = readText(reader);
    return convert === null ? text : convert(text);
  }
  const next = read === 'ints' ? () => reader.ints[reader.i++] : () => readText(reader);
  return Array.from({ length: count }, next);
}

/** `null` for a text that is too long for a string. */
function readText(reader) {
  const { ints, texts, bytes } = reader;
  const length = ints[reader.i++];
  if (length < 0) return bytes.ucs2Slice(reader.b, (reader.b += 2 * ~length));
  if (length === 0) return '';
  if (reader.at === reader.segment.length) {
    const segment = texts[reader.t++];
    if (segment === null) return null;
    reader.segment = segment;
    reader.at = 0;
  }
  return reader.segment.slice(reader.at, (reader.at += length));
}

function arrayLoop(readers) {
  return (reader, count, out) => {
    const rows = out ?? [];
    for (let row = 0; row < count; row++) rows.push(readRow(reader, readers));
    return rows;
  };
}

function objectLoop(columns, readers) {
  const names = columns.map((column) => column.name);
  return (reader, count, out) => {
    const rows = out ?? [];
    for (let row = 0; row < count; row++) {
      const cells = readRow(reader, readers);
      const object = {};
      names.forEach((name, at) => {
        Object.defineProperty(object, name, {
          value: cells[at],
          enumerable: true,
          writable: true,
          configurable: true,
        });
      });
      rows.push(object);
    }
    return rows;
  };
}

module.exports = { Reader, Shape, readBytes, readText };
