'use strict';
// client.connect and client.end, in every state a client can be in.

const { once } = require('node:events');
const { setImmediate: turn } = require('node:timers/promises');
const { observe, rejection, until } = require('../../support/pools.js');
const { DRAINED, called, connect, ended, make, record, value } = require('./clients.js');
const { IMPLEMENTATIONS } = require('./implementations.js');

const REUSED = 'Client has already been connected. You cannot reuse a client.';

describe.each(IMPLEMENTATIONS)('%s', (_name, load) => {
  const open = (options) => connect(load(), options);

  /** The server has no session of this client any more. */
  const gone = ({ processID }) =>
    until(async () => {
      const text = 'select 1 from pg_stat_activity where pid = $1';
      return (await observe(text, [processID])).length === 0;
    });

  test('connect by a callback returns nothing', async () => {
    const client = make(load());
    let returned = 'something';
    const given = await called((done) => (returned = client.connect(done)));
    expect(returned).toBeUndefined();
    expect(given).toEqual([null, client]);
  });

  test('connect twice', async () => {
    const client = make(load());
    const connected = once(client, 'connect');
    client.connect(() => {});
    expect((await rejection(client.connect())).message).toBe(REUSED);
    await connected;
    expect((await rejection(client.connect())).message).toBe(REUSED);
    expect((await called((done) => client.connect(done)))[0].message).toBe(REUSED);
    expect(await value(client, 'select 1')).toBe(1);
  });

  test('connect after end', async () => {
    const client = await open();
    await client.end();
    expect((await rejection(client.connect())).message).toBe(REUSED);
  });

  test('end before connect does nothing', async () => {
    const client = make(load());
    const seen = record(client, DRAINED);
    expect(await client.end()).toBeUndefined();
    expect(await called((done) => client.end(done))).toEqual([]);
    await turn();
    expect(seen).toEqual([]);
  });

  test('end, then connect', async () => {
    const client = make(load());
    await client.end();
    expect(await client.connect()).toBe(client);
    await client.end();
    await gone(client);
  });

  test('end by a callback returns nothing', async () => {
    const client = await open();
    let returned = 'something';
    const given = await called((done) => (returned = client.end(done)));
    expect(given.filter((each) => each !== undefined && each !== false)).toEqual([]);
    expect(returned).toBeUndefined();
    await gone(client);
  });

  test('end twice, at once and one after the other', async () => {
    const client = await open();
    const seen = record(client, DRAINED);
    await Promise.all([client.end(), client.end()]);
    await client.end();
    await called((done) => client.end(done));
    await turn();
    expect(seen).toEqual(['end']);
    await gone(client);
  });

  test('end says goodbye: the server logs no lost connection', async () => {
    const client = await open();
    const [{ pid }] = await observe('select pid from pg_stat_activity where pid = $1', [
      client.processID,
    ]);
    expect(pid).toBe(client.processID);
    await client.end();
    await gone(client);
  });

  test('queries after end', async () => {
    const client = await open();
    const ending = client.end();
    const message = 'Client was closed and is not queryable';
    expect((await rejection(client.query('select 1'))).message).toBe(message);
    await ending;
    const error = await rejection(client.query('select 1'));
    expect(error.constructor).toBe(Error);
    expect(error.message).toBe(message);
    expect((await called((done) => client.query('select 1', done)))[0].message).toBe(message);
  });

  test('a query after end never calls back at once', async () => {
    const client = await open();
    await client.end();
    let answered = false;
    const done = called((callback) =>
      client.query('select 1', (error) => {
        answered = true;
        callback(error);
      }),
    );
    expect(answered).toBe(false);
    await done;
  });

  test('end while connecting', async () => {
    const client = make(load());
    const over = ended(client);
    client.connect(() => {});
    await client.end();
    await over;
    const error = await rejection(client.query('select 1'));
    expect(error.message).toBe('Client was closed and is not queryable');
  });

  test('end while a query runs does not wait for it', async () => {
    const client = await open();
    const running = rejection(client.query('select pg_sleep(600)'));
    const waiting = rejection(client.query('select 1'));
    await client.end();
    expect((await running).message).toBe('Connection terminated');
    expect((await waiting).message).toBe('Connection terminated');
  });

  test('end after a query has been answered keeps the answer', async () => {
    const client = await open();
    const { rows } = await client.query('select 1 as n');
    await client.end();
    expect(rows).toEqual([{ n: 1 }]);
  });

  test('end in the callback of a query', async () => {
    const client = await open();
    const over = ended(client);
    client.query('select 1', () => client.end());
    await over;
    await gone(client);
  });

  test('end in a connect listener', async () => {
    const client = make(load());
    client.once('connect', () => client.end());
    const over = ended(client);
    await client.connect();
    await over;
    await gone(client);
  });

  test('end after the connection was lost', async () => {
    const client = await open();
    client.on('error', () => {});
    const over = ended(client);
    await observe('select pg_terminate_backend($1, 10000)', [client.processID]);
    await over;
    await client.end();
    await called((done) => client.end(done));
  });

  test('end after connecting has failed', async () => {
    const client = make(load(), { database: 'no such database' });
    const over = ended(client);
    await rejection(client.connect());
    await over;
    await client.end();
    expect((await rejection(client.query('select 1'))).message).toBe(
      'Client was closed and is not queryable',
    );
  });

  test('_ending tells of it at once', async () => {
    const client = await open();
    expect(client._ending).toBe(false);
    const ending = client.end();
    expect(client._ending).toBe(true);
    await ending;
  });

  test('end leaves an open transaction to the server', async () => {
    const client = await open();
    await client.query('begin');
    await client.query('create table never_seen (n int)');
    await client.end();
    await gone(client);
    expect(await observe("select to_regclass('never_seen') as found")).toEqual([{ found: null }]);
  });

  test('many clients', async () => {
    const clients = await Promise.all(Array.from({ length: 20 }, () => open()));
    const ids = await Promise.all(
      clients.map((client) => value(client, 'select pg_backend_pid()')),
    );
    expect(new Set(ids).size).toBe(20);
    expect(ids).toEqual(clients.map(({ processID }) => processID));
    await Promise.all(clients.map((client) => client.end()));
    await Promise.all(clients.map(gone));
  });
});
