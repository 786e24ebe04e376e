'use strict';
// Where and as whom to connect, and what is said when that does not work.

const net = require('node:net');
const path = require('node:path');
const { once } = require('node:events');
const { load, rejection, track, unique } = require('../../support/pools.js');
const {
  clients,
  observe,
  openRedis,
  redisServer,
  redisUrl,
} = require('../../support/redis-pools.js');

/** The names of commands in what a client sends. */
const namesIn = (text) => [...text.matchAll(/\*\d+\r\n\$\d+\r\n(\w+)/g)].map(([, name]) => name);

/** Resolves to a server that answers everybody by `answer(text, socket)` and its port. */
async function stranger(answer) {
  const server = net.createServer((socket) => {
    socket
      .on('error', () => {})
      .on('data', (bytes) => {
        const text = answer(String(bytes), socket);
        if (text !== undefined) socket.write(text);
      });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { port: server.address().port, close: () => new Promise((end) => server.close(end)) };
}

const refused = (target, options) => rejection(load().createPool(target, options));

test('by options, by URL, with a name and a database', async () => {
  const { port } = redisServer();
  const name = unique('name');
  const pool = track(
    await load().createPool({
      engine: 'redis',
      host: '127.0.0.1',
      port,
      db: 2,
      applicationName: name,
    }),
  );
  expect(await pool.query('CLIENT INFO')).toMatch(/ db=2 /);
  expect(await clients(name)).toHaveLength(1);
  const other = await openRedis({}, { path: '/1?protocol=2' });
  expect(await other.query('CLIENT INFO')).toMatch(/ db=1 /);
});

test('RESP2 has arrays and texts where RESP3 has types', async () => {
  const key = unique('hash');
  const pool = await openRedis({ protocol: 2 });
  await pool.query('HSET', [key, 'a', 1]);
  expect(await pool.query('HGETALL', [key])).toEqual(['a', '1']);
  expect(await pool.query('EVAL', ['return 1.5', 0])).toBe(1);
  const connection = await pool.acquire();
  expect(await connection.query('SUBSCRIBE', ['a', 'b'])).toBe(2);
  expect(await connection.query('UNSUBSCRIBE')).toBe(0);
  expect(await connection.query('PING')).toBe('PONG');
  await connection.release();
});

test('users with passwords', async () => {
  const user = unique('user');
  await observe('ACL', 'SETUSER', user, 'on', '>s@cret', '~*', '+@all');
  const pool = await openRedis({}, { user: `${user}:s%40cret@` });
  expect(await pool.query('ACL WHOAMI')).toBe(user);
  const asked = await openRedis({ user, password: async () => 's@cret' });
  expect(await asked.query('ACL WHOAMI')).toBe(user);
  const old = await openRedis({ user, password: 's@cret', protocol: 2 });
  expect(await old.query('ACL WHOAMI')).toBe(user);
  await old.use((connection) => connection.query('SELECT', [1]));
  expect(await old.query('ACL WHOAMI')).toBe(user);
});

test('who may do little can connect all the same', async () => {
  const user = unique('user');
  await observe('ACL', 'SETUSER', user, 'on', '>x', '~*', '+get', '-ping');
  const pool = await openRedis({}, { user: `${user}:x@` });
  expect(await pool.query('GET', ['none'])).toBe(null);
  expect(await rejection(pool.query('SET', ['a', 'b']))).toMatchObject({ code: 'NOPERM' });
});

test.each([
  ['a wrong password', { user: 'nobody', password: 'wrong' }, 'WRONGPASS'],
  ['a database that is not there', { db: 9999 }, 'ERR'],
])('%s fails at once', async (_what, options, code) => {
  const error = await refused(redisUrl(), { waitForServer: true, ...options });
  expect(error).toMatchObject({ name: 'DatabaseError', code });
  expect(JSON.stringify(error) + error.stack).not.toContain('wrong"');
});

test('nobody there, or somebody else', async () => {
  const nobody = await stranger(String);
  await nobody.close();
  const error = await refused(`redis://127.0.0.1:${nobody.port}`);
  expect(error).toMatchObject({ name: 'ConnectError', reason: 'refused', errno: 'ECONNREFUSED' });
  const web = await stranger(() => 'HTTP/1.1 400 Bad Request\r\n\r\n');
  const other = await refused(`redis://127.0.0.1:${web.port}`);
  expect(other).toMatchObject({ name: 'ConnectError', reason: 'protocol' });
  expect(other.message).toContain('does not answer as Redis does');
  await web.close();
});

test('a server that knows no HELLO is spoken to in RESP2', async () => {
  const heard = [];
  const old = await stranger((text) => {
    const names = namesIn(text);
    heard.push(...names);
    const answers = { HELLO: "-ERR unknown command 'HELLO'", PING: '+PONG', GET: '$1\r\nx' };
    return names.map((name) => `${answers[name] ?? '+OK'}\r\n`).join('');
  });
  const pool = track(await load().createPool(`redis://:secret@127.0.0.1:${old.port}`));
  expect(await pool.query('GET', ['a'])).toBe('x');
  expect(heard.filter((name) => name === 'AUTH')).toHaveLength(1);
  await pool.close();
  await old.close();
});

test('a server that loads its data is waited for', async () => {
  let loading = true;
  const late = await stranger((text) => {
    const names = namesIn(text);
    const said = (name) => {
      if (name === 'HELLO') return '%0';
      if (name === 'PING' && loading) return '-LOADING Redis is loading the dataset in memory';
      return '+OK';
    };
    return names.map((name) => `${said(name)}\r\n`).join('');
  });
  const url = `redis://127.0.0.1:${late.port}`;
  expect(await refused(url)).toMatchObject({ name: 'DatabaseError', code: 'LOADING' });
  const pool = track(new (load().RedisPool)(url));
  const waiting = pool.query('GET', ['a']);
  setImmediate(() => (loading = false));
  expect(await waiting).toBe('OK');
  await pool.close();
  await late.close();
});

test.each([
  [{ db: -1 }, 'database'],
  [{ protocol: 1 }, 'protocol'],
  [{ sslmode: 'require' }, 'sslmode'],
  [{ pasword: 'x' }, 'pasword'],
])('%j is refused by name', async (options, option) => {
  expect(await refused(redisUrl(), options)).toMatchObject({ name: 'OptionError', option });
});

test('no URL with a secret is quoted', async () => {
  for (const url of [
    'redis://a:geheim@host/x',
    'redis://a:geheim@host?x=y',
    'redos://a:geheim@h',
  ]) {
    const error = await refused(url);
    expect(error.code).toBe('ERR_POLYPOOL_OPTION');
    expect(error.message).not.toContain('geheim');
  }
});

test('a reply cut or corrupted is an error, and the connection is replaced', async () => {
  const lies = ['$5\r\nab', '*2\r\n:1\r\n$x\r\n', '$536870912\r\nabc', '*1\r\n'.repeat(5000)];
  const liar = await stranger((text, socket) => {
    const names = namesIn(text);
    if (names.includes('GET') && lies.length > 0) return void socket.end(lies.shift());
    return names.map((name) => (name === 'HELLO' ? '%0\r\n' : '+OK\r\n')).join('');
  });
  const pool = track(await load().createPool(`redis://127.0.0.1:${liar.port}`));
  const codes = [];
  for (let at = 0; at < 4; at++) codes.push((await rejection(pool.query('GET', ['a']))).code);
  const [cut, broken] = ['ERR_POLYPOOL_CONNECTION_LOST', 'ERR_POLYPOOL_PROTOCOL'];
  expect(codes).toEqual([cut, broken, cut, broken]);
  expect(await pool.query('GET', ['a'])).toBe('OK');
  await pool.close();
  await liar.close();
});

test('by a unix socket', async () => {
  const { directory } = redisServer();
  const socket = path.join(directory, 'redis.sock');
  const server = net.createServer((from) => {
    const to = net.connect(redisServer().port, '127.0.0.1');
    from.on('error', () => to.destroy()).on('close', () => to.destroy());
    to.on('error', () => from.destroy()).on('close', () => from.destroy());
    from.pipe(to).pipe(from);
  });
  server.listen(socket);
  await once(server, 'listening');
  const byUrl = track(await load().createPool(`unix://${socket}?db=4`));
  expect(await byUrl.query('CLIENT INFO')).toMatch(/ db=4 /);
  const byOption = track(await load().createPool({ engine: 'redis', socketPath: socket }));
  expect(await byOption.query('PING')).toBe('PONG');
  await Promise.all([byUrl.close(), byOption.close()]);
  await new Promise((end) => server.close(end));
});
