'use strict';
// Option `stream`: the connections of a pool go through Duplexes that the program makes.

const { AsyncLocalStorage } = require('node:async_hooks');
const { once } = require('node:events');
const net = require('node:net');
const { PassThrough, Readable } = require('node:stream');
const { load, lazyPool, openConnection, openPool, observe } = require('../support/pools.js');
const { rejection, unique, until } = require('../support/pools.js');
const { Tunnel } = require('../support/duplex.js');
const { testServer } = require('../support/urls.js');

const { port } = testServer();

/** The plain case: a socket, already on its way. */
const socket = ({ host, port }) => net.connect(port, host);

test('a pool over sockets that the program makes', async () => {
  const asked = [];
  const stream = (info) => asked.push(info) && socket(info);
  const pool = await openPool({ stream, max: 3 });
  const results = await Promise.all(
    [1, 2, 3, 4, 5, 6].map((n) => pool.query('select $1::int as n, pg_sleep(0.02)', [n])),
  );
  expect(results.map(({ rows }) => rows[0].n)).toEqual([1, 2, 3, 4, 5, 6]);
  expect(asked).toHaveLength(3);
  for (const info of asked) expect(info).toEqual({ host: '127.0.0.1', port });
});

test('a socket that was only made is connected, as pg does', async () => {
  const pool = await openPool({ stream: () => new net.Socket(), max: 1 });
  expect((await pool.query('select 1 as a')).rows).toEqual([{ a: 1 }]);
});

test('a promise of a Duplex, and a name that only the far end knows', async () => {
  const stream = async ({ host }) => {
    expect(host).toBe('database.behind.the.tunnel');
    await new Promise(setImmediate);
    return new Tunnel(port);
  };
  const pool = await openPool({ stream, max: 1 }, { host: 'database.behind.the.tunnel' });
  expect((await pool.query('select 1 as a')).rows).toEqual([{ a: 1 }]);
});

test('several hosts are tried in turn', async () => {
  const asked = [];
  const stream = ({ host }) => {
    asked.push(host);
    if (host === 'first') throw new Error('not here');
    return new Tunnel(port);
  };
  const pool = await openPool({ stream, max: 1 }, { host: 'first,second' });
  expect((await pool.query('select 1 as a')).rows).toEqual([{ a: 1 }]);
  expect(asked).toEqual(['first', 'second']);
});

test('a Duplex that was paused, to lose nothing, is read', async () => {
  const pool = await openPool({ stream: () => new Tunnel(port).pause(), max: 1 });
  expect((await pool.query('select 1 as a')).rows).toEqual([{ a: 1 }]);
});

test('connect() takes it too', async () => {
  const connection = await openConnection({ stream: socket });
  expect((await connection.query('select 1 as a')).rows).toEqual([{ a: 1 }]);
});

test('the folder of a unix socket is handed on as it was given', async () => {
  const { socket: folder } = testServer();
  const asked = [];
  const stream = (info) => asked.push(info) && net.connect(`${info.host}/.s.PGSQL.${info.port}`);
  const { Pool } = load();
  const pool = new Pool({ host: folder, port, user: 'postgres', database: 'postgres', stream });
  expect((await pool.query('select 1 as a')).rows).toEqual([{ a: 1 }]);
  expect(asked).toEqual([{ host: folder, port }]);
  await pool.close();
});

test('10,000 queries at once', async () => {
  const pool = await openPool({ stream: socket, max: 10 });
  const queries = Array.from({ length: 10_000 }, (_, n) =>
    pool.query('select $1::int as n, $2 as t', [n, `text ${n}`]),
  );
  const results = await Promise.all(queries);
  const wrong = results.filter(({ rows }, n) => rows[0].n !== n || rows[0].t !== `text ${n}`);
  expect(wrong).toEqual([]);
});

