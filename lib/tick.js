'use strict';

// Not the global: test frameworks replace it, perhaps before this is loaded.
const { nextTick } = process;

/** The number of the tick, which changes at its end if somebody has asked in it. */
let current = 0;
let isEndAwaited = false;

function end() {
  isEndAwaited = false;
  current++;
}

/** For what holds throughout a tick of the event loop, and is to be found out once in it. */
class Tick {
  #last = -1;

  /** Whether this is the first time that it is asked in this tick. */
  isNew() {
    if (this.#last === current) return false;
    this.#last = current;
    if (!isEndAwaited) {
      isEndAwaited = true;
      nextTick(end);
    }
    return true;
  }
}

module.exports = { Tick };
