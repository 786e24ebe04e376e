'use strict';
// How a connection goes back to its pool, and what takes it out: destroy(), end(), errors, servers
// that take no writes.

const { once } = require('node:events');
const { until } = require('../../support/pools.js');
const { execute, failure, query, track, value } = require('./connections.js');
const { IMPLEMENTATIONS } = require('./implementations.js');
const { called, counters, openPool, quiet, take } = require('./pools.js');
const { ScriptedServer, packet, say } = require('./scripted.js');

const CLOSED = "Can't add new command when connection is in closed state";

describe.each(IMPLEMENTATIONS)('%s', (_name, { mysql }) => {
  const open = (options) => openPool(mysql(), { connectionLimit: 2, ...options });

  describe('release()', () => {
    test('twice frees once', async () => {
      const pool = open();
      const connection = await take(pool);
      connection.release();
      connection.release();
      expect(counters(pool)).toBe('all 1 free 1 queue 0');
      const [a, b] = [await take(pool), await take(pool)];
      expect(a).not.toBe(b);
      a.release();
      b.release();
    });

    test('twice while somebody waits serves once', async () => {
      const pool = open({ connectionLimit: 1 });
      const connection = await take(pool);
      const waiting = [take(pool), take(pool)];
      connection.release();
      connection.release();
      await waiting[0];
      await quiet();
      expect(counters(pool)).toBe('all 1 free 0 queue 1');
      connection.release();
      (await waiting[1]).release();
    });

    test('gives nothing back', async () => {
      const connection = await take(open());
      expect(connection.release()).toBeUndefined();
    });

    test('while its query runs: the next holder waits behind it', async () => {
      const pool = open({ connectionLimit: 1 });
      const connection = await take(pool);
      const seen = [];
      const slow = query(connection, 'select sleep(0.05)').then(() => seen.push('slow'));
      connection.release();
      await value(pool, 'select 1').then(() => seen.push('next'));
      await slow;
      expect(seen).toEqual(['slow', 'next']);
    });

    test('by the pool', async () => {
      const pool = open();
      const connection = await take(pool);
      pool.releaseConnection(connection);
      expect(counters(pool)).toBe('all 1 free 1 queue 0');
      expect(await take(pool)).toBe(connection);
      connection.release();
    });
  });

  describe('destroy()', () => {
    test('of a lent connection', async () => {
      const pool = open();
      const connection = await take(pool);
      const over = once(connection, 'end');
      connection.destroy();
      expect(counters(pool)).toBe('all 0 free 0 queue 0');
      await over;
      connection.release();
      expect(counters(pool)).toBe('all 0 free 0 queue 0');
      const error = await failure((done) => connection.query('select 1', done));
      expect(error.message).toBe(CLOSED);
    });

    test('of an idle connection', async () => {
      const pool = open();
      const connection = await take(pool);
      connection.release();
      connection.destroy();
      expect(counters(pool)).toBe('all 0 free 0 queue 0');
      expect(await value(pool, 'select 1')).toBe(1);
    });

    test('serves who waits with a new one', async () => {
      const pool = open({ connectionLimit: 1 });
      const first = await take(pool);
      const waiting = value(pool, 'select connection_id()');
      first.destroy();
      expect(await waiting).not.toBe(first.threadId);
    });
  });

  describe('end()', () => {
    const WARNING =
      'Calling conn.end() to release a pooled connection is deprecated. In next version calling ' +
      'conn.end() will be restored to default conn.end() behavior. Use conn.release() instead.';

    test('gives the connection back, and says that it is not the way', async () => {
      const warn = jest.spyOn(console, 'warn').mockImplementation(() => {});
      const pool = open({ connectionLimit: 1 });
      const connection = await take(pool);
      const seen = [];
      connection.on('warn', (error) => seen.push(error.message));
      let called = false;
      connection.end(() => (called = true));
      expect(called).toBe(true);
      expect(seen).toEqual([WARNING]);
      expect(warn.mock.calls).toEqual([[WARNING]]);
      expect(counters(pool)).toBe('all 1 free 1 queue 0');
      expect(await take(pool)).toBe(connection);
      connection.release();
      warn.mockRestore();
    });

    test('gracefulEnd: ends the connection', async () => {
      const warn = jest.spyOn(console, 'warn').mockImplementation(() => {});
      const pool = open({ gracefulEnd: true });
      const connection = await take(pool);
      const over = once(connection, 'end');
      await called((done) => connection.end(done));
      await over;
      expect(counters(pool)).toBe('all 0 free 0 queue 0');
      expect(warn).not.toHaveBeenCalled();
      warn.mockRestore();
    });
  });

  describe('servers that take no writes', () => {
    /** A pool on a server that answers queries and statements with this error. */
    async function refusing(errno) {
      const server = await ScriptedServer.welcoming((command, _text, socket) => {
        if (command === 'query' || command === 'prepare') {
          socket.write(packet(1, say.error(errno, 'HY000', 'read only')));
        }
      });
      const pool = track(mysql().createPool({ ...server.target, connectionLimit: 1 }));
      return { server, pool };
    }

    test.each([1290, 1792, 1836])('the connection is dropped at %d', async (errno) => {
      const { pool, server } = await refusing(errno);
      expect(await failure((done) => pool.query('insert', done))).toMatchObject({ errno });
      await until(() => counters(pool) === 'all 0 free 0 queue 0');
      expect(await failure((done) => pool.execute('insert', [], done))).toMatchObject({ errno });
      await until(() => counters(pool) === 'all 0 free 0 queue 0');
      await until(() => server.connections === 0);
    });

    test('and kept at other errors', async () => {
      const { pool } = await refusing(1205);
      expect(await failure((done) => pool.query('insert', done))).toMatchObject({ errno: 1205 });
      await until(() => counters(pool) === 'all 1 free 1 queue 0');
    });

    test('also when nobody but an event hears of it', async () => {
      const { pool } = await refusing(1290);
      const command = pool.query('insert');
      await new Promise((resolve) => command.once('error', resolve));
      await until(() => counters(pool) === 'all 0 free 0 queue 0');
    });
  });

  describe('to look at', () => {
    test('the connections', async () => {
      const pool = open();
      const [a, b] = [await take(pool), await take(pool)];
      expect([pool._allConnections.get(0), pool._allConnections.get(1)]).toEqual([a, b]);
      a.release();
      expect(pool._freeConnections.length).toBe(1);
      expect(pool._freeConnections.get(0)).toBe(a);
      b.release();
      expect(pool._freeConnections.length).toBe(2);
    });

    test('those who wait', async () => {
      const pool = open({ connectionLimit: 1 });
      const first = await take(pool);
      const waiting = take(pool);
      expect(pool._connectionQueue.length).toBe(1);
      expect(typeof pool._connectionQueue.get(0)).toBe('function');
      first.release();
      (await waiting).release();
      expect(pool._connectionQueue.length).toBe(0);
    });

    test('configurations', async () => {
      const pool = open({ queueLimit: 7 });
      expect(pool.config.queueLimit).toBe(7);
      expect(pool.config.connectionConfig.user).toBe('app');
      const connection = await take(pool);
      expect(connection.config.user).toBe('app');
      connection.release();
      pool.config.connectionLimit = 1;
      const all = [take(pool), take(pool)];
      await all[0];
      expect(counters(pool)).toBe('all 1 free 0 queue 1');
      connection.release();
      (await all[1]).release();
    });
  });

  test('an error of a statement leaves the connection where it was', async () => {
    const pool = open({ connectionLimit: 1 });
    const connection = await take(pool);
    const error = await failure((done) => connection.execute('select nonsense', done));
    expect(error.code).toBe('ER_BAD_FIELD_ERROR');
    expect(counters(pool)).toBe('all 1 free 0 queue 0');
    expect((await execute(connection, 'select 1 as a'))[0]).toEqual([{ a: 1 }]);
    connection.release();
  });
});
