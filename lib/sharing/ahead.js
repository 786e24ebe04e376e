'use strict';

/** The answer to a query that was sent before it was its turn, and what became of its wait. */

/** In periods: to run a short read once more costs little. */
const PATIENCE = 1;

class Ahead {
  #request;
  #wire;
  #query = null;
  #error = null;
  #result = undefined;
  #isGranted = false;
  #isRefused = false;
  /** It has run, or will, without this one. */
  #isLeft = false;

  /**
   * `wire`: that it is sent over. Of the request: whether it `mayRunAgain`, the `wire` of the
   * connection it has got, what that was `lost` by, whether an error is `isOfConnection`, `stalls`.
   */
  constructor(request, wire) {
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
    if (error && this.#mayGoAgain(error)) {
      this.#leave();
      return;
    }
    this.isOver = true;
    this.#error = error;
    this.#result = result;
    if (this.#isGranted) this.#request.stalls.delete(this);
    this.#tell();
  }

  grant() {
    this.#isGranted = true;
    if (!this.isOver && this.#request.mayRunAgain) this.#request.stalls.add(this, PATIENCE);
    this.#tell();
  }

  /** Whoever asked for a read hears why; with `pipeline` it may be a write, and have run. */
  refuse(error) {
    if (this.#request.mayRunAgain) {
      this.#isLeft = true;
      this.#request.finish(error);
      return;
    }
    this.#isRefused = true;
    this.#tell();
  }

  /** It has a connection of its own, where it would run: what it is behind is nothing to it. */
  handleStall() {
    const { wire, lost } = this.#request;
    if (lost !== undefined) {
      this.#isLeft = true;
      this.#request.end(lost);
    } else if (wire !== this.#wire || !this.#wire.isFirst(this.#query)) {
      this.#leave();
    }
  }

  #leave() {
    this.#isLeft = true;
    if (this.#isGranted) this.#request.stalls.delete(this);
    this.#request.sendAgain(this.#isGranted);
  }

  /** Else its connection would have been another one, and the loss of this one nothing to it. */
  #mayGoAgain(error) {
    const { mayRunAgain, wire, lost } = this.#request;
    if (!mayRunAgain || wire === this.#wire || lost !== undefined) return false;
    return this.#request.isOfConnection(error);
  }

  #tell() {
    if (!this.isOver) return;
    if (this.#isGranted) this.#request.end(this.#error, this.#result);
    else if (this.#isRefused) this.#request.finish(this.#error, this.#result);
  }
}

module.exports = { Ahead };
