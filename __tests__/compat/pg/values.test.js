'use strict';
// What `utils` exports: parameters as the protocol takes them, arguments of query, quoting.

const { spawnSync } = require('node:child_process');
const vm = require('node:vm');
const fc = require('fast-check');

const IMPLEMENTATIONS = [
  ['pg', 'pg/lib/utils', 'pg/lib/defaults'],
  ['polypool/pg', '../../../lib/compat/pg/values', '../../../lib/compat/pg/defaults'],
];

/** The offset that a zone would have, in minutes west of Greenwich. */
function at(date, minutes) {
  date.getTimezoneOffset = () => minutes;
  return date;
}

describe.each(IMPLEMENTATIONS)('%s', (_name, values, ofDefaults) => {
  const file = require.resolve(values);
  const { prepareValue, normalizeQueryConfig, escapeIdentifier, escapeLiteral } = require(values);
  const defaults = require(ofDefaults);

  describe('prepareValue', () => {
    test.each([
      [undefined, null],
      [null, null],
      [true, 'true'],
      [false, 'false'],
      [0, '0'],
      [3.042, '3.042'],
      [NaN, 'NaN'],
      [12345678901234567890n, '12345678901234567890'],
      ['', ''],
      ['big bad wolf', 'big bad wolf'],
      [{ x: 42 }, '{"x":42}'],
      [[], '{}'],
      [[1, 2.5, true, 3n], '{"1","2.5","true","3"}'],
      [['a"b', 'c\\d', 'e,f', '', 'NULL'], '{"a\\"b","c\\\\d","e,f","","NULL"}'],
      [[null, undefined], '{NULL,NULL}'],
      // eslint-disable-next-line no-sparse-arrays
      [[1, , 2], '{"1",NULL,"2"}'],
      [
        [
          [1, [2]],
          [[], 'x'],
        ],
        '{{"1",{"2"}},{{},"x"}}',
      ],
      [[{ a: '"' }], '{"{\\"a\\":\\"\\\\\\"\\"}"}'],
      [[Buffer.from('beef', 'hex'), new Uint8Array([1, 255])], '{\\\\xbeef,\\\\x01ff}'],
      [[[Buffer.from([7])], [null]], '{{\\\\x07},{NULL}}'],
    ])('%p is %p', (value, expected) => {
      expect(prepareValue(value)).toBe(expected);
    });

    test('a Buffer is what it is', () => {
      const buffer = Buffer.from('quack');
      expect(prepareValue(buffer)).toBe(buffer);
    });

    test('a view is the bytes that it shows', () => {
      const whole = Buffer.from('pq wolf zz');
      const view = new DataView(whole.buffer, whole.byteOffset + 3, 4);
      expect(prepareValue(view).toString()).toBe('wolf');
      expect([...prepareValue(new Uint16Array([1, 2]))]).toEqual([1, 0, 2, 0]);
    });

    test('a Date is local time with its offset', () => {
      const date = at(new Date(2014, 1, 1, 11, 11, 1, 7), 330);
      expect(prepareValue(date)).toBe('2014-02-01T11:11:01.007-05:30');
      expect(prepareValue(at(date, -345))).toBe('2014-02-01T11:11:01.007+05:45');
      expect(prepareValue([at(date, 0)])).toBe('{"2014-02-01T11:11:01.007+00:00"}');
    });

    test('years before Christ and of few or many digits', () => {
      const year = (number) => {
        const date = new Date(2000, 1, 3, 4, 5, 6, 78);
        date.setFullYear(number);
        return prepareValue(at(date, -60));
      };
      expect(year(0)).toBe('0001-02-03T04:05:06.078+01:00 BC');
      expect(year(-2013)).toBe('2014-02-03T04:05:06.078+01:00 BC');
      expect(year(33)).toBe('0033-02-03T04:05:06.078+01:00');
      expect(year(12345)).toBe('12345-02-03T04:05:06.078+01:00');
    });

    test('a Date of another realm is a Date', () => {
      const date = vm.runInNewContext('new Date(86400000)');
      expect(date).not.toBeInstanceOf(Date);
      expect(prepareValue(date)).toBe(prepareValue(new Date(86400000)));
    });

    test('parseInputDatesAsUTC', () => {
      defaults.parseInputDatesAsUTC = true;
      try {
        expect(prepareValue(new Date(7))).toBe('1970-01-01T00:00:00.007+00:00');
        expect(prepareValue(new Date(-62135596800001))).toBe('0001-12-31T23:59:59.999+00:00 BC');
      } finally {
        defaults.parseInputDatesAsUTC = false;
      }
    });

    // Node warns once of each code: the warning of another test would be the only one.
    test('an invalid Date is written all the same, with a warning', () => {
      const script = `console.log(require(${JSON.stringify(file)}).prepareValue(new Date(NaN)))`;
      const { stdout, stderr } = spawnSync(process.execPath, ['-e', script], { encoding: 'utf8' });
      expect(stdout).toBe('0NaN-NaN-NaNTNaN:NaN:NaN.NaN+NaN:NaN\n');
      expect(stderr).toContain(
        '[PG_INVALID_DATE] DeprecationWarning: Sending an invalid date to Postgres is deprecated ' +
          'and will throw an error in the next major version of pg. Ensure any Date object passed ' +
          'as a query parameter is valid.\n',
      );
    });

    test('toPostgres is asked, as often as it answers with another such object', () => {
      const calls = [];
      const inner = { toPostgres: (prepare) => prepare([1, 'two']) };
      const outer = {
        toPostgres(...args) {
          calls.push(args.map((arg) => typeof arg));
          return inner;
        },
      };
      expect(prepareValue(outer)).toBe('{"1","two"}');
      expect(calls).toEqual([['function']]);
      expect(prepareValue([outer])).toBe('{"{\\"1\\",\\"two\\"}"}');
      expect(prepareValue({ toPostgres: () => null })).toBeNull();
      expect(prepareValue({ toPostgres: () => Buffer.from('zomg') }).toString()).toBe('zomg');
      expect(prepareValue({ toPostgres: 'none', a: 1 })).toBe('{"toPostgres":"none","a":1}');
    });

    test('toPostgres of a prototype, and of a class', () => {
      class Point {
        constructor(x, y) {
          Object.assign(this, { x, y });
        }
        toPostgres() {
          return `(${this.x},${this.y})`;
        }
      }
      expect(prepareValue(new Point(1, 2))).toBe('(1,2)');
    });

    test('toPostgres that leads back to itself', () => {
      const circle = { toPostgres: () => ({ toPostgres: () => circle }) };
      expect(() => prepareValue(circle)).toThrow(
        new Error('circular reference detected while preparing "[object Object]" for query'),
      );
    });

    test('what toPostgres and toJSON throw goes to the caller', () => {
      const fails = () => {
        throw new RangeError('mine');
      };
      expect(() => prepareValue({ toPostgres: fails })).toThrow(new RangeError('mine'));
      expect(() => prepareValue({ toJSON: fails })).toThrow(new RangeError('mine'));
      const circle = {};
      circle.self = circle;
      expect(() => prepareValue(circle)).toThrow(TypeError);
    });

    test('works as an argument of map', () => {
      const value = { toPostgres: () => 'me' };
      expect([value, value, [value]].map(prepareValue)).toEqual(['me', 'me', '{"me"}']);
    });
  });

  describe('normalizeQueryConfig', () => {
    const callback = () => {};

    test('texts, values and callbacks', () => {
      expect(normalizeQueryConfig('TEXT')).toEqual({ text: 'TEXT' });
      expect(normalizeQueryConfig('TEXT', [10])).toEqual({ text: 'TEXT', values: [10] });
      expect(normalizeQueryConfig({ text: 'TEXT', values: [10] })).toEqual({
        text: 'TEXT',
        values: [10],
      });
      expect(normalizeQueryConfig('TEXT', [10], callback)).toEqual({
        text: 'TEXT',
        values: [10],
        callback,
      });
      expect(normalizeQueryConfig({ text: 'TEXT' }, callback)).toEqual({ text: 'TEXT', callback });
      expect(normalizeQueryConfig({ text: 'TEXT', values: [1] }, null, callback)).toEqual({
        text: 'TEXT',
        values: [1],
        callback,
      });
    });

    test('the object of the caller stays as it is', () => {
      const config = Object.freeze({ text: 'TEXT' });
      expect(normalizeQueryConfig(config, [10], callback)).not.toBe(config);
      expect(config).toEqual({ text: 'TEXT' });
    });

    test('a copy has prototype, accessors and what is not enumerable', () => {
      class Statement {
        get text() {
          return `select ${this.number}`;
        }
      }
      const statement = new Statement();
      statement.number = 7;
      Object.defineProperty(statement, 'name', { value: 'seven' });
      const query = normalizeQueryConfig(statement, [1]);
      expect(query).toBeInstanceOf(Statement);
      expect([query.text, query.name, query.values]).toEqual(['select 7', 'seven', [1]]);
      expect(Object.keys(query)).toEqual(['number', 'values']);
    });

    test('nothing stays nothing', () => {
      expect(normalizeQueryConfig(undefined)).toBeUndefined();
      expect(normalizeQueryConfig(null)).toBeNull();
    });
  });

  describe('quoting', () => {
    test.each([
      ['hello world', '"hello world"'],
      ['hello"world\'', '"hello""world\'"'],
      ['a\\b', '"a\\b"'],
      ['', '""'],
    ])('the identifier %p is %p', (text, expected) => {
      expect(escapeIdentifier(text)).toBe(expected);
    });

    test.each([
      ['hello world', "'hello world'"],
      ["it's", "'it''s'"],
      ['a\\b', " E'a\\\\b'"],
      ["\\'", " E'\\\\'''"],
      ['', "''"],
      [null, "''"],
      [undefined, "''"],
      [1, "''"],
      [{ toString: () => 'x' }, "''"],
    ])('the literal %p is %p', (text, expected) => {
      expect(escapeLiteral(text)).toBe(expected);
    });
  });
});

