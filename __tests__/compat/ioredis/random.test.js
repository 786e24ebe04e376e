'use strict';
// Random commands, with and without a prefix, in texts and Buffers: ioredis and the drop-in, each on
// a database of its own, give the same replies and leave the same data. POLYPOOL_TEST_SEED=<seed> repeats a run.

const fc = require('fast-check');
const { seed } = require('../../support/random.js');
const { track, useServer } = require('./instances.js');

const server = useServer();
const RUNS = 60;

const KEYS = ['a', 'b', 'ключ', 'c d'];

const key = fc.constantFrom(...KEYS).chain((name) => fc.constantFrom(name, Buffer.from(name)));
const word = fc.oneof(
  fc.constantFrom('', '0', '1', 'x', 'ä€😀', 'line\r\nbreak'),
  fc.integer({ min: -5, max: 5 }),
  fc.double({ noNaN: true, min: -10, max: 10 }),
  fc.uint8Array({ maxLength: 8 }).map((bytes) => Buffer.from(bytes)),
  fc.constantFrom(null, true, 2 ** 40),
);
/** Eighths, which ioredis reads as exactly as anybody. */
const score = fc.integer({ min: -1e6, max: 1e6 }).map((eighths) => eighths / 8);
const count = fc.integer({ min: -3, max: 3 });

const command = (name, ...args) =>
  fc.tuple(fc.constantFrom(name, `${name}Buffer`), fc.tuple(...args)).map(([method, given]) => ({
    method,
    args: given,
  }));

const commands = fc.oneof(
  command('set', key, word),
  command('set', key, word, fc.constantFrom('NX', 'XX', 'GET')),
  command('get', key),
  command('getset', key, word),
  command('append', key, word),
  command('incrby', key, count),
  command('incrbyfloat', key, score),
  command('del', fc.array(key, { minLength: 1, maxLength: 3 })),
  command('exists', key, key),
  command('mget', fc.array(key, { minLength: 1, maxLength: 4 })),
  command('mset', fc.dictionary(fc.constantFrom(...KEYS), word, { minKeys: 1 })),
  command('rpush', key, word, word),
  command('lrange', key, count, count),
  command('lpop', key, fc.integer({ min: 0, max: 2 })),
  command('sadd', key, word, word),
  command('sismember', key, word),
  command('hset', key, fc.dictionary(fc.constantFrom('f', '__proto__', 'ü'), word, { minKeys: 1 })),
  command('hset', key, word, word),
  command('hgetall', key),
  command('hmget', key, word, word),
  command('zadd', key, score, word),
  command('zscore', key, word),
  command('zrange', key, count, count, fc.constant('WITHSCORES')),
  command('zpopmin', key),
  command('zunionstore', key, fc.constant(2), key, key),
  command('rename', key, key),
  command('type', key),
  command('sort', key, fc.constant('ALPHA')),
  command('call', fc.constantFrom('GET', 'strlen', 'NONSENSE'), key),
  command('eval', fc.constant('return {KEYS[1], ARGV[1], #ARGV}'), fc.constant(1), key, word),
);

/** How the commands of a run go out. */
const shape = fc.constantFrom('one by one', 'at once', 'pipeline', 'multi');

/** Errors as what programs see of them. */
function told(value) {
  if (!(value instanceof Error)) return value;
  const { name, message, command: sent, previousErrors } = value;
  return { name, message, sent, previousErrors: previousErrors?.map(told) };
}

/** ioredis reads RESP3's doubles digit by digit, which is off in the last places. */
const rounded = (value) => {
  if (typeof value === 'number') return Number(value.toPrecision(13));
  if (Array.isArray(value)) return value.map(rounded);
  return value;
};

const settled = (promise) => promise.then((value) => value, told);

async function run(redis, how, list) {
  const send = ({ method, args }) => settled(redis[method](...copies(args)));
  if (how === 'one by one') {
    const replies = [];
    for (const one of list) replies.push(await send(one));
    return replies;
  }
  if (how === 'at once') return Promise.all(list.map(send));
  const batch = redis[how]();
  for (const { method, args } of list) batch[method](...copies(args));
  const results = await settled(batch.exec());
  return Array.isArray(results) ? results.map((result) => result.map(told)) : results;
}

/** Clients may change what they are given. */
const copies = (args) => args.map((arg) => (Array.isArray(arg) ? arg.slice() : arg));

/** What is stored, as the server writes it. */
async function stored(redis) {
  const keys = (await redis.keysBuffer('*')).sort(Buffer.compare);
  return Promise.all(keys.map(async (name) => [name, await redis.dumpBuffer(name)]));
}

const connections = fc.record({
  keyPrefix: fc.constantFrom('', 'p:', Buffer.from('p:')),
  spoken: fc.constantFrom({ protocol: 2 }, { protocol: 3 }, { protocol: 3, replyMapping: 'resp3' }),
  stringNumbers: fc.boolean(),
});

test('random commands agree', async () => {
  const property = fc.asyncProperty(
    connections,
    shape,
    fc.array(commands, { minLength: 1, maxLength: 25 }),
    async ({ spoken, ...options }, how, list) => {
      const observed = [];
      for (const [db, load] of [
        [1, require('ioredis')],
        [2, require('polypool/ioredis')],
      ]) {
        const given = { ...options, ...spoken, port: server.current.port, db };
        const redis = track(new load(given));
        const plain = track(new load({ port: server.current.port, db }));
        await plain.flushdb();
        const replies = await run(redis, how, list);
        observed.push({ replies: rounded(replies), data: await stored(plain) });
        redis.disconnect();
        plain.disconnect();
      }
      expect(observed[1]).toEqual(observed[0]);
    },
  );
  await fc.assert(property, { numRuns: RUNS, seed, verbose: 0 });
});
