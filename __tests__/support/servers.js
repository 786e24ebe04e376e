'use strict';
// The servers that a whole run shares: each is started unless the environment says where it is.

const { MySqlServer } = require('./mysql-server.js');
const mysql = require('./mysql.js');
const { Server } = require('./server.js');
const urls = require('./urls.js');

async function startPostgres() {
  const server = await Server.start();
  process.env[urls.VARIABLE] = JSON.stringify(server.describe());
  return [server];
}

async function startMySql() {
  const kinds = ['mariadb', 'mysql'];
  const started = await settled(kinds.map((kind) => MySqlServer.start(kind)));
  const places = started.map((server) => [server.kind, server.describe()]);
  process.env[mysql.VARIABLE] = JSON.stringify(Object.fromEntries(places));
  return started;
}

/** What all of them give; what the others have started ends when one fails. */
async function settled(starting) {
  const outcomes = await Promise.allSettled(starting);
  const failed = outcomes.find(({ status }) => status === 'rejected');
  const started = outcomes.flatMap(({ value }) => value ?? []);
  if (!failed) return started;
  await Promise.all(started.map((server) => server.destroy()));
  throw failed.reason;
}

/** Resolves to a function that ends what this has started. */
async function startServers() {
  const starting = [];
  if (!process.env[urls.VARIABLE]) starting.push(startPostgres());
  if (!process.env[mysql.VARIABLE]) starting.push(startMySql());
  const started = await settled(starting);
  return () => Promise.all(started.map((server) => server.destroy()));
}

module.exports = { startServers };
