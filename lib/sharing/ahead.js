'use strict';

/** The answer to a query that was sent before it was its turn, and what became of its wait. */

const { PATIENCE_STOPPING, Waiter } = require('./stalls');

/** What may run more than once: nothing, what the server has stopped, anything whose answer is late. */
const REPEATS = { NEVER: 0, STOPPED: 1, ALWAYS: 2 };

const REPEATS_OF = new Map([
  ['plain read', REPEATS.ALWAYS],
  ['plain write', REPEATS.STOPPED],
]);

/** `pace`: of a text, as the engine tells it. */
const repeatsOf = (pace) => REPEATS_OF.get(pace) ?? REPEATS.NEVER;

/** In periods: to run a short read once more costs little. */
const PATIENCE = 1;

class Ahead extends Waiter {
  #request;
  #wire;
  #query = null;
  #error = null;
  #result = undefined;
  #isGranted = false;
  #isRefused = false;
  /** What it is told that was refused a connection, unless it has an answer. */
  #refusal = null;
  /** It has run, or will, without this one. */
  #isLeft = false;

  /**
   * `wire`: that it is sent over. Of the request: `repeats`, the `wire` of the connection it has got,
   * what that was `lost` by, whether an error is `isOfConnection` or says that it `wasStopped`,
   * `stalls`.
   */
  constructor(request, wire) {
    super();
    this.#request = request;
    this.#wire = wire;
    this.isOver = false;
  }

  get wire() {
    return this.#wire;
  }

  /** By `start(answer)`, which gives what was sent, or null where it cannot be. */
  send(start) {
    try {
      const sent = start((error, result) => this.#handleAnswer(error, result));
      this.#query = sent;
      return sent !== null;
    } catch {
      // It is told of what is wrong with it when it is its turn.
      return false;
    }
  }

  #handleAnswer(error, result) {
    if (this.#isLeft) return;
    if (error && this.#request.wasStopped(error)) {
      this.#handleStop();
      return;
    }
    if (error && this.#mayGoAgain(error)) {
      this.#leave(false);
      return;
    }
    this.isOver = true;
    this.#error = error;
    this.#result = result;
    this.#unwatch();
    this.#tell();
  }

  /** It has done nothing, as the server says. */
  #handleStop() {
    const { lost } = this.#request;
    if (!this.#isRefused && lost === undefined) {
      this.#leave(true);
      return;
    }
    this.#isLeft = true;
    this.#unwatch();
    if (this.#isRefused) this.#request.finishRefused(this.#refusal);
    else this.#request.end(lost);
  }

  grant() {
    this.#isGranted = true;
    if (!this.isOver) this.#watch();
    this.#tell();
  }

  /** Whoever asked for a read hears why; anything else may have run. */
  refuse(error) {
    if (this.#request.repeats === REPEATS.ALWAYS) {
      this.#isLeft = true;
      this.#request.finish(error);
      return;
    }
    this.#isRefused = true;
    this.#refusal = error;
    if (!this.isOver) this.#watch();
    this.#tell();
  }

  #watch() {
    const { repeats, stalls } = this.#request;
    if (repeats === REPEATS.ALWAYS) stalls.add(this, PATIENCE);
    else if (repeats === REPEATS.STOPPED) stalls.add(this, PATIENCE_STOPPING);
  }

  #unwatch() {
    if (this.#isGranted || this.#isRefused) this.#request.stalls.delete(this);
  }

  /** It has a connection of its own, where it would run: what it is behind is nothing to it. */
  handleStall() {
    const { repeats, wire, lost } = this.#request;
    if (repeats === REPEATS.ALWAYS && lost !== undefined) {
      this.#isLeft = true;
      this.#request.end(lost);
    } else if (wire !== this.#wire || !this.#wire.isFirst(this.#query)) {
      if (repeats === REPEATS.ALWAYS) this.#leave(false);
      else this.#stop();
    }
  }

  /** It is to be the only one that waits for whatever it is that takes so long. */
  #stop() {
    this.#wire.interrupt();
    this.#watch();
  }

  #leave(wasStopped) {
    this.#isLeft = true;
    this.#unwatch();
    this.#request.sendAgain(this.#isGranted, wasStopped);
  }

  /** Else its connection would have been another one, and the loss of this one nothing to it. */
  #mayGoAgain(error) {
    const { repeats, wire, lost } = this.#request;
    if (repeats !== REPEATS.ALWAYS || wire === this.#wire || lost !== undefined) return false;
    return this.#request.isOfConnection(error);
  }

  #tell() {
    if (!this.isOver) return;
    if (this.#isGranted) this.#request.end(this.#error, this.#result);
    else if (this.#isRefused) this.#request.finishRefused(this.#error, this.#result);
  }
}

module.exports = { Ahead, REPEATS, repeatsOf };
