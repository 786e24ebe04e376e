'use strict';
// Connections that do not come to be: what is said, to whom, and that nothing is left behind.

const { once } = require('node:events');
const net = require('node:net');
const { freePort } = require('../../support/server.js');
const { until } = require('../../support/pools.js');
const { called, failure, make, record, track } = require('./connections.js');
const { IMPLEMENTATIONS, SERVERS } = require('./implementations.js');
const { ScriptedServer, packet, say } = require('./scripted.js');

const UNKNOWN_DATABASE = { code: 'ER_BAD_DB_ERROR', errno: 1049, sqlState: '42000' };

const DENIED = 'ER_ACCESS_DENIED_ERROR';

describe.each(IMPLEMENTATIONS)('%s', (implementation, { mysql, promise }) => {
  /** What `connect()` calls back with. */
  const refusal = (options) => {
    const connection = make(mysql(), options);
    return failure((done) => connection.connect(done));
  };

  const scripted = (server, options) =>
    track(mysql().createConnection({ ...server.target, ...options }));

  describe.each(SERVERS)('%s', (kind) => {
    test('a wrong password', async () => {
      const error = await refusal({ kind, password: 'wrong' });
      expect(error).toMatchObject({
        code: 'ER_ACCESS_DENIED_ERROR',
        errno: 1045,
        sqlState: '28000',
      });
      expect(error.message).toMatch(
        /^Access denied for user 'app'@'127\.0\.0\.1' \(using password: YES\)/,
      );
      expect(error.sqlMessage).toBe(error.message);
      expect([error.fatal, 'sql' in error]).toEqual([undefined, true]);
    });

    test.each(['user', 'database'])('option %s that is no text', async (option) => {
      for (const given of [5, {}, Symbol('s')]) {
        const error = await refusal({ kind, [option]: given });
        const message = `"${option}" connection config property must be a string`;
        expect(error).toMatchObject({ message, fatal: true });
      }
    });

    test('a user there is not', async () => {
      const { code } = await refusal({ kind, user: 'nobody', password: 'x' });
      // MariaDB asks for a proof as if it were one of its users, by a plugin that mysql2 may not know.
      const mayNotKnow = kind === 'mariadb' && implementation === 'mysql2';
      expect(mayNotKnow && code === 'AUTH_SWITCH_PLUGIN_ERROR' ? DENIED : code).toBe(DENIED);
    });

    test('a database there is not', async () => {
      const error = await refusal({ kind, database: 'polypool_none' });
      expect(error).toMatchObject(UNKNOWN_DATABASE);
      expect(error.message).toBe("Unknown database 'polypool_none'");
    });

    test('a database that is not theirs', async () => {
      const error = await refusal({ kind, database: 'mysql' });
      expect(error).toMatchObject({
        code: 'ER_DBACCESS_DENIED_ERROR',
        errno: 1044,
        sqlState: '42000',
        message: "Access denied for user 'app'@'%' to database 'mysql'",
      });
    });
  });

  test('nobody listens', async () => {
    const port = await freePort();
    const error = await refusal({ port });
    expect(error).toMatchObject({
      code: 'ECONNREFUSED',
      syscall: 'connect',
      address: '127.0.0.1',
      port,
      fatal: true,
    });
    expect(error.message).toBe(`connect ECONNREFUSED 127.0.0.1:${port}`);
  });

  test('a host there is not', async () => {
    const error = await refusal({ host: 'nowhere.invalid' });
    expect({ ...error }).toEqual({
      errno: -3008,
      code: 'ENOTFOUND',
      syscall: 'getaddrinfo',
      hostname: 'nowhere.invalid',
      fatal: true,
    });
    expect(error.message).toBe('getaddrinfo ENOTFOUND nowhere.invalid');
  });

  test('a socket there is not', async () => {
    const socketPath = '/nowhere/mysql.sock';
    const error = await refusal({ socketPath });
    expect(error).toMatchObject({ code: 'ENOENT', fatal: true });
    expect(error.message).toBe(`connect ENOENT ${socketPath}`);
  });

  test('the event, where there is no callback', async () => {
    const connection = make(mysql(), { password: 'wrong' });
    const [error] = await once(connection, 'error');
    expect(error).toMatchObject({ code: 'ER_ACCESS_DENIED_ERROR' });
  });

  test('the queries that wait hear of it, and nobody else', async () => {
    const connection = make(mysql(), { password: 'wrong' });
    const seen = record(connection, ['error', 'connect']);
    const errors = await Promise.all(
      ['select 1', 'select 2'].map((sql) => failure((done) => connection.query(sql, done))),
    );
    expect(errors.map(({ code }) => code)).toEqual(Array(2).fill('ER_ACCESS_DENIED_ERROR'));
    expect(seen).toEqual([]);
  });

  test('by the promises', async () => {
    const { host, port } = await ScriptedServer.open(
      () => {},
      (socket) => socket.end(packet(0, say.bareError(1040, 'Too many connections'))),
    ).then(({ target }) => target);
    const opened = promise().createConnection({ host, port });
    await expect(opened).rejects.toMatchObject({ code: 'ER_CON_COUNT_ERROR', errno: 1040 });
  });

  test('too many connections: an error instead of a greeting', async () => {
    const server = await ScriptedServer.open(
      () => {},
      (socket) => socket.end(packet(0, say.bareError(1040, 'Too many connections'))),
    );
    const connection = scripted(server);
    const error = await failure((done) => connection.connect(done));
    expect(error).toMatchObject({
      code: 'ER_CON_COUNT_ERROR',
      errno: 1040,
      sqlState: '',
      message: 'Too many connections',
      sqlMessage: 'Too many connections',
    });
    expect(server.heard).toEqual([]);
  });

  test('the server hangs up before it says anything', async () => {
    const server = await ScriptedServer.open(
      () => {},
      (socket) => socket.end(),
    );
    const connection = scripted(server);
    const error = await failure((done) => connection.connect(done));
    expect(error).toMatchObject({
      code: 'PROTOCOL_CONNECTION_LOST',
      message: 'Connection lost: The server closed the connection.',
      fatal: true,
    });
  });

  test('the server hangs up when it has heard the password', async () => {
    const server = await ScriptedServer.open((_, socket) => socket.end());
    const connection = scripted(server, { password: 'x' });
    const error = await failure((done) => connection.query('select 1', done));
    expect(error).toMatchObject({ code: 'PROTOCOL_CONNECTION_LOST', fatal: true });
  });

  describe('connectTimeout', () => {
    const SLOW = { code: 'ETIMEDOUT', syscall: 'connect', fatal: true };

    test('a server that says nothing', async () => {
      const server = await ScriptedServer.open(
        () => {},
        () => {},
      );
      const connection = scripted(server, { connectTimeout: 50 });
      const error = await failure((done) => connection.connect(done));
      expect(error).toMatchObject(SLOW);
      expect(error.message).toBe('connect ETIMEDOUT');
      await until(() => server.connections === 0);
    });

    test('a server that does not answer the login', async () => {
      const server = await ScriptedServer.open(() => {});
      const connection = scripted(server, { connectTimeout: 50 });
      const error = await failure((done) => connection.query('select 1', done));
      expect(error).toMatchObject(SLOW);
    });

    test('is over once the connection is there', async () => {
      const connection = make(mysql(), { connectTimeout: 1500 });
      const [error] = await called((done) => connection.query('select sleep(1.6)', done));
      expect(error).toBeNull();
    });
  });

  test('a server of another kind', async () => {
    const server = net.createServer((socket) => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'));
    await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
    const error = await refusal({ port: server.address().port });
    expect(error.fatal).toBe(true);
    await new Promise((resolve) => server.close(resolve));
  });
});
