'use strict';
// Where the drop-in's pools are better than those of mysql2: whoever waits gets an answer, and gets
// it in turn.

const { AsyncLocalStorage } = require('node:async_hooks');
const { setTimeout: pause } = require('node:timers/promises');
const { runProgram } = require('../../support/child.js');
const { mysqlConfig } = require('../../support/mysql.js');
const { until } = require('../../support/pools.js');
const { called, failure, outcome, track } = require('./connections.js');
const { fakePools } = require('./fake-connections.js');
const { counters, quiet, take } = require('./pools.js');

function open(options) {
  const { Fake, createPool } = fakePools('polypool/mysql2');
  return { Fake, pool: createPool(options) };
}

/** A pool with these options all of whose connections are lent. */
async function lent({ connectionLimit = 1, ...options }) {
  const { Fake, pool } = open({ connectionLimit, ...options });
  const connections = Array.from({ length: connectionLimit }, () => take(pool));
  while (Fake.opening.length > 0) Fake.opening.shift().go();
  return { Fake, pool, connections: await Promise.all(connections) };
}

describe('acquireTimeout', () => {
  test('is an option like others', () => {
    const complain = jest.spyOn(console, 'error').mockImplementation(() => {});
    const { createPool } = require('polypool/mysql2');
    expect(createPool({ acquireTimeout: '20' }).config.acquireTimeout).toBe(20);
    expect(createPool('mysql://a/b?acquireTimeout=20').config.acquireTimeout).toBe(20);
    expect(createPool({}).config.acquireTimeout).toBe(0);
    expect(complain.mock.calls).toEqual([]);
    complain.mockRestore();
  });

  test('ends the wait in the queue', async () => {
    const { pool, connections } = await lent({ acquireTimeout: 20 });
    const error = await failure((done) => pool.getConnection(done));
    expect(error).toMatchObject({ code: 'ERR_POLYPOOL_ACQUIRE_TIMEOUT', inUse: 1, max: 1 });
    expect(error.message).toMatch(/^pool 'mysql2': no resource became free within \d+ ms/);
    expect(counters(pool)).toBe('all 1 free 0 queue 0');
    connections[0].release();
    expect(counters(pool)).toBe('all 1 free 1 queue 0');
  });

  test('of statements, too', async () => {
    const { pool } = await lent({ acquireTimeout: 20 });
    const code = 'ERR_POLYPOOL_ACQUIRE_TIMEOUT';
    expect(await failure((done) => pool.query('select 1', done))).toMatchObject({ code });
    expect(await failure((done) => pool.execute('select 1', done))).toMatchObject({ code });
    await expect(pool.promise().query('select 1')).rejects.toMatchObject({ code });
  });

  test('may change', async () => {
    const { pool, connections } = await lent({});
    const patient = take(pool);
    pool.config.acquireTimeout = 20;
    await failure((done) => pool.getConnection(done));
    expect(counters(pool)).toBe('all 1 free 0 queue 1');
    connections[0].release();
    expect(await patient).toBe(connections[0]);
  });

  test('whoever is served in time hears nothing more', async () => {
    const { pool, connections } = await lent({ acquireTimeout: 20 });
    const answers = [];
    pool.getConnection((...given) => answers.push(given));
    connections[0].release();
    await pause(40);
    expect(answers).toEqual([[null, connections[0]]]);
  });
});

describe('the queue', () => {
  test('keeps its order when a connection dies', async () => {
    const { Fake, pool, connections } = await lent({ connectionLimit: 2 });
    const order = [];
    for (const name of ['first', 'second', 'third']) {
      pool.getConnection((_, connection) => {
        order.push(name);
        connection.release();
      });
    }
    const [dying, good] = connections;
    dying.emit('error', new Error('died'));
    const late = take(pool).then(() => order.push('late'));
    Fake.opening.shift().go();
    good.release();
    await late;
    expect(order).toEqual(['first', 'second', 'third', 'late']);
  });

  test('goes on when a connection is destroyed before it is connected', async () => {
    const { Fake, pool } = open({ connectionLimit: 1 });
    const first = failure((done) => pool.getConnection(done));
    const second = take(pool);
    pool._allConnections.get(0).destroy();
    expect((await first).message).toBe('The connection was destroyed before it was connected');
    expect(Fake.opening).toHaveLength(2);
    Fake.opening[1].go();
    expect((await second).id).toBe(2);
  });

  test('goes on when one is destroyed during its reset', async () => {
    const { Fake, pool, connections } = await lent({ resetOnRelease: true });
    const waiting = take(pool);
    connections[0].release();
    connections[0].destroy();
    Fake.opening[0].go();
    expect((await waiting).id).toBe(2);
    expect(counters(pool)).toBe('all 1 free 0 queue 0');
  });

  test('goes on when a new one is destroyed by who hears of it first', async () => {
    const { Fake, pool } = open({ connectionLimit: 1 });
    pool.once('connection', (connection) => connection.destroy());
    const first = take(pool);
    const second = take(pool);
    Fake.opening.shift().go();
    expect((await first).id).toBe(1);
    Fake.opening.shift().go();
    expect((await second).id).toBe(2);
  });

  test('is told at once of the end, also those for whom a connection is being opened', async () => {
    const { pool } = open({ connectionLimit: 1 });
    const errors = [1, 2].map(() => failure((done) => pool.getConnection(done)));
    pool.end();
    const messages = (await Promise.all(errors)).map(({ message }) => message);
    expect(messages).toEqual(['Pool is closed.', 'Pool is closed.']);
  });

  test('who waits hears in a context of his own', async () => {
    const { pool, connections } = await lent({});
    const storage = new AsyncLocalStorage();
    const seen = storage.run('asker', () => {
      return called((done) => pool.getConnection(() => done(storage.getStore())));
    });
    storage.run('releaser', () => connections[0].release());
    expect(await seen).toEqual(['asker']);
  });
});

