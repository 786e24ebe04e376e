'use strict';
// TLS against a real server: every mode, the certificates of either side, and what is said when
// they do not fit.

const fs = require('node:fs');
const path = require('node:path');
const tls = require('node:tls');
const { ROLES, DATABASE, Server } = require('../support/server.js');
const { TlsProxy } = require('../support/tls-proxy.js');
const { load, rejection, track, until } = require('../support/pools.js');
const { url } = require('../support/urls.js');
const { visible } = require('../support/secrets.js');

const SSL = 'select ssl from pg_stat_ssl where pid = pg_backend_pid()';

let server;
let files;

beforeAll(async () => {
  server = await Server.start();
  const { authority } = server;
  await authority.issue('elsewhere', { names: 'DNS:elsewhere.example' });
  await authority.issueFor('expired', '20200101000000Z', '20200201000000Z');
  await authority.issueFor('early', '20900101000000Z', '20910101000000Z');
  await authority.issueAlone('alone');
  await authority.issue('client', { names: 'DNS:client', subject: 'certuser' });
  await authority.issue('nobody', { names: 'DNS:client', subject: 'nobody' });
  await authority.issueAlone('stranger');
  await authority.issue('nameless', { names: null });
  await authority.issueOld('old');
  await authority.issueOld('oldclient', { subject: 'certuser' });
  await authority.encryptKey('client', 'locked');
  files = (name) => authority.file(name);
});

afterAll(() => server.destroy());

const pem = (name) => server.authority.read(name);

/** An object of options for a role of this file's server. */
function options(role, more = {}) {
  const { password } = ROLES[role];
  const { port } = server;
  const login = { host: 'localhost', port, user: role, database: DATABASE };
  return { ...login, ...(password && { password }), ...more };
}

/** Whether a login is encrypted. */
async function encrypted(role, more) {
  const connection = track(await load().connect(options(role, more)));
  return (await connection.query(SSL)).rows[0].ssl;
}

/** The error of a refused login, free of secrets, which createPool gives without delay. */
async function refusal(role, more) {
  const error = await rejection(load().createPool(options(role, more)));
  const secrets = Object.values(ROLES).flatMap(({ password }) => password ?? []);
  for (const secret of [...secrets, 'PRIVATE KEY', 'hidden']) {
    expect(visible(error)).not.toContain(secret);
  }
  return error;
}

async function useCertificate(name) {
  await server.reconfigure({
    ssl: 'on',
    ssl_cert_file: `${name}.crt`,
    ssl_key_file: `${name}.key`,
  });
}

describe('a server that takes both', () => {
  test.each([
    ['disable', false, false, '28000'],
    ['allow', false, false, true],
    ['prefer', true, false, true],
    ['require', true, '28000', true],
    ['verify-ca', true, '28000', true],
    ['verify-full', true, '28000', true],
  ])('sslmode %s', async (sslmode, app, plainonly, tlsonly) => {
    const more = { sslmode, ...(sslmode.startsWith('verify') && { sslrootcert: files('ca.crt') }) };
    for (const [role, expected] of Object.entries({ app, plainonly, tlsonly })) {
      const answer = await encrypted(role, more).catch(({ code }) => code);
      expect([role, answer]).toEqual([role, expected]);
    }
  });

  test('an authority in a file makes require check the certificate, as in libpq', async () => {
    const more = { sslmode: 'require', sslrootcert: files('ca.crt') };
    expect(await encrypted('app', more)).toBe(true);
    const error = await refusal('app', { ...more, sslrootcert: files('stranger.crt') });
    expect(error).toMatchObject({ code: 'ERR_POLYPOOL_CONNECT', reason: 'tls' });
  });

  test('PEM may be text or bytes, one or several', async () => {
    const bytes = fs.readFileSync(files('ca.crt'));
    for (const ca of [
      bytes,
      [bytes],
      new Uint8Array(bytes),
      [pem('stranger.crt'), pem('ca.crt')],
    ]) {
      expect(await encrypted('app', { ssl: { ca } })).toBe(true);
    }
  });

  test('sslrootcert system trusts whom Node trusts, and verifies in full', async () => {
    const error = await refusal('app', { sslrootcert: 'system' });
    expect(error).toMatchObject({ code: 'ERR_POLYPOOL_CONNECT', reason: 'tls' });
    expect(error.message).toContain('authority that is trusted');
    const weak = await refusal('app', { sslrootcert: 'system', sslmode: 'require' });
    expect(weak).toMatchObject({ code: 'ERR_POLYPOOL_OPTION', option: 'sslmode' });
  });
});

