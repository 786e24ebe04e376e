'use strict';
// Commands of a pool and what they are answered with.

const { rejection, unique } = require('../../support/pools.js');
const { clients, observe, openRedis } = require('../../support/redis-pools.js');

test('a command is its name and its arguments', async () => {
  const pool = await openRedis();
  const key = unique('key');
  expect(await pool.query('SET', [key, 'välue'])).toBe('OK');
  expect(await pool.query('GET', [key])).toBe('välue');
  expect(await pool.query('get', [unique('none')])).toBe(null);
  expect(await pool.query('PING')).toBe('PONG');
  expect(await pool.query('CONFIG GET', ['databases'])).toEqual({ databases: '16' });
  expect(await pool.query('CLIENT', ['ID'])).toEqual(expect.any(Number));
});

test('arguments are texts, numbers, bigints and bytes', async () => {
  const pool = await openRedis();
  const key = unique('key');
  const values = [
    '',
    'a\r\nb',
    0,
    -1,
    2147483648,
    1.5,
    -0,
    1e21,
    10n ** 20n,
    Buffer.from('é'),
    '漢🐘',
  ];
  await pool.query('RPUSH', [key, ...values, new Uint16Array([0x4142])]);
  expect(await observe('LRANGE', key, 0, -1)).toEqual([
    ...['', 'a\r\nb', '0', '-1', '2147483648', '1.5', '0', '1e+21', '100000000000000000000'],
    ...['é', '漢🐘', 'BA'],
  ]);
});

test.each([
  ['null', null, 'argument 2 is null'],
  ['undefined', undefined, 'argument 2 is of type undefined'],
  ['a boolean', true, 'argument 2 is of type boolean'],
  ['a Date', new Date(), 'argument 2 is of type object'],
  ['an object', {}, 'argument 2 is of type object'],
  ['an array', ['a'], 'argument 2 is an array'],
  ['a symbol', Symbol('x'), 'argument 2 is of type symbol'],
])('%s is refused by its position', async (_what, value, message) => {
  const pool = await openRedis();
  const error = await rejection(pool.query('SET', ['key', value]));
  expect(error).toMatchObject({ name: 'PoolError', code: 'ERR_POLYPOOL_PARAMETER' });
  expect(error.message).toContain(message);
  expect(await pool.query('PING')).toBe('PONG');
});

test.each([[''], [undefined], [7], [null]])('%p is no name of a command', async (name) => {
  const pool = await openRedis();
  const error = await rejection(pool.query(name, []));
  expect(error.code).toBe('ERR_POLYPOOL_PARAMETER');
  expect((await rejection(pool.query('GET', 'key'))).message).toContain('an array');
});

test('replies of every kind', async () => {
  const pool = await openRedis();
  const script = (text) => pool.query('EVAL', [`redis.setresp(3); ${text}`, 0]);
  expect(await script('return 1')).toBe(1);
  expect(await script('return {1, "a", {2}, false}')).toEqual([1, 'a', [2], false]);
  expect(await pool.query('EVAL', ['return {1, false}', 0])).toEqual([1, null]);
  expect(await script('return {double=3.5}')).toBe(3.5);
  expect(await script('return {map={a=1}}')).toEqual({ a: 1 });
  expect(await script('return {set={a=true}}')).toEqual(['a']);
  expect(await script('return true')).toBe(true);
  const big = 'redis.setresp(3); return {big_number="12345678901234567890"}';
  expect((await rejection(pool.query('EVAL', [big, 0]))).code).toBe('ERR_POLYPOOL_UNSAFE_INTEGER');
  const exact = await openRedis({ types: { int8: 'bigint' } });
  expect(await exact.query('EVAL', [big, 0])).toBe(12345678901234567890n);
});

test('integers are exact', async () => {
  const pool = await openRedis();
  const key = unique('key');
  await observe('SET', key, '9007199254740990');
  expect(await pool.query('INCR', [key])).toBe(Number.MAX_SAFE_INTEGER);
  const error = await rejection(pool.query('INCR', [key]));
  expect(error.code).toBe('ERR_POLYPOOL_UNSAFE_INTEGER');
  expect(await pool.query('INCRBY', [key, -2])).toBe(9007199254740990);
  const exact = await openRedis({ types: { int8: 'bigint' } });
  await observe('SET', key, '9007199254740991');
  expect(await exact.query('INCR', [key])).toBe(2n ** 53n);
  const text = await openRedis({ types: { int8: 'string' } });
  expect(await text.query('INCR', [key])).toBe('9007199254740993');
});

test('buffers on request', async () => {
  const pool = await openRedis();
  const key = unique('key');
  const bytes = Buffer.from([0, 255, 13, 10]);
  await pool.query('HSET', [key, 'a', bytes]);
  expect(await pool.query('HGET', [key, 'a'], { buffers: true })).toEqual(bytes);
  const map = await pool.query('HGETALL', [key], { buffers: true });
  expect([...map]).toEqual([[Buffer.from('a'), bytes]]);
});

test('an error is the server’s own', async () => {
  const pool = await openRedis();
  const key = unique('key');
  await pool.query('SET', [key, 'a']);
  const error = await rejection(pool.query('LPUSH', [key, 'b']));
  expect(error).toMatchObject({ name: 'DatabaseError', code: 'WRONGTYPE', query: 'LPUSH' });
  expect(error.message).toMatch(/^WRONGTYPE Operation against a key/);
  expect(error.parameters).toEqual([key, 'b']);
  expect(error.stack).toContain('commands.test.js');
});

test('large values both ways', async () => {
  const pool = await openRedis();
  const key = unique('key');
  const large = 'x'.repeat(5_000_000);
  await pool.query('SET', [key, large]);
  expect(await pool.query('GET', [key])).toBe(large);
  const many = Array.from({ length: 20_000 }, (_, at) => `value ${at}`);
  await pool.query('RPUSH', [`${key}:list`, ...many]);
  expect(await pool.query('LRANGE', [`${key}:list`, 0, -1])).toEqual(many);
});

test('all share one connection and keep their order', async () => {
  const pool = await openRedis({ max: 5, applicationName: 'ordered' });
  const key = unique('key');
  const all = Array.from({ length: 5000 }, (_, at) => pool.query('RPUSH', [key, at]));
  expect(await Promise.all(all)).toEqual(Array.from({ length: 5000 }, (_, at) => at + 1));
  expect(await observe('LINDEX', key, 4321)).toBe('4321');
  expect(pool.stats()).toMatchObject({ total: 1, waiting: 0 });
  expect(await clients('ordered')).toHaveLength(1);
});
