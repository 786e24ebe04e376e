'use strict';
// Where the drop-in differs from ioredis on purpose, as the README lists it.

const { inspect } = require('node:util');
const { runNode } = require('../../support/child.js');
const { freePort } = require('../../support/server.js');
const { failure, next, track, useServer } = require('./instances.js');
const { ScriptedServer, oldServer } = require('./scripted.js');

const server = useServer();
const load = () => require('polypool/ioredis');
const make = (options) => track(new (load())({ port: server.current.port, ...options }));

let scripted = null;

afterEach(async () => {
  await scripted?.close();
  scripted = null;
});

test('disconnect() between two connections ends, and what waits fails', async () => {
  const redis = make({ port: await freePort(), retryStrategy: () => 60_000 });
  redis.on('error', () => {});
  const waiting = failure(redis.get('key'));
  await next(redis, 'reconnecting');
  redis.disconnect();
  expect((await waiting).message).toBe('Connection is closed.');
  await next(redis, 'end');
  expect(redis.status).toBe('end');
});

test.each([['close'], ['reconnecting'], ['connecting'], ['connect']])(
  'commands at %s are for the database that was chosen before',
  async (status) => {
    const redis = make({ retryStrategy: () => 1 });
    const lose = async () => {
      redis.stream.destroy();
      await next(redis, status);
    };
    await redis.select(3);
    await lose();
    await redis.set(status, 'three');
    await lose();
    const replies = [redis.get(status), redis.select(5), redis.set(status, 'five')];
    expect(await Promise.all(replies)).toEqual(['three', 'OK', 'OK']);
    expect(await make({ db: 5 }).get(status)).toBe('five');
    expect(await redis.get(status)).toBe('five');
    expect(await redis.client('INFO')).toMatch(/ db=5 /);
  },
);

test('unsubscribe() of all channels resolves while patterns stay', async () => {
  const redis = make();
  await redis.subscribe('a', 'b');
  await redis.psubscribe('p*');
  expect(await redis.unsubscribe()).toBe(1);
  expect(await redis.punsubscribe()).toBe(0);
});

test('a command that has timed out is not sent again', async () => {
  scripted = await ScriptedServer.start((words) => (words[0] === 'incr' ? '' : oldServer(words)));
  const redis = make({ port: scripted.port, commandTimeout: 50, retryStrategy: () => 1 });
  await next(redis, 'ready');
  await failure(redis.incr('counter'));
  scripted.cut();
  await next(redis, 'ready');
  expect(await redis.get('key')).toBe('OK');
  expect(scripted.heard.filter(([name]) => name === 'incr')).toHaveLength(1);
});

test('what is not sent again fails', async () => {
  scripted = await ScriptedServer.start((words) => (words[0] === 'incr' ? '' : oldServer(words)));
  const options = { autoResendUnfulfilledCommands: false, retryStrategy: () => 1 };
  const redis = make({ port: scripted.port, ...options });
  await next(redis, 'ready');
  const lost = failure(redis.incr('counter'));
  await scripted.hears('incr', 1);
  scripted.cut();
  expect((await lost).message).toBe('Connection is closed.');
});

test('exec() of a pipeline twice runs it once', async () => {
  const redis = make();
  await redis.del('counter');
  const pipeline = redis.pipeline().incr('counter');
  expect(await pipeline.exec()).toEqual([[null, 1]]);
  expect(await pipeline.exec()).toEqual([[null, 1]]);
  expect(await redis.get('counter')).toBe('1');
});

test('arguments without a text reject, and nothing is sent', async () => {
  const redis = make();
  await next(redis, 'ready');
  const error = await failure(redis.set('key', Object.create(null)));
  expect(error).toBeInstanceOf(TypeError);
  expect(await redis.ping()).toBe('PONG');
});

test('a script that the server has forgotten within a transaction is sent in full next time', async () => {
  const redis = make();
  redis.defineCommand('one', { numberOfKeys: 0, lua: 'return 1' });
  expect(await redis.one()).toBe(1);
  await redis.script('FLUSH');
  const [[error]] = await redis.multi().one().exec();
  expect(error.message).toMatch(/^NOSCRIPT/);
  expect(await redis.multi().one().exec()).toEqual([[null, 1]]);
});

test('a transaction with such arguments is not sent at all', async () => {
  const redis = make();
  await redis.del('key');
  const transaction = redis.multi().hgetall('hash').set('other', Object.create(null)).set('key', 1);
  expect(await failure(transaction.exec())).toBeInstanceOf(TypeError);
  const pipeline = redis.pipeline().multi().set('other', Object.create(null)).set('key', 1);
  const results = await pipeline.exec().exec();
  expect(results.map(([error]) => error.constructor)).toEqual(Array(4).fill(TypeError));
  expect(await redis.exists('key')).toBe(0);
});

