'use strict';
// Connections that do not come about: what is told, and that something is told in every case.

const { Proxy } = require('../../support/proxy.js');
const { observe, rejection, until } = require('../../support/pools.js');
const { freePort } = require('../../support/server.js');
const { testServer } = require('../../support/urls.js');
const { DRAINED, called, config, connect, ended, make, record, track } = require('./clients.js');
const { IMPLEMENTATIONS } = require('./implementations.js');
const { ScriptedServer, WELCOME, say } = require('./scripted.js');

/** What MySQL says first, before it was asked anything. */
const MYSQL = Buffer.from(
  '4a0000000a382e302e333000080000003a2b6a2d6b5a5f4200ffffff0200ffdf15000000000000000000004b1b0f5a' +
    '37620a5a4e5f3a1500636163686e675f736861325f70617373776f726400',
  'hex',
);

describe.each(IMPLEMENTATIONS)('%s', (_name, load) => {
  const open = (target) => track(new (load().Client)(target));

  const refusal = async (options) => {
    const client = make(load(), options);
    const seen = record(client, DRAINED);
    const over = ended(client);
    const error = await rejection(client.connect());
    await over;
    expect(seen).toEqual(['end']);
    return error;
  };

  test.each([
    ['a wrong password', { user: 'app', password: 'wrong' }, '28P01'],
    ['a wrong password by MD5', { user: 'md5user', password: 'wrong' }, '28P01'],
    ['a wrong password in clear', { user: 'clearuser', password: 'wrong' }, '28P01'],
    ['an unknown role', { user: 'nobody', password: 'x' }, '28000'],
    ['an unknown database', { database: 'no such database' }, '3D000'],
    ['a setting that does not exist', { options: '-c nonsense=1' }, '42704'],
    ['an unknown option', { options: '--nonsense' }, '42601'],
  ])('%s', async (_what, options, code) => {
    const error = await refusal(options);
    expect(error).toBeInstanceOf(load().DatabaseError);
    expect(error).toMatchObject({ code, severity: 'FATAL', name: 'error' });
  });

  test('messages of the server', async () => {
    expect((await refusal({ user: 'app', password: 'wrong' })).message).toBe(
      'password authentication failed for user "app"',
    );
    expect((await refusal({ database: 'nothing here' })).message).toBe(
      'database "nothing here" does not exist',
    );
  });

  test('nobody listens', async () => {
    const port = await freePort();
    const error = await refusal({ port });
    expect(error).toMatchObject({
      code: 'ECONNREFUSED',
      syscall: 'connect',
      address: '127.0.0.1',
      port,
      message: `connect ECONNREFUSED 127.0.0.1:${port}`,
    });
  });

  test('no such host', async () => {
    const error = await refusal({ host: 'nowhere.invalid' });
    expect(['ENOTFOUND', 'EAI_AGAIN']).toContain(error.code);
    expect(error).toMatchObject({ syscall: 'getaddrinfo', hostname: 'nowhere.invalid' });
    expect(error.message).toBe(`getaddrinfo ${error.code} nowhere.invalid`);
  });

  test('no such socket', async () => {
    const error = await refusal({ host: '/nowhere/at/all', port: 5 });
    expect(error).toMatchObject({
      code: 'ENOENT',
      syscall: 'connect',
      address: '/nowhere/at/all/.s.PGSQL.5',
    });
  });

  test('by a callback, which is called once', async () => {
    const client = make(load(), { database: 'no such database' });
    const calls = [];
    const over = ended(client);
    client.connect((...given) => calls.push(given));
    await over;
    expect(calls).toEqual([[expect.objectContaining({ code: '3D000' })]]);
  });

  test('queries that waited fail with it', async () => {
    const client = make(load(), { database: 'no such database' });
    const waiting = [rejection(client.query('select 1')), called((done) => client.query('', done))];
    await rejection(client.connect());
    const message = 'Connection terminated unexpectedly';
    expect((await waiting[0]).message).toBe(message);
    expect((await waiting[1])[0].message).toBe(message);
  });

  test('another client can try again', async () => {
    await refusal({ database: 'no such database' });
    const client = await connect(load());
    expect((await client.query('select 1 as n')).rows).toEqual([{ n: 1 }]);
  });

  test.each([[50], ['50'], [50.7]])('connectionTimeoutMillis: %p', async (timeout) => {
    const proxy = await Proxy.open({ host: testServer().host, port: testServer().port });
    proxy.behave('blackHole');
    try {
      const client = open(config({ port: proxy.port, connectionTimeoutMillis: timeout }));
      const error = await rejection(client.connect());
      expect(error.message).toBe('timeout expired');
      expect(error.constructor).toBe(Error);
      // A busy machine may have had no time to open it.
      await until(() => proxy.connections === 0);
    } finally {
      await proxy.close();
    }
  });

  test('the timeout covers a server that stops in the middle of the login', async () => {
    const server = await ScriptedServer.open((_chunk, socket, n) => {
      if (n === 0) socket.write(WELCOME.subarray(0, 30));
    });
    const client = open({ ...server.target, connectionTimeoutMillis: 50 });
    expect((await rejection(client.connect())).message).toBe('timeout expired');
  });

  test('the timeout is over once connected', async () => {
    const client = await connect(load(), { connectionTimeoutMillis: 300 });
    expect((await client.query('select pg_sleep(0.4), 1 as n')).rows[0].n).toBe(1);
  });

  test('MySQL answers', async () => {
    const greet = (socket) => socket.write(MYSQL);
    const server = await ScriptedServer.open(() => {}, greet);
    const client = open({ ...server.target, connectionTimeoutMillis: 5000 });
    const error = await rejection(client.connect());
    expect(error.message).toContain('invalid response');
    client.connection.stream.destroy();
  });

  test('a server that closes at once', async () => {
    const greet = (socket) => socket.end();
    const server = await ScriptedServer.open(() => {}, greet);
    const client = open(server.target);
    const seen = record(client, DRAINED);
    const over = ended(client);
    const error = await rejection(client.connect());
    expect(error.message).toMatch(/^Connection terminated unexpectedly$|ECONNRESET|EPIPE/);
    await over;
    expect(seen).toEqual(['end']);
  });

  test('a server that closes instead of answering', async () => {
    const server = await ScriptedServer.open((_chunk, socket) => socket.end());
    const client = open(server.target);
    expect((await rejection(client.connect())).message).toBe('Connection terminated unexpectedly');
  });

  test('a server that closes after any byte of the login', async () => {
    for (let after = 0; after < WELCOME.length; after++) {
      const server = await ScriptedServer.open((_chunk, socket) =>
        socket.end(WELCOME.subarray(0, after)),
      );
      const error = await rejection(open(server.target).connect());
      expect(error.message).toBe('Connection terminated unexpectedly');
      await server.close();
    }
  });

  test('an error of the server instead of a login', async () => {
    const server = await ScriptedServer.open((_chunk, socket) =>
      socket.end(say.fatal('53300', 'sorry, too many clients already')),
    );
    const error = await rejection(open(server.target).connect());
    expect(error).toBeInstanceOf(load().DatabaseError);
    expect(error).toMatchObject({ code: '53300', message: 'sorry, too many clients already' });
  });

  test.each([
    ['SCRAM without a mechanism', [say.authentication(10, '\0')], /^SASL: Only mechanism/],
    ['mechanisms that nobody knows', [say.authentication(10, 'X-MAGIC\0\0')], /^SASL: Only mech/],
  ])('%s', async (_what, answers, message) => {
    const server = await ScriptedServer.open((_chunk, socket) => {
      socket.write(Buffer.concat(answers));
    });
    const client = open({ ...server.target, password: 'p', connectionTimeoutMillis: 1000 });
    expect((await rejection(client.connect())).message).toMatch(message);
    client.connection.stream.destroy();
  });

  test('of a refused connection nothing is left on the server', async () => {
    const error = await refusal({ user: 'app', password: 'wrong', application_name: 'left over' });
    expect(error.code).toBe('28P01');
    const left = "select 1 from pg_stat_activity where application_name = 'left over'";
    await until(async () => (await observe(left)).length === 0);
  });
});
