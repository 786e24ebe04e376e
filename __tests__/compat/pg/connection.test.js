'use strict';
// client.connection and the class Connection: the protocol for those who speak it themselves.

const { EventEmitter, once } = require('node:events');
const net = require('node:net');
const { rejection } = require('../../support/pools.js');
const { ROLES } = require('../../support/server.js');
const { testServer } = require('../../support/urls.js');
const { config, connect, ended, make, record, track, value } = require('./clients.js');
const { IMPLEMENTATIONS } = require('./implementations.js');

describe.each(IMPLEMENTATIONS)('%s', (_name, load) => {
  test('client.connection is there before connect', () => {
    const { connection } = make(load());
    expect(connection).toBeInstanceOf(EventEmitter);
    expect(connection).toBeInstanceOf(load().Connection);
  });

  test('its stream is a Duplex', async () => {
    const { connection } = await connect(load());
    for (const method of ['write', 'pause', 'resume', 'read', 'cork', 'uncork', 'ref', 'unref']) {
      expect(connection.stream[method]).toEqual(expect.any(Function));
    }
    expect(connection.stream.writable).toBe(true);
    expect(connection.stream.destroyed).toBe(false);
    expect(connection.stream.listenerCount('data')).toBe(1);
  });

  test('its stream knows both ends', async () => {
    const { connection } = await connect(load());
    expect(connection.stream.remotePort).toBe(testServer().port);
    expect(connection.stream.remoteAddress).toBe('127.0.0.1');
    expect(connection.stream.localPort).toEqual(expect.any(Number));
  });

  test('bytes of the server are data of its stream', async () => {
    const client = await connect(load());
    const chunks = [];
    const hear = (chunk) => chunks.push(chunk);
    client.connection.stream.on('data', hear);
    await client.query("select 'find me' as t");
    client.connection.stream.off('data', hear);
    expect(Buffer.concat(chunks).includes('find me')).toBe(true);
    expect(await value(client, 'select 1')).toBe(1);
  });

  test('the stream destroyed is a lost connection', async () => {
    const client = await connect(load());
    const seen = record(client, ['error', 'end']);
    const over = ended(client);
    const running = rejection(client.query('select pg_sleep(600)'));
    client.connection.stream.destroy();
    expect((await running).message).toBe('Connection terminated unexpectedly');
    await over;
    expect(seen).toEqual(['error', 'end']);
  });

  test('the stream destroyed with an error: that is the error', async () => {
    const client = await connect(load());
    const wrong = new Error('cut the rope');
    const errors = [];
    client.on('error', (error) => errors.push(error.message));
    const over = ended(client);
    const running = rejection(client.query('select pg_sleep(600)'));
    client.connection.stream.destroy(wrong);
    expect((await running).message).toBe('cut the rope');
    await over;
    expect(errors).toEqual(['cut the rope', 'Connection terminated unexpectedly']);
  });

  test('connection.end ends the session', async () => {
    const client = await connect(load());
    client.on('error', () => {});
    const over = once(client.connection, 'end');
    client.connection.end();
    await over;
  });

  test('a statement by its messages', async () => {
    const client = await connect(load());
    const { connection } = client;
    const rows = [];
    const done = new Promise((resolve) => {
      client.query({
        submit() {
          connection.parse({ name: '', text: 'select $1::int * 2 as n', types: [] });
          connection.bind({ values: ['21'] });
          connection.describe({ type: 'P' });
          connection.execute();
          connection.flush();
          connection.sync();
        },
        handleRowDescription() {},
        handleDataRow: ({ fields }) => rows.push(fields),
        handleCommandComplete() {},
        handleReadyForQuery: resolve,
      });
    });
    await done;
    expect(rows).toEqual([['42']]);
    expect(await value(client, 'select 1')).toBe(1);
  });

  test('COPY FROM by its messages', async () => {
    const client = await connect(load());
    await client.query('create temp table copied (n int)');
    const { connection } = client;
    const copying = (finish) =>
      new Promise((resolve, reject) => {
        const tags = [];
        client.query({
          submit: () => connection.query('copy copied from stdin'),
          handleCopyInResponse() {
            connection.sendCopyFromChunk(Buffer.from('1\n2\n'));
            finish(connection);
          },
          handleCommandComplete: ({ text }) => tags.push(text),
          handleError: reject,
          handleReadyForQuery: () => resolve(tags),
        });
      });
    expect(await copying((each) => each.endCopyFrom())).toEqual(['COPY 2']);
    const error = await rejection(copying((each) => each.sendCopyFail('not this time')));
    expect(error.message).toBe('COPY from stdin failed: not this time');
    expect(await value(client, 'select count(*)::int from copied')).toBe(2);
  });

  test('COPY TO by its messages', async () => {
    const client = await connect(load());
    const chunks = [];
    await new Promise((resolve) => {
      client.query({
        submit: (connection) => connection.query('copy (select generate_series(1, 3)) to stdout'),
        handleCopyData: ({ chunk }) => chunks.push(String(chunk)),
        handleCommandComplete() {},
        handleReadyForQuery: resolve,
      });
    });
    expect(chunks.join('')).toBe('1\n2\n3\n');
  });

  test('a Connection of its own, without a Client', async () => {
    const { host, port } = testServer();
    const { Connection } = load();
    const connection = new Connection();
    const seen = record(connection, [
      'connect',
      'authenticationOk',
      'backendKeyData',
      'readyForQuery',
      'rowDescription',
      'dataRow',
      'commandComplete',
      'end',
    ]);
    connection.connect(port, host);
    await once(connection, 'connect');
    connection.startup({ user: 'nopass', database: 'polypool_test' });
    await once(connection, 'readyForQuery');
    connection.query('select 1');
    await once(connection, 'readyForQuery');
    connection.end();
    await once(connection, 'end');
    expect(seen).toEqual([
      'connect',
      'authenticationOk',
      'backendKeyData',
      'readyForQuery',
      'rowDescription',
      'dataRow',
      'commandComplete',
      'readyForQuery',
      'end',
    ]);
  });

  test('a Connection given to a Client', async () => {
    const { Client, Connection } = load();
    const { host, port } = testServer();
    const stream = new net.Socket();
    const connection = new Connection({ stream });
    const target = { host, port, user: 'nopass', database: 'polypool_test' };
    const client = track(new Client({ ...target, connection }));
    expect(client.connection).toBe(connection);
    await client.connect();
    expect(await value(client, 'select 1')).toBe(1);
    expect(await value(client, 'select $1::int', [2])).toBe(2);
  });

  describe('a Connection given to a Client', () => {
    /** A client over it; `options` may have it speak TLS. */
    function given({ user, ...options }) {
      const { Client, Connection } = load();
      const { ssl, sslnegotiation: sslNegotiation } = options;
      const stream = new net.Socket();
      const connection = new Connection({ stream, ssl, sslNegotiation });
      const { password } = ROLES[user];
      return track(new Client(config({ user, password, ...options, connection })));
    }

    test.each(['app', 'md5user', 'clearuser', 'nopass'])('logs in as %s', async (user) => {
      const client = given({ user });
      await client.connect();
      expect(await value(client, 'select current_user::text')).toBe(user);
      const pid = await value(client, 'select pg_backend_pid() as pid');
      expect(client.processID).toBe(pid);
      const seen = record(client, ['error', 'end']);
      await client.end();
      expect(seen).toEqual(['end']);
    });

    test('by SCRAM with a password that is normalised first', async () => {
      const admin = await connect(load(), { user: 'postgres' });
      await admin.query("create role normalised login in role newcomers password 'Ⅸ\u00a0a'");
      try {
        const client = given({ user: 'app', password: 'IX a' });
        client.user = client.connectionParameters.user = 'normalised';
        await client.connect();
        expect(await value(client, 'select 1')).toBe(1);
        await client.end();
      } finally {
        await admin.query('drop role normalised');
      }
    });

    test.each([
      ['a wrong password', { user: 'app', password: 'wrong' }, { code: '28P01' }],
      [
        'none',
        { user: 'app', password: '' },
        { message: expect.stringContaining('must be a string') },
      ],
      [
        'too many iterations',
        { user: 'app', scramMaxIterations: 1 },
        { message: expect.stringContaining('scramMaxIterations of 1') },
      ],
      ['no such database', { user: 'nopass', database: 'none' }, { code: '3D000' }],
    ])('rejects: %s', async (_what, options, expected) => {
      const client = given(options);
      expect(await rejection(client.connect())).toMatchObject(expected);
    });

    test('that speaks TLS', async () => {
      const client = given({ user: 'app', ssl: { rejectUnauthorized: false } });
      await client.connect();
      const text = 'select ssl from pg_stat_ssl where pid = pg_backend_pid()';
      expect(await value(client, text)).toBe(true);
      await client.end();
    });

    test('errors, and a queue behind them', async () => {
      const client = given({ user: 'nopass' });
      await client.connect();
      const broken = rejection(client.query('select broken'));
      const behind = client.query({ name: 'one', text: 'select $1::int as n', values: [1] });
      expect((await broken).code).toBe('42703');
      expect((await behind).rows).toEqual([{ n: 1 }]);
    });
  });

  test('a Connection that is refused', async () => {
    const { Connection } = load();
    const connection = new Connection();
    const failed = once(connection, 'error');
    connection.connect(1, '127.0.0.1');
    await expect(failed).resolves.toMatchObject([{ code: 'ECONNREFUSED' }]);
  });
});
