'use strict';
// query_timeout, of a client and of one query.

const { once } = require('node:events');
const { rejection } = require('../../support/pools.js');
const { called, connect, value } = require('./clients.js');
const { IMPLEMENTATIONS } = require('./implementations.js');

const MESSAGE = 'Query read timeout';

describe.each(IMPLEMENTATIONS)('%s', (_name, load) => {
  const open = (options) => connect(load(), options);

  /** So short that the server is soon free again, so long that the timeout comes first. */
  const SLOW = 'select pg_sleep(0.3)';

  test.each([[20], ['20'], [20.9]])('query_timeout of a client: %p', async (timeout) => {
    const client = await open({ query_timeout: timeout });
    const error = await rejection(client.query(SLOW));
    expect(error.constructor).toBe(Error);
    expect(error.message).toBe(MESSAGE);
    expect(client.connectionParameters.query_timeout).toBe(timeout);
  });

  test('of one query', async () => {
    const client = await open();
    const error = await rejection(client.query({ text: SLOW, query_timeout: 20 }));
    expect(error.message).toBe(MESSAGE);
  });

  test('by values and a callback', async () => {
    const client = await open({ query_timeout: 20 });
    const given = await called((done) => client.query('select pg_sleep($1)', [0.3], done));
    expect(given).toEqual([new Error(MESSAGE)]);
  });

  test('of a query goes before that of the client', async () => {
    const client = await open({ query_timeout: 20 });
    const { rowCount } = await client.query({ text: SLOW, query_timeout: 30000 });
    expect(rowCount).toBe(1);
  });

  test.each([[0], [false], [null], [undefined], ['']])('%p is none', async (timeout) => {
    const client = await open({ query_timeout: timeout });
    expect((await client.query('select pg_sleep(0.05)')).rowCount).toBe(1);
  });

  test('a query in time is as any other', async () => {
    const client = await open({ query_timeout: 30000 });
    expect(await value(client, 'select 1')).toBe(1);
    expect((await rejection(client.query('select broken'))).code).toBe('42703');
    const [, result] = await called((done) => client.query('select 2 as n', done));
    expect(result.rows).toEqual([{ n: 2 }]);
  });

  test('the stack shows the async functions of the caller', async () => {
    const client = await open({ query_timeout: 20 });
    async function askForTrouble() {
      return await client.query(SLOW);
    }
    expect((await rejection(askForTrouble())).stack).toContain('askForTrouble');
  });

  test('the callback is called once', async () => {
    const client = await open();
    const calls = [];
    client.query({ text: SLOW, query_timeout: 20 }, (error) => calls.push(error.message));
    await once(client, 'drain');
    expect(await value(client, 'select 1')).toBe(1);
    expect(calls).toEqual([MESSAGE]);
  });

  test('the connection serves again', async () => {
    const client = await open();
    const late = rejection(client.query({ text: SLOW, query_timeout: 20 }));
    const behind = client.query('select 5 as n');
    expect((await late).message).toBe(MESSAGE);
    expect((await behind).rows).toEqual([{ n: 5 }]);
    expect(await value(client, 'select 6')).toBe(6);
  });

  test('a query that waits for its turn leaves the queue', async () => {
    const client = await open();
    await client.query('create temp table counted (n int)');
    const first = client.query(SLOW);
    const insert = { text: 'insert into counted values (1)', query_timeout: 20 };
    expect((await rejection(client.query(insert))).message).toBe(MESSAGE);
    await first;
    expect(await value(client, 'select count(*) from counted')).toBe('0');
  });

  test('a Query object', async () => {
    const client = await open({ query_timeout: 20 });
    const query = client.query(new (load().Query)(SLOW, () => {}));
    const error = await new Promise((resolve) => {
      const other = new (load().Query)({ text: SLOW }, resolve);
      client.query(other);
    });
    expect(error.message).toBe(MESSAGE);
    expect(query.callback).toEqual(expect.any(Function));
  });

  test('queries in line have their own clocks, which start at once', async () => {
    const client = await open();
    const outcomes = await Promise.allSettled([
      client.query({ text: SLOW, query_timeout: 30000 }),
      client.query({ text: 'select 1', query_timeout: 20 }),
      client.query({ text: 'select 2', query_timeout: 30000 }),
    ]);
    expect(outcomes.map(({ status, reason }) => reason?.message ?? status)).toEqual([
      'fulfilled',
      MESSAGE,
      'fulfilled',
    ]);
  });

  test('end() after it', async () => {
    const client = await open();
    await rejection(client.query({ text: 'select pg_sleep(600)', query_timeout: 20 }));
    await client.end();
  });
});
