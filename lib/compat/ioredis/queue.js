'use strict';

/** Items in order, taken from the front: what is taken leaves a gap that is closed now and then. */

const GAP_MAX = 1024;

class Queue {
  #items = [];
  #head = 0;

  get length() {
    return this.#items.length - this.#head;
  }

  push(item) {
    return this.#items.push(item) - this.#head;
  }

  shift() {
    const items = this.#items;
    if (this.#head === items.length) return undefined;
    const item = items[this.#head];
    items[this.#head++] = undefined;
    if (this.#head === items.length) {
      items.length = 0;
      this.#head = 0;
    } else if (this.#head > GAP_MAX && this.#head * 2 > items.length) {
      items.splice(0, this.#head);
      this.#head = 0;
    }
    return item;
  }

  unshift(item) {
    if (this.#head > 0) this.#items[--this.#head] = item;
    else this.#items.unshift(item);
    return this.length;
  }

  peekAt(index) {
    return this.#items[this.#head + index];
  }

  peekFront() {
    return this.peekAt(0);
  }

  isEmpty() {
    return this.length === 0;
  }

  toArray() {
    return this.#items.slice(this.#head);
  }

  /** Keeps those that `keep(item)` says. */
  filter(keep) {
    this.#items = this.toArray().filter(keep);
    this.#head = 0;
  }

  clear() {
    this.#items = [];
    this.#head = 0;
  }
}

module.exports = { Queue };
