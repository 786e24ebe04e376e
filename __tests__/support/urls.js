'use strict';
// Where the test server is, as connection URLs. The set-up hands its address on in the environment.

const { ROLES, DATABASE } = require('./server.js');

const VARIABLE = 'POLYPOOL_TEST_SERVER';

function testServer() {
  const text = process.env[VARIABLE];
  if (!text) throw new Error(`${VARIABLE} is not set: run the tests with "npm test" or jest`);
  return JSON.parse(text);
}

/**
 * The URL for a role. TLS is off unless a test asks for it: proxies that cut and corrupt bytes
 * need to see them, and the rest has no use for it.
 */
function url(options = {}) {
  const { role = 'app', server = testServer(), sslmode = 'disable', ...rest } = options;
  const { password = ROLES[role]?.password, database = DATABASE, port = server.port } = rest;
  const secret = password ? `:${encodeURIComponent(password)}` : '';
  const host = rest.host ?? server.host;
  return `postgres://${role}${secret}@${host}:${port}/${database}?sslmode=${sslmode}`;
}

module.exports = { url, testServer, VARIABLE };
