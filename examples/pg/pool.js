'use strict';
// A pool as a server sets it up: bounds, a listener for what happens to idle connections, and a
// client for several statements, which goes back whatever happens. Such a program changes one line:
// it required 'pg' before.
//   DATABASE_URL=postgres://user:secret@host/db node examples/pg/pool.js
// Prints:
//   user 7 has the address user7@example.org
//   renamed: USER 8
//   error 22012: division by zero
//   still: user 8
//   50 users over 20 connections at most: true
//   left after the end: 0

const { Pool } = require('polypool/pg');

const pool = new Pool({
  connectionString: process.env.DATABASE_URL,
  max: 20,
  idleTimeoutMillis: 30_000,
  connectionTimeoutMillis: 2000,
  maxUses: 7500, // connections are replaced now and then, so that none grows old
});

// A connection that nobody holds has no promise to reject.
pool.on('error', (error) => console.error('idle connection:', error.message));

const USER_BY_ID = 'select name, email from users where id = $1';

async function findUser(id) {
  const { rows } = await pool.query(USER_BY_ID, [id]);
  return rows[0];
}

/** Runs `work` in a transaction; what it throws undoes all that it did. */
async function transaction(work) {
  const client = await pool.connect();
  try {
    await client.query('begin');
    const result = await work(client);
    await client.query('commit');
    return result;
  } catch (error) {
    await client.query('rollback');
    throw error;
  } finally {
    client.release();
  }
}

async function main() {
  const user = await findUser(7);
  console.log(`${user.name} has the address ${user.email}`);

  const abandoned = transaction(async (client) => {
    const rename = 'update users set name = upper(name) where id = $1 returning name';
    const { rows } = await client.query(rename, [8]);
    console.log('renamed:', rows[0].name);
    await client.query('select 1 / 0');
  });
  await abandoned.catch(({ code, message }) => console.log(`error ${code}: ${message}`));
  console.log('still:', (await findUser(8)).name);

  const users = await Promise.all(Array.from({ length: 50 }, (_, index) => findUser(index + 1)));
  const isBounded = pool.totalCount <= 20;
  console.log(`${users.filter(Boolean).length} users over 20 connections at most: ${isBounded}`);

  await pool.end();
  console.log('left after the end:', pool.totalCount);
}

main();
