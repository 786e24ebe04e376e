'use strict';

const { converterFor } = require('../../lib/values.js');
const { PoolError } = require('../../lib/errors.js');

const column = (dataTypeId, wire = 't') => ({ name: 'c', dataTypeId, wire });

function convert(dataTypeId, cell, { wire, int8 } = {}) {
  const { convert } = converterFor(column(dataTypeId, wire), { types: { int8 } });
  return convert === null ? cell : convert(cell);
}

function refusal(...cell) {
  try {
    convert(...cell);
  } catch (error) {
    expect(error).toBeInstanceOf(PoolError);
    return error;
  }
  throw new Error('nothing was refused');
}

test('the letter of the wire says what to read, and most cells are done by then', () => {
  const plain = [
    [23, 'i', 'int'],
    [16, 'b', 'bool'],
    [701, 'f', 'float'],
    [26, 'f', 'float'],
    [25, 't', 'text'],
    [1700, 't', 'text'],
    [1082, 't', 'text'],
    [17, 'x', 'bytes'],
    [99999, 't', 'text'],
  ];
  for (const [oid, wire, read] of plain) {
    expect(converterFor(column(oid, wire), {})).toEqual({ read, convert: null });
  }
});

test('timestamptz is the instant', () => {
  expect(convert(1184, 1704164645678, { wire: 'f' })).toEqual(new Date('2024-01-02T03:04:05.678Z'));
  expect(convert(1184, -Infinity, { wire: 'f' })).toBe(-Infinity);
  expect(convert(1184, Infinity, { wire: 'f' })).toBe(Infinity);
});

test('timestamp is the local wall clock', () => {
  const local = (...fields) => {
    const date = new Date(2000, ...fields.slice(1));
    date.setFullYear(...fields.slice(0, 3));
    return date;
  };
  const utc = (...fields) => {
    const date = new Date(Date.UTC(2000, ...fields.slice(1)));
    return date.setUTCFullYear(...fields.slice(0, 3));
  };
  for (const fields of [
    [2024, 6, 2, 3, 4, 5, 678],
    [1969, 11, 31, 23, 59, 59, 999],
    [2024, 1, 29, 0, 0, 0, 0],
    [50, 2, 1, 12, 0, 0, 1],
    [-43, 2, 15, 12, 0, 0, 0],
  ]) {
    expect(convert(1114, utc(...fields), { wire: 'f' })).toEqual(local(...fields));
  }
  expect(convert(1114, Infinity, { wire: 'f' })).toBe(Infinity);
});

test('a timestamp that no Date can hold is an error, not an invalid Date', () => {
  for (const oid of [1184, 1114]) {
    const error = refusal(oid, 9e15, { wire: 'f' });
    expect(error.code).toBe('ERR_POLYPOOL_DECODE');
    expect(error.message).toBe('column "c" holds a timestamp beyond the range of Date');
  }
});

test('int8 by option', () => {
  expect(convert(20, '9007199254740993', { int8: 'bigint' })).toBe(9007199254740993n);
  expect(convert(20, '9007199254740993', { int8: 'string' })).toBe('9007199254740993');
  expect(convert(20, 7, { wire: 'f', int8: 'number' })).toBe(7);
});

test('json is parsed', () => {
  expect(convert(114, '{"a":[1,null]}')).toEqual({ a: [1, null] });
  expect(convert(3802, 'null')).toBeNull();
  expect(Object.keys(convert(3802, '{"__proto__":1}'))).toEqual(['__proto__']);
});

test('arrays of every kind', () => {
  expect(convert(1007, '{1,NULL,-3}')).toEqual([1, null, -3]);
  expect(convert(1007, '{}')).toEqual([]);
  expect(convert(1007, '[0:1][2:3]={{1,2},{3,4}}')).toEqual([
    [1, 2],
    [3, 4],
  ]);
  expect(convert(1000, '{t,f,NULL}')).toEqual([true, false, null]);
  expect(convert(1022, '{1.5,NaN,-Infinity,1e+300}')).toEqual([1.5, NaN, -Infinity, 1e300]);
  expect(convert(1009, '{plain,"NULL",NULL,"","a\\"b\\\\c","x,y","{}"}')).toEqual([
    'plain',
    'NULL',
    null,
    '',
    'a"b\\c',
    'x,y',
    '{}',
  ]);
  expect(convert(1231, '{1.10,NaN}')).toEqual(['1.10', 'NaN']);
  expect(convert(1182, '{2024-01-02,infinity}')).toEqual(['2024-01-02', 'infinity']);
  expect(convert(2951, '{c4a1e6f0-0000-4000-8000-000000000000}')).toEqual([
    'c4a1e6f0-0000-4000-8000-000000000000',
  ]);
  expect(convert(3807, '{"{\\"a\\": 1}",NULL,"\\"s\\""}')).toEqual([{ a: 1 }, null, 's']);
});

test('int8 arrays by option', () => {
  expect(convert(1016, '{1,9007199254740991}')).toEqual([1, 9007199254740991]);
  expect(convert(1016, '{9007199254740993}', { int8: 'bigint' })).toEqual([9007199254740993n]);
  expect(convert(1016, '{9007199254740993}', { int8: 'string' })).toEqual(['9007199254740993']);
  const error = refusal(1016, '{1,9007199254740993}');
  expect(error.code).toBe('ERR_POLYPOOL_UNSAFE_INTEGER');
  expect(error.message).toContain(`types: { int8: 'bigint' | 'string' }`);
});

test('bytea arrays in either output form', () => {
  const expected = [Buffer.from([0, 0xff, 0x5c, 0x41]), null, Buffer.alloc(0)];
  expect(convert(1001, '{"\\\\x00ff5c41",NULL,"\\\\x"}')).toEqual(expected);
  expect(convert(1001, '{"\\\\000\\\\377\\\\\\\\A",NULL,""}')).toEqual(expected);
});

test('timestamptz arrays: offsets, centuries, infinities', () => {
  const text =
    '{"2024-01-02 03:04:05.678912+05:30","1800-01-01 00:00:00-03:30:52",' +
    '"0044-03-15 12:00:00+00 BC","12345-01-01 00:00:00+00","0050-01-01 00:00:00.5+00",' +
    'infinity,-infinity,NULL}';
  expect(convert(1185, text)).toEqual([
    new Date('2024-01-01T21:34:05.678Z'),
    new Date('1800-01-01T03:30:52Z'),
    new Date('-000043-03-15T12:00:00Z'),
    new Date('+012345-01-01T00:00:00Z'),
    new Date('0050-01-01T00:00:00.500Z'),
    Infinity,
    -Infinity,
    null,
  ]);
});

test('timestamp arrays are local', () => {
  expect(convert(1115, '{"2024-07-02 03:04:05.6"}')).toEqual([new Date(2024, 6, 2, 3, 4, 5, 600)]);
});

test('a timestamp under another DateStyle is an error that names DateStyle', () => {
  const error = refusal(1185, '{"Tue Jan 02 03:04:05 2024 UTC"}');
  expect(error.code).toBe('ERR_POLYPOOL_DECODE');
  expect(error.message).toContain('DateStyle');
});

test('a malformed array is an error with its cause', () => {
  const error = refusal(1007, '{1,2');
  expect(error.code).toBe('ERR_POLYPOOL_DECODE');
  expect(error.message).toBe('column "c" holds a malformed array of type 1007');
  expect(error.cause).toBeInstanceOf(Error);
});

test('arrays of types made by users stay text: their ids say nothing', () => {
  expect(convert(16400, '{a,b}')).toBe('{a,b}');
});
