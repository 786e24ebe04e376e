'use strict';

/** What a pool's statements send over a connection that another one of them has. */

const { SharedQueries } = require('../../sharing/wires');
const { clock } = require('../../tick');

/** No transaction is open. */
const IDLE = 'I'.charCodeAt(0);

class SharedWire {
  #connection;
  #queries = new SharedQueries();
  /** When it was given something to do, or had last done something. */
  progressedAt = 0;
  /** What is on the wire is being stopped, or was, to run again alone. */
  isInterrupted = false;

  constructor(connection) {
    this.#connection = connection;
  }

  get shared() {
    return this.#queries.size;
  }

  note() {
    this.progressedAt = clock();
  }

  /** The command that has the connection goes out, with nothing of others before it. */
  begin() {
    this.isInterrupted = false;
    this.note();
  }

  /** See `SharedQueries`. */
  get mayCut() {
    return this.#queries.mayCut;
  }

  get mayStop() {
    return this.#connection._session?.stops === true;
  }

  /** Has the server stop all that is on the wire; false where nothing there has to be stopped so. */
  interrupt() {
    if (this.#queries.mayCut) return false;
    const gathering = this.#queries.last;
    this.isInterrupted = true;
    gathering.session.interrupt(gathering.number, gathering);
    return true;
  }

  /** Whether it is the only one on the wire, or the first of several. */
  isFirst(query) {
    return this.#connection._command === null && this.#queries.isFirst(query);
  }

  /** Calls back once those that were sent behind others are answered. */
  afterShared(callback) {
    this.#queries.afterAll(callback);
  }

  /**
   * Sends a command at once, which `answer(wire, results, isThrown)` hears of; null where it has to
   * wait for its turn. `isInsert`: it may be stopped.
   */
  share(command, answer, isInsert) {
    const connection = this.#connection;
    const { _command: running, _commands: waiting, _session: session } = connection;
    if (connection._closing || connection._paused || waiting.length > 0) return null;
    // What runs may have left a transaction open, or want more than its answer.
    if (!session?.isOpen || session.status !== IDLE) return null;
    if (running !== null && running._pooled === null) return null;
    const heard = (wire, results, isThrown) => {
      this.#settle(query);
      answer(wire === null ? null : { wire, isThrown }, results);
    };
    const query = command.sendOver(connection, heard);
    if (query === null) return null;
    if (running === null && this.shared === 0) this.note();
    this.#queries.add(query, query, isInsert);
    return query;
  }

  #settle(query) {
    this.note();
    this.#queries.settle(query);
    if (this.shared === 0 && this.#connection._command === null) this.isInterrupted = false;
  }
}

module.exports = { IDLE, SharedWire };
