'use strict';

/** What callers may give as a statement: a text, an object with one, or an `sql` template. */

const { PoolError } = require('./errors');
const { checkOptions, configOptions } = require('./options');
const { isFragment, textFor } = require('./sql');

/** Text, values and options, whichever way they were given; throws what is wrong with them. */
function readStatement(call, configCall, text, values, options, dialect) {
  if (typeof text !== 'string') {
    checkStatement(text, values);
    if (!isFragment(text)) options = configOptions(configCall, text, options);
    values = text.values;
    text = isFragment(text) ? textFor(text, dialect) : text.text;
  }
  if (values != null && !Array.isArray(values)) throw notValues();
  if (options !== undefined) checkOptions(call, options);
  return { text, values, options };
}

/** A statement that is not a string: `{ text, values }` and perhaps options. */
function checkStatement(given, values) {
  if (typeof given !== 'object' || given === null || typeof given.text !== 'string') {
    throw notText(given);
  }
  if (values != null) {
    throw new PoolError(
      'ERR_POLYPOOL_PARAMETER',
      'the values belong into the object that has the text',
    );
  }
}

function notText(given) {
  const type = given === null ? 'null' : typeof given;
  return new PoolError('ERR_POLYPOOL_PARAMETER', `the statement must be a string, got ${type}`);
}

function notValues() {
  return new PoolError('ERR_POLYPOOL_PARAMETER', 'the values of a statement must be an array');
}

module.exports = { checkStatement, notValues, readStatement };
