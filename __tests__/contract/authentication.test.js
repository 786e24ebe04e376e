'use strict';
// Channel binding: a password exchange that is tied to the TLS connection under it, and what
// happens to those who stand in between.

const { ROLES, DATABASE, Server } = require('../support/server.js');
const { TlsProxy } = require('../support/tls-proxy.js');
const { load, rejection, track } = require('../support/pools.js');
const { visible } = require('../support/secrets.js');

const RSA = ['-newkey', 'rsa:2048'];

let server;
let proxies = [];

beforeAll(async () => {
  server = await Server.start();
  const { authority } = server;
  await authority.issue('middle');
  await authority.issue('sha384', { signing: ['-sha384'] });
  await authority.issue('sha512', { newKey: RSA, signing: ['-sha512'] });
  const pss = ['-sigopt', 'rsa_padding_mode:pss', '-sigopt', 'rsa_pss_saltlen:64'];
  await authority.issue('pss', { signing: ['-sha512', ...pss] });
  await authority.issueAlone('ecdsa');
  await authority.issueAlone('ed25519', ['-newkey', 'ed25519']);
});

afterEach(async () => {
  await Promise.all(proxies.map((proxy) => proxy.close()));
  proxies = [];
});

afterAll(() => server.destroy());

const pem = (name) => server.authority.read(name);

/** Somebody in between whose certificate an authority signed that the client trusts. */
async function middle(more) {
  const certificate = { cert: pem('middle.crt'), key: pem('middle.key') };
  const target = { host: '127.0.0.1', port: server.port };
  const proxy = await TlsProxy.open(target, certificate, more);
  proxies.push(proxy);
  return proxy;
}

const options = (role, more) => ({
  host: 'localhost',
  port: server.port,
  user: role,
  database: DATABASE,
  ...(ROLES[role].password && { password: ROLES[role].password }),
  ssl: { ca: pem('ca.crt') },
  ...more,
});

async function login(role, more) {
  const connection = track(await load().connect(options(role, more)));
  const { rows } = await connection.query('select current_user as user');
  return rows[0].user;
}

async function refusal(role, more) {
  const error = await rejection(load().createPool(options(role, more)));
  const { password } = ROLES[role];
  if (password) expect(visible(error)).not.toContain(password);
  return error;
}

const useCertificate = (name) =>
  server.reconfigure({ ssl_cert_file: `${name}.crt`, ssl_key_file: `${name}.key` });

test.each(['server', 'sha384', 'sha512', 'pss', 'ecdsa'])(
  'a login is bound to certificate %s',
  async (name) => {
    await useCertificate(name);
    const ssl = { ca: [pem('ca.crt'), pem('ecdsa.crt')] };
    for (const channel_binding of ['require', 'prefer', 'disable']) {
      expect(await login('app', { ssl, channel_binding })).toBe('app');
    }
  },
);

test('what names no hash cannot be bound to', async () => {
  await useCertificate('ed25519');
  const ssl = { ca: pem('ed25519.crt') };
  for (const channel_binding of ['prefer', 'disable']) {
    expect(await login('app', { ssl, channel_binding })).toBe('app');
  }
  const error = await refusal('app', { ssl, channel_binding: 'require' });
  expect(error).toMatchObject({ code: 'ERR_POLYPOOL_CONNECT', reason: 'auth' });
  expect(error.message).toContain("'channel_binding'");
  await useCertificate('server');
});

test.each([
  ['nopass', 'trust'],
  ['md5user', 'md5'],
  ['clearuser', 'a cleartext password'],
])('required binding refuses %s, who logs in by %s', async (role) => {
  const error = await refusal(role, { channel_binding: 'require' });
  expect(error).toMatchObject({ code: 'ERR_POLYPOOL_CONNECT', reason: 'auth' });
  expect(error.message).toContain("'channel_binding'");
  expect(await login(role, { channel_binding: 'prefer' })).toBe(role);
});

test('required binding asks for TLS', async () => {
  const plain = { ssl: false, channel_binding: 'require' };
  const error = await refusal('app', plain);
  expect(error).toMatchObject({ code: 'ERR_POLYPOOL_OPTION', option: 'channel_binding' });
  const { ssl, ...byDefault } = options('app', { channel_binding: 'require' });
  expect(ssl).toBeDefined();
  expect(track(await load().connect(byDefault)).closed).toBe(false);
  const socket = { host: server.directory, ssl: undefined, channel_binding: 'require' };
  expect((await refusal('app', socket)).message).toContain("'channel_binding'");
});

describe('a man in the middle with a trusted certificate', () => {
  test.each(['prefer', 'require'])(
    'is found out by channel_binding %s',
    async (channel_binding) => {
      const { port } = await middle();
      const error = await refusal('app', { port, channel_binding });
      expect(error).toMatchObject({ code: 'ERR_POLYPOOL_CONNECT', reason: 'auth' });
      expect(error.message).toMatch(/channel binding failed/);
      expect(error.message).toContain("'channel_binding' to 'disable'");
      expect(error.cause).toMatchObject({ name: 'DatabaseError', code: '28000' });
    },
  );

  test.each(['prefer', 'require'])(
    'cannot hide that the server binds: %s',
    async (channel_binding) => {
      const { port } = await middle({ withoutPlus: true });
      const error = await refusal('app', { port, channel_binding });
      expect(error).toMatchObject({ code: 'ERR_POLYPOOL_CONNECT', reason: 'auth' });
      expect(error.message).toMatch(/channel.binding/);
    },
  );

  test('does not drive the client to a connection without TLS', async () => {
    const proxy = await middle();
    const more = { ssl: undefined, sslmode: 'prefer', port: proxy.port };
    expect((await refusal('app', more)).message).toMatch(/channel binding failed/);
    expect(proxy.clients).toEqual([{ asked: true, resumed: false }]);
  });

  test('is let pass where that is asked for', async () => {
    const { port } = await middle();
    expect(await login('app', { port, channel_binding: 'disable' })).toBe('app');
    // An exchange without SCRAM binds nothing.
    expect(await login('md5user', { port })).toBe('md5user');
  });
});
