'use strict';

const { Shape } = require('./rows');
const { converterFor } = require('./values');

let entries = 0;

/** The columns of a result, and the ways in which they are read. */
class Entry {
  /** How an unpooled session read them last; see `session-shape.js`. */
  typed = null;
  /** By which it is told from others where it may be forgotten. */
  serial = ++entries;
  #byInt8 = {};

  constructor(columns) {
    this.columns = columns;
  }

  /** Pools differ in what an int8 becomes. */
  shape(int8) {
    const { columns } = this;
    return (this.#byInt8[int8] ??= new Shape(
      columns,
      columns.map((column) => converterFor(column, { types: { int8 } })),
    ));
  }
}

/**
 * The shapes between one FORGET_SHAPES and the next. Numbers are never used again, and an answer
 * under way may name one of before: older ones live for as long as a request that may.
 */
class Shapes {
  known = new Map();
  next = null;

  find(id) {
    for (let shapes = this; shapes !== null; shapes = shapes.next) {
      const entry = shapes.known.get(id);
      if (entry !== undefined) return entry;
    }
    return undefined;
  }
}

module.exports = { Entry, Shapes };
