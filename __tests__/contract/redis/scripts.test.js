'use strict';
// Scripts by digest, and iterators over SCAN.

const { rejection, unique } = require('../../support/pools.js');
const { observe, openRedis } = require('../../support/redis-pools.js');

const collect = async (items) => {
  const all = [];
  for await (const item of items) all.push(item);
  return all;
};

test('a script goes as text once, then by its digest', async () => {
  const pool = await openRedis();
  const key = unique('key');
  const source = `return {KEYS[1], ARGV[1], '${key}'}`;
  await observe('SCRIPT', 'FLUSH');
  await observe('CONFIG', 'RESETSTAT');
  expect(await pool.eval(source, [key], ['a'])).toEqual([key, 'a', key]);
  expect(await pool.eval(source, [key], [1n])).toEqual([key, '1', key]);
  expect(await pool.eval(source, [key], [Buffer.from('b')])).toEqual([key, 'b', key]);
  const stats = await observe('INFO', 'commandstats');
  expect(/cmdstat_eval:calls=(\d+)/.exec(stats)[1]).toBe('1');
  await observe('SCRIPT', 'FLUSH');
  expect(await pool.eval(source, [key], ['c'])).toEqual([key, 'c', key]);
});

test('a read-only script', async () => {
  const pool = await openRedis();
  const key = unique('key');
  await observe('SET', key, 'v');
  const read = "return redis.call('get', KEYS[1])";
  expect(await pool.eval(read, [key], [], { readOnly: true })).toBe('v');
  const write = "return redis.call('del', KEYS[1])";
  const error = await rejection(pool.eval(write, [key], [], { readOnly: true }));
  expect(error.message).toMatch(/read-only/);
  expect(await pool.eval(write, [key])).toBe(1);
});

test('what is no script', async () => {
  const pool = await openRedis();
  expect((await rejection(pool.eval(7))).code).toBe('ERR_POLYPOOL_PARAMETER');
  expect((await rejection(pool.eval('return 1', 'key'))).code).toBe('ERR_POLYPOOL_PARAMETER');
  expect((await rejection(pool.eval('return 1', null))).code).toBe('ERR_POLYPOOL_PARAMETER');
  const options = { readonly: true };
  expect((await rejection(pool.eval('return 1', [], [], options))).message).toContain('readOnly');
  expect((await rejection(pool.eval('no lua'))).name).toBe('DatabaseError');
});

test('keys, fields, members and scores', async () => {
  const pool = await openRedis();
  const key = unique('scan');
  const keys = Array.from({ length: 300 }, (_, at) => `${key}:${at}`);
  await Promise.all(keys.map((name) => pool.query('SET', [name, 1])));
  const found = await collect(pool.scan({ match: `${key}:*`, count: 17 }));
  expect([...new Set(found)].sort()).toEqual([...keys].sort());
  expect(await collect(pool.scan({ match: `${key}:*`, type: 'hash' }))).toEqual([]);
  await pool.query('HSET', [`${key}h`, 'a', 1, '__proto__', 2]);
  const fields = await collect(pool.hscan(`${key}h`));
  expect(fields.sort()).toEqual([
    ['__proto__', '2'],
    ['a', '1'],
  ]);
  await pool.query('SADD', [`${key}s`, 'a', 'b']);
  expect((await collect(pool.sscan(`${key}s`))).sort()).toEqual(['a', 'b']);
  await pool.query('ZADD', [`${key}z`, 1.5, 'a', '-inf', 'b']);
  expect((await collect(pool.zscan(`${key}z`))).sort()).toEqual([
    ['a', 1.5],
    ['b', -Infinity],
  ]);
  const bytes = await collect(pool.sscan(`${key}s`, { match: 'a', buffers: true }));
  expect(bytes).toEqual([Buffer.from('a')]);
  await pool.use(async (connection) => {
    expect((await collect(connection.sscan(`${key}s`))).length).toBe(2);
  });
});

test('an iteration that is left early, and options that are none', async () => {
  const pool = await openRedis();
  for await (const key of pool.scan({ count: 1 })) {
    expect(typeof key).toBe('string');
    break;
  }
  expect((await rejection(pool.scan({ Match: 'a' }).next())).message).toContain("'match'");
  expect((await rejection(pool.hscan(null).next())).code).toBe('ERR_POLYPOOL_PARAMETER');
});
