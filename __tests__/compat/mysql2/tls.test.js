'use strict';
// TLS: who is believed, what is refused, and that a password never goes before the certificate.

const fs = require('node:fs');
const { mysqlServer } = require('../../support/mysql.js');
const { connect, failure, make, rows, track, value } = require('./connections.js');
const { IMPLEMENTATIONS, SERVERS } = require('./implementations.js');
const { ScriptedServer } = require('./scripted.js');

describe.each(IMPLEMENTATIONS)('%s', (_name, { mysql }) => {
  const open = (options) => connect(mysql(), options);

  const refusal = (options) => {
    const connection = make(mysql(), options);
    return failure((done) => connection.connect(done));
  };

  const cipher = async (connection) => {
    const [{ Value }] = await rows(connection, "show session status like 'Ssl_cipher'");
    return Value;
  };

  describe.each(SERVERS)('%s', (kind) => {
    const ca = () => fs.readFileSync(mysqlServer(kind).caFile);

    test('not unless asked for', async () => {
      expect(await cipher(await open({ kind }))).toBe('');
    });

    test('with the authority of the server', async () => {
      expect(await cipher(await open({ kind, ssl: { ca: ca() } }))).toMatch(/^TLS_|GCM/);
      expect(await cipher(await open({ kind, ssl: { ca: ca().toString() } }))).toMatch(/^TLS_|GCM/);
    });

    test('an authority that nobody knows is refused', async () => {
      const error = await refusal({ kind, ssl: {} });
      expect(error).toMatchObject({ code: 'HANDSHAKE_SSL_ERROR', fatal: true });
      expect(error.message).toMatch(/^self-signed certificate/);
    });

    test('unless everybody is believed', async () => {
      const connection = await open({ kind, ssl: { rejectUnauthorized: false } });
      expect(await cipher(connection)).toMatch(/^TLS_|GCM/);
    });

    test('the name of the host', async () => {
      const ssl = () => ({ ca: ca(), verifyIdentity: true });
      const connection = await open({ kind, host: 'localhost', ssl: ssl() });
      expect(await cipher(connection)).toMatch(/^TLS_|GCM/);
    });

    test('the version', async () => {
      const version = async (ssl) => {
        const connection = await open({ kind, ssl: { ca: ca(), ...ssl } });
        const [{ Value }] = await rows(connection, "show session status like 'Ssl_version'");
        return Value;
      };
      expect(await version({})).toBe('TLSv1.3');
      expect(await version({ maxVersion: 'TLSv1.2' })).toBe('TLSv1.2');
      expect(await version({ minVersion: 'TLSv1.3' })).toBe('TLSv1.3');
    });

    test('much in both directions', async () => {
      const connection = await open({ kind, ssl: { ca: ca() } });
      const text = 'zebra'.repeat(500_000);
      expect(await value(connection, 'select ?', [text])).toBe(text);
    });

    test('a certificate of the client', async () => {
      const refused = await refusal({ kind, user: 'certuser', ssl: { ca: ca() } });
      expect(refused).toMatchObject({ errno: 1045 });
      const { directory } = mysqlServer(kind);
      const [cert, key] = ['crt', 'key'].map((end) =>
        fs.readFileSync(`${directory}/server.${end}`),
      );
      const connection = await open({ kind, user: 'certuser', ssl: { ca: ca(), cert, key } });
      expect(await value(connection, 'select current_user()')).toBe('certuser@%');
    });

    test('an error of the login over TLS', async () => {
      expect(await refusal({ kind, password: 'wrong', ssl: { ca: ca() } })).toMatchObject({
        code: 'ER_ACCESS_DENIED_ERROR',
        errno: 1045,
      });
    });

    test('queries that wait hear why', async () => {
      const connection = make(mysql(), { kind, ssl: {} });
      const error = await failure((done) => connection.query('select 1', done));
      expect(error).toMatchObject({ code: 'HANDSHAKE_SSL_ERROR' });
    });
  });

  test('a server that has none', async () => {
    const server = await ScriptedServer.welcoming();
    const options = { ...server.target, password: 'secret', ssl: { rejectUnauthorized: false } };
    const connection = track(mysql().createConnection(options));
    const error = await failure((done) => connection.connect(done));
    expect(error).toMatchObject({
      code: 'HANDSHAKE_NO_SSL_SUPPORT',
      message: 'Server does not support secure connection',
      fatal: true,
    });
    expect(server.heard).toEqual([]);
  });

  test('by URL', async () => {
    const { host, port } = mysqlServer();
    const secret = 'app:app-pa55-w0rd';
    const ssl = encodeURIComponent('{"rejectUnauthorized":false}');
    const url = `mysql://${secret}@${host}:${port}/polypool_test?ssl=${ssl}`;
    expect(await cipher(track(mysql().createConnection(url)))).toMatch(/^TLS_|GCM/);
  });
});
