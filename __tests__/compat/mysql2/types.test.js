'use strict';
// What the values of each type become, by the text and by the binary protocol.

const { connect, execute, query } = require('./connections.js');
const { IMPLEMENTATIONS, SERVERS } = require('./implementations.js');

/** A column's type, a literal of SQL for it, and the value in JavaScript. */
const NUMBERS = [
  ['tinyint', '-128', -128],
  ['tinyint unsigned', '255', 255],
  ['tinyint(1)', '1', 1],
  ['bool', 'true', 1],
  ['smallint', '-32768', -32768],
  ['smallint unsigned', '65535', 65535],
  ['mediumint', '-8388608', -8388608],
  ['mediumint unsigned', '16777215', 16777215],
  ['int', '-2147483648', -2147483648],
  ['int unsigned', '4294967295', 4294967295],
  ['int(5) zerofill', '42', 42],
  ['bigint', '9007199254740991', 9007199254740991],
  ['bigint', '-9007199254740991', -9007199254740991],
  ['bigint', '9223372036854775807', 9223372036854775807],
  ['bigint', '-9223372036854775808', -9223372036854775808],
  ['bigint unsigned', '18446744073709551615', 18446744073709551615],
  ['decimal(30,9)', '-12345678901234567890.123456789', '-12345678901234567890.123456789'],
  ['decimal(6,2)', '1.5', '1.50'],
  ['decimal(65,30)', '0', `0.${'0'.repeat(30)}`],
  ['decimal(5,0)', '12345', '12345'],
  ['double', '1.7976931348623157e308', Number.MAX_VALUE],
  ['double', '0.1e0 + 0.2e0', 0.30000000000000004],
  ['double', '-1.5', -1.5],
  ['float', '1.5', 1.5],
  ['float', '-65536', -65536],
  ['year', '2024', 2024],
  ['year', '1901', 1901],
  ['bit(1)', "b'1'", Buffer.from([1])],
  ['bit(10)', "b'1000000001'", Buffer.from([2, 1])],
  ['bit(64)', '18446744073709551615', Buffer.alloc(8, 255)],
];

const TEXTS = [
  ['char(5)', "'ab '", 'ab'],
  ['varchar(50)', "'Grüße, 東京, 🐘'", 'Grüße, 東京, 🐘'],
  ['varchar(50)', "''", ''],
  ['varchar(300)', "repeat('é', 300)", 'é'.repeat(300)],
  ['tinytext', "'a'", 'a'],
  ['text', "repeat('x', 65535)", 'x'.repeat(65535)],
  ['mediumtext', "repeat('東', 30000)", '東'.repeat(30000)],
  ['longtext', "'🐘'", '🐘'],
  ['varchar(9) character set latin1', "'Grüße'", 'Grüße'],
  ['varchar(9) character set utf16', "'Gr🐘'", 'Gr🐘'],
  ['binary(4)', "x'00ff'", Buffer.from([0, 255, 0, 0])],
  ['varbinary(9)', "x'00ff5c27'", Buffer.from([0, 255, 0x5c, 0x27])],
  ['tinyblob', "''", Buffer.alloc(0)],
  ['blob', "repeat(x'00', 65535)", Buffer.alloc(65535)],
  ['mediumblob', "repeat(x'ff', 70000)", Buffer.alloc(70000, 255)],
  ['longblob', "x'01'", Buffer.from([1])],
  ["enum('small', 'größer')", "'größer'", 'größer'],
  ["set('a', 'b', 'c')", "'a,c'", 'a,c'],
  ["set('a', 'b')", "''", ''],
  ['json', '\'{"a": [1, null, "ü"], "b": {"c": true}}\'', { a: [1, null, 'ü'], b: { c: true } }],
  ['json', "'null'", null],
  ['json', '\'"text"\'', 'text'],
  ['json', "'[1.5, 1e3]'", [1.5, 1000]],
];

/** Local time as a Date. */
const local = (...parts) => new Date(parts[0], parts[1] - 1, ...parts.slice(2));

const TIMES = [
  ['date', "'2024-02-29'", local(2024, 2, 29)],
  ['date', "'1000-01-01'", local(1000, 1, 1)],
  ['date', "'9999-12-31'", local(9999, 12, 31)],
  ['datetime', "'2024-02-29 23:59:58'", local(2024, 2, 29, 23, 59, 58)],
  ['datetime', "'2024-02-29'", local(2024, 2, 29)],
  ['datetime(3)', "'2024-02-29 23:59:58.765'", local(2024, 2, 29, 23, 59, 58, 765)],
  ['datetime(6)', "'1969-07-20 20:17:40.000999'", local(1969, 7, 20, 20, 17, 40)],
  ['datetime(6)', "'2024-01-01 00:00:00.123456'", local(2024, 1, 1, 0, 0, 0, 123)],
  // A local time that does not exist, and one that exists twice, where the tests are run.
  ['datetime', "'2024-03-10 02:30:00'", local(2024, 3, 10, 2, 30)],
  ['datetime', "'2024-11-03 01:30:00'", local(2024, 11, 3, 1, 30)],
  ['timestamp', "'2024-02-29 12:00:00'", local(2024, 2, 29, 12)],
  ['timestamp(3)', "'2024-02-29 12:00:00.5'", local(2024, 2, 29, 12, 0, 0, 500)],
  ['time', "'12:34:56'", '12:34:56'],
  ['time', "'-838:59:59'", '-838:59:59'],
  ['time', "'838:59:59'", '838:59:59'],
  ['time', "'25:00:00'", '25:00:00'],
  ['time', "'-00:00:01'", '-00:00:01'],
  ['time', "'00:00:00'", '00:00:00'],
  ['time(6)', "'00:00:00.000001'", '00:00:00.000001'],
  ['time(3)', "'-12:34:56.789'", '-12:34:56.789'],
];

