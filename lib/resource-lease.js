'use strict';

/** A resource that is borrowed until the end of a block: `await using lease = await pool.lease()`. */
class ResourceLease {
  #resource;
  #giveBack;
  #released = null;

  constructor(resource, giveBack) {
    this.#resource = resource;
    this.#giveBack = giveBack;
  }

  get resource() {
    return this.#resource;
  }

  get released() {
    return this.#released !== null;
  }

  /** A second call changes nothing: whoever has the resource by then keeps it. */
  release(options) {
    return (this.#released ??= this.#giveBack(options));
  }

  [Symbol.asyncDispose]() {
    return this.release();
  }
}

module.exports = { ResourceLease };
