'use strict';
// Commands that are aborted or time out: before they are sent, on the way, while they block.

const { rejection, unique, until } = require('../../support/pools.js');
const { clients, lazyRedis, observe, openRedis } = require('../../support/redis-pools.js');

test('a command that is cut short leaves the shared connection to the others', async () => {
  const name = unique('cut');
  const pool = await openRedis({ applicationName: name });
  const [before] = await clients(name);
  const key = unique('key');
  await observe('CLIENT', 'PAUSE', '60000', 'WRITE');
  const slow = pool.query('INCR', [key], { timeoutMs: 50 });
  const controller = new AbortController();
  const aborted = pool.query('INCR', [key], { signal: controller.signal });
  const other = pool.query('INCR', [key]);
  const error = await rejection(slow);
  expect(error).toMatchObject({ name: 'QueryTimeoutError', timeoutMs: 50 });
  controller.abort(new Error('enough'));
  expect(await rejection(aborted)).toMatchObject({ name: 'AbortError' });
  await observe('CLIENT', 'UNPAUSE');
  expect(await other).toBe(3);
  expect(await clients(name)).toMatchObject([{ id: before.id }]);
});

test('what blocks is told to stop, and its connection serves again', async () => {
  const name = unique('stop');
  const pool = await openRedis({ max: 2, applicationName: name });
  const key = unique('list');
  const { code } = await rejection(pool.query('BLPOP', [key, 0], { timeoutMs: 50 }));
  expect(code).toBe('ERR_POLYPOOL_QUERY_TIMEOUT');
  const again = pool.query('BLPOP', [key, 0]);
  await pool.query('RPUSH', [key, 'a']);
  expect(await again).toEqual([key, 'a']);
  await until(async () => (await clients(name)).length === 2, 'the side connection is gone');
});

test('an abort ahead of sending leaves the queue', async () => {
  const pool = lazyRedis({ max: 1 });
  const held = await pool.acquire();
  const key = unique('key');
  const controller = new AbortController();
  const waiting = pool.query('INCR', [key], { signal: controller.signal });
  await new Promise(setImmediate);
  controller.abort();
  expect(await rejection(waiting)).toMatchObject({ name: 'AbortError' });
  await held.release();
  expect(await pool.query('GET', [key])).toBe(null);
  const gone = AbortSignal.abort();
  expect(await rejection(pool.query('INCR', [key], { signal: gone }))).toMatchObject({
    name: 'AbortError',
  });
});

test('close waits for what runs and cuts off what does not end', async () => {
  const pool = await openRedis();
  const key = unique('list');
  const answered = pool.query('SET', [key, 'a']);
  const blocked = rejection(pool.query('BLPOP', [`${key}:none`, 0]));
  await until(() => pool.stats().total === 2, 'it blocks');
  const closing = pool.close({ timeoutMs: 200 });
  expect(await answered).toBe('OK');
  expect(await blocked).toMatchObject({ code: 'ERR_POLYPOOL_CLOSED' });
  await closing;
  expect(await rejection(pool.query('PING'))).toMatchObject({ code: 'ERR_POLYPOOL_CLOSED' });
});
