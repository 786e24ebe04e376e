'use strict';
// What the engine is told for a client: pg's meaning of every setting, whatever libpq's is.

const dns = require('node:dns');
const { once } = require('node:events');
const fs = require('node:fs');
const net = require('node:net');
const os = require('node:os');
const path = require('node:path');
const tls = require('node:tls');
const ConnectionParameters = require('../../../lib/compat/pg/parameters');
const { startupParameters, targetOf } = require('../../../lib/compat/pg/target');
const { asksNode, isAcceptedByNode, noteAcceptedByNode } = require('../../../lib/compat/pg/tls');

const saved = { ...process.env };
const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'pgpass-'));

beforeEach(() => {
  for (const name of Object.keys(process.env)) if (name.startsWith('PG')) delete process.env[name];
  process.env.PGPASSFILE = path.join(directory, 'none');
});

afterAll(() => {
  for (const name of Object.keys(saved)) process.env[name] = saved[name];
  fs.rmSync(directory, { recursive: true });
});

/** What of a Client the target is made of. */
function clientOf(config) {
  const connectionParameters = new ConnectionParameters(config);
  const { host, port, password, ssl, sslnegotiation } = connectionParameters;
  return {
    connectionParameters,
    getStartupConf: () => startupParameters(connectionParameters),
    ...{ host, port, password, ssl },
    sslNegotiation: sslnegotiation || 'postgres',
    enableChannelBinding: Boolean(config.enableChannelBinding),
    scramMaxIterations: config.scramMaxIterations ?? 100_000,
  };
}

const LOGIN = { host: '127.0.0.1', user: 'u', password: 'p' };
const target = (config, how) => targetOf(clientOf({ ...LOGIN, ...config }), config, how);

test('a plain connection says all that libpq would decide by itself', async () => {
  expect(await target({ port: 7 })).toEqual({
    host: '127.0.0.1',
    hostaddr: '127.0.0.1',
    attemptTimeoutMs: net.getDefaultAutoSelectFamilyAttemptTimeout(),
    port: 7,
    user: 'u',
    database: 'u',
    password: 'p',
    startup: [
      ['user', 'u'],
      ['database', 'u'],
    ],
    ssl: false,
    allowCleartextPassword: true,
    sendEmptyPassword: true,
    channel_binding: 'disable',
    scramMaxIterations: 100_000,
    keepalive: false,
    keepalives_idle: 7200,
    tcpUserTimeoutMs: 0,
  });
});

describe('the place', () => {
  const lookUp = (result) =>
    jest.spyOn(dns, 'lookup').mockImplementation((_host, options, callback) => {
      process.nextTick(callback, ...result(options));
    });

  afterEach(() => jest.restoreAllMocks());

  test('a socket', async () => {
    const found = await target({ host: '/var/run/pg' });
    expect([found.host, found.hostaddr]).toEqual(['/var/run/pg', undefined]);
  });

  test('every address of a name, the families in turn', async () => {
    const addresses = ['10.0.0.1', '10.0.0.2', '::1'].map((address) => ({
      address,
      family: net.isIP(address),
    }));
    lookUp(({ all }) => [null, all ? addresses : addresses[0].address]);
    const { host, hostaddr } = await target({ host: 'db' });
    expect([host, hostaddr]).toEqual(['db,db,db', '10.0.0.1,::1,10.0.0.2']);
    net.setDefaultAutoSelectFamily(false);
    try {
      expect((await target({ host: 'db' })).hostaddr).toBe('10.0.0.1');
    } finally {
      net.setDefaultAutoSelectFamily(true);
    }
  });

  test('an address with a zone goes as a name', async () => {
    lookUp(() => [null, [{ address: 'fe80::1%eth0', family: 6 }]]);
    const { host, hostaddr } = await target({ host: 'db' });
    expect([host, hostaddr]).toEqual(['db', undefined]);
  });

  test('a name that is not found, with the very error', async () => {
    const error = Object.assign(new Error('getaddrinfo ENOTFOUND db'), { code: 'ENOTFOUND' });
    lookUp(() => [error]);
    await expect(target({ host: 'db' })).rejects.toBe(error);
  });
});

