'use strict';
// The layer of promises over connections and pools.

const { once } = require('node:events');
const { mysqlConfig } = require('../../support/mysql.js');
const { connect, outcome, track } = require('./connections.js');
const { IMPLEMENTATIONS } = require('./implementations.js');

const NO_CALLBACKS = 'Callback function is not available with promise clients.';

describe.each(IMPLEMENTATIONS)('%s', (_name, { mysql, promise }) => {
  const open = async (options) => track(await promise().createConnection(mysqlConfig(options)));

  const pools = new Set();

  const openPool = (options) => {
    const pool = promise().createPool(mysqlConfig({ connectionLimit: 2, ...options }));
    pools.add(pool);
    return pool;
  };

  afterEach(async () => {
    await Promise.all([...pools].filter(({ pool }) => !pool._closed).map((pool) => pool.end()));
    pools.clear();
  });

  describe('a connection', () => {
    test.each(['query', 'execute'])('%s gives rows and fields', async (method) => {
      const connection = await open();
      const [rows, fields] = await connection[method]('select ? as a', [5]);
      expect(rows).toEqual([{ a: 5 }]);
      expect(fields.map(({ name }) => name)).toEqual(['a']);
      const [header, none] = await connection[method]('do 1');
      expect(header.affectedRows).toBe(0);
      expect(none).toBeUndefined();
      const options = { sql: 'select ? as a', values: [6], rowsAsArray: true };
      expect((await connection[method](options))[0]).toEqual([[6]]);
    });

    test('transactions', async () => {
      const connection = await open();
      await connection.query('create temporary table promised (a int)');
      expect((await connection.beginTransaction()).length).toBe(2);
      await connection.query('insert into promised values (1)');
      await connection.rollback();
      await connection.beginTransaction();
      await connection.query('insert into promised values (2)');
      await connection.commit();
      expect((await connection.query('select a from promised'))[0]).toEqual([{ a: 2 }]);
    });

    test('ping, reset, changeUser, connect', async () => {
      const connection = await open();
      expect(await connection.ping()).toBe(true);
      expect(await connection.reset()).toBeUndefined();
      expect(await connection.changeUser({ database: 'information_schema' })).toBeUndefined();
      expect((await connection.query('select database() as d'))[0]).toEqual([
        { d: 'information_schema' },
      ]);
      expect(await connection.connect()).toBe(connection.connection);
    });

    test('prepare', async () => {
      const connection = await open();
      const statement = await connection.prepare('select ? + 1 as a');
      const [rows, fields] = await statement.execute([5]);
      expect(rows).toEqual([{ a: 6 }]);
      expect(fields).toHaveLength(1);
      expect(statement.statement.id).toEqual(expect.any(Number));
      expect(await statement.close()).toBeUndefined();
      await expect(statement.execute([5])).rejects.toMatchObject({ errno: 1243 });
      expect((await (await connection.prepare('select 1 as a')).execute())[0]).toEqual([{ a: 1 }]);
      await expect(connection.prepare('selekt')).rejects.toMatchObject({ code: 'ER_PARSE_ERROR' });
    });

    test('what needs no promise', async () => {
      const connection = await open();
      expect(connection.escape("it's")).toBe("'it\\'s'");
      expect(connection.escapeId('a')).toBe('`a`');
      expect(connection.format('?', [1])).toBe('1');
      expect(connection.unprepare('select never')).toBeUndefined();
      expect(connection.threadId).toBe(connection.connection.threadId);
      expect(connection.config).toBe(connection.connection.config);
      connection.pause();
      connection.resume();
      expect(await connection.ping()).toBe(true);
    });

    test('end', async () => {
      const connection = await open();
      const over = once(connection.connection, 'end');
      expect(await connection.end()).toBeUndefined();
      await over;
    });

    test('no callbacks', async () => {
      const connection = await open();
      expect(() => connection.query('select 1', () => {})).toThrow(NO_CALLBACKS);
      expect(() => connection.execute('select 1', () => {})).toThrow(NO_CALLBACKS);
    });

    test('events of the connection', async () => {
      const connection = await open();
      const seen = [];
      connection.on('error', ({ message }) => seen.push(`error ${message}`));
      connection.on('end', () => seen.push('end'));
      connection.on('drain', () => seen.push('drain'));
      for (const [event, given] of [
        ['error', new Error('x')],
        ['end', undefined],
        ['drain', undefined],
      ]) {
        connection.connection.emit(event, given);
      }
      expect(seen).toEqual(['error x', 'end', 'drain']);
    });

    test('listeners are passed on only while there are some', async () => {
      const connection = await open();
      const before = connection.connection.listenerCount('error');
      const listener = () => {};
      connection.on('error', listener);
      connection.on('error', () => {});
      expect(connection.connection.listenerCount('error')).toBe(before + 1);
      connection.removeAllListeners('error');
      expect(connection.connection.listenerCount('error')).toBe(before);
    });
  });

  describe('promise() of what has callbacks', () => {
    test('of a connection', async () => {
      const connection = await connect(mysql());
      const promised = connection.promise();
      expect(promised.connection).toBe(connection);
      expect((await promised.query('select 1 as a'))[0]).toEqual([{ a: 1 }]);
    });

    test('of a pool and its connections', async () => {
      const pool = track(mysql().createPool(mysqlConfig()));
      const promised = pool.promise();
      expect(promised.pool).toBe(pool);
      expect((await promised.query('select 1 as a'))[0]).toEqual([{ a: 1 }]);
      const connection = await promised.getConnection();
      expect(connection.connection).toBeInstanceOf(mysql().PoolConnection);
      connection.release();
    });
  });

  describe('a pool', () => {
    test.each(['query', 'execute'])('%s', async (method) => {
      const pool = openPool();
      const [rows, fields] = await pool[method]('select ? as a', [5]);
      expect(rows).toEqual([{ a: 5 }]);
      expect(fields[0].name).toBe('a');
      expect((await pool[method]('select 1 as a'))[0]).toEqual([{ a: 1 }]);
      await expect(pool[method]('select nonsense')).rejects.toMatchObject({
        code: 'ER_BAD_FIELD_ERROR',
        sql: 'select nonsense',
      });
      expect(() => pool[method]('select 1', () => {})).toThrow(NO_CALLBACKS);
    });

    test('getConnection, release, releaseConnection', async () => {
      const pool = openPool({ connectionLimit: 1 });
      const first = await pool.getConnection();
      const { threadId } = first;
      first.release();
      const second = await pool.getConnection();
      expect(second.threadId).toBe(threadId);
      pool.releaseConnection(second);
      const third = await pool.getConnection();
      third.destroy();
      const fourth = await pool.getConnection();
      expect(fourth.threadId).not.toBe(threadId);
      fourth.release();
    });

    test('escape, escapeId, format', () => {
      const pool = openPool();
      expect(pool.escape("it's")).toBe("'it\\'s'");
      expect(pool.escapeId('a.b')).toBe('`a`.`b`');
      expect(pool.format('select ?', ['x'])).toBe("select 'x'");
    });

    test('has what the documents ask for', async () => {
      const pool = openPool({
        waitForConnections: true,
        connectionLimit: 10,
        queueLimit: 0,
        enableKeepAlive: true,
        keepAliveInitialDelay: 0,
      });
      const failures = [];
      pool.on('error', (error) => failures.push(error));
      const results = await Promise.all(
        Array.from({ length: 50 }, (_, i) => pool.query('select ? as n', [i])),
      );
      expect(results.map(([[{ n }]]) => n)).toEqual(Array.from({ length: 50 }, (_, i) => i));
      expect(failures).toEqual([]);
    });
  });

  describe('promises among callbacks', () => {
    /** Alternately by callbacks, which their caller makes promises of, and by promises. */
    async function order(byCallback, byPromise) {
      const seen = [];
      const asked = Array.from({ length: 60 }, async (_, n) => {
        const answer = n % 2 === 0 ? await outcome(byCallback) : await byPromise();
        seen.push(n);
        return answer;
      });
      await Promise.all(asked);
      return seen;
    }

    const inOrder = Array.from({ length: 60 }, (_, n) => n);

    test.each(['query', 'execute'])('%s answers in order', async (method) => {
      const connection = await open();
      const plain = connection.connection;
      const byCallback = (done) => plain[method]('select 1', done);
      expect(await order(byCallback, () => connection[method]('select 1'))).toEqual(inOrder);
      const pool = openPool({ connectionLimit: 1 });
      const ofPool = (done) => pool.pool[method]('select 1', done);
      expect(await order(ofPool, () => pool[method]('select 1'))).toEqual(inOrder);
    });

    test('connections are lent in order', async () => {
      const pool = openPool({ connectionLimit: 1 });
      const byCallback = (done) =>
        pool.pool.getConnection((error, connection) => {
          connection?.release();
          done(error);
        });
      const byPromise = async () => (await pool.getConnection()).release();
      expect(await order(byCallback, byPromise)).toEqual(inOrder);
    });

    test('a callback is called behind the code that asked, and ticks come before promises', async () => {
      const pool = openPool();
      const both = await Promise.all([pool.getConnection(), pool.getConnection()]);
      for (const connection of both) connection.release();
      const seen = [];
      const byPromise = pool.getConnection().then((connection) => {
        seen.push('promise');
        connection.release();
      });
      const byCallback = outcome((done) => {
        pool.pool.getConnection((error, connection) => {
          seen.push('callback');
          connection.release();
          done(error);
        });
      });
      process.nextTick(() => seen.push('tick'));
      seen.push('asked');
      await Promise.all([byPromise, byCallback]);
      expect(seen).toEqual(['asked', 'callback', 'tick', 'promise']);
    });
  });

  describe('another kind of promise', () => {
    test('is what is given back', async () => {
      class Own extends Promise {}
      const opening = promise().createConnection(mysqlConfig({ Promise: Own }));
      expect(opening).toBeInstanceOf(Own);
      const connection = track(await opening);
      const answer = connection.query('select 1 as a');
      expect(answer).toBeInstanceOf(Own);
      expect((await answer)[0]).toEqual([{ a: 1 }]);
      const pool = openPool({ Promise: Own });
      const isOwn = async (given) => {
        expect(given).toBeInstanceOf(Own);
        await given;
      };
      await isOwn(pool.query('select 1'));
      const pooled = await pool.getConnection();
      await isOwn(pooled.ping());
      pooled.release();
      await isOwn((await connect(mysql())).promise(Own).ping());
    });
  });

  test('a connection that fails', async () => {
    const error = await promise()
      .createConnection(mysqlConfig({ password: 'wrong' }))
      .catch((failed) => failed);
    expect(error).toMatchObject({ code: 'ER_ACCESS_DENIED_ERROR', errno: 1045 });
  });

  test('trace: false leaves the stack as it is', async () => {
    const connection = await open({ trace: false });
    const error = await (async function namedCaller() {
      return connection.query('select nonsense').catch((failed) => failed);
    })();
    expect(error.code).toBe('ER_BAD_FIELD_ERROR');
    expect(error.stack).not.toContain('namedCaller');
  });
});
