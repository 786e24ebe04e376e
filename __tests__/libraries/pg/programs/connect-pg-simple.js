'use strict';

const { once } = require('node:events');
const { promisify } = require('node:util');
const createStoreClass = require('connect-pg-simple');
const express = require('express');
const session = require('express-session');
const { Pool } = require('pg');
const createPromise = require('pg-promise');
const { count, failure, removed, report } = require('../report.js');

const PgStore = createStoreClass(session);
const HOUR_MS = 3_600_000;

/** Counts the visits of each visitor, who may log in and out. */
function createApp(store) {
  const app = express();
  app.set('env', 'test');
  const cookie = { maxAge: HOUR_MS };
  app.use(session({ store, secret: 'quiet', resave: false, saveUninitialized: false, cookie }));
  app.get('/visit', ({ session: visitor }, response) => {
    visitor.visits = (visitor.visits ?? 0) + 1;
    response.json({ visits: visitor.visits, user: visitor.user });
  });
  app.get('/look', ({ session: visitor }, response) => response.json({ visits: visitor.visits }));
  app.get('/login/:user', (request, response, next) => {
    request.session.regenerate((error) => {
      if (error) return next(error);
      request.session.user = { name: request.params.user, since: [2024, null, 'ä "x"'] };
      return response.json({ user: request.session.user });
    });
  });
  app.get('/logout', ({ session: visitor }, response, next) => {
    visitor.destroy((error) => (error ? next(error) : response.json({})));
  });
  app.use((error, request, response, _next) => response.status(500).json({ code: error.code }));
  return app;
}

async function serve(app) {
  const server = app.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  return {
    visitor: () => createVisitor(`http://127.0.0.1:${port}`),
    close: () => new Promise((resolve) => server.close(resolve)),
  };
}

/** A browser: keeps the cookie it is given. */
function createVisitor(base) {
  let cookie = '';
  return async (path) => {
    const response = await fetch(base + path, { headers: { cookie, connection: 'close' } });
    const [given] = response.headers.getSetCookie();
    if (given) cookie = given.split(';')[0];
    return [response.status, await response.json()];
  };
}

async function journey(visit) {
  const steps = ['/visit', '/visit', '/login/ann', '/visit', '/look', '/logout', '/look'];
  const told = [];
  for (const step of steps) told.push(await visit(step));
  return told;
}

async function overPool(connectionString) {
  const pool = new Pool({ connectionString, max: 3 });
  const counts = count(pool, ['connect', 'remove', 'error']);
  const store = new PgStore({ pool, createTableIfMissing: true, tableName: 'visitors' });
  const server = await serve(createApp(store));
  const one = async (text) => (await pool.query(text)).rows[0];
  const visit = server.visitor();
  const told = await journey(visit);
  const empty = await one('select count(*) from visitors');

  const visitors = Array.from({ length: 20 }, server.visitor);
  const answers = await Promise.all(visitors.map((each) => each('/visit')));
  await Promise.all(visitors.map((each) => each('/visit')));
  const stored = await one("select count(*), sum((sess->>'visits')::int) from visitors");

  await pool.query("update visitors set expire = now() + interval '1 minute'");
  await visitors[0]('/look');
  const touched = await one(
    "select count(*) from visitors where expire > now() + interval '50 minutes'",
  );

  await pool.query(
    "update visitors set expire = now() - interval '1 minute' where sess->>'visits' = '2'",
  );
  const expired = await visitors[0]('/look');
  await promisify(store.pruneSessions.bind(store))();
  const left = await one('select count(*) from visitors');

  await pool.query('drop table visitors');
  const broken = await visitors[1]('/look');
  await server.close();
  await store.close();
  await pool.end();
  await removed(pool, counts);
  return {
    told,
    empty,
    fresh: answers[0],
    stored,
    touched,
    expired,
    left,
    broken,
    errors: counts.error,
  };
}

/** The store has a pool of its own, and ends it. */
async function overOwnPool(conString) {
  const store = new PgStore({
    conString,
    createTableIfMissing: true,
    schemaName: 'public',
    ttl: 60,
  });
  const server = await serve(createApp(store));
  const told = await journey(server.visitor());
  const set = promisify(store.set.bind(store));
  const get = promisify(store.get.bind(store));
  await set('by-hand', { cookie: {}, words: ['x'] });
  const read = [await get('by-hand'), await get('unknown')];
  await promisify(store.destroy.bind(store))('by-hand');
  read.push(await get('by-hand'));
  await server.close();
  await store.close();
  return { told, read, after: (await failure(get('by-hand'))).message };
}

async function overPgPromise(connectionString) {
  const pgPromise = createPromise()(connectionString);
  await pgPromise.none('create schema promised');
  const store = new PgStore({ pgPromise, createTableIfMissing: true, schemaName: 'promised' });
  const server = await serve(createApp(store));
  const told = await journey(server.visitor());
  await server.close();
  await store.close();
  await pgPromise.$pool.end();
  return told;
}

report(async (connectionString) => ({
  pool: await overPool(connectionString),
  ownPool: await overOwnPool(connectionString),
  pgPromise: await overPgPromise(connectionString),
}));
