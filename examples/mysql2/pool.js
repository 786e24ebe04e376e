// A pool of promises as a server sets it up: bounds, keep-alive, a connection for several statements
// that goes back whatever happens. Such a program changes one line: it required 'mysql2/promise'
// before.
//   DATABASE_URL=mysql://user:secret@host/db node examples/mysql2/pool.js
// Prints:
//   user 7 has the address user7@example.org
//   renamed: USER 8
//   error ER_NO_SUCH_TABLE: 42S02
//   still: user 8
//   50 users over 10 connections at most: true
//   nobody waits longer than 50 ms: ERR_POLYPOOL_ACQUIRE_TIMEOUT

const mysql = require('polypool/mysql2/promise');

const pool = mysql.createPool({
  uri: process.env.DATABASE_URL,
  waitForConnections: true,
  connectionLimit: 10,
  queueLimit: 0, // as many may wait as like
  enableKeepAlive: true,
  keepAliveInitialDelay: 0,
});

// As programs for package mysql have it. mysql2's pools have no such event, and neither has this one:
// who holds a connection, or asks for one, hears what happens to it.
pool.on('error', (error) => console.error('pool:', error.message));

async function findUser(id) {
  const [rows] = await pool.execute('select name, email from users where id = ?', [id]);
  return rows[0];
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
  console.log(`${user.name} has the address ${user.email}`);

  const abandoned = transaction(async (connection) => {
    await connection.query('update users set name = upper(name) where id = ?', [8]);
    const [rows] = await connection.query('select name from users where id = ?', [8]);
    console.log('renamed:', rows[0].name);
    await connection.query('select * from nowhere');
  });
  await abandoned.catch(({ code, sqlState }) => console.log(`error ${code}: ${sqlState}`));
  console.log('still:', (await findUser(8)).name);

  const users = await Promise.all(Array.from({ length: 50 }, (_, index) => findUser(index + 1)));
  const isBounded = pool.pool._allConnections.length <= 10;
  console.log(`${users.filter(Boolean).length} users over 10 connections at most: ${isBounded}`);
  await pool.end();

  // What mysql2 does not have: a bound for the wait.
  const uri = process.env.DATABASE_URL;
  const small = mysql.createPool({ uri, connectionLimit: 1, acquireTimeout: 50 });
  const connection = await small.getConnection();
  await small.query('select 1').catch(({ code }) => {
    console.log(`nobody waits longer than 50 ms: ${code}`);
  });
  connection.release();
  await small.end();
}

main();