describe('what goes back', () => {
  test('goes back once, also by the pool', async () => {
    const { pool, connections } = await lent({});
    pool.releaseConnection(connections[0]);
    pool.releaseConnection(connections[0]);
    expect(counters(pool)).toBe('all 1 free 1 queue 0');
  });

  test('a listener that throws costs nobody his connection', async () => {
    const { stdout, code } = await runProgram(`
      const mysql = require('./lib/compat/mysql2');
      process.on('uncaughtException', (error) => console.log(error.message));
      const pool = mysql.createPool({ ...${JSON.stringify(mysqlConfig())}, connectionLimit: 1 });
      for (const event of ['connection', 'acquire', 'release']) {
        pool.once(event, () => {
          throw new Error(event);
        });
      }
      pool.query('select 1', () => pool.query('select 2', (error, rows) => {
        console.log(rows[0][2]);
        pool.end();
      }));
    `);
    expect(stdout.trim().split('\n').sort()).toEqual(['2', 'acquire', 'connection', 'release']);
    expect(code).toBe(0);
  });
});

describe('execute() without a callback', () => {
  test('runs', async () => {
    const { Fake, pool, connections } = await lent({});
    connections[0].release();
    pool.execute('delete');
    await quiet();
    Fake.running[0].go();
    expect(counters(pool)).toBe('all 1 free 1 queue 0');
  });
});

describe('a cluster', () => {
  const load = () => require('polypool/mysql2');

  test('takes an unknown selector for its default', () => {
    const cluster = load().createPoolCluster();
    expect(cluster.of('*', 'first')).toBe(cluster.of('*', 'RR'));
  });

  test('runs statements itself', async () => {
    const cluster = load().createPoolCluster();
    for (const method of ['query', 'execute']) {
      const error = await failure((done) => cluster[method]('select 1', done));
      expect(error.code).toBe('POOL_NOEXIST');
      await expect(load().createPoolClusterPromise()[method]('select 1')).rejects.toThrow(
        'Pool does Not exist.',
      );
    }
  });
});

test.each([
  [{ connectionLimit: 10 }, 1600],
  [{ connectionLimit: 0 }, 160],
  [{ connectionLimit: 5000 }, 16],
  [{ connectionLimit: 1 }, 16_000],
  [{ maxPreparedStatements: 16_000 }, 16_000],
])('the connections of a pool share its prepared statements: %j', (options, each) => {
  const { Fake, pool } = open(options);
  pool.getConnection(() => {});
  expect(Fake.opening[0].connection.config.maxPreparedStatements).toBe(each);
});

test('the server keeps no more statements than that', async () => {
  const options = mysqlConfig({ connectionLimit: 2, maxPreparedStatements: 5 });
  const pool = track(require('polypool/mysql2').createPool(options));
  const [connection] = await outcome((done) => pool.getConnection(done));
  for (let i = 0; i < 20; i++) await outcome((done) => connection.execute(`select ${i}`, done));
  const [[counter]] = await outcome((done) =>
    connection.query("show session status like 'Com_stmt_close'", done),
  );
  expect(Number(counter.Value)).toBe(15);
  connection.release();
});

test('stats() counts every loan, also those that no event tells of', async () => {
  const { pool, connections } = await lent({});
  let events = 0;
  pool.on('acquire', () => events++);
  const waiting = take(pool);
  connections[0].release();
  (await waiting).release();
  expect(pool.stats()).toMatchObject({ acquired: 2, released: 2, total: 1, idle: 1, created: 1 });
  expect(events).toBe(0);
});

test('a pool without connections keeps no process alive', async () => {
  const result = await runProgram(`
    const pool = require('./lib/compat/mysql2').createPool({ connectionLimit: 2, maxIdle: 1 });
    process.on('exit', () => console.log(pool._closed));
  `);
  expect(result).toMatchObject({ code: 0, signal: null, stdout: 'false\n', stderr: '' });
});

test('the options of the caller stay as they are', () => {
  const { createPool } = require('polypool/mysql2');
  const options = Object.freeze({ uri: 'mysql://u:p@h:1/d?connectionLimit=3', database: 'e' });
  const { config } = createPool(options);
  expect(config.connectionLimit).toBe(3);
  const target = { host: 'h', port: 1, user: 'u', password: 'p', database: 'e' };
  expect(config.connectionConfig).toMatchObject(target);
});

test('idle connections end also where their pool is never used again', async () => {
  const { Fake, pool, connections } = await lent({ connectionLimit: 3, maxIdle: 1 });
  for (const connection of connections) connection.release();
  await until(() => counters(pool) === 'all 1 free 1 queue 0');
  expect(Fake.calls).toEqual(['destroy 1', 'destroy 2']);
});
