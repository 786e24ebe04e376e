'use strict';
// An Express server over PostgreSQL, once through a pool and once with a connection per request.
//   DATABASE_URL=postgres://user:secret@host/db node examples/express.js [--no-pool]
// It reads a table users(id, name, email). `npm run demo` serves and measures this very file.

const express = require('express');
const { connect, createPool } = require('polypool');

const USER_BY_ID = 'select id, name, email from users where id = $1';

/** The routes know only `query`; where its connection comes from is decided by the caller. */
function createApp(query) {
  const app = express();
  app.get('/users/:id', async (request, response) => {
    const id = Number(request.params.id);
    if (!Number.isSafeInteger(id)) return response.status(400).json({ error: 'id: not a number' });
    const { rows } = await query(USER_BY_ID, [id]);
    if (rows.length === 0) return response.status(404).json({ error: 'no such user' });
    return response.json(rows[0]);
  });
  // Express hands rejected promises on to here; what the database said stays on the server.
  app.use((error, request, response, _next) => {
    app.emit('failure', error);
    response.status(503).json({ error: 'try again later' });
  });
  return app;
}

/** What the pool saves: every request pays for TCP, log-in, one query and good-bye. */
function withoutPool(database) {
  return async (text, values) => {
    const connection = await connect(database);
    try {
      return await connection.query(text, values);
    } finally {
      await connection.close();
    }
  };
}

function withPool(pool) {
  return (text, values) => pool.query(text, values);
}

async function main() {
  const database = process.env.DATABASE_URL;
  if (!database) throw new Error('set DATABASE_URL=postgres://user:secret@host/db');
  const pool = process.argv.includes('--no-pool') ? null : await createPool(database, { max: 10 });
  const app = createApp(pool ? withPool(pool) : withoutPool(database));
  app.on('failure', console.error);
  const server = app.listen(Number(process.env.PORT ?? 3000), '127.0.0.1', () => {
    console.log(`http://127.0.0.1:${server.address().port}/users/1`);
  });
  process.once('SIGTERM', () => server.close(() => pool?.close({ timeoutMs: 5000 })));
}

if (require.main === module) main();

module.exports = { createApp, withPool, withoutPool };
