'use strict';

/**
 * Which statements of a pool may go over a connection that another one has, as the next ones on its
 * wire, and behind which. By default those which nobody can tell it of, where they are known to be
 * short: plain reads, and INSERTs of a row. What was sent cannot be taken back, but a plain read can
 * run once more, on a connection of its own, and an INSERT that the server has stopped has done
 * nothing: then nobody waits for the locks of a statement that his own has nothing to do with. Reads go
 * behind any short statement, INSERTs only where all could be stopped. With option `pipeline` all
 * short writes go, and nothing is stopped.
 */

const { paceOf } = require('../../session');
const { REPEATS, repeatsOf } = require('../../sharing/ahead');

/** Longer texts are rarely short statements, and cost much to be told from others. */
const LENGTH_MAX = 4_096;

class Sharing {
  #always;

  constructor({ connectionConfig, pipeline }) {
    this.#always = pipeline === true;
    // With the program's own way to write values nobody knows what becomes of a text.
    this.isOff = pipeline === false || typeof connectionConfig.queryFormat === 'function';
  }

  /** Of `pool.query`. */
  examineQuery(statement) {
    const { command } = statement;
    const { sql, values, timeout, onResult } = command;
    if (this.isOff || timeout || typeof onResult !== 'function') return;
    if (!isShort(sql) || !isPlainList(values)) return;
    command.template = sql;
    this.#examine(statement, sql);
  }

  /** Of `pool.execute`. */
  examineExecute(statement) {
    const { sql: given, values } = statement;
    if (this.isOff || (given !== null && typeof given === 'object' && given.timeout)) return;
    const text = typeof given === 'string' ? given : given?.sql;
    // Names in it would be marks by the time it is known.
    if (!isShort(text) || (values && !Array.isArray(values)) || given.values) return;
    statement.isKnown = true;
    this.#examine(statement, text);
  }

  #examine(statement, text) {
    const pace = paceOf(text);
    if (pace === undefined) return;
    statement.pace = pace;
    statement.repeats = this.#repeatsOf(pace);
    statement.maySend = statement.repeats !== REPEATS.NEVER || this.#always;
  }

  #repeatsOf(pace) {
    const repeats = repeatsOf(pace);
    return this.#always && repeats === REPEATS.STOPPED ? REPEATS.NEVER : repeats;
  }
}

const isShort = (text) => typeof text === 'string' && text.length <= LENGTH_MAX;

/** Whether values become texts and numbers, and nothing that a program words itself. */
function isPlainList(values) {
  if (values === undefined || values === null) return true;
  if (!Array.isArray(values)) return isPlainValue(values);
  for (let at = 0; at < values.length; at++) if (!isPlainValue(values[at])) return false;
  return true;
}

function isPlainValue(value) {
  if (value === null) return true;
  if (typeof value === 'object') return value instanceof Date || Buffer.isBuffer(value);
  return typeof value !== 'function';
}

module.exports = { Sharing };
