'use strict';
// A pool: connections that are made when wanted, lent, given back and lent again.

const { mysqlConfig, mysqlUrl } = require('../../support/mysql.js');
const { unique, until } = require('../../support/pools.js');
const { execute, failure, observe, outcome, query, track, value } = require('./connections.js');
const { IMPLEMENTATIONS, SERVERS } = require('./implementations.js');
const { called, counters, openPool, quiet, take } = require('./pools.js');

describe.each(IMPLEMENTATIONS)('%s', (_name, { mysql }) => {
  const open = (options) => openPool(mysql(), options);

  describe.each(SERVERS)('%s', (kind) => {
    test('query and execute', async () => {
      const pool = open({ kind });
      expect(await value(pool, 'select ? + 1', [1])).toBe(2);
      expect((await execute(pool, 'select ? as a', ['x']))[0]).toEqual([{ a: 'x' }]);
      expect((await execute(pool, 'select 1 as a'))[0]).toEqual([{ a: 1 }]);
    });

    test('many at once over few connections', async () => {
      const pool = open({ kind, connectionLimit: 3 });
      const numbers = Array.from({ length: 60 }, (_, i) => i);
      const all = numbers.map((n) => value(pool, 'select ?', [n]));
      expect(await Promise.all(all)).toEqual(numbers);
      expect(counters(pool)).toBe('all 3 free 3 queue 0');
    });
  });

  test.each([
    ['query', 'promises'],
    ['query', 'callbacks'],
    ['execute', 'promises'],
    ['execute', 'callbacks'],
  ])('over one connection, %s: %s settle in their order', async (method, how) => {
    const pool = open({ connectionLimit: 1 });
    const promises = pool.promise();
    const table = unique('once');
    await promises.query(`create table ${table} (n int primary key)`);
    const insert = `insert into ${table} values (?)`;
    // Known as short, so that later ones need not wait for a connection.
    for (const n of [-3, -2, -1]) await promises[method](insert, [n]);
    const wanted = [];
    const told = [];
    const asked = Array.from({ length: 40 }, (_none, n) => {
      const fails = n % 3 === 1;
      wanted.push(fails ? `${n} fails` : `${n}`);
      const answer = (error) => told.push(error ? `${n} fails` : `${n}`);
      const values = [fails ? -1 : n];
      if (how === 'promises') return promises[method](insert, values).then(() => answer(), answer);
      return new Promise((resolve) => {
        pool[method](insert, values, (error) => resolve(answer(error)));
      });
    });
    await Promise.all(asked);
    expect(told).toEqual(wanted);
    await promises.query(`drop table ${table}`);
  });

  test('by URL', async () => {
    const pool = track(mysql().createPool(mysqlUrl({ query: 'connectionLimit=2' })));
    expect(await value(pool, 'select 1')).toBe(1);
    expect(pool.config.connectionLimit).toBe(2);
  });

  test('by URL and options, which come first', () => {
    const uri = mysqlUrl({ query: 'connectionLimit=2&maxIdle=1' });
    const { config } = track(mysql().createPool({ uri, maxIdle: 2 }));
    expect(config).toMatchObject({ connectionLimit: 2, maxIdle: 2 });
    expect(config.connectionConfig.user).toBe('app');
  });

  test('makes no connection before it is asked', async () => {
    const pool = open();
    await quiet();
    expect(counters(pool)).toBe('all 0 free 0 queue 0');
    expect(pool._closed).toBe(false);
  });

  describe('getConnection()', () => {
    test('lends a connection of its own to everybody', async () => {
      const pool = open();
      const connections = await Promise.all([take(pool), take(pool), take(pool)]);
      const ids = await Promise.all(connections.map((c) => value(c, 'select connection_id()')));
      expect(new Set(ids).size).toBe(3);
      expect(ids).toEqual(connections.map(({ threadId }) => threadId));
      expect(counters(pool)).toBe('all 3 free 0 queue 0');
      for (const connection of connections) connection.release();
      expect(counters(pool)).toBe('all 3 free 3 queue 0');
    });

    test('never calls back at once', async () => {
      const pool = open();
      for (let round = 0; round < 2; round++) {
        let late = false;
        const done = called((callback) =>
          pool.getConnection((...given) => {
            expect(late).toBe(true);
            callback(...given);
          }),
        );
        late = true;
        const [error, connection] = await done;
        expect(error).toBeNull();
        connection.release();
      }
    });

    test('the last given back is the first lent', async () => {
      const pool = open();
      const [a, b, c] = await Promise.all([take(pool), take(pool), take(pool)]);
      for (const each of [b, c, a]) each.release();
      expect([await take(pool), await take(pool), await take(pool)]).toEqual([a, c, b]);
    });

    test('the first to wait is the first served', async () => {
      const pool = open({ connectionLimit: 1 });
      const first = await take(pool);
      const order = [];
      const waiting = [1, 2, 3].map((n) =>
        take(pool).then((connection) => {
          order.push(n);
          connection.release();
        }),
      );
      expect(counters(pool)).toBe('all 1 free 0 queue 3');
      first.release();
      await Promise.all(waiting);
      expect(order).toEqual([1, 2, 3]);
    });

    test('what a session was told stays with it', async () => {
      const pool = open({ connectionLimit: 1 });
      await query(pool, 'set @a = 5');
      expect(Number(await value(pool, 'select @a'))).toBe(5);
    });

    test('resetOnRelease', async () => {
      const pool = open({ connectionLimit: 1, resetOnRelease: true });
      const connection = await take(pool);
      await query(connection, 'set @a = 5');
      await query(connection, 'start transaction');
      connection.release();
      const again = await take(pool);
      expect(again).toBe(connection);
      expect(await value(again, 'select @a')).toBeNull();
      expect((await query(again, 'do 1'))[0].serverStatus & 1).toBe(0);
    });
  });

  describe('limits', () => {
    test('connectionLimit 0 is none', async () => {
      const pool = open({ connectionLimit: 0 });
      const all = await Promise.all(Array.from({ length: 15 }, () => take(pool)));
      expect(new Set(all).size).toBe(15);
      for (const each of all) each.release();
    });

    test('waitForConnections: false', async () => {
      const pool = open({ connectionLimit: 1, waitForConnections: false });
      const connection = await take(pool);
      const error = await failure((done) => pool.getConnection(done));
      expect(error.message).toBe('No connections available.');
      expect(error.constructor).toBe(Error);
      expect((await failure((done) => pool.query('select 1', done))).message).toBe(error.message);
      expect((await failure((done) => pool.execute('select 1', done))).message).toBe(error.message);
      connection.release();
      expect(await value(pool, 'select 1')).toBe(1);
    });

    test('queueLimit', async () => {
      const pool = open({ connectionLimit: 1, queueLimit: 2 });
      const connection = await take(pool);
      const waiting = [take(pool), take(pool)];
      const error = await failure((done) => pool.getConnection(done));
      expect(error.message).toBe('Queue limit reached.');
      expect(counters(pool)).toBe('all 1 free 0 queue 2');
      connection.release();
      (await waiting[0]).release();
      (await waiting[1]).release();
      expect(await value(pool, 'select 1')).toBe(1);
    });

    test('connections that are being made count', async () => {
      const pool = open({ connectionLimit: 2 });
      const all = [take(pool), take(pool), take(pool)];
      expect(counters(pool)).toBe('all 2 free 0 queue 1');
      const [first, second] = await Promise.all(all.slice(0, 2));
      first.release();
      expect(await all[2]).toBe(first);
      first.release();
      second.release();
    });
  });

  describe('what cannot be had', () => {
    test('a connection that fails is told to who asked, and forgotten', async () => {
      const pool = open({ password: 'wrong' });
      const error = await failure((done) => pool.getConnection(done));
      expect(error).toMatchObject({ code: 'ER_ACCESS_DENIED_ERROR', errno: 1045 });
      await until(() => counters(pool) === 'all 0 free 0 queue 0');
      expect(await failure((done) => pool.query('select 1', done))).toMatchObject({ errno: 1045 });
      expect(await failure((done) => pool.execute('select 1', done))).toMatchObject({
        errno: 1045,
      });
    });

    test('everybody who asked hears of it, also those who wait', async () => {
      const pool = open({ password: 'wrong', connectionLimit: 1 });
      const errors = await Promise.all(
        [1, 2, 3].map(() => failure((done) => pool.getConnection(done))),
      );
      expect(errors.map(({ errno }) => errno)).toEqual([1045, 1045, 1045]);
    });

    test('nobody listens', async () => {
      const pool = open({ port: 1 });
      expect(await failure((done) => pool.query('select 1', done))).toMatchObject({
        code: 'ECONNREFUSED',
      });
      const command = pool.query('select 1');
      const error = await new Promise((resolve) => command.once('error', resolve));
      expect(error.code).toBe('ECONNREFUSED');
    });
  });

  test('an error of a query is the caller’s, and the connection is good', async () => {
    const pool = open({ connectionLimit: 1 });
    const id = await value(pool, 'select connection_id()');
    for (const method of ['query', 'execute']) {
      const error = await failure((done) => pool[method]('select nonsense', done));
      expect(error.code).toBe('ER_BAD_FIELD_ERROR');
    }
    expect(await value(pool, 'select connection_id()')).toBe(id);
    expect(counters(pool)).toBe('all 1 free 1 queue 0');
  });

  test('query() without a callback', async () => {
    const pool = open({ connectionLimit: 1 });
    const command = pool.query('select ? as a', [7]);
    expect(command.constructor.name).toBe('Query');
    const seen = [];
    command.on('result', (row) => seen.push(row));
    await new Promise((resolve) => command.on('end', resolve));
    expect(seen).toEqual([{ a: 7 }]);
    await until(() => counters(pool) === 'all 1 free 1 queue 0');
  });

  test('each connection has a configuration of its own', async () => {
    const pool = open({ connectionLimit: 2 });
    const [a, b] = [await take(pool), await take(pool)];
    await outcome((done) => a.changeUser({ database: 'information_schema' }, done));
    expect(a.config.database).toBe('information_schema');
    expect(b.config.database).toBe('polypool_test');
    expect(pool.config.connectionConfig.database).toBe(mysqlConfig().database);
    a.release();
    b.release();
  });

  test('the sessions on the server are as many as the pool says', async () => {
    const pool = open({ connectionLimit: 4 });
    const all = await Promise.all(Array.from({ length: 4 }, () => take(pool)));
    const ids = all.map(({ threadId }) => threadId);
    const sql = 'select count(*) as n from information_schema.processlist where id in (?)';
    const [{ n }] = await observe('mariadb', sql, [ids]);
    expect(n).toBe(4);
    for (const each of all) each.release();
  });
});
