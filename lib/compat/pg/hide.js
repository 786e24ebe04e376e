'use strict';

/** Keeps a value out of console.log and of what is written into logs; it can be read and replaced. */
function hide(object, name, value) {
  Object.defineProperty(object, name, {
    configurable: true,
    enumerable: false,
    writable: true,
    value,
  });
}

module.exports = { hide };
