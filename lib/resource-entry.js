'use strict';

const { now } = Date;

/** A place for a resource, and what is known of the one that is in it. */
class Entry {
  constructor(slot, serial) {
    this.slot = slot;
    this.serial = serial;
    this.resource = undefined;
    this.exists = false;
    /** Another entry with an equal resource: a factory may hand out the same one again. */
    this.twin = null;
    /** Milliseconds since the epoch. */
    this.createdAt = 0;
    /** What the factory is doing with it. */
    this.step = null;
    /** Who is told when it is back or gone. */
    this.whenBack = null;
    /** Nobody wants any more what is being created. */
    this.abandoned = false;
    /** Of `create`: made when its function looks at the signal. */
    this.controller = null;
    this.aborted = false;
    /** What the surface keeps with it while it is lent. */
    this.holder = null;
  }

  fill(resource, twin) {
    this.resource = resource;
    this.exists = true;
    this.createdAt = now();
    this.twin = twin;
  }

  /** What `create` is called with. */
  asked() {
    const entry = this;
    return {
      get signal() {
        if (entry.controller === null) {
          entry.controller = new AbortController();
          if (entry.aborted) entry.controller.abort();
        }
        return entry.controller.signal;
      },
    };
  }

  /** Nobody wants any more what is being created; listeners may call the pool. */
  abort(reason) {
    this.aborted = true;
    this.controller?.abort(reason);
  }

  /** Calls back once it is back or gone. */
  onceBack(callback) {
    (this.whenBack ??= []).push(callback);
  }

  /** Tells them, once nothing is under way with it any more. */
  settleBack() {
    if (this.step !== null || this.whenBack === null) return;
    const { whenBack } = this;
    this.whenBack = null;
    for (const callback of whenBack) callback();
  }
}

module.exports = { Entry };
