'use strict';
// Clients on the test server that are ended after each test, and what the tests ask of them.

const { ROLES, DATABASE } = require('../../support/server.js');
const { testServer } = require('../../support/urls.js');

/** Where the test server is, for `new Client`. */
function config({ user = 'nopass', ...rest } = {}) {
  const { host, port } = testServer();
  const password = ROLES[user]?.password ?? undefined;
  return { host, port, user, password, database: DATABASE, ...rest };
}

const open = new Set();

/** Ends the client when the test is over, in whatever state it then is. */
function track(client) {
  open.add(client);
  return client;
}

afterEach(async () => {
  const ending = [...open];
  open.clear();
  for (const client of ending) {
    client.on('error', () => {}); // of a session that the test has broken
    await client.end();
  }
});

/** A client that is not connected yet. */
const make = ({ Client }, options) => track(new Client(config(options)));

async function connect(pg, options) {
  const client = make(pg, options);
  await client.connect();
  return client;
}

/** The names of these events in the order in which they come. */
function record(emitter, names, seen = []) {
  for (const name of names) emitter.on(name, () => seen.push(name));
  return seen;
}

const DRAINED = ['connect', 'drain', 'error', 'end'];

const { env } = process;
const VARIABLES = Object.keys(env).filter((name) => /^PG[A-Z]+$/.test(name));

/** Runs with these variables of PostgreSQL and no others. */
function withEnvironment(variables, run) {
  const before = Object.fromEntries(VARIABLES.map((name) => [name, env[name]]));
  for (const name of VARIABLES) delete env[name];
  Object.assign(env, variables);
  try {
    return run();
  } finally {
    for (const name of Object.keys(variables)) delete env[name];
    Object.assign(env, before);
  }
}

/** What a callback is called with, as an array. */
function called(start) {
  return new Promise((resolve) => start((...given) => resolve(given)));
}

/** The only row of a query, as an array of its values. */
async function values(client, text, parameters) {
  const query = { text, values: parameters, rowMode: 'array' };
  const { rows } = await client.query(query);
  expect(rows).toHaveLength(1);
  return rows[0];
}

const value = async (client, text, parameters) => (await values(client, text, parameters))[0];

/** Resolves with the event 'end', whatever errors come before it. */
const ended = (client) => new Promise((resolve) => client.once('end', resolve));

module.exports = {
  DRAINED,
  called,
  config,
  connect,
  ended,
  make,
  record,
  track,
  value,
  values,
  withEnvironment,
};
