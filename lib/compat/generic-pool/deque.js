'use strict';

/**
 * The double-ended queue that `generic-pool` exports, for code that uses it by itself; the pool
 * does not. A ring around one node that holds no value: no end is a special case.
 */

class Ring {
  constructor() {
    this.root = { value: undefined, prev: null, next: null };
    this.root.prev = this.root.next = this.root;
    this.length = 0;
  }

  insertAfter(before, value) {
    const node = { value, prev: before, next: before.next };
    before.next.prev = node;
    before.next = node;
    this.length++;
    return node;
  }

  /** A node that has left points to nothing. */
  remove(node) {
    if (node === this.root || node.next === null) return false;
    node.prev.next = node.next;
    node.next.prev = node.prev;
    node.prev = node.next = null;
    this.length--;
    return true;
  }
}

/** Follows its deque while that changes, until the node it stands on leaves. */
class DequeIterator {
  #ring;
  #direction;
  #at;
  #done = false;

  constructor(ring, direction) {
    this.#ring = ring;
    this.#direction = direction;
    this.#at = ring.root;
  }

  [Symbol.iterator]() {
    return this;
  }

  next() {
    if (!this.#done) {
      this.#at = this.#at[this.#direction];
      this.#done = this.#at === null || this.#at === this.#ring.root;
    }
    return this.#done ? { done: true } : { value: this.#at.value, done: false };
  }

  /** Takes what `next` gave last out of the deque; false when there is no such thing. */
  remove() {
    return this.#done || !this.#ring.remove(this.#at) ? false : undefined;
  }

  reset() {
    this.#at = this.#ring.root;
    this.#done = false;
  }
}

class Deque {
  #ring = new Ring();

  get length() {
    return this.#ring.length;
  }

  get head() {
    return this.#ring.root.next.value;
  }

  get tail() {
    return this.#ring.root.prev.value;
  }

  push(value) {
    this.add(value);
  }

  unshift(value) {
    this.#ring.insertAfter(this.#ring.root, value);
  }

  /** As `push`; returns a function that takes the value out again, wherever it stands by then. */
  add(value) {
    const ring = this.#ring;
    const node = ring.insertAfter(ring.root.prev, value);
    return () => ring.remove(node);
  }

  shift() {
    return this.#take(this.#ring.root.next);
  }

  pop() {
    return this.#take(this.#ring.root.prev);
  }

  #take(node) {
    this.#ring.remove(node);
    return node.value;
  }

  [Symbol.iterator]() {
    return this.iterator();
  }

  iterator() {
    return new DequeIterator(this.#ring, 'next');
  }

  reverseIterator() {
    return new DequeIterator(this.#ring, 'prev');
  }
}

module.exports = { Deque };
