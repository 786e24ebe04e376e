'use strict';

/** What the core asks of a user's factory, and which of it is under way. */

const { surface } = require('../../surface');

class Steps {
  #factory;
  #config;
  #pool;
  /** Promises of what is under way, for `clear`. */
  #creates = new Set();
  #destroys = new Set();

  /** `pool.emit(event, error)` and `pool.look()`, after each step. */
  constructor(factory, config, pool) {
    this.#factory = factory;
    this.#config = config;
    this.#pool = pool;
  }

  /** As the core takes a factory. Methods are looked up in the user's at each call. */
  get factory() {
    return {
      create: () => this.#create(),
      destroy: (resource) => this.#destroy(resource),
      validate: this.#config.testOnBorrow ? (resource) => this.#validate(resource) : undefined,
    };
  }

  get creates() {
    return [...this.#creates];
  }

  get destroys() {
    return [...this.#destroys];
  }

  #create() {
    return this.#track(this.#creates, this.#factory.create());
  }

  /** Without a `validate` there is nothing to test. */
  async #validate(resource) {
    try {
      return await this.#factory.validate?.(resource);
    } catch {
      return false;
    } finally {
      this.#pool.look();
    }
  }

  #destroy(resource) {
    const destroying = new Promise((resolve) => resolve(this.#factory.destroy(resource)));
    const { destroyTimeoutMillis } = this.#config;
    return this.#track(
      this.#destroys,
      destroyTimeoutMillis ? bounded(destroying, destroyTimeoutMillis) : destroying,
    );
  }

  #track(set, outcome) {
    const operation = Promise.resolve(outcome);
    const end = () => {
      set.delete(operation);
      this.#pool.look();
    };
    set.add(operation);
    operation.then(end, end);
    return operation;
  }

  handleCreateFailed(error) {
    this.#report('factoryCreateError', error);
  }

  handleDestroyFailed(error) {
    this.#report('factoryDestroyError', error);
  }

  /** What a listener throws is not the pool's failure. */
  #report(event, error) {
    try {
      this.#pool.emit(event, error);
    } catch (thrown) {
      surface(thrown);
    }
  }
}

function bounded(destroying, timeoutMs) {
  return new Promise((resolve, reject) => {
    const late = () => reject(new Error('destroy timed out'));
    const timer = setTimeout(late, timeoutMs).unref();
    destroying.then(resolve, reject).finally(() => clearTimeout(timer));
  });
}

module.exports = { Steps };
