'use strict';
// Connections that belong to no pool, and what is Redis and what is not.

const { load, rejection, unique } = require('../../support/pools.js');
const { clients, openRedis, redisUrl } = require('../../support/redis-pools.js');

test('one connection by itself keeps its state', async () => {
  const name = unique('name');
  const connection = await load().connect(redisUrl(), { applicationName: name });
  await connection.query('SELECT', [3]);
  await connection.query('SET', [name, 'v']);
  expect(await connection.query('GET', [name])).toBe('v');
  expect((await clients(name))[0].db).toBe('3');
  await connection.close();
  expect((await rejection(connection.query('PING'))).name).toBe('ClosedError');
  expect(await clients(name)).toEqual([]);
});

test('createPool knows Redis by its scheme or by option engine', async () => {
  const { RedisPool, createPool } = load();
  const pool = await openRedis();
  expect(pool).toBeInstanceOf(RedisPool);
  const url = new URL(redisUrl());
  const other = await createPool({ engine: 'redis', host: url.hostname, port: Number(url.port) });
  expect(other).toBeInstanceOf(RedisPool);
  await other.close();
});

test('a pool of SQL is none of Redis, and the other way round', () => {
  const { Pool, RedisPool } = load();
  expect(() => new Pool(redisUrl())).toThrow(/RedisPool/);
  expect(() => new RedisPool('postgres://localhost')).toThrow(/is for Redis/);
});

test('onConnect has a connection of Redis', async () => {
  const pool = await openRedis({
    onConnect: (connection) => connection.command('CLIENT', 'SETNAME', 'hooked'),
  });
  expect(await pool.query('CLIENT', ['GETNAME'])).toBe('hooked');
});
