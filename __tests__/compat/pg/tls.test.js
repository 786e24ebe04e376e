'use strict';
// TLS: when it is asked for, whom it believes, and what is told when it does not.

const fs = require('node:fs');
const tls = require('node:tls');
const { Server, ROLES, DATABASE } = require('../../support/server.js');
const { TlsProxy } = require('../../support/tls-proxy.js');
const { testServer } = require('../../support/urls.js');
const { rejection } = require('../../support/pools.js');
const { connect, make, track, value, values } = require('./clients.js');
const { IMPLEMENTATIONS } = require('./implementations.js');
const { ScriptedServer } = require('./scripted.js');

const ca = () => fs.readFileSync(testServer().caFile, 'utf8');
const IN_USE = 'select ssl from pg_stat_ssl where pid = pg_backend_pid()';

/** A server of its own: its authority issues what the test wants. */
let server;

beforeAll(async () => {
  server = await Server.start();
  await server.authority.issue('certuser', { subject: 'certuser' });
  await server.authority.issue('elsewhere', { names: 'DNS:elsewhere.example' });
  await server.authority.issueAlone('alone');
});

afterAll(() => server.destroy());

const pair = (name) => ({
  cert: server.authority.read(`${name}.crt`),
  key: server.authority.read(`${name}.key`),
});

