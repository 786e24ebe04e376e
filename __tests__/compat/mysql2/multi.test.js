'use strict';
// Several results of one query: of several statements, and of procedures.

const { randomBytes } = require('node:crypto');
const { mysqlConfig } = require('../../support/mysql.js');
const { connect, execute, failure, query, record, track, value } = require('./connections.js');
const { IMPLEMENTATIONS, SERVERS } = require('./implementations.js');

describe.each(IMPLEMENTATIONS)('%s', (_name, { mysql }) => {
  const open = (options) => connect(mysql(), { multipleStatements: true, ...options });

  const names = (fields) => fields.map((each) => each?.map(({ name }) => name));

  describe.each(SERVERS)('%s', (kind) => {
    test('of rows', async () => {
      const connection = await open({ kind });
      const [results, fields] = await query(connection, 'select 1 as a; select 2 as b, 3 as c');
      expect(results).toEqual([[{ a: 1 }], [{ b: 2, c: 3 }]]);
      expect(names(fields)).toEqual([['a'], ['b', 'c']]);
    });

    test('of rows and changes', async () => {
      const connection = await open({ kind });
      const [results, fields] = await query(
        connection,
        `create temporary table multi (a int); insert into multi values (1), (2);
         select * from multi order by a; delete from multi; select * from multi`,
      );
      expect(results).toHaveLength(5);
      expect(results[1]).toMatchObject({ affectedRows: 2 });
      expect(results[2]).toEqual([{ a: 1 }, { a: 2 }]);
      expect(results[3]).toMatchObject({ affectedRows: 2 });
      expect(results[4]).toEqual([]);
      expect(names(fields)).toEqual([undefined, undefined, ['a'], undefined, ['a']]);
    });

    test.each([
      ['events', 'result', 'end', (command) => command],
      ['a stream', 'data', 'close', (command) => command.stream()],
    ])('%s: those before an error, the last of them too', async (_form, result, last, of) => {
      const connection = await open({ kind });
      const source = of(connection.query('set @a = 1; do 2; select nonsense'));
      const seen = record(source, [result, 'error', last]);
      await new Promise((resolve) => source.on(last, resolve));
      expect(seen).toEqual([result, result, 'error', last]);
    });

    test('an error after others', async () => {
      const connection = await open({ kind });
      await query(connection, 'create temporary table multi (a int)');
      const sql = 'insert into multi values (1); select nonsense; insert into multi values (2)';
      const error = await failure((done) => connection.query(sql, done));
      expect(error).toMatchObject({ code: 'ER_BAD_FIELD_ERROR', sql });
      expect((await query(connection, 'select a from multi'))[0]).toEqual([{ a: 1 }]);
    });

    test('a semicolon at the end makes one result', async () => {
      const connection = await open({ kind });
      expect((await query(connection, 'select 1 as a;'))[0]).toEqual([{ a: 1 }]);
    });

    test('not unless asked for', async () => {
      const connection = await open({ kind, multipleStatements: false });
      const error = await failure((done) => connection.query('select 1; select 2', done));
      expect(error).toMatchObject({ code: 'ER_PARSE_ERROR', errno: 1064, sqlState: '42000' });
    });

    describe('procedures', () => {
      let name;

      beforeEach(async () => {
        name = `polypool_test.p_${randomBytes(6).toString('hex')}`;
        const connection = await open({ kind });
        await query(
          connection,
          `create procedure ${name}(in n int, out doubled int)
           begin select n as a; select n as b union all select n + 1; set doubled = 2 * n; end`,
        );
      });

      afterEach(async () => {
        const connection = await open({ kind });
        await query(connection, `drop procedure ${name}`);
      });

      test('give their results and the header of the call', async () => {
        const connection = await open({ kind });
        const [results, fields] = await query(connection, `call ${name}(5, @d)`);
        expect(results).toHaveLength(3);
        expect(results.slice(0, 2)).toEqual([[{ a: 5 }], [{ b: 5 }, { b: 6 }]]);
        expect(results[2]).toMatchObject({ affectedRows: 0, insertId: 0 });
        expect(names(fields)).toEqual([['a'], ['b'], undefined]);
        expect(await value(connection, 'select @d')).toBe(10);
      });

      test('without multipleStatements as well', async () => {
        const connection = await open({ kind, multipleStatements: false });
        const [results] = await query(connection, `call ${name}(1, @d)`);
        expect(results.slice(0, 2)).toEqual([[{ a: 1 }], [{ b: 1 }, { b: 2 }]]);
      });

      test('as statements', async () => {
        const connection = await open({ kind });
        const [results] = await execute(connection, `call ${name}(?, @d)`, [7]);
        expect(results.slice(0, 2)).toEqual([[{ a: 7 }], [{ b: 7 }, { b: 8 }]]);
        const [again] = await execute(connection, `call ${name}(?, @d)`, [8]);
        expect(again.slice(0, 2)).toEqual([[{ a: 8 }], [{ b: 8 }, { b: 9 }]]);
        expect(await value(connection, 'select @d')).toBe(16);
      });

      test('rows as arrays', async () => {
        const connection = await open({ kind });
        const asked = { sql: `call ${name}(1, @d)`, rowsAsArray: true };
        expect((await query(connection, asked))[0].slice(0, 2)).toEqual([[[1]], [[1], [2]]]);
      });
    });
  });

  test('many', async () => {
    const connection = await open();
    const numbers = Array.from({ length: 200 }, (_, i) => i);
    const [results] = await query(connection, numbers.map((n) => `select ${n} as a`).join(';'));
    expect(results.map(([{ a }]) => a)).toEqual(numbers);
  });

  test('of a pool', async () => {
    const pool = track(mysql().createPool(mysqlConfig({ multipleStatements: true })));
    expect((await query(pool, 'select 1 as a; select 2 as b'))[0]).toEqual([
      [{ a: 1 }],
      [{ b: 2 }],
    ]);
  });

  test('with values', async () => {
    const connection = await open();
    const [results] = await query(connection, 'select ? as a; select ? as b', [1, "it's"]);
    expect(results).toEqual([[{ a: 1 }], [{ b: "it's" }]]);
  });
});
