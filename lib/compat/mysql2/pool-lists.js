'use strict';

/**
 * Lists that mysql2's pools have as fields, and that monitoring reads. Here they are views: the
 * pool's state is the core's, and nothing can be put in or taken out.
 */

class List {
  #read;
  #count;

  /** `read()`: the items, the first to go first; `count()`: how many they are. */
  constructor(read, count) {
    this.#read = read;
    this.#count = count;
  }

  get length() {
    return this.#count();
  }

  size() {
    return this.length;
  }

  isEmpty() {
    return this.length === 0;
  }

  /** Negative: from the end. */
  get(index) {
    return Number.isInteger(index) ? this.#read().at(index) : undefined;
  }

  peekAt(index) {
    return this.get(index);
  }

  toArray() {
    return this.#read();
  }
}

module.exports = { List };