test('16 MB each way, through a socket and through a Duplex that takes small pieces', async () => {
  const bytes = Buffer.alloc(16 << 20);
  for (let at = 0; at < bytes.length; at += 4) bytes.writeUInt32LE(at, at);
  const slow = () => new Tunnel(port, { piece: 16_384, delay: 1 });
  for (const stream of [socket, slow]) {
    const pool = await openPool({ stream, max: 1 });
    const { rows } = await pool.query('select $1::bytea as b', [bytes]);
    expect(rows[0].b.equals(bytes)).toBe(true);
  }
});

test('a Duplex that takes its time is not buried in bytes', async () => {
  const tunnels = [];
  const stream = () => tunnels[tunnels.push(new Tunnel(port, { piece: 8192, delay: 2 })) - 1];
  const pool = await openPool({ stream, max: 1 });
  const { rows } = await pool.query('select length($1::bytea) as n', [Buffer.alloc(4 << 20)]);
  expect(rows).toEqual([{ n: 4 << 20 }]);
  // The window of 256 KiB, however much there is to send.
  expect(tunnels[0].waiting).toBeGreaterThan(0);
  expect(tunnels[0].waiting).toBeLessThanOrEqual(256 * 1024);
});

test('200,000 rows as a stream', async () => {
  const pool = await openPool({ stream: socket, max: 1 });
  let sum = 0;
  const text = "select i, repeat('x', 100) as t from generate_series(1, $1::int) i";
  for await (const { i } of pool.stream(text, [200_000])) sum += i;
  expect(sum).toBe((200_000 * 200_001) / 2);
});

test('a reader that stops leaves the Duplex unread', async () => {
  let read = 0;
  const stream = (info) => {
    const made = socket(info);
    made.on('data', (chunk) => (read += chunk.length));
    return made;
  };
  const pool = await openPool({ stream, max: 1 });
  const text = "select repeat('x', 10000) as t from generate_series(1, 20000)";
  const rows = pool.stream(text, [], { batchSize: 10 });
  await once(rows, 'readable');
  let before;
  // It must come to rest; 200 MB would take long enough to notice.
  await until(async () => {
    before = read;
    for (let turn = 0; turn < 50; turn++) await new Promise(setImmediate);
    await observe('select pg_sleep(0.05)');
    return read === before;
  });
  expect(read).toBeLessThan(8 << 20);
  rows.destroy();
  expect((await pool.query('select 1 as a')).rows).toEqual([{ a: 1 }]);
});

test('a timeout cancels the statement through a transport of its own', async () => {
  let made = 0;
  const stream = (info) => (made += 1) && socket(info);
  const name = unique('cancel');
  const pool = await openPool({ stream, max: 1, applicationName: name });
  const slow = pool.query('select pg_sleep(60)', [], { timeoutMs: 50 });
  expect((await rejection(slow)).code).toBe('ERR_POLYPOOL_QUERY_TIMEOUT');
  // On the same connection, so that the cancel has really arrived.
  expect((await pool.query('select 1 as a')).rows).toEqual([{ a: 1 }]);
  expect(pool.stats().created).toBe(1);
  expect(made).toBe(2);
});

test('close() ends the Duplexes, and the server its sessions', async () => {
  const made = [];
  const stream = (info) => made[made.push(socket(info)) - 1];
  const name = unique('closing');
  const pool = await openPool({ stream, min: 2, max: 2, applicationName: name });
  await Promise.all([1, 2].map(() => pool.query('select pg_sleep(0.02)')));
  await pool.close();
  expect(made).toHaveLength(2);
  for (const each of made) expect(each.destroyed).toBe(true);
  const left = () => observe('select 1 from pg_stat_activity where application_name = $1', [name]);
  await until(async () => (await left()).length === 0);
});

test('a destroyed lease takes its Duplex along', async () => {
  const made = [];
  const stream = (info) => made[made.push(socket(info)) - 1];
  const pool = await openPool({ stream, max: 1 });
  const lease = await pool.acquire();
  await lease.release({ destroy: true });
  await until(() => made[0].destroyed);
  expect((await pool.query('select 1 as a')).rows).toEqual([{ a: 1 }]);
  expect(made).toHaveLength(2);
});

