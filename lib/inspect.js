'use strict';

/** What console.log and `util.inspect` print of pools and connections. */

const { inspect } = require('node:util');

/** `Pool { name: 'main', closed: false }`: these fields, and nothing else of the object. */
function inspected(object, fields, depth, options) {
  const { name } = object.constructor;
  if (depth < 0) return options.stylize(`[${name}]`, 'special');
  return `${name} ${inspect(fields, options)}`;
}

/** The same of a pool: its name and its load. */
function inspectedPool(pool, depth, options) {
  const { name, closed } = pool;
  const { max, total, idle, inUse, connecting, waiting } = pool.stats();
  const load = { max, total, idle, inUse, connecting, waiting };
  return inspected(pool, { name, closed, ...load }, depth, options);
}

module.exports = { inspected, inspectedPool };
