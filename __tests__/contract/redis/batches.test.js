'use strict';
// Several commands in one record, as the layers above send them.

const path = require('node:path');
const { rejection, unique } = require('../../support/pools.js');
const { openRedis, redisUrl } = require('../../support/redis-pools.js');

/** Loaded when asked for: under resetModules every test gets its own copy of lib/. */
const inner = (file) => require(path.join(__dirname, '../../../lib', file));

/** Each command's count of words, then these. */
const flat = (commands) => commands.flatMap((words) => [words.length, ...words]);

/** Sends a batch on a connection of its own. */
async function batch(pool, text, commands) {
  const { leaseOf } = inner('lease.js');
  const { FLAG } = inner('records.js');
  const connection = await pool.acquire();
  try {
    return await leaseOf(connection).query(text, flat(commands), undefined, FLAG.BATCH);
  } finally {
    await connection.release();
  }
}

const open = () => openRedis({ max: 3 });

test('a transaction is answered by all its replies', async () => {
  const pool = await open();
  const key = unique('key');
  const replies = await batch(pool, 'MULTI', [
    ['SET', key, 5],
    ['INCR', key],
    ['LPUSH', key, 'a'],
    ['GET', key],
  ]);
  expect(replies).toEqual(['OK', 6, expect.any(Error), '6']);
  expect(replies[2]).toMatchObject({ name: 'DatabaseError', code: 'WRONGTYPE' });
});

test('a transaction of which a command is refused says which', async () => {
  const pool = await open();
  const key = unique('key');
  const error = await rejection(batch(pool, 'MULTI', [['SET', key, 5], ['NOPE'], ['GET']]));
  expect(error).toMatchObject({ name: 'DatabaseError', code: 'EXECABORT' });
  expect(error.cause).toMatchObject({ name: 'DatabaseError', code: 'ERR' });
  expect(error.cause.message).toContain('NOPE');
  expect(await pool.query('GET', [key])).toBe(null);
});

test('what would stay with the connection is refused in a batch', async () => {
  const pool = await open();
  const error = await rejection(
    batch(pool, 'MULTI', [
      ['GET', 'a'],
      ['SELECT', 1],
    ]),
  );
  expect(error.code).toBe('ERR_POLYPOOL_PARAMETER');
  expect(await pool.query('PING')).toBe('PONG');
});

test('a pipeline is answered by an array, with errors as values', async () => {
  const { Session } = inner('session.js');
  const { FLAG } = inner('records.js');
  const same = (given) => given;
  const replies = { map: same, set: same, push: same, bool: same, double: same, big: same };
  const owner = { replies: { ...replies, error: (text) => new Error(text) }, lost() {}, push() {} };
  const session = new Session(owner, null);
  await new Promise((resolve, reject) => {
    session.open({ url: redisUrl() }, {}, (error) => (error ? reject(error) : resolve()));
  });
  const send = (commands) =>
    new Promise((resolve, fail) => {
      const request = { resolve, fail, pool: session, lease: null, failure: null, stream: null };
      session.submit(request, flat(commands), FLAG.BATCH, 0);
    });
  const key = unique('key');
  const many = Array.from({ length: 300 }, (_, at) => ['RPUSH', key, `${at} of some length`]);
  const [numbers, values] = await Promise.all([
    send([...many, ['NOPE']]),
    send([
      ['LRANGE', key, 298, -1],
      ['GET', 'none'],
      ['INCR', key],
      ['ECHO', 'é漢'],
    ]),
  ]);
  expect(numbers.slice(0, 300)).toEqual(Array.from({ length: 300 }, (_, at) => at + 1));
  expect(numbers[300].message).toContain('NOPE');
  expect(values).toEqual([
    ['298 of some length', '299 of some length'],
    null,
    expect.objectContaining({ message: expect.stringContaining('WRONGTYPE') }),
    'é漢',
  ]);
  await session.close(true);
});
