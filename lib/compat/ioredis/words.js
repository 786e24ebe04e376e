'use strict';

/** The words of a command: what programs give as arguments, and what goes over the wire. */

/** Of a Map or an object, name and value in turn. */
function pairsOf(given) {
  const entries = given instanceof Map ? given : Object.entries(given);
  const pairs = [];
  for (const [name, value] of entries) pairs.push(name, value);
  return pairs;
}

const isObject = (value) => typeof value === 'object' && value !== null;

/** Pairs may be given as one object: of MSET as its only argument, of HSET after its key. */
const expandSet = (args) => (args.length === 1 && isObject(args[0]) ? pairsOf(args[0]) : args);
const expandHash = (args) =>
  args.length === 2 && isObject(args[1]) ? [args[0], ...pairsOf(args[1])] : args;

/** By the name of the command, which may be any text. */
const ARGUMENTS = {
  __proto__: null,
  mset: expandSet,
  msetnx: expandSet,
  hset: expandHash,
  hmset: expandHash,
};

function toWord(value) {
  if (value === null || value === undefined) return '';
  // Whole, where a number's own text has an exponent.
  if (Number.isInteger(value) && !Number.isSafeInteger(value)) return BigInt(value).toString();
  return String(value);
}

/** Makes texts of all but texts and Buffers, in place. */
function writeWords(args) {
  for (let i = 0; i < args.length; i++) {
    const word = args[i];
    if (typeof word !== 'string' && !(word instanceof Buffer)) args[i] = toWord(word);
  }
}

/** What puts a prefix before a key, in the form that the key has. */
function prefixer(prefix) {
  const bytes = prefix instanceof Buffer ? prefix : null;
  return (key) => {
    if (key instanceof Buffer) return Buffer.concat([bytes ?? Buffer.from(prefix), key]);
    return bytes === null ? prefix + key : Buffer.concat([bytes, Buffer.from(String(key))]);
  };
}

module.exports = { ARGUMENTS, isObject, pairsOf, prefixer, toWord, writeWords };
