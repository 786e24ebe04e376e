'use strict';
// A script that ends when its work is done, though it never ends its pool: `allowExitOnIdle` lets
// connections that nobody holds keep no process alive. Those that are lent still do.
//   DATABASE_URL=postgres://user:secret@host/db node examples/pg/exit-on-idle.js
// Prints:
//   held across a pause: user 7
//   at the exit: 3 connections, 3 of them idle

const { setTimeout: pause } = require('node:timers/promises');
const { Pool } = require('polypool/pg');

const pool = new Pool({
  connectionString: process.env.DATABASE_URL,
  idleTimeoutMillis: 60_000, // without the next line the process would live for so long
  allowExitOnIdle: true,
});

process.on('exit', () => {
  const { totalCount, idleCount } = pool;
  console.log(`at the exit: ${totalCount} connections, ${idleCount} of them idle`);
});

async function main() {
  const clients = await Promise.all(Array.from({ length: 3 }, () => pool.connect()));
  await pause(10, undefined, { ref: false });
  const { rows } = await clients[0].query('select name from users where id = 7');
  console.log('held across a pause:', rows[0].name);
  for (const client of clients) client.release();
}

main();
