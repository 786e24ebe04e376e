'use strict';
// Several commands as one: pipelines and transactions.

const { rejection, unique } = require('../../support/pools.js');
const { load } = require('../../support/pools.js');
const { observe, openRedis } = require('../../support/redis-pools.js');

test('a pipeline answers each command in its place', async () => {
  const pool = await openRedis();
  const key = unique('key');
  const replies = await pool.pipeline([
    ['SET', key, 1],
    ['INCR', key],
    ['LPUSH', key, 'a'],
    ['GET', key],
    ['CONFIG GET', 'databases'],
  ]);
  expect(replies).toEqual(['OK', 2, expect.any(Error), '2', { databases: '16' }]);
  expect(replies[2]).toBeInstanceOf(load().DatabaseError);
  expect(replies[2]).toMatchObject({ code: 'WRONGTYPE' });
});

test('an empty batch is no command', async () => {
  const pool = await openRedis();
  expect(await pool.pipeline([])).toEqual([]);
  expect(await pool.multi([])).toEqual([]);
});

test('a pipeline of Buffers', async () => {
  const pool = await openRedis();
  const key = unique('key');
  const bytes = Buffer.from([0, 200, 255]);
  const replies = await pool.pipeline(
    [
      ['SET', key, bytes],
      ['GET', key],
    ],
    { buffers: true },
  );
  expect(replies[1]).toEqual(bytes);
});

test('100,000 commands in one pipeline', async () => {
  const pool = await openRedis();
  const key = unique('key');
  const replies = await pool.pipeline(Array.from({ length: 100_000 }, () => ['INCR', key]));
  expect(replies.length).toBe(100_000);
  expect(replies.at(-1)).toBe(100_000);
});

test('a transaction runs with nothing in between', async () => {
  const pool = await openRedis();
  const key = unique('key');
  const rounds = Array.from({ length: 50 }, () =>
    pool.multi([
      ['INCR', key],
      ['INCR', key],
    ]),
  );
  const beside = Array.from({ length: 50 }, () => pool.query('INCR', [key]));
  for (const [first, second] of await Promise.all(rounds)) expect(second).toBe(first + 1);
  await Promise.all(beside);
  expect(await observe('GET', key)).toBe('150');
});

test('what fails as it runs stands among the replies, and undoes nothing', async () => {
  const pool = await openRedis();
  const key = unique('key');
  const [set, failed, got] = await pool.multi([
    ['SET', key, 'a'],
    ['INCR', key],
    ['GET', key],
  ]);
  expect([set, got]).toEqual(['OK', 'a']);
  expect(failed).toBeInstanceOf(load().DatabaseError);
});

test('what the server does not take runs nothing', async () => {
  const pool = await openRedis();
  const key = unique('key');
  const error = await rejection(pool.multi([['SET', key, 'a'], ['NOSUCHCOMMAND']]));
  expect(error).toMatchObject({ name: 'DatabaseError', code: 'EXECABORT' });
  expect(error.cause.message).toMatch(/unknown command/);
  expect(await observe('EXISTS', key)).toBe(0);
  expect(await pool.query('PING')).toBe('PONG');
});

test('a watched key that has changed', async () => {
  const pool = await openRedis();
  const key = unique('key');
  await pool.use(async (connection) => {
    await connection.query('WATCH', [key]);
    await observe('SET', key, 'theirs');
    expect(await connection.multi([['SET', key, 'ours']])).toBe(null);
    await connection.query('WATCH', [key]);
    expect(await connection.multi([['SET', key, 'ours']])).toEqual(['OK']);
  });
  expect(await observe('GET', key)).toBe('ours');
});

test.each([
  ['no array', 'GET', 'need an array of commands'],
  ['a name alone', ['GET'], 'number 1 of the batch is none'],
  ['an empty command', [['PING'], []], 'number 2 of the batch is none'],
  ['null for an argument', [['GET', null]], 'argument 1 is null'],
])('%s is refused', async (_what, commands, message) => {
  const pool = await openRedis();
  for (const run of ['pipeline', 'multi']) {
    const error = await rejection(pool[run](commands));
    expect(error.code).toBe('ERR_POLYPOOL_PARAMETER');
    expect(error.message).toContain(message);
  }
});

test('a pipeline that blocks stalls nobody else', async () => {
  const pool = await openRedis();
  const key = unique('key');
  const blocked = pool.pipeline([['PING'], ['BLPOP', key, 0]]);
  for (let at = 0; at < 10; at++) expect(await pool.query('PING')).toBe('PONG');
  await pool.query('RPUSH', [key, 'a']);
  expect(await blocked).toEqual(['PONG', [key, 'a']]);
});

test.each([['SUBSCRIBE', 'channel'], ['MULTI'], ['SELECT', 1], ['MONITOR']])(
  '%s is nothing for a wire that others use too',
  async (...command) => {
    const pool = await openRedis();
    const error = await rejection(pool.pipeline([['PING'], command]));
    expect(error.code).toBe('ERR_POLYPOOL_UNSUPPORTED');
    expect(error.message).toContain(command[0]);
    expect(await pool.query('PING')).toBe('PONG');
  },
);

test('an empty transaction still says whether a watched key has changed', async () => {
  const pool = await openRedis();
  const key = unique('key');
  await pool.use(async (connection) => {
    expect(await connection.multi([])).toEqual([]);
    await connection.query('WATCH', [key]);
    await observe('SET', key, 'theirs');
    expect(await connection.multi([])).toBeNull();
  });
});

test('a pipeline of a borrowed connection may have state, which is reset', async () => {
  const pool = await openRedis({ max: 2 });
  const key = unique('key');
  await pool.use(async (connection) => {
    expect(
      await connection.pipeline([
        ['SELECT', 1],
        ['SET', key, 'v'],
        ['WATCH', key],
      ]),
    ).toEqual(['OK', 'OK', 'OK']);
    const error = await rejection(connection.pipeline([['SUBSCRIBE', 'a']]));
    expect(error.message).toContain('by itself');
  });
  await pool.use(async (connection) => {
    expect(await connection.query('EXISTS', [key])).toBe(0);
  });
});
