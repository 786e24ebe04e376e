'use strict';
// What values become on their way to the server: prepareValue, and the way there and back.

const vm = require('node:vm');
const { runProgram } = require('../../support/child.js');
const { rejection } = require('../../support/pools.js');
const { connect, value } = require('./clients.js');
const { IMPLEMENTATIONS } = require('./implementations.js');

/** The tests run in St. John's: neither UTC nor a whole hour off it. */
const DATES = [
  [new Date(2024, 1, 29, 12, 34, 56, 789), '2024-02-29T12:34:56.789-03:30'],
  [new Date(2024, 6, 1), '2024-07-01T00:00:00.000-02:30'],
  [new Date('+012345-06-07T08:09:10.011Z'), '12345-06-07T05:39:10.011-02:30'],
];

const OBJECTS = [
  [null, null],
  [undefined, null],
  ['', ''],
  ['text', 'text'],
  [0, '0'],
  [-0, '0'],
  [1.5, '1.5'],
  [1e21, '1e+21'],
  [NaN, 'NaN'],
  [-Infinity, '-Infinity'],
  [12345678901234567890n, '12345678901234567890'],
  [true, 'true'],
  [false, 'false'],
  [Symbol.for('x'), 'Symbol(x)'],
  [{}, '{}'],
  [{ a: [1, 'x', null] }, '{"a":[1,"x",null]}'],
  [{ toJSON: () => ({ b: 1 }) }, '{"b":1}'],
  [Object.create(null), '{}'],
  [new Map([[1, 2]]), '{}'],
  [new String('boxed'), '"boxed"'],
  [new Number(5), '5'],
  [{ toPostgres: () => 'made' }, 'made'],
  [{ toPostgres: () => null }, null],
  [{ toPostgres: () => undefined }, null],
  [{ toPostgres: () => [1, 2] }, '{"1","2"}'],
  [{ toPostgres: (prepare) => `<${prepare(5)}>` }, '<5>'],
  [{ toPostgres: () => ({ toPostgres: () => 7 }) }, '7'],
  [{ toPostgres: 'not a function' }, '{"toPostgres":"not a function"}'],
];

const ARRAYS = [
  [[], '{}'],
  [[1, 2.5, -3], '{"1","2.5","-3"}'],
  [
    ['a', 'b c', 'x"y', '\\', '{', ',', '', 'null', 'NULL'],
    '{"a","b c","x\\"y","\\\\","{",",","","null","NULL"}',
  ],
  [[null, undefined], '{NULL,NULL}'],
  [[[1, 2], [3, null]], '{{"1","2"},{"3",NULL}}'], // prettier-ignore
  [[[]], '{{}}'],
  [[true, 5n], '{"true","5"}'],
  [[{ a: 'x"y' }], '{"{\\"a\\":\\"x\\\\\\"y\\"}"}'],
  [[Buffer.from([0, 255])], '{\\\\x00ff}'],
  [[[Buffer.from('a')], [new Uint8Array([98])]], '{{\\\\x61},{\\\\x62}}'],
  [[new Uint16Array([0x6261])], '{\\\\x6162}'],
  [[{ toPostgres: () => 'made "so"' }], '{"made \\"so\\""}'],
];

