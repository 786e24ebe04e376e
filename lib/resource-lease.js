'use strict';

const { RELEASE, checkOptions } = require('./options');

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
    try {
      if (options !== undefined) checkOptions(RELEASE, options);
    } catch (error) {
      return Promise.reject(error);
    }
    return (this.#released ??= this.#giveBack(options?.destroy === true));
  }

  [Symbol.asyncDispose]() {
    return this.release();
  }
}

module.exports = { ResourceLease };
