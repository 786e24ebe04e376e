'use strict';
// Subscriptions: confirmations, messages, modes, and what comes after a lost connection.

const { IMPLEMENTATIONS } = require('./implementations.js');
const { failure, next, record, track, useServer } = require('./instances.js');

const server = useServer();

const PROTOCOLS = [[2], [3]];

describe.each(IMPLEMENTATIONS)('%s', (_name, load) => {
  describe.each(PROTOCOLS)('by RESP%i', (protocol) => {
    const make = (options) =>
      track(new (load())({ port: server.current.port, protocol, ...options }));

    test('subscribe and unsubscribe tell how many there are', async () => {
      const redis = make();
      expect(await redis.subscribe('a')).toBe(1);
      expect(await redis.subscribe('b', 'c')).toBe(3);
      expect(await redis.psubscribe('x*')).toBe(4);
      expect(await redis.subscribe('a')).toBe(4);
      expect(await redis.unsubscribe('a', 'none')).toBe(3);
      expect(await redis.punsubscribe('x*')).toBe(2);
      expect(await redis.unsubscribe()).toBe(0);
      expect(await redis.unsubscribe()).toBe(0);
      expect(await redis.unsubscribe('nothing')).toBe(0);
    });

    test('messages', async () => {
      const publisher = make();
      const redis = make();
      const seen = record(redis, ['message', 'messageBuffer', 'pmessage', 'pmessageBuffer']);
      await redis.subscribe('täst');
      await redis.psubscribe('t*');
      const done = next(redis, 'pmessageBuffer');
      expect(await publisher.publish('täst', 'wörd')).toBe(2);
      await done;
      expect(seen).toEqual([
        ['message', 'täst', 'wörd'],
        ['messageBuffer', Buffer.from('täst'), Buffer.from('wörd')],
        ['pmessage', 't*', 'täst', 'wörd'],
        ['pmessageBuffer', 't*', Buffer.from('täst'), Buffer.from('wörd')],
      ]);
    });

    test('bytes and empty messages', async () => {
      const publisher = make();
      const redis = make();
      await redis.subscribe('bytes');
      const first = next(redis, 'messageBuffer');
      await publisher.publish('bytes', Buffer.from([0xff, 0]));
      expect(await first).toEqual([Buffer.from('bytes'), Buffer.from([0xff, 0])]);
      const second = next(redis, 'message');
      await publisher.publish('bytes', '');
      expect(await second).toEqual(['bytes', '']);
    });

    test('sharded channels', async () => {
      const publisher = make();
      const redis = make();
      const seen = record(redis, ['smessage', 'smessageBuffer']);
      expect(await redis.ssubscribe('shard')).toBe(1);
      const done = next(redis, 'smessageBuffer');
      await publisher.spublish('shard', 'hi');
      await done;
      expect(seen).toEqual([
        ['smessage', 'shard', 'hi'],
        ['smessageBuffer', Buffer.from('shard'), Buffer.from('hi')],
      ]);
      expect(await redis.sunsubscribe('shard')).toBe(0);
    });

    test('the mode while it is subscribed', async () => {
      const redis = make();
      expect(redis.mode).toBe('normal');
      await redis.subscribe('a');
      if (protocol === 2) {
        expect(redis.mode).toBe('subscriber');
        const error = await failure(redis.get('key'));
        expect(error.message).toBe(
          'Connection in subscriber mode, only subscriber commands may be used',
        );
        expect(await redis.ping()).toEqual(['pong', '']);
        expect(await redis.ping('hi')).toEqual(['pong', 'hi']);
      } else {
        expect(redis.mode).toBe('normal');
        expect(await redis.ping()).toBe('PONG');
        await redis.del('list');
        await redis.rpush('list', 'message', 'a', 'no message');
        expect(await redis.lrange('list', 0, -1)).toEqual(['message', 'a', 'no message']);
      }
      await redis.unsubscribe('a');
      expect(redis.mode).toBe('normal');
      expect(await redis.set('key', 1)).toBe('OK');
      expect(await redis.quit()).toBe('OK');
    });

    test('within a pipeline', async () => {
      const redis = make();
      expect(await redis.pipeline().set('a', 1).subscribe('one', 'two').exec()).toEqual([
        [null, 'OK'],
        [null, 2],
      ]);
    });

    test('again after the connection was lost', async () => {
      const publisher = make();
      const redis = make({ retryStrategy: () => 1, connectionName: 'lost' });
      await redis.subscribe('a', 'b');
      await redis.psubscribe('p*');
      await redis.ssubscribe('s');
      redis.stream.destroy();
      await next(redis, 'ready');
      expect(await redis.subscribe('c')).toBe(4);
      const message = next(redis, 'message');
      await publisher.publish('b', 'still there');
      expect(await message).toEqual(['b', 'still there']);
      const matched = next(redis, 'pmessage');
      await publisher.publish('p1', 'too');
      expect(await matched).toEqual(['p*', 'p1', 'too']);
      const sharded = next(redis, 'smessage');
      await publisher.spublish('s', 'and here');
      expect(await sharded).toEqual(['s', 'and here']);
    });

    test('not again without autoResubscribe', async () => {
      const redis = make({ retryStrategy: () => 1, autoResubscribe: false });
      await redis.subscribe('a');
      redis.stream.destroy();
      await next(redis, 'ready');
      expect(redis.mode).toBe('normal');
      expect(await redis.subscribe('c')).toBe(1);
    });
  });
});
