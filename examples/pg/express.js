'use strict';
// What a pool saves an Express API: 65 users ask it at once, first with a connection made for each
// request, then with a pool. Prints requests per second and how long the users waited.
//   DATABASE_URL=postgres://user:secret@host/db node examples/pg/express.js
// For example:
//   without a pool:    390 requests answered, 280 per second, 197 ms in the middle
//   with a pool:       3250 requests answered, 3900 per second, 15 ms in the middle

const { once } = require('node:events');
const http = require('node:http');
const express = require('express');
const { Client, Pool } = require('polypool/pg');

const USERS = 65;
const USER_BY_ID = 'select id, name, email from users where id = $1';
const connectionString = process.env.DATABASE_URL;

function createApp(query) {
  const app = express();
  app.get('/users/:id', async (request, response) => {
    const { rows } = await query(USER_BY_ID, [request.params.id]);
    if (rows.length === 0) return response.status(404).json({ error: 'no such user' });
    return response.json(rows[0]);
  });
  return app;
}

/** Every request pays for TCP, log-in and good-bye. */
async function withoutPool(text, values) {
  const client = new Client({ connectionString });
  await client.connect();
  try {
    return await client.query(text, values);
  } finally {
    await client.end();
  }
}

async function get(agent, port, path) {
  const request = http.get({ agent, port, path, host: '127.0.0.1' });
  const [response] = await once(request, 'response');
  let body = '';
  for await (const chunk of response.setEncoding('utf8')) body += chunk;
  if (response.statusCode !== 200) throw new Error(`${path}: ${response.statusCode} ${body}`);
  return JSON.parse(body);
}

/** 65 users, each of whom asks again as soon as it is answered. */
async function measure(query, requestsEach) {
  const server = createApp(query).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const agent = new http.Agent({ keepAlive: true, maxSockets: USERS });
  const waitsMs = [];
  const use = async (user) => {
    for (let n = 0; n < requestsEach; n += 1) {
      const start = performance.now();
      const { id } = await get(agent, server.address().port, `/users/${user + 1}`);
      if (id !== user + 1) throw new Error(`user ${user + 1} was told of ${id}`);
      waitsMs.push(performance.now() - start);
    }
  };
  const start = performance.now();
  await Promise.all(Array.from({ length: USERS }, (_, user) => use(user)));
  const seconds = (performance.now() - start) / 1000;
  agent.destroy();
  server.close();
  return { waitsMs: waitsMs.sort((a, b) => a - b), perSecond: waitsMs.length / seconds };
}

function print(label, { waitsMs, perSecond }) {
  const middle = waitsMs[waitsMs.length >> 1].toFixed(0);
  const figures = `${waitsMs.length} requests answered, ${perSecond.toFixed(0)} per second`;
  console.log(`${label.padEnd(18)} ${figures}, ${middle} ms in the middle`);
}

async function main() {
  print('without a pool:', await measure(withoutPool, 6));
  const pool = new Pool({ connectionString, max: 20 });
  print('with a pool:', await measure((text, values) => pool.query(text, values), 50));
  await pool.end();
}

main();
