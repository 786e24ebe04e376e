'use strict';
// Results in binary form: pg reads their bytes as UTF-8, so that all from 0x80 on are lost, and
// gives parsers of array rows the text that comes of it.

const { connect, value, values } = require('./clients.js');
const { IMPLEMENTATIONS } = require('./implementations.js');

const [, load] = IMPLEMENTATIONS.at(-1);

const VALUES = [
  ['(-32768)::int2', -32768],
  ['255::int2', 255],
  ['2147483647::int4', 2147483647],
  ['(-1)::int4', -1],
  ['(-2147483648)::int4', -2147483648],
  ['9223372036854775807::int8', '9223372036854775807'],
  ['(-9223372036854775808)::int8', '-9223372036854775808'],
  ['1.5::float8', 1.5],
  ['(-0.1)::float8', -0.1],
  ['1e300::float8', 1e300],
  ["'NaN'::float8", NaN],
  ["'Infinity'::float8", Infinity],
  ["'-Infinity'::float8", -Infinity],
  ['1.5::float4', 1.5],
  ["'NaN'::float4", NaN],
  ["'-Infinity'::float4", -Infinity],
  ['12.5::numeric', 12.5],
  ['(-1234567.89)::numeric', -1234567.89],
  ["'NaN'::numeric", NaN],
  ["'{1,-2,NULL}'::int4[]", [1, -2, null]],
  ["array['a',null,'ü']::text[]", ['a', null, 'ü']],
  ['4294967295::oid', 4294967295],
  ['0.00012::numeric', 0.00012],
  ['120000000000::numeric', 120000000000],
  ['(-0.1)::numeric', -0.1],
  ['0::numeric', 0],
  ["'{{-1,2},{3,NULL}}'::int8[]", [[-1, 2], [3, null]]], // prettier-ignore
  ["'{t,f,NULL}'::bool[]", [true, false, null]],
  ["'infinity'::timestamptz", Infinity],
  ["'-infinity'::timestamp", -Infinity],
];

test.each(VALUES)('%s', async (sql, expected) => {
  const client = await connect(load());
  const query = { text: `select ${sql} as value where $1`, values: [true], binary: true };
  expect((await client.query(query)).rows).toEqual([{ value: expected }]);
  expect((await client.query({ ...query, rowMode: 'array' })).rows).toEqual([[expected]]);
});

test('every bit of float8 counts', async () => {
  const client = await connect(load(), { binary: true });
  const numbers = [1 / 3, Math.PI, -Math.E, 5e-324, Number.MAX_VALUE, 2 ** 53 - 1, -1e-300, 1.1];
  for (const number of numbers) {
    expect(await value(client, 'select $1::float8', [number])).toBe(number);
  }
});

test('timestamps', async () => {
  const client = await connect(load(), { binary: true });
  const dates = [
    '2024-02-29T12:34:56.789Z',
    '1970-01-01T00:00:00.000Z',
    '1999-12-31T23:59:59.999Z',
    '0099-01-02T12:00:00.001Z',
  ];
  for (const text of dates) {
    expect(await value(client, 'select $1::timestamptz', [text])).toEqual(new Date(text));
  }
  const precise = await value(client, "select '2024-01-01 00:00:00.123456'::timestamp where $1", [
    true,
  ]);
  expect(precise.getMicroSeconds()).toBe(456);
  const local = new Date(2024, 1, 29, 12, 34, 56, 789);
  expect(
    await value(client, "select '2024-02-29 12:34:56.789'::timestamp where $1", [true]),
  ).toEqual(local);
});

test('parsers get the bytes, of array rows as well', async () => {
  const client = await connect(load(), { binary: true });
  const given = [];
  client.setTypeParser(17, 'binary', (bytes) => given.push(bytes));
  const bytes = Buffer.from(Array.from({ length: 256 }, (_, i) => i));
  await client.query('select $1::bytea as bytes', [bytes]);
  await values(client, 'select $1::bytea', [bytes]);
  expect(given).toEqual([bytes, bytes]);
  for (const each of given) expect(each).toBeInstanceOf(Buffer);
});
