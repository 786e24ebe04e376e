'use strict';

const vm = require('node:vm');
const { writeParams } = require('../../lib/params.js');
const { PoolError } = require('../../lib/errors.js');

/** A ring that starts with hardly any room and moves whenever it grows. */
class Writer {
  constructor(at = 3) {
    this.at = at;
    this.#take(new ArrayBuffer(16));
  }

  #take(buffer) {
    this.i32 = new Int32Array(buffer);
    this.u8 = Buffer.from(buffer);
  }

  reserve(bytes) {
    const needed = this.at * 4 + bytes;
    if (needed <= this.u8.length) return;
    const grown = new ArrayBuffer(Math.ceil(needed / 4) * 4);
    new Uint8Array(grown).set(this.u8);
    this.u8.fill(0xee);
    this.#take(grown);
  }
}

/** Reads back what src/wire/param.rs would. */
function read(writer, count, from = 3) {
  const { i32, u8 } = writer;
  let at = from;
  const payload = () => {
    const length = i32[at++];
    const bytes = Buffer.from(u8.subarray(at * 4, at * 4 + length));
    at += Math.ceil(length / 4);
    return bytes;
  };
  const readers = [
    () => ['null'],
    () => ['bool', false],
    () => ['bool', true],
    () => ['int', i32[at++]],
    () => ['float', u8.readDoubleLE((at += 2) * 4 - 8)],
    () => ['text', payload().toString()],
    () => ['bytes', payload()],
    () => ['json', payload().toString()],
    () => ['array', payload().toString(), payload().toString()],
    () => ['date', payload().toString()],
    () => ['bigint', payload().toString()],
  ];
  const all = Array.from({ length: count }, () => readers[i32[at++]]());
  expect(at).toBe(writer.at);
  return all;
}

function encode(...values) {
  const writer = new Writer();
  writeParams(writer, values);
  return read(writer, values.length);
}

function refusal(...values) {
  try {
    writeParams(new Writer(), values);
  } catch (error) {
    expect(error).toBeInstanceOf(PoolError);
    expect(error.code).toBe('ERR_POLYPOOL_PARAMETER');
    return error.message;
  }
  throw new Error('nothing was refused');
}

test('numbers take the smallest form that keeps them', () => {
  expect(encode(0, -1, 2147483647, -2147483648)).toEqual(
    [0, -1, 2147483647, -2147483648].map((value) => ['int', value]),
  );
  const floats = [2147483648, -2147483649, 1.5, 5e-324, Infinity, -Infinity, NaN, -0];
  expect(encode(...floats)).toEqual(floats.map((value) => ['float', value]));
});

test('null, booleans and BigInts', () => {
  expect(encode(null, true, false, 12345678901234567890n, -1n)).toEqual([
    ['null'],
    ['bool', true],
    ['bool', false],
    ['bigint', '12345678901234567890'],
    ['bigint', '-1'],
  ]);
});

test('text of every length and alphabet, with neighbours on both sides', () => {
  for (let length = 0; length <= 70; length++) {
    for (const last of ['x', 'é', '\u{1f600}', '\x7f', '\x80', '\0']) {
      const text = 'abcdefg'.repeat(10).slice(0, length) + last;
      expect(encode(7, text, -7)).toEqual([
        ['int', 7],
        ['text', text],
        ['int', -7],
      ]);
    }
  }
});

test('a lone surrogate becomes the replacement character', () => {
  expect(encode('a\ud800b', '\udc00')).toEqual([
    ['text', 'a\ufffdb'],
    ['text', '\ufffd'],
  ]);
});

test('long text between other parameters moves the ring and loses nothing', () => {
  const values = [];
  for (let i = 0; i < 60; i++) values.push(i, 'é'.repeat(i * 50), 'short', i + 0.5, null);
  expect(encode(...values).map(([, value]) => value ?? null)).toEqual(values);
});

