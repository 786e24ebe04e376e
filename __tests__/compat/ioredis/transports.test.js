'use strict';
// Unix sockets, TLS, hosts with several addresses, servers that are killed under load or speak
// nonsense: what a transport may be, and how it may fail.

const { once } = require('node:events');
const net = require('node:net');
const path = require('node:path');
const tls = require('node:tls');
const { freePort } = require('../../support/server.js');
const { RedisServer } = require('../../support/redis.js');
const { IMPLEMENTATIONS } = require('./implementations.js');
const { failure, next, record, track, useServer } = require('./instances.js');
const { ScriptedServer, oldServer } = require('./scripted.js');
const { makeCertificate } = require('./certificate.js');

const server = useServer();
const closing = [];

afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});

/** Listens, and hands every connection on to the Redis server. */
async function forward(listener, place) {
  const sockets = new Set();
  const take = (client) => {
    const upstream = net.connect(server.current.port, '127.0.0.1');
    for (const [from, to] of [
      [client, upstream],
      [upstream, client],
    ]) {
      sockets.add(from);
      from.on('error', () => {}).on('close', () => to.destroy());
      from.pipe(to);
    }
  };
  listener.on('connection', (client) => !listener.isTls && take(client));
  listener.on('secureConnection', take);
  listener.listen(...place);
  await once(listener, 'listening');
  closing.push(async () => {
    for (const socket of sockets) socket.destroy();
    listener.close();
    await once(listener, 'close');
  });
  return listener.address();
}

describe.each(IMPLEMENTATIONS)('%s', (_name, load) => {
  const make = (...given) => track(new (load())(...given));

  describe('a unix socket', () => {
    const file = () => path.join(server.current.directory, `socket${Math.random()}`);

    test('by option and by path', async () => {
      const place = file();
      await forward(net.createServer(), [place]);
      expect(await make({ path: place }).ping()).toBe('PONG');
      expect(await make(place).ping()).toBe('PONG');
      expect(await make(`${place}?db=2`).client('INFO')).toMatch(/\bdb=2\b/);
    });

    test('that is not there', async () => {
      const place = file();
      const [error] = await next(make({ path: place, retryStrategy: null }), 'error');
      expect(error).toMatchObject({
        message: `connect ENOENT ${place}`,
        code: 'ENOENT',
        syscall: 'connect',
        address: place,
      });
    });
  });

  describe('TLS', () => {
    const certificate = makeCertificate();

    async function secured() {
      const listener = Object.assign(tls.createServer(await certificate), { isTls: true });
      return (await forward(listener, [0, '127.0.0.1'])).port;
    }

    test('of a server that is believed', async () => {
      const { cert } = await certificate;
      const port = await secured();
      for (const ca of [cert, [cert], Buffer.from(cert)]) {
        expect(await make({ port, tls: { ca } }).set('key', 'tls')).toBe('OK');
      }
      const byUrl = make(`rediss://localhost:${port}`, { tls: { ca: cert } });
      expect(await byUrl.get('key')).toBe('tls');
      const options = { minVersion: 'TLSv1.3', checkServerIdentity: () => undefined, ca: cert };
      expect(await make({ port, tls: options }).get('key')).toBe('tls');
    });

    test('of a server that nobody knows', async () => {
      const port = await secured();
      for (const given of [true, {}, { servername: 'localhost' }]) {
        const redis = make({ port, host: 'localhost', tls: given, retryStrategy: null });
        const [error] = await next(redis, 'error');
        expect(error.code).toBe('DEPTH_ZERO_SELF_SIGNED_CERT');
        expect(error.message).toMatch(/^self[- ]signed certificate/);
      }
      expect(await make({ port, tls: { rejectUnauthorized: false } }).ping()).toBe('PONG');
    });

    test('of another host', async () => {
      const { cert } = await certificate;
      const port = await secured();
      const options = { ca: cert, servername: 'other.example' };
      const [error] = await next(make({ port, tls: options, retryStrategy: null }), 'error');
      expect(error.code).toBe('ERR_TLS_CERT_ALTNAME_INVALID');
    });

    test('to a server that has none', async () => {
      const { port } = server.current;
      const redis = make({
        port,
        host: '127.0.0.1',
        tls: {},
        retryStrategy: null,
        connectTimeout: 200,
      });
      const [error] = await next(redis, 'error');
      expect(error).toBeDefined();
      await next(redis, 'end');
    });
  });

  test('a host with several addresses that refuse', async () => {
    const port = await freePort();
    const redis = make({ port, host: 'localhost', retryStrategy: null });
    const [error] = await next(redis, 'error');
    expect(error.code).toBe('ECONNREFUSED');
  });

  test('large values, many arguments and deep pipelines', async () => {
    const redis = make(server.current.port);
    const large = Buffer.alloc(8 * 1024 * 1024, 'x');
    await redis.set('large', large);
    expect((await redis.getBuffer('large')).equals(large)).toBe(true);
    const pairs = Array.from({ length: 20_000 }, (_, i) => [`many:${i}`, i]);
    await redis.mset(pairs.flat());
    const found = await redis.mget(pairs.map(([name]) => name));
    expect(found).toEqual(pairs.map(([, value]) => String(value)));
    const pipeline = redis.pipeline();
    for (const [name] of pairs) pipeline.get(name);
    expect((await pipeline.exec()).at(-1)).toEqual([null, '19999']);
  });

  test('a server that speaks nonsense', async () => {
    let speaks = true;
    const scripted = await ScriptedServer.start((words) => {
      if (words[0] !== 'get' || !speaks) return oldServer(words);
      speaks = false;
      return '@nonsense\r\n';
    });
    closing.push(() => scripted.close());
    const redis = make({ port: scripted.port, retryStrategy: () => 1 });
    await next(redis, 'ready');
    const errors = record(redis, ['error']);
    const error = await failure(redis.get('key'));
    await next(redis, 'ready');
    expect(errors).toEqual([['error', error]]);
    expect(await redis.get('key')).toBe('OK');
  });

  test('a server that is killed under load: all is answered, and nobody gets what is not his', async () => {
    const own = await RedisServer.start();
    try {
      const options = { port: own.port, maxRetriesPerRequest: null, retryStrategy: () => 5 };
      const redis = make(options);
      redis.on('error', () => {});
      await next(redis, 'ready');
      const replies = [];
      let stops = false;
      const ask = async (worker) => {
        for (let i = 0; !stops; i++) {
          const word = `${worker}:${i}`;
          replies.push((await redis.echo(word)) === word);
        }
      };
      const workers = Array.from({ length: 50 }, (_, worker) => ask(worker));
      for (let round = 0; round < 3; round++) {
        const before = replies.length;
        while (replies.length < before + 500) await redis.ping();
        const lost = next(redis, 'close');
        await own.stop();
        await lost;
        const again = next(redis, 'ready');
        await own.start();
        await again;
      }
      stops = true;
      await Promise.all(workers);
      expect(replies.length).toBeGreaterThan(1500);
      expect(replies.every(Boolean)).toBe(true);
    } finally {
      await own.destroy();
    }
  });
});
