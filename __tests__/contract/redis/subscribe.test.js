'use strict';
// Pub/sub as async iterators and emitters; MONITOR.

const { once } = require('node:events');
const { rejection, unique } = require('../../support/pools.js');
const { clients, observe, openRedis } = require('../../support/redis-pools.js');

const take = async (subscription, count) => {
  const all = [];
  for await (const message of subscription) {
    all.push(message);
    if (all.length === count) break;
  }
  return all;
};

test('messages of a channel, in their order', async () => {
  const pool = await openRedis();
  const channel = unique('channel');
  const subscription = await pool.subscribe(channel);
  for (let at = 0; at < 100; at++) await observe('PUBLISH', channel, `m${at} é漢`);
  const messages = await take(subscription, 100);
  expect(messages[0]).toEqual({ channel, message: 'm0 é漢', pattern: null });
  expect(messages.map(({ message }) => message)).toEqual(
    Array.from({ length: 100 }, (_, at) => `m${at} é漢`),
  );
  expect(subscription.closed).toBe(true);
  expect(await observe('PUBSUB', 'NUMSUB', channel)).toEqual([channel, 0]);
});

test('patterns, shards, Buffers, and several on one connection', async () => {
  const name = unique('name');
  const pool = await openRedis({ applicationName: name });
  const channel = unique('channel');
  const plain = await pool.subscribe(channel);
  const pattern = await pool.subscribe(`${channel}*`, { pattern: true });
  const sharded = await pool.subscribe(channel, { sharded: true });
  const bytes = await pool.subscribe(channel, { buffers: true });
  expect(pool.stats().listening).toBe(1);
  expect(await clients(name)).toHaveLength(2);
  await observe('PUBLISH', channel, Buffer.from([0, 255]));
  await observe('SPUBLISH', channel, 'shard');
  expect(await take(bytes, 1)).toEqual([
    { channel, message: Buffer.from([0, 255]), pattern: null },
  ]);
  expect((await take(plain, 1))[0].message).toBe('\0\ufffd');
  expect((await take(pattern, 1))[0]).toMatchObject({ channel, pattern: `${channel}*` });
  expect(await take(sharded, 1)).toEqual([{ channel, message: 'shard', pattern: null }]);
  await pool.close();
});

test('an emitter hears them too, and what is closed hears no more', async () => {
  const pool = await openRedis();
  const channel = unique('channel');
  const subscription = await pool.subscribe(channel);
  const heard = once(subscription, 'message');
  await observe('PUBLISH', channel, 'a');
  expect(await heard).toEqual([{ channel, message: 'a', pattern: null }]);
  await subscription.close();
  expect(await observe('PUBLISH', channel, 'b')).toBe(0);
});

test('a lost connection is replaced and subscribes again', async () => {
  const name = unique('name');
  const pool = await openRedis({ applicationName: name, max: 1 });
  const channel = unique('channel');
  const subscription = await pool.subscribe(channel);
  const again = once(subscription, 'resubscribed');
  const [victim] = (await clients(name)).filter(({ sub }) => sub === '1');
  await observe('CLIENT', 'KILL', 'ID', victim.id);
  const [gap] = await again;
  expect(gap).toMatchObject({ channel, lostForMs: expect.any(Number) });
  await observe('PUBLISH', channel, 'after');
  expect((await take(subscription, 1))[0].message).toBe('after');
});

test('over RESP2 as well', async () => {
  const pool = await openRedis({ protocol: 2 });
  const channel = unique('channel');
  const first = await pool.subscribe(channel);
  const second = await pool.subscribe(`${channel}?`, { pattern: true, checkIntervalMs: 50 });
  await observe('PUBLISH', channel, 'a');
  await observe('PUBLISH', `${channel}1`, 'b');
  expect((await take(first, 1))[0].message).toBe('a');
  expect((await take(second, 1))[0]).toEqual({
    ...{ channel: `${channel}1`, message: 'b', pattern: `${channel}?` },
  });
});

test('what cannot be subscribed to', async () => {
  const pool = await openRedis();
  expect((await rejection(pool.subscribe(''))).code).toBe('ERR_POLYPOOL_PARAMETER');
  const both = { pattern: true, sharded: true };
  expect((await rejection(pool.subscribe('a', both))).message).toContain('exclude');
  expect((await rejection(pool.subscribe('a', { patern: true }))).message).toContain("'pattern'");
  const signal = AbortSignal.abort();
  expect((await rejection(pool.subscribe('a', { signal }))).name).toBe('AbortError');
  await pool.close();
  expect((await rejection(pool.subscribe('a'))).name).toBe('ClosedError');
});

test('MONITOR hears what others ask', async () => {
  const pool = await openRedis();
  const key = unique('key');
  const monitor = await pool.monitor();
  const lines = take(monitor, 1);
  await pool.query('GET', [key]);
  expect((await lines)[0]).toMatch(new RegExp(`"GET" "${key}"$`));
  expect(monitor.closed).toBe(true);
});

test('MONITOR ends by its signal, and with its connection', async () => {
  const name = unique('name');
  const pool = await openRedis({ applicationName: name });
  const controller = new AbortController();
  const monitor = await pool.monitor({ signal: controller.signal });
  const next = rejection(monitor[Symbol.asyncIterator]().next());
  controller.abort();
  expect((await next).name).toBe('AbortError');
  const other = await pool.monitor();
  const lost = rejection(take(other, Infinity));
  const [victim] = (await clients(name)).filter(({ cmd }) => cmd === 'monitor');
  await observe('CLIENT', 'KILL', 'ID', victim.id);
  expect((await lost).name).toBe('ConnectionLostError');
});

test('MONITOR ends with its pool', async () => {
  const pool = await openRedis();
  const monitor = await pool.monitor();
  const lines = take(monitor, Infinity);
  await pool.close();
  await lines;
  expect(monitor.closed).toBe(true);
  const other = await openRedis();
  const late = rejection(other.monitor());
  await other.close();
  expect((await late).name).toBe('ClosedError');
});