describe('both agree', () => {
  const [peer, own] = IMPLEMENTATIONS.map(([, values]) => require(values));

  const scalar = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.double(),
    fc.bigInt(),
    fc.boolean(),
    fc.constantFrom(null, undefined),
    // Before 1973 some zones were seconds off, which pg leaves out: differences-client.test.js.
    fc.date({ min: new Date(1e11) }),
    fc.uint8Array().map((bytes) => Buffer.from(bytes)),
    fc.uint16Array(),
    fc.dictionary(fc.string(), fc.jsonValue()),
  );
  const { value } = fc.letrec((tie) => ({
    value: fc.oneof({ maxDepth: 4 }, scalar, fc.array(tie('value'), { maxLength: 5 })),
  }));

  test('on the text of any value', () => {
    fc.assert(
      fc.property(value, (given) => {
        expect(own.prepareValue(given)).toEqual(peer.prepareValue(given));
      }),
    );
  });

  test('on quoting, which can be undone', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom("'", '\\', '"', 'a', ' ', 'E') }), (text) => {
        const literal = own.escapeLiteral(text);
        expect(literal).toBe(peer.escapeLiteral(text));
        expect(own.escapeIdentifier(text)).toBe(peer.escapeIdentifier(text));
        const quoted = literal.trimStart().replace(/^E/, '').slice(1, -1);
        expect(quoted.replaceAll("''", "'").replaceAll('\\\\', '\\')).toBe(text);
        expect(own.escapeIdentifier(text).slice(1, -1).replaceAll('""', '"')).toBe(text);
      }),
    );
  });
});

describe('polypool/pg', () => {
  const { prepareValue } = require('../../../lib/compat/pg/values');

  test('inside an array toPostgres may answer with nothing or with bytes, where pg throws', () => {
    expect(prepareValue([{ toPostgres: () => null }])).toBe('{NULL}');
    expect(prepareValue([{ toPostgres: () => Buffer.from([16]) }])).toBe('{\\\\x10}');
  });
});
