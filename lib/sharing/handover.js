'use strict';

/**
 * A connection whose wire others' queries are on goes to the next one when they are answered: who has
 * a connection waits for nothing but his own statements.
 */

const { PATIENCE_STOPPING, Waiter } = require('./stalls');

/** In periods: a connection is replaced only where nobody could wait any longer. */
const PATIENCE = 10;

class Handover extends Waiter {
  #handovers;
  #isUsable;
  #clear;
  #stuck;
  #isOver = false;

  constructor(handovers, wire, { isUsable, clear, stuck }) {
    super();
    this.#handovers = handovers;
    this.#isUsable = isUsable;
    this.#clear = clear;
    this.#stuck = stuck;
    this.wire = wire;
  }

  handleClear() {
    this.#settle(this.#isUsable() ? this.#clear : this.#stuck);
  }

  handleStall() {
    if (this.wire.interrupt()) this.#handovers.watch(this);
    else this.#settle(this.#stuck);
  }

  #settle(tell) {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#handovers.delete(this);
    tell();
  }
}

class Handovers {
  #stalls;
  #underWay = 0;

  constructor(stalls) {
    this.#stalls = stalls;
  }

  get size() {
    return this.#underWay;
  }

  /** It is over, for the first and only time. */
  delete(handover) {
    this.#underWay--;
    this.#stalls.delete(handover);
  }

  watch(handover) {
    this.#stalls.add(handover, handover.wire.mayCut ? PATIENCE : PATIENCE_STOPPING);
  }

  /**
   * Calls `clear` once nothing but the connection's own is on its wire; `stuck` where that takes too
   * long, or the connection `isUsable` no more by then.
   */
  prepare(wire, next) {
    const handover = new Handover(this, wire, next);
    this.#underWay++;
    this.watch(handover);
    wire.afterShared(() => handover.handleClear());
  }
}

module.exports = { Handovers };
