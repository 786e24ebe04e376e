'use strict';
// TLS by Node: fields of `ssl` that the engine's own TLS lacks, and TLS over Duplexes of option
// `stream`. On a server of its own, which knows a role that logs in by certificate.

const { execFileSync } = require('node:child_process');
const fs = require('node:fs');
const net = require('node:net');
const path = require('node:path');
const tls = require('node:tls');
const { load, rejection, track } = require('../support/pools.js');
const { Server, DATABASE, ROLES } = require('../support/server.js');
const { Tunnel } = require('../support/duplex.js');
const { Proxy } = require('../support/proxy.js');

const PASSPHRASE = 'correct horse battery staple';

let server;
let ca;
let client;
let stranger;

/** A key under a passphrase, and a certificate of the server's authority for the role `app`. */
function makeClient(folder) {
  const openssl = (...args) => execFileSync('openssl', args, { cwd: folder, stdio: 'pipe' });
  const [key, request, cert] = ['client.key', 'client.csr', 'client.crt'];
  const secret = ['-passout', `pass:${PASSPHRASE}`];
  openssl(
    'req',
    '-newkey',
    'rsa:2048',
    ...secret,
    '-keyout',
    key,
    '-out',
    request,
    '-subj',
    '/CN=app',
  );
  const signing = ['-CA', 'ca.crt', '-CAkey', 'ca.key', '-CAcreateserial', '-days', '30'];
  openssl('x509', '-req', ...signing, '-in', request, '-out', cert);
  const pack = ['-inkey', key, '-in', cert, '-passin', `pass:${PASSPHRASE}`];
  openssl('pkcs12', '-export', ...pack, ...secret, '-out', 'client.pfx');
  const read = (name, encoding) => fs.readFileSync(path.join(folder, name), encoding);
  return { key: read(key, 'utf8'), cert: read(cert, 'utf8'), pfx: read('client.pfx') };
}

/** A certificate that nobody signed. */
function makeStranger(folder) {
  const args = ['-keyout', 'other.key', '-out', 'other.crt', '-subj', '/CN=other', '-days', '30'];
  execFileSync('openssl', ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', ...args], {
    cwd: folder,
    stdio: 'pipe',
  });
  return fs.readFileSync(path.join(folder, 'other.crt'), 'utf8');
}

beforeAll(async () => {
  server = await Server.start();
  const data = path.join(server.directory, 'data');
  client = makeClient(data);
  stranger = makeStranger(data);
  ca = fs.readFileSync(server.caFile, 'utf8');
  const access = path.join(data, 'pg_hba.conf');
  // Before the rules that let `app` in by password.
  const rules = ['hostssl template1 app 127.0.0.1/32 cert'];
  fs.writeFileSync(access, [...rules, fs.readFileSync(access, 'utf8')].join('\n'));
  await server.restart();
});

afterAll(() => server?.destroy());

const target = (options) => ({
  host: '127.0.0.1',
  port: server.port,
  user: 'app',
  password: ROLES.app.password,
  database: DATABASE,
  max: 1,
  ...options,
});

const open = async (options) => track(await load().createPool(target(options)));

const encryption = async (pool) =>
  (await pool.query('select ssl, version, cipher from pg_stat_ssl where pid = pg_backend_pid()'))
    .rows[0];

/** Fields that Node alone knows, with how to see that they had an effect. */
const FIELDS = {
  maxVersion: [{ maxVersion: 'TLSv1.2' }, { version: 'TLSv1.2' }],
  ciphers: [
    { ciphers: 'ECDHE-RSA-AES256-GCM-SHA384', maxVersion: 'TLSv1.2' },
    { cipher: 'ECDHE-RSA-AES256-GCM-SHA384' },
  ],
  minVersion: [{ minVersion: 'TLSv1.3' }, { version: 'TLSv1.3' }],
  ecdhCurve: [{ ecdhCurve: 'prime256v1' }, { ssl: true }],
};

