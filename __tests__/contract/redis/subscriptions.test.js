'use strict';
// What a connection is told without having asked, as the layers above get it.

const path = require('node:path');
const { unique, until } = require('../../support/pools.js');
const { observe, openRedis } = require('../../support/redis-pools.js');

/** Loaded when asked for: under resetModules every test gets its own copy of lib/. */
const pushed = () => require(path.join(__dirname, '../../../lib/listen.js')).NOTIFIED;

const text = (value) => (Buffer.isBuffer(value) ? value.toString() : value);

test.each([2, 3])('messages come in their order among replies (RESP%i)', async (protocol) => {
  const pool = await openRedis({ protocol });
  const heard = [];
  pool.on(pushed(), (value) => heard.push(value.map(text)));
  const channel = unique('channel');
  const connection = await pool.acquire();
  expect(await connection.query('SUBSCRIBE', [channel, `${channel}:b`])).toBe(2);
  expect(await connection.query('PSUBSCRIBE', [`${channel}*`])).toBe(3);
  expect(heard).toHaveLength(3);
  expect(heard[0]).toEqual(['subscribe', channel, 1]);
  expect(await observe('PUBLISH', channel, 'a')).toBe(2);
  await until(() => heard.length === 5, 'the message is there');
  expect(heard.slice(3)).toEqual([
    ['message', channel, 'a'],
    ['pmessage', `${channel}*`, channel, 'a'],
  ]);
  await connection.query('PING');
  expect(await connection.query('UNSUBSCRIBE')).toBe(1);
  expect(await connection.query('PUNSUBSCRIBE')).toBe(0);
  expect(await connection.query('PUNSUBSCRIBE')).toBe(0);
  await connection.release();
  expect(await observe('PUBLISH', channel, 'b')).toBe(0);
});

test('messages are bytes as they were published', async () => {
  const pool = await openRedis();
  const messages = [];
  pool.on(pushed(), (value) => messages.push(value.at(-1)));
  const connection = await pool.acquire();
  const channel = unique('channel');
  await connection.query('SUBSCRIBE', [channel]);
  const bytes = Buffer.from([0, 255, 13, 10]);
  await pool.query('PUBLISH', [channel, bytes]);
  await until(() => messages.length === 2, 'the message is there');
  expect(messages[1]).toEqual(bytes);
  await connection.release();
});

test('lines of MONITOR', async () => {
  const pool = await openRedis();
  const lines = [];
  pool.on(pushed(), (line) => lines.push(text(line)));
  const connection = await pool.acquire();
  expect(await connection.query('MONITOR')).toBe('OK');
  const word = unique('word');
  await observe('ECHO', word);
  await until(() => lines.some((line) => line.includes(word)), 'the line is there');
  await connection.release();
  expect(await pool.query('PING')).toBe('PONG');
});

test('a subscription that is refused rejects', async () => {
  const user = unique('user');
  await observe('ACL', 'SETUSER', user, 'on', '>x', '~*', '+@all', 'resetchannels');
  const pool = await openRedis({}, { user: `${user}:x@` });
  const connection = await pool.acquire();
  await expect(connection.query('SUBSCRIBE', ['x'])).rejects.toMatchObject({ code: 'NOPERM' });
  expect(await connection.query('PING')).toBe('PONG');
  await connection.release();
});
