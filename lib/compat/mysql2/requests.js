'use strict';

/** The forms in which statements are given, and what is wrong with them. */

let convertNames = null;

/** Text, values and callback, or an object with the first two and options. */
function read(sql, values, callback, defaults) {
  if (typeof sql === 'object') {
    const own = { ...defaults, ...sql, sql: sql.sql, values: sql.values };
    return typeof values === 'function'
      ? { options: own, onResult: values, values: undefined }
      : { options: own, onResult: callback, values };
  }
  if (typeof values === 'function') {
    return { options: { ...defaults, sql, values: undefined }, onResult: values };
  }
  return { options: { ...defaults, sql, values }, onResult: callback };
}

function readQuery(sql, values, callback, config) {
  const { rowsAsArray, infileStreamFactory } = config;
  // Mostly it is a text; copies of objects cost more than all else here.
  if (typeof sql === 'string') {
    const isCallback = typeof values === 'function';
    const given = isCallback ? undefined : values;
    const options = { rowsAsArray, infileStreamFactory, sql, values: given };
    return { options, onResult: isCallback ? values : callback };
  }
  const given = read(sql, values, callback, { rowsAsArray, infileStreamFactory });
  if (given.values !== undefined) given.options.values = given.values;
  return given;
}

/** Throws what the values are refused with. */
function readExecute(sql, values, callback, config) {
  const { infileStreamFactory } = config;
  if (typeof sql === 'string' && Array.isArray(values)) {
    const { namedPlaceholders } = config;
    checkValues(values);
    const options = { infileStreamFactory, sql, values, namedPlaceholders };
    return { options, onResult: callback };
  }
  const given = read(sql, values, callback, { infileStreamFactory });
  if (given.values !== undefined) given.options.values = given.options.values || given.values;
  resolveNames(given.options, config);
  checkValues(given.options.values);
  return given;
}

/** Names in the text become marks, and their object an array; an array is one already. */
function resolveNames(options, config) {
  if (options.namedPlaceholders === undefined) {
    options.namedPlaceholders = config.namedPlaceholders;
  }
  if (!options.namedPlaceholders || Array.isArray(options.values)) return;
  convertNames ??= require('named-placeholders')();
  [options.sql, options.values] = convertNames(options.sql, options.values);
}

function checkValues(values) {
  if (!values) return;
  if (!Array.isArray(values)) {
    throw new TypeError(
      'Bind parameters must be array if namedPlaceholders parameter is not enabled',
    );
  }
  for (let at = 0; at < values.length; at++) {
    const value = values[at];
    // Holes are passed over.
    if (value === undefined && at in values) {
      throw new TypeError(
        'Bind parameters must not contain undefined. To pass SQL NULL specify JS null',
      );
    }
    if (typeof value === 'function') {
      throw new TypeError(
        'Bind parameters must not contain function(s). To pass the body of a function as a string ' +
          'call .toString() first',
      );
    }
  }
}

module.exports = { readExecute, readQuery, resolveNames };
