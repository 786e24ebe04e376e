'use strict';

const { whatIsHeld } = require('../holders');

/** Somebody who waits for a reply; with what the ring asks of any request. */
class CommandRequest {
  constructor(pool, lease, text, values, replies) {
    this.resolve = null;
    this.pool = pool;
    this.lease = lease;
    this.text = text;
    this.values = values;
    /** What the elements of its reply become. */
    this.replies = replies;
    this.isStatement = true;
    this.signal = undefined;
    this.onAbort = undefined;
    this.shapes = null;
    this.failure = null;
    this.stream = null;
    this.context = null;
    this.parked = false;
    this.held = whatIsHeld();
  }

  fail(error) {
    this.pool.link.completion.refuse(this, error);
  }
}

module.exports = { CommandRequest };
