'use strict';
// Pools of MySQL and MariaDB that are closed after each test; an independent look at the servers.

const { createConnection } = require('mysql2/promise');
const { load, track } = require('./pools.js');
const { mysqlConfig } = require('./mysql.js');
const { SUPERUSER } = require('./mysql-settings.js');

/** Both kinds of server, each of which has to pass. */
const KINDS = ['mariadb', 'mysql'];

/** Options of a connection as this package spells them; in clear unless the test is about TLS. */
function options({ kind = 'mariadb', user, server, ...more } = {}) {
  const { host, port, password, database, user: name } = mysqlConfig({ kind, user, server });
  const target = { engine: kind, host, port, user: name, database, ssl: false };
  const key = kind === 'mysql' ? { allowPublicKeyRetrieval: true } : {};
  return { ...target, ...(password && { password }), ...key, ...more };
}

/** A pool that is closed when the test is over. */
async function openPool(given) {
  return track(await load().createPool(options(given)));
}

const observers = new Map();

/** Runs a statement as the superuser through mysql2, outside of any pool; resolves to the rows. */
async function observe(kind, text, values) {
  if (!observers.has(kind)) {
    const { host, port, database } = mysqlConfig({ kind });
    const login = { host, port, database, user: SUPERUSER.user, password: SUPERUSER.password };
    observers.set(kind, await createConnection(login));
  }
  const [rows] = await observers.get(kind).query(text, values);
  return rows;
}

afterAll(async () => {
  await Promise.all([...observers.values()].map((observer) => observer.end()));
  observers.clear();
});

module.exports = { KINDS, observe, openPool, options };
