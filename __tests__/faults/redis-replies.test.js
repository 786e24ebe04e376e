'use strict';
// Servers that are none, are broken, or say no: what of it reaches who asked.

const { once } = require('node:events');
const net = require('node:net');
const { load, rejection, track } = require('../support/pools.js');

const OK = '+OK\r\n';
const HELLO = '%2\r\n$2\r\nid\r\n:7\r\n$5\r\nproto\r\n:3\r\n';
const LOGIN = { HELLO, CLIENT: OK, PING: '+PONG\r\n' };

let server = null;

/** Answers each command by its name; what is no login is answered with `reply`. */
async function serve(reply, login = LOGIN, ends = false) {
  server = net.createServer((socket) => {
    socket
      .setNoDelay(true)
      .setEncoding('latin1')
      .on('error', () => socket.destroy());
    socket.on('data', (text) => {
      const names = Array.from(text.matchAll(/\*\d+\r\n\$\d+\r\n(\w+)/g), (it) => it[1]);
      socket.write(names.map((name) => login[name] ?? reply).join(''));
      if (ends) socket.end();
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return `redis://127.0.0.1:${server.address().port}`;
}

afterEach(() => server?.close());

test('a line that lost its carriage return is no reply to wait behind', async () => {
  const pool = track(await load().createPool(await serve('+OK?\n')));
  expect((await rejection(pool.query('GET', ['a']))).code).toBe('ERR_POLYPOOL_PROTOCOL');
});

test('a map of which a key is no name', async () => {
  const pool = track(await load().createPool(await serve('%2\r\n*1\r\n:1\r\n+a\r\n+b\r\n:2\r\n')));
  expect(await pool.query('GET', ['a'])).toEqual(
    new Map([
      [[1], 'a'],
      ['b', 2],
    ]),
  );
});

test.each([
  ['ERR max number of clients reached', 'ERR'],
  ['DENIED Redis is running in protected mode', 'DENIED'],
])('a server that says %s and closes is quoted', async (message, code) => {
  const url = await serve(`-${message}\r\n`, {}, true);
  const pool = load().createPool(url, { acquireTimeoutMs: 500 });
  const error = await rejection(pool);
  const said = error.code === code ? error : error.cause;
  expect(said).toMatchObject({ code, message });
});

test.each([2, 3])(
  'who needs a password and has none is told at once, protocol %d',
  async (protocol) => {
    const noauth = '-NOAUTH Authentication required.\r\n';
    const pool = load().createPool(await serve(noauth, {}), { protocol });
    expect((await rejection(pool)).code).toBe('NOAUTH');
  },
);
