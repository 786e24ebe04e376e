'use strict';
// The same pool by callbacks, which lends connections and streams rows.
//   DATABASE_URL=mysql://user:secret@host/db node examples/mysql2/callbacks.js
// Prints:
//   user 7
//   a connection of its own: user 8
//   streamed: 100

const mysql = require('polypool/mysql2');

const pool = mysql.createPool({
  uri: process.env.DATABASE_URL,
  waitForConnections: true,
  connectionLimit: 10,
  queueLimit: 0,
  enableKeepAlive: true,
  keepAliveInitialDelay: 0,
});

function fail(error) {
  console.error(error);
  process.exitCode = 1;
  pool.end();
}

function stream() {
  let rows = 0;
  pool
    .query('select id from users')
    .stream({ highWaterMark: 10 })
    .on('error', fail)
    .on('data', () => (rows += 1))
    .on('close', () => {
      console.log('streamed:', rows);
      pool.end();
    });
}

pool.query('select name from users where id = ?', [7], (error, users) => {
  if (error) return fail(error);
  console.log(users[0].name);
  pool.getConnection((refused, connection) => {
    if (refused) return fail(refused);
    connection.query('select name from users where id = ?', [8], (failed, [user]) => {
      connection.release();
      if (failed) return fail(failed);
      console.log('a connection of its own:', user.name);
      stream();
    });
  });
});
