'use strict';
// Parsers that cannot be had, or throw what is no Error: their query's failure, and nobody else's.

const { rejection } = require('../../support/pools.js');
const { connect, value } = require('./clients.js');
const { IMPLEMENTATIONS } = require('./implementations.js');

const [, load] = IMPLEMENTATIONS.at(-1);

describe.each([
  [
    'a getTypeParser that throws',
    { getTypeParser: () => fail(new Error('no parser')) },
    'no parser',
  ],
  ['a parser that throws', { getTypeParser: () => () => fail(new Error('mine')) }, 'mine'],
])('%s', (_what, types, message) => {
  test.each([
    ['a query', 'select 1 as n'],
    ['a statement with values', { text: 'select $1::int as n', values: [1] }],
    ['several rows', 'select n from generate_series(1, 5000) n'],
    ['several statements', 'select 1 as n; select 2 as n'],
    ['no rows', 'select 1 as n where false'],
  ])('%s', async (_kind, query) => {
    const [client, other] = [await connect(load()), await connect(load())];
    const given = typeof query === 'string' ? { text: query } : query;
    const asked = client.query({ ...given, types });
    const beside = value(other, 'select 3');
    const [answer] = await Promise.allSettled([asked]);
    // Nothing has to be parsed where there are no rows.
    if (answer.status === 'rejected') expect(answer.reason.message).toBe(message);
    else expect([_kind, answer.value.rows]).toEqual(['no rows', []]);
    expect(await beside).toBe(3);
    expect(await value(client, 'select 4')).toBe(4);
  });
});

test.each([['a text'], [5], [{ some: 'object' }]])('thrown: %p', async (thrown) => {
  const client = await connect(load());
  const types = { getTypeParser: () => () => fail(thrown) };
  const [answer] = await Promise.allSettled([client.query({ text: 'select 1', types })]);
  expect(answer.status).toBe('rejected');
  expect(await value(client, 'select 2')).toBe(2);
});

test.each([[null], [undefined]])('thrown: %p, which is replaced by an Error', async (thrown) => {
  const client = await connect(load());
  const types = { getTypeParser: () => () => fail(thrown) };
  const error = await rejection(client.query({ text: 'select 1', types }));
  expect(error).toBeInstanceOf(Error);
});

function fail(error) {
  throw error;
}
