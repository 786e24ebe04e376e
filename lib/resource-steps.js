'use strict';

/**
 * What the core asks of the factory: create, validate, reset and destroy, each bounded in time, and
 * how each ended. What comes too late is destroyed.
 */

const { AsyncResource } = require('node:async_hooks');
const { callStep, runStep } = require('./factory-step');
const { Entry } = require('./resource-entry');

class Steps {
  #factory;
  #run;
  #entries;
  #settings;
  #watcher;
  #awaitDestroy;
  #reasonOf;
  #tell;
  #isWanted;
  #context = new AsyncResource('polypool.Resources');

  /**
   * `tell(change, entry, ok)` tells the core, `isWanted()` whether anybody waits for a resource,
   * `reasonOf(number)` why one is destroyed.
   */
  constructor(factory, callsBack, entries, hooks) {
    this.#factory = factory;
    this.#run = callsBack ? callStep : runStep;
    this.#entries = entries;
    this.#settings = hooks.settings;
    this.#watcher = hooks.watcher;
    this.#awaitDestroy = hooks.awaitDestroy;
    this.#reasonOf = hooks.reasonOf;
    this.#tell = hooks.tell;
    this.#isWanted = hooks.isWanted;
    this.lastError = null;
  }

  create(slot, serial) {
    const entry = new Entry(slot, serial);
    const { slots } = this.#entries;
    slots[slot] = entry;
    const step = this.#call('create', entry.asked(), {
      done: (resource) => this.#created(entry, resource),
      failed: (error) => this.#notCreated(entry, error),
      late: (resource) => this.#discardUnused(resource),
    });
    if (entry.exists || slots[slot] !== entry) return; // that was all
    entry.step = step;
    // A hanging create that nobody waits for is no reason to stay.
    if (!this.#isWanted()) step.unref();
  }

  #created(entry, resource) {
    entry.step = null;
    if (entry.abandoned) {
      this.#discardUnused(resource, () => this.#gone(entry));
      return;
    }
    this.lastError = null;
    this.#entries.fill(entry, resource);
    this.#watcher.created?.(resource);
    this.#tell('CREATED', entry);
  }

  #notCreated(entry, error) {
    entry.step = null;
    if (entry.abandoned) {
      this.#gone(entry);
      return;
    }
    this.lastError = { thrown: error };
    this.#entries.slots[entry.slot] = undefined;
    // The core first: listeners may call the pool.
    this.#tell('CREATE_FAILED', entry);
    entry.abort(error);
    this.#watcher.createFailed?.(error);
  }

  validate(entry) {
    this.#check(entry, 'validate', 'VALIDATED', (answer) => answer !== false);
  }

  reset(entry) {
    this.#check(entry, 'reset', 'RESET', () => true);
  }

  #check(entry, step, change, isOk) {
    const settle = (ok) => {
      entry.step = null;
      this.#tell(change, entry, ok ? 1 : 0);
      entry.settleBack();
    };
    entry.step = this.#call(step, entry.resource, {
      done: (answer) => settle(isOk(answer)),
      failed: (error) => {
        this.#watcher.checkFailed?.(error, entry.resource);
        settle(false);
      },
    });
  }

  destroy(entry, why) {
    if (!entry.exists) {
      this.#abandon(entry);
      return;
    }
    this.#entries.forget(entry);
    entry.step?.drop(); // a reset or validation that nobody waits for any more
    this.#watcher.removed?.(entry.resource, this.#reasonOf(why));
    let isOver = false;
    const step = this.#discard(entry.resource, () => {
      isOver = true;
      entry.step = null;
      if (this.#awaitDestroy) this.#gone(entry);
      else entry.settleBack();
    });
    if (!isOver) entry.step = step;
    if (!this.#awaitDestroy) this.#gone(entry);
  }

  /** A create that is not wanted any more: whoever waits for it does not wait for long. */
  #abandon(entry) {
    entry.abandoned = true;
    entry.step.shorten(this.#settings.destroyTimeoutMs);
    entry.abort();
  }

  #gone(entry) {
    this.#tell('DESTROYED', entry);
    entry.settleBack();
  }

  #discard(resource, over) {
    return this.#call('destroy', resource, {
      done: () => over?.(),
      failed: (error) => {
        this.#watcher.destroyFailed?.(error, resource);
        over?.();
      },
    });
  }

  /** What came too late, unless it is in the pool already: a factory may hand out the same again. */
  #discardUnused(resource, over) {
    if (this.#entries.get(resource) !== undefined) over?.();
    else this.#discard(resource, over);
  }

  /** In the context of the pool, not of whoever's request came first. */
  #call(step, argument, outcome) {
    const timeoutMs = this.#settings[`${step}TimeoutMs`];
    const run = this.#run;
    return this.#context.runInAsyncScope(
      run,
      null,
      this.#factory,
      step,
      argument,
      timeoutMs,
      outcome,
    );
  }
}

module.exports = { Steps };
