'use strict';

/** Leases of replicas. Where statements go is the engine's to say; a lease stays where it is. */

const { performance: clock } = require('node:perf_hooks');
const { AcquireTimeoutError, ClosedError, OptionError } = require('./errors');

// Taken at load: test frameworks replace it.
const { nextTick } = process;

/** What a pool has in common with the pool of its replicas. */
class Group {
  /** Tells why none of them answers; null once somebody has heard it, or when one does. */
  #untold = null;

  /** `parts` is what the primary was opened with. */
  constructor(primary, { link, settings, hooks, recipe, password }) {
    this.primary = primary;
    /** False while none of them answers: the engine says when that changes. */
    this.reachable = settings.reachable;
    this.link = link;
    this.settings = { ...settings, pool: settings.replicas, name: `${settings.name} (replicas)` };
    this.hooks = hooks;
    this.recipe = recipe;
    this.password = password;
    // They may be found away while `createPool` still runs, before anybody can listen.
    primary.on('newListener', (name) => {
      if (name === 'error' && this.#untold !== null) nextTick(() => this.#tell());
    });
  }

  /** None of them answers any more, as `tell` emits; or null, one does. */
  note(tell) {
    this.reachable = tell === null;
    this.#untold = tell;
    this.#tell();
  }

  #tell() {
    if (this.#untold === null || this.primary.listenerCount('error') === 0) return;
    const tell = this.#untold;
    this.#untold = null;
    tell();
  }
}

/** A connection to a replica; to the primary when none can be reached. Takes both' `Leases`. */
async function acquireReading(primary, replicas, group, options, stack) {
  const { target: _, ...rest } = options;
  if (!group.reachable) return primary.acquire(rest, stack);
  const began = clock.now();
  try {
    return await replicas.acquire(rest, stack);
  } catch (error) {
    if (options.signal?.aborted || isFinal(error)) throw error;
    // One deadline over both.
    if (typeof rest.timeoutMs === 'number') {
      rest.timeoutMs = Math.max(rest.timeoutMs - (clock.now() - began), 1);
    }
    return primary.acquire(rest, stack);
  }
}

function isFinal(error) {
  return [AcquireTimeoutError, ClosedError, OptionError].some((type) => error instanceof type);
}

module.exports = { Group, acquireReading };
