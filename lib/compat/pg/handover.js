'use strict';

/**
 * A client whose wire others' queries are on goes to the next one when they are answered: who has a
 * client waits for nothing but his own statements.
 */

const { WIRE } = require('./queries');

/** In periods: a client is replaced only where nobody could wait any longer. */
const PATIENCE = 10;

class Handover {
  #handovers;
  #client;
  #clear;
  #stuck;
  #isOver = false;

  constructor(handovers, client, clear, stuck) {
    this.#handovers = handovers;
    this.#client = client;
    this.#clear = clear;
    this.#stuck = stuck;
    this.wire = client[WIRE];
  }

  handleClear() {
    const { _queryable: isQueryable, _ending: isEnding, _ended: isEnded } = this.#client;
    this.#settle(isQueryable && !isEnding && !isEnded ? this.#clear : this.#stuck);
  }

  handleStall() {
    this.#settle(this.#stuck);
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
  #underWay = new Set();

  constructor(stalls) {
    this.#stalls = stalls;
  }

  get size() {
    return this.#underWay.size;
  }

  delete(handover) {
    this.#underWay.delete(handover);
    this.#stalls.delete(handover);
  }

  /** Calls `clear`, or `stuck` where the client is not to be had in time, or is lost. */
  prepare({ client }, clear, stuck) {
    // Of the application's own class, maybe.
    if (!(client[WIRE]?.shared > 0)) {
      clear();
      return;
    }
    const handover = new Handover(this, client, clear, stuck);
    this.#underWay.add(handover);
    this.#stalls.add(handover, PATIENCE);
    handover.wire.afterShared(() => handover.handleClear());
  }
}

module.exports = { Handovers };
