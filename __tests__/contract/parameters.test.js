'use strict';
// Each value is sent three times: as text with an unknown type, then as the type the server named.

const { openPool, rejection, unique } = require('../support/pools.js');

const date = new Date(2024, 1, 29, 23, 59, 58, 765);
const bytes = Buffer.from([0, 1, 0x5c, 0x27, 0x80, 0xff]);

class Celsius {
  constructor(degrees) {
    this.degrees = degrees;
  }
  toJSON() {
    return { celsius: this.degrees };
  }
}

const REPRESENTATION = [
  // [SQL, value, what comes back]
  ['$1::int4', null, null],
  ['$1::text', null, null],
  ['$1::bool', true, true],
  ['$1::bool', false, false],
  ['$1::bool', 'yes', true],
  ['$1::bool', 1, true],
  ['$1::text', true, 'true'],
  ['$1::int2', -32768, -32768],
  ['$1::int4', 2147483647, 2147483647],
  ['$1::int4', '42', 42],
  ['$1::int4', ' 42 ', 42],
  ['$1::int4', 42n, 42],
  ['$1::int8', 9007199254740991, 9007199254740991],
  ['$1::int8', '-9007199254740991', -9007199254740991],
  ['$1::int8::text', 9223372036854775807n, '9223372036854775807'],
  ['$1::int8::text', -9223372036854775808n, '-9223372036854775808'],
  ['$1::oid', 4294967295, 4294967295],
  ['$1::numeric', 0.1, '0.1'],
  ['$1::numeric', 5e-324, '0.' + '0'.repeat(323) + '5'],
  ['$1::numeric', 123456789012345678901234567890n, '123456789012345678901234567890'],
  ['$1::numeric', '1.10', '1.10'],
  ['$1::float4', 0.1, 0.1],
  ['$1::float8', 0.1, 0.1],
  ['$1::float8', 1e21, 1e21],
  ['$1::float8', -0, -0],
  ['$1::float8', NaN, NaN],
  ['$1::float8', Infinity, Infinity],
  ['$1::float8', -Infinity, -Infinity],
  ['$1::float8', 7, 7],
  ['$1::float8', 7n, 7],
  ['$1::float8', '7.5', 7.5],
  ['$1::text', 1, '1'],
  ['$1::text', 1.5, '1.5'],
  ['$1::text', 12n, '12'],
  ['$1::text', '', ''],
  ['$1::text', `it's "quoted" \\ and {braced}`, `it's "quoted" \\ and {braced}`],
  ['$1::text', 'Grüße, 東京, 🐘, \u0001\u007f', 'Grüße, 東京, 🐘, \u0001\u007f'],
  ['$1::varchar(3)', 'abcdef', 'abc'],
  ['$1::bytea', bytes, bytes],
  ['$1::bytea', new Uint8Array(bytes), bytes],
  ['$1::bytea', new Uint8Array(bytes).subarray(2, 4), bytes.subarray(2, 4)],
  ['$1::bytea', Buffer.alloc(0), Buffer.alloc(0)],
  ['$1::bytea', new Uint16Array([0x0201, 0x0403]), Buffer.from([1, 2, 3, 4])],
  ['$1::bytea', '\\x00ff', Buffer.from([0, 255])],
  ['$1::timestamptz', date, date],
  ['$1::timestamp', date, date],
  ['$1::date', date, '2024-02-29'],
  ['$1::timestamptz', '2024-05-06 07:08:09.123+02', new Date('2024-05-06T05:08:09.123Z')],
  ['$1::timestamptz', new Date(Date.UTC(-43, 2, 15, 12)), new Date(Date.UTC(-43, 2, 15, 12))],
  ['$1::timestamptz', new Date(8.64e15 / 2), new Date(8.64e15 / 2)],
  ['$1::date', '2024-05-06', '2024-05-06'],
  ['$1::uuid', '3F2504E0-4F89-11D3-9A0C-0305E82C3301', '3f2504e0-4f89-11d3-9a0c-0305e82c3301'],
  ['$1::interval', '1 day 02:03:04', '1 day 02:03:04'],
  ['$1::inet', '192.168.0.1/24', '192.168.0.1/24'],
  ['$1::json', { a: [1, null, 'x'] }, { a: [1, null, 'x'] }],
  ['$1::jsonb', { b: 2, a: { c: 'ü' } }, { b: 2, a: { c: 'ü' } }],
  ['$1::jsonb', [1, 'two', null, { three: 3 }], [1, 'two', null, { three: 3 }]],
  ['$1::json', [], []],
  ['$1::jsonb', '{"raw":true}', { raw: true }],
  ['$1::jsonb', new Celsius(36.6), { celsius: 36.6 }],
  ['$1::jsonb', { at: new Date(0) }, { at: '1970-01-01T00:00:00.000Z' }],
  ['$1::text', { a: 1 }, '{"a":1}'],
  ['$1::int4[]', [1, -2, null], [1, -2, null]],
  ['$1::int4[]', [], []],
  ['$1::int8[]', [1, 2n, '3'], [1, 2, 3]],
  ['$1::float8[]', [0.1, NaN, -Infinity], [0.1, NaN, -Infinity]],
  ['$1::bool[]', [true, false, null], [true, false, null]],
  ['$1::text[]', ['a', '', 'NULL', 'null', null], ['a', '', 'NULL', 'null', null]],
  ['$1::text[]', ['"', '\\', '{', '}', ',', ' '], ['"', '\\', '{', '}', ',', ' ']],
  ['$1::text[]', ['Grüße', '東京', "it's"], ['Grüße', '東京', "it's"]],
  [
    '$1::int4[]',
    [
      [1, 2],
      [3, 4],
    ],
    [
      [1, 2],
      [3, 4],
    ],
  ],
  ['$1::text[]', [[['deep', null]]], [[['deep', null]]]],
  ['$1::numeric[]', [1.5, '2.50'], ['1.5', '2.50']],
  ['$1::timestamptz[]', [date, null], [date, null]],
  ['$1::bytea[]', [bytes, null], [bytes, null]],
  ['$1::jsonb[]', [{ a: 1 }, null, { b: '"\\,' }], [{ a: 1 }, null, { b: '"\\,' }]],
  ['2 = any($1::int4[])', [1, 2, 3], true],
  ['$1::int4range', '[1,5)', '[1,5)'],
];

