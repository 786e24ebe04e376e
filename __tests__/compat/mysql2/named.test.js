'use strict';
// Named placeholders: of the connection, of one query, in queries and in statements.

const { mysqlConfig } = require('../../support/mysql.js');
const { connect, execute, failure, query, track } = require('./connections.js');
const { IMPLEMENTATIONS } = require('./implementations.js');

describe.each(IMPLEMENTATIONS)('%s', (_name, { mysql, promise }) => {
  const open = (options) => connect(mysql(), options);

  describe.each([
    ['query', query],
    ['execute', execute],
  ])('%s', (method, ask) => {
    const first = async (connection, ...asked) => (await ask(connection, ...asked))[0][0];

    test('of the connection', async () => {
      const connection = await open({ namedPlaceholders: true });
      expect(await first(connection, 'select :a as a, :b as b', { a: 1, b: 'x' })).toEqual({
        a: 1,
        b: 'x',
      });
    });

    test('of one query', async () => {
      const connection = await open();
      const asked = { sql: 'select :a as a', namedPlaceholders: true, values: { a: 5 } };
      expect(await first(connection, asked)).toEqual({ a: 5 });
      const off = await open({ namedPlaceholders: true });
      const sql = 'select ? as a';
      expect(await first(off, { sql, namedPlaceholders: false, values: [5] })).toEqual({ a: 5 });
    });

    test('a name that is there many times, and one that is not used', async () => {
      const connection = await open({ namedPlaceholders: true });
      const values = { a: 1, other: 2 };
      expect(await first(connection, 'select :a + :a as sum, :a as a', values)).toEqual({
        sum: 2,
        a: 1,
      });
    });

    test('question marks still count when the values are an array', async () => {
      const connection = await open({ namedPlaceholders: true });
      expect(await first(connection, 'select ? as a, ? as b', [1, 2])).toEqual({ a: 1, b: 2 });
    });

    test('colons that are none', async () => {
      const connection = await open({ namedPlaceholders: true });
      const sql = "select ':a' as t, :a as a, time '12:34:56' as h";
      expect(await first(connection, sql, { a: 1 })).toEqual({ t: ':a', a: 1, h: '12:34:56' });
    });

    test('without values', async () => {
      const connection = await open({ namedPlaceholders: true });
      expect(await first(connection, 'select 1 as a')).toEqual({ a: 1 });
    });

    test('not unless asked for', async () => {
      const connection = await open();
      if (method === 'query') {
        const error = await failure((done) => connection.query('select :a', { a: 1 }, done));
        expect(error.code).toBe('ER_PARSE_ERROR');
      } else {
        expect(() => connection.execute('select :a', { a: 1 }, () => {})).toThrow(
          'Bind parameters must be array if namedPlaceholders parameter is not enabled',
        );
      }
    });

    test('of a pool', async () => {
      const pool = track(mysql().createPool(mysqlConfig({ namedPlaceholders: true })));
      expect(await first(pool, 'select :a as a', { a: 1 })).toEqual({ a: 1 });
      const asked = { sql: 'select :a as a', namedPlaceholders: true };
      const other = track(mysql().createPool(mysqlConfig()));
      expect(await first(other, asked, { a: 2 })).toEqual({ a: 2 });
    });

    test('by promises', async () => {
      const connection = await promise().createConnection(mysqlConfig({ namedPlaceholders: true }));
      track(connection);
      const [[row]] = await connection[method]('select :a as a', { a: 'x' });
      expect(row).toEqual({ a: 'x' });
    });
  });

  test('a value that is missing', async () => {
    const connection = await open({ namedPlaceholders: true });
    expect(() => connection.execute('select :a', {}, () => {})).toThrow(
      'Bind parameters must not contain undefined. To pass SQL NULL specify JS null',
    );
    expect((await query(connection, 'select :a as a', {}))[0]).toEqual([{ a: null }]);
  });

  test('lists and null', async () => {
    const connection = await open({ namedPlaceholders: true });
    const sql = 'select 2 in (:list) as yes, :none as none';
    expect((await query(connection, sql, { list: [1, 2], none: null }))[0]).toEqual([
      { yes: 1, none: null },
    ]);
  });

  test('format', async () => {
    const connection = await open({ namedPlaceholders: true });
    expect(connection.format('select :a, :b', { a: 1, b: 'x' })).toBe("select 1, 'x'");
    expect(connection.format('select ?', [1])).toBe('select 1');
  });
});
