'use strict';

/**
 * What the name of a server stands for. Node looks it up rather than the engine: programs know its
 * errors, choose its order of addresses, and replace its `lookup`.
 */

const dns = require('node:dns');
const net = require('node:net');

/** Rejects with Node's error (ENOTFOUND). `addresses` is empty where nothing is looked up. */
async function lookUp(host) {
  if (host.startsWith('/')) return [];
  if (net.isIP(host) !== 0) return [host];
  const all = net.getDefaultAutoSelectFamily();
  const found = await lookup(host, { all });
  return all ? alternating(found) : [found];
}

/** By callback, and looked up at each call: that is what programs replace. */
function lookup(host, options) {
  return new Promise((resolve, reject) => {
    dns.lookup(host, options, (error, found) => (error ? reject(error) : resolve(found)));
  });
}

/** One of each family in turn, as Node tries them, beginning with that of the first. */
function alternating(found) {
  const [first] = found;
  const same = found.filter(({ family }) => family === first.family);
  const other = found.filter(({ family }) => family !== first.family);
  const pairs = Array.from({ length: Math.max(same.length, other.length) }, (_, i) => [
    same[i],
    other[i],
  ]);
  return pairs.flat().flatMap((it) => it?.address ?? []);
}

module.exports = { lookUp };
