'use strict';

/** What an AsyncPool consists of: the resources given, or the instances that a function makes. */

const { inspect } = require('node:util');

/** Null: there are none, and the pool counts as closed. */
function readItems(given, count) {
  if (typeof given === 'function') return makeInstances(given, count);
  if (count !== undefined) {
    throw new TypeError(`AsyncPool(fn, n): fn must be a function, not ${inspect(given)}`);
  }
  if (given == null) return null;
  if (Array.isArray(given)) return [...given];
  throw new TypeError(
    `AsyncPool takes an array of resources, or a function and a number, not ${inspect(given)}`,
  );
}

function makeInstances(make, count) {
  if (Number.isInteger(count) && count >= 1) {
    return Array.from({ length: count }, (_, at) => makeInstance(make, `${at + 1} of ${count}`));
  }
  throw new RangeError(
    `AsyncPool(fn, n) calls fn n times: n must be an integer of at least 1, not ${inspect(count)}`,
  );
}

/** `get()` answers at once, so every instance has to be there when the pool is. */
function makeInstance(make, which) {
  let answer = null;
  make((error, instance) => (answer ??= { error, instance }));
  if (answer === null) {
    throw new Error(
      `AsyncPool: instance ${which} is not there: the function must call its callback before it ` +
        'returns, because get() does not wait',
    );
  }
  const { error, instance } = answer;
  if (error == null) return instance;
  const told = error instanceof Error ? error.message : inspect(error);
  throw new Error(`AsyncPool: instance ${which} could not be made: ${told}`, { cause: error });
}

module.exports = { readItems };
