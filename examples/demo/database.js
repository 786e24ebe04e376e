'use strict';
// The database of the demo: DATABASE_URL or an embedded PostgreSQL, with a users table in a schema
// of its own, so that nothing of the reader's is touched.

const { randomBytes } = require('node:crypto');
const { connect } = require('polypool');
const { startEmbedded } = require('./embedded');

const USERS = 10_000;

/** The same target with `search_path` set for each session, beside what the URL asks for itself. */
function withSearchPath(url, schema) {
  const own = new URLSearchParams(url.split('?')[1]).get('options');
  return { url, options: [own, `-c search_path=${schema}`].filter(Boolean).join(' ') };
}

async function onConnection(url, work) {
  const connection = await connect(url);
  try {
    return await work(connection);
  } finally {
    await connection.close();
  }
}

async function fill(connection, schema) {
  await connection.query(`create schema ${schema}`);
  await connection.query(
    `create table ${schema}.users (id bigint primary key, name text not null, email text not null)`,
  );
  const { rowCount } = await connection.query(
    `insert into ${schema}.users
     select n, 'User ' || n, 'user' || n || '@example.com' from generate_series(1, ${USERS}) n`,
  );
  if (rowCount !== USERS) throw new Error(`users: ${rowCount} rows instead of ${USERS}`);
  await connection.query(`analyze ${schema}.users`);
  const { rows } = await connection.query('show server_version');
  return rows[0].server_version.split(' ')[0];
}

/** `maxConnections` bounds the embedded server only; DATABASE_URL keeps its own limit. */
async function openDatabase({ maxConnections }) {
  const given = process.env.DATABASE_URL;
  const server = given
    ? { url: given, stop: async () => {} }
    : await startEmbedded({ maxConnections });
  const schema = `polypool_demo_${randomBytes(4).toString('hex')}`;
  const close = async () => {
    try {
      await onConnection(server.url, (c) => c.query(`drop schema if exists ${schema} cascade`));
    } finally {
      await server.stop();
    }
  };
  try {
    const version = await onConnection(server.url, (connection) => fill(connection, schema));
    const origin = given ? 'DATABASE_URL' : 'embedded';
    const place = given
      ? 'The database is the one DATABASE_URL names; users and server shared this machine.'
      : 'Database, server and users shared this machine, over loopback and without TLS.';
    const target = withSearchPath(server.url, schema);
    return { target, users: USERS, label: `PostgreSQL ${version} (${origin})`, place, close };
  } catch (error) {
    await close().catch(() => {}); // the first error is the one to tell
    throw error;
  }
}

module.exports = { openDatabase, withSearchPath };
