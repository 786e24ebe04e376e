'use strict';

const { setMaxListeners } = require('node:events');

/** Listens for an abort. One signal may serve any number of requests: no warning about that. */
function onAbort(signal, listener) {
  if (signal instanceof EventTarget) setMaxListeners(0, signal);
  signal.addEventListener('abort', listener, { once: true });
}

module.exports = { onAbort };