describe.each(IMPLEMENTATIONS)('%s', (name, load) => {
  const open = (options) => connect(load(), options);
  const prepare = (given) => load().utils.prepareValue(given);

  test.each([...OBJECTS, ...ARRAYS, ...DATES])('prepareValue(%p)', (given, expected) => {
    expect(prepare(given)).toBe(expected);
  });

  test('prepareValue of bytes', () => {
    const buffer = Buffer.from('bytes');
    expect(prepare(buffer)).toBe(buffer);
    const part = new Uint8Array([1, 2, 3, 4, 5, 6, 7, 8]).subarray(2, 6);
    expect(prepare(part)).toEqual(Buffer.from([3, 4, 5, 6]));
    expect(prepare(part)).toBeInstanceOf(Buffer);
    expect(prepare(new Float64Array([1]))).toEqual(Buffer.from([0, 0, 0, 0, 0, 0, 0xf0, 0x3f]));
    expect(prepare(new DataView(part.buffer, 4, 2))).toEqual(Buffer.from([5, 6]));
    expect(prepare(part.buffer)).toBe('{}');
  });

  test('a Date from another realm', () => {
    const date = vm.runInNewContext('new Date(1709222400000)');
    expect(date).not.toBeInstanceOf(Date);
    expect(prepare(date)).toBe('2024-02-29T12:30:00.000-03:30');
    expect(prepare([date])).toBe('{"2024-02-29T12:30:00.000-03:30"}');
  });

  test('defaults.parseInputDatesAsUTC', () => {
    const { defaults } = load();
    defaults.parseInputDatesAsUTC = true;
    try {
      const iso = (text) => prepare(new Date(text));
      expect(iso('2024-02-29T12:34:56.789Z')).toBe('2024-02-29T12:34:56.789+00:00');
      expect(iso('-000043-03-15T12:00:00Z')).toBe('0044-03-15T12:00:00.000+00:00 BC');
      expect(iso('0009-01-01T00:00:00Z')).toBe('0009-01-01T00:00:00.000+00:00');
    } finally {
      defaults.parseInputDatesAsUTC = false;
    }
  });

  test('an object that makes itself', async () => {
    const circle = { toPostgres: () => circle };
    expect(() => prepare(circle)).toThrow('circular reference detected while preparing');
    const client = await open();
    const error = await rejection(client.query('select $1::text', [circle]));
    expect(error.message).toBe(
      'circular reference detected while preparing "[object Object]" for query',
    );
    expect(await value(client, 'select 1')).toBe(1);
  });

  test('a value that throws rejects, and the client goes on', async () => {
    const client = await open();
    const wrong = new Error('not this one');
    const thrower = {
      toPostgres: () => {
        throw wrong;
      },
    };
    expect(await rejection(client.query('select $1::text, $2::text', ['a', thrower]))).toBe(wrong);
    const named = { name: 'n', text: 'select $1::text as t', values: [thrower] };
    expect(await rejection(client.query(named))).toBe(wrong);
    const circle = {};
    circle.circle = circle;
    expect(await rejection(client.query('select $1::text', [circle]))).toBeInstanceOf(TypeError);
    expect(
      await rejection(
        client.query('select $1', [Object.create(null, { toJSON: { get: thrower.toPostgres } })]),
      ),
    ).toBe(wrong);
    expect(await value(client, 'select $1::int', [1])).toBe(1);
  });

  test.each([
    ['int', 5, 5],
    ['int', '5', 5],
    ['text', -0, '0'],
    ['text', -2147483648, '-2147483648'],
    ['int8', 9223372036854775807n, '9223372036854775807'],
    ['float8', 0.1, 0.1],
    ['float8', NaN, NaN],
    ['float8', -Infinity, -Infinity],
    ['numeric', 1e21, '1000000000000000000000'],
    ['bool', true, true],
    ['bool', 'f', false],
    ['text', 'ü\n\t"\'\\', 'ü\n\t"\'\\'],
    ['text', 5, '5'],
    ['text', null, null],
    ['text', undefined, null],
    ['bytea', Buffer.from([0, 1, 255]), Buffer.from([0, 1, 255])],
    ['bytea', new Uint8Array([0, 1, 255]), Buffer.from([0, 1, 255])],
    ['bytea', Buffer.alloc(0), Buffer.alloc(0)],
    ['text', Buffer.from('bytes as text'), 'bytes as text'],
    ['int', Buffer.from([0, 0, 0, 7]), 7],
    ['bytea', '\\x00ff', Buffer.from([0, 255])],
    ['jsonb', { a: [1, null], b: { c: 'ü' } }, { a: [1, null], b: { c: 'ü' } }],
    ['json', JSON.stringify([1, 'x']), [1, 'x']],
    ['json', '"text"', 'text'],
    ['int[]', [1, null, 3], [1, null, 3]],
    ['int[]', [[1, 2], [3, 4]], [[1, 2], [3, 4]]], // prettier-ignore
    [
      'text[]',
      ['a', 'NULL', null, '', 'x"y\\z', 'a,b', '{}'],
      ['a', 'NULL', null, '', 'x"y\\z', 'a,b', '{}'],
    ],
    ['bytea[]', [Buffer.from([0, 255]), null], [Buffer.from([0, 255]), null]],
    [
      'bytea[]',
      [[Buffer.from([1])], [new Uint8Array([2])]],
      [[Buffer.from([1])], [Buffer.from([2])]],
    ],
    ['jsonb[]', [{ a: 'x"y\\' }, null], [{ a: 'x"y\\' }, null]],
    ['bool[]', [true, false], [true, false]],
    ['timestamptz', new Date('2024-02-29T12:34:56.789Z'), new Date('2024-02-29T12:34:56.789Z')],
    ['timestamp', new Date(-43, 2, 15, 12), new Date(-43, 2, 15, 12)],
    ['timestamp', new Date(12345, 5, 7), new Date(12345, 5, 7)],
    ['timestamptz', new Date('1935-06-01T00:00:00Z'), new Date('1935-06-01T00:00:00Z')],
    ['timestamp', new Date(2024, 1, 29, 12, 34, 56, 789), new Date(2024, 1, 29, 12, 34, 56, 789)],
    ['date', new Date(2024, 1, 29, 23, 59), new Date(2024, 1, 29)],
    ['timestamptz[]', [new Date(0), null], [new Date(0), null]],
    ['timestamptz', 'infinity', Infinity],
    ['point', '(1,2)', { x: 1, y: 2 }],
    ['uuid', '3F2504E0-4F89-11D3-9A0C-0305E82C3301', '3f2504e0-4f89-11d3-9a0c-0305e82c3301'],
  ])('%s from %p', async (type, given, expected) => {
    const client = await open();
    const text = `select $1::${type} as value`;
    for (const config of [{ text }, { name: 'n', text }, { name: 'n', text }, { text, rows: 5 }]) {
      const { rows } = await client.query({ ...config, values: [given] });
      expect(rows).toEqual([{ value: expected }]);
    }
  });

  test('values that change after the call', async () => {
    const client = await open();
    const values = [1];
    const asked = client.query('select $1::int as n', values);
    values[0] = 2;
    values.push(3);
    expect((await asked).rows).toEqual([{ n: 1 }]);
  });

  test('normalizeQueryConfig copies', () => {
    const { utils } = load();
    const config = { text: 'a', name: 'n' };
    const callback = () => {};
    expect(utils.normalizeQueryConfig('a')).toEqual({ text: 'a' });
    expect(utils.normalizeQueryConfig('a', [1], callback)).toEqual({
      text: 'a',
      values: [1],
      callback,
    });
    expect(utils.normalizeQueryConfig(config, callback)).toEqual({ ...config, callback });
    expect(config).toEqual({ text: 'a', name: 'n' });
  });

  test('an invalid Date warns once, and the server refuses it', async () => {
    const program = `const { utils, Client } = require('${name}');
      process.on('warning', ({ name, code }) => console.log(name, code));
      const given = [utils.prepareValue(new Date(NaN)), utils.prepareValue([new Date(NaN)])];
      console.log(JSON.stringify(given));
      const client = new Client(process.env.TEST_URL);
      client.connect();
      client.query('select $1::timestamptz', [new Date(NaN)], ({ code, message }) => {
        console.log(code, message);
        client.end();
      });`;
    const { stdout } = await runProgram(program, { flags: ['--no-warnings'] });
    const text = '0NaN-NaN-NaNTNaN:NaN:NaN.NaN+NaN:NaN';
    expect(stdout.split('\n')).toEqual([
      JSON.stringify([text, `{"${text}"}`]),
      'DeprecationWarning PG_INVALID_DATE',
      `22007 invalid input syntax for type timestamp with time zone: "${text}"`,
      '',
    ]);
  });
});
