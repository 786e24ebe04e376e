'use strict';

/**
 * One listener of one channel: an emitter and an async iterable. What arrives before somebody
 * listens or iterates is kept, up to a bound: the server cannot be told to wait, for the connection
 * is shared.
 */

const { EventEmitter } = require('node:events');
const { AsyncResource } = require('node:async_hooks');
const { PoolError } = require('./errors');
const { surface } = require('./surface');

// Taken at load: test frameworks replace it.
const { nextTick } = process;

/** Notifications that may wait to be read. */
const QUEUED = 50_000;

class Subscription extends EventEmitter {
  /** `{ leave(subscription), keep(referenced) }` of its hub. */
  #hub;
  #event;
  #maxQueued;
  #resource = new AsyncResource('polypool.Subscription');
  #queue = [];
  /** The queue's first element not read yet. */
  #head = 0;
  /** Iterators that wait. */
  #readers = [];
  /** Somebody iterates: the queue is theirs. */
  #iterated = false;
  /** What was queued goes to the first listener in a moment; what comes meanwhile queues behind. */
  #flushing = false;
  #closed = false;
  /** What the iteration ends with, once the queue is read. */
  #failure = null;
  #referenced = true;
  #left = null;

  /** `event`: what listeners hear of what arrives. */
  constructor(channel, hub, event, maxQueued = QUEUED) {
    super();
    this.channel = channel;
    this.#hub = hub;
    this.#event = event;
    this.#maxQueued = maxQueued;
    super.on('newListener', (name) => {
      if (name === event) this.#flushSoon();
    });
  }

  get closed() {
    return this.#closed;
  }

  /** Ends it; what was not read yet is dropped. */
  close() {
    this.#queue = [];
    this.#head = 0;
    return this.end(null);
  }

  [Symbol.asyncDispose]() {
    return this.close();
  }

  ref() {
    return this.#refer(true);
  }

  unref() {
    return this.#refer(false);
  }

  #refer(referenced) {
    if (this.#referenced !== referenced && !this.#closed) {
      this.#referenced = referenced;
      this.#hub.keep(referenced);
    }
    return this;
  }

  [Symbol.asyncIterator]() {
    this.#iterated = true;
    return {
      next: () => this.#next(),
      return: async () => {
        await this.close();
        return { value: undefined, done: true };
      },
      [Symbol.asyncIterator]() {
        return this;
      },
    };
  }

  #next() {
    if (this.#head < this.#queue.length) {
      return Promise.resolve({ value: this.#shift(), done: false });
    }
    if (!this.#closed) {
      return new Promise((resolve, reject) => this.#readers.push({ resolve, reject }));
    }
    const failure = this.#failure;
    this.#failure = null;
    if (failure !== null) return Promise.reject(failure);
    return Promise.resolve({ value: undefined, done: true });
  }

  #shift() {
    const value = this.#queue[this.#head];
    this.#queue[this.#head++] = undefined;
    if (this.#head === this.#queue.length) {
      this.#queue = [];
      this.#head = 0;
    } else if (this.#head >= 1024 && this.#head * 2 >= this.#queue.length) {
      this.#queue = this.#queue.slice(this.#head);
      this.#head = 0;
    }
    return value;
  }

  // ---- From the hub ----

  take(notification) {
    if (this.#closed) return;
    const heard = !this.#flushing && this.listenerCount(this.#event) > 0;
    if (heard) this.#emit(this.#event, notification);
    // A listener may have closed it.
    if (this.#closed || (heard && !this.#iterated)) return;
    const reader = this.#readers.shift();
    if (reader !== undefined) {
      reader.resolve({ value: notification, done: false });
      return;
    }
    if (this.#queue.length - this.#head >= this.#maxQueued) this.fail(overflow(this));
    else this.#queue.push(notification);
  }

  #flushSoon() {
    if (this.#flushing || this.#iterated || this.#queue.length === 0) return;
    this.#flushing = true;
    nextTick(() => {
      const heard = () => !this.#iterated && this.listenerCount(this.#event) > 0;
      while (heard() && this.#head < this.#queue.length) {
        this.#emit(this.#event, this.#shift());
      }
      this.#flushing = false;
    });
  }

  resubscribed(gap) {
    if (!this.#closed) this.#emit('resubscribed', { channel: this.channel, ...gap });
  }

  /** It ends, and not because its owner wanted it to. */
  fail(error) {
    if (this.#closed) return;
    const iterated = this.#iterated;
    this.end(error);
    // An iteration ends with it; without one an `error` nobody listens to ends the process.
    if (!iterated || this.listenerCount('error') > 0) this.#emit('error', error);
  }

  /** Ends it; the iteration ends too, with the error if there is one. */
  end(failure) {
    if (this.#closed) return this.#left;
    this.#closed = true;
    if (this.#referenced) this.#hub.keep(false);
    this.#left = this.#hub.leave(this);
    const [first, ...others] = this.#readers;
    this.#readers = [];
    if (failure !== null && first !== undefined) first.reject(failure);
    else {
      this.#failure = failure;
      first?.resolve({ value: undefined, done: true });
    }
    for (const { resolve } of others) resolve({ value: undefined, done: true });
    nextTick(() => this.#emit('close'));
    return this.#left;
  }

  /** In the context of the subscriber; what a listener throws is nobody else's to hear of. */
  #emit(name, ...args) {
    try {
      this.#resource.runInAsyncScope(this.emit, this, name, ...args);
    } catch (error) {
      surface(error);
    }
  }
}

function overflow(subscription) {
  return new PoolError(
    'ERR_POLYPOOL_QUEUE_FULL',
    `more notifications of channel '${subscription.channel}' wait to be read than maxQueued allows`,
  );
}

module.exports = { Subscription };
