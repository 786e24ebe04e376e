'use strict';
// The order in which callbacks, events and promises are heard.

const { once } = require('node:events');
const { setImmediate: turn } = require('node:timers/promises');
const { rejection } = require('../../support/pools.js');
const { DRAINED, connect, make, record } = require('./clients.js');
const { IMPLEMENTATIONS } = require('./implementations.js');

describe.each(IMPLEMENTATIONS)('%s', (_name, load) => {
  const open = (options) => connect(load(), options);

  /** A client and what is heard of it from then on. */
  async function watched(options) {
    const client = await open(options);
    return { client, seen: record(client, DRAINED) };
  }

  test('a life by callbacks', async () => {
    const client = make(load());
    const seen = record(client, DRAINED);
    const over = once(client, 'end');
    client.connect((...given) => {
      expect(given).toEqual([null, client]);
      seen.push('connect callback');
      client.query('select 1', () => {
        seen.push('query callback');
        client.end(() => seen.push('end callback'));
      });
    });
    seen.push('called');
    await over;
    expect(seen).toEqual([
      'called',
      'connect callback',
      'connect',
      'query callback',
      'drain',
      'end callback',
      'end',
    ]);
  });

  test('a life by promises', async () => {
    const client = make(load());
    const seen = record(client, DRAINED);
    const over = once(client, 'end');
    expect(await client.connect()).toBe(client);
    seen.push('connected');
    await client.query('select 1');
    seen.push('first');
    await client.query('select $1::int', [2]);
    seen.push('second');
    await client.end();
    seen.push('ended');
    await over;
    expect(seen).toEqual([
      'connect',
      'connected',
      'drain',
      'first',
      'drain',
      'second',
      'end',
      'ended',
    ]);
  });

  test('queries from before connect', async () => {
    const client = make(load());
    const seen = record(client, DRAINED);
    const drained = once(client, 'drain');
    client.query('select 1', () => seen.push('first callback'));
    const second = client.query('select 2').then(() => seen.push('second promise'));
    client.query({ text: 'select $1', values: ['3'] }, () => seen.push('third callback'));
    client.connect(() => seen.push('connect callback'));
    await Promise.all([drained, second]);
    expect(seen).toEqual([
      'connect callback',
      'connect',
      'first callback',
      'second promise',
      'third callback',
      'drain',
    ]);
  });

  test('queries that connect listeners make', async () => {
    const client = make(load());
    const seen = record(client, DRAINED);
    client.on('connect', () => client.query('select 2', () => seen.push('of the listener')));
    client.query('select 1', () => seen.push('from before'));
    client.connect(() => client.query('select 3', () => seen.push('of the callback')));
    await once(client, 'drain');
    expect(seen).toEqual(['connect', 'from before', 'of the callback', 'of the listener', 'drain']);
  });

  test('no drain without a query', async () => {
    const { client, seen } = await watched();
    await turn();
    await client.end();
    await turn();
    expect(seen).toEqual(['end']);
  });

  test('one drain for many queries, before the last of the promises', async () => {
    const { client, seen } = await watched();
    const all = [1, 2, 3].map((n) => client.query('select 1').then(() => seen.push(n)));
    client.query('select 1', () => seen.push('callback'));
    all.push(client.query('select 1').then(() => seen.push('last')));
    await Promise.all(all);
    expect(seen).toEqual([1, 2, 3, 'callback', 'drain', 'last']);
  });

  test('a drain listener may ask again', async () => {
    const { client, seen } = await watched();
    let left = 2;
    const done = new Promise((resolve) => {
      client.on('drain', () => {
        if (left-- === 0) return resolve();
        client.query('select 1', () => seen.push(`callback ${left}`));
      });
    });
    client.query('select 1', () => seen.push('callback'));
    await done;
    expect(seen).toEqual(['callback', 'drain', 'callback 1', 'drain', 'callback 0', 'drain']);
  });

  test('a query made in a callback comes before drain', async () => {
    const { client, seen } = await watched();
    client.query('select 1', () => {
      seen.push('outer');
      client.query('select 2', () => seen.push('inner'));
    });
    await once(client, 'drain');
    expect(seen).toEqual(['outer', 'inner', 'drain']);
  });

  test('what fails is told before drain', async () => {
    const { client, seen } = await watched();
    client.query('select broken', (error) => seen.push(error.code));
    client.query('select $1::int', ['no number'], (error) => seen.push(error.code));
    await once(client, 'drain');
    expect(seen).toEqual(['42703', '22P02', 'drain']);
  });

  test('a callback is never called at once', async () => {
    const { client, seen } = await watched();
    for (const query of ['select 1', '', {}, 'select broken']) {
      client.query(query, () => seen.push('callback'));
      seen.push('asked');
    }
    await once(client, 'drain');
    expect(seen.slice(0, 4)).toEqual(['asked', 'asked', 'asked', 'asked']);
    expect(seen.slice(4)).toEqual(['callback', 'callback', 'callback', 'callback', 'drain']);
  });

  test('events of a Query: rows, its callback, end, then drain of the client', async () => {
    const { client, seen } = await watched();
    const { Query } = load();
    const query = new Query('select generate_series(1, 2) as n', () => seen.push('callback'));
    query.on('row', ({ n }) => seen.push(`row ${n}`));
    query.on('end', () => seen.push('query end'));
    expect(client.query(query)).toBe(query);
    await once(client, 'drain');
    expect(seen).toEqual(['row 1', 'row 2', 'callback', 'query end', 'drain']);
  });

  test('notices come before the answer', async () => {
    const { client, seen } = await watched();
    record(client, ['notice', 'notification'], seen);
    await client.query('listen events');
    seen.length = 0;
    client.query("do $$ begin raise notice 'one'; raise notice 'two'; end $$", () =>
      seen.push('callback'),
    );
    await once(client, 'drain');
    expect(seen).toEqual(['notice', 'notice', 'callback', 'drain']);
  });

  test('a notification of its own comes after its answer', async () => {
    const { client, seen } = await watched();
    record(client, ['notification'], seen);
    await client.query('listen events');
    seen.length = 0;
    const heard = once(client, 'notification');
    client.query('notify events', () => seen.push('callback'));
    await heard;
    await turn();
    expect(seen).toEqual(['notification', 'callback', 'drain']);
  });

  test('a failure to connect: the callback alone', async () => {
    const client = make(load(), { database: 'no such database' });
    const seen = record(client, DRAINED);
    const over = once(client, 'end');
    client.query('select 1', (error) => seen.push(error.message));
    client.connect((error) => seen.push(`connect callback ${error.code}`));
    await over;
    expect(seen).toEqual(['connect callback 3D000', 'Connection terminated unexpectedly', 'end']);
  });

  test('a failure to connect: the promise', async () => {
    const client = make(load(), { database: 'no such database' });
    const seen = record(client, DRAINED);
    const over = once(client, 'end');
    const early = client.query('select 1').catch((error) => seen.push(error.message));
    seen.push((await rejection(client.connect())).code);
    await over;
    await early;
    expect([...seen].sort()).toEqual(['3D000', 'Connection terminated unexpectedly', 'end']);
    expect(seen[0]).toBe('3D000');
  });

  test('end while a query is under way', async () => {
    const { client, seen } = await watched();
    const over = once(client, 'end');
    client.query('select pg_sleep(60)', (error) => seen.push(`running ${error.message}`));
    client.query('select 1', (error) => seen.push(`waiting ${error.message}`));
    client.end(() => seen.push('end callback'));
    client.query('select 2', (error) => seen.push(`late ${error.message}`));
    await over;
    await turn();
    expect(seen).toEqual([
      'late Client was closed and is not queryable',
      'end callback',
      'running Connection terminated',
      'waiting Connection terminated',
      'end',
    ]);
  });
});
