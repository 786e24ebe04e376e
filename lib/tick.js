'use strict';

// Not the global: test frameworks replace it, perhaps before this is loaded.
const { nextTick } = process;

/** For what holds throughout a tick of the event loop, and is to be found out once in it. */
class Tick {
  #isKnown = false;
  #forget = () => {
    this.#isKnown = false;
  };

  /** Whether this is the first time that it is asked in this tick. */
  isNew() {
    if (this.#isKnown) return false;
    this.#isKnown = true;
    nextTick(this.#forget);
    return true;
  }
}

module.exports = { Tick };
