'use strict';
// While there is no connection: what waits, what is refused, and what is sent again afterwards.

const { IMPLEMENTATIONS } = require('./implementations.js');
const { failure, next, record, track, useServer } = require('./instances.js');
const { ScriptedServer, oldServer } = require('./scripted.js');
const { RedisServer } = require('../../support/redis.js');
const { freePort } = require('../../support/server.js');

const server = useServer();
let scripted = null;

afterEach(async () => {
  await scripted?.close();
  scripted = null;
});

describe.each(IMPLEMENTATIONS)('%s', (_name, load) => {
  const make = (options) => track(new (load())({ port: server.current.port, ...options }));
  const lost = (options) => make({ retryStrategy: () => 1, ...options });

  test('commands wait, and keep their database', async () => {
    const redis = make({ lazyConnect: true });
    const replies = [
      redis.set('key', 'zero'),
      redis.select(1),
      redis.set('key', 'one'),
      redis.select(0),
      redis.get('key'),
    ];
    expect(redis.offlineQueue.length).toBe(5);
    expect(await Promise.all(replies)).toEqual(['OK', 'OK', 'OK', 'OK', 'zero']);
    expect(redis.offlineQueue.length).toBe(0);
    expect(redis.condition.select).toBe(0);
    await redis.select(1);
    expect(await redis.get('key')).toBe('one');
  });

  test('the database is the same after the connection was lost', async () => {
    const redis = lost({ db: 2 });
    await redis.select(3);
    await redis.set('where', 'three');
    redis.stream.destroy();
    expect(await redis.get('where')).toBe('three');
    expect(redis.condition.select).toBe(3);
  });

  test('without an offline queue commands are refused', async () => {
    const redis = make({ enableOfflineQueue: false });
    const error = await failure(redis.get('key'));
    expect(error.message).toBe("Stream isn't writeable and enableOfflineQueue options is false");
    await next(redis, 'ready');
    expect(await redis.ping()).toBe('PONG');
  });

  test('quit() of one that is not connected yet', async () => {
    const redis = make({ lazyConnect: true });
    expect(await redis.quit()).toBe('OK');
    const retrying = make({ port: await freePort(), retryStrategy: () => 10_000 });
    retrying.on('error', () => {});
    await next(retrying, 'reconnecting');
    expect(await retrying.quit()).toBe('OK');
  });

  test('quit() after others waits for them', async () => {
    const redis = make();
    const set = redis.set('before', 'quit');
    expect(await redis.quit()).toBe('OK');
    expect(await set).toBe('OK');
    await next(redis, 'end');
  });

  test('maxRetriesPerRequest fails what waits', async () => {
    const { ReplyError } = load();
    const redis = make({
      port: await freePort(),
      host: '127.0.0.1',
      maxRetriesPerRequest: 1,
      retryStrategy: () => 1,
    });
    redis.on('error', () => {});
    const error = await failure(redis.get('key'));
    expect(error).not.toBeInstanceOf(ReplyError);
    expect(error.name).toBe('MaxRetriesPerRequestError');
    expect(error.message).toBe(
      'Reached the max retries per request limit (which is 1). ' +
        'Refer to "maxRetriesPerRequest" option for details.',
    );
    const again = await failure(redis.get('key'));
    expect(again.name).toBe('MaxRetriesPerRequestError');
  });

  test.each([[null], [-1]])('maxRetriesPerRequest %p waits for ever', async (most) => {
    const port = await freePort();
    const redis = make({ port, maxRetriesPerRequest: most, retryStrategy: () => 1 });
    redis.on('error', () => {});
    const reply = redis.set('late', 1);
    for (let i = 0; i < 30; i++) await next(redis, 'reconnecting');
    scripted = await ScriptedServer.start(undefined, port);
    expect(await reply).toBe('OK');
  });

  test('what was not answered is sent again', async () => {
    let answers = false;
    scripted = await ScriptedServer.start((words) =>
      words[0] === 'incr' ? (answers ? ':7\r\n' : '') : oldServer(words),
    );
    const redis = lost({ port: scripted.port });
    await next(redis, 'ready');
    const reply = redis.incr('counter');
    const batch = redis.pipeline().incr('a').incr('b').exec();
    await scripted.hears('incr', 3);
    answers = true;
    scripted.cut();
    expect(await reply).toBe(7);
    expect(await batch).toEqual([
      [null, 7],
      [null, 7],
    ]);
    expect(scripted.heard.filter(([name]) => name === 'incr')).toHaveLength(6);
  });

  test('it is not without autoResendUnfulfilledCommands', async () => {
    scripted = await ScriptedServer.start((words) => (words[0] === 'incr' ? '' : oldServer(words)));
    const redis = lost({ port: scripted.port, autoResendUnfulfilledCommands: false });
    await next(redis, 'ready');
    const settled = jest.fn();
    redis.incr('counter').then(settled, settled);
    await scripted.hears('incr', 1);
    scripted.cut();
    await next(redis, 'ready');
    expect(await redis.get('key')).toBe('OK');
    expect(scripted.heard.filter(([name]) => name === 'incr')).toHaveLength(1);
  });

  test('a pipeline that was answered in part is aborted', async () => {
    scripted = await ScriptedServer.start(([name, key], socket) => {
      if (name !== 'incr') return null;
      if (key === 'a') return ':1\r\n';
      if (key === 'c') socket.destroy();
      return '';
    });
    const redis = lost({ port: scripted.port });
    await next(redis, 'ready');
    const [first, ...rest] = await redis.pipeline().incr('a').incr('b').incr('c').exec();
    expect(first).toEqual([null, 1]);
    for (const [error] of rest) {
      expect(error.name).toBe('AbortError');
      expect(error.message).toBe('Command aborted due to connection close');
      expect(error.command.name).toBe('incr');
    }
    expect(rest.map(([error]) => error.command.args)).toEqual([['b'], ['c']]);
  });

  test('a transaction that was answered in part is aborted', async () => {
    scripted = await ScriptedServer.start(([name], socket) => {
      if (name === 'multi') return '+OK\r\n';
      if (name === 'set') return '+QUEUED\r\n';
      if (name !== 'exec') return null;
      socket.destroy();
      return '';
    });
    const redis = lost({ port: scripted.port });
    await next(redis, 'ready');
    const error = await failure(redis.multi().set('a', 1).exec());
    expect(error.name).toBe('AbortError');
    expect(error.command).toEqual({ name: 'exec', args: [] });
    expect(error.previousErrors).toEqual([]);
  });

  test('a server that is killed and comes back', async () => {
    const own = await RedisServer.start();
    try {
      const redis = lost({ port: own.port, maxRetriesPerRequest: null });
      redis.on('error', () => {});
      const seen = record(redis, ['close', 'ready']);
      await redis.set('key', 1);
      await own.stop();
      await next(redis, 'reconnecting');
      const waiting = redis.get('key');
      await own.start();
      expect(await waiting).toBeNull();
      expect(seen.map(([name]) => name).filter((name) => name === 'ready').length).toBe(2);
    } finally {
      await own.destroy();
    }
  });

  describe('reconnectOnError', () => {
    const readonly = (times) => {
      let left = times;
      return (words) => {
        if (words[0] !== 'set') return oldServer(words);
        return left-- > 0 ? '-READONLY You can not write\r\n' : '+OK\r\n';
      };
    };

    test('true connects anew and rejects', async () => {
      scripted = await ScriptedServer.start(readonly(1));
      const redis = lost({
        port: scripted.port,
        reconnectOnError: ({ message }) => message.startsWith('READONLY'),
      });
      const error = await failure(redis.set('key', 1));
      expect(error.message).toBe('READONLY You can not write');
      await next(redis, 'ready');
      expect(await redis.set('key', 1)).toBe('OK');
    });

    test('2 connects anew and sends again', async () => {
      scripted = await ScriptedServer.start(readonly(2));
      const redis = lost({ port: scripted.port, reconnectOnError: () => 2 });
      const seen = record(redis, ['ready']);
      expect(await redis.set('key', 1)).toBe('OK');
      expect(seen).toHaveLength(3);
    });

    test('false rejects', async () => {
      scripted = await ScriptedServer.start(readonly(1));
      const asked = jest.fn(() => false);
      const redis = lost({ port: scripted.port, reconnectOnError: asked });
      const error = await failure(redis.set('key', 1));
      expect(asked).toHaveBeenCalledTimes(1);
      expect(asked).toHaveBeenCalledWith(error);
      expect(redis.status).toBe('ready');
    });
  });
});
