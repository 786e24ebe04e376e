'use strict';

/**
 * Who of a pool's statements may go over a connection that another one has: those in line for one,
 * while nobody holds a connection whose locks they might wait for.
 */

const { REPEATS } = require('../../sharing/ahead');
const { takeOut } = require('../../sharing/take-out');
const { chooseWire } = require('../../sharing/wires');

class Line {
  #sharing;
  /** What the pool knows of the connections that its own statements have, and how many others have. */
  #queried = [];
  #holders = 0;
  /** How many wait without having been sent over somebody else's connection. */
  #length = 0;
  /** How many have a connection and begin in this tick, and who waits for that to go behind them. */
  #beginning = 0;
  #unsent = [];

  constructor(sharing) {
    this.#sharing = sharing;
  }

  /** `statement`: of the pool's own, or null. */
  lent(member, statement) {
    member.running = statement;
    if (statement === null) this.#holders++;
    else this.#queried.push(member);
  }

  givenBack(member) {
    member.running = null;
    if (!takeOut(this.#queried, member)) this.#holders--;
  }

  enter(request) {
    request.isInLine = true;
    this.#length++;
  }

  leave(request) {
    if (!request.isInLine) return;
    request.isInLine = false;
    this.#length--;
  }

  /** Sends the last one in line ahead of its turn, if it may; `isSingle`: of one connection. */
  offer(statement, isSingle) {
    if (!statement.maySend || !statement.isInLine) return;
    if (this.#beginning > 0) this.#unsent.push({ statement, place: this.#length, isSingle });
    else this.#send(statement, this.#length, isSingle);
  }

  #send(statement, place, isSingle) {
    // What somebody who holds a connection has locked, a statement may wait for, and those behind it.
    if (this.#sharing.isOff || this.#holders > 0) return;
    // A single connection has an order, which programs rely on.
    if (isSingle && place > 1) return;
    const member = chooseWire(this.#queried, statement.repeats === REPEATS.STOPPED);
    if (member === null) return;
    statement.sendAhead(member.connection);
    if (statement.ahead !== null) this.leave(statement);
  }

  /** A statement has a connection; `hasBegun` follows. */
  willBegin() {
    this.#beginning++;
  }

  /** Those that came before all of them had begun go behind them. */
  hasBegun() {
    if (--this.#beginning > 0 || this.#unsent.length === 0) return;
    const unsent = this.#unsent;
    this.#unsent = [];
    let sent = 0;
    for (const { statement, place, isSingle } of unsent) {
      if (!statement.isInLine) continue;
      this.#send(statement, place - sent, isSingle);
      if (!statement.isInLine) sent++;
    }
  }
}

module.exports = { Line };
