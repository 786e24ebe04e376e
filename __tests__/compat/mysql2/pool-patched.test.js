'use strict';
// Programs that replace methods of pools and connections, as instrumentation does.

const { outcome, value } = require('./connections.js');
const { IMPLEMENTATIONS } = require('./implementations.js');
const { openPool, take } = require('./pools.js');

const undo = [];

/** Replaces a method by one that notes its call and goes on. */
function patch(object, name, seen) {
  const own = Object.getOwnPropertyDescriptor(object, name);
  const method = object[name];
  object[name] = function (...given) {
    seen.push(name);
    return method.apply(this, given);
  };
  undo.push(() => {
    if (own) Object.defineProperty(object, name, own);
    else delete object[name];
  });
}

afterEach(() => {
  for (const restore of undo.splice(0).reverse()) restore();
});

describe.each(IMPLEMENTATIONS)('%s', (_name, { mysql, promise }) => {
  const open = () => openPool(mysql(), { connectionLimit: 1 });

  test('getConnection of a pool, by its statements too', async () => {
    const pool = open();
    const seen = [];
    patch(pool, 'getConnection', seen);
    expect(await value(pool, 'select 1')).toBe(1);
    await outcome((done) => pool.execute('select 1', done));
    await pool.promise().query('select 1');
    expect(seen).toEqual(['getConnection', 'getConnection', 'getConnection']);
  });

  test('of the classes', async () => {
    const seen = [];
    const { Connection, Pool, PoolConnection } = mysql();
    patch(Pool.prototype, 'query', seen);
    patch(Connection.prototype, 'query', seen);
    patch(PoolConnection.prototype, 'release', seen);
    const pool = open();
    await pool.promise().query('select 1');
    expect(seen).toEqual(['query', 'query', 'release']);
  });

  test('of the promises', async () => {
    const seen = [];
    patch(promise().PromiseConnection.prototype, 'query', seen);
    const connection = await open().promise().getConnection();
    await connection.query('select 1');
    expect(seen).toEqual(['query']);
    connection.release();
  });

  test('of a lent connection', async () => {
    const pool = open();
    const connection = await take(pool);
    const seen = [];
    patch(connection, 'query', seen);
    patch(connection, 'release', seen);
    connection.release();
    expect(await value(pool, 'select 1')).toBe(1);
    expect(seen).toEqual(['release', 'query', 'release']);
  });
});
