'use strict';
// What a session can do besides queries: transactions, ping, reset, another user.

const { mysqlConfig } = require('../../support/mysql.js');
const { ROLES } = require('../../support/mysql-settings.js');
const {
  called,
  connect,
  execute,
  failure,
  observe,
  outcome,
  query,
  value,
} = require('./connections.js');
const { unique } = require('../../support/pools.js');
const { IMPLEMENTATIONS, SERVERS } = require('./implementations.js');

describe.each(IMPLEMENTATIONS)('%s', (_name, { mysql }) => {
  const open = (options) => connect(mysql(), options);

  describe.each(SERVERS)('%s', (kind) => {
    describe('transactions', () => {
      let table;

      beforeEach(async () => {
        table = `polypool_test.${unique('t')}`;
        await observe(kind, `create table ${table} (a int primary key) engine = innodb`);
      });

      afterEach(() => observe(kind, `drop table ${table}`));

      const count = async () => (await observe(kind, `select count(*) as n from ${table}`))[0].n;

      test('beginTransaction, commit', async () => {
        const connection = await open({ kind });
        const [begun] = await outcome((done) => connection.beginTransaction(done));
        expect(begun.constructor.name).toBe('ResultSetHeader');
        await query(connection, `insert into ${table} values (1)`);
        expect(await count()).toBe(0);
        await outcome((done) => connection.commit(done));
        expect(await count()).toBe(1);
      });

      test('beginTransaction, rollback', async () => {
        const connection = await open({ kind });
        await outcome((done) => connection.beginTransaction(done));
        await query(connection, `insert into ${table} values (1)`);
        expect(await value(connection, `select count(*) from ${table}`)).toBe(1);
        await outcome((done) => connection.rollback(done));
        expect(await value(connection, `select count(*) from ${table}`)).toBe(0);
      });

      test('without callbacks', async () => {
        const connection = await open({ kind });
        connection.beginTransaction();
        connection.query(`insert into ${table} values (1)`);
        connection.commit();
        await query(connection, 'do 1');
        expect(await count()).toBe(1);
      });

      test('an error leaves the transaction open', async () => {
        const connection = await open({ kind });
        await outcome((done) => connection.beginTransaction(done));
        await query(connection, `insert into ${table} values (1)`);
        const error = await failure((done) =>
          connection.query(`insert into ${table} values (1)`, done),
        );
        expect(error).toMatchObject({ code: 'ER_DUP_ENTRY', errno: 1062, sqlState: '23000' });
        await outcome((done) => connection.commit(done));
        expect(await count()).toBe(1);
      });

      test('what is open is undone when the connection goes', async () => {
        const connection = await open({ kind });
        await outcome((done) => connection.beginTransaction(done));
        await query(connection, `insert into ${table} values (1)`);
        await outcome((done) => connection.end(done));
        const other = await open({ kind });
        await query(other, `insert into ${table} values (1)`);
        expect(await count()).toBe(1);
      });
    });

    test('ping', async () => {
      const connection = await open({ kind });
      expect(await called((done) => connection.ping(done))).toEqual([]);
      connection.ping();
      expect(await value(connection, 'select 1')).toBe(1);
    });

    describe('reset()', () => {
      test('forgets what belongs to the session', async () => {
        const connection = await open({ kind });
        await query(connection, 'set @a = 5');
        await query(connection, 'set time_zone = "+01:00"');
        await query(connection, 'create temporary table resetting (a int)');
        await query(connection, 'start transaction');
        const id = await value(connection, 'select connection_id()');
        expect(await called((done) => connection.reset(done))).toEqual([null]);
        expect(await value(connection, 'select @a')).toBeNull();
        expect(await value(connection, 'select @@time_zone')).toBe('+00:00');
        expect(await value(connection, 'select connection_id()')).toBe(id);
        const error = await failure((done) => connection.query('select * from resetting', done));
        expect(error.code).toBe('ER_NO_SUCH_TABLE');
      });

      test('in the order of the commands', async () => {
        const connection = await open({ kind });
        connection.query('set @a = 5');
        const before = value(connection, 'select @a');
        connection.reset();
        const after = value(connection, 'select @a');
        expect([Number(await before), await after]).toEqual([5, null]);
      });

      test('keeps the user and the database', async () => {
        const connection = await open({ kind });
        await outcome((done) => connection.reset(done));
        expect(await value(connection, 'select database()')).toBe('polypool_test');
        expect(await value(connection, 'select current_user()')).toBe('app@%');
      });
    });

    test('a read-only transaction is told, and the next one is not', async () => {
      const connection = await open({ kind });
      const READ_ONLY = 0x2000;
      const begins = async () => (await query(connection, 'begin'))[0].serverStatus & READ_ONLY;
      await query(connection, 'set transaction read only');
      expect(await begins()).toBe(READ_ONLY);
      await query(connection, 'rollback');
      for (let i = 0; i < 3; i++) {
        expect(await begins()).toBe(0);
        await query(connection, 'rollback');
      }
    });

    describe('changeUser()', () => {
      const other = kind === 'mariadb' ? 'native' : 'sha2';

      test('of several in line, each logs in as it was asked when it was called', async () => {
        const connection = await open({ kind });
        const given = { user: other, password: ROLES[other].password };
        const user = () => value(connection, 'select current_user()');
        const change = (options) => outcome((done) => connection.changeUser(options, done));
        const asked = [user(), change(given), user(), change({}), user(), change(given), user()];
        given.user = 'nobody';
        const told = await Promise.all(asked);
        expect(told.filter((one) => typeof one === 'string')).toEqual(
          ['app', other, 'app', other].map((name) => `${name}@%`),
        );
      });

      test('another user', async () => {
        const connection = await open({ kind });
        const id = connection.threadId;
        await query(connection, 'set @a = 5');
        const { password } = ROLES[other];
        await outcome((done) => connection.changeUser({ user: other, password }, done));
        expect(await value(connection, 'select current_user()')).toBe(`${other}@%`);
        expect(await value(connection, 'select database()')).toBe('polypool_test');
        expect(await value(connection, 'select @a')).toBeNull();
        expect(await value(connection, 'select connection_id()')).toBe(id);
        expect(connection.config.user).toBe(other);
      });

      test('another database', async () => {
        const connection = await open({ kind });
        await outcome((done) => connection.changeUser({ database: 'information_schema' }, done));
        expect(await value(connection, 'select database()')).toBe('information_schema');
        expect(await value(connection, 'select current_user()')).toBe('app@%');
        expect(connection.config.database).toBe('information_schema');
      });

      test('the same again, by a callback alone', async () => {
        const connection = await open({ kind });
        await query(connection, 'set @a = 5');
        await outcome((done) => connection.changeUser(done));
        expect(await value(connection, 'select @a')).toBeNull();
        expect(await value(connection, 'select current_user()')).toBe('app@%');
      });

      test('statements are prepared anew', async () => {
        const connection = await open({ kind });
        expect((await execute(connection, 'select ? as a', [1]))[0]).toEqual([{ a: 1 }]);
        await outcome((done) => connection.changeUser({}, done));
        expect((await execute(connection, 'select ? as a', [2]))[0]).toEqual([{ a: 2 }]);
      });

      test('the character set', async () => {
        const connection = await open({ kind });
        await outcome((done) => connection.changeUser({ charset: 'latin1' }, done));
        expect(await value(connection, 'select @@character_set_client')).toBe('latin1');
        expect(await value(connection, "select 'é'")).toBe('é');
      });

      test('a wrong password', async () => {
        const connection = await open({ kind });
        connection.on('error', () => {});
        const { user } = mysqlConfig({ kind });
        const error = await failure((done) =>
          connection.changeUser({ user, password: 'wrong' }, done),
        );
        expect(error).toMatchObject({ code: 'ER_ACCESS_DENIED_ERROR', errno: 1045, fatal: true });
      });
    });
  });
});
