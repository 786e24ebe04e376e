'use strict';

/** Scripts by their digest; the text goes to servers that do not know it yet. */

const { createHash } = require('node:crypto');

/** Digests remembered; beyond that the oldest go. */
const DIGESTS_MAX = 1000;

const digests = new Map();

function digestOf(source) {
  let digest = digests.get(source);
  if (digest === undefined) {
    digest = createHash('sha1').update(source).digest('hex');
    if (digests.size >= DIGESTS_MAX) digests.delete(digests.keys().next().value);
    digests.set(source, digest);
  }
  return digest;
}

/** `words`: the count of keys, keys, arguments. */
async function evaluate(run, source, words, options) {
  const { readOnly = false, ...call } = options ?? {};
  const suffix = readOnly ? '_RO' : '';
  try {
    return await run(`EVALSHA${suffix}`, [digestOf(source), ...words], call);
  } catch (error) {
    if (error?.code !== 'NOSCRIPT') throw error;
  }
  return run(`EVAL${suffix}`, [source, ...words], call);
}

module.exports = { evaluate };
