'use strict';
// What a pool tells: its events, their order, and its counters at that moment.

const { once } = require('node:events');
const { mysqlConfig } = require('../../support/mysql.js');
const { observe, outcome, query, value } = require('./connections.js');
const { until } = require('../../support/pools.js');
const { IMPLEMENTATIONS } = require('./implementations.js');
const { Trace, openPool, quiet, take } = require('./pools.js');

describe.each(IMPLEMENTATIONS)('%s', (_name, { mysql, promise }) => {
  const open = (options) => openPool(mysql(), { connectionLimit: 2, ...options });

  test('a new connection, lent and given back', async () => {
    const pool = open();
    const trace = new Trace(pool);
    const connection = await take(pool);
    trace.note('taken', connection);
    connection.release();
    await quiet();
    expect(trace.lines).toEqual([
      'connection 1 | all 1 free 0 queue 0',
      'acquire 1 | all 1 free 0 queue 0',
      'taken 1 | all 1 free 0 queue 0',
      'release 1 | all 1 free 1 queue 0',
    ]);
  });

  test('one that is there already', async () => {
    const pool = open();
    (await take(pool)).release();
    const trace = new Trace(pool);
    let taken = null;
    pool.getConnection((_, connection) => {
      taken = connection;
      trace.note('taken', connection);
    });
    expect(trace.lines).toEqual(['acquire 1 | all 1 free 0 queue 0']);
    await quiet();
    expect(trace.lines.slice(1)).toEqual(['taken 1 | all 1 free 0 queue 0']);
    taken.release();
  });

  test('who waits is told of at once, and served without events', async () => {
    const pool = open({ connectionLimit: 1 });
    const first = await take(pool);
    const trace = new Trace(pool);
    const waiting = take(pool).then((connection) => {
      trace.note('taken', connection);
      return connection;
    });
    expect(trace.lines).toEqual(['enqueue | all 1 free 0 queue 0']);
    first.release();
    (await waiting).release();
    expect(trace.lines.slice(1)).toEqual([
      'taken 1 | all 1 free 0 queue 0',
      'release 1 | all 1 free 1 queue 0',
    ]);
  });

  test('queries of the pool', async () => {
    const pool = open();
    const trace = new Trace(pool);
    await value(pool, 'select 1');
    await quiet();
    await value(pool, 'select 2');
    await quiet();
    expect(trace.lines).toEqual([
      'connection 1 | all 1 free 0 queue 0',
      'acquire 1 | all 1 free 0 queue 0',
      'release 1 | all 1 free 1 queue 0',
      'acquire 1 | all 1 free 0 queue 0',
      'release 1 | all 1 free 1 queue 0',
    ]);
  });

  test('a connection that is destroyed is told of by nobody', async () => {
    const pool = open();
    const connection = await take(pool);
    const trace = new Trace(pool);
    connection.destroy();
    trace.note('destroyed');
    await quiet();
    expect(trace.lines).toEqual(['destroyed | all 0 free 0 queue 0']);
  });

  test('a connection that is destroyed makes room for who waits', async () => {
    const pool = open({ connectionLimit: 1 });
    const first = await take(pool);
    const trace = new Trace(pool);
    const waiting = take(pool);
    first.destroy();
    const second = await waiting;
    expect(second).not.toBe(first);
    expect(trace.lines).toEqual([
      'enqueue | all 1 free 0 queue 0',
      'connection 1 | all 1 free 0 queue 0',
      'acquire 1 | all 1 free 0 queue 0',
    ]);
    second.release();
  });

  test('an idle connection that dies leaves silently', async () => {
    const pool = open();
    const connection = await take(pool);
    connection.release();
    const errors = [];
    pool.on('error', (error) => errors.push(error));
    await observe('mariadb', 'kill ?', [connection.threadId]);
    await until(() => pool._allConnections.length === 0);
    expect(pool._freeConnections.length).toBe(0);
    expect(errors).toEqual([]);
    expect(await value(pool, 'select 1')).toBe(1);
  });

  test('a lent connection that dies tells its holder', async () => {
    const pool = open();
    const connection = await take(pool);
    const heard = once(connection, 'error');
    await observe('mariadb', 'kill ?', [connection.threadId]);
    expect((await heard)[0].fatal).toBe(true);
    await until(() => pool._allConnections.length === 0);
    connection.release();
    expect(pool._freeConnections.length).toBe(0);
  });

  test('a lent connection listens for itself', async () => {
    const connection = await take(open());
    expect(connection.listenerCount('error')).toBe(1);
    expect(connection.listenerCount('connect')).toBe(0);
    expect(connection.listenerCount('end')).toBe(1);
    connection.release();
    expect(connection.listenerCount('error')).toBe(1);
  });

  test('setting a session up as it comes', async () => {
    const pool = open();
    pool.on('connection', (connection) => connection.query('set @tenant = 7'));
    const connection = await take(pool);
    expect(Number(await value(connection, 'select @tenant'))).toBe(7);
    connection.release();
    expect(Number(await value(pool, 'select @tenant'))).toBe(7);
  });

  test('the events of a pool of promises', async () => {
    const pool = promise().createPool(mysqlConfig());
    const seen = [];
    for (const event of ['connection', 'acquire', 'release', 'enqueue']) {
      pool.on(event, () => seen.push(event));
    }
    await pool.query('select 1');
    await quiet();
    expect(seen).toEqual(['connection', 'acquire', 'release']);
    await pool.end();
  });

  test('events of one connection come in step with its queries', async () => {
    const pool = open({ connectionLimit: 1 });
    const trace = new Trace(pool);
    const [first, second] = [value(pool, 'select 1'), value(pool, 'select 2')];
    expect(await Promise.all([first, second])).toEqual([1, 2]);
    await quiet();
    expect(trace.lines).toEqual([
      'enqueue | all 1 free 0 queue 0',
      'connection 1 | all 1 free 0 queue 1',
      'acquire 1 | all 1 free 0 queue 1',
      'release 1 | all 1 free 1 queue 0',
    ]);
  });

  test('a transaction on a lent connection', async () => {
    const pool = open();
    const connection = await take(pool);
    await outcome((done) => connection.beginTransaction(done));
    expect((await query(connection, 'do 1'))[0].serverStatus & 1).toBe(1);
    await outcome((done) => connection.rollback(done));
    connection.release();
    expect((await query(pool, 'do 1'))[0].serverStatus & 1).toBe(0);
  });
});
