'use strict';
// Scan streams and MONITOR.

const { IMPLEMENTATIONS } = require('./implementations.js');
const { failure, next, track, useServer } = require('./instances.js');

const server = useServer();

describe.each(IMPLEMENTATIONS)('%s', (_name, load) => {
  const make = (options) => track(new (load())({ port: server.current.port, ...options }));

  let redis;
  beforeEach(async () => {
    redis = make();
    await redis.flushall();
  });

  async function all(stream) {
    const found = [];
    for await (const part of stream) found.push(...part);
    return found;
  }

  describe('a stream', () => {
    test('of keys', async () => {
      const names = Array.from({ length: 50 }, (_, i) => `key${i}`);
      await redis.mset(names.flatMap((name) => [name, 1]));
      await redis.set('other', 1);
      expect((await all(redis.scanStream({ match: 'key*', count: 7 }))).sort()).toEqual(
        names.sort(),
      );
      const bytes = await all(redis.scanBufferStream({ match: 'other' }));
      expect(bytes).toEqual([Buffer.from('other')]);
    });

    test('of a type', async () => {
      await redis.set('text', 1);
      await redis.sadd('set', 1);
      expect(await all(redis.scanStream({ type: 'set' }))).toEqual(['set']);
    });

    test('of members, fields and scores', async () => {
      await redis.sadd('set', 'a');
      await redis.hset('hash', 'f', 'v');
      await redis.zadd('zset', 1.5, 'm');
      expect(await all(redis.sscanStream('set'))).toEqual(['a']);
      expect(await all(redis.hscanStream('hash'))).toEqual(['f', 'v']);
      expect(await all(redis.zscanStream('zset'))).toEqual(['m', '1.5']);
      expect(await all(redis.hscanBufferStream('hash'))).toEqual(['f', 'v'].map(Buffer.from));
    });

    test('that is closed early', async () => {
      await redis.mset(Array.from({ length: 500 }, (_, i) => [`key${i}`, 1]).flat());
      const stream = redis.scanStream({ count: 1 });
      let parts = 0;
      stream.on('data', () => {
        parts++;
        stream.close();
      });
      await next(stream, 'end');
      expect(parts).toBeLessThan(10);
    });

    test('that fails', async () => {
      await redis.set('text', 1);
      const stream = redis.sscanStream('text');
      stream.resume();
      const [error] = await next(stream, 'error');
      expect(error.message).toMatch(/^WRONGTYPE/);
    });
  });

  describe('monitor', () => {
    test('tells what others send', async () => {
      const watcher = track(await redis.monitor());
      expect(watcher.status).toBe('monitoring');
      expect(watcher.mode).toBe('monitor');
      const told = next(watcher, 'monitor');
      await redis.get('key');
      const [time, args, source, database] = await told;
      expect(Number(time)).toBeGreaterThan(1_600_000_000);
      expect(args).toEqual(['get', 'key']);
      expect(source).toMatch(/^127\.0\.0\.1:\d+$/);
      expect(database).toBe('0');
      const quoted = next(watcher, 'monitor');
      await redis.set('a "b', 'c d');
      expect((await quoted)[1]).toEqual(['set', 'a "b', 'c d']);
    });

    test('takes no other commands', async () => {
      const watcher = track(await redis.monitor());
      const error = await failure(watcher.get('key'));
      expect(error.message).toBe("Connection is in monitoring mode, can't process commands.");
    });

    test('with a callback, and again after the connection was lost', async () => {
      const other = make({ retryStrategy: () => 1 });
      // ioredis fails on lines that come in one piece with MONITOR's OK: nobody may speak by then.
      await next(other, 'ready');
      const watcher = track(
        await new Promise((resolve, reject) => {
          other.monitor((error, made) => (error ? reject(error) : resolve(made)));
        }),
      );
      watcher.stream.destroy();
      await next(watcher, 'monitoring');
      const told = next(watcher, 'monitor');
      await redis.get('after');
      expect((await told)[1]).toEqual(['get', 'after']);
    });
  });
});