test.each([[undefined], [null], [5], [{}], [Buffer.from('get')]])(
  'a command by the name %p rejects',
  async (name) => {
    const redis = make({ keyPrefix: 'prefix:' });
    await next(redis, 'ready');
    const { message } = await failure(redis.call(name, 'key'));
    const given = name === null ? 'null' : typeof name;
    expect(message).toBe(`the name of a command must be a string, not ${given}`);
    const [[refused], [, pong]] = await redis.pipeline().call(name).ping().exec();
    expect([refused.message, pong]).toEqual([message, 'PONG']);
  },
);

test('what its own functions throw is uncaught, and what waits for them is answered', async () => {
  const result = await runNode([
    '-e',
    `const Redis = require('polypool/ioredis');
     process.on('uncaughtException', (error) => console.log('uncaught', error.message));
     const thrower = (message) => () => { throw new Error(message); };
     const retried = new Redis(${await freePort()}, { retryStrategy: thrower('of a strategy') });
     retried.on('error', () => {});
     const redis = new Redis(${server.current.port}, { reconnectOnError: thrower('of a judge') });
     Promise.allSettled([retried.get('key'), redis.call('get')]).then((settled) => {
       for (const { reason } of settled) console.log(reason.message);
       console.log(retried.status);
       redis.disconnect();
     });`,
  ]);
  expect(result).toMatchObject({ code: 0, stderr: '' });
  expect(result.stdout.split('\n').filter(Boolean).sort()).toEqual([
    'Connection is closed.',
    "ERR wrong number of arguments for 'get' command",
    'end',
    'uncaught of a judge',
    'uncaught of a strategy',
  ]);
});

test('a command by a name that objects have', async () => {
  const error = await failure(make().call('constructor', 'x'));
  expect(error.message).toMatch(/^ERR unknown command 'constructor'/);
});

test('a prefix of bytes that are no text', async () => {
  const keyPrefix = Buffer.from([0xff, 0x3a]);
  const redis = make({ keyPrefix });
  await redis.set('key', 1);
  expect(await redis.get('key')).toBe('1');
  const found = await make().keysBuffer('*key');
  expect(found).toContainEqual(Buffer.concat([keyPrefix, Buffer.from('key')]));
});

test('passwords do not show', async () => {
  const secret = 'v3ry secret';
  const redis = make({ password: secret, lazyConnect: true });
  expect(inspect(redis, { depth: 9 })).not.toContain(secret);
  expect(redis.options.password).toBe(secret);
  redis.on('error', () => {});
  const wrong = make({ username: 'nobody', password: secret, retryStrategy: null });
  const [error] = await next(wrong, 'error');
  expect(error.message).toMatch(/^WRONGPASS/);
  expect(inspect(error, { depth: 9 })).not.toContain(secret);
  expect(JSON.stringify(error)).not.toContain(secret);
});

test('commands that go out with enableAutoPipelining wait for nothing', async () => {
  const redis = make({ enableAutoPipelining: true, autoPipeliningIgnoredCommands: ['get'] });
  const replies = Promise.all([redis.set('key', 1), redis.get('key'), redis.incr('key')]);
  expect(redis.autoPipelineQueueSize).toBe(0);
  expect(await replies).toEqual(['OK', '1', 2]);
});

describe('what is not made says so', () => {
  test('a cluster', () => {
    const { Cluster } = load();
    expect(load().Cluster).toBe(Cluster);
    expect(() => new Cluster([{ port: 1 }])).toThrow(/has no Redis Cluster/);
  });

  test('sentinels', async () => {
    const redis = make({ sentinels: [{ host: 'a', port: 1 }], name: 'main' });
    const waiting = failure(redis.get('key'));
    const [error] = await next(redis, 'error');
    expect(error.message).toMatch(/has no Redis Sentinel/);
    expect(await waiting).toBe(error);
    expect(() => make({ sentinels: [], name: 'main' })).toThrow(
      'Requires at least one sentinel to connect to.',
    );
    expect(() => make({ sentinels: [{}] })).toThrow('Requires the name of master.');
  });

  test.each([
    [{ tls: 'RedisCloudFixed' }, /has no TLS profile 'RedisCloudFixed'/],
    [{ tls: { profile: 'RedisCloudFlexible' } }, /has no TLS profile/],
    [{ himportFieldsets: [] }, /has no option 'himportFieldsets'/],
  ])('%j', (options, message) => {
    expect(() => make(options)).toThrow(message);
  });

  test('bytes of the program on the socket', async () => {
    const redis = make();
    await next(redis, 'ready');
    expect(() => redis.stream.write('PING\r\n')).toThrow(/send a command instead/);
  });
});
