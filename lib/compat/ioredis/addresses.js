'use strict';

/**
 * What the name of a server stands for. Node looks it up rather than the engine: programs know its
 * errors, choose its order of addresses, and replace its `lookup`.
 */

const dns = require('node:dns');
const net = require('node:net');

/** Rejects with Node's error (ENOTFOUND). `family` is 4, 6, or 0 for any. */
async function lookUp(host, family = 0) {
  if (net.isIP(host) !== 0) return [host];
  const all = net.getDefaultAutoSelectFamily();
  const found = await lookup(host, { all, family });
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
  const isFirst = ({ family }) => family === found[0].family;
  const same = found.filter(isFirst);
  const other = found.filter((it) => !isFirst(it));
  const ordered = [];
  for (let i = 0; i < Math.max(same.length, other.length); i++) {
    for (const it of [same[i], other[i]]) if (it !== undefined) ordered.push(it.address);
  }
  return ordered;
}

module.exports = { lookUp };