test.each(REPRESENTATION)('%s of %p comes back as %p', async (expression, value, expected) => {
  const pool = await openPool({ max: 1 });
  for (let run = 0; run < 3; run++) {
    const { rows } = await pool.query(`select ${expression} as value`, [value]);
    expect(rows).toStrictEqual([{ value: expected }]);
  }
});

test('types are taken from the statement where no cast names them', async () => {
  const pool = await openPool({ max: 1 });
  const name = unique('t');
  await pool.query(
    `create table ${name} (a int2, b numeric(6,2), c timestamptz, d jsonb, e text[])`,
  );
  for (let run = 0; run < 3; run++) {
    const values = [run, 1.25, date, { run }, [`run ${run}`]];
    const text = `insert into ${name} values ($1, $2, $3, $4, $5) returning *`;
    const { rows } = await pool.query(text, values);
    expect(rows).toStrictEqual([{ a: run, b: '1.25', c: date, d: { run }, e: [`run ${run}`] }]);
  }
});

test('one statement takes values of different kinds in turn', async () => {
  const pool = await openPool({ max: 1 });
  const values = [1, '2', 3n, null, 4, null, '5'];
  for (const value of values) {
    const { rows } = await pool.query('select $1::int8 as value', [value]);
    expect(rows[0].value).toBe(value === null ? null : Number(value));
  }
});

