'use strict';
// Option keyPrefix: what counts as a key of a command, in texts and in Buffers.

const { IMPLEMENTATIONS } = require('./implementations.js');
const { track, useServer } = require('./instances.js');

const server = useServer();

describe.each(IMPLEMENTATIONS)('%s', (_name, load) => {
  const make = (options) => track(new (load())({ port: server.current.port, ...options }));

  let plain;
  beforeEach(async () => {
    plain = make();
    await plain.flushall();
  });

  const keys = async () => (await plain.keys('*')).sort();

  test.each([['p:'], [Buffer.from('p:')]])('%p before every key', async (keyPrefix) => {
    const redis = make({ keyPrefix });
    await redis.set('a', 1);
    await redis.set(Buffer.from('b'), 2);
    await redis.mset({ c: 3, d: 4 });
    await redis.hset('h', { x: 1 });
    await redis.call('SET', 'e', 5);
    await redis.pipeline().set('f', 6).multi().set('g', 7).exec().exec();
    await redis.zadd('z', 1, 'm');
    await redis.zunionstore('u', 1, 'z', 'WEIGHTS', 2);
    await redis.eval('redis.call("set", KEYS[1], ARGV[1])', 1, 'i', 'v');
    await redis.set(7, 7);
    const named = ['7', 'a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i', 'u', 'z'];
    expect(await keys()).toEqual(named.map((name) => `p:${name}`));
    expect(await redis.mget('a', 'b')).toEqual(['1', '2']);
    expect(await redis.del('a', Buffer.from('b'))).toBe(2);
  });

  test('patterns and replies stay as they are', async () => {
    const redis = make({ keyPrefix: 'p:' });
    await redis.set('a', 1);
    expect(await redis.keys('a')).toEqual([]);
    expect(await redis.keys('p:*')).toEqual(['p:a']);
    expect((await redis.scan(0, 'MATCH', 'p:*'))[1]).toEqual(['p:a']);
  });

  test('getKeys of a command', () => {
    const { Command } = load();
    const keysOf = (name, ...args) => new Command(name, args, { keyPrefix: 'p:' }).getKeys();
    expect(keysOf('get', 'a')).toEqual(['p:a']);
    expect(keysOf('sort', 'a', 'BY', 'w_*', 'STORE', 'b')).toEqual(['p:a', 'p:w_*', 'p:b']);
    expect(keysOf('xread', 'STREAMS', 'a', 'b', 0, 0)).toEqual(['p:a', 'p:b']);
    expect(keysOf('nonsense', 'a')).toEqual([]);
  });

  test('of a scan stream the key', async () => {
    const redis = make({ keyPrefix: 'p:' });
    await redis.sadd('set', 'a');
    const found = [];
    for await (const members of redis.sscanStream('set')) found.push(...members);
    expect(found).toEqual(['a']);
  });
});