test('the function and its Duplex run in the context of the pool', async () => {
  const storage = new AsyncLocalStorage();
  const seen = new Set();
  class Watched extends Tunnel {
    _write(...args) {
      seen.add(storage.getStore());
      super._write(...args);
    }
  }
  const stream = () => {
    seen.add(storage.getStore());
    return new Watched(port);
  };
  const pool = storage.run('pool', () => lazyPool({ stream, max: 2 }));
  await storage.run('query', async () => {
    await pool.query('select 1');
    expect(storage.getStore()).toBe('query');
    await pool.query('select 1');
  });
  expect([...seen]).toEqual(['pool']);
});

const NOT_DUPLEXES = {
  nothing: [() => undefined, 'undefined'],
  null: [() => null, 'null'],
  'a text': [() => 'host:5432', 'string'],
  'an object': [() => ({}), 'without read()'],
  'a Readable': [() => new Readable({ read() {} }), 'without write()'],
};

test.each(Object.keys(NOT_DUPLEXES))('what is no Duplex is refused: %s', async (name) => {
  const [stream, got] = NOT_DUPLEXES[name];
  const error = await rejection(openPool({ stream }));
  expect(error).toBeInstanceOf(load().ConnectError);
  expect(error.message).toContain("option 'stream' must return a Duplex");
  expect(error.message).toContain(got);
  expect(error.cause).toMatchObject({ name: 'OptionError', option: 'stream' });
});

test('the same Duplex twice is refused', async () => {
  const one = net.connect(port, '127.0.0.1');
  const pool = await openPool({ stream: () => one, max: 2 });
  const lease = await pool.acquire();
  expect((await rejection(pool.acquire())).message).toContain('returned before');
  await lease.release();
});

test('a Duplex of texts or of objects is refused', async () => {
  const texts = (info) => socket(info).setEncoding('utf8');
  const objects = () =>
    new PassThrough({ objectMode: true, transform: (c, e, done) => done(null, {}) });
  for (const stream of [texts, objects]) {
    const error = await rejection(openPool({ stream, connectTimeoutMs: 5000 }));
    expect(error.message).toContain('must deliver Buffers');
  }
});

test.each([['x'], [true], [{}], [7]])('stream: %j is no function', async (stream) => {
  const error = await rejection(openPool({ stream }));
  expect(error).toMatchObject({ code: 'ERR_POLYPOOL_OPTION', option: 'stream' });
  expect(error.message).toContain("option 'stream' must be a function");
});

test('what the function throws, or rejects with, is the cause', async () => {
  const reason = Object.assign(new Error('the tunnel is closed'), { code: 'ETUNNEL' });
  const throwing = () => {
    throw reason;
  };
  for (const stream of [throwing, async () => throwing()]) {
    const error = await rejection(openPool({ stream }));
    expect(error).toBeInstanceOf(load().ConnectError);
    expect(error.message).toContain('the tunnel is closed');
    expect(error.errno).toBe('ETUNNEL');
    expect(error.cause).toBe(reason);
  }
});

test('a socket that is refused is refused as without a stream', async () => {
  const server = net.createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const dead = server.address().port;
  await new Promise((resolve) => server.close(resolve));
  const error = await rejection(openPool({ stream: socket }, { port: dead }));
  expect(error).toMatchObject({ reason: 'refused', errno: 'ECONNREFUSED' });
  expect(error.cause).toMatchObject({ code: 'ECONNREFUSED', syscall: 'connect' });
});

test('a socket that fails before anybody could listen is an error, not the end of the process', async () => {
  const stream = () => {
    const socket = new net.Socket();
    socket.destroy(new Error('tunnel down'));
    return socket;
  };
  const error = await rejection(openPool({ stream, max: 1 }));
  expect(error.code).toBe('ERR_POLYPOOL_CONNECT');
});
