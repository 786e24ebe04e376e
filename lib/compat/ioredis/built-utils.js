'use strict';

/** Of `ioredis/built/utils` what other packages reach for. */

const { CLOSED } = require('./errors');
const { fill } = require('./fill');
const { decode } = require('./reply-shapes');
const { resultsOf } = require('./transaction');
const { isInt, parseURL } = require('./url');
const { pairsOf, toWord } = require('./words');

/** Names and values in turn, as an object. */
function packObject(array) {
  const object = {};
  for (let i = 0; i + 1 < array.length; i += 2) object[array[i]] = array[i + 1];
  return object;
}

module.exports = {
  CONNECTION_CLOSED_ERROR_MSG: CLOSED,
  convertBufferToString: decode,
  convertMapToArray: pairsOf,
  convertObjectToArray: pairsOf,
  defaults: fill,
  isInt,
  noop: () => {},
  packObject,
  parseURL,
  toArg: toWord,
  wrapMultiResult: resultsOf,
};
