'use strict';
// Serves the app of examples/express.js on a free loopback port, and counts what the load generator
// cannot see: connections opened, and the first error behind a refused request.

const { once } = require('node:events');
const { createPool } = require('polypool');
const { createApp, withPool, withoutPool } = require('../express');

/** Serves until `close()`, which also waits for queries whose users have left, then calls `end`. */
async function listen(query, end) {
  const running = new Set();
  const failures = { first: null };
  const app = createApp((text, values) => {
    const answer = query(text, values);
    running.add(answer);
    return answer.finally(() => running.delete(answer));
  });
  app.on('failure', (error) => (failures.first ??= error));
  const server = app.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const shut = async () => {
    server.closeAllConnections();
    server.close();
    await once(server, 'close');
    await Promise.allSettled(running);
    await end?.();
  };
  let shutting;
  const close = () => (shutting ??= shut());
  return { url: `http://127.0.0.1:${server.address().port}`, failures, close };
}

/** `/users/:id` with a connection per request. */
async function serveWithoutPool(target) {
  const query = withoutPool(target);
  let opened = 0;
  const server = await listen(async (text, values) => {
    const answer = await query(text, values);
    opened += 1;
    return answer;
  });
  return { ...server, opened: () => opened };
}

/** `/users/:id` through one pool. */
async function serveWithPool(target, max) {
  const pool = await createPool({ ...target, max });
  const server = await listen(withPool(pool), () => pool.close({ timeoutMs: 5000 }));
  pool.on('error', (error) => (server.failures.first ??= error));
  return { ...server, opened: () => pool.stats().created };
}

module.exports = { serveWithPool, serveWithoutPool };