test.each(Object.keys(FIELDS))('ssl.%s', async (name) => {
  const [fields, expected] = FIELDS[name];
  const pool = await open({ ssl: { ca, ...fields } });
  expect(await encryption(pool)).toMatchObject({ ssl: true, ...expected });
});

test('ssl.secureContext', async () => {
  const secureContext = tls.createSecureContext({ ca, maxVersion: 'TLSv1.2' });
  const pool = await open({ ssl: { secureContext } });
  expect(await encryption(pool)).toMatchObject({ ssl: true, version: 'TLSv1.2' });
});

test('ssl.checkServerIdentity is asked with host and certificate', async () => {
  const asked = [];
  const checkServerIdentity = (host, { subject }) => void asked.push([host, subject.CN]);
  const pool = await open({ ssl: { ca, checkServerIdentity } });
  expect(await encryption(pool)).toMatchObject({ ssl: true });
  expect(asked).toEqual([['127.0.0.1', 'localhost']]);
});

test('ssl.checkServerIdentity may refuse, and is not asked again', async () => {
  const reason = Object.assign(new Error('not the pinned certificate'), { code: 'EPINNED' });
  let asked = 0;
  const checkServerIdentity = () => (asked += 1) && reason;
  const error = await rejection(open({ ssl: { ca, checkServerIdentity } }));
  expect(error).toBeInstanceOf(load().ConnectError);
  expect(error).toMatchObject({ reason: 'tls', errno: 'EPINNED' });
  expect(error.cause).toBe(reason);
  expect(asked).toBe(1);
});

test('ssl.passphrase opens the key of a role that logs in by certificate', async () => {
  const { key, cert } = client;
  const byCertificate = { database: 'template1', password: undefined };
  const pool = await open({ ...byCertificate, ssl: { ca, key, cert, passphrase: PASSPHRASE } });
  expect((await pool.query('select current_user as who')).rows).toEqual([{ who: 'app' }]);
  const packed = await open({
    ...byCertificate,
    ssl: { ca, pfx: client.pfx, passphrase: PASSPHRASE },
  });
  expect((await packed.query('select current_user as who')).rows).toEqual([{ who: 'app' }]);
});

test('a wrong passphrase is refused at once, and never shown', async () => {
  const { key, cert } = client;
  for (const passphrase of ['wrong-s3cret', 731_731]) {
    const error = await rejection(open({ ssl: { ca, key, cert, passphrase } }));
    expect(error).toMatchObject({ code: 'ERR_POLYPOOL_OPTION', option: 'ssl' });
    expect(`${error.stack}${JSON.stringify(error)}`).not.toMatch(/wrong-s3cret|731731|731_731/);
  }
});

/** None of these fields may make verification any weaker: each must fail as without it. */
const STRICT = { minVersion: 'TLSv1.2' };

test('the certificate of another authority is refused', async () => {
  const error = await rejection(open({ ssl: { ...STRICT, ca: stranger } }));
  expect(error).toMatchObject({ name: 'ConnectError', reason: 'tls' });
  const unknown = await rejection(open({ ssl: STRICT }));
  expect(unknown).toMatchObject({ name: 'ConnectError', reason: 'tls' });
  for (const { message } of [error, unknown]) {
    expect(message).toContain(
      'name the authority (or the certificate itself where it is self-signed)',
    );
  }
});

test('the certificate of another host is refused, unless only the authority counts', async () => {
  const elsewhere = { ...STRICT, ca, servername: 'elsewhere.example' };
  const error = await rejection(open({ ssl: elsewhere }));
  expect(error).toMatchObject({ reason: 'tls', errno: 'ERR_TLS_CERT_ALTNAME_INVALID' });
  expect(error.message).toContain("with option 'ssl.servername'");
  const anyName = await open({ ssl: elsewhere, sslmode: 'verify-ca' });
  expect(await encryption(anyName)).toMatchObject({ ssl: true });
  const strange = { ...STRICT, ca: stranger };
  const refused = await rejection(open({ ssl: strange, sslmode: 'verify-ca' }));
  expect(refused).toMatchObject({ reason: 'tls' });
});

