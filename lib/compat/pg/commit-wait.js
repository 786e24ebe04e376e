'use strict';

/**
 * A commit that waits for a synchronous standby is done all the same when the server is told to stop
 * waiting, and says so by a warning. Who asked is told nothing before the standby has it: what commits
 * later waits for that, too.
 */

const types = require('pg-types');
const { isLost } = require('./errors');

/** Of the server, which words its warnings in its language. */
const ROUTINE = 'SyncRepWaitForLSN';
/** Writes something, which has to be on the standby like any other, and changes nothing. */
const LATER = `select pg_logical_emit_message(true, 'polypool', '')`;
const OPTIONS = { types, decoded: true, binary: false, simple: true, name: undefined };

class CommitWait {
  #session;
  /** The commit that ended last may not be on the standby. */
  #isDoubtful = false;

  constructor(session) {
    this.#session = session;
  }

  noteNotice({ routine }) {
    if (routine === ROUTINE) this.#isDoubtful = true;
  }

  /** False where the commit that just ended is where it has to be; else `over()` follows, once. */
  begin(over) {
    if (!this.#isDoubtful) return false;
    this.#isDoubtful = false;
    this.#wait(over);
    return true;
  }

  #wait(over) {
    const owner = {
      done: () => this.begin(over) || over(),
      failed: (error) => {
        if (error.interrupted) this.#wait(over);
        // Else the end of the connection follows, of which those hear who are on it.
        else if (!isLost(error)) over();
      },
    };
    this.#session.query(owner, LATER, undefined, OPTIONS);
  }
}

module.exports = { CommitWait };