describe('client certificates', () => {
  test('as PEM and as files', async () => {
    const ssl = { ca: pem('ca.crt'), cert: pem('client.crt'), key: pem('client.key') };
    expect(await encrypted('certuser', { ssl })).toBe(true);
    const more = { sslmode: 'require', sslcert: files('client.crt'), sslkey: files('client.key') };
    expect(await encrypted('certuser', more)).toBe(true);
    const bytes = (name) => fs.readFileSync(files(name));
    const raw = { ca: bytes('ca.crt'), cert: bytes('client.crt'), key: bytes('client.key') };
    expect(await encrypted('certuser', { ssl: raw })).toBe(true);
  });

  test.each(['prefer', 'require'])(
    'a server that wants one says so, sslmode %s',
    async (sslmode) => {
      const error = await refusal('certuser', { sslmode });
      expect(error).toMatchObject({ code: 'ERR_POLYPOOL_CONNECT', reason: 'auth', errno: '28000' });
      expect(error.message).toContain("'ssl.cert' and 'ssl.key'");
      expect(error.message).toContain("'sslcert' and 'sslkey'");
      expect(error.cause).toMatchObject({ name: 'DatabaseError', code: '28000' });
    },
  );

  test('one of another name is refused by the server', async () => {
    const ssl = { ca: pem('ca.crt'), cert: pem('nobody.crt'), key: pem('nobody.key') };
    expect((await refusal('certuser', { ssl })).code).toBe('28000');
  });

  test('one that no authority of the server signed names the option', async () => {
    const ssl = { ca: pem('ca.crt'), cert: pem('stranger.crt'), key: pem('stranger.key') };
    const error = await refusal('certuser', { ssl });
    expect(error).toMatchObject({ code: 'ERR_POLYPOOL_CONNECT', reason: 'tls' });
    expect(error.message).toContain("'ssl.cert'");
  });

  test.each([
    ['the key of another', { key: 'nobody.key' }, 'ssl.key', 'of the first certificate'],
    ['an encrypted key', { key: 'locked.key' }, 'ssl.key', 'not encrypted'],
    ['no key', { key: 'client.crt' }, 'ssl.key', 'private key in PEM form'],
    ['no certificate', { cert: 'client.key' }, 'ssl.cert', 'certificates in PEM form'],
    [
      'a certificate of version 1',
      { cert: 'oldclient.crt', key: 'oldclient.key' },
      'ssl.cert',
      "of X.509 version 3 (or 'ssl.cert' beside ssl.minVersion: 'TLSv1.2', with which Node " +
        'makes the connections), got one of X.509 version 1',
    ],
  ])('%s is refused at once', async (name, given, option, words) => {
    const { cert, key } = { cert: 'client.crt', key: 'client.key', ...given };
    const ssl = { ca: pem('ca.crt'), cert: pem(cert), key: pem(key) };
    const error = await refusal('certuser', { ssl });
    expect(error).toMatchObject({ code: 'ERR_POLYPOOL_OPTION', option });
    expect(error.message).toContain(words);
    const paths = { sslmode: 'require', sslcert: files(cert), sslkey: files(key) };
    const same = await refusal('certuser', paths);
    expect(same).toMatchObject({ code: 'ERR_POLYPOOL_OPTION', option: option.replace('.', '') });
  });
});

test('a client certificate of X.509 version 1 is shown by Node', async () => {
  const identity = { cert: pem('oldclient.crt'), key: pem('oldclient.key') };
  const ssl = { ca: pem('ca.crt'), ...identity, minVersion: 'TLSv1.2' };
  expect(await encrypted('certuser', { ssl })).toBe(true);
});

