'use strict';

// Taken at load: test frameworks replace it.
const { nextTick } = process;

/**
 * What a listener threw is the process's to hear of, as an uncaught exception: never that of the
 * code that called the listener, which has answers for others at hand.
 */
function surface(error) {
  nextTick(() => {
    throw error;
  });
}

/** Calls what may throw where others wait for their answers. */
function guarded(call) {
  try {
    call();
  } catch (error) {
    surface(error);
  }
}

module.exports = { guarded, surface };
