'use strict';

/** Quoting for SQL text, for where a parameter cannot stand. */

const { PoolError } = require('./errors');

/** `engine` as in option `engine`. */
function escapeIdentifier(name, engine) {
  return isMySql(engine) ? quoteIdentifierMySql(name) : quoteIdentifier(name);
}

function quoteIdentifier(name) {
  check(name, 'an identifier');
  return '"' + name.replaceAll('"', '""') + '"';
}

function quoteIdentifierMySql(name) {
  check(name, 'an identifier');
  return '`' + name.replaceAll('`', '``') + '`';
}

/** For MySQL in its default sql_mode, where a backslash escapes. */
function escapeLiteral(text, engine) {
  if (!isMySql(engine)) return quoteLiteral(text);
  check(text, 'a literal');
  return "'" + text.replaceAll('\\', '\\\\').replaceAll("'", "''") + "'";
}

/**
 * With a backslash inside it takes the E'' form, which means the same under either setting of
 * standard_conforming_strings. The space before keeps the E from joining a preceding word.
 */
function quoteLiteral(text) {
  check(text, 'a literal');
  const quoted = "'" + text.replaceAll("'", "''") + "'";
  return text.includes('\\') ? ' E' + quoted.replaceAll('\\', '\\\\') : quoted;
}

function isMySql(engine) {
  if (engine === undefined || engine === 'postgres' || engine === 'postgresql') return false;
  if (engine === 'mysql' || engine === 'mariadb') return true;
  throw new PoolError('ERR_POLYPOOL_PARAMETER', "the engine must be 'postgres' or 'mysql'");
}

function check(text, what) {
  if (typeof text !== 'string') {
    throw new PoolError('ERR_POLYPOOL_PARAMETER', `${what} must be a string, not ${typeof text}`);
  }
  if (text.includes('\0')) {
    throw new PoolError('ERR_POLYPOOL_PARAMETER', `${what} cannot contain a NUL character`);
  }
}

module.exports = { escapeIdentifier, escapeLiteral, quoteIdentifier, quoteIdentifierMySql };
