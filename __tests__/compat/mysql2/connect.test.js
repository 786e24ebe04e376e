'use strict';
// How a connection comes to be: at once, by whom it is asked for, and what it then says of itself.

const { once } = require('node:events');
const net = require('node:net');
const { mysqlConfig, mysqlServer, mysqlUrl } = require('../../support/mysql.js');
const {
  called,
  connect,
  make,
  observe,
  outcome,
  query,
  track,
  value,
} = require('./connections.js');
const { IMPLEMENTATIONS, SERVERS } = require('./implementations.js');
const { ScriptedServer, loginIn } = require('./scripted.js');

describe.each(IMPLEMENTATIONS)('%s', (_name, { mysql }) => {
  const open = (options) => connect(mysql(), options);

  describe.each(SERVERS)('%s', (kind) => {
    test('connects by itself', async () => {
      const connection = make(mysql(), { kind });
      const [packet] = await once(connection, 'connect');
      expect(packet.connectionId).toBe(connection.threadId);
      expect(await value(connection, 'select connection_id()')).toBe(connection.threadId);
      expect(connection.authorized).toBe(true);
      expect(connection.state).toBe('authenticated');
    });

    test('the version of the server', async () => {
      const connection = await open({ kind });
      const { serverVersion } = connection._handshakePacket;
      const version = await value(connection, 'select version()');
      expect(serverVersion).toContain(version.replace(/-.*/, ''));
      expect(/mariadb/i.test(serverVersion)).toBe(kind === 'mariadb');
    });

    test('the user and the database', async () => {
      const connection = await open({ kind });
      const [rows] = await query(connection, 'select user() as user, database() as name');
      expect(rows).toEqual([{ user: 'app@127.0.0.1', name: 'polypool_test' }]);
    });

    test('over a unix socket', async () => {
      const { socket } = mysqlServer(kind);
      const connection = make(mysql(), { kind, socketPath: socket, port: 1, host: 'nowhere' });
      expect(await value(connection, 'select user()')).toMatch(/^app@/);
    });

    test('without a database', async () => {
      const connection = await open({ kind, database: undefined });
      expect(await value(connection, 'select database()')).toBeNull();
    });

    test('without a password', async () => {
      const connection = await open({ kind, user: 'nopass' });
      expect(await value(connection, 'select current_user()')).toBe('nopass@%');
    });
  });

  test('by URL', async () => {
    const connection = track(mysql().createConnection(mysqlUrl({ query: 'dateStrings=true' })));
    expect(await value(connection, "select date '2024-02-29'")).toBe('2024-02-29');
  });

  test('the port as a text', async () => {
    const connection = await open({ port: String(mysqlServer().port) });
    expect(await value(connection, 'select 1')).toBe(1);
  });

  test('queries may be asked for before the connection is there', async () => {
    const connection = make(mysql());
    const seen = [];
    connection.on('connect', () => seen.push('connect'));
    const answers = ['select 1', 'select 2'].map((sql) =>
      value(connection, sql).then((got) => seen.push(got)),
    );
    expect(connection.threadId).toBeNull();
    await Promise.all(answers);
    expect(seen).toEqual(['connect', 1, 2]);
  });

  test('states on the way', async () => {
    const connection = make(mysql());
    expect(connection.state).toBe('protocol_handshake');
    await once(connection, 'connect');
    expect(connection.state).toBe('authenticated');
    await outcome((done) => connection.end(done));
    expect(connection.state).toBe('disconnected');
    expect(connection._closing).toBe(true);
  });

  describe('connect()', () => {
    test('calls back when the connection is there', async () => {
      const connection = make(mysql());
      const [error, packet] = await called((done) => connection.connect(done));
      expect(error).toBeNull();
      expect(packet.connectionId).toBe(connection.threadId);
    });

    test('of a connection that is there', async () => {
      const connection = await open();
      let given = null;
      connection.connect((...about) => (given = about));
      expect(given).toEqual([null, connection]);
    });

    test('without a callback', async () => {
      const connection = make(mysql());
      expect(connection.connect()).toBeUndefined();
      expect(await value(connection, 'select 1')).toBe(1);
    });

    test('many times', async () => {
      const connection = make(mysql());
      const all = await Promise.all(
        [1, 2, 3].map(() => called((done) => connection.connect(done))),
      );
      expect(all.map(([error]) => error)).toEqual([null, null, null]);
      const [row] = await observe(
        'mariadb',
        'select count(*) as n from information_schema.processlist where id = ?',
        [connection.threadId],
      );
      expect(row.n).toBe(1);
    });

    test('of a connection that fails', async () => {
      const connection = make(mysql(), { password: 'wrong' });
      const [error] = await called((done) => connection.connect(done));
      expect(error).toMatchObject({ code: 'ER_ACCESS_DENIED_ERROR' });
      const [again] = await called((done) => connection.connect(done));
      expect(again).toBe(error);
      expect(connection.state).toBe('error');
    });
  });

  describe('stream', () => {
    const { host, port } = mysqlServer();

    test('a function that makes one', async () => {
      let asked = null;
      const stream = (about) => {
        asked = about;
        return net.connect(port, host);
      };
      const connection = make(mysql(), { stream, host: 'nowhere', port: 1 });
      expect(await value(connection, 'select 1')).toBe(1);
      expect(asked.config.host).toBe('nowhere');
      expect(asked.config).toBe(connection.config);
    });

    test('one that is there already', async () => {
      const socket = net.connect(port, host);
      await once(socket, 'connect');
      const connection = make(mysql(), { stream: socket });
      expect(await value(connection, 'select repeat("x", 100000)')).toBe('x'.repeat(100_000));
      const closed = once(socket, 'close');
      connection.destroy();
      await closed;
    });
  });

  describe('what is sent', () => {
    async function login(options) {
      const server = await ScriptedServer.welcoming();
      const connection = track(mysql().createConnection({ ...server.target, ...options }));
      await once(connection, 'connect');
      return loginIn(server.heard[0].payload);
    }

    test('user, database, attributes', async () => {
      const sent = await login({ connectAttributes: { program: 'some test' } });
      expect(sent).toMatchObject({ user: 'u', charset: 224 });
      expect(sent.rest).toMatch(/^d\0mysql_native_password\0/);
      expect(sent.rest).toContain('program');
      expect(sent.rest).toContain('some test');
      expect(sent.token).toHaveLength(0);
    });

    test('flags', async () => {
      const { flags } = await login();
      expect(flags).toEqual(
        expect.arrayContaining(['FOUND_ROWS', 'CONNECT_WITH_DB', 'PLUGIN_AUTH', 'MULTI_RESULTS']),
      );
      expect(flags).not.toContain('MULTI_STATEMENTS');
      expect((await login({ multipleStatements: true })).flags).toContain('MULTI_STATEMENTS');
      expect((await login({ flags: '-FOUND_ROWS' })).flags).not.toContain('FOUND_ROWS');
    });

    test('the character set', async () => {
      expect((await login({ charset: 'latin1' })).charset).toBe(8);
      expect((await login({ charsetNumber: 33 })).charset).toBe(33);
    });

    test('a password, scrambled', async () => {
      const { token } = await login({ password: 'secret' });
      expect(token.toString('hex')).toBe('8817c50fa779daef010ee7577825b0847df9842e');
    });
  });

  test('nothing is said before the first query of the user', async () => {
    const server = await ScriptedServer.welcoming();
    const connection = track(mysql().createConnection(server.target));
    await once(connection, 'connect');
    connection.query('select 1', () => {});
    await new Promise((resolve) => {
      const look = () => (server.heard.length > 1 ? resolve() : setImmediate(look));
      look();
    });
    expect(server.heard).toHaveLength(2);
    expect(server.heard[1].payload.toString()).toBe('\x03select 1');
  });

  test('many connections at once', async () => {
    const all = await Promise.all(Array.from({ length: 20 }, () => open()));
    const ids = await Promise.all(all.map((each) => value(each, 'select connection_id()')));
    expect(new Set(ids).size).toBe(20);
    expect(ids).toEqual(all.map((each) => each.threadId));
  });

  test('the options of the caller are left as they are', async () => {
    const options = Object.freeze(mysqlConfig());
    const connection = track(mysql().createConnection(options));
    expect(await value(connection, 'select 1')).toBe(1);
  });
});
