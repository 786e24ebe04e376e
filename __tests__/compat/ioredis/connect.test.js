'use strict';
// From options to a ready connection, and out of it: statuses, events and errors in their order.

const { freePort } = require('../../support/server.js');
const { IMPLEMENTATIONS } = require('./implementations.js');
const { failure, next, record, recordLife, track, useServer } = require('./instances.js');
const { ScriptedServer } = require('./scripted.js');

const server = useServer();
let scripted = null;

afterEach(async () => {
  await scripted?.close();
  scripted = null;
});

describe.each(IMPLEMENTATIONS)('%s', (_name, load) => {
  const make = (...given) => track(new (load())(...given));
  const port = () => server.current.port;

  test('the way to ready and to the end', async () => {
    const redis = make(port());
    const seen = recordLife(redis);
    expect(redis.status).toBe('connecting');
    await next(redis, 'ready');
    expect(redis.status).toBe('ready');
    expect(await redis.quit()).toBe('OK');
    await next(redis, 'end');
    expect(seen).toEqual(['connecting', 'connect', 'ready', 'close', 'end']);
    expect(redis.status).toBe('end');
  });

  test('commands before and after it is ready', async () => {
    const redis = make(port());
    expect(await redis.set('early', 'yes')).toBe('OK');
    expect(redis.status).toBe('ready');
    expect(await redis.get('early')).toBe('yes');
  });

  test('lazily: the first command connects', async () => {
    const redis = make(port(), { lazyConnect: true });
    const seen = recordLife(redis);
    expect(redis.status).toBe('wait');
    expect(await redis.ping()).toBe('PONG');
    expect(seen).toEqual(['wait', 'connecting', 'connect', 'ready']);
  });

  test('connect() resolves when it is ready, and takes a callback', async () => {
    const redis = make({ port: port(), lazyConnect: true });
    await redis.connect();
    expect(redis.status).toBe('ready');
    const other = make({ port: port(), lazyConnect: true });
    await new Promise((resolve, reject) => {
      other.connect((error) => (error ? reject(error) : resolve()));
    });
    expect(other.status).toBe('ready');
  });

  test('connect() of one that is connected, and again after its end', async () => {
    const redis = make(port());
    expect((await failure(redis.connect())).message).toBe('Redis is already connecting/connected');
    await next(redis, 'ready');
    expect((await failure(redis.connect())).message).toBe('Redis is already connecting/connected');
    redis.disconnect();
    await next(redis, 'end');
    await redis.connect();
    expect(await redis.ping()).toBe('PONG');
  });

  test.each([
    ['an object', () => [{ host: '127.0.0.1', port: port() }]],
    ['port and host', () => [port(), '127.0.0.1']],
    ['port, host and options', () => [port(), '127.0.0.1', { db: 3 }]],
    ['a text of digits', () => [String(port())]],
    ['a URL', () => [`redis://127.0.0.1:${port()}/4`]],
    ['a URL with parameters', () => [`redis://127.0.0.1:${port()}?db=5`]],
    ['a URL and options', () => [`redis://localhost:${port()}`, { db: 2 }]],
    ['host and port in one', () => [`127.0.0.1:${port()}`]],
  ])('by %s', async (_form, given) => {
    const redis = make(...given());
    const { db } = redis.options;
    expect(await redis.client('INFO')).toMatch(new RegExp(`\\bdb=${db}\\b`));
  });

  test('its name, and the database that it chose', async () => {
    const redis = make({ port: port(), connectionName: 'tester', db: 6 });
    const info = await redis.client('INFO');
    expect(info).toMatch(/\bname=tester\b/);
    expect(info).toMatch(/\bdb=6\b/);
    expect(info).toMatch(/\bresp=3\b/);
  });

  test('protocol 2 says no HELLO', async () => {
    const redis = make({ port: port(), protocol: 2 });
    expect(await redis.client('INFO')).toMatch(/\bresp=2\b/);
  });

  test('a refused connection: its error, and the end without a retryStrategy', async () => {
    const redis = make({ port: await freePort(), host: '127.0.0.1', retryStrategy: null });
    const seen = recordLife(redis);
    const errors = record(redis, ['error']);
    const command = failure(redis.get('key'));
    await next(redis, 'end');
    const [[, error]] = errors;
    expect(error).toMatchObject({
      message: `connect ECONNREFUSED 127.0.0.1:${redis.options.port}`,
      code: 'ECONNREFUSED',
      syscall: 'connect',
      address: '127.0.0.1',
      port: redis.options.port,
    });
    expect(error.errno).toBeLessThan(0);
    expect(errors).toHaveLength(1);
    expect((await command).message).toBe('Connection is closed.');
    expect(seen).toEqual(['connecting', 'close', 'end']);
  });

  test('connect() rejects where the connection is refused', async () => {
    const redis = make({ port: await freePort(), lazyConnect: true, retryStrategy: null });
    const errors = record(redis, ['error']);
    expect((await failure(redis.connect())).message).toBe('Connection is closed.');
    expect(errors).toHaveLength(1);
  });

  test.each([[70_000], [-1], ['nonsense']])('port %p', async (given) => {
    const redis = make({ port: given });
    const command = failure(redis.get('key'));
    const [error] = await next(redis, 'error');
    expect(error.code).toBe('ERR_SOCKET_BAD_PORT');
    expect(await command).toBe(error);
    await next(redis, 'end');
  });

  test('a name that nobody knows', async () => {
    const redis = make({ host: 'nowhere.invalid', retryStrategy: null });
    const [error] = await next(redis, 'error');
    expect(error).toMatchObject({
      message: 'getaddrinfo ENOTFOUND nowhere.invalid',
      code: 'ENOTFOUND',
      syscall: 'getaddrinfo',
      hostname: 'nowhere.invalid',
    });
    await next(redis, 'end');
  });

  test('retries by its strategy, with the delay as the argument of the event', async () => {
    const redis = make({
      port: await freePort(),
      host: '127.0.0.1',
      retryStrategy: (times) => (times < 3 ? times : undefined),
    });
    redis.on('error', () => {});
    const delays = record(redis, ['reconnecting']);
    await next(redis, 'end');
    expect(delays).toEqual([
      ['reconnecting', 1],
      ['reconnecting', 2],
    ]);
  });

  test('a password that is wrong, and one that is not needed', async () => {
    const told = jest.spyOn(console, 'warn').mockImplementation(() => {});
    try {
      const user = make({
        port: port(),
        username: 'nobody',
        password: 'secret',
        retryStrategy: null,
      });
      const seen = recordLife(user);
      const errors = record(user, ['error']);
      const command = failure(user.get('key'));
      await next(user, 'end');
      const [[, error]] = errors;
      expect(error.name).toBe('ReplyError');
      expect(error.message).toBe('WRONGPASS invalid username-password pair or user is disabled.');
      expect(error.command.name).toBe('hello');
      expect(await command).toBe(error);
      expect(seen).toEqual(['connecting', 'connect', 'close', 'end']);
      expect(told).not.toHaveBeenCalled();

      const needless = make({ port: port(), protocol: 2, password: 'needless' });
      expect(await needless.ping()).toBe('PONG');
      expect(told.mock.calls).toEqual([
        [
          "[WARN] This Redis server's `default` user does not require a password, " +
            'but a password was supplied',
        ],
      ]);
    } finally {
      told.mockRestore();
    }
  });

  test('a user with a password, by options and by URL', async () => {
    const admin = make(port());
    await admin.call('ACL', 'SETUSER', 'ann', 'on', '>p@ss/word', '~*', '&*', '+@all');
    const given = { port: port(), username: 'ann', password: 'p@ss/word' };
    for (const options of [given, { ...given, protocol: 2 }]) {
      expect(await make(options).acl('WHOAMI')).toBe('ann');
    }
    const byUrl = make(`redis://ann:${encodeURIComponent('p@ss/word')}@127.0.0.1:${port()}`);
    expect(await byUrl.acl('WHOAMI')).toBe('ann');
  });

  test('a user who may not ask for INFO is told of it', async () => {
    const told = jest.spyOn(console, 'warn').mockImplementation(() => {});
    try {
      const admin = make(port());
      await admin.acl('SETUSER', 'bob', 'on', '>bob', '~*', '+get', '+client');
      const redis = make({ port: port(), username: 'bob', password: 'bob' });
      expect(await redis.get('nothing')).toBeNull();
      expect(told.mock.calls[0][0]).toMatch(
        /^Skipping the ready check because INFO command fails: /,
      );
    } finally {
      told.mockRestore();
    }
  });

  test('a database that there is not', async () => {
    const redis = make({ port: port(), db: 9999 });
    const [error] = await next(redis, 'error');
    expect(error.message).toBe('ERR DB index is out of range');
    expect(error.command).toEqual({ name: 'select', args: ['9999'] });
  });

  test('nobody answers in time', async () => {
    scripted = await ScriptedServer.start(() => '');
    const options = { tls: {}, connectTimeout: 50, retryStrategy: null };
    const redis = make({ port: scripted.port, host: '127.0.0.1', ...options });
    const seen = recordLife(redis);
    const [error] = await next(redis, 'error');
    expect(error).toMatchObject({
      message: 'connect ETIMEDOUT',
      errorno: 'ETIMEDOUT',
      code: 'ETIMEDOUT',
      syscall: 'connect',
    });
    await next(redis, 'end');
    expect(seen).toEqual(['connecting', 'close', 'end']);
  });

  test('a server without HELLO gets RESP2', async () => {
    scripted = await ScriptedServer.start();
    const redis = make({ port: scripted.port, password: 'secret', db: 2, connectionName: 'me' });
    await next(redis, 'ready');
    expect(redis.condition.protocol).toBe(2);
    const names = scripted.heard.map(([word]) => word);
    const setup = ['select', 'client', 'client', 'client'];
    expect(names).toEqual(['hello', ...setup, 'auth', ...setup, 'info']);
    expect(scripted.heard[0]).toEqual(['hello', '3', 'AUTH', 'default', 'secret']);
  });

  test('a server that loads its data is asked again', async () => {
    let asked = 0;
    scripted = await ScriptedServer.start(([word]) => {
      if (word !== 'info') return null;
      const text = asked++ === 0 ? 'loading:1\r\nloading_eta_seconds:7' : 'loading:0';
      return `$${text.length}\r\n${text}\r\n`;
    });
    const redis = make({ port: scripted.port, maxLoadingRetryTime: 5 });
    const seen = recordLife(redis);
    expect(await redis.get('key')).toBe('OK');
    expect(asked).toBe(2);
    expect(seen).toEqual(['connecting', 'connect', 'ready']);
  });

  test('without a ready check nobody asks for INFO', async () => {
    scripted = await ScriptedServer.start();
    const redis = make({ port: scripted.port, enableReadyCheck: false, disableClientInfo: true });
    expect(await redis.get('key')).toBe('OK');
    expect(scripted.heard.map(([word]) => word)).toEqual(['hello', 'get']);
  });

  test('readOnly says so', async () => {
    scripted = await ScriptedServer.start();
    const redis = make({ port: scripted.port, protocol: 2, readOnly: true });
    await next(redis, 'ready');
    expect(scripted.heard.map(([word]) => word)).toContain('readonly');
  });

  test('disconnect() while it connects', async () => {
    const redis = make(port());
    const seen = recordLife(redis);
    const errors = record(redis, ['error']);
    const command = failure(redis.get('key'));
    redis.disconnect();
    await next(redis, 'end');
    expect((await command).message).toBe('Connection is closed.');
    expect(seen.at(-1)).toBe('end');
    expect(seen).not.toContain('ready');
    expect(errors.filter(([, error]) => error.message !== 'Connection is closed.')).toEqual([]);
  });

  test('disconnect() of one that was never connected', async () => {
    const redis = make({ port: port(), lazyConnect: true });
    const seen = recordLife(redis);
    redis.disconnect();
    await next(redis, 'end');
    expect(seen).toEqual(['wait', 'close', 'end']);
  });

  test('what was sent before disconnect() is still answered', async () => {
    const redis = make(port());
    await next(redis, 'ready');
    const sent = redis.set('last', 'word');
    redis.disconnect();
    expect(await sent).toBe('OK');
    await next(redis, 'end');
  });

  test('disconnect() cuts a blocked command off', async () => {
    const redis = make(port());
    await next(redis, 'ready');
    const blocked = failure(redis.blpop('nothing here', 0));
    redis.disconnect();
    expect((await blocked).message).toBe('Connection is closed.');
  });

  test('commands after the end', async () => {
    const redis = make(port());
    await next(redis, 'ready');
    redis.end();
    await next(redis, 'end');
    expect((await failure(redis.get('key'))).message).toBe('Connection is closed.');
  });

  test('disconnect(true) connects again', async () => {
    const redis = make({ port: port(), retryStrategy: () => 1 });
    await next(redis, 'ready');
    const seen = recordLife(redis);
    redis.disconnect(true);
    await next(redis, 'ready');
    expect(seen).toEqual(['close', 'reconnecting', 'connecting', 'connect', 'ready']);
    expect(await redis.ping()).toBe('PONG');
  });

  test('duplicate() has the options, and those that it is given', async () => {
    const redis = make({ port: port(), db: 3, connectionName: 'first' });
    const other = track(redis.duplicate({ connectionName: 'second' }));
    expect(other).toBeInstanceOf(load());
    expect(await other.client('INFO')).toMatch(/name=second .*db=3/);
  });

  test('a connector of the program', async () => {
    const net = require('node:net');
    const { AbstractConnector } = load();
    const checked = [];
    class Connector extends AbstractConnector {
      constructor(options) {
        super(options.disconnectTimeout);
        this.options = options;
      }

      check(info) {
        checked.push(info.redis_mode);
        return true;
      }

      async connect() {
        this.connecting = true;
        this.stream = net.connect(this.options.port, '127.0.0.1');
        return this.stream;
      }
    }
    const redis = make({ port: port(), Connector, retryStrategy: null });
    expect(await redis.set('by', 'connector')).toBe('OK');
    expect(await redis.get('by')).toBe('connector');
    expect(checked).toEqual(['standalone']);
    redis.disconnect();
    await next(redis, 'end');
  });

  test('a connector that fails', async () => {
    class Connector {
      async connect() {
        throw new Error('no way');
      }

      disconnect() {}
    }
    const redis = make({ Connector });
    const errors = record(redis, ['error']);
    const command = failure(redis.get('key'));
    await next(redis, 'end');
    expect(errors.map(([, { message }]) => message)).toEqual(['no way']);
    expect((await command).message).toBe('no way');
  });

  test('a stream that is ended and destroyed from outside', async () => {
    const redis = make({ port: port(), retryStrategy: () => 1 });
    for (const end of ['end', 'destroy']) {
      if (redis.status !== 'ready') await next(redis, 'ready');
      const seen = recordLife(redis);
      redis.stream[end]();
      await next(redis, 'ready');
      expect(seen.slice(0, 2)).toEqual(['close', 'reconnecting']);
      expect(redis.stream).toMatchObject({ remoteAddress: '127.0.0.1', remotePort: port() });
      redis.removeAllListeners();
    }
  });
});
