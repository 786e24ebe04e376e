'use strict';

const { setMaxListeners } = require('node:events');

/** Listens for an abort. One signal may serve any number of requests: no warning about that. */
function onAbort(signal, listener) {
  unlimited(signal);
  signal.addEventListener('abort', listener, { once: true });
}

function unlimited(signal) {
  try {
    if (signal instanceof EventTarget) setMaxListeners(0, signal);
  } catch {
    // Of another kind than Node's (jsdom's, under Jest): it has no such limit.
  }
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

  removeEventListener(name, listener) {
    for (const signal of this.#signals) signal.removeEventListener(name, listener);
  }
}

module.exports = { EitherSignal, onAbort };
