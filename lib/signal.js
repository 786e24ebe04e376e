'use strict';

/**
 * Who waits may be told of an abort. One signal may serve tens of thousands of requests, and Node
 * looks through all listeners of a signal whenever one is added or removed: it gets a single one.
 */

const { surface } = require('./surface');

const watches = new WeakMap();

/** One signal, and who wants to hear of its abort. */
class Watch {
  #signal;
  #listeners = new Set();
  #listening = false;

  constructor(signal) {
    this.#signal = signal;
  }

  add(listener) {
    this.#listeners.add(listener);
    if (this.#listening) return;
    try {
      this.#signal.addEventListener('abort', this.#tell, { once: true });
    } catch (error) {
      this.#listeners.delete(listener);
      throw error;
    }
    // A foreign signal may have told at once.
    this.#listening = this.#listeners.size > 0;
  }

  delete(listener) {
    if (this.#listeners.delete(listener) && this.#listeners.size === 0) this.#stop();
  }

  #stop() {
    if (!this.#listening) return;
    this.#listening = false;
    try {
      this.#signal.removeEventListener('abort', this.#tell);
    } catch (error) {
      // A foreign signal's: whoever was waiting has its answer all the same.
      surface(error);
    }
  }

  #tell = (event) => {
    // A foreign signal may not know `once`.
    this.#stop();
    // One that is told may take out others.
    for (const listener of this.#listeners) {
      this.#listeners.delete(listener);
      try {
        listener(event);
      } catch (error) {
        surface(error);
      }
    }
  };
}

/** Calls the listener once when the signal is aborted; throws what a foreign signal throws. */
function onAbort(signal, listener) {
  let watch = watches.get(signal);
  if (watch === undefined) watches.set(signal, (watch = new Watch(signal)));
  watch.add(listener);
}

/** Never throws. */
function offAbort(signal, listener) {
  watches.get(signal)?.delete(listener);
}

/**
 * Either of two signals, as far as those who wait need it. Not AbortSignal.any: each use of that
 * leaves something behind on a signal that lives on. This leaves nothing once nobody listens.
 */
class EitherSignal {
  #signals;

  constructor(...signals) {
    this.#signals = signals;
  }

  get aborted() {
    return this.#signals.some((signal) => signal.aborted);
  }

  get reason() {
    return this.#signals.find((signal) => signal.aborted)?.reason;
  }

  addEventListener(_, listener) {
    for (const signal of this.#signals) onAbort(signal, listener);
  }

  removeEventListener(_, listener) {
    for (const signal of this.#signals) offAbort(signal, listener);
  }
}

module.exports = { EitherSignal, offAbort, onAbort };
