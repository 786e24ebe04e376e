'use strict';

// Taken at load: test frameworks replace them.
const later = setImmediate;
const clock = performance;

/**
 * Milliseconds, read once per turn of the event loop, as Node's own timers have it: reading a clock
 * costs as much as all else that lending an idle resource does.
 */
let time = -1;

const forget = () => {
  time = -1;
};

function turnTime() {
  if (time < 0) {
    time = clock.now();
    later(forget).unref();
  }
  return time;
}

/** For timers: what is due now must not look as if it were not. */
function freshTime() {
  forget();
  return turnTime();
}

module.exports = { freshTime, turnTime };