test('NODE_TLS_REJECT_UNAUTHORIZED does not weaken it', async () => {
  process.env.NODE_TLS_REJECT_UNAUTHORIZED = '0';
  try {
    const error = await rejection(open({ ssl: { ...STRICT, ca: stranger } }));
    expect(error).toMatchObject({ reason: 'tls' });
  } finally {
    delete process.env.NODE_TLS_REJECT_UNAUTHORIZED;
  }
});

test('rejectUnauthorized: false and sslmode=require encrypt and verify nothing', async () => {
  const anything = { ...STRICT, ca: stranger };
  const pools = [
    await open({ ssl: { ...anything, rejectUnauthorized: false } }),
    await open({ ssl: anything, sslmode: 'require' }),
  ];
  for (const pool of pools) expect(await encryption(pool)).toMatchObject({ ssl: true });
});

test('a server without TLS is refused, and sslmode=prefer goes on without', async () => {
  const plain = await Server.start({ ssl: 'off' });
  try {
    const at = { port: plain.port, ssl: STRICT };
    const error = await rejection(open(at));
    expect(error).toMatchObject({ reason: 'tls', errno: 'ERR_TLS_NOT_OFFERED' });
    expect(error.message).toContain('sslmode');
    const pool = await open({ ...at, sslmode: 'prefer' });
    expect(await encryption(pool)).toMatchObject({ ssl: false });
    await pool.close();
  } finally {
    await plain.destroy();
  }
});

test('fields that Node does not know are refused with the nearest name', async () => {
  for (const [field, near] of [
    ['cipher', 'ssl.ciphers'],
    ['checkServerIdentiy', 'ssl.checkServerIdentity'],
    ['certt', 'ssl.cert'],
  ]) {
    const error = await rejection(open({ ssl: { ca, [field]: 'x', minVersion: 'TLSv1.2' } }));
    expect(error).toMatchObject({ code: 'ERR_POLYPOOL_OPTION', option: `ssl.${field}` });
    expect(error.message).toContain(`did you mean '${near}'?`);
  }
  const error = await rejection(open({ ssl: { checkServerIdentity: true } }));
  expect(error).toMatchObject({ option: 'ssl.checkServerIdentity' });
});

test('what Node refuses is refused when the pool is made', async () => {
  const error = await rejection(open({ ssl: { ciphers: 'NO-SUCH-CIPHER' } }));
  expect(error).toMatchObject({ code: 'ERR_POLYPOOL_OPTION', option: 'ssl' });
});

test('a login is bound to the certificate that Node was shown', async () => {
  const bound = { ssl: { ...STRICT, ca }, channel_binding: 'require' };
  expect(await encryption(await open(bound))).toMatchObject({ ssl: true });
  const over = { stream: ({ port }) => new Tunnel(port), ssl: { ca }, channel_binding: 'require' };
  expect(await encryption(await open(over))).toMatchObject({ ssl: true });
});

test('a server that knows no direct TLS is told by its option', async () => {
  const direct = { ssl: { ...STRICT, ca }, sslnegotiation: 'direct', connectTimeoutMs: 5000 };
  const error = await rejection(open(direct));
  expect(error).toBeInstanceOf(load().ConnectError);
});

// ---- Over a stream ----

const socket = ({ host, port }) => net.connect(port, host);
const tunnel = ({ port }) => new Tunnel(port);

