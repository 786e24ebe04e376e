'use strict';
// Failures: connects that fail or do not come to an end, and clients that are lost.

const { once } = require('node:events');
const net = require('node:net');
const { observe, rejection, terminateBackend } = require('../../support/pools.js');
const { url } = require('../../support/urls.js');
const { IMPLEMENTATIONS } = require('./implementations.js');
const { Trace, called, counters, fakeClients, next, openPool } = require('./pools.js');

/** A server that accepts and says nothing. */
async function silentServer() {
  const sockets = new Set();
  const server = net.createServer((socket) => {
    sockets.add(socket.on('error', () => {}));
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  return {
    connectionString: `postgres://nobody@127.0.0.1:${server.address().port}/nothing`,
    close() {
      for (const socket of sockets) socket.destroy();
      server.close();
    },
  };
}

async function refusedAddress() {
  const { connectionString, close } = await silentServer();
  close();
  return connectionString;
}

describe.each(IMPLEMENTATIONS)('%s', (_name, load) => {
  const open = (options) => openPool(load(), options);

  test('a refused connect fails the request it was made for', async () => {
    const pool = open({ connectionString: await refusedAddress() });
    const trace = new Trace(pool);
    expect((await rejection(pool.connect())).code).toBe('ECONNREFUSED');
    expect((await rejection(pool.query('select 1'))).code).toBe('ECONNREFUSED');
    const [error, client, release] = await called((done) => pool.connect(done));
    expect([error.code, client, typeof release]).toEqual(['ECONNREFUSED', undefined, 'function']);
    expect(release()).toBeUndefined();
    expect(counters(pool)).toBe('total 0 idle 0 waiting 0 expired 0');
    expect(trace.lines).toEqual([]);
  });

  test('those who wait are served after failures, each by a client of its own', async () => {
    const Fake = fakeClients({ held: true });
    const pool = open({ Client: Fake, max: 1 });
    const seen = [];
    for (const name of ['a', 'b', 'c']) {
      pool.connect((error, client) => seen.push([name, error?.message, client?.id]));
    }
    Fake.opening.shift().go(new Error('refused'));
    expect(seen).toEqual([['a', 'refused', undefined]]);
    expect(counters(pool)).toBe('total 1 idle 0 waiting 1 expired 0');
    Fake.opening.shift().go(new Error('refused'));
    Fake.opening.shift().go();
    expect(seen.slice(1)).toEqual([
      ['b', 'refused', undefined],
      ['c', undefined, 3],
    ]);
    Fake.made[2].release();
    pool.end();
    Fake.closing.shift().go();
  });

  test('a wrong password', async () => {
    const pool = open({ connectionString: url({ role: 'app', password: 'wrong' }) });
    expect((await rejection(pool.connect())).code).toBe('28P01');
    expect(pool.totalCount).toBe(0);
  });

  test('a client that is not connected in time', async () => {
    const silent = await silentServer();
    const { connectionString } = silent;
    const pool = open({ connectionString, connectionTimeoutMillis: 100 });
    const since = performance.now();
    const error = await rejection(pool.connect());
    expect(performance.now() - since).toBeGreaterThan(95);
    expect(error.message).toBe('Connection terminated due to connection timeout');
    expect(error.cause).toBeInstanceOf(Error);
    expect(counters(pool)).toBe('total 0 idle 0 waiting 0 expired 0');
    silent.close();
  });

  test('nobody gives back in time', async () => {
    const pool = open({ max: 1, connectionTimeoutMillis: 1000 });
    const client = await pool.connect();
    const waiting = [pool.connect(), pool.query('select 1')].map(rejection);
    expect(pool.waitingCount).toBe(2);
    const byCallback = called((done) => pool.connect(done));
    const message = 'timeout exceeded when trying to connect';
    for (const error of await Promise.all(waiting)) expect(error.message).toBe(message);
    const [error, nothing] = await byCallback;
    expect([error.message, nothing]).toEqual([message, undefined]);
    expect(counters(pool)).toBe('total 1 idle 0 waiting 0 expired 0');
    client.release();
    expect(pool.idleCount).toBe(1);
  });

  test('who is served in time waits no longer', async () => {
    const pool = open({ max: 1, connectionTimeoutMillis: 1000 });
    const client = await pool.connect();
    const next = pool.connect();
    client.release();
    (await next).release();
    await pool.query('select pg_sleep(1.2)');
    expect(counters(pool)).toBe('total 1 idle 1 waiting 0 expired 0');
  });

  test('an idle client whose server process dies is gone before the pool tells', async () => {
    const pool = open();
    const client = await pool.connect();
    const { processID } = client;
    client.release();
    const trace = new Trace(pool);
    const told = next(pool, 'error');
    const removed = next(pool, 'remove');
    await terminateBackend(processID);
    const [error, given] = await told;
    expect(error.code).toBe('57P01');
    expect([given, error.client]).toEqual([client, client]);
    await removed;
    expect(trace.lines).toEqual([
      `error ${error.message} client 1 | total 0 idle 0 waiting 0 expired 0`,
      'remove client 1 | total 0 idle 0 waiting 0 expired 0',
    ]);
    expect((await pool.query('select 1 as one')).rows).toEqual([{ one: 1 }]);
  });

  test('a lent client whose server process dies stays until it is given back', async () => {
    const pool = open();
    const client = await pool.connect();
    const trace = new Trace(pool);
    client.on('error', () => {});
    const ended = next(client, 'end');
    await terminateBackend(client.processID);
    await ended;
    expect(counters(pool)).toBe('total 1 idle 0 waiting 0 expired 0');
    await rejection(client.query('select 1'));
    client.release();
    expect(counters(pool)).toBe('total 0 idle 0 waiting 0 expired 0');
    expect(trace.lines).toEqual([
      'release undefined client 1 | total 1 idle 0 waiting 0 expired 0',
      'remove client 1 | total 0 idle 0 waiting 0 expired 0',
    ]);
  });

  test('all idle clients die at once', async () => {
    const pool = open({ max: 4, application_name: 'all_at_once' });
    const clients = await Promise.all([pool.connect(), pool.connect(), pool.connect()]);
    for (const client of clients) client.release();
    const died = Promise.all(clients.map((client) => next(client, 'end')));
    const text =
      'select pg_terminate_backend(pid, 10000) from pg_stat_activity where pid = any($1)';
    await observe(text, [clients.map(({ processID }) => processID)]);
    await died;
    expect(counters(pool)).toBe('total 0 idle 0 waiting 0 expired 0');
    expect((await pool.query('select 1 as one')).rows).toEqual([{ one: 1 }]);
  });
});
