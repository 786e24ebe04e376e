'use strict';

/** What may be an argument of a command. */

const { isAnyArrayBuffer } = require('node:util').types;
const { PoolError } = require('../errors');

/** The arguments as the ring takes them; throws on what Redis has no bytes for. */
function readWords(words) {
  if (!Array.isArray(words)) throw wrong('the arguments of a command are an array');
  for (let at = 0; at < words.length; at++) {
    const word = words[at];
    if (typeof word === 'string') continue;
    if (typeof word === 'number' && (word | 0) === word) continue;
    return Array.from(words, readWord);
  }
  return words;
}

/** Fractions and large numbers as JavaScript writes them. */
function readWord(word, at) {
  switch (typeof word) {
    case 'string':
    case 'bigint':
      return word;
    case 'number':
      return String(word);
    default:
      if (ArrayBuffer.isView(word) || isAnyArrayBuffer(word)) return word;
      throw refusal(word, at);
  }
}

function refusal(word, at) {
  const type = word === null ? 'null' : Array.isArray(word) ? 'an array' : `of type ${typeof word}`;
  return wrong(
    `argument ${at + 1} is ${type}: a command takes strings, numbers, bigints, Buffers and ` +
      'typed arrays',
  );
}

function wrong(message) {
  return new PoolError('ERR_POLYPOOL_PARAMETER', message);
}

module.exports = { readWords, wrong };