const SHAPES = [
  ['point', "st_geomfromtext('POINT(1.5 -2)')", { x: 1.5, y: -2 }],
  ['geometry', "st_geomfromtext('POINT(0 0)')", { x: 0, y: 0 }],
  ['linestring', "st_geomfromtext('LINESTRING(0 0, 1 2)')", [{ x: 0, y: 0 }, { x: 1, y: 2 }]], // prettier-ignore
  [
    'polygon',
    "st_geomfromtext('POLYGON((0 0, 1 0, 1 1, 0 0))')",
    [
      [
        { x: 0, y: 0 },
        { x: 1, y: 0 },
        { x: 1, y: 1 },
        { x: 0, y: 0 },
      ],
    ],
  ],
  ['multipoint', "st_geomfromtext('MULTIPOINT(0 0, 1 1)')", [{ x: 0, y: 0 }, { x: 1, y: 1 }]], // prettier-ignore
  [
    'geometrycollection',
    "st_geomfromtext('GEOMETRYCOLLECTION(POINT(1 2), LINESTRING(0 0, 1 1))')",
    [{ x: 1, y: 2 }, [{ x: 0, y: 0 }, { x: 1, y: 1 }]], // prettier-ignore
  ],
];

const ALL = [...NUMBERS, ...TEXTS, ...TIMES, ...SHAPES];
const MARIADB = [
  ['uuid', "'3f2504e0-4f89-11d3-9a0c-0305e82c3301'", '3f2504e0-4f89-11d3-9a0c-0305e82c3301'],
  ['inet4', "'192.168.1.5'", '192.168.1.5'],
  ['inet6', "'2001:db8::1'", '2001:db8::1'],
];

describe.each(IMPLEMENTATIONS)('%s', (_name, { mysql }) => {
  describe.each(SERVERS)('%s', (kind) => {
    test.each([...ALL, ...(kind === 'mariadb' ? MARIADB : [])])(
      '%s %s',
      async (type, literal, expected) => {
        const connection = await connect(mysql(), { kind });
        await query(connection, `create temporary table typed (a ${type} null, b int)`);
        await query(connection, `insert into typed values (${literal}, 1), (null, 2)`);
        const sql = 'select a, b from typed order by b';
        const wanted = [
          { a: expected, b: 1 },
          { a: null, b: 2 },
        ];
        expect((await query(connection, sql))[0]).toEqual(wanted);
        expect((await execute(connection, sql))[0]).toEqual(wanted);
        const again = { sql, disableEval: true };
        expect((await query(connection, again))[0]).toEqual(wanted);
        expect((await execute(connection, again))[0]).toEqual(wanted);
      },
    );

    test.each([
      ['null', null],
      ['1', 1],
      ['-1', -1],
      ['1.50', '1.50'],
      ['1e0', 1],
      ["'a'", 'a'],
      ["x'00ff'", Buffer.from([0, 255])],
      ['count(*)', 1],
      ['sum(1)', '1'],
      ['true', 1],
      ["concat('a', 1)", 'a1'],
      ["date '2024-02-29'", local(2024, 2, 29)],
      ["time '12:00:00'", '12:00:00'],
      ["timestamp '2024-02-29 12:00:00'", local(2024, 2, 29, 12)],
      ['cast(-1 as unsigned)', 18446744073709551615],
      ["cast('x' as binary)", Buffer.from('x')],
    ])('the expression %s', async (sql, expected) => {
      const connection = await connect(mysql(), { kind });
      expect((await query(connection, `select ${sql} as a`))[0]).toEqual([{ a: expected }]);
      expect((await execute(connection, `select ${sql} as a`))[0]).toEqual([{ a: expected }]);
    });

    test('dates that are none', async () => {
      const connection = await connect(mysql(), { kind });
      await query(connection, "set sql_mode = ''");
      await query(connection, 'create temporary table zero (a date, b datetime, c timestamp null)');
      await query(connection, "insert into zero values ('0000-00-00', '0000-00-00', '0000-00-00')");
      const texts = { sql: 'select a, b, c from zero', dateStrings: true };
      for (const ask of [query, execute]) {
        // mysql2 takes the text of a DATE that is none for one of 1899.
        const columns = ask === query ? 'b, c' : 'a, b, c';
        const [[row]] = await ask(connection, `select ${columns} from zero`);
        for (const date of Object.values(row)) {
          expect(date).toBeInstanceOf(Date);
          expect(date.getTime()).toBeNaN();
        }
        expect((await ask(connection, texts))[0]).toEqual([
          { a: '0000-00-00', b: '0000-00-00 00:00:00', c: '0000-00-00 00:00:00' },
        ]);
      }
    });

    test('many columns, every other of them null', async () => {
      const connection = await connect(mysql(), { kind });
      const columns = Array.from({ length: 100 }, (_, i) => (i % 2 === 0 ? 'null' : i));
      const sql = `select ${columns.map((each, i) => `${each} as c${i}`).join(', ')}`;
      const expected = columns.map((each) => (each === 'null' ? null : each));
      for (const ask of [query, execute]) {
        const [[row]] = await ask(connection, sql);
        expect(Object.values(row)).toEqual(expected);
      }
    });
  });
});