test('bytes: Buffer, views of every width, ArrayBuffer, shared memory', () => {
  const whole = Uint8Array.from({ length: 40 }, (_, i) => i * 5);
  const shared = new Uint8Array(new SharedArrayBuffer(3));
  shared.set([9, 8, 7]);
  expect(
    encode(
      Buffer.from('abc'),
      Buffer.alloc(0),
      whole.subarray(3, 8),
      new DataView(whole.buffer, 1, 2),
      new Uint16Array(whole.buffer, 2, 2),
      whole.buffer,
      shared.buffer,
    ),
  ).toEqual(
    [
      Buffer.from('abc'),
      Buffer.alloc(0),
      Buffer.from(whole.subarray(3, 8)),
      Buffer.from(whole.subarray(1, 3)),
      Buffer.from(whole.subarray(2, 6)),
      Buffer.from(whole),
      Buffer.from([9, 8, 7]),
    ].map((bytes) => ['bytes', bytes]),
  );
});

test('dates carry the local wall clock and its offset', () => {
  // The tests run in America/St_Johns: -03:30, -02:30 in summer, -03:30:52 before 1884.
  expect(process.env.TZ).toBe('America/St_Johns');
  expect(
    encode(
      new Date('2024-01-02T03:04:05.678Z'),
      new Date('2024-07-02T03:04:05Z'),
      new Date('1800-01-01T12:00:00Z'),
      new Date('0001-06-01T12:00:00Z'),
      new Date('-000043-03-15T12:00:00Z'),
      new Date('+012345-01-01T12:00:00Z'),
    ),
  ).toEqual(
    [
      '2024-01-01T23:34:05.678-03:30',
      '2024-07-02T00:34:05.000-02:30',
      '1800-01-01T08:29:08.000-03:30:52',
      '0001-06-01T08:29:08.000-03:30:52',
      '0044-03-15T08:29:08.000-03:30:52 BC',
      '12345-01-01T08:30:00.000-03:30',
    ].map((text) => ['date', text]),
  );
});

test('objects become JSON', () => {
  class Point {
    constructor(x) {
      this.x = x;
    }
  }
  const bare = Object.assign(Object.create(null), { bare: 1 });
  expect(encode({ a: [1, null] }, new Point(2), bare, { toJSON: () => 'é' }, {})).toEqual([
    ['json', '{"a":[1,null]}'],
    ['json', '{"x":2}'],
    ['json', '{"bare":1}'],
    ['json', '"é"'],
    ['json', '{}'],
  ]);
});

test('arrays go as literal and as JSON', () => {
  const cases = [
    [[], '{}', '[]'],
    [[1, -2.5, NaN, Infinity], '{1,-2.5,NaN,Infinity}', '[1,-2.5,null,null]'],
    [[-0], '{-0}', '[0]'],
    [[1, null, 'NULL', ''], '{1,NULL,"NULL",""}', '[1,null,"NULL",""]'],
    [['a"b\\c', '{,}'], '{"a\\"b\\\\c","{,}"}', '["a\\"b\\\\c","{,}"]'],
    [[true, false], '{t,f}', '[true,false]'],
    [
      [
        [1, 2],
        [3, 4],
      ],
      '{{1,2},{3,4}}',
      '[[1,2],[3,4]]',
    ],
    [[{ a: '"' }], '{"{\\"a\\":\\"\\\\\\"\\"}"}', '[{"a":"\\""}]'],
    [[10n, 20n], '{10,20}', ''],
  ];
  for (const [array, literal, json] of cases) {
    expect(encode(1, array, 2)).toEqual([
      ['int', 1],
      ['array', literal, json],
      ['int', 2],
    ]);
  }
  const [[, bytes]] = encode([Buffer.from([0, 255]), new Uint8Array([1]).buffer]);
  expect(bytes).toBe('{"\\\\x00ff","\\\\x01"}');
  const [[, dates]] = encode([new Date('2024-01-02T03:04:05.678Z')]);
  expect(dates).toBe('{"2024-01-01T23:34:05.678-03:30"}');
});

test('an array too deep for PostgreSQL is JSON only', () => {
  expect(encode([[[[[[1]]]]]])).toEqual([['array', '{{{{{{1}}}}}}', '[[[[[[1]]]]]]']]);
  expect(encode([[[[[[[1]]]]]]])).toEqual([['array', '', '[[[[[[[1]]]]]]]']]);
});

