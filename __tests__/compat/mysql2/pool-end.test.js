'use strict';
// How a pool comes to its end, and how its idle connections do before.

const { once } = require('node:events');
const path = require('node:path');
const { printed, runNode } = require('../../support/child.js');
const { mysqlConfig } = require('../../support/mysql.js');
const { until } = require('../../support/pools.js');
const { failure, observe, outcome, query, value } = require('./connections.js');
const { IMPLEMENTATIONS } = require('./implementations.js');
const { called, counters, openPool, take } = require('./pools.js');

const ROOT = path.join(__dirname, '..', '..', '..');
const CLOSED = 'Pool is closed.';

describe.each(IMPLEMENTATIONS)('%s', (name, { mysql, promise }) => {
  const open = (options) => openPool(mysql(), { connectionLimit: 2, ...options });

  const sessions = async (ids) => {
    const sql = 'select count(*) as n from information_schema.processlist where id in (?)';
    return (await observe('mariadb', sql, [ids]))[0].n;
  };

  describe('end()', () => {
    test('ends the connections', async () => {
      const pool = open();
      const all = [await take(pool), await take(pool)];
      for (const each of all) each.release();
      const ids = all.map(({ threadId }) => threadId);
      expect(await sessions(ids)).toBe(2);
      await outcome((done) => pool.end(done));
      expect(pool._closed).toBe(true);
      await until(async () => (await sessions(ids)) === 0);
    });

    test('of a pool without connections', async () => {
      const pool = open();
      expect(await called((done) => pool.end(done))).toEqual([undefined]);
    });

    test('without a callback', async () => {
      const pool = open();
      const connection = await take(pool);
      connection.release();
      const over = once(connection, 'end');
      expect(pool.end()).toBeUndefined();
      await over;
    });

    test('afterwards nobody is served', async () => {
      const pool = open();
      await outcome((done) => pool.end(done));
      expect((await failure((done) => pool.getConnection(done))).message).toBe(CLOSED);
      expect((await failure((done) => pool.query('select 1', done))).message).toBe(CLOSED);
      expect((await failure((done) => pool.execute('select 1', done))).message).toBe(CLOSED);
    });

    test('those who wait are told', async () => {
      const pool = open({ connectionLimit: 1 });
      const first = await take(pool);
      const waiting = [1, 2].map(() => failure((done) => pool.getConnection(done)));
      const asked = failure((done) => pool.query('select 1', done));
      pool.end();
      const errors = await Promise.all([...waiting, asked]);
      expect(errors.map(({ message }) => message)).toEqual([CLOSED, CLOSED, CLOSED]);
      expect(counters(pool)).toBe('all 1 free 0 queue 0');
      first.release();
    });

    test('queries that run are answered', async () => {
      const pool = open();
      const running = query(pool, 'select sleep(0.1) as a');
      await until(() => pool._allConnections.length === 1);
      await until(() => pool._allConnections.get(0).authorized);
      await outcome((done) => pool.end(done));
      expect((await running)[0]).toEqual([{ a: 0 }]);
    });

    test('by promises', async () => {
      const pool = promise().createPool(mysqlConfig());
      await pool.query('select 1');
      expect(await pool.end()).toBeUndefined();
      await expect(pool.query('select 1')).rejects.toThrow(CLOSED);
      await expect(pool.getConnection()).rejects.toThrow(CLOSED);
    });
  });

  describe('idle connections', () => {
    test('beyond maxIdle are ended', async () => {
      const pool = open({ connectionLimit: 3, maxIdle: 1, idleTimeout: 60_000 });
      const all = [await take(pool), await take(pool), await take(pool)];
      for (const each of all) each.release();
      expect(counters(pool)).toBe('all 3 free 3 queue 0');
      await until(() => counters(pool) === 'all 1 free 1 queue 0');
      // The one given back last stays.
      expect(pool._freeConnections.get(0)).toBe(all[2]);
      await until(async () => (await sessions(all.map(({ threadId }) => threadId))) === 1);
    });

    test('beyond idleTimeout are ended', async () => {
      const pool = open({ connectionLimit: 3, maxIdle: 2, idleTimeout: 50 });
      const all = [await take(pool), await take(pool)];
      for (const each of all) each.release();
      await until(() => counters(pool) === 'all 0 free 0 queue 0');
      expect(await value(pool, 'select 1')).toBe(1);
    });

    test('a lent connection is not idle', async () => {
      const pool = open({ connectionLimit: 3, maxIdle: 0, idleTimeout: 1 });
      const [lent, idle] = [await take(pool), await take(pool)];
      idle.release();
      await until(() => counters(pool) === 'all 1 free 0 queue 0');
      expect(await value(lent, 'select 1')).toBe(1);
      lent.release();
    });

    test('stay when as many may be idle as there are', async () => {
      const pool = open({ connectionLimit: 2, idleTimeout: 1 });
      const sweeping = open({ connectionLimit: 2, maxIdle: 1, idleTimeout: 1 });
      for (const each of [pool, sweeping]) (await take(each)).release();
      await until(() => counters(sweeping) === 'all 0 free 0 queue 0');
      expect(counters(pool)).toBe('all 1 free 1 queue 0');
    });
  });

  test('a process lives as long as its pool', async () => {
    const code = `
      const pool = require('${name}').createPool(${JSON.stringify(mysqlConfig())});
      pool.query('select 1 as a', (error, rows) => {
        console.log(JSON.stringify(rows));
        pool.end(() => console.log('"ended"'));
      });`;
    const result = await runNode(['-e', code], { cwd: ROOT });
    expect(result).toMatchObject({ code: 0, signal: null, stderr: '' });
    expect(printed(result)).toEqual([[{ a: 1 }], 'ended']);
  });
});
