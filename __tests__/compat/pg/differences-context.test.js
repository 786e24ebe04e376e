'use strict';
// Async contexts: with pg callbacks run in that of the connection, whoever has asked.

const { AsyncLocalStorage } = require('node:async_hooks');
const { connect, make } = require('./clients.js');
const { IMPLEMENTATIONS } = require('./implementations.js');

const [, load] = IMPLEMENTATIONS.at(-1);

const storage = new AsyncLocalStorage();

/** What the storage holds where `start` calls back. */
const heard = (context, start) =>
  new Promise((resolve) => {
    storage.run(context, () => start(() => resolve(storage.getStore())));
  });

test.each([
  ['a result', 'select 1'],
  ['a result with values', 'select $1::int', [1]],
  ['an error', 'select broken'],
  ['what is wrong with the query', {}],
])('the callback of a query runs in its context: %s', async (_what, ...query) => {
  const client = await storage.run('connect', () => connect(load()));
  const first = heard('first', (back) => client.query(...query, back));
  const second = heard('second', (back) => client.query(...query, back));
  expect([await first, await second]).toEqual(['first', 'second']);
});

test('also where it is timed out', async () => {
  const client = await storage.run('connect', () => connect(load(), { query_timeout: 20 }));
  const text = 'select pg_sleep(600)';
  expect(await heard('query', (back) => client.query(text, back))).toBe('query');
});

test('the callback and the event of connect run in its context', async () => {
  const client = make(load());
  const event = heard('listener', (back) => client.on('connect', back));
  expect(await heard('connect', (back) => client.connect(back))).toBe('connect');
  expect(await event).toBe('connect');
});

test.each([
  ['notice', "do $$ begin raise notice 'x'; end $$"],
  ['notification', 'listen x; notify x'],
])('event %s: in that of connect', async (event, text) => {
  const client = make(load());
  await storage.run('connect', () => client.connect());
  const store = heard('listener', (back) => client.on(event, back));
  await storage.run('query', () => client.query(text));
  expect(await store).toBe('connect');
});

test('events of a Query: in that of connect', async () => {
  const { Query } = load();
  const client = make(load());
  await storage.run('connect', () => client.connect());
  for (const event of ['row', 'end']) {
    const query = new Query('select 1');
    const store = heard('listener', (back) => query.on(event, back));
    storage.run('query', () => client.query(query));
    expect(await store).toBe('connect');
  }
});
