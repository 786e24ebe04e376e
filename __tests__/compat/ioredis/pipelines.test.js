'use strict';
// Pipelines and transactions: what they resolve with, and what goes wrong within them.

const { IMPLEMENTATIONS } = require('./implementations.js');
const { called, failure, track, useServer } = require('./instances.js');

const server = useServer();

const messages = (errors) => errors.map(({ message }) => message);

describe.each(IMPLEMENTATIONS)('%s', (_name, load) => {
  const make = (options) => track(new (load())({ port: server.current.port, ...options }));

  let redis;
  beforeEach(async () => {
    redis = make();
    await redis.flushall();
  });

  describe('a pipeline', () => {
    test('of replies and errors', async () => {
      const results = await redis.pipeline().set('a', 1).get('a').lpop('a').getBuffer('a').exec();
      expect(results).toHaveLength(4);
      expect(results[0]).toEqual([null, 'OK']);
      expect(results[1]).toEqual([null, '1']);
      expect(results[2]).toHaveLength(1);
      expect(results[2][0].message).toMatch(/^WRONGTYPE/);
      expect(results[3]).toEqual([null, Buffer.from('1')]);
    });

    test('of nothing', async () => {
      expect(await redis.pipeline().exec()).toEqual([]);
    });

    test('of a list of commands', async () => {
      const pipeline = redis.pipeline([
        ['set', 'a', 1],
        ['get', 'a'],
      ]);
      expect(pipeline.length).toBe(2);
      expect(await pipeline.exec()).toEqual([
        [null, 'OK'],
        [null, '1'],
      ]);
    });

    test('with callbacks of its own and of its commands', async () => {
      const seen = [];
      const pipeline = redis.pipeline().set('a', 1, (error, reply) => seen.push([error, reply]));
      const given = await called((done) => pipeline.exec(done));
      expect(given).toEqual([null, [[null, 'OK']]]);
      expect(seen).toEqual([[null, 'OK']]);
    });

    test('of call and of scripts', async () => {
      redis.defineCommand('twice', { numberOfKeys: 1, lua: 'return {KEYS[1], KEYS[1]}' });
      expect(await redis.pipeline().call('ECHO', 'hi').twice('k').twiceBuffer('k').exec()).toEqual([
        [null, 'hi'],
        [null, ['k', 'k']],
        [null, [Buffer.from('k'), Buffer.from('k')]],
      ]);
    });

    test('before the connection is ready', async () => {
      const late = make({ lazyConnect: true });
      expect(await late.pipeline().set('a', 1).incr('a').exec()).toEqual([
        [null, 'OK'],
        [null, 2],
      ]);
    });

    test('of an instance that has ended', async () => {
      const over = make({ lazyConnect: true });
      over.disconnect();
      const [[error]] = await over.pipeline().get('a').exec();
      expect(error.message).toBe('Connection is closed.');
    });

    test('with a transaction in it', async () => {
      const results = await redis.pipeline().get('a').multi().set('a', 1).get('a').exec().exec();
      expect(results).toEqual([
        [null, null],
        [null, 'OK'],
        [null, 'QUEUED'],
        [null, 'QUEUED'],
        [null, ['OK', '1']],
      ]);
    });
  });

  describe('a transaction', () => {
    test('of replies', async () => {
      const results = await redis
        .multi()
        .set('a', 'ä')
        .get('a')
        .getBuffer('a')
        .hset('h', { x: 1 })
        .hgetall('h')
        .exec();
      expect(results).toEqual([
        [null, 'OK'],
        [null, 'ä'],
        [null, Buffer.from('ä')],
        [null, 1],
        [null, { x: '1' }],
      ]);
    });

    test('of a list, and with a callback', async () => {
      const transaction = redis.multi([
        ['set', 'a', 1],
        ['incr', 'a'],
      ]);
      expect(await called((done) => transaction.exec(done))).toEqual([
        null,
        [
          [null, 'OK'],
          [null, 2],
        ],
      ]);
    });

    test('of nothing', async () => {
      expect(await redis.multi().exec()).toEqual([]);
    });

    test('with an error when it runs', async () => {
      const results = await redis.multi().set('a', 'x').incr('a').get('a').exec();
      expect(results[0]).toEqual([null, 'OK']);
      expect(messages(results[1])).toEqual(['ERR value is not an integer or out of range']);
      expect(results[2]).toEqual([null, 'x']);
    });

    test('with a command that is refused', async () => {
      const error = await failure(redis.multi().set('a', 1).set('b').get('a').exec());
      expect(error.message).toBe('EXECABORT Transaction discarded because of previous errors.');
      expect(error.command).toEqual({ name: 'exec', args: [] });
      expect(messages(error.previousErrors)).toEqual([
        "ERR wrong number of arguments for 'set' command",
      ]);
      expect(await redis.get('a')).toBeNull();
    });

    test('that a watched key has stopped', async () => {
      const other = make();
      await redis.watch('key');
      await other.set('key', 1);
      expect(await redis.multi().get('key').exec()).toBeNull();
    });

    test('that is discarded', async () => {
      const results = await redis.multi({ pipeline: false }).then(async () => {
        expect(await redis.set('a', 1)).toBe('QUEUED');
        return redis.discard();
      });
      expect(results).toBe('OK');
      expect(await redis.get('a')).toBeNull();
    });

    test('command by command', async () => {
      await redis.multi({ pipeline: false });
      expect(await redis.set('a', 1)).toBe('QUEUED');
      expect(await redis.get('a')).toBe('QUEUED');
      expect(await redis.exec()).toEqual([
        [null, 'OK'],
        [null, '1'],
      ]);
    });

    test('command by command, refused', async () => {
      await redis.multi({ pipeline: false });
      await failure(redis.set('a'));
      expect((await failure(redis.exec())).message).toMatch(/^EXECABORT/);
    });

    test('with scripts', async () => {
      redis.defineCommand('echoes', { numberOfKeys: 1, lua: 'return {KEYS[1], ARGV[1]}' });
      const run = () => redis.multi().echoes('k', 'v').echoesBuffer('k', 'w').exec();
      const expected = [
        [null, ['k', 'v']],
        [null, [Buffer.from('k'), Buffer.from('w')]],
      ];
      expect(await run()).toEqual(expected);
      expect(await run()).toEqual(expected);
    });

    test('of RESP2', async () => {
      const old = make({ protocol: 2 });
      await old.hset('h', { x: 1 });
      expect(await old.multi().hgetall('h').zadd('z', 1.5, 'a').zscore('z', 'a').exec()).toEqual([
        [null, { x: '1' }],
        [null, 1],
        [null, '1.5'],
      ]);
    });
  });
});
