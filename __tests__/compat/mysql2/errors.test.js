'use strict';
// Errors of the server: their fields, their messages, and where they are told.

const { mysqlConfig } = require('../../support/mysql.js');
const { connect, execute, failure, query, track, value } = require('./connections.js');
const { unique } = require('../../support/pools.js');
const { IMPLEMENTATIONS, SERVERS } = require('./implementations.js');

describe.each(IMPLEMENTATIONS)('%s', (_name, { mysql, promise }) => {
  const open = (options) => connect(mysql(), options);

  describe.each(SERVERS)('%s', (kind) => {
    const CASES = [
      [
        'select nonsense',
        'ER_BAD_FIELD_ERROR',
        1054,
        '42S22',
        {
          mariadb: "Unknown column 'nonsense' in 'SELECT'",
          mysql: "Unknown column 'nonsense' in 'field list'",
        },
      ],
      [
        'select * from polypool_none',
        'ER_NO_SUCH_TABLE',
        1146,
        '42S02',
        "Table 'polypool_test.polypool_none' doesn't exist",
      ],
      [
        'selekt 1',
        'ER_PARSE_ERROR',
        1064,
        '42000',
        'You have an error in your SQL syntax; check the manual that corresponds to your ' +
          `${kind === 'mariadb' ? 'MariaDB' : 'MySQL'} server version for the right syntax to use ` +
          "near 'selekt 1' at line 1",
      ],
      ['use polypool_none', 'ER_BAD_DB_ERROR', 1049, '42000', "Unknown database 'polypool_none'"],
      [
        'select 1, 2 union select 3',
        'ER_WRONG_NUMBER_OF_COLUMNS_IN_SELECT',
        1222,
        '21000',
        'The used SELECT statements have a different number of columns',
      ],
      [
        'select (select 1 union select 2)',
        'ER_SUBQUERY_NO_1_ROW',
        1242,
        '21000',
        'Subquery returns more than 1 row',
      ],
      [
        'do polypool_none(1)',
        'ER_SP_DOES_NOT_EXIST',
        1305,
        '42000',
        'FUNCTION polypool_test.polypool_none does not exist',
      ],
      [
        "signal sqlstate '45000' set message_text = 'my own', mysql_errno = 5000",
        undefined,
        5000,
        '45000',
        'my own',
      ],
      [
        "signal sqlstate '45000' set message_text = 'mine'",
        'ER_SIGNAL_EXCEPTION',
        1644,
        '45000',
        'mine',
      ],
    ];

    test.each(CASES)('%s', async (sql, code, errno, sqlState, text) => {
      const message = text[kind] ?? text;
      const connection = await open({ kind });
      const error = await failure((done) => connection.query(sql, done));
      expect({ ...error }).toEqual({ code, errno, sqlState, sqlMessage: message, sql });
      expect(error.message).toBe(message);
      expect(error.name).toBe('Error');
      expect(error).toBeInstanceOf(Error);
      expect(await value(connection, 'select 1')).toBe(1);
    });

    test('of a statement', async () => {
      const connection = await open({ kind });
      const sql = 'select * from polypool_none where a = ?';
      const error = await failure((done) => connection.execute(sql, [1], done));
      expect({ ...error }).toEqual({
        code: 'ER_NO_SUCH_TABLE',
        errno: 1146,
        sqlState: '42S02',
        sqlMessage: "Table 'polypool_test.polypool_none' doesn't exist",
        sql,
      });
    });

    test.each([
      ['latin1', 'Äpfel für ½ £'],
      ['cp1251', 'яблоко'],
      ['sjis', '林檎の表'],
      ['utf8mb4', 'Äpfel 林檎'],
    ])('in the character set of the session: %s', async (charset, text) => {
      const connection = await open({ kind, charset });
      const sql = `signal sqlstate '45000' set message_text = '${text}'`;
      for (const ask of ['query', 'execute']) {
        // Signals cannot be prepared: there it is the name of a table that is told.
        const asked = ask === 'query' ? sql : `select * from \`${text}\``;
        const error = await failure((done) => connection[ask](asked, done));
        expect(error.message).toContain(text);
        expect(error.sqlMessage).toBe(error.message);
      }
    });

    test('the text as it was sent, with the values in it', async () => {
      const connection = await open({ kind });
      const error = await failure((done) =>
        connection.query('select * from ?? where a = ?', ['none', "it's"], done),
      );
      expect(error.sql).toBe("select * from `none` where a = 'it\\'s'");
    });

    test('when the statement runs', async () => {
      const connection = await open({ kind });
      await query(connection, 'create temporary table keyed (a int primary key)');
      const sql = 'insert into keyed values (?)';
      await execute(connection, sql, [1]);
      const error = await failure((done) => connection.execute(sql, [1], done));
      expect(error).toMatchObject({ code: 'ER_DUP_ENTRY', errno: 1062, sqlState: '23000', sql });
      expect(error.message).toMatch(/^Duplicate entry '1' for key /);
    });

    test('constraints', async () => {
      const connection = await open({ kind });
      const name = unique('parent');
      await query(connection, `create table ${name} (id int primary key)`);
      await query(
        connection,
        `create table ${name}_child (id int, check (id < 100), foreign key (id) references ${name}(id))`,
      );
      try {
        const insert = (n) =>
          failure((done) => connection.query(`insert into ${name}_child values (${n})`, done));
        expect(await insert(5)).toMatchObject({
          code: 'ER_NO_REFERENCED_ROW_2',
          errno: 1452,
          sqlState: '23000',
        });
        // MariaDB's own errors have numbers that mysql2 takes for MySQL's, so that names differ.
        expect((await insert(500)).errno).toBe({ mariadb: 4025, mysql: 3819 }[kind]);
      } finally {
        await query(connection, `drop table ${name}_child, ${name}`);
      }
    });

    test('texts that do not fit', async () => {
      const connection = await open({ kind });
      await query(connection, 'create temporary table narrow (a varchar(2), b int not null)');
      const bad = (sql) => failure((done) => connection.query(sql, done));
      expect(await bad("insert into narrow values ('abc', 1)")).toMatchObject({
        code: 'ER_DATA_TOO_LONG',
        errno: 1406,
        sqlState: '22001',
        message: "Data too long for column 'a' at row 1",
      });
      expect(await bad("insert into narrow values ('a', null)")).toMatchObject({
        code: 'ER_BAD_NULL_ERROR',
        errno: 1048,
        message: "Column 'b' cannot be null",
      });
    });

    test('two that wait for each other', async () => {
      const name = unique('lock');
      const [one, two] = [await open({ kind }), await open({ kind })];
      await query(one, `create table ${name} (id int primary key) engine = innodb`);
      try {
        await query(one, `insert into ${name} values (1), (2)`);
        for (const each of [one, two]) await query(each, 'start transaction');
        await query(one, `select * from ${name} where id = 1 for update`);
        await query(two, `select * from ${name} where id = 2 for update`);
        const results = await Promise.allSettled([
          query(one, `select * from ${name} where id = 2 for update`),
          query(two, `select * from ${name} where id = 1 for update`),
        ]);
        const failed = results.filter(({ status }) => status === 'rejected');
        expect(failed).toHaveLength(1);
        expect(failed[0].reason).toMatchObject({
          code: 'ER_LOCK_DEADLOCK',
          errno: 1213,
          sqlState: '40001',
          message: 'Deadlock found when trying to get lock; try restarting transaction',
        });
        for (const each of [one, two]) await query(each, 'rollback');
      } finally {
        await query(one, `drop table ${name}`);
      }
    });

    test('a lock that is not to be had', async () => {
      const name = unique('lock');
      const [one, two] = [await open({ kind }), await open({ kind })];
      await query(one, `create table ${name} (id int primary key) engine = innodb`);
      try {
        await query(one, `insert into ${name} values (1)`);
        await query(one, 'start transaction');
        await query(one, `select * from ${name} for update`);
        await query(two, 'set innodb_lock_wait_timeout = 1');
        const sql = `update ${name} set id = 2`;
        expect(await failure((done) => two.query(sql, done))).toMatchObject({
          code: 'ER_LOCK_WAIT_TIMEOUT',
          errno: 1205,
          message: 'Lock wait timeout exceeded; try restarting transaction',
        });
        await query(one, 'rollback');
      } finally {
        await query(one, `drop table ${name}`);
      }
    });
  });

  test('by promises, with the stack of the caller', async () => {
    const connection = await promise().createConnection(mysqlConfig());
    track(connection);
    for (const method of ['query', 'execute']) {
      const error = await (async function namedCaller() {
        try {
          return await connection[method]('select nonsense');
        } catch (failed) {
          return failed;
        }
      })();
      expect(error).toMatchObject({ code: 'ER_BAD_FIELD_ERROR', sql: 'select nonsense' });
      expect(error.stack).toContain('namedCaller');
      expect(error.stack.split('\n')[0]).toBe(`Error: ${error.message}`);
    }
  });

  test('an exception of a callback does not stop the queries behind it', async () => {
    const connection = await open();
    const behind = [value(connection, 'select 1')];
    const error = await failure((done) => connection.query('select nonsense', done));
    expect(error.code).toBe('ER_BAD_FIELD_ERROR');
    behind.push(value(connection, 'select 2'));
    expect(await Promise.all(behind)).toEqual([1, 2]);
  });
});
