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

/** Of all connections, those that are idle, and the callbacks of those in line. */
function listsOf(resources, connections) {
  const all = () => [...connections];
  const idle = () => resources.idle().map(({ resource }) => resource);
  const callbacks = () => queueOf(resources).map(({ callback }) => callback);
  return {
    all: new List(all, () => connections.size),
    idle: new List(idle, () => resources.counts().idle),
    queue: new List(callbacks, () => resources.counts().waiting),
  };
}

/** Those in line. Whoever a connection is being opened for has left it, from the front. */
function queueOf(resources) {
  const { waiting } = resources.counts();
  const requests = resources.requests().sort((one, other) => one.rank - other.rank);
  return requests.slice(requests.length - waiting);
}

module.exports = { listsOf };
