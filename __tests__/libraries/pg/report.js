'use strict';
// How the programs here tell what they observed: one JSON document, and over which pg they ran.

const { once } = require('node:events');

/** Values that JSON has no form for, so that a Date and its text are two things. */
function told(value) {
  if (value instanceof Date) return `Date ${value.toISOString()}`;
  if (Buffer.isBuffer(value)) return `Buffer ${value.toString('hex')}`;
  if (typeof value === 'bigint') return `${value}n`;
  return value;
}

/** A function for JSON.stringify, which asks Date and Buffer for their own form before it calls. */
function replacer(key, value) {
  return told(this[key]) === this[key] ? value : told(this[key]);
}

/** The packages that were loaded under the replaced names, be they the real or the replaced. */
function implementations() {
  const kinds = {
    pg: /[\\/]node_modules[\\/]pg(-pool)?[\\/]/,
    'polypool/pg': /[\\/]lib[\\/]compat[\\/]pg[\\/]/,
    mysql2: /[\\/]node_modules[\\/]mysql2[\\/]/,
    'polypool/mysql2': /[\\/]lib[\\/]compat[\\/]mysql2[\\/]/,
    ioredis: /[\\/]node_modules[\\/]ioredis[\\/]/,
    'polypool/ioredis': /[\\/]lib[\\/]compat[\\/]ioredis[\\/]/,
  };
  const files = Object.keys(require.cache);
  return Object.keys(kinds).filter((name) => files.some((file) => kinds[name].test(file)));
}

/** Runs the work of a program and prints what it resolves to. */
async function report(work) {
  const observed = await work(process.env.DATABASE_URL);
  console.log(JSON.stringify({ implementations: implementations(), observed }, replacer));
}

/** The error a promise rejects with; a promise that resolves is one as well. */
async function failure(promise) {
  const value = await Promise.resolve(promise).catch((error) => ({ error }));
  return value?.error ?? new Error(`resolved to ${JSON.stringify(value)}`);
}

/** What the server said, wherever a library keeps its error. */
async function refusal(promise, sourceOf = (error) => error) {
  const error = sourceOf(await failure(promise));
  const { name, code, severity, constraint, table, column, detail } = error;
  return { name, code, severity, constraint, table, column, detail };
}

/** Counts events of an emitter by name. */
function count(emitter, names) {
  const counts = Object.fromEntries(names.map((name) => [name, 0]));
  for (const name of names) emitter.on(name, () => (counts[name] += 1));
  return counts;
}

/** Resolves when a pool has told that each client it had is gone; `counts` is from `count`. */
async function removed(pool, counts) {
  while (counts.remove < counts.connect) await once(pool, 'remove');
}

module.exports = { report, failure, refusal, count, removed };
