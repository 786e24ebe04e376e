'use strict';

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

module.exports = { Shapes };