describe('what the server is told', () => {
  const told = (config) => startupParameters(new ConnectionParameters({ user: 'u', ...config }));

  test('timeouts are cut to whole milliseconds', () => {
    expect(
      told({
        database: 'd',
        statement_timeout: 10.9,
        lock_timeout: '20',
        idle_in_transaction_session_timeout: 30,
        query_timeout: 40,
        options: '-c geqo=off',
        replication: true,
        client_encoding: 'latin1',
      }),
    ).toEqual({
      user: 'u',
      database: 'd',
      replication: 'true',
      statement_timeout: '10',
      lock_timeout: '20',
      idle_in_transaction_session_timeout: '30',
      options: '-c geqo=off',
    });
  });

  test('application_name before its fallback', () => {
    expect(told({ fallback_application_name: 'b' }).application_name).toBe('b');
    expect(told({ application_name: 'a', fallback_application_name: 'b' })).toMatchObject({
      application_name: 'a',
    });
  });

  test('what the method of the client says', async () => {
    const client = clientOf(LOGIN);
    client.getStartupConf = () => ({ user: 'x', search_path: 'y', nothing: undefined, five: 5 });
    const { startup } = await targetOf(client, {});
    expect(startup).toEqual([
      ['user', 'x'],
      ['search_path', 'y'],
      ['nothing', ''],
      ['five', '5'],
    ]);
  });
});

describe('passwords', () => {
  test('of the passfile, where there is none', async () => {
    const file = path.join(directory, 'pgpass');
    fs.writeFileSync(file, '127.0.0.1:5432:u:u:from the file\n', { mode: 0o600 });
    process.env.PGPASSFILE = file;
    const client = clientOf({ host: '127.0.0.1', user: 'u' });
    expect((await targetOf(client, {})).password).toBe('from the file');
    expect(client.password).toBe('from the file');
    expect((await target({})).password).toBe('p');
    expect((await target({ password: null, user: 'other' })).password).toBeUndefined();
  });

  test('an empty one, or something else, is none for the engine', async () => {
    expect((await target({ password: () => '' })).password).toBeUndefined();
    const client = clientOf(LOGIN);
    client.password = 5;
    expect((await targetOf(client, {})).password).toBeUndefined();
  });

  test.each([
    [0, 0],
    [-1, 1],
    [1.5, 1],
    [2 ** 40, 2 ** 31 - 1],
  ])('scramMaxIterations %p is %p', async (given, expected) => {
    expect((await target({ scramMaxIterations: given })).scramMaxIterations).toBe(expected);
  });

  test('channel binding where it is wanted', async () => {
    expect((await target({ enableChannelBinding: true })).channel_binding).toBe('prefer');
  });
});

test('keep-alive', async () => {
  const of = async (config) => {
    const { keepalive, keepalives_idle, keepalives_interval, keepalives_count } =
      await target(config);
    return [keepalive, keepalives_idle, keepalives_interval, keepalives_count];
  };
  expect(await of({ keepAlive: true })).toEqual([true, 7200, undefined, undefined]);
  expect(await of({ keepAlive: true, keepAliveInitialDelayMillis: 10_500 })).toEqual([
    ...[true, 10, 1, 10],
  ]);
  expect(await of({ keepAlive: true, keepAliveInitialDelayMillis: 1e12 })).toEqual([
    ...[true, 86_400, 1, 10],
  ]);
});

