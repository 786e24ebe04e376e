'use strict';
// Statements: prepared by execute() and by prepare(), kept, closed, and made anew.

const {
  called,
  connect,
  execute,
  executed,
  failure,
  outcome,
  query,
  value,
} = require('./connections.js');
const { IMPLEMENTATIONS, SERVERS } = require('./implementations.js');

describe.each(IMPLEMENTATIONS)('%s', (_name, { mysql }) => {
  const open = (options) => connect(mysql(), options);

  const prepare = async (connection, sql) =>
    (await outcome((done) => connection.prepare(sql, done)))[0];
  const run = (statement, ...given) => outcome((done) => statement.execute(...given, done));

  const count = async (connection, name) => {
    const [[row]] = await query(connection, `show session status like '${name}'`);
    return Number(Object.values(row)[1]);
  };

  describe.each(SERVERS)('%s', (kind) => {
    test('are prepared once', async () => {
      const connection = await open({ kind });
      const none = await count(connection, 'Com_stmt_prepare');
      expect(await executed(connection, 'select ?', [1])).toBe(1);
      // MySQL prepares it once more by itself when it learns the types.
      const once = await count(connection, 'Com_stmt_prepare');
      expect(once - none).toBeGreaterThanOrEqual(1);
      for (const n of [2, 3]) expect(await executed(connection, 'select ?', [n])).toBe(n);
      expect(await count(connection, 'Com_stmt_prepare')).toBe(once);
    });

    test('are made anew after reset()', async () => {
      const connection = await open({ kind });
      expect(await executed(connection, 'select ?', [1])).toBe(1);
      await outcome((done) => connection.reset(done));
      expect(await executed(connection, 'select ?', [2])).toBe(2);
    });

    test('a budget: the one used least goes', async () => {
      const connection = await open({ kind, maxPreparedStatements: 2 });
      const before = await count(connection, 'Com_stmt_close');
      const prepared = await count(connection, 'Com_stmt_prepare');
      for (const sql of ['select 1', 'select 2', 'select 1', 'select 3', 'select 1']) {
        await execute(connection, sql);
      }
      expect((await count(connection, 'Com_stmt_prepare')) - prepared).toBe(3);
      expect((await count(connection, 'Com_stmt_close')) - before).toBe(1);
    });

    test('unprepare', async () => {
      const connection = await open({ kind });
      await execute(connection, 'select 5');
      const before = await count(connection, 'Com_stmt_close');
      const statement = connection.unprepare('select 5');
      expect(statement.query).toBe('select 5');
      expect((await count(connection, 'Com_stmt_close')) - before).toBe(1);
      expect(connection.unprepare('select 5')).toBeUndefined();
      expect(connection.unprepare('select never')).toBeUndefined();
      expect(await executed(connection, 'select 5')).toBe(5);
    });

    test('a table that changes under a statement', async () => {
      const connection = await open({ kind });
      await query(connection, 'create temporary table changing (a int)');
      await query(connection, 'insert into changing values (1)');
      expect((await execute(connection, 'select * from changing'))[0]).toEqual([{ a: 1 }]);
      await query(connection, "alter table changing add b varchar(9) not null default 'x'");
      expect((await execute(connection, 'select * from changing'))[0]).toEqual([{ a: 1, b: 'x' }]);
    });
  });

  describe('prepare()', () => {
    test('gives a statement', async () => {
      const connection = await open();
      const statement = await prepare(connection, "select ? as a, 'x' as b");
      expect(statement.query).toBe("select ? as a, 'x' as b");
      expect(statement.id).toEqual(expect.any(Number));
      expect(statement.columns.map(({ name }) => name)).toEqual(['a', 'b']);
      expect(statement.parameters).toHaveLength(1);
      const [rows, fields] = await run(statement, [7]);
      expect(rows).toEqual([{ a: 7, b: 'x' }]);
      expect(fields.map(({ name }) => name)).toEqual(['a', 'b']);
      statement.close();
      expect(await value(connection, 'select 1')).toBe(1);
    });

    test('many times over', async () => {
      const connection = await open();
      const statement = await prepare(connection, 'select ? + ? as sum');
      const sums = await Promise.all([1, 2, 3].map((n) => run(statement, [n, n])));
      expect(sums.map(([[{ sum }]]) => sum)).toEqual([2, 4, 6]);
    });

    test('without parameters', async () => {
      const connection = await open();
      const statement = await prepare(connection, 'select 5 as a');
      expect((await run(statement))[0]).toEqual([{ a: 5 }]);
      expect((await run(statement, []))[0]).toEqual([{ a: 5 }]);
    });

    test('of changes', async () => {
      const connection = await open();
      await query(connection, 'create temporary table prepared (a int primary key auto_increment)');
      const statement = await prepare(connection, 'insert into prepared values (?)');
      const [result] = await run(statement, [null]);
      expect(result).toMatchObject({ affectedRows: 1, insertId: 1 });
      expect(statement.columns).toEqual([]);
    });

    test('with events', async () => {
      const connection = await open();
      const statement = await prepare(connection, 'select ? as a');
      const seen = [];
      const command = statement.execute([3]);
      command.on('fields', () => seen.push('fields'));
      command.on('result', (row) => seen.push(row));
      await new Promise((resolve) => command.on('end', resolve));
      expect(seen).toEqual(['fields', { a: 3 }]);
    });

    test('by options', async () => {
      const connection = await open();
      const statement = await prepare(connection, { sql: 'select ? as a' });
      expect((await run(statement, ['x']))[0]).toEqual([{ a: 'x' }]);
    });

    test('gives the same statement again, and execute() uses it', async () => {
      const connection = await open();
      const sql = 'select 1 as a';
      const before = await count(connection, 'Com_stmt_prepare');
      const first = await prepare(connection, sql);
      const second = await prepare(connection, sql);
      await execute(connection, sql);
      expect(second.id).toBe(first.id);
      expect((await count(connection, 'Com_stmt_prepare')) - before).toBeLessThanOrEqual(2);
    });

    test('an error', async () => {
      const connection = await open();
      const error = await failure((done) => connection.prepare('select nonsense', done));
      expect(error).toMatchObject({ code: 'ER_BAD_FIELD_ERROR', errno: 1054, sqlState: '42S22' });
      expect(error.sql).toBe('select nonsense');
      expect(await value(connection, 'select 1')).toBe(1);
    });

    test('an error when it runs', async () => {
      const connection = await open();
      const statement = await prepare(connection, 'select (select 1 union select 2) as a');
      const [error] = await called((done) => statement.execute([], done));
      expect(error).toMatchObject({ code: 'ER_SUBQUERY_NO_1_ROW', errno: 1242 });
      expect(await value(connection, 'select 1')).toBe(1);
    });

    test('a statement that is closed', async () => {
      const connection = await open();
      const statement = await prepare(connection, 'select 1');
      statement.close();
      const [error] = await called((done) => statement.execute([], done));
      expect(error).toMatchObject({ code: 'ER_UNKNOWN_STMT_HANDLER', errno: 1243 });
      expect(await value(connection, 'select 1')).toBe(1);
    });
  });

  test('what cannot be prepared', async () => {
    const connection = await open();
    const error = await failure((done) => connection.execute('select 1; select 2', done));
    expect(error).toMatchObject({ code: 'ER_PARSE_ERROR', errno: 1064 });
    expect(error.sql).toBe('select 1; select 2');
  });

  test('options change the statement no more than the rows', async () => {
    const connection = await open();
    const sql = 'select 1 as a';
    expect((await execute(connection, sql))[0]).toEqual([{ a: 1 }]);
    expect((await execute(connection, { sql, rowsAsArray: true }))[0]).toEqual([[1]]);
    expect((await execute(connection, { sql, nestTables: '_' }))[0]).toEqual([{ _a: 1 }]);
    expect((await execute(connection, sql))[0]).toEqual([{ a: 1 }]);
  });

  test('the options of the caller are left as they are', async () => {
    const connection = await open();
    const options = Object.freeze({ sql: 'select ? as a', values: Object.freeze([1]) });
    expect((await execute(connection, options))[0]).toEqual([{ a: 1 }]);
    expect((await execute(connection, { sql: 'select ? as a' }, [2]))[0]).toEqual([{ a: 2 }]);
  });

  test('many at once, with errors among them', async () => {
    const connection = await open();
    const all = await Promise.allSettled(
      Array.from({ length: 30 }, (_, i) =>
        executed(connection, i % 3 === 1 ? `select nonsense${i}` : `select ${i} + ?`, [i % 7]),
      ).map((each, i) => (i % 3 === 1 ? each.catch(() => 'failed') : each)),
    );
    expect(all.map(({ value: got }) => Number(got) || got)).toEqual(
      Array.from({ length: 30 }, (_, i) => (i % 3 === 1 ? 'failed' : i + (i % 7))),
    );
  });
});
