'use strict';

/** Quoting for SQL text, for where a parameter cannot stand. */

const { PoolError } = require('./errors');

function escapeIdentifier(name) {
  check(name, 'an identifier');
  return '"' + name.replaceAll('"', '""') + '"';
}

/**
 * With a backslash inside it takes the E'' form, which means the same under either setting of
 * standard_conforming_strings. The space before keeps the E from joining a preceding word.
 */
function escapeLiteral(text) {
  check(text, 'a literal');
  const quoted = "'" + text.replaceAll("'", "''") + "'";
  return text.includes('\\') ? ' E' + quoted.replaceAll('\\', '\\\\') : quoted;
}

function check(text, what) {
  if (typeof text !== 'string') {
    throw new PoolError('ERR_POLYPOOL_PARAMETER', `${what} must be a string, not ${typeof text}`);
  }
  if (text.includes('\0')) {
    throw new PoolError('ERR_POLYPOOL_PARAMETER', `${what} cannot contain a NUL character`);
  }
}

module.exports = { escapeIdentifier, escapeLiteral };
