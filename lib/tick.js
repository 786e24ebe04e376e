'use strict';

/**
 * What is found out once in a tick, the time among it. A tick lasts from when somebody asks to behind
 * the microtasks that wait by then; a drain, which knows its own end, is one by itself.
 */

// Not the global: test frameworks replace it, and `nextTick`, perhaps before this is loaded.
const { performance } = require('node:perf_hooks');

const soon = Promise.resolve();

/** The number of the tick, which changes at its end if somebody has asked in it. */
let current = 0;
let isEndAwaited = false;
let now = 0;

function end() {
  isEndAwaited = false;
  current++;
}

/** For what holds throughout a tick, and is to be found out once in it. */
class Tick {
  #last = -1;

  /** Whether this is the first time that it is asked in this tick. */
  isNew() {
    if (this.#last === current) return false;
    this.#last = current;
    if (!isEndAwaited) {
      isEndAwaited = true;
      soon.then(end);
    }
    return true;
  }
}

const read = new Tick();

/** Milliseconds, as of when this was first asked in this tick: each query asks several times. */
function clock() {
  if (read.isNew()) now = performance.now();
  return now;
}

/** Runs `work` as a tick of its own, whose end nobody has to be called for. */
function asTick(work) {
  const outer = isEndAwaited;
  isEndAwaited = true;
  current++;
  try {
    work();
  } finally {
    isEndAwaited = outer;
    current++;
  }
}

module.exports = { Tick, asTick, clock };
