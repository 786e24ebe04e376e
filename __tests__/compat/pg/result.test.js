'use strict';
// The Result as libraries build it: pg-cursor, and whoever reads rows by itself.

const fc = require('fast-check');

const IMPLEMENTATIONS = [
  ['pg', () => require('pg/lib/result')],
  ['polypool/pg', () => require('../../../lib/compat/pg/result')],
];

const field = (name, dataTypeID, format) => ({ name, dataTypeID, format });

describe.each(IMPLEMENTATIONS)('%s', (_name, load) => {
  const Result = load();

  test('at first', () => {
    const result = new Result();
    const { command, rowCount, oid, rows, fields, RowCtor, rowAsArray } = result;
    expect({ command, rowCount, oid, rows, fields, RowCtor, rowAsArray }).toEqual({
      command: null,
      rowCount: null,
      oid: null,
      rows: [],
      fields: [],
      RowCtor: null,
      rowAsArray: false,
    });
    expect(Object.keys(result)).toEqual([
      ...['command', 'rowCount', 'oid', 'rows', 'fields', '_parsers', '_types', 'RowCtor'],
      ...['rowAsArray', '_prebuiltEmptyResultObject'],
    ]);
  });

  test.each([
    ['SELECT 5', 'SELECT', 5, null],
    ['INSERT 0 3', 'INSERT', 3, 0],
    ['INSERT 16384 1', 'INSERT', 1, 16384],
    ['DELETE 0', 'DELETE', 0, null],
    ['COPY 12', 'COPY', 12, null],
    ['CREATE TABLE', 'CREATE', null, null],
    ['BEGIN', 'BEGIN', null, null],
    ['SET', 'SET', null, null],
    ['42', null, null, null],
  ])('the tag %p', (text, command, rowCount, oid) => {
    const result = new Result();
    result.addCommandComplete({ text });
    expect([result.command, result.rowCount, result.oid]).toEqual([command, rowCount, oid]);
    const native = new Result();
    native.addCommandComplete({ command: text });
    expect([native.command, native.rowCount, native.oid]).toEqual([command, rowCount, oid]);
  });

  test('rows as objects', () => {
    const result = new Result();
    const fields = [field('id', 23, 'text'), field('ok', 16), field('name', 25, 'text')];
    result.addFields(fields);
    expect(result.fields).toBe(fields);
    result.addRow(result.parseRow(['7', 't', 'x']));
    result.addRow(result.parseRow([null, null, null]));
    expect(result.rows).toEqual([
      { id: 7, ok: true, name: 'x' },
      { id: null, ok: null, name: null },
    ]);
  });

  test('rows as arrays', () => {
    const result = new Result('array');
    expect(result.rowAsArray).toBe(true);
    result.addFields([field('id', 23, 'text'), field('id', 1700, 'text')]);
    expect(result.parseRow(['7', '1.50'])).toEqual([7, '1.50']);
    expect(result.parseRow(['7', null])).toEqual([7, null]);
  });

  test('the last of columns with one name wins, at the place of the first', () => {
    const result = new Result();
    result.addFields([field('a', 23), field('b', 23), field('a', 25)]);
    const row = result.parseRow(['1', '2', '3']);
    expect(Object.entries(row)).toEqual([
      ['a', '3'],
      ['b', 2],
    ]);
    expect(result.parseRow(['1', '2', null])).toEqual({ a: null, b: 2 });
  });

  test('__proto__ is a column', () => {
    const result = new Result();
    result.addFields([field('__proto__', 23), field('constructor', 25)]);
    const row = result.parseRow(['1', 'x']);
    expect(Object.getOwnPropertyDescriptor(row, '__proto__').value).toBe(1);
    expect(Object.entries(row)).toEqual([
      ['__proto__', 1],
      ['constructor', 'x'],
    ]);
    expect(Object.getPrototypeOf(row)).toBe(Object.prototype);
  });

  test('cells of the binary format are Buffers of their own', () => {
    const cells = [];
    const types = { getTypeParser: () => (cell) => cells.push(cell) };
    const result = new Result(null, types);
    const wire = Buffer.from([0, 0, 0, 5]);
    result.addFields([field('n', 23, 'binary')]);
    result.parseRow([wire]);
    expect(cells).toEqual([wire]);
    expect(cells[0]).not.toBe(wire);
  });

  test('asks the given types, by format', () => {
    const asked = [];
    const types = { getTypeParser: (...args) => (asked.push(args), String) };
    const result = new Result('array', types);
    expect(result._types).toBe(types);
    result.addFields([field('a', 1, 'text'), field('b', 2, 'binary'), field('c', 3)]);
    expect(asked).toEqual([
      [1, 'text'],
      [2, 'binary'],
      [3, 'text'],
    ]);
  });

  test('types may be set after it was made, and fields more than once', () => {
    const result = new Result();
    result.addFields([field('a', 23)]);
    expect(result.parseRow(['1'])).toEqual({ a: 1 });
    result._types = { getTypeParser: () => (text) => `<${text}>` };
    result.addFields([field('b', 23), field('c', 23)]);
    expect(result.parseRow(['1', '2'])).toEqual({ b: '<1>', c: '<2>' });
    result.addFields([]);
    expect(result.parseRow([])).toEqual({});
  });

  test('a name changed after the fields came names the column', () => {
    const result = new Result();
    const fields = [field('user_id', 23)];
    result.addFields(fields);
    fields[0].name = 'userId';
    expect(result.parseRow(['4'])).toEqual({ user_id: null, userId: 4 });
  });

  test('what a parser throws goes to whoever reads the row', () => {
    const fails = () => {
      throw new RangeError('no');
    };
    const result = new Result(null, { getTypeParser: () => fails });
    result.addFields([field('a', 23)]);
    expect(() => result.parseRow(['1'])).toThrow(new RangeError('no'));
    expect(result.parseRow([null])).toEqual({ a: null });
  });
});

test('both agree on any row and any tag', () => {
  const column = fc.record({
    name: fc.oneof(fc.string({ maxLength: 2 }), fc.constantFrom('__proto__', '0', 'toString')),
    dataTypeID: fc.constantFrom(16, 17, 20, 21, 23, 25, 114, 700, 1007, 1043, 1184, 1700),
    format: fc.constant('text'),
  });
  const cell = fc.constantFrom(null, '1', '0', '{"a":1}'.length.toString());
  const table = fc.array(fc.tuple(column, cell), { maxLength: 6 });
  const tag = fc.stringMatching(/^[A-Z]{1,6}( \d{1,3}){0,3}( [A-Z]+)?$/);
  fc.assert(
    fc.property(table, tag, fc.constantFrom(null, 'array'), (pairs, text, mode) => {
      const [peer, own] = IMPLEMENTATIONS.map(([, load]) => {
        const result = new (load())(mode);
        result.addFields(pairs.map(([given]) => given));
        const row = result.parseRow(pairs.map(([, given]) => given));
        result.addCommandComplete({ text });
        const { command, rowCount, oid } = result;
        return { row: Object.entries(row), command, rowCount, oid };
      });
      expect(own).toEqual(peer);
    }),
  );
});
