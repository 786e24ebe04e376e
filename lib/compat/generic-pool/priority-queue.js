'use strict';

/**
 * The queue by priority that `generic-pool` exports, for code that uses it by itself; in the pool
 * the core knows who waits. `classOf` is how both read a priority.
 */

const { Deque } = require('./deque');

/** How many classes a range makes. */
function classesOf(range) {
  return Math.max(+range | 0, 1);
}

/** 0 is the most urgent, and what no priority means; what is out of range waits in the last. */
function classOf(priority, classes) {
  const wanted = priority ? +priority | 0 : 0;
  return wanted < 0 || wanted >= classes ? classes - 1 : wanted;
}

class PriorityQueue {
  #classes;

  constructor(range) {
    this.#classes = Array.from({ length: classesOf(range) }, () => new Deque());
  }

  get length() {
    return this.#classes.reduce((length, deque) => length + deque.length, 0);
  }

  get head() {
    return this.#classes.find(isOccupied)?.head;
  }

  get tail() {
    return this.#classes.findLast(isOccupied)?.tail;
  }

  /** `item.promise` is the answer to a request: one that timed out leaves the queue by itself. */
  enqueue(item, priority) {
    const remove = this.#classes[classOf(priority, this.#classes.length)].add(item);
    item.promise?.then(undefined, (reason) => {
      if (reason?.name === 'TimeoutError') remove();
    });
  }

  dequeue() {
    return this.#classes.find(isOccupied)?.shift();
  }
}

function isOccupied(deque) {
  return deque.length > 0;
}

module.exports = { PriorityQueue, classOf, classesOf };
