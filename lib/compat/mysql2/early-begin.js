'use strict';

/**
 * BEGIN without a round trip of its own. It changes nothing that anybody could see before the next
 * statement, so it is answered at once; the engine holds that statement until BEGIN has been
 * answered, and does not run it should that fail: then it has BEGIN's error.
 *
 * The answer is the one that the server gave to the last BEGIN of the connection: the first one, and
 * the one after a change of what such answers tell, are sent as they come.
 */

const { FLAG } = require('../../records');
const { surface } = require('../../surface');
const { STATUS } = require('./flags');
const { CHANNELS, isHeard } = require('./tracing');
const { IDLE } = require('./wire');

const { nextTick } = process;

/** What begins a transaction without any characteristics. */
const BEGIN = /^\s*(?:begin(?:\s+work)?|start\s+transaction)\s*;?\s*$/i;
const LENGTH_MAX = 40;

/** Of a session, as a character code: in a transaction. */
const OPEN = 'T'.charCodeAt(0);

/** Bits of a status: the answer is to be the same for all BEGINs while these are. */
const SESSION = STATUS.AUTOCOMMIT | STATUS.NO_BACKSLASH_ESCAPES | STATUS.ANSI_QUOTES;

const NONE = { systemVariables: {}, schema: null, gtids: [], trackStateChange: null };

/** A BEGIN whose answer the server has not given yet. */
class Lead {
  /** Its program has given the connection back: nobody else is to hear of it. */
  isLeft = false;
  /** The command whose fate it is. */
  follower = null;

  constructor(command) {
    this.command = command;
  }
}

/** In the place of an exchange: the answer, as soon as its connection is not paused. */
class Answer {
  #connection;
  #command;
  #result;

  constructor(connection, command, result) {
    this.#connection = connection;
    this.#command = command;
    this.#result = result;
  }

  deliver() {
    const connection = this.#connection;
    if (connection._command !== this.#command || connection._paused) return;
    try {
      connection.scope.runInAsyncScope(this.#tell, this);
    } catch (error) {
      surface(error);
    }
  }

  #tell() {
    this.#command.gather([this.#result]);
    this.#command.handleEnd(null, false);
  }
}

class EarlyBegin {
  #connection;
  /** The methods of connections as they are, before programs replace them. */
  #methods;
  /** What the server last answered to a BEGIN, as a result, and its status. */
  #result = null;
  #told = 0;
  /** As of the last OK. */
  #status = 0;
  /** A BEGIN that was sent as it came. */
  #usual = null;
  #lead = null;
  /** Of a BEGIN behind which nothing was sent: of the statement that comes next. */
  #failure = null;
  /** What comes now has waited for its turn: whoever had the turn before hears of that first. */
  isBehind = false;

  constructor(connection, methods) {
    this.#connection = connection;
    this.#methods = methods;
  }

  /** Whether the command, about to be sent with this text, is answered here. */
  answers(command, text) {
    const connection = this.#connection;
    // What ends a transaction comes here as well, and is not looked at.
    if (connection._session.status !== IDLE) return false;
    if (text.length > LENGTH_MAX || !BEGIN.test(text)) return false;
    const mayAnswer = !this.isBehind && this.#isKnown && this.#isPlain;
    if (!mayAnswer || !isUnheard(command) || !isFree(connection)) {
      this.#usual = command;
      return false;
    }
    const lead = new Lead(command);
    const hear = (wire, results) => this.#hear(lead, wire, results);
    command.askAside(connection, text, false, null, hear, FLAG.LEAD);
    connection._session.status = OPEN;
    this.#lead = lead;
    const answer = new Answer(connection, command, this.#result);
    command._exchange = answer;
    nextTick(() => answer.deliver());
    return true;
  }

  get #isKnown() {
    return this.#result !== null && ((this.#status ^ this.#told) & SESSION) === 0;
  }

  /** Nobody has replaced the methods, listens to what they tell, or wants each statement alone. */
  get #isPlain() {
    const { query, addCommand, config } = this.#connection;
    const isOwn = query === this.#methods.query && addCommand === this.#methods.addCommand;
    return isOwn && !isHeard(CHANNELS.query) && config.pipeline !== false;
  }

  /** A command has been told OK by the server. */
  note(command, header, told) {
    const { serverStatus } = header;
    this.#status = serverStatus;
    if (command !== this.#usual) return;
    this.#usual = null;
    const isUsual = mayComeAgain(header);
    this.#result = isUsual ? { info: told, rows: [], fields: [] } : null;
    this.#told = serverStatus;
  }

  /** A command is about to be sent, behind a BEGIN: the flags that it gets. */
  follow(command) {
    const lead = this.#lead;
    if (lead === null) return 0;
    if (lead.isLeft || !command.runsWithin || command._pooled !== null) return 0;
    lead.follower = command;
    return FLAG.WITHIN;
  }

  /** The server has answered. */
  #hear(lead, wire, results) {
    this.#lead = null;
    if (wire === null) {
      if (results[0]?.info !== this.#result?.info) this.#result = null;
      return;
    }
    this.#result = null;
    // The connection tells what else there may be.
    if (wire.kind !== 'database') return;
    this.#connection._session.status = IDLE;
    const error = lead.command.errorOf(wire);
    if (lead.follower !== null) lead.follower.errorOf = () => error;
    else if (!lead.isLeft) this.#failure = error;
  }

  /** The error that a command has instead of being sent, or null. */
  takeFailure(command) {
    const failure = this.#failure;
    if (failure === null || !command.runsWithin) return null;
    this.#failure = null;
    return failure;
  }

  /** The connection is given back to its pool. */
  leave() {
    this.#failure = null;
    if (this.#lead !== null) this.#lead.isLeft = true;
  }

  /** The session begins anew. */
  forget() {
    this.#result = this.#failure = null;
  }
}

/** A transaction is open, and nothing more is told: changes of the session are of one answer alone. */
function mayComeAgain({ serverStatus, stateChanges = NONE }) {
  const { systemVariables, schema, gtids, trackStateChange } = stateChanges;
  const isUnchanged = Object.keys(systemVariables).length === 0 && gtids.length === 0;
  const { IN_READ_ONLY_TRANSACTION, IN_TRANSACTION, MORE_RESULTS } = STATUS;
  // Read only may be the next transaction alone.
  const looked = IN_TRANSACTION | IN_READ_ONLY_TRANSACTION | MORE_RESULTS;
  const isBegun = (serverStatus & looked) === IN_TRANSACTION;
  return isBegun && isUnchanged && schema === null && trackStateChange === null;
}

/** Of a command that nothing else depends on. */
const isUnheard = ({ onResult, timeout, _pooled }) =>
  typeof onResult === 'function' && !timeout && _pooled === null;

/** Nothing is under way but the command that begins. */
function isFree({ _session: session, _paused, _closing, _wire }) {
  return session.isOpen && !_paused && !_closing && _wire.shared === 0;
}

module.exports = { EarlyBegin };
