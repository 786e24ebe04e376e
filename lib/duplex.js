'use strict';

/** What the caller's Duplexes and errors are, before they are relied upon. */

const { OptionError } = require('./errors');

/** Duplexes that serve a connection, or did: each connection needs its own. */
const used = new WeakSet();

function checkDuplex(given) {
  const refuse = (what) => {
    const message = `option 'stream' must return a Duplex for each connection, got ${what}`;
    return new OptionError(message, { option: 'stream' });
  };
  if (typeof given !== 'object' || given === null) {
    throw refuse(given === null ? 'null' : typeof given);
  }
  for (const method of ['read', 'write', 'on', 'pause', 'resume', 'end', 'destroy']) {
    if (typeof given[method] !== 'function') throw refuse(`an object without ${method}()`);
  }
  if (used.has(given)) throw refuse('one that it had returned before');
  used.add(given);
  if (given.destroyed || given.readableEnded || given.writableEnded) {
    throw new Error("the Duplex that option 'stream' returned is closed already");
  }
}

/** As pg does: a socket that was only made is connected, and sends without delay. */
function begin(duplex, { host, port, path }) {
  duplex.setNoDelay?.(true);
  if (duplex.pending !== true || duplex.connecting !== false) return;
  if (typeof duplex.connect !== 'function') return;
  if (path === undefined) duplex.connect(port, host);
  else duplex.connect(path);
}

/** Nothing is written before a socket is connected, or before its certificate was accepted. */
function whenOpen(duplex, ready) {
  // Node's own verification listens to 'secure' too, and destroys what it refuses.
  if (duplex.secureConnecting === true) duplex.once('secure', () => duplex.destroyed || ready());
  else if (duplex.connecting === true) duplex.once('connect', ready);
  else ready();
}

function textOf(error) {
  try {
    return String(error?.message || error);
  } catch {
    return 'what was thrown has no text';
  }
}

function codeOf(error) {
  try {
    const code = error?.code;
    return typeof code === 'string' ? code : '';
  } catch {
    return '';
  }
}

module.exports = { checkDuplex, begin, codeOf, textOf, whenOpen };
