'use strict';

const { EventEmitter } = require('node:events');

// Each look at the global goes through a getter of Node's.
const { process } = globalThis;

/**
 * An EventEmitter that gets its table of listeners with the first of them: there is one for each
 * query, hardly any of which is listened to, and the table costs more than all else of making it.
 */
function BareEmitter() {
  // Its events belong to the domain that is active now.
  if (process.domain) EventEmitter.call(this);
}

Object.setPrototypeOf(BareEmitter.prototype, EventEmitter.prototype);
Object.setPrototypeOf(BareEmitter, EventEmitter);

module.exports = { BareEmitter };
