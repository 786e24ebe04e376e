'use strict';
// What a borrower leaves behind, and a server that no longer takes writes.

const { rejection, unique, until } = require('../../support/pools.js');
const { KINDS, observe, openPool } = require('../../support/mysql-pools.js');

const STATE = 'select @x as x, database() as d, @@time_zone as z, @@sql_mode as m';

describe.each(KINDS)('%s', (kind) => {
  test('the next borrower finds the session as it was', async () => {
    const pool = await openPool({ kind, max: 1 });
    const table = unique('left');
    await pool.query(`create table ${table} (n int) engine = innodb`);
    const before = (await pool.query(STATE)).rows;
    await pool.use(async (connection) => {
      await connection.query('select ? as a', [1]);
      await connection.query('set @x = 5');
      await connection.query("set sql_mode = 'NO_BACKSLASH_ESCAPES', time_zone = '+05:00'");
      await connection.query('create temporary table hidden (n int)');
      await connection.query('use information_schema');
      await connection.query('start transaction');
      await connection.query(`insert into polypool_test.${table} values (1)`);
    });
    expect((await pool.query(STATE)).rows).toEqual(before);
    expect((await pool.query('select ? as a', [2])).rows).toEqual([{ a: 2 }]);
    expect((await pool.query(`select * from ${table}`)).rows).toEqual([]);
    expect((await rejection(pool.query('select * from hidden'))).code).toBe('ER_NO_SUCH_TABLE');
    expect(pool.stats().created).toBe(1);
  });

  test('who had no database has none again', async () => {
    const pool = await openPool({ kind, max: 1, database: undefined });
    await pool.use((connection) => connection.query('use polypool_test'));
    expect((await pool.query('select database() as d')).rows).toEqual([{ d: null }]);
  });

  test('plain reads and writes need no reset', async () => {
    const pool = await openPool({ kind, max: 1 });
    const table = unique('plain');
    await pool.query(`create table ${table} (n int)`);
    await pool.use(async (connection) => {
      await connection.query(`insert into ${table} values (1)`);
      await connection.query(`select * from ${table}`);
    });
    const [{ n }] = await observe(
      kind,
      "select count(*) as n from information_schema.processlist where command = 'Sleep'",
    );
    expect(n).toBeGreaterThan(0);
    expect(pool.stats()).toMatchObject({ created: 1, destroyed: 0 });
  });

  test('a session that the server ends fails its statement alone', async () => {
    const pool = await openPool({ kind, max: 2 });
    const connection = await pool.acquire();
    const { rows } = await connection.query('select connection_id() as id');
    const sleeping = rejection(connection.query('select sleep(30)'));
    await observe(kind, `kill ${rows[0].id}`);
    expect((await sleeping).code).toBe('ERR_POLYPOOL_CONNECTION_LOST');
    await connection.release();
    expect((await pool.query('select 1 as a')).rows).toEqual([{ a: 1 }]);
  });
});

describe('a server that has become read-only', () => {
  // It is that for all who use it: these tests have servers of their own.
  const { MySqlServer } = require('../../support/mysql-server.js');

  test.each(KINDS)('%s: connections to it are retired', async (kind) => {
    const server = await MySqlServer.start(kind);
    try {
      const pool = await openPool({ kind, server, max: 2 });
      await pool.query('create table written (n int)');
      await pool.query('insert into written values (1)');
      const { SUPERUSER } = require('../../support/mysql-settings.js');
      const admin = await openPool({ kind, server, ...SUPERUSER });
      await admin.query('set global read_only = 1');
      const error = await rejection(pool.query('insert into written values (2)'));
      expect(error).toMatchObject({ code: 'ER_OPTION_PREVENTS_STATEMENT', errno: 1290 });
      await until(() => pool.stats().destroyed > 0);
      await admin.query('set global read_only = 0');
      await pool.query('insert into written values (3)');
      expect((await pool.query('select n from written')).rows).toEqual([{ n: 1 }, { n: 3 }]);
      await pool.close();
      await admin.close();
    } finally {
      await server.destroy();
    }
  });
});
