'use strict';

/** What a session asks of the engine; the ring answers each as it answers those of a pool. */

const { typedShape } = require('./session-shape');
const { guarded, surface } = require('./surface');

/** Somebody who waits for the connection, or for its end. */
class Step {
  pool = null;
  lease = null;
  context = null;
  shapes = null;
  onAbort = undefined;
  isStatement = false;
  parked = false;

  #resolve;
  #reject;

  constructor(pool, resolve, reject) {
    this.pool = pool;
    this.#resolve = resolve;
    this.#reject = reject;
  }

  resolve(value) {
    guarded(() => this.#resolve(value));
  }

  fail(error) {
    guarded(() => this.#reject(error));
  }
}

/**
 * A statement under way: `done(result)` or `failed(error, isThrown)` of its owner follows. What was
 * not thrown by a parser is the engine's JSON, or what broke the ring.
 */
class Statement {
  lease = null;
  rows = null;
  results = null;
  /** What a parser threw: the rest of the result is read over. */
  failure = null;
  isStatement = true;
  stream = null;
  parked = false;
  shapes = null;
  context = null;
  onAbort = undefined;
  /** The shape of the result under way, and what it was made from. */
  #entry = null;
  #shape = null;
  #binary;
  #seen;

  constructor(session, owner, text, { types, rowMode, binary, name, seen }) {
    this.pool = session;
    this.owner = owner;
    /** What its text is known by. */
    this.text = text;
    this.name = name;
    this.types = types;
    this.rowMode = rowMode;
    this.#binary = binary;
    this.#seen = seen;
  }

  shapeOf(entry) {
    if (entry !== this.#entry) {
      if (entry.serial !== this.#seen?.serial) this.pool.noteResult(this, entry);
      this.#shape = typedShape(entry, this.types, this.pool.parsers, this.#binary);
      this.#entry = entry;
    }
    return this.#shape;
  }

  resolve(result) {
    if (this.#seen === null && this.#entry === null) this.pool.noteResult(this, null);
    try {
      this.owner.done(result);
    } catch (error) {
      surface(error);
    }
  }

  fail(error) {
    guarded(() => this.owner.failed(error, this.failure !== null));
  }
}

/** The wire while JavaScript has it. */
class WireRequest {
  lease = null;
  isStatement = false;
  parked = false;
  shapes = null;
  context = null;
  onAbort = undefined;
  failure = null;
  rows = null;
  results = null;

  constructor(session, wire) {
    this.pool = session;
    this.stream = wire;
  }

  fail(error) {
    this.stream.fail(error);
  }
}

module.exports = { Statement, Step, WireRequest };