test('the number of parameters is checked by the server, on every run', async () => {
  const pool = await openPool({ max: 1 });
  const text = 'select $1::int + $2::int as sum';
  for (let run = 0; run < 3; run++) {
    const few = await rejection(pool.query(text, [1]));
    expect(few.code).toMatch(/^(08P01|ERR_POLYPOOL_PARAMETER)$/);
    const many = await rejection(pool.query(text, [1, 2, 3]));
    expect(many.code).toMatch(/^(08P01|42P18|ERR_POLYPOOL_PARAMETER)$/);
    expect((await pool.query(text, [1, 2])).rows).toEqual([{ sum: 3 }]);
  }
});

test('65,535 parameters are sent, one more is refused', async () => {
  const pool = await openPool({ max: 1 });
  const build = (count) =>
    `select ${Array.from({ length: count }, (_, i) => `$${i + 1}::int`).join('+')} as sum`;
  const values = Array.from({ length: 65_535 }, () => 1);
  // One addition of 65,535 terms is deeper than the server's stack allows; a list of rows is not.
  const list = `select sum(v) as sum from (values ${values.map((_, i) => `($${i + 1}::int)`).join(',')}) t(v)`;
  expect((await pool.query(list, values)).rows).toEqual([{ sum: 65_535 }]);
  const error = await rejection(pool.query(build(65_536), [...values, 1]));
  expect(error).toBeInstanceOf(Error);
  expect((await pool.query('select 1 as a')).rows).toEqual([{ a: 1 }]);
});

test.each([
  ['$1::int4', 1.5],
  ['$1::int4', 2147483648],
  ['$1::int2', 40000],
  ['$1::int4', 'forty-two'],
  ['$1::int4', true],
  ['$1::int8', 9223372036854775808n],
  ['$1::uuid', 'no uuid'],
  ['$1::text', 'a\0b'],
  ['$1::int4[]', ['x']],
])('%s refuses %p on every run, and the connection stays usable', async (expression, value) => {
  const pool = await openPool({ max: 1 });
  const text = `select ${expression} as value`;
  for (let run = 0; run < 3; run++) {
    const error = await rejection(pool.query(text, [value]));
    expect(error.code).toMatch(/^(22...|42...|ERR_POLYPOOL_PARAMETER)$/);
    // Also once the statement is prepared.
    expect((await pool.query(text, [null])).rows).toEqual([{ value: null }]);
  }
  expect(pool.stats()).toMatchObject({ created: 1, destroyed: 0 });
});

test('a lone surrogate is sent as the replacement character', async () => {
  const pool = await openPool({ max: 1 });
  for (let run = 0; run < 3; run++) {
    const { rows } = await pool.query('select $1::text as value', ['a\ud800b']);
    expect(rows[0].value).toBe('a\ufffdb');
  }
});

test('values are read when the query is called, not when it is sent', async () => {
  const pool = await openPool({ max: 1 });
  const values = [1, Buffer.from('before')];
  const query = pool.query('select $1::int as a, $2::bytea as b', values);
  values[0] = 2;
  values[1].write('after!');
  const { rows } = await query;
  expect(rows).toEqual([{ a: 1, b: Buffer.from('before') }]);
});

test('parameters that no message could hold are refused', async () => {
  const pool = await openPool({ max: 1 });
  // Nothing is written to it, so it takes no memory.
  const huge = new ArrayBuffer(2 ** 31);
  const error = await rejection(pool.query('select $1::bytea', [huge]));
  expect(error).toMatchObject({
    name: 'PoolError',
    code: 'ERR_POLYPOOL_PARAMETER',
    message: 'the parameters of a statement take 2 GiB at most, all together',
  });
  expect((await pool.query('select $1::int as a', [1])).rows).toEqual([{ a: 1 }]);
});

test('parameters of every length up to beyond one buffer arrive as they are', async () => {
  const pool = await openPool({ max: 1 });
  const lengths = [0, 1, 7, 8, 9, 255, 256, 4095, 4096, 65535, 65536, 1 << 20, (1 << 20) + 1];
  for (const length of lengths) {
    for (const text of ['a'.repeat(length), 'ß'.repeat(length), '🐘'.repeat(length >> 1)]) {
      const { rows } = await pool.query('select $1::text as value', [text]);
      expect(rows[0].value === text).toBe(true);
    }
  }
});
