'use strict';
// Where the run's MariaDB and MySQL servers are, as options of a connection and as URLs. The set-up
// hands their addresses on in the environment.

const { DATABASE, ROLES, SUPERUSER } = require('./mysql-settings.js');

const VARIABLE = 'POLYPOOL_TEST_MYSQL';

/** `kind` is 'mariadb' or 'mysql'. */
function mysqlServer(kind = 'mariadb') {
  const text = process.env[VARIABLE];
  if (!text) throw new Error(`${VARIABLE} is not set: run the tests with "npm test" or jest`);
  return JSON.parse(text)[kind];
}

const passwordOf = (user) => (user === SUPERUSER.user ? SUPERUSER : ROLES[user])?.password;

/** Options as mysql2 spells them; `server` is what describe() of another one gives. */
function mysqlConfig({ kind, server = mysqlServer(kind), user = 'app', ...rest } = {}) {
  const { host, port } = server;
  const password = passwordOf(user) ?? undefined;
  return { host, port, user, password, database: DATABASE, ...rest };
}

/** `query` is what comes behind the question mark. */
function mysqlUrl({ query = '', ...options } = {}) {
  const { user, password, host, port, database } = mysqlConfig(options);
  const secret = password ? `:${encodeURIComponent(password)}` : '';
  const rest = query && `?${query}`;
  return `mysql://${user}${secret}@${host}:${port}/${database}${rest}`;
}

module.exports = { VARIABLE, mysqlConfig, mysqlServer, mysqlUrl };