test('long arrays keep their size', () => {
  const ids = Array.from({ length: 5000 }, (_, i) => i);
  const words = ids.map((id) => `wörd ${id}`);
  const [[, idText, idJson], [, wordText, wordJson]] = encode(ids, words);
  expect(idText).toBe(`{${ids.join()}}`);
  expect(JSON.parse(idJson)).toEqual(ids);
  expect(wordText).toBe(`{"${words.join('","')}"}`);
  expect(JSON.parse(wordJson)).toEqual(words);
});

test('values of another realm are told by what they are', () => {
  const foreign = vm.runInNewContext(
    '({ date: new Date(0), list: [1], bytes: new Uint8Array([1]), buffer: new ArrayBuffer(1) })',
  );
  expect(encode(foreign.date, foreign.list, foreign.bytes, foreign.buffer)).toEqual([
    ['date', '1969-12-31T20:30:00.000-03:30'],
    ['array', '{1}', '[1]'],
    ['bytes', Buffer.from([1])],
    ['bytes', Buffer.from([0])],
  ]);
});

test('what cannot be encoded is refused by position and type', () => {
  const circle = {};
  circle.self = circle;
  const ring = [];
  ring.push(ring);
  expect(refusal(1, undefined)).toBe('parameter $2 is undefined; use null for SQL NULL');
  expect(refusal(() => {})).toBe('parameter $1 is a function, which cannot be sent');
  expect(refusal(1, 2, Symbol('s'))).toBe('parameter $3 is a symbol, which cannot be sent');
  expect(refusal(new Date(NaN))).toBe('parameter $1 is an invalid Date');
  expect(refusal(circle)).toMatch(/^parameter \$1 cannot be written as JSON: .*circular/);
  expect(refusal({ n: 1n })).toMatch(/^parameter \$1 cannot be written as JSON: .*BigInt/);
  expect(refusal({ toJSON() {} })).toBe(
    'parameter $1 has no JSON form: its toJSON() gives undefined',
  );
  expect(refusal(Promise.resolve(1))).toBe('parameter $1 is a Promise; await it first');
  expect(refusal(new Map([[1, 2]]))).toBe('parameter $1 is a Map');
  expect(refusal(ring)).toMatch(/^parameter \$1 cannot be written as JSON: .*circular/);
  expect(refusal([1, undefined])).toBe(
    'parameter $1 holds undefined at index 1; use null for SQL NULL',
  );
  // eslint-disable-next-line no-sparse-arrays
  expect(refusal([1, , 2])).toMatch(/holds undefined at index 1/);
  expect(refusal([() => {}])).toBe(
    'parameter $1 holds a function at index 0, which cannot be sent',
  );
  expect(refusal([new Date(NaN)])).toBe('parameter $1 holds an invalid Date at index 0');
  expect(refusal([circle])).toMatch(/^parameter \$1 holds at index 0 .*circular/);
});

test('bytes whose memory was detached are refused by position', () => {
  const detached = new Uint8Array(8);
  structuredClone(detached, { transfer: [detached.buffer] });
  for (const value of [detached, detached.buffer]) {
    expect(refusal(1, value)).toMatch(/^parameter \$2 has no bytes to be read: .*detached/);
  }
  expect(refusal([detached])).toMatch(
    /^parameter \$1 holds at index 0 what has no bytes to be read: .*detached/,
  );
});

test('a Date that throws and an array that throws what is no error are refused by position', () => {
  class Strange extends Date {
    getTime() {
      throw new Error('not today');
    }
  }
  const hostile = {
    toJSON() {
      throw null;
    },
  };
  expect(refusal(1, new Strange())).toBe('parameter $2 is a Date that cannot be read: not today');
  expect(refusal([hostile])).toBe(
    'parameter $1 holds at index 0 what cannot be written as JSON: null',
  );
});

test('a throwing toJSON is a refusal with its error as cause', () => {
  const failure = new Error('first line\nsecond line');
  const hostile = {
    toJSON() {
      throw failure;
    },
  };
  try {
    writeParams(new Writer(), [hostile]);
    throw new Error('nothing was refused');
  } catch (error) {
    expect(error.message).toBe('parameter $1 cannot be written as JSON: first line');
    expect(error.cause).toBe(failure);
  }
});