test.each([
  ['a socket', socket],
  ['a Duplex', tunnel],
])('over %s TLS is spoken when it is asked for', async (name, stream) => {
  const verified = await open({ stream, ssl: { ca } });
  expect(await encryption(verified)).toMatchObject({ ssl: true });
  const big = await verified.query('select $1::bytea as b', [Buffer.alloc(3 << 20, 5)]);
  expect(big.rows[0].b.equals(Buffer.alloc(3 << 20, 5))).toBe(true);
  const files = await open({ stream, sslmode: 'verify-full', sslrootcert: server.caFile });
  expect(await encryption(files)).toMatchObject({ ssl: true });
  const unasked = await open({ stream });
  expect(await encryption(unasked)).toMatchObject({ ssl: false });
});

test('over a stream the certificate must be for the host that was asked for', async () => {
  const here = ({ port }) => net.connect(port, '127.0.0.1');
  const error = await rejection(open({ stream: here, host: 'elsewhere.example', ssl: { ca } }));
  expect(error).toMatchObject({ reason: 'tls', errno: 'ERR_TLS_CERT_ALTNAME_INVALID' });
  const pool = await open({ stream: here, host: 'localhost', ssl: { ca } });
  expect(await encryption(pool)).toMatchObject({ ssl: true });
});

test('a file of authorities that vanished is named', async () => {
  const copy = path.join(server.directory, 'copy.crt');
  fs.copyFileSync(server.caFile, copy);
  const { Pool } = load();
  const options = { stream: socket, sslmode: 'verify-full', sslrootcert: copy };
  const pool = track(new Pool(target({ ...options, acquireTimeoutMs: 300 })));
  fs.rmSync(copy);
  const error = await rejection(pool.query('select 1'));
  expect(error.cause?.message ?? error.message).toContain('copy.crt');
});

test('a cancel goes through TLS of its own', async () => {
  let checked = 0;
  const checkServerIdentity = () => void (checked += 1);
  const pool = await open({ ssl: { ca, checkServerIdentity } });
  const slow = pool.query('select pg_sleep(60)', [], { timeoutMs: 50 });
  expect((await rejection(slow)).code).toBe('ERR_POLYPOOL_QUERY_TIMEOUT');
  expect((await pool.query('select 1 as a')).rows).toEqual([{ a: 1 }]);
  expect(pool.stats().created).toBe(1);
  expect(checked).toBe(2);
});

test('bytes slipped in behind the agreement to TLS are never taken for the server', async () => {
  // Answers the request for TLS with an S and a forged message in the same packet, or right after.
  for (const late of [false, true]) {
    const forger = net.createServer((client) => {
      client.on('error', () => {});
      client.once('data', () => {
        const forged = Buffer.from('5300000000', 'hex');
        if (!late) return client.write(Buffer.concat([Buffer.from('S'), forged]));
        client.write('S');
        return setImmediate(() => client.write(forged));
      });
    });
    await new Promise((resolve) => forger.listen(0, '127.0.0.1', resolve));
    const { port } = forger.address();
    const error = await rejection(open({ port, ssl: STRICT, connectTimeoutMs: 5000 }));
    expect(error).toBeInstanceOf(load().ConnectError);
    expect(error.reason).not.toBe('timeout');
    await new Promise((resolve) => forger.close(resolve));
  }
});

test('a handshake that is cut at any point ends in an error', async () => {
  const proxy = await Proxy.open({ host: '127.0.0.1', port: server.port });
  for (const after of [1, 2, 100, 1000, 2000]) {
    proxy.behave('cut', { after });
    const error = await rejection(open({ port: proxy.port, ssl: { ca, ...STRICT } }));
    expect(error).toBeInstanceOf(load().ConnectError);
  }
  proxy.behave('blackHole');
  const silent = open({ port: proxy.port, ssl: STRICT, connectTimeoutMs: 200 });
  expect(await rejection(silent)).toMatchObject({ reason: 'timeout' });
  proxy.behave('drip', { bytes: 7 });
  const pool = await open({ port: proxy.port, ssl: { ca, ...STRICT } });
  expect(await encryption(pool)).toMatchObject({ ssl: true });
  await pool.close();
  await proxy.close();
});
