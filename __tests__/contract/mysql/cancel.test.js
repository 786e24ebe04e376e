'use strict';
// A statement that nobody waits for any more is stopped at the server, and its connection serves on.

const { rejection, unique, until } = require('../../support/pools.js');
const { KINDS, observe, openPool } = require('../../support/mysql-pools.js');

const SLOW = 'select sleep(20) as slept';

const running = async (kind) => {
  const rows = await observe(kind, 'show processlist');
  return rows.filter(({ Info }) => Info === SLOW).length;
};

describe.each(KINDS)('%s', (kind) => {
  test.each([{}, { compress: true }, { ssl: undefined }])('a timeout: %j', async (given) => {
    const pool = await openPool({ kind, max: 1, ...given });
    const { id } = await pool.use((connection) => connection);
    const began = Date.now();
    const error = await rejection(pool.query(SLOW, [], { timeoutMs: 100 }));
    expect(error.code).toBe('ERR_POLYPOOL_QUERY_TIMEOUT');
    await until(async () => (await running(kind)) === 0);
    expect(Date.now() - began).toBeLessThan(10_000);
    // The same connection, of whose next statements none is hit.
    await pool.use(async (connection) => {
      expect(connection.id).toBe(id);
      for (let i = 0; i < 20; i++) {
        expect((await connection.query('select ? as i', [i])).rows).toEqual([{ i }]);
      }
    });
  });

  test('an abort, also with a password function', async () => {
    const { ROLES } = require('../../support/mysql-settings.js');
    const password = () => ROLES.app.password;
    const pool = await openPool({ kind, max: 1, password });
    const abort = new AbortController();
    const query = rejection(pool.query(SLOW, [], { signal: abort.signal }));
    await until(async () => (await running(kind)) === 1);
    abort.abort();
    expect((await query).code).toBe('ERR_POLYPOOL_ABORTED');
    await until(async () => (await running(kind)) === 0);
    expect((await pool.query('select 1 as one')).rows).toEqual([{ one: 1 }]);
  });

  test('a transaction that is cut short is rolled back', async () => {
    const pool = await openPool({ kind, max: 2 });
    const table = unique('cancelled');
    await pool.query(`create table ${table} (a int)`);
    const error = await rejection(
      pool.transaction(
        async (transaction) => {
          await transaction.query(`insert into ${table} values (1)`);
          await transaction.query(SLOW);
        },
        { timeoutMs: 200 },
      ),
    );
    expect(error.code).toBe('ERR_POLYPOOL_QUERY_TIMEOUT');
    const { rows } = await pool.query(`select count(*) as n from ${table}`);
    expect(rows).toEqual([{ n: 0 }]);
  });
});
