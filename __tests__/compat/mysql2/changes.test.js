'use strict';
// What a statement that changes something gives back: the ResultSetHeader.

const { connect, execute, query } = require('./connections.js');
const { IMPLEMENTATIONS, SERVERS } = require('./implementations.js');

describe.each(IMPLEMENTATIONS)('%s', (_name, { mysql }) => {
  const open = (options) => connect(mysql(), options);

  async function withTable(options) {
    const connection = await open(options);
    await query(
      connection,
      'create temporary table changes (id int primary key auto_increment, a varchar(5))',
    );
    return connection;
  }

  describe.each(SERVERS)('%s', (kind) => {
    describe.each([
      ['query', query],
      ['execute', execute],
    ])('%s', (_method, ask) => {
      const change = async (connection, sql) => (await ask(connection, sql))[0];

      test('insert', async () => {
        const connection = await withTable({ kind });
        const [result, fields] = await ask(connection, "insert into changes (a) values ('x')");
        expect(result.constructor.name).toBe('ResultSetHeader');
        expect({ ...result }).toEqual({
          fieldCount: 0,
          affectedRows: 1,
          insertId: 1,
          info: '',
          serverStatus: 2,
          warningStatus: 0,
          changedRows: 0,
        });
        expect(fields).toBeUndefined();
        const sql = "insert into changes (a) values ('y'), ('z')";
        expect(await change(connection, sql)).toMatchObject({
          affectedRows: 2,
          insertId: 2,
          info: expect.stringContaining('Records: 2  Duplicates: 0  Warnings: 0'),
        });
      });

      test('update: rows that match and rows that change', async () => {
        const connection = await withTable({ kind });
        await query(connection, "insert into changes (a) values ('x'), ('y'), ('y')");
        expect(await change(connection, "update changes set a = 'y'")).toMatchObject({
          affectedRows: 3,
          changedRows: 1,
          insertId: 0,
          info: expect.stringContaining('Rows matched: 3  Changed: 1  Warnings: 0'),
        });
      });

      test('without the flag that tells of changes to the session', async () => {
        const connection = await withTable({ kind, flags: '-SESSION_TRACK' });
        const sql = "insert into changes (a) values ('x'), ('y')";
        expect(await change(connection, sql)).toMatchObject({
          affectedRows: 2,
          info: 'Records: 2  Duplicates: 0  Warnings: 0',
        });
        const changed = await change(connection, "set names 'latin1'");
        expect(changed).toMatchObject({ info: '' });
        expect(changed).not.toHaveProperty('stateChanges');
      });

      test('update without the flag that counts matches', async () => {
        const connection = await withTable({ kind, flags: '-FOUND_ROWS' });
        await query(connection, "insert into changes (a) values ('x'), ('y')");
        expect(await change(connection, "update changes set a = 'y'")).toMatchObject({
          affectedRows: 1,
          changedRows: 1,
        });
      });

      test('delete', async () => {
        const connection = await withTable({ kind });
        await query(connection, "insert into changes (a) values ('x'), ('y')");
        expect(await change(connection, 'delete from changes')).toMatchObject({
          affectedRows: 2,
          insertId: 0,
        });
      });

      test('upsert', async () => {
        const connection = await withTable({ kind });
        await query(connection, "insert into changes values (7, 'x')");
        const sql = "insert into changes values (7, 'y') on duplicate key update a = 'y'";
        expect(await change(connection, sql)).toMatchObject({ affectedRows: 2 });
      });

      test('warnings', async () => {
        const connection = await withTable({ kind });
        await query(connection, "set sql_mode = ''");
        const result = await change(connection, "insert into changes (a) values ('too long')");
        expect(result).toMatchObject({ affectedRows: 1, warningStatus: 1 });
      });

      test('large insertIds', async () => {
        const connection = await open({ kind });
        await query(
          connection,
          'create temporary table large (id bigint unsigned primary key auto_increment)',
        );
        expect(await change(connection, 'insert into large values (9007199254740991)'))
          .toMatchObject({ insertId: 9007199254740991 }); // prettier-ignore
      });

      test('negative insertIds', async () => {
        const connection = await open({ kind });
        await query(
          connection,
          'create temporary table negative (id int primary key auto_increment)',
        );
        const { insertId } = await change(connection, 'insert into negative values (-5)');
        expect(insertId).toBe(-5);
      });
    });

    test('what needs no rows', async () => {
      const connection = await open({ kind });
      for (const sql of ['do 1', 'set @a = 1', 'create temporary table nothing (a int)']) {
        const [result, fields] = await query(connection, sql);
        expect(result).toMatchObject({ affectedRows: 0, insertId: 0, changedRows: 0 });
        expect(fields).toBeUndefined();
      }
    });

    test('the status of the transaction', async () => {
      const connection = await withTable({ kind });
      const status = async (sql) => (await query(connection, sql))[0].serverStatus & 3;
      const [IN_TRANSACTION, AUTOCOMMIT] = [1, 2];
      expect(await status('do 1')).toBe(AUTOCOMMIT);
      expect(await status('start transaction')).toBe(IN_TRANSACTION | AUTOCOMMIT);
      expect(await status('rollback')).toBe(AUTOCOMMIT);
      expect((await status('set autocommit = 0')) & AUTOCOMMIT).toBe(0);
    });

    test('changes of the session', async () => {
      const connection = await open({ kind, multipleStatements: true });
      const [use] = await query(connection, 'use polypool_test');
      expect(use.stateChanges).toEqual({
        systemVariables: {},
        schema: 'polypool_test',
        gtids: [],
        trackStateChange: null,
      });
      const [set] = await query(connection, "set time_zone = '+01:00'");
      expect(set.stateChanges).toMatchObject({
        schema: null,
        systemVariables: { time_zone: '+01:00' },
      });
    });
  });

  test.each([
    [5, 5],
    ['9007199254740993', '9007199254740993'],
    ['9223372036854775807', '9223372036854775807'],
  ])('bigNumberStrings: the insertId %s', async (given, expected) => {
    const connection = await open({ bigNumberStrings: true, supportBigNumbers: true });
    await query(
      connection,
      'create temporary table large (id bigint unsigned primary key auto_increment)',
    );
    const [result] = await query(connection, `insert into large values (${given})`);
    expect(result).toMatchObject({ affectedRows: 1, insertId: expected });
  });
});
