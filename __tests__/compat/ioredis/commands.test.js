'use strict';
// Commands: what may be given as arguments, what replies become, and what errors say.

const { IMPLEMENTATIONS } = require('./implementations.js');
const { called, failure, track, useServer } = require('./instances.js');

const server = useServer();

describe.each(IMPLEMENTATIONS)('%s', (_name, load) => {
  const make = (options) => track(new (load())({ port: server.current.port, ...options }));

  let redis;
  beforeEach(async () => {
    redis = make();
    await redis.flushall();
  });

  test.each([
    ['a text', 'täxt', 'täxt'],
    ['an empty text', '', ''],
    ['a number', 1.5, '1.5'],
    ['a large whole number', 2 ** 70, '1180591620717411303424'],
    ['an endless number', Infinity, 'Infinity'],
    ['a bigint', 12345678901234567890n, '12345678901234567890'],
    ['a boolean', true, 'true'],
    ['null', null, ''],
    ['undefined', undefined, ''],
    ['an object', { a: 1 }, '[object Object]'],
    ['a Date', new Date(0), String(new Date(0))],
    ['a Uint8Array', new Uint8Array([1, 2]), '1,2'],
    ['a Buffer', Buffer.from('bytes'), 'bytes'],
    ['an empty Buffer', Buffer.alloc(0), ''],
    ['a long text', 'é'.repeat(100_000), 'é'.repeat(100_000)],
  ])('%s as an argument', async (_what, given, stored) => {
    expect(await redis.set('key', given)).toBe('OK');
    expect(await redis.get('key')).toBe(stored);
    expect(await redis.getBuffer('key')).toEqual(Buffer.from(stored));
  });

  test('bytes that are no text', async () => {
    const bytes = Buffer.from([0xff, 0x00, 0xc3, 0x28, 0x0d, 0x0a]);
    await redis.set(Buffer.from([0xfe]), bytes);
    expect(await redis.getBuffer(Buffer.from([0xfe]))).toEqual(bytes);
    expect(await redis.get(Buffer.from([0xfe]))).toBe(bytes.toString());
    expect(await redis.keysBuffer('*')).toEqual([Buffer.from([0xfe])]);
  });

  test('a symbol and an object without a text', async () => {
    expect(await redis.set('symbol', Symbol('s'))).toBe('OK');
    expect(await redis.get('symbol')).toBe('Symbol(s)');
  });

  test('lists of arguments, nested once', async () => {
    expect(await redis.rpush(['list', 'a', 'b'])).toBe(2);
    expect(await redis.rpush('list', ['c', 'd'])).toBe(4);
    expect(await redis.lrange('list', [0, -1])).toEqual(['a', 'b', 'c', 'd']);
    expect(await redis.del(['list', 'none'])).toBe(1);
  });

  test('callbacks, with replies and with errors', async () => {
    expect(await called((done) => redis.set('key', 'value', done))).toEqual([null, 'OK']);
    expect(await called((done) => redis.get('key', done))).toEqual([null, 'value']);
    expect(await called((done) => redis.get('none', done))).toEqual([null, null]);
    const [error, ...rest] = await called((done) => redis.incr('key', done).catch(() => {}));
    expect(error.message).toBe('ERR value is not an integer or out of range');
    expect(rest).toEqual([]);
  });

  test('what the server refuses', async () => {
    const { ReplyError } = load();
    await redis.set('key', 'value');
    const error = await failure(redis.lpush('key', 'a', Buffer.from('b')));
    expect(error).toBeInstanceOf(ReplyError);
    expect(error.name).toBe('ReplyError');
    expect(error.message).toBe('WRONGTYPE Operation against a key holding the wrong kind of value');
    expect(error.command).toEqual({ name: 'lpush', args: ['key', 'a', Buffer.from('b')] });
    expect(Object.keys(error)).toEqual(['command']);
    const unknown = await failure(redis.call('nonsense', 'x'));
    expect(unknown.message).toMatch(/^ERR unknown command 'nonsense'/);
  });

  test('replies of every kind', async () => {
    await redis.zadd('zset', 1.5, 'a', 'inf', 'b', '-inf', 'c', 0.1, 'd');
    expect(await redis.zscore('zset', 'a')).toBe('1.5');
    expect(await redis.zscore('zset', 'b')).toBe('inf');
    expect(await redis.zscore('zset', 'd')).toBe('0.10000000000000001');
    expect(await redis.zscoreBuffer('zset', 'a')).toEqual(Buffer.from('1.5'));
    expect(await redis.zmscore('zset', 'a', 'none')).toEqual(['1.5', null]);
    expect(await redis.zrange('zset', 0, -1, 'WITHSCORES')).toEqual([
      'c',
      '-inf',
      'd',
      '0.10000000000000001',
      'a',
      '1.5',
      'b',
      'inf',
    ]);
    expect(await redis.zpopmin('zset')).toEqual(['c', '-inf']);
    expect(await redis.zincrby('zset', 2, 'a')).toBe('3.5');
    await redis.sadd('set', 'x');
    expect(await redis.smembers('set')).toEqual(['x']);
    expect(await redis.sismember('set', 'x')).toBe(1);
    expect(await redis.exists('set')).toBe(1);
    expect(await redis.type('set')).toBe('set');
    expect(await redis.blpop('none', 0.01)).toBeNull();
    expect(await redis.mget('a', 'b')).toEqual([null, null]);
    expect(await redis.set('big', '9007199254740993')).toBe('OK');
    expect(await redis.incr('big')).toBe(9007199254740994);
    expect(await redis.config('GET', 'maxclients')).toEqual(['maxclients', '10000']);
    expect(await redis.eval('return {1, "a", {2, false}, {err = "ERR nested"}}', 0)).toEqual([
      1,
      'a',
      [2, null],
      expect.objectContaining({ message: 'ERR nested' }),
    ]);
    expect(await redis.hrandfield('none', 1)).toEqual([]);
    await redis.hset('hash', 'a', 1);
    expect(await redis.hrandfield('hash', 1, 'WITHVALUES')).toEqual(['a', '1']);
  });

  test('replies of RESP3 through scripts', async () => {
    const ask = (lua) => redis.eval(`redis.setresp(3); return ${lua}`, 0);
    expect(await ask('{map = {a = 1}}')).toEqual(['a', 1]);
    expect(await ask('{set = {a = true}}')).toEqual(['a']);
    expect(await ask('{double = 3.5}')).toBe('3.5');
    expect(await ask('true')).toBe(1);
    expect(await ask('false')).toBe(0);
    expect(await ask('{big_number = "1234567890123456789012"}')).toBe('1234567890123456789012');
    expect(await ask('{verbatim_string = {format = "txt", string = "text"}}')).toBe('text');
  });

  test('streams', async () => {
    const id = await redis.xadd('stream', '*', 'field', 'value');
    const entries = [[id, ['field', 'value']]];
    expect(await redis.xread('STREAMS', 'stream', 0)).toEqual([['stream', entries]]);
    expect(await redis.xread('BLOCK', 1, 'STREAMS', 'stream', '$')).toBeNull();
    await redis.xgroup('CREATE', 'stream', 'group', 0);
    expect(
      await redis.xreadgroup('GROUP', 'group', 'me', 'COUNT', 1, 'STREAMS', 'stream', '>'),
    ).toEqual([['stream', entries]]);
    const info = await redis.xinfo('STREAM', 'stream');
    expect(info.slice(0, 2)).toEqual(['length', 1]);
  });

  test('replyMapping resp3', async () => {
    const mapped = make({ replyMapping: 'resp3' });
    await mapped.zadd('zset', 1.5, 'a');
    await mapped.hset('hash', '__proto__', 'x', 'constructor', 'y', 'z', 1);
    expect(await mapped.zscore('zset', 'a')).toBe(1.5);
    expect(await mapped.zrange('zset', 0, -1, 'WITHSCORES')).toEqual([['a', 1.5]]);
    const hash = await mapped.hgetall('hash');
    expect(Object.entries(hash)).toEqual([
      ['__proto__', 'x'],
      ['constructor', 'y'],
      ['z', '1'],
    ]);
    expect(await mapped.hgetallBuffer('hash')).toMatchObject({ z: Buffer.from('1') });
    expect(await mapped.config('GET', 'maxclients')).toEqual({ maxclients: '10000' });
    expect(await mapped.eval('redis.setresp(3); return true', 0)).toBe(true);
    const id = await mapped.xadd('stream', '*', 'field', 'value');
    expect(await mapped.xread('STREAMS', 'stream', 0)).toEqual({
      stream: [[id, ['field', 'value']]],
    });
    expect(() => make({ replyMapping: 'resp3', protocol: 2 })).toThrow(
      'The "resp3" replyMapping is only supported with protocol 3',
    );
  });

  test('stringNumbers', async () => {
    const texts = make({ stringNumbers: true });
    await texts.set('big', '9007199254740993');
    expect(await texts.incr('big')).toBe('9007199254740994');
    expect(await texts.exists('big')).toBe('1');
    expect(await texts.eval('return {1, {2}}', 0)).toEqual(['1', ['2']]);
    await texts.zadd('zset', 1.5, 'a');
    expect(await texts.zscore('zset', 'a')).toBe('1.5');
  });

  test('objects and Maps for MSET and HSET', async () => {
    expect(await redis.mset({ a: 1, b: 'two' })).toBe('OK');
    expect(await redis.mset(new Map([['c', 3]]))).toBe('OK');
    expect(await redis.mset(['d', 4])).toBe('OK');
    expect(await redis.mget('a', 'b', 'c', 'd')).toEqual(['1', 'two', '3', '4']);
    expect(await redis.msetnx({ a: 2 })).toBe(0);
    expect(await redis.hset('hash', { x: 1, y: null })).toBe(2);
    expect(await redis.hset('hash', new Map([['z', Buffer.from('b')]]))).toBe(1);
    expect(await redis.hmset('hash', { x: 2 })).toBe('OK');
    expect(await redis.hgetall('hash')).toEqual({ x: '2', y: '', z: 'b' });
    expect((await failure(redis.hset('hash', {}))).message).toBe(
      "ERR wrong number of arguments for 'hset' command",
    );
  });

  test('HGETALL of fields with odd names, and of nothing', async () => {
    await redis.hset('hash', '__proto__', 'a', 'constructor', 'b', 'toString', 'c', '2', 'd');
    const hash = await redis.hgetall('hash');
    expect(Object.keys(hash).sort()).toEqual(['2', '__proto__', 'constructor', 'toString']);
    expect(Object.getOwnPropertyDescriptor(hash, '__proto__').value).toBe('a');
    expect(Object.getPrototypeOf(hash)).toBe(Object.getPrototypeOf({}));
    expect(await redis.hgetall('none')).toEqual({});
    expect(await redis.hgetallBuffer('hash')).toHaveProperty('2', Buffer.from('d'));
  });

  test('transformers of the program', async () => {
    const { Command } = load();
    const { argument, reply } = Command._transformer;
    const before = argument.rpush;
    Command.setArgumentTransformer('rpush', ([key, ...words]) => [key, ...words.reverse()]);
    Command.setReplyTransformer('lrange', (words) => words.map((word) => word.toUpperCase()));
    try {
      await redis.rpush('list', 'a', 'b');
      expect(await redis.lrange('list', 0, -1)).toEqual(['B', 'A']);
      Command.setReplyTransformer('lrange', () => {
        throw new Error('transformer');
      });
      expect((await failure(redis.lrange('list', 0, -1))).message).toBe('transformer');
    } finally {
      delete reply.lrange;
      if (before) argument.rpush = before;
      else delete argument.rpush;
    }
    expect(await redis.ping()).toBe('PONG');
  });

  test('call, send_command and commands by hand', async () => {
    const { Command } = load();
    expect(await redis.call('SET', 'key', 'value', 'EX', 100)).toBe('OK');
    expect(await redis.call('get', ['key'])).toBe('value');
    expect(await redis.callBuffer('GET', 'key')).toEqual(Buffer.from('value'));
    expect(await redis.send_command('get', 'key')).toBe('value');
    const [, reply] = await called((done) => redis.call('GET', 'key', done));
    expect(reply).toBe('value');
    const command = new Command('get', ['key'], { replyEncoding: 'utf8' });
    expect(await redis.sendCommand(command)).toBe('value');
    const encoded = new Command('get', ['key'], { replyEncoding: 'hex' });
    expect(await redis.sendCommand(encoded)).toBe(Buffer.from('value').toString('hex'));
    const plain = new Command('get', ['key']);
    redis.sendCommand(plain);
    expect(await plain.promise).toEqual(Buffer.from('value'));
  });

  test('commands that the package does not know', async () => {
    const { string, buffer } = redis.createBuiltinCommand('get');
    await redis.set('key', 'value');
    expect(await string.call(redis, 'key')).toBe('value');
    expect(await buffer.call(redis, 'key')).toEqual(Buffer.from('value'));
    redis.addBuiltinCommand('object');
    expect(await redis.object('ENCODING', 'key')).toBe('embstr');
    const builtin = redis.getBuiltinCommands();
    expect(builtin).toContain('getex');
    expect(builtin).not.toContain('monitor');
  });

  test('everything goes through sendCommand of the instance', async () => {
    const seen = [];
    const { sendCommand } = redis;
    redis.sendCommand = function (command, ...rest) {
      seen.push(command.name);
      return sendCommand.call(this, command, ...rest);
    };
    await redis.get('a');
    await redis.pipeline().get('b').exec();
    await redis.multi().get('c').exec();
    redis.defineCommand('scripted', { numberOfKeys: 0, lua: 'return 1' });
    await redis.scripted();
    expect(seen).toEqual(['get', 'get', 'multi', 'get', 'exec', 'evalsha']);
  });

  test('whoever replaces resolve and reject of a command hears of its end', async () => {
    const { Command } = load();
    const seen = [];
    const trace = (command) => {
      const { resolve, reject } = command;
      command.resolve = (value) => {
        seen.push(String(value));
        resolve(value);
      };
      command.reject = (error) => {
        seen.push(error.message);
        reject(error);
      };
      return command;
    };
    const good = trace(new Command('echo', ['hi'], { replyEncoding: 'utf8' }));
    expect(await redis.sendCommand(good)).toBe('hi');
    const bad = trace(new Command('incr', ['a', 'b'], {}));
    await failure(redis.sendCommand(bad));
    expect(seen).toEqual(['hi', "ERR wrong number of arguments for 'incr' command"]);
  });

  test('friendly stacks lead to the caller', async () => {
    const friendly = make({ showFriendlyErrorStack: true });
    const error = await failure(friendly.set('a'));
    expect(error.stack).toMatch(/wrong number of arguments[^\n]*\n[^\n]*commands\.test\.js/);
  });

  test('select() tells, and holds for what follows', async () => {
    const seen = [];
    redis.on('select', (db) => seen.push(db));
    await redis.set('key', 0);
    expect(await redis.select(2)).toBe('OK');
    expect(await redis.get('key')).toBeNull();
    expect(redis.condition.select).toBe(2);
    await redis.select('0');
    expect(await redis.get('key')).toBe('0');
    expect(seen).toEqual([2, 0]);
  });

  test('many at a time keep their order', async () => {
    const written = Array.from({ length: 1000 }, (_, i) => redis.rpush('list', i));
    expect(await Promise.all(written)).toEqual(written.map((_, i) => i + 1));
    expect(await redis.llen('list')).toBe(1000);
    expect(redis.commandQueue.length).toBe(0);
  });
});
