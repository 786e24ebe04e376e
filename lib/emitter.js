'use strict';

const { EventEmitter } = require('node:events');
const { surface } = require('./surface');

/** What is listened to: `{ acquire: false, ... }`, always up to date. */
const HEARD = Symbol('polypool.heard');

/**
 * An emitter that knows which of some events are listened to. Asking for the count of listeners
 * before each event that hardly anybody listens to would cost a tenth of a lease.
 */
class Emitter extends EventEmitter {
  constructor(...names) {
    super();
    const heard = Object.fromEntries(names.map((name) => [name, false]));
    Object.defineProperty(this, HEARD, { value: heard });
  }

  addListener(...listener) {
    super.addListener(...listener);
    return this.#changed();
  }

  prependListener(...listener) {
    super.prependListener(...listener);
    return this.#changed();
  }

  removeListener(...listener) {
    super.removeListener(...listener);
    return this.#changed();
  }

  removeAllListeners(...names) {
    super.removeAllListeners(...names);
    return this.#changed();
  }

  #changed() {
    const heard = this[HEARD];
    for (const name of Object.keys(heard)) heard[name] = this.listenerCount(name) > 0;
    return this;
  }
}

// Node's `once` goes through `on`, its `prependOnceListener` through `prependListener`.
Emitter.prototype.on = Emitter.prototype.addListener;
Emitter.prototype.off = Emitter.prototype.removeListener;

/**
 * Events are emitted at once, in the order of what they tell of; null: in the caller's context. What
 * a listener throws stops nothing, neither a drain nor the lease on its way to its borrower.
 */
function emitIn(emitter, context, name, ...args) {
  try {
    if (context === null) emitter.emit(name, ...args);
    else context.runInAsyncScope(emitter.emit, emitter, name, ...args);
  } catch (error) {
    surface(error);
  }
}

module.exports = { Emitter, HEARD, emitIn };