describe.each(IMPLEMENTATIONS)('%s', (_name, load) => {
  const open = (options) => connect(load(), options);

  /** With the server behind a certificate of the test's. */
  async function behind(name, options) {
    const proxy = await TlsProxy.open({ host: '127.0.0.1', port: server.port }, pair(name), {
      withoutPlus: true,
    });
    const { Client } = load();
    const target = { user: 'app', password: ROLES.app.password, database: DATABASE };
    const client = track(
      new Client({ host: 'localhost', port: proxy.port, ...target, ...options }),
    );
    try {
      await client.connect();
      return await value(client, 'select 1');
    } finally {
      await client.end();
      await proxy.close();
    }
  }

  test('not without ssl', async () => {
    expect(await value(await open(), IN_USE)).toBe(false);
    expect(await value(await open({ ssl: false }), IN_USE)).toBe(false);
  });

  test.each([
    ['rejectUnauthorized: false', () => ({ rejectUnauthorized: false })],
    ['no-verify', () => 'no-verify'],
    ['ca', () => ({ ca: ca() })],
    ['ca as a Buffer', () => ({ ca: Buffer.from(ca()) })],
    ['several authorities', () => ({ ca: [pair('alone').cert, ca()] })],
    ['a context', () => ({ secureContext: tls.createSecureContext({ ca: ca() }) })],
    ['minVersion', () => ({ ca: ca(), minVersion: 'TLSv1.3' })],
    ['maxVersion', () => ({ ca: ca(), maxVersion: 'TLSv1.2' })],
  ])('with %s', async (_what, ssl) => {
    const client = await open({ ssl: ssl(), user: 'tlsonly' });
    expect(await values(client, `${IN_USE} union all select true limit 1`)).toEqual([true]);
    expect(client.connection.stream.encrypted).toBe(true);
  });

  test('by name', async () => {
    const client = await open({ host: 'localhost', ssl: { ca: ca() } });
    expect(await value(client, IN_USE)).toBe(true);
  });

  test('by a URL', async () => {
    const { host, port, caFile } = testServer();
    const { Client } = load();
    for (const query of [
      'sslmode=no-verify',
      'ssl=no-verify',
      `sslmode=verify-full&sslrootcert=${encodeURIComponent(caFile)}`,
      'sslmode=require&uselibpqcompat=true',
    ]) {
      const client = track(new Client(`postgres://nopass@${host}:${port}/${DATABASE}?${query}`));
      await client.connect();
      expect(await value(client, IN_USE)).toBe(true);
    }
  });

  test('an authority that is not known', async () => {
    for (const ssl of [true, {}, { rejectUnauthorized: true }]) {
      const error = await rejection(make(load(), { ssl }).connect());
      expect(error.code).toBe('SELF_SIGNED_CERT_IN_CHAIN');
      expect(error.message).toBe('self-signed certificate in certificate chain');
    }
  });

  test('another authority', async () => {
    const error = await rejection(make(load(), { ssl: { ca: pair('alone').cert } }).connect());
    expect(error.code).toBe('SELF_SIGNED_CERT_IN_CHAIN');
  });

  test('a certificate for another name', async () => {
    const own = server.authority.read('ca.crt');
    const error = await rejection(behind('elsewhere', { ssl: { ca: own } }));
    expect(error).toMatchObject({
      code: 'ERR_TLS_CERT_ALTNAME_INVALID',
      reason: "Host: localhost. is not in the cert's altnames: DNS:elsewhere.example",
      host: 'localhost',
    });
    const trusting = { ca: own, checkServerIdentity: () => undefined };
    expect(await behind('elsewhere', { ssl: trusting })).toBe(1);
  });

  test('a certificate that signs itself', async () => {
    const error = await rejection(behind('alone', { ssl: true }));
    expect(error.code).toBe('DEPTH_ZERO_SELF_SIGNED_CERT');
    expect(await behind('alone', { ssl: { ca: pair('alone').cert } })).toBe(1);
  });

  test('checkServerIdentity is asked, and refuses', async () => {
    const asked = [];
    const wrong = new Error('I do not know you');
    const ssl = {
      ca: ca(),
      checkServerIdentity(host, certificate) {
        asked.push([host, certificate.subject.CN]);
        return wrong;
      },
    };
    const error = await rejection(make(load(), { host: 'localhost', ssl }).connect());
    expect(error).toBe(wrong);
    expect(asked).toEqual([['localhost', 'localhost']]);
  });

  test('a certificate of the client', async () => {
    const { Client } = load();
    const target = { host: 'localhost', port: server.port, user: 'certuser', database: DATABASE };
    const own = server.authority.read('ca.crt');
    const client = track(new Client({ ...target, ssl: { ca: own, ...pair('certuser') } }));
    await client.connect();
    expect(await value(client, 'select current_user')).toBe('certuser');
    expect(Object.keys(client.ssl)).not.toContain('key');
    const without = track(new Client({ ...target, ssl: { ca: own } }));
    expect((await rejection(without.connect())).code).toBe('28000');
  });

  test('roles that must, and must not', async () => {
    const must = await rejection(make(load(), { user: 'tlsonly' }).connect());
    expect(must.code).toBe('28000');
    const mustNot = make(load(), { user: 'plainonly', ssl: { rejectUnauthorized: false } });
    expect((await rejection(mustNot.connect())).code).toBe('28000');
  });

  test.each([
    ['N', 'The server does not support SSL connections'],
    ['E', 'There was an error establishing an SSL connection'],
    ['x', 'There was an error establishing an SSL connection'],
    ['HTTP/1.1 400', 'There was an error establishing an SSL connection'],
  ])('a server that answers %s', async (answer, message) => {
    const scripted = await ScriptedServer.open((_chunk, socket) => socket.write(answer));
    const client = track(new (load().Client)({ ...scripted.target, ssl: true }));
    const error = await rejection(client.connect());
    expect(error.constructor).toBe(Error);
    expect(error.message).toBe(message);
  });

  test('a server that closes instead of TLS', async () => {
    for (const answer of [(socket) => socket.end(), (socket) => socket.end('S')]) {
      const scripted = await ScriptedServer.open((_chunk, socket) => answer(socket));
      const client = track(new (load().Client)({ ...scripted.target, ssl: true }));
      const { message } = await rejection(client.connect());
      expect(message).toMatch(/^Connection terminated unexpectedly$|before secure TLS connection/);
    }
  });

  test('a server that talks nonsense instead of TLS', async () => {
    const scripted = await ScriptedServer.open((_chunk, socket, n) =>
      socket.write(n === 0 ? 'S' : 'no TLS at all, but many bytes of something else'),
    );
    const client = track(new (load().Client)({ ...scripted.target, ssl: true }));
    // OpenSSL's own code, or Node's for all that OpenSSL finds wrong with a socket.
    const { code } = await rejection(client.connect());
    expect(['EPROTO', 'ERR_SSL_WRONG_VERSION_NUMBER']).toContain(code);
  });

  test('the timeout covers TLS', async () => {
    const scripted = await ScriptedServer.open((_chunk, socket, n) => {
      if (n === 0) socket.write('S');
    });
    const target = { ...scripted.target, ssl: true, connectionTimeoutMillis: 100 };
    const error = await rejection(track(new (load().Client)(target)).connect());
    expect(error.message).toMatch(/^timeout expired$|^Client network socket disconnected/);
  });

  test('channel binding', async () => {
    const ssl = { ca: ca() };
    const client = await open({ user: 'app', ssl, enableChannelBinding: true });
    expect(client.enableChannelBinding).toBe(true);
    expect(await value(client, 'select current_user')).toBe('app');
    expect(await value(await open({ user: 'app', enableChannelBinding: true }), IN_USE)).toBe(
      false,
    );
  });

  test('channel binding tells a man in the middle', async () => {
    const middle = { host: '127.0.0.1', port: server.port };
    const proxy = await TlsProxy.open(middle, pair('elsewhere'));
    const login = { user: 'app', password: ROLES.app.password, database: DATABASE };
    const ssl = { rejectUnauthorized: false };
    const target = { ...login, ssl, host: '127.0.0.1', port: proxy.port };
    const { Client } = load();
    const client = track(new Client({ ...target, enableChannelBinding: true }));
    expect((await rejection(client.connect())).code).toBe('28000');
    await proxy.close();
  });

  test('a megabyte each way', async () => {
    const client = await open({ ssl: { ca: ca() } });
    const long = 'ü'.repeat(500_000);
    expect(await value(client, 'select $1::text', [long])).toBe(long);
  });
});
