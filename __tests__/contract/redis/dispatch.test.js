'use strict';
// Which connection a command goes over, and what never stands in the way of others.

const { rejection, unique, until } = require('../../support/pools.js');
const { clients, observe, openRedis } = require('../../support/redis-pools.js');

/** Resolves when so many of these connections are blocked. */
const blocked = (name, count) =>
  until(async () => {
    const all = await clients(name);
    return all.filter(({ flags }) => flags.includes('b')).length === count;
  }, `${count} blocked`);

test('what blocks has a connection of its own and stalls nobody', async () => {
  const name = unique('blocks');
  const pool = await openRedis({ max: 4, applicationName: name });
  const key = unique('list');
  const taken = [
    pool.query('BLPOP', [key, 0]),
    pool.query('XREAD', ['BLOCK', 0, 'STREAMS', `${key}:stream`, '$']),
    pool.query('brpop', [`${key}:other`, 0]),
  ];
  await blocked(name, 3);
  expect(await pool.query('GET', [key])).toBe(null);
  const waiting = pool.query('BLPOP', [`${key}:late`, 0]);
  expect(await pool.query('INCR', [`${key}:count`])).toBe(1);
  expect(pool.stats()).toMatchObject({ total: 4, waiting: 1 });
  await pool.query('RPUSH', [key, 'a']);
  expect(await taken[0]).toEqual([key, 'a']);
  await pool.query('RPUSH', [`${key}:late`, 'b']);
  expect(await waiting).toEqual([`${key}:late`, 'b']);
  await pool.query('XADD', [`${key}:stream`, '*', 'field', 'value']);
  expect(await taken[1]).toEqual({ [`${key}:stream`]: [[expect.any(String), ['field', 'value']]] });
  await pool.query('RPUSH', [`${key}:other`, 'c']);
  expect(await taken[2]).toEqual([`${key}:other`, 'c']);
});

test('leases leave one connection for commands of the pool', async () => {
  const pool = await openRedis({ max: 2 });
  const held = await pool.acquire();
  const waiting = pool.acquire();
  expect(await pool.query('PING')).toBe('PONG');
  expect(await held.query('PING')).toBe('PONG');
  await held.release();
  await (await waiting).release();
});

test('a pool of one serves leases and commands in turn', async () => {
  const pool = await openRedis({ max: 1 });
  const held = await pool.acquire();
  const later = pool.query('PING');
  expect(await held.query('ECHO', ['x'])).toBe('x');
  await held.release();
  expect(await later).toBe('PONG');
  await pool.use(async (connection) => expect(await connection.query('PING')).toBe('PONG'));
});

test.each([
  ['SUBSCRIBE', ['x']],
  ['MONITOR', []],
  ['MULTI', []],
  ['watch', ['x']],
  ['SELECT', [1]],
  ['AUTH', ['x']],
  ['HELLO', [3]],
  ['RESET', []],
  ['QUIT', []],
  ['CLIENT', ['TRACKING', 'ON']],
  ['CLIENT REPLY', ['OFF']],
  ['client setname x', []],
  ['SCRIPT DEBUG', ['YES']],
])('%s is refused on a pool', async (name, args) => {
  const pool = await openRedis();
  const error = await rejection(pool.query(name, args));
  expect(error.code).toBe('ERR_POLYPOOL_UNSUPPORTED');
  expect(error.message).toContain('is nothing for a shared connection: ');
  expect(await pool.query('PING')).toBe('PONG');
});

test('what a borrower leaves behind is gone for the next one', async () => {
  const pool = await openRedis({ max: 2, applicationName: 'clean' }, { path: '/3' });
  const key = unique('key');
  const ids = new Set();
  const leave = async (work) => {
    const connection = await pool.acquire();
    ids.add(connection.processId);
    await work(connection);
    await connection.release();
  };
  await leave((connection) => connection.query('SELECT', [5]));
  await leave((connection) => connection.query('SET', [key, 'in 3']));
  await leave((connection) => connection.query('WATCH', [key]));
  await leave((connection) => connection.query('MULTI'));
  await leave(async (connection) => {
    expect(await connection.query('GET', [key])).toBe('in 3');
    expect(await connection.query('CLIENT GETNAME')).toBe('clean');
    await connection.query('CLIENT SETNAME', ['dirty']);
    await connection.query('SUBSCRIBE', ['a', 'b']);
  });
  await leave(async (connection) => {
    expect(await connection.query('CLIENT GETNAME')).toBe('clean');
    const info = await connection.query('CLIENT INFO');
    expect(info).toMatch(/ db=3 sub=0 /);
  });
  expect(ids.size).toBe(1);
});

test('a transaction on a connection, with a watched key', async () => {
  const pool = await openRedis();
  const key = unique('key');
  await pool.use(async (connection) => {
    await connection.query('WATCH', [key]);
    await connection.query('MULTI');
    expect(await connection.query('INCR', [key])).toBe('QUEUED');
    expect(await connection.query('EXEC')).toEqual([1]);
    await connection.query('WATCH', [key]);
    await pool.query('INCR', [key]);
    await connection.query('MULTI');
    await connection.query('INCR', [key]);
    expect(await connection.query('EXEC')).toBe(null);
  });
  expect(await observe('GET', key)).toBe('2');
});
