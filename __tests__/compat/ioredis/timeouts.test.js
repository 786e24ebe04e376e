'use strict';
// Time: by timers that tests may replace, of commands, sockets and blocked commands.

const { IMPLEMENTATIONS } = require('./implementations.js');
const { failure, next, record, track, useServer } = require('./instances.js');
const { ScriptedServer } = require('./scripted.js');

const server = useServer();
let scripted = null;

afterEach(async () => {
  await scripted?.close();
  scripted = null;
});

/** Only those that programs fake in order to turn the clock. */
const fake = () => jest.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date'] });

describe.each(IMPLEMENTATIONS)('%s', (_name, load) => {
  const make = (options) => track(new (load())({ port: server.current.port, ...options }));

  async function silent(options, names = ['get']) {
    scripted = await ScriptedServer.start(([name]) => (names.includes(name) ? '' : null));
    const redis = make({ port: scripted.port, retryStrategy: () => 1, ...options });
    await next(redis, 'ready');
    return redis;
  }

  test('commandTimeout: the command fails, the connection stays', async () => {
    const redis = await silent({ commandTimeout: 1000 });
    fake();
    const command = failure(redis.get('key'));
    jest.advanceTimersByTime(1000);
    expect((await command).message).toBe('Command timed out');
    expect(redis.status).toBe('ready');
  });

  test('commandTimeout of what waits in the offline queue', async () => {
    const redis = make({ lazyConnect: true, commandTimeout: 50 });
    fake();
    const command = failure(redis.get('key'));
    jest.advanceTimersByTime(50);
    expect((await command).message).toBe('Command timed out');
  });

  test("a late reply is nobody else's", async () => {
    scripted = await ScriptedServer.start(([name], socket) => {
      if (name === 'get') return '';
      if (name !== 'echo') return null;
      socket.write('$4\r\nlate\r\n');
      return '$5\r\nright\r\n';
    });
    const redis = make({ port: scripted.port, commandTimeout: 1000 });
    await next(redis, 'ready');
    fake();
    const command = failure(redis.get('key'));
    jest.advanceTimersByTime(1000);
    await command;
    expect(await redis.echo('x')).toBe('right');
  });

  test('socketTimeout: the connection that is silent ends', async () => {
    const redis = await silent({ socketTimeout: 200, autoResendUnfulfilledCommands: false });
    const seen = record(redis, ['error', 'close']);
    redis.get('key').catch(() => {});
    await next(redis, 'close');
    expect(seen.map(([name, error]) => error?.message ?? name)).toEqual([
      "Socket timeout. Expecting data, but didn't receive any in 200ms.",
      'close',
    ]);
  });

  test('socketTimeout does not count while nothing is owed', async () => {
    const redis = await silent({ socketTimeout: 1000 });
    const errors = record(redis, ['error']);
    fake();
    expect(await redis.set('key', 1)).toBe('OK');
    jest.advanceTimersByTime(5000);
    expect(redis.status).toBe('ready');
    expect(errors).toEqual([]);
  });

  test.each([
    ['blpop', ['list', 1], 1100],
    ['blpop', ['list', 0], 3000],
    ['bzmpop', [2, 1, 'zset', 'MIN'], 2100],
    ['xread', ['BLOCK', 500, 'STREAMS', 's', '$'], 600],
    ['xread', ['BLOCK', 0, 'STREAMS', 's', '$'], 3000],
    ['xread', ['STREAMS', 's', '$'], 3000],
  ])('blockingTimeout of %s %j', async (name, args, ms) => {
    const redis = await silent({ blockingTimeout: 3000 }, [name]);
    fake();
    const settled = jest.fn();
    const reply = redis[name](...args);
    reply.then(settled);
    await scripted.hears(name, 1);
    jest.advanceTimersByTime(ms - 1);
    await Promise.resolve();
    expect(settled).not.toHaveBeenCalled();
    jest.advanceTimersByTime(1);
    expect(await reply).toBeNull();
  });

  test('blockingTimeout of what waits in the offline queue', async () => {
    const redis = make({ lazyConnect: true, blockingTimeout: 50 });
    fake();
    const reply = redis.blpop('list', 0);
    jest.advanceTimersByTime(50);
    expect(await reply).toBeNull();
  });

  test('no timer is left behind', async () => {
    const redis = make({ commandTimeout: 1000, blockingTimeout: 1000 });
    await next(redis, 'ready');
    fake();
    await redis.set('key', 1);
    await redis.blpop('none', 0.01);
    await failure(redis.incr('a', 'b'));
    expect(jest.getTimerCount()).toBe(0);
  });
});
