'use strict';

/** SCAN and its kin as async iterators. */

const { SCAN, checkOptions } = require('../options');
const { doubleOf } = require('./replies');
const { readWords } = require('./words');

/** What an item of the reply consists of. */
const PAIRS = { HSCAN: (field, value) => [field, value], ZSCAN: scored };

/** Scores are texts in this reply, whatever the protocol. */
function scored(member, score) {
  return [member, doubleOf(String(score))];
}

async function* scan(run, command, key, options = {}) {
  checkOptions(SCAN[command], options);
  const { match, count, type, noValues = false, ...call } = options;
  const words = [];
  if (match !== undefined) words.push('MATCH', match);
  if (count !== undefined) words.push('COUNT', count);
  if (type !== undefined) words.push('TYPE', type);
  if (noValues) words.push('NOVALUES');
  const pair = noValues ? undefined : PAIRS[command];
  const at = command === 'SCAN' ? [] : readWords([key]);
  let cursor = '0';
  do {
    const [next, items] = await run(command, [...at, cursor, ...words], call);
    cursor = String(next);
    if (pair === undefined) yield* items;
    else for (let i = 0; i < items.length; i += 2) yield pair(items[i], items[i + 1]);
  } while (cursor !== '0');
}

module.exports = { scan };
