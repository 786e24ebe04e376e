'use strict';
// What JavaScript values become as parameters of a statement, and those that are refused.

const { mysqlConfig } = require('../../support/mysql.js');
const { connect, execute, executed, failure, query, track } = require('./connections.js');
const { IMPLEMENTATIONS, SERVERS } = require('./implementations.js');

const DATE = new Date('2024-02-29T12:34:56.789Z');

describe.each(IMPLEMENTATIONS)('%s', (_name, { mysql, promise }) => {
  const open = (options) => connect(mysql(), options);

  describe.each(SERVERS)('%s', (kind) => {
    test.each([
      ['varchar(99)', 'ü東🐘', 'ü東🐘'],
      ['varchar(99)', '', ''],
      ['varchar(99)', "it's \\ \0 fine", "it's \\ \0 fine"],
      ['longtext', 'x'.repeat(70_000), 'x'.repeat(70_000)],
      ['int', 5, 5],
      ['int', -5, -5],
      ['int', '17', 17],
      ['int', true, 1],
      ['int', false, 0],
      ['int', 5n, 5],
      ['int', null, null],
      ['double', 0.1, 0.1],
      ['double', -1.5e300, -1.5e300],
      ['double', 5e-324, 5e-324],
      ['bigint', 9007199254740991, 9007199254740991],
      ['decimal(30,5)', '12345678901234567890.12345', '12345678901234567890.12345'],
      ['decimal(6,2)', 1.5, '1.50'],
      ['varchar(99)', 5, '5'],
      ['varchar(99)', 1.5, '1.5'],
      ['varbinary(9)', Buffer.from([0, 255, 39]), Buffer.from([0, 255, 39])],
      ['varbinary(9)', Buffer.alloc(0), Buffer.alloc(0)],
      ['longblob', Buffer.alloc(70_000, 7), Buffer.alloc(70_000, 7)],
      ['datetime(3)', DATE, DATE],
      ['datetime', new Date(2024, 1, 29, 12), new Date(2024, 1, 29, 12)],
      ['date', new Date(2024, 1, 29), new Date(2024, 1, 29)],
      ['date', '2024-02-29', new Date(2024, 1, 29)],
      ['time', '-12:00:01', '-12:00:01'],
      ['json', { a: [1, null, 'ü'] }, { a: [1, null, 'ü'] }],
      ['json', [1, 'x'], [1, 'x']],
      ['json', '"text"', 'text'],
      ['varchar(99)', { toJSON: () => ({ b: 1 }) }, '{"b":1}'],
    ])('%s from %p', async (type, given, expected) => {
      const connection = await open({ kind });
      await query(connection, `create temporary table bound (a ${type} null)`);
      await execute(connection, 'insert into bound values (?)', [given]);
      expect((await query(connection, 'select a from bound'))[0]).toEqual([{ a: expected }]);
    });

    test('big integers', async () => {
      const connection = await open({ kind, supportBigNumbers: true });
      await query(connection, 'create temporary table bound (a bigint, b bigint unsigned)');
      const [least, most] = [-9223372036854775808n, 18446744073709551615n];
      await execute(connection, 'insert into bound values (?, ?)', [least, most]);
      await execute(connection, 'insert into bound values (?, ?)', [String(least), String(most)]);
      const row = { a: '-9223372036854775808', b: '18446744073709551615' };
      expect((await execute(connection, 'select * from bound'))[0]).toEqual([row, row]);
    });

    test('dates in the zone of the connection', async () => {
      for (const timezone of ['local', 'Z', '+05:30', '-11:00']) {
        const connection = await open({ kind, timezone });
        expect(await executed(connection, 'select cast(? as datetime(3))', [DATE])).toEqual(DATE);
        const sql = 'select cast(cast(? as datetime(3)) as char)';
        const text = await executed(connection, sql, [DATE]);
        const hour = { local: '09:04', Z: '12:34', '+05:30': '18:04', '-11:00': '01:34' }[timezone];
        expect(text).toMatch(new RegExp(`^2024-02-29 ${hour}:56\\.789`));
      }
    });

    test('many parameters, of many types', async () => {
      const connection = await open({ kind });
      const values = Array.from({ length: 300 }, (_, i) => [i, `t${i}`, null, i % 2 === 0][i % 4]);
      const sql = `select ${values.map((_, i) => `? as c${i}`).join(', ')}`;
      const [[row]] = await execute(connection, sql, values);
      expect(Object.values(row)).toEqual(
        values.map((each) => (typeof each === 'boolean' ? Number(each) : each)),
      );
    });

    test('other types at the next use', async () => {
      const connection = await open({ kind });
      await query(connection, 'create temporary table bound (a varchar(99))');
      const values = [5, 'text', null, 1.5, true, Buffer.from('bytes'), null, 'again'];
      for (const each of values) await execute(connection, 'insert into bound values (?)', [each]);
      expect((await query(connection, 'select a from bound'))[0].map(({ a }) => a)).toEqual(
        ['5', 'text', null, '1.5', '1', 'bytes', null, 'again'], // prettier-ignore
      );
    });
  });

  test('numbers that are none', async () => {
    const connection = await open();
    await query(connection, 'create temporary table bound (a double)');
    const error = await failure((done) =>
      connection.execute('insert into bound values (?)', [NaN], done),
    );
    expect(error.code).toMatch(/^ER_|^WARN_/);
    expect(await executed(connection, 'select ?', [1])).toBe(1);
  });

  test('bytes that are no Buffer', async () => {
    const connection = await open();
    const bytes = Uint8Array.from([1, 2, 255]);
    expect(await executed(connection, 'select hex(?)', [bytes])).toBe('0102FF');
  });

  test('by the text protocol as well', async () => {
    const connection = await open();
    const sql = 'select ? as a, ? as b, ? as c, ? as d';
    const values = [5n, true, null, "it's"];
    expect((await query(connection, sql, values))[0]).toEqual([{ a: 5, b: 1, c: null, d: "it's" }]);
  });

  describe('refused', () => {
    const ARRAY = 'Bind parameters must be array if namedPlaceholders parameter is not enabled';
    const UNDEFINED =
      'Bind parameters must not contain undefined. To pass SQL NULL specify JS null';
    const FUNCTION =
      'Bind parameters must not contain function(s). To pass the body of a function as a string ' +
      'call .toString() first';
    const BAD = [
      [{ a: 1 }, ARRAY],
      [5, ARRAY],
      ['x', ARRAY],
      [[undefined], UNDEFINED],
      [[1, undefined], UNDEFINED],
      [[() => {}], FUNCTION],
    ];

    test.each(BAD)('%p: thrown', async (values, message) => {
      const connection = await open();
      const thrown = (run) => {
        try {
          run();
        } catch (error) {
          return [error.constructor.name, error.message];
        }
        return null;
      };
      expect(thrown(() => connection.execute('select ?', values, () => {}))).toEqual([
        'TypeError',
        message,
      ]);
      expect(thrown(() => connection.execute({ sql: 'select ?', values }))).toEqual([
        'TypeError',
        message,
      ]);
      expect(await executed(connection, 'select ?', [1])).toBe(1);
    });

    test.each(BAD)('%p: called back by a pool', async (values, message) => {
      const pool = track(mysql().createPool(mysqlConfig({ connectionLimit: 1 })));
      const error = await failure((done) => pool.execute('select ?', values, done));
      expect([error.constructor.name, error.message]).toEqual(['TypeError', message]);
      expect(await executed(pool, 'select ?', [1])).toBe(1);
    });

    test.each(BAD)('%p: rejected by promises', async (values, message) => {
      const connection = await promise().createConnection(mysqlConfig());
      track(connection);
      await expect(connection.execute('select ?', values)).rejects.toThrow(message);
    });

    test('too few and too many values', async () => {
      const connection = await open();
      const few = await failure((done) => connection.execute('select ?, ?', [1], done));
      expect(few).toMatchObject({ errno: expect.any(Number), sqlState: expect.any(String) });
      expect(await executed(connection, 'select ?', [1])).toBe(1);
    });
  });

  test('a timestamp is sent whole, and comes back', async () => {
    const connection = await open({ timezone: 'Z' });
    await query(connection, 'create temporary table times (a timestamp(6) null)');
    await execute(connection, 'insert into times values (?)', [new Date(0 + 86_400_001)]);
    expect((await execute(connection, 'select a from times'))[0]).toEqual([
      { a: new Date(86_400_001) },
    ]);
  });
});
