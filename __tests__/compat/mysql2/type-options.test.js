'use strict';
// Options that decide what values and rows become: of the connection, of one query, by both
// protocols.

const { connect, execute, query, rows, track } = require('./connections.js');
const { mysqlConfig } = require('../../support/mysql.js');
const { IMPLEMENTATIONS, SERVERS } = require('./implementations.js');

const BIG = 'select 9223372036854775807 as big, -9223372036854775808 as low, 5 as small';

describe.each(IMPLEMENTATIONS)('%s', (_name, { mysql }) => {
  const open = (options) => connect(mysql(), options);

  describe.each([
    ['query', query],
    ['execute', execute],
  ])('%s', (_method, ask) => {
    const first = async (connection, sql) => (await ask(connection, sql))[0][0];

    describe('numbers beyond the safe range', () => {
      test('are numbers', async () => {
        expect(await first(await open(), BIG)).toEqual({
          big: 9223372036854775807,
          low: -9223372036854775808,
          small: 5,
        });
      });

      test('supportBigNumbers: texts where numbers would lie', async () => {
        const expected = { big: '9223372036854775807', low: '-9223372036854775808', small: 5 };
        expect(await first(await open({ supportBigNumbers: true }), BIG)).toEqual(expected);
        const connection = await open();
        expect(await first(connection, { sql: BIG, supportBigNumbers: true })).toEqual(expected);
      });

      test('bigNumberStrings: texts always', async () => {
        const options = { supportBigNumbers: true, bigNumberStrings: true };
        expect(await first(await open(options), BIG)).toMatchObject({
          big: '9223372036854775807',
          low: '-9223372036854775808',
        });
        const connection = await open(options);
        await query(connection, 'create temporary table big (a bigint, b bigint unsigned, c int)');
        await query(connection, 'insert into big values (-5, 18446744073709551615, 7)');
        expect(await first(connection, 'select * from big')).toEqual({
          a: '-5',
          b: '18446744073709551615',
          c: 7,
        });
      });

      test('bigNumberStrings alone changes no rows', async () => {
        const connection = await open({ bigNumberStrings: true });
        expect(await first(connection, 'select cast(5 as signed) as a')).toEqual({ a: 5 });
      });
    });

    test('decimalNumbers', async () => {
      const connection = await open({ decimalNumbers: true });
      expect(await first(connection, 'select 1.50 as a, -0.1 as b, sum(3) as c')).toEqual({
        a: 1.5,
        b: -0.1,
        c: 3,
      });
    });

    describe('dateStrings', () => {
      const SQL = `select cast('2024-02-29' as date) as d, cast('2024-02-29 12:34:56' as datetime) as t,
        cast('2024-02-29 12:34:56.78' as datetime(3)) as m, cast('1:02:03.5' as time(1)) as h`;
      const TEXTS = {
        d: '2024-02-29',
        t: '2024-02-29 12:34:56',
        m: '2024-02-29 12:34:56.780',
        h: '01:02:03.5',
      };

      test('all', async () => {
        expect(await first(await open({ dateStrings: true }), SQL)).toEqual(TEXTS);
        expect(await first(await open(), { sql: SQL, dateStrings: true })).toEqual(TEXTS);
      });

      test('some', async () => {
        const dates = {
          d: new Date(2024, 1, 29),
          t: new Date(2024, 1, 29, 12, 34, 56),
          m: new Date(2024, 1, 29, 12, 34, 56, 780),
        };
        const { d, t, m, h } = TEXTS;
        expect(await first(await open({ dateStrings: ['DATE'] }), SQL)).toEqual({ ...dates, d, h });
        const others = { dateStrings: ['DATETIME', 'TIMESTAMP'] };
        expect(await first(await open(others), SQL)).toEqual({ ...dates, t, m, h });
      });
    });

    describe.each(SERVERS)('jsonStrings on %s', (kind) => {
      test('gives the text', async () => {
        const connection = await open({ kind, jsonStrings: true });
        await query(connection, 'create temporary table texts (a json)');
        await query(connection, 'insert into texts values (\'{"a": [1, "ü"]}\')');
        expect(await first(connection, 'select a from texts')).toEqual({ a: '{"a": [1, "ü"]}' });
      });
    });

    test('big numbers in JSON', async () => {
      const connection = await open({ supportBigNumbers: true });
      await query(connection, 'create temporary table big_json (a json)');
      await query(connection, 'insert into big_json values (\'{"a": 5}\')');
      expect(await first(connection, 'select a from big_json')).toEqual({ a: { a: 5 } });
    });

    test('rowsAsArray', async () => {
      const sql = 'select 1 as a, 2 as a, null as b';
      expect((await ask(await open({ rowsAsArray: true }), sql))[0]).toEqual([[1, 2, null]]);
      const connection = await open();
      expect((await ask(connection, { sql, rowsAsArray: true }))[0]).toEqual([[1, 2, null]]);
      expect((await ask(connection, sql))[0]).toEqual([{ a: 2, b: null }]);
    });

    describe('nestTables', () => {
      const SQL = 'select x.a, x.b, y.a, 5 as n from (select 1 as a, 2 as b) x, (select 3 as a) y';
      const NESTED = { x: { a: 1, b: 2 }, y: { a: 3 }, '': { n: 5 } };
      const JOINED = { x_a: 1, x_b: 2, y_a: 3, _n: 5 };

      test('true: an object per table', async () => {
        expect(await first(await open({ nestTables: true }), SQL)).toEqual(NESTED);
        expect(await first(await open(), { sql: SQL, nestTables: true })).toEqual(NESTED);
      });

      test('a separator: names with their table', async () => {
        expect(await first(await open({ nestTables: '_' }), SQL)).toEqual(JOINED);
        expect(await first(await open(), { sql: SQL, nestTables: '_' })).toEqual(JOINED);
      });
    });

    test('options of a query last as long as the query', async () => {
      const connection = await open();
      const sql = "select date '2024-02-29' as d, 1 as n";
      await ask(connection, { sql, dateStrings: true, rowsAsArray: true });
      await ask(connection, { sql, nestTables: '.' });
      expect((await ask(connection, sql))[0]).toEqual([{ d: new Date(2024, 1, 29), n: 1 }]);
    });

    test('disableEval', async () => {
      const connection = await open({ disableEval: true });
      const sql = 'select 1 as a, 2.5 as b, null as c';
      const [all] = await ask(connection, sql);
      expect(all).toEqual([{ a: 1, b: '2.5', c: null }]);
      expect((await ask(connection, { sql, rowsAsArray: true }))[0]).toEqual([[1, '2.5', null]]);
      expect((await ask(connection, { sql: 'select t.a from (select 1 as a) t', nestTables: true }))[0])
        .toEqual([{ t: { a: 1 } }]); // prettier-ignore
    });
  });

  test('options of a pool are those of its connections', async () => {
    const options = { dateStrings: true, rowsAsArray: true, decimalNumbers: true };
    const pool = track(mysql().createPool(mysqlConfig(options)));
    const sql = "select date '2024-02-29', 1.50";
    expect(await rows(pool, sql)).toEqual([['2024-02-29', 1.5]]);
    expect((await execute(pool, sql))[0]).toEqual([['2024-02-29', 1.5]]);
    expect(await rows(pool, { sql, rowsAsArray: false })).toEqual([
      { "date '2024-02-29'": '2024-02-29', '1.50': 1.5 },
    ]);
  });

  test('options may change while the connection lives', async () => {
    const connection = await open();
    const sql = 'select 1.50 as a';
    expect(await rows(connection, sql)).toEqual([{ a: '1.50' }]);
    connection.config.decimalNumbers = true;
    expect(await rows(connection, sql)).toEqual([{ a: 1.5 }]);
    connection.config.rowsAsArray = true;
    expect(await rows(connection, sql)).toEqual([[1.5]]);
  });
});
