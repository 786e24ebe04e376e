'use strict';

/** What the core asks of a user's factory, and which of it is under way. */

const { surface } = require('../../surface');

/** How often in a row a new resource may be refused before the next create has to wait. */
const REFUSALS_MAX = 2;

/** `validate` refused what was just created; not one of the factory's errors. */
class RefusedError extends Error {}

class Steps {
  #factory;
  #config;
  #pool;
  /** Promises of what is under way, for `clear`. */
  #creates = new Set();
  #destroys = new Set();

  /** `pool.isWaitedFor()`, `pool.emit(event, error)` and `pool.look()`, after each step. */
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
    const creating = this.#config.testOnBorrow ? this.#createTested() : this.#factory.create();
    return this.#track(this.#creates, creating);
  }

  /**
   * The core lends what was just created as it is; generic-pool tests that too, when somebody waits
   * for it. A factory that makes nothing but rubbish is asked again, but not in a tight loop.
   */
  async #createTested() {
    for (let refusals = 1; ; refusals++) {
      const resource = await this.#factory.create();
      if (!this.#pool.isWaitedFor() || (await this.#validate(resource)) !== false) return resource;
      this.#destroy(resource).catch((error) => this.handleDestroyFailed(error));
      if (refusals === REFUSALS_MAX || !this.#pool.isWaitedFor()) {
        throw new RefusedError('factory.validate refused what factory.create had just made');
      }
    }
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
    if (!(error instanceof RefusedError)) this.#report('factoryCreateError', error);
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