describe('sessions', () => {
  let proxy;

  beforeEach(async () => {
    const certificate = { cert: pem('server.crt'), key: pem('server.key') };
    proxy = await TlsProxy.open({ host: '127.0.0.1', port: server.port }, certificate);
  });

  afterEach(() => proxy.close());

  const through = (max) => ({
    ...options('app', { max, port: proxy.port, ssl: { ca: pem('ca.crt') } }),
    channel_binding: 'disable',
  });

  test('later connections of a pool resume the session of an earlier one', async () => {
    const pool = track(await load().createPool(through(2)));
    const first = await pool.acquire();
    await first.query('select 1');
    const second = await pool.acquire();
    await Promise.all([first, second].map((connection) => connection.release()));
    expect(proxy.clients).toEqual([
      { asked: true, resumed: false },
      { asked: true, resumed: true },
    ]);
  });

  test('a cancel goes over TLS as its session does', async () => {
    const pool = track(await load().createPool(through(1)));
    const { processId } = await pool.use(({ processId }) => ({ processId }));
    const controller = new AbortController();
    const sleeping = rejection(pool.query('select pg_sleep(60)', [], controller));
    const watcher = track(await load().connect(options('app', { ssl: false })));
    const active = `select 1 from pg_stat_activity
      where pid = $1 and state = 'active' and wait_event = 'PgSleep'`;
    await until(async () => (await watcher.query(active, [processId])).rowCount === 1, 'sleeping');
    controller.abort();
    expect((await sleeping).name).toBe('AbortError');
    // The same backend answers, so the cancel has reached it.
    const { rows } = await pool.query('select pg_backend_pid() as pid');
    expect(rows).toEqual([{ pid: processId }]);
    expect(proxy.clients.map(({ asked }) => asked)).toEqual([true, true]);
  });
});

