'use strict';

/**
 * Who has which of a fixed set of things: the pool core, which "creates" a thing by taking it from
 * the pile. Kept here is only which promise a waiter belongs to, because the latest goes first.
 */

const { Resources } = require('../../resources');

const CLOSED = 'AsyncPool is closed or without resources.';

/** Nothing is bounded but by the number of things. */
const OPTIONS = {
  idleOrder: 'lifo',
  acquireTimeoutMs: null,
  closeTimeoutMs: null,
  createTimeoutMs: 0,
  destroyTimeoutMs: 0,
  idleTimeoutMs: 0,
  maxLifetimeMs: 0,
};

class Loans {
  /** What was never lent; the last goes first. */
  #pile;
  #resources = null;
  #count;

  constructor(things) {
    this.#pile = [...things];
    this.#count = things.length;
    /** Those who wait for something to come back; the last is served first. */
    this.waiting = [];
  }

  /** What is free, in the order of a stack. */
  free() {
    const idle = this.#resources?.idle() ?? [];
    return [...this.#pile, ...idle.map(({ resource }) => resource)];
  }

  areBack() {
    return this.free().length === this.#count;
  }

  borrow(resolve) {
    this.#resources ??= this.#open();
    const entry = this.#resources.take();
    if (entry !== null) {
      resolve(entry.resource);
      return;
    }
    const before = this.#pile.length;
    const ticket = new Ticket(this.waiting);
    this.#resources.wait(ticket);
    // Where the pile had something left, that is the caller's.
    if (this.#pile.length < before) ticket.own = resolve;
    else this.waiting.push(resolve);
  }

  giveBack(thing) {
    this.#resources.release(thing, false);
  }

  /** Refuses those who wait; what is lent stays so until it is given back. */
  close() {
    this.#resources?.close(-1);
  }

  #open() {
    const factory = { create: () => this.#pile.pop(), destroy: () => {} };
    const options = { ...OPTIONS, max: this.#count, maxConnecting: this.#count };
    return new Resources(factory, options, {});
  }
}

/** A place in the core's line. All are alike: what it gets is for whoever came last. */
class Ticket {
  #waiting;

  constructor(waiting) {
    this.#waiting = waiting;
    this.number = -1;
    this.own = null;
  }

  resolve({ resource }) {
    this.#settle(resource);
  }

  reject() {
    this.#settle(Promise.reject(new Error(CLOSED)));
  }

  #settle(answer) {
    const resolve = this.own ?? this.#waiting.pop();
    resolve(answer);
  }
}

module.exports = { CLOSED, Loans };
