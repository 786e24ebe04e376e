'use strict';
// What most test files need: pools on the test server that are closed after each test, an
// independent look at the server through another driver, and names nobody else uses.

const { randomBytes } = require('node:crypto');
const { Client } = require('pg');
const { url } = require('./urls.js');

/** Loaded when asked for: under resetModules every test gets its own copy of lib/. */
const load = () => require('../../index.js');

const open = new Set();

function track(closable) {
  open.add(closable);
  return closable;
}

/** A pool that is closed when the test is over. `target` goes to url() in urls.js. */
async function openPool(options = {}, target = {}) {
  return track(await load().createPool(url(target), options));
}

function lazyPool(options = {}, target = {}) {
  return track(new (load().Pool)(url(target), options));
}

async function openConnection(options = {}, target = {}) {
  return track(await load().connect(url(target), options));
}

afterEach(async () => {
  const closing = [...open].map((closable) => closable.close({ timeoutMs: 0 }));
  open.clear();
  await Promise.all(closing);
});

let observer = null;

/** Runs a statement as the superuser through pg, outside of any pool; resolves to the rows. */
async function observe(text, values) {
  if (!observer) {
    observer = new Client({ connectionString: url({ role: 'postgres' }) });
    observer.on('error', () => {});
    await observer.connect();
  }
  const { rows } = await observer.query(text, values);
  return rows;
}

afterAll(async () => {
  await observer?.end();
  observer = null;
});

/** Ends a server process and waits until it is gone from the server's list. */
async function terminateBackend(processId) {
  await observe('select pg_terminate_backend($1, 10000)', [processId]);
}

const unique = (prefix) => `${prefix}_${randomBytes(6).toString('hex')}`;

/** The error a promise rejects with; fails when it resolves. */
async function rejection(promise) {
  let value;
  try {
    value = await promise;
  } catch (error) {
    return error;
  }
  throw new Error(`expected a rejection, got ${JSON.stringify(value)}`);
}

/** Resolves when `read` gives something truthy. For states that no event announces. */
async function until(read, what = read.toString()) {
  const deadline = process.hrtime.bigint() + 20_000_000_000n;
  for (;;) {
    const value = await read();
    if (value) return value;
    if (process.hrtime.bigint() > deadline) throw new Error(`never came true: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

/** A promise with its handles outside. */
function deferred() {
  let resolve;
  let reject;
  const promise = new Promise((...handles) => ([resolve, reject] = handles));
  return { promise, resolve, reject };
}

module.exports = {
  load,
  track,
  openPool,
  lazyPool,
  openConnection,
  observe,
  terminateBackend,
  unique,
  rejection,
  until,
  deferred,
};