describe('TLS', () => {
  const PEM = '-----BEGIN CERTIFICATE-----\nMII\n-----END CERTIFICATE-----\n';
  const ssl = async (given, config, how) => (await target({ ssl: given, ...config }, how)).ssl;

  test.each([
    [true, { rejectUnauthorized: true }],
    [1, { rejectUnauthorized: true }],
    ['require', { rejectUnauthorized: true }],
    [{}, { rejectUnauthorized: true }],
    [{ rejectUnauthorized: 0 }, { rejectUnauthorized: true }],
    [{ rejectUnauthorized: false, require: true }, { rejectUnauthorized: false }],
    ['no-verify', { rejectUnauthorized: false }],
    [{ ca: PEM }, { rejectUnauthorized: true, ca: PEM }],
    [{ ca: [PEM, Buffer.from(PEM)] }, { rejectUnauthorized: true, ca: [PEM, Buffer.from(PEM)] }],
    [
      { cert: PEM, key: PEM },
      { rejectUnauthorized: true, cert: PEM, key: PEM },
    ],
    [{ ca: null, sslmode: 'require' }, { rejectUnauthorized: true }],
  ])('%p', async (given, expected) => {
    expect(await ssl(given)).toEqual(expected);
  });

  test('the key that does not show is taken all the same', async () => {
    const given = { cert: PEM, key: PEM };
    await ssl(given);
    expect(Object.keys(given)).toEqual(['cert']);
    expect(await ssl(given)).toMatchObject({ cert: PEM, key: PEM });
  });

  test('a server name counts where the host has none', async () => {
    const given = { servername: 'db.example' };
    expect(await ssl(given)).toMatchObject(given);
    expect(await ssl(given, { host: 'localhost' })).toEqual({ rejectUnauthorized: true });
  });

  test.each([
    ['minVersion', { minVersion: 'TLSv1.2' }],
    ['a function', { checkServerIdentity: () => undefined }],
    ['a passphrase', { passphrase: 'x' }],
    ['no authorities at all', { ca: [] }],
    ['an authority in no form known', { ca: 'garbage' }],
  ])('by Node: %s', async (_what, given) => {
    const options = await ssl(given);
    expect(options).toMatchObject(given);
    expect(options.secureContext.constructor.name).toBe('SecureContext');
  });

  test('by Node, where it is asked to', async () => {
    const options = await ssl(true, {}, { byNode: true });
    expect(options.secureContext.constructor.name).toBe('SecureContext');
    const own = tls.createSecureContext();
    expect((await ssl({ secureContext: own }, {}, { byNode: true })).secureContext).toBe(own);
  });

  test('keys that Node refuses, in its words', async () => {
    await expect(ssl({ key: 'garbage' })).rejects.toMatchObject({
      code: expect.stringMatching(/^ERR_OSSL/),
    });
  });

  test('negotiation', async () => {
    expect((await target({ ssl: true })).sslnegotiation).toBe('postgres');
    expect((await target({ ssl: true, sslnegotiation: 'direct' })).sslnegotiation).toBe('direct');
    expect((await target({})).sslnegotiation).toBeUndefined();
  });

  test('when Node has the last word', () => {
    const client = { host: 'h', port: 1, sslNegotiation: 'postgres' };
    const asks = (wire) => asksNode(wire, client);
    expect(asks({ reason: 'tls', errno: 'ERR_TLS_CERTIFICATE' })).toBe(true);
    expect(asks({ reason: 'tls', errno: 'ERR_TLS_NOT_OFFERED' })).toBe(false);
    expect(asks({ reason: 'tls', errno: 'X', cause: { transport: 4 } })).toBe(false);
    expect(asks({ reason: 'refused', errno: 'ECONNREFUSED' })).toBe(false);
    expect(asks({ code: 'ERR_POLYPOOL_OPTION', option: 'ssl.ca' })).toBe(true);
    expect(asks({ code: 'ERR_POLYPOOL_OPTION', option: 'user' })).toBe(false);
    const direct = { ...client, sslNegotiation: 'direct' };
    expect(asksNode({ reason: 'tls', errno: 'ERR_TLS_NOT_OFFERED' }, direct)).toBe(true);
    expect(isAcceptedByNode(client)).toBe(false);
    noteAcceptedByNode(client);
    expect(isAcceptedByNode({ ...client })).toBe(true);
    expect(isAcceptedByNode({ ...client, port: 2 })).toBe(false);
  });
});

describe('option stream', () => {
  let listener;
  beforeEach(async () => {
    listener = net.createServer((socket) => socket.end()).listen(0, '127.0.0.1');
    await once(listener, 'listening');
  });
  afterEach(() => listener.close());

  const streamOf = async (config) =>
    (await target({ ...config, port: listener.address().port })).stream;

  test('a socket is connected, once it is asked for', async () => {
    const stream = new net.Socket();
    const open = await streamOf({ stream, keepAlive: true });
    expect(stream.connecting).toBe(false);
    expect(await open()).toBe(stream);
    expect(stream.remotePort).toBe(listener.address().port);
    stream.destroy();
  });

  test('a function is given what the connection is made with', async () => {
    const calls = [];
    const given = (...args) => {
      calls.push(args);
      return new net.Socket();
    };
    const open = await streamOf({ stream: given, keepAliveInitialDelayMillis: 5 });
    const duplex = await open();
    expect(calls).toEqual([
      [
        {
          stream: given,
          ssl: false,
          sslNegotiation: undefined,
          keepAlive: false,
          keepAliveInitialDelayMillis: 5,
          encoding: 'utf8',
        },
      ],
    ]);
    duplex.destroy();
  });

  test('a socket that cannot connect', async () => {
    const { port } = listener.address();
    listener.close();
    await once(listener, 'close');
    const { stream } = await target({ stream: new net.Socket(), port });
    await expect(stream()).rejects.toMatchObject({ code: 'ECONNREFUSED', syscall: 'connect' });
  });

  test('TLS over it, and over a socket of the system', async () => {
    const found = await target({ stream: () => {}, ssl: true, host: '/tmp' });
    expect(found.ssl).toEqual({ rejectUnauthorized: true });
    await expect(target({ ssl: true, host: '/tmp' })).rejects.toThrow(
      new Error('The server does not support SSL connections'),
    );
  });
});
