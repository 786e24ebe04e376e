'use strict';

/** The answer to a query that was sent before it was its turn, and what became of its wait. */

const { DatabaseError } = require('pg-protocol');
const { WIRE } = require('./queries');

/** With these the server ends a connection, in whatever language it says how severe that is. */
const ENDING = /^(?:08|57P|25P0[34])/;

/** In periods: to run a short read once more costs little. */
const PATIENCE = 1;

class Ahead {
  #request;
  #client;
  #query = null;
  #error = null;
  #result = undefined;
  #isGranted = false;
  #isRefused = false;
  /** It has run, or will, without this one. */
  #isLeft = false;

  /** `client`: that it is sent over. */
  constructor(request, client) {
    this.#request = request;
    this.#client = client;
    this.isOver = false;
  }

  get wire() {
    return this.#client[WIRE];
  }

  get #stalls() {
    return this.#request.pool.stalls;
  }

  /** By the client's method `how`; false where it cannot be sent. */
  send(how) {
    const { text, values } = this.#request;
    const answer = (error, result) => this.#handleAnswer(error, result);
    try {
      const sent = this.#client[how](text, values, answer);
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
    if (this.#isGranted) this.#stalls.delete(this);
    this.#tell();
  }

  grant() {
    this.#isGranted = true;
    if (!this.isOver && this.#request.pace !== undefined) this.#stalls.add(this, PATIENCE);
    this.#tell();
  }

  /** Whoever asked for a read hears why; with `pipeline` it may be a write, and have run. */
  refuse(error) {
    if (this.#request.pace !== undefined) {
      this.#isLeft = true;
      this.#request.finish(error);
      return;
    }
    this.#isRefused = true;
    this.#tell();
  }

  /** It has a client of its own, where with pg it would run: what it is behind is nothing to it. */
  handleStall() {
    const { client, lost } = this.#request;
    if (lost !== undefined) {
      this.#isLeft = true;
      this.#request.end(lost);
    } else if (client !== this.#client || !this.wire.isFirst(this.#query)) {
      this.#leave();
    }
  }

  #leave() {
    this.#isLeft = true;
    if (this.#isGranted) this.#stalls.delete(this);
    this.#request.sendAgain(this.#isGranted);
  }

  /** With pg its client would have been another one, and the loss of this one nothing to it. */
  #mayGoAgain(error) {
    const { pace, client, lost } = this.#request;
    if (pace === undefined || client === this.#client || lost !== undefined) return false;
    if (!(error instanceof DatabaseError)) return true;
    return error.severity === 'FATAL' || error.severity === 'PANIC' || ENDING.test(error.code);
  }

  #tell() {
    if (!this.isOver) return;
    if (this.#isGranted) this.#request.end(this.#error, this.#result);
    else if (this.#isRefused) this.#request.finish(this.#error, this.#result);
  }
}

module.exports = { Ahead };
