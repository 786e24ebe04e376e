'use strict';
// TLS in front of a server: from the first byte, verified unless told otherwise.

const fs = require('node:fs');
const net = require('node:net');
const os = require('node:os');
const path = require('node:path');
const tls = require('node:tls');
const { once } = require('node:events');
const { Authority } = require('../../support/certificates.js');
const { load, rejection, track, unique } = require('../../support/pools.js');
const { observe, redisServer } = require('../../support/redis-pools.js');

let authority;
let front;

beforeAll(async () => {
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'polypool-redis-tls-'));
  authority = await Authority.create(directory);
  const [cert, key] = ['server.crt', 'server.key'].map((it) =>
    fs.readFileSync(path.join(directory, it)),
  );
  front = tls.createServer({ cert, key }, (from) => {
    const to = net.connect(redisServer().port, '127.0.0.1');
    from.on('error', () => to.destroy()).on('close', () => to.destroy());
    to.on('error', () => from.destroy()).on('close', () => from.destroy());
    from.pipe(to).pipe(from);
  });
  front.listen(0, '127.0.0.1');
  await once(front, 'listening');
});

afterAll(async () => {
  await new Promise((end) => front.close(end));
  fs.rmSync(authority.directory, { recursive: true, force: true });
});

const url = (scheme, user = '') => `${scheme}://${user}localhost:${front.address().port}`;
const ca = () => authority.read('ca.crt');

test('a rediss: URL verifies, by the authority given', async () => {
  const user = unique('user');
  await observe('ACL', 'SETUSER', user, 'on', '>secret', '~*', '+@all');
  const pool = track(
    await load().createPool(url('rediss', `${user}:secret@`), { ssl: { ca: ca() } }),
  );
  expect(await pool.query('ACL WHOAMI')).toBe(user);
  await pool.close();
  const error = await rejection(load().createPool(url('rediss')));
  expect(error).toMatchObject({ name: 'ConnectError', reason: 'tls' });
});

test('option ssl asks for TLS, and says how strict it is', async () => {
  const ssl = { rejectUnauthorized: false };
  const pool = track(await load().createPool(url('redis'), { ssl }));
  expect(await pool.query('PING')).toBe('PONG');
  await pool.close();
});

test('a server without TLS, and a client without it', async () => {
  const { port } = redisServer();
  const soon = { connectTimeoutMs: 1000 };
  const plain = await rejection(load().createPool(`rediss://localhost:${port}`, soon));
  expect(plain).toMatchObject({ name: 'ConnectError' });
  const clear = await rejection(load().createPool(url('redis'), soon));
  expect(clear).toMatchObject({ name: 'ConnectError' });
});
