'use strict';
// Connections to the test servers that are closed after each test, and what the tests ask of them.

const { once } = require('node:events');
const { mysqlConfig } = require('../../support/mysql.js');
const { SUPERUSER } = require('../../support/mysql-settings.js');

const open = new Set();

/** Closes the connection, pool or cluster when the test is over, in whatever state it then is. */
function track(closable) {
  open.add(closable);
  return closable;
}

afterEach(async () => {
  const closing = [...open];
  open.clear();
  await Promise.all(closing.map(close));
});

async function close(closable) {
  closable.on('error', () => {}); // of a session that the test has broken
  if (closable.destroy) closable.destroy();
  else if (!closable._closed) await called((done) => closable.end(done));
}

/** A connection that may not be connected yet; `kind` is that of the server. */
const make = (mysql, options) => track(mysql.createConnection(mysqlConfig(options)));

async function connect(mysql, options) {
  const connection = make(mysql, options);
  await once(connection, 'connect');
  return connection;
}

/** What a callback is called with, as an array. */
function called(start) {
  return new Promise((resolve) => start((...given) => resolve(given)));
}

function outcome(start) {
  return new Promise((resolve, reject) => {
    start((error, ...results) => (error ? reject(error) : resolve(results)));
  });
}

/** Resolves to what the callback gets besides the error: rows and fields. */
const query = (connection, ...asked) => outcome((done) => connection.query(...asked, done));
const execute = (connection, ...asked) => outcome((done) => connection.execute(...asked, done));

const rows = async (connection, ...asked) => (await query(connection, ...asked))[0];

/** The only value of a query. */
async function value(connection, ...asked) {
  const [all] = await query(connection, ...asked);
  expect(all).toHaveLength(1);
  const values = Object.values(all[0]);
  expect(values).toHaveLength(1);
  return values[0];
}

/** The only value of a statement by the binary protocol. */
async function executed(connection, ...asked) {
  const [all] = await execute(connection, ...asked);
  expect(all).toHaveLength(1);
  return Object.values(all[0])[0];
}

/** The names of these events in the order in which they come. */
function record(emitter, names, seen = []) {
  for (const name of names) emitter.on(name, () => seen.push(name));
  return seen;
}

/** Resolves with the error that the callback is given. */
async function failure(start) {
  const [error] = await called(start);
  expect(typeof error?.message).toBe('string');
  return error;
}

const observers = new Map();

/** Runs a statement as the superuser, outside of what is tested; resolves to the rows. */
async function observe(kind, sql, values) {
  if (!observers.has(kind)) {
    const { createConnection } = require('mysql2/promise');
    observers.set(kind, await createConnection(mysqlConfig({ kind, user: SUPERUSER.user })));
  }
  return (await observers.get(kind).query(sql, values))[0];
}

afterAll(async () => {
  await Promise.all([...observers.values()].map((observer) => observer.end()));
  observers.clear();
});

module.exports = {
  called,
  connect,
  execute,
  executed,
  failure,
  make,
  observe,
  outcome,
  query,
  record,
  rows,
  track,
  value,
};
