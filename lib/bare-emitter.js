'use strict';

const { EventEmitter } = require('node:events');

/**
 * An EventEmitter that gets its table of listeners with the first of them: there is one for each
 * query, hardly any of which is listened to, and the table costs more than all else of making it.
 */
function BareEmitter() {
  // Then there is more to be set up.
  if (process.domain !== undefined) EventEmitter.call(this);
}

Object.setPrototypeOf(BareEmitter.prototype, EventEmitter.prototype);
Object.setPrototypeOf(BareEmitter, EventEmitter);

module.exports = { BareEmitter };
