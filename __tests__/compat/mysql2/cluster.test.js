'use strict';
// A cluster of pools: which node serves whom, what happens to nodes that fail, and the end.

const { once } = require('node:events');
const { mysqlConfig } = require('../../support/mysql.js');
const { freePort } = require('../../support/server.js');
const { until } = require('../../support/pools.js');
const {
  called,
  execute,
  failure,
  outcome,
  query,
  rows,
  track,
  value,
} = require('./connections.js');
const { IMPLEMENTATIONS } = require('./implementations.js');

describe.each(IMPLEMENTATIONS)('%s', (_name, { mysql, promise }) => {
  const open = (options) => track(mysql().createPoolCluster(options));

  /** Nodes of these names, each with a time zone of its own, by which its sessions are known. */
  function add(cluster, ...names) {
    names.forEach((name, i) => cluster.add(name, mysqlConfig({ timezone: `+0${i + 1}:00` })));
    return cluster;
  }

  const take = async (from, ...asked) =>
    (await outcome((done) => from.getConnection(...asked, done)))[0];

  /** The nodes that these calls are served by. */
  async function nodes(from, n, ...asked) {
    const seen = [];
    for (let i = 0; i < n; i++) {
      const connection = await take(from, ...asked);
      seen.push(connection._clusterId);
      connection.release();
    }
    return seen;
  }

  describe('selectors', () => {
    test('RR, the default: one after the other', async () => {
      const cluster = add(open(), 'a', 'b', 'c');
      expect(await nodes(cluster, 5)).toEqual(['a', 'b', 'c', 'a', 'b']);
      expect(await nodes(cluster.of('*', 'rr'), 2)).toEqual(['c', 'a']);
    });

    test('ORDER: the first', async () => {
      const cluster = add(open({ defaultSelector: 'ORDER' }), 'a', 'b');
      expect(await nodes(cluster, 3)).toEqual(['a', 'a', 'a']);
      expect(await nodes(cluster, 3, '*', 'RR')).toEqual(['a', 'b', 'a']);
    });

    test('RANDOM', async () => {
      const cluster = add(open(), 'a', 'b');
      const seen = await nodes(cluster, 60, '*', 'RANDOM');
      expect(new Set(seen)).toEqual(new Set(['a', 'b']));
    });
  });

  describe('patterns', () => {
    test('a name', async () => {
      const cluster = add(open(), 'MASTER', 'SLAVE1', 'SLAVE2');
      expect(await nodes(cluster, 2, 'MASTER')).toEqual(['MASTER', 'MASTER']);
    });

    test('a star', async () => {
      const cluster = add(open(), 'MASTER', 'SLAVE1', 'SLAVE2');
      expect(await nodes(cluster, 3, 'SLAVE*')).toEqual(['SLAVE1', 'SLAVE2', 'SLAVE1']);
      expect(await nodes(cluster, 2, 'SLAVE*', 'ORDER')).toEqual(['SLAVE1', 'SLAVE1']);
    });

    test('an expression', async () => {
      const cluster = add(open(), 'eu1', 'eu2', 'us1');
      expect(await nodes(cluster.of(/1$/), 3)).toEqual(['eu1', 'us1', 'eu1']);
    });

    test('nothing that fits', async () => {
      const cluster = add(open(), 'a');
      const error = await failure((done) => cluster.getConnection('b*', done));
      expect(error).toMatchObject({ code: 'POOL_NOEXIST', message: 'Pool does Not exist.' });
      expect(await failure((done) => cluster.of('b*').query('select 1', done))).toMatchObject({
        code: 'POOL_NOEXIST',
      });
      expect(await failure((done) => cluster.of('b*').execute('select 1', done))).toMatchObject({
        code: 'POOL_NOEXIST',
      });
    });

    test('a namespace is the same for the same question', () => {
      const cluster = add(open(), 'a');
      expect(cluster.of('a*')).toBe(cluster.of('a*', 'RR'));
      expect(cluster.of('a*')).not.toBe(cluster.of('a*', 'ORDER'));
    });
  });

  describe('a namespace', () => {
    test('query and execute', async () => {
      const space = add(open(), 'a', 'b').of('*');
      expect(await rows(space, 'select ? as n', [1])).toEqual([{ n: 1 }]);
      expect((await execute(space, 'select ? as n', [2]))[0]).toEqual([{ n: 2 }]);
      expect((await execute(space, 'select 3 as n'))[0]).toEqual([{ n: 3 }]);
      const error = await failure((done) => space.query('select nonsense', done));
      expect(error.code).toBe('ER_BAD_FIELD_ERROR');
    });

    test('gives its connections back', async () => {
      const cluster = open();
      cluster.add('a', mysqlConfig({ connectionLimit: 1 }));
      for (let i = 0; i < 5; i++) expect(await value(cluster.of('*'), `select ${i}`)).toBe(i);
      await failure((done) => cluster.of('*').query('select nonsense', done));
      expect(await value(cluster.of('*'), 'select 5')).toBe(5);
    });
  });

  test('nodes without a name', async () => {
    const cluster = open();
    cluster.add(mysqlConfig());
    cluster.add(mysqlConfig());
    expect(await nodes(cluster, 2)).toEqual(['CLUSTER::1', 'CLUSTER::2']);
  });

  test('a name that is there is not replaced', async () => {
    const cluster = add(open(), 'a');
    cluster.add('a', mysqlConfig({ password: 'wrong' }));
    expect(await nodes(cluster, 1)).toEqual(['a']);
  });

  test('remove', async () => {
    const cluster = add(open(), 'a', 'b1', 'b2');
    cluster.remove('b*');
    expect(await nodes(cluster, 2)).toEqual(['a', 'a']);
    cluster.remove('a');
    expect(await failure((done) => cluster.getConnection(done))).toMatchObject({
      code: 'POOL_NOEXIST',
    });
  });

  describe('nodes that fail', () => {
    const dead = async () => mysqlConfig({ port: await freePort() });

    /** What a cluster tells, as it tells it. */
    function listen(cluster) {
      const seen = [];
      cluster.on('warn', ({ code }) => seen.push(`warn ${code}`));
      for (const event of ['remove', 'offline', 'online']) {
        cluster.on(event, (id) => seen.push(`${event} ${id}`));
      }
      return seen;
    }

    test('another node serves', async () => {
      const cluster = open({ defaultSelector: 'RR' });
      const seen = listen(cluster);
      cluster.add('dead', await dead());
      cluster.add('good', mysqlConfig());
      expect(await nodes(cluster, 1)).toEqual(['good']);
      expect(seen).toEqual(['warn ECONNREFUSED']);
    });

    test('are removed after so many failures', async () => {
      const cluster = open({ removeNodeErrorCount: 2, defaultSelector: 'ORDER' });
      const seen = listen(cluster);
      cluster.add('dead', await dead());
      cluster.add('good', mysqlConfig());
      expect(await nodes(cluster, 2)).toEqual(['good', 'good']);
      expect(seen).toEqual(['warn ECONNREFUSED', 'remove dead', 'warn ECONNREFUSED']);
    });

    test('canRetry: false tells who asked', async () => {
      const cluster = open({ canRetry: false, defaultSelector: 'ORDER' });
      const seen = listen(cluster);
      cluster.add('dead', await dead());
      cluster.add('good', mysqlConfig());
      expect(await failure((done) => cluster.getConnection(done))).toMatchObject({
        code: 'ECONNREFUSED',
      });
      expect(seen).toEqual([]);
    });

    test('the last one: its error', async () => {
      const cluster = open({ removeNodeErrorCount: 1 });
      cluster.add('dead', await dead());
      cluster.on('warn', () => {});
      const error = await failure((done) => cluster.getConnection(done));
      expect(error.code).toBe('ECONNREFUSED');
      expect(await failure((done) => cluster.getConnection(done))).toMatchObject({
        code: 'POOL_NOEXIST',
      });
    });

    test('restoreNodeTimeout: are offline for a time', async () => {
      const cluster = open({ removeNodeErrorCount: 1, restoreNodeTimeout: 500 });
      const seen = listen(cluster);
      const config = await dead();
      cluster.add('dead', config);
      const first = await failure((done) => cluster.getConnection(done));
      expect(first.code).toBe('ECONNREFUSED');
      expect(seen).toEqual(['offline dead']);
      expect(await failure((done) => cluster.getConnection(done))).toMatchObject({
        code: 'POOL_NONEONLINE',
        message: 'Pool does Not have online node.',
      });
      await until(async () => {
        const error = await failure((done) => cluster.getConnection(done));
        return error.code === 'ECONNREFUSED';
      });
    });

    test('come back online', async () => {
      const cluster = open({ removeNodeErrorCount: 1, restoreNodeTimeout: 50 });
      const seen = listen(cluster);
      // A pool of one that may not wait: in use, it fails; given back, it serves.
      cluster.add('a', mysqlConfig({ connectionLimit: 1, waitForConnections: false }));
      const connection = await take(cluster);
      expect((await failure((done) => cluster.getConnection(done))).message).toBe(
        'No connections available.',
      );
      connection.release();
      await until(async () => {
        const [error, again] = await called((done) => cluster.getConnection(done));
        again?.release();
        return error === null;
      });
      expect(seen).toEqual(['offline a', 'online a']);
    });
  });

  describe('end()', () => {
    test('ends the pools', async () => {
      const cluster = add(open(), 'a', 'b');
      const connections = [await take(cluster), await take(cluster)];
      for (const connection of connections) connection.release();
      const over = Promise.all(connections.map((connection) => once(connection, 'end')));
      await outcome((done) => cluster.end(done));
      await outcome((done) => cluster.end(done));
      await over;
      expect(cluster._closed).toBe(true);
    });

    test('of an empty cluster', async () => {
      const cluster = open();
      expect(await called((done) => cluster.end(done))).toEqual([undefined]);
      cluster[Symbol.dispose]();
    });
  });

  test('by promises', async () => {
    const cluster = promise().createPoolCluster();
    add(cluster.poolCluster, 'a', 'b');
    const connection = await cluster.getConnection('a*');
    expect((await connection.query('select 1 as n'))[0]).toEqual([{ n: 1 }]);
    connection.release();
    const space = cluster.of('b');
    expect((await space.query('select ? as n', [2]))[0]).toEqual([{ n: 2 }]);
    expect((await space.execute('select ? as n', [3]))[0]).toEqual([{ n: 3 }]);
    const pooled = await space.getConnection();
    expect(pooled.connection._clusterId).toBe('b');
    pooled.release();
    await expect(cluster.getConnection('c')).rejects.toMatchObject({ code: 'POOL_NOEXIST' });
    expect(await cluster.end()).toBeUndefined();
  });

  test('a transaction on a node', async () => {
    const connection = await take(add(open(), 'a'), 'a');
    await outcome((done) => connection.beginTransaction(done));
    expect((await query(connection, 'do 1'))[0].serverStatus & 1).toBe(1);
    await outcome((done) => connection.rollback(done));
    connection.release();
  });
});