describe('servers with other certificates', () => {
  const trusting = { sslmode: 'verify-full' };

  test.each([
    ['expired', /expired \d+ days ago/, 'ssl.rejectUnauthorized'],
    ['early', /becomes valid in \d+ days/, 'ssl.rejectUnauthorized'],
    ['elsewhere', /is for 'elsewhere.example', not for 'localhost'/, "'ssl.servername'"],
    ['alone', /not signed by an authority that is trusted/, "'ssl.ca' or 'sslrootcert'"],
  ])('%s', async (name, words, option) => {
    await useCertificate(name);
    for (const more of [
      { ...trusting, sslrootcert: files('ca.crt') },
      { ssl: { ca: pem('ca.crt') } },
    ]) {
      const error = await refusal('app', more);
      expect(error).toMatchObject({ code: 'ERR_POLYPOOL_CONNECT', reason: 'tls' });
      expect(error.errno).toBe('ERR_TLS_CERTIFICATE');
      expect(error.message).toMatch(words);
      expect(error.message).toContain(option);
    }
    // Who only encrypts does not mind.
    expect(await encrypted('app', { sslmode: 'require' })).toBe(true);
  });

  test('one that signs itself is trusted when it is given as the authority', async () => {
    await useCertificate('alone');
    const ssl = { ca: pem('alone.crt') };
    expect(await encrypted('app', { ssl })).toBe(true);
    expect(await encrypted('app', { ...trusting, sslrootcert: files('alone.crt') })).toBe(true);
    const error = await refusal('app', { ssl: { ...ssl, servername: 'elsewhere.example' } });
    expect(error.message).toContain("not for 'elsewhere.example'");
  });

  test('one without subjectAltName: Node takes its CN, the engine says what helps', async () => {
    await useCertificate('nameless');
    const ca = pem('ca.crt');
    for (const more of [{ ...trusting, sslrootcert: files('ca.crt') }, { ssl: { ca } }]) {
      const error = await refusal('app', more);
      expect(error).toMatchObject({ reason: 'tls', errno: 'ERR_TLS_CERTIFICATE' });
      expect(error.message).toContain('has no subjectAltName');
      expect(error.message).toContain("make one whose subjectAltName is 'localhost'");
      expect(error.message).toContain('ssl.checkServerIdentity');
      // It can have no name that would do.
      expect(error.message).not.toContain('ssl.servername');
    }
    const anyName = { sslmode: 'verify-ca', sslrootcert: files('ca.crt') };
    expect(await encrypted('app', anyName)).toBe(true);
    const { checkServerIdentity } = tls;
    const byNode = { ssl: { ca, checkServerIdentity } };
    for (const more of [byNode, { ssl: { ca, minVersion: 'TLSv1.2' } }]) {
      expect(await encrypted('app', more)).toBe(true);
    }
    // The CN never stands for an address.
    const address = options('app', { ...byNode, host: '127.0.0.1' });
    expect(await rejection(load().createPool(address))).toMatchObject({
      reason: 'tls',
      errno: 'ERR_TLS_CERT_ALTNAME_INVALID',
    });
  });

  test('one of X.509 version 1: Node takes it, the engine says what helps', async () => {
    await useCertificate('old');
    const ca = pem('ca.crt');
    for (const more of [
      { sslmode: 'require' },
      { ...trusting, sslrootcert: files('ca.crt') },
      { ssl: { ca } },
      // Trusted by itself it can be read no better.
      { ssl: { ca: pem('old.crt') } },
    ]) {
      const error = await refusal('app', more);
      expect(error).toMatchObject({ reason: 'tls', errno: 'ERR_TLS_CERTIFICATE' });
      expect(error.message).toContain('is of X.509 version 1');
      expect(error.message).toContain('make one of version 3');
      expect(error.message).toContain("ssl.minVersion: 'TLSv1.2'");
    }
    for (const ssl of [{ ca }, { rejectUnauthorized: false }]) {
      expect(await encrypted('app', { ssl: { ...ssl, minVersion: 'TLSv1.2' } })).toBe(true);
    }
  });

  test('sslmode=prefer goes on in clear when TLS fails, as libpq does', async () => {
    await useCertificate('old');
    expect(await encrypted('app', { sslmode: 'prefer' })).toBe(false);
    // A server that does not have it in clear is left with what was wrong with TLS.
    const error = await refusal('tlsonly', { sslmode: 'prefer' });
    expect(error).toMatchObject({ code: 'ERR_POLYPOOL_CONNECT', reason: 'tls' });
    expect(error.message).toContain('is of X.509 version 1');
  });

  test('verify-ca takes any name, ssl.servername another one than the host', async () => {
    await useCertificate('elsewhere');
    const more = { sslmode: 'verify-ca', sslrootcert: files('ca.crt') };
    expect(await encrypted('app', more)).toBe(true);
    const ssl = { ca: pem('ca.crt'), servername: 'elsewhere.example' };
    expect(await encrypted('app', { ssl })).toBe(true);
    expect(await encrypted('app', { ssl, host: '127.0.0.1' })).toBe(true);
  });

  test('one without TLS', async () => {
    await server.reconfigure({ ssl: 'off' });
    const roots = { sslrootcert: files('ca.crt') };
    for (const more of [
      { sslmode: 'require' },
      { sslmode: 'verify-ca', ...roots },
      { sslmode: 'verify-full', ...roots },
      { ssl: true },
      { channel_binding: 'require' },
    ]) {
      const error = await refusal('app', more);
      expect(error).toMatchObject({ code: 'ERR_POLYPOOL_CONNECT', reason: 'tls' });
      expect(error.message).toContain("'sslmode'");
    }
    for (const sslmode of ['disable', 'allow', 'prefer']) {
      expect(await encrypted('app', { sslmode })).toBe(false);
    }
  });

  test('direct negotiation with a server before 17 says what is missing', async () => {
    await useCertificate('server');
    const { rows } = await track(await load().connect(options('app'))).query(
      "select current_setting('server_version_num')::int as version",
    );
    const more = { sslmode: 'require', sslnegotiation: 'direct' };
    if (rows[0].version >= 170000) {
      expect(await encrypted('app', more)).toBe(true);
    } else {
      const error = await refusal('app', more);
      expect(error).toMatchObject({ code: 'ERR_POLYPOOL_CONNECT', reason: 'tls' });
      expect(error.message).toContain("'sslnegotiation'");
    }
  });
});

test('files that cannot be read name the option', async () => {
  const nowhere = path.join(server.directory, 'nowhere.crt');
  for (const option of ['sslrootcert', 'sslcert']) {
    const error = await refusal('app', {
      sslmode: 'require',
      sslkey: files('client.key'),
      [option]: nowhere,
    });
    expect(error).toMatchObject({ code: 'ERR_POLYPOOL_OPTION', option });
  }
});

test('a URL says it all', async () => {
  await useCertificate('server');
  const target = url({
    role: 'certuser',
    port: server.port,
    host: 'localhost',
    sslmode: 'verify-full',
  });
  const names = { sslrootcert: 'ca.crt', sslcert: 'client.crt', sslkey: 'client.key' };
  const query = Object.entries(names).map(
    ([key, name]) => `${key}=${encodeURIComponent(files(name))}`,
  );
  const connection = track(await load().connect(`${target}&${query.join('&')}`));
  expect((await connection.query(SSL)).rows).toEqual([{ ssl: true }]);
});
