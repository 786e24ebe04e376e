'use strict';

/** How calls with callbacks become promises. */

const { refuseInLine, resolveInLine } = require('../../../failure');

const NativePromise = Promise;

const NO_CALLBACKS = 'Callback function is not available with promise clients.';

/** What a promise is fulfilled with. */
const both = (rows, fields) => [rows, fields];
const first = (value) => value;
const nothing = () => undefined;

function refuseCallback(values) {
  if (typeof values === 'function') throw new Error(NO_CALLBACKS);
}

/** The stack of whoever has called the function `above`. */
function stackAbove(above) {
  const holder = {};
  Error.captureStackTrace(holder, above);
  return holder;
}

/** An error from the server has no stack of the caller's: that call is long over. */
function restack(error, holder) {
  if (holder === null || !holder.stack) return;
  const [, ...frames] = holder.stack.split('\n');
  error.stack = [`${error.name}: ${error.message}`, ...frames].join('\n');
}

/**
 * A promise of what `start(callback)` comes to, as `view` has it. `above`: the method whose caller
 * an error's stack leads to; null leaves that as it is. Of promises of the runtime V8 knows who awaits
 * them: only of others the stack is taken beforehand, which costs more than all else of a statement.
 */
function promised(Promise, above, start, view = both) {
  const isKnown = above !== null && Promise === NativePromise;
  const holder = above === null || isKnown ? null : stackAbove(above);
  let isOver = false;
  return new Promise((resolve, reject) => {
    start((error, first, second) => {
      // A closed connection says so of a statement and of its preparation.
      if (isOver) return;
      isOver = true;
      if (!error) resolveInLine(resolve, view(first, second));
      else if (isKnown) refuseInLine(resolve, error);
      else {
        restack(error, holder);
        reject(error);
      }
    });
  });
}

module.exports = { both, first, nothing, promised, refuseCallback, restack, stackAbove };
