'use strict';
// AsyncPool over a pool of pg: `get()` hands out at once, in turns, and takes nothing back, since
// pg's pool lends a connection for each query by itself. Such a program changes one line: it
// required 'async-pool' before.
//   DATABASE_URL=postgres://user:secret@host/db node examples/async-pool.js
// Prints:
//   user 7 has the address user7@example.org
//   user 1000 is undefined
//   asked for 20 users, found 20
//   connections: 5

const { promisify } = require('node:util');
const { Pool } = require('pg');
const AsyncPool = require('polypool/async-pool');

const USER_BY_ID = 'select name, email from users where id = $1';

const pool = new Pool({ connectionString: process.env.DATABASE_URL, max: 5 });
const asyncPool = AsyncPool((callback) => callback(null, pool), 5);

function findUser(id, callback) {
  asyncPool.get().query(USER_BY_ID, [id], (error, result) => {
    if (error) return callback(error);
    return callback(null, result.rows[0]);
  });
}

async function main() {
  const find = promisify(findUser);
  const user = await find(7);
  console.log(`${user.name} has the address ${user.email}`);
  console.log('user 1000 is', await find(1000));

  const ids = Array.from({ length: 20 }, (_, index) => index + 1);
  const found = await Promise.all(ids.map((id) => find(id)));
  console.log(`asked for ${ids.length} users, found ${found.filter(Boolean).length}`);
  console.log(`connections: ${pool.totalCount}`);
  await pool.end();
}

main();
