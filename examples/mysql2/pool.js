'use strict';
// A pool of promises as a server sets it up: bounds, a queue for who has to wait, TCP keep-alive, and
// a connection for several statements, which goes back whatever happens. Such a program changes one
// line: it required 'mysql2/promise' before.
//   DATABASE_URL=mysql://user:secret@host/db node examples/mysql2/pool.js
// Prints:
//   user 7 has the address user7@example.org
//   renamed: 1
//   error ER_BAD_FIELD_ERROR: 1054
//   still: user 8
//   50 users over 10 connections at most
//   closed: Pool is closed.

const mysql = require('polypool/mysql2/promise');

const pool = mysql.createPool({
  uri: process.env.DATABASE_URL,
  waitForConnections: true,
  connectionLimit: 10,
  queueLimit: 0,
  enableKeepAlive: true,
  keepAliveInitialDelay: 0,
});

// A connection that nobody holds has no promise to reject.
pool.on('error', (error) => console.error('idle connection:', error.message));

const USER_BY_ID = 'select name, email from users where id = ?';

async function findUser(id) {
  const [[user]] = await pool.execute(USER_BY_ID, [id]);
  return user;
}

/** Runs `work` in a transaction; what it throws undoes all that it did. */
async function transaction(work) {
  const connection = await pool.getConnection();
  try {
    await connection.beginTransaction();
    const result = await work(connection);
    await connection.commit();
    return result;
  } catch (error) {
    await connection.rollback();
    throw error;
  } finally {
    connection.release();
  }
}

async function main() {
  const user = await findUser(7);
  console.log(`user 7 has the address ${user.email}`);

  const abandoned = transaction(async (connection) => {
    const rename = 'update users set name = upper(name) where id = ?';
    const [{ affectedRows }] = await connection.execute(rename, [8]);
    console.log('renamed:', affectedRows);
    await connection.query('select nonsense');
  });
  await abandoned.catch(({ code, errno }) => console.log(`error ${code}: ${errno}`));
  console.log('still:', (await findUser(8)).name);

  const sessions = new Set();
  const users = await Promise.all(
    Array.from({ length: 50 }, async (_, index) => {
      const connection = await pool.getConnection();
      sessions.add(connection.threadId);
      const [[found]] = await connection.execute(USER_BY_ID, [index + 1]);
      connection.release();
      return found;
    }),
  );
  if (sessions.size > 10) throw new Error(`${sessions.size} connections`);
  console.log(`${users.filter(Boolean).length} users over 10 connections at most`);

  await pool.end();
  await pool.query('select 1').catch(({ message }) => console.log('closed:', message));
}

main();
