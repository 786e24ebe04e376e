'use strict';

/** What may be an argument of a command. */

const { PoolError } = require('../errors');

/** Throws on arguments that Redis has no bytes for. */
function checkWords(command, words) {
  if (!Array.isArray(words)) {
    const message = `the arguments of ${command} must be an array, not ${nameOf(words)}`;
    throw new PoolError('ERR_POLYPOOL_PARAMETER', message);
  }
  for (let at = 0; at < words.length; at++) {
    const word = words[at];
    if (typeof word !== 'string' && !isWord(word)) throw refused(command, at, word);
  }
}

function isWord(word) {
  const type = typeof word;
  return type === 'number' || type === 'bigint' || word instanceof Uint8Array;
}

function refused(command, at, word) {
  const message =
    `argument ${at + 1} of ${command} is ${nameOf(word)}: ` +
    'strings, numbers, bigints and bytes are what Redis takes';
  return new PoolError('ERR_POLYPOOL_PARAMETER', message);
}

function nameOf(value) {
  if (value === null || value === undefined || typeof value === 'boolean') return String(value);
  if (Array.isArray(value)) return 'an array';
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`;
}

/** Keys and arguments, after the count of keys. */
function wordsOf(keys, args) {
  return [keys.length, ...keys, ...args];
}

module.exports = { checkWords, wordsOf };
