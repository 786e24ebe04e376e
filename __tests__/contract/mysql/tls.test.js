'use strict';
// TLS with both servers: every mode, by the engine and by Node, and what is said when it does not
// work.

const fs = require('node:fs');
const { load, rejection } = require('../../support/pools.js');
const { KINDS, openPool, options } = require('../../support/mysql-pools.js');
const { mysqlServer, mysqlUrl } = require('../../support/mysql.js');
const { Authority } = require('../../support/certificates.js');
const { MySqlServer } = require('../../support/mysql-server.js');
const { Proxy } = require('../../support/proxy.js');

const CIPHER = "show session status like 'Ssl_cipher'";

async function encrypted(given) {
  const pool = await openPool({ ssl: undefined, max: 1, ...given });
  const { rows } = await pool.query(CIPHER);
  return rows[0].Value !== '';
}

const refusal = (given) => rejection(load().createPool(options({ ssl: undefined, ...given })));

/** What makes Node put TLS on the connection. */
const BY_NODE = { minVersion: 'TLSv1.2' };

describe.each(KINDS)('%s', (kind) => {
  const ca = () => fs.readFileSync(mysqlServer(kind).caFile);

  test('preferred without being asked for, and not where it is turned off', async () => {
    expect(await encrypted({ kind })).toBe(true);
    expect(await encrypted({ kind, ssl: false })).toBe(false);
    expect(await encrypted({ kind, sslmode: 'disabled' })).toBe(false);
  });

  test.each(['preferred', 'REQUIRED', 'verify_ca', 'VERIFY_IDENTITY'])(
    'sslmode %s',
    async (mode) => {
      const { caFile } = mysqlServer(kind);
      expect(await encrypted({ kind, host: 'localhost', sslmode: mode, 'ssl-ca': caFile })).toBe(
        true,
      );
    },
  );

  test('by URL, with the authority in a file', async () => {
    const { caFile } = mysqlServer(kind);
    const query = `ssl-mode=VERIFY_CA&ssl-ca=${encodeURIComponent(caFile)}`;
    const pool = await load().createPool(mysqlUrl({ kind, query }));
    expect((await pool.query(CIPHER)).rows[0].Value).not.toBe('');
    await pool.close();
  });

  test.each([{}, BY_NODE])('the object form verifies: %j', async (node) => {
    const given = { kind, host: 'localhost' };
    expect(await encrypted({ ...given, ssl: { ca: ca(), ...node } })).toBe(true);
    const untrusted = await refusal({ ...given, ssl: { ...node } });
    expect(untrusted).toMatchObject({ code: 'ERR_POLYPOOL_CONNECT', reason: 'tls' });
    expect(untrusted.message).toContain("option 'ssl.ca' or 'ssl-ca'");
    expect(await encrypted({ ...given, ssl: { rejectUnauthorized: false, ...node } })).toBe(true);
  });

  test('a name that is not in the certificate', async () => {
    const proxy = await Proxy.open(mysqlServer(kind));
    const ssl = { ca: ca(), servername: 'elsewhere.example' };
    const error = await refusal({ kind, port: proxy.port, ssl });
    expect(error.reason).toBe('tls');
    expect(error.message).toMatch(/'elsewhere.example'.*ssl.servername.*sslmode 'verify_ca'/);
    await proxy.close();
  });

  test('over a Duplex of the caller, encrypted when that is asked for', async () => {
    const net = require('node:net');
    const stream = ({ host, port }) => net.connect({ host, port });
    expect(await encrypted({ kind, stream })).toBe(false);
    expect(await encrypted({ kind, stream, ssl: { ca: ca() }, host: 'localhost' })).toBe(true);
  });
});

describe('client certificates', () => {
  let server;
  beforeAll(async () => {
    server = await MySqlServer.start('mariadb');
    expect(server.authority).toBeInstanceOf(Authority);
    await server.authority.issue('client', { names: 'DNS:client', subject: 'certuser' });
  });
  afterAll(() => server.destroy());

  test('let an account in that asks for one', async () => {
    const { authority } = server;
    const identity = { cert: authority.read('client.crt'), key: authority.read('client.key') };
    const given = {
      kind: 'mariadb',
      server: server.describe(),
      user: 'certuser',
      host: 'localhost',
    };
    const ca = fs.readFileSync(server.caFile);
    expect(await encrypted({ ...given, ssl: { ca, ...identity } })).toBe(true);
    expect(await encrypted({ ...given, ssl: { ca, ...identity, ...BY_NODE } })).toBe(true);
    const error = await refusal({ ...given, ssl: { ca } });
    expect(error.errno).toBe(1045);
  });
});

test('a server without TLS is not spoken to in clear where TLS is required', async () => {
  const plain = await MySqlServer.start('mariadb', { ssl: 0 });
  try {
    const given = { kind: 'mariadb', server: plain.describe() };
    const error = await refusal({ ...given, sslmode: 'required' });
    expect(error).toMatchObject({ reason: 'tls', errno: 'ERR_TLS_NOT_OFFERED' });
    expect(await encrypted(given)).toBe(false);
  } finally {
    await plain.destroy();
  }
});
