'use strict';
// What connect() rejects with: errors of Node, of the server, and of the login, field by field.

const { execFile } = require('node:child_process');
const dns = require('node:dns');
const { once } = require('node:events');
const net = require('node:net');
const { promisify } = require('node:util');
const { ROLES, DATABASE, Server } = require('../../support/server.js');

const IMPLEMENTATIONS = [
  ['pg', 'pg'],
  ['polypool/pg', '../../../lib/compat/pg/index.js'],
];

const run = promisify(execFile);

let server;
let ca;

beforeAll(async () => {
  server = await Server.start();
  const { authority } = server;
  await authority.issue('elsewhere', { names: 'DNS:elsewhere.example' });
  await authority.issueFor('expired', '20200101000000Z', '20200201000000Z');
  await authority.issueAlone('alone');
  await authority.issueOld('old');
  ca = authority.read('ca.crt');
});

afterAll(() => server.destroy());

/** A server that answers the first bytes with these, then ends, or does what `then` says. */
async function answering(bytes, then = (socket) => socket.end()) {
  const listener = net.createServer((socket) => {
    socket.on('error', () => {});
    socket.once('data', () => {
      if (bytes.length > 0) socket.write(bytes);
      then(socket);
    });
  });
  listener.listen(0, '127.0.0.1');
  await once(listener, 'listening');
  return listener;
}

/** A port where nobody listens. */
async function closedPort() {
  const listener = net.createServer().listen(0, '127.0.0.1');
  await once(listener, 'listening');
  const { port } = listener.address();
  listener.close();
  await once(listener, 'close');
  return port;
}

const message = (tag, body) => {
  const length = Buffer.alloc(4);
  length.writeInt32BE(body.length + 4);
  return Buffer.concat([Buffer.from(tag), length, body]);
};

/** What of an error is seen: class, text and own fields. */
const seen = (error) => ({
  type: error.constructor.name,
  name: error.name,
  message: error.message,
  ...error,
});

describe.each(IMPLEMENTATIONS)('%s', (_name, module) => {
  const load = () => require(module);

  const options = (role, more) => {
    const { password } = ROLES[role];
    const { port } = server;
    return { host: '127.0.0.1', port, database: DATABASE, user: role, password, ...more };
  };

  async function failure(config) {
    const client = new (load().Client)(config);
    client.on('error', () => {});
    try {
      await client.connect();
    } catch (error) {
      return error;
    }
    await client.end();
    throw new Error('it connected');
  }

  async function works(config) {
    const client = new (load().Client)(config);
    await client.connect();
    await client.end();
  }

  describe('the network', () => {
    test('nobody listens', async () => {
      const port = await closedPort();
      expect(seen(await failure(options('app', { port })))).toEqual({
        type: 'Error',
        name: 'Error',
        message: `connect ECONNREFUSED 127.0.0.1:${port}`,
        errno: -111,
        code: 'ECONNREFUSED',
        syscall: 'connect',
        address: '127.0.0.1',
        port,
      });
    });

    test('nobody listens at any address of a name', async () => {
      const port = await closedPort();
      const found = ['127.0.0.1', '127.0.0.2'].map((address) => ({ address, family: 4 }));
      const lookup = jest.spyOn(dns, 'lookup').mockImplementation((_host, _options, callback) => {
        process.nextTick(callback, null, found);
      });
      try {
        const error = await failure(options('app', { host: 'twice.example', port }));
        expect([error.name, error.message, error.code]).toEqual([
          'AggregateError',
          '',
          'ECONNREFUSED',
        ]);
        expect(error.errors.map(seen)).toEqual(
          found.map(({ address }) => ({
            type: 'Error',
            name: 'Error',
            message: `connect ECONNREFUSED ${address}:${port}`,
            errno: -111,
            code: 'ECONNREFUSED',
            syscall: 'connect',
            address,
            port,
          })),
        );
        // Where one of them answers, it is what counts.
        found[1].address = '127.0.0.1';
        found[0].address = '127.0.0.3';
        await works(options('app', { host: 'twice.example' }));
        const wrong = await failure(options('app', { host: 'twice.example', password: 'x' }));
        expect(wrong.code).toBe('28P01');
      } finally {
        lookup.mockRestore();
      }
    });

    test('a name without an address', async () => {
      expect(seen(await failure(options('app', { host: 'nowhere.invalid' })))).toEqual({
        type: 'Error',
        name: 'Error',
        message: expect.stringMatching(/^getaddrinfo (ENOTFOUND|EAI_AGAIN) nowhere\.invalid$/),
        errno: expect.any(Number),
        code: expect.stringMatching(/^(ENOTFOUND|EAI_AGAIN)$/),
        syscall: 'getaddrinfo',
        hostname: 'nowhere.invalid',
      });
    });

    test('no such socket', async () => {
      const host = server.directory + '/none';
      expect(seen(await failure(options('app', { host, port: 5432 })))).toEqual({
        type: 'Error',
        name: 'Error',
        message: `connect ENOENT ${host}/.s.PGSQL.5432`,
        errno: -2,
        code: 'ENOENT',
        syscall: 'connect',
        address: `${host}/.s.PGSQL.5432`,
      });
    });

    test.each([
      [99_999, '99999'],
      ['none', 'NaN'],
    ])('no such port: %p', async (port, shown) => {
      const error = await failure(options('app', { port }));
      expect([error.name, error.code, error.message]).toEqual([
        'RangeError',
        'ERR_SOCKET_BAD_PORT',
        `Port should be >= 0 and < 65536. Received type number (${shown}).`,
      ]);
    });

    test('the other side ends, or breaks off', async () => {
      const ending = await answering('');
      const error = await failure(options('app', { port: ending.address().port }));
      expect(seen(error)).toEqual({
        type: 'Error',
        name: 'Error',
        message: 'Connection terminated unexpectedly',
      });
      ending.close();
      const breaking = await answering('', (socket) => socket.resetAndDestroy());
      expect(seen(await failure(options('app', { port: breaking.address().port })))).toEqual({
        type: 'Error',
        name: 'Error',
        message: 'read ECONNRESET',
        errno: -104,
        code: 'ECONNRESET',
        syscall: 'read',
      });
      breaking.close();
    });

    test('what answers is no PostgreSQL', async () => {
      const greeting = Buffer.from('4a0000000a382e302e33330008000000', 'hex');
      const mysql = await answering(greeting);
      const error = await failure(options('app', { port: mysql.address().port }));
      expect(error).toBeInstanceOf(load().DatabaseError);
      expect([error.name, error.message]).toEqual(['error', 'received invalid response: 4a']);
      mysql.close();
    });
  });

  describe('the server', () => {
    const refusal = (text, length, code, more) => ({
      type: 'DatabaseError',
      name: 'error',
      message: text,
      length,
      severity: 'FATAL',
      code,
      ...Object.fromEntries(
        [
          ...['detail', 'hint', 'position', 'internalPosition', 'internalQuery', 'where'],
          ...['schema', 'table', 'column', 'dataType', 'constraint'],
        ].map((field) => [field, undefined]),
      ),
      line: expect.stringMatching(/^\d+$/),
      ...more,
    });

    test('a wrong password', async () => {
      const error = await failure(options('app', { password: 'wrong' }));
      expect(error).toBeInstanceOf(load().DatabaseError);
      expect(error).toBeInstanceOf(Error);
      expect(seen(error)).toStrictEqual(
        refusal('password authentication failed for user "app"', error.length, '28P01', {
          file: 'auth.c',
          routine: 'auth_failed',
        }),
      );
      expect(error.length).toBeGreaterThan(90);
    });

    test('no such database', async () => {
      const error = await failure(options('app', { database: 'nope' }));
      expect(seen(error)).toStrictEqual(
        refusal('database "nope" does not exist', error.length, '3D000', {
          file: 'postinit.c',
          routine: 'InitPostgres',
        }),
      );
    });

    test('no entry for this kind of connection', async () => {
      const over = await failure(options('plainonly', { ssl: { rejectUnauthorized: false } }));
      expect([over.code, over.message]).toEqual([
        '28000',
        'no pg_hba.conf entry for host "127.0.0.1", user "plainonly", database ' +
          '"polypool_test", SSL encryption',
      ]);
      const plain = await failure(options('tlsonly'));
      expect([plain.code, plain.message]).toEqual([
        '28000',
        'no pg_hba.conf entry for host "127.0.0.1", user "tlsonly", database ' +
          '"polypool_test", no encryption',
      ]);
    });

    test('a certificate is asked for', async () => {
      const error = await failure(options('certuser', { ssl: { rejectUnauthorized: false } }));
      expect(error).toBeInstanceOf(load().DatabaseError);
      expect([error.code, error.message]).toEqual([
        '28000',
        'connection requires a valid client certificate',
      ]);
    });
  });

  describe('passwords', () => {
    const FIRST = 'SASL: SCRAM-SERVER-FIRST-MESSAGE:';

    test.each([
      ['none', undefined, `${FIRST} client password must be a string`],
      ['none of a function', () => undefined, `${FIRST} client password must be a string`],
      ['an empty one', () => '', `${FIRST} client password must be a non-empty string`],
    ])('%s, and SCRAM', async (_what, password, text) => {
      const error = await failure(options('app', { password }));
      expect(seen(error)).toEqual({ type: 'Error', name: 'Error', message: text });
    });

    test('none, where it can be sent', async () => {
      const md5 = await failure(options('md5user', { password: undefined }));
      expect([md5.code, md5.message]).toEqual([
        '28P01',
        'password authentication failed for user "md5user"',
      ]);
      const clear = await failure(options('clearuser', { password: undefined }));
      expect([clear.code, clear.message]).toEqual(['28P01', 'empty password returned by client']);
    });

    test('in clear, without asking', async () => {
      await works(options('clearuser'));
    });

    test('a function that returns something else, or throws', async () => {
      const given = await failure(options('app', { password: () => 7 }));
      expect(given).toEqual(new TypeError('Password must be a string'));
      expect(given).toBeInstanceOf(TypeError);
      const thrown = new RangeError('mine');
      const throws = await failure(options('app', { password: () => Promise.reject(thrown) }));
      expect(throws).toBe(thrown);
    });

    test('a function has the parameters, and its result is kept', async () => {
      const calls = [];
      const client = new (load().Client)(
        options('app', {
          async password(...args) {
            calls.push([this, ...args]);
            return ROLES.app.password;
          },
        }),
      );
      await client.connect();
      expect(calls).toEqual([[client, client.connectionParameters]]);
      expect(client.password).toBe(ROLES.app.password);
      expect(client.connectionParameters.password).toBe(ROLES.app.password);
      await client.end();
    });

    test('more rounds of hashing than permitted', async () => {
      const error = await failure(options('app', { scramMaxIterations: 5 }));
      expect(error).toEqual(
        new Error(`${FIRST} iteration count 4096 exceeds scramMaxIterations of 5`),
      );
      await works(options('app', { scramMaxIterations: 0 }));
    });

    test('a mechanism that is not known', async () => {
      const kind = Buffer.from([0, 0, 0, 10]);
      const offer = Buffer.concat([kind, Buffer.from('ABCD\0\0')]);
      const odd = await answering(message('R', offer));
      const error = await failure(options('app', { port: odd.address().port }));
      expect(error).toEqual(new Error('SASL: Only mechanism(s) SCRAM-SHA-256 are supported'));
      odd.close();
    });
  });

  describe('TLS', () => {
    const using = (name) =>
      server.reconfigure({
        ssl: 'on',
        ssl_cert_file: `${name}.crt`,
        ssl_key_file: `${name}.key`,
      });

    afterEach(() => using('server'));

    test('certificates that are trusted, or not looked at', async () => {
      await works(options('tlsonly', { ssl: { ca } }));
      await works(options('tlsonly', { ssl: { ca: [Buffer.from(ca)], minVersion: 'TLSv1.2' } }));
      await works(options('tlsonly', { ssl: { rejectUnauthorized: false } }));
      await works(options('tlsonly', { ssl: 'no-verify' }));
      await works(options('tlsonly', { ssl: { require: true, rejectUnauthorized: false } }));
      await works(
        options('tlsonly', { ssl: { ca, servername: 'ignored.example' }, host: 'localhost' }),
      );
    });

    test.each([
      ['server', 'SELF_SIGNED_CERT_IN_CHAIN', 'self-signed certificate in certificate chain'],
      ['alone', 'DEPTH_ZERO_SELF_SIGNED_CERT', 'self-signed certificate'],
    ])('a certificate that is not trusted: %s', async (name, code, text) => {
      await using(name);
      const error = await failure(options('tlsonly', { ssl: true }));
      expect(seen(error)).toEqual({ type: 'Error', name: 'Error', message: text, code });
    });

    test('one that has expired', async () => {
      await using('expired');
      const error = await failure(options('tlsonly', { ssl: { ca } }));
      expect([error.code, error.message]).toEqual(['CERT_HAS_EXPIRED', 'certificate has expired']);
    });

    test('one for another name', async () => {
      await using('elsewhere');
      const error = await failure(options('tlsonly', { ssl: { ca }, host: 'localhost' }));
      const reason = "Host: localhost. is not in the cert's altnames: DNS:elsewhere.example";
      expect(error).toMatchObject({
        code: 'ERR_TLS_CERT_ALTNAME_INVALID',
        message: `Hostname/IP does not match certificate's altnames: ${reason}`,
        reason,
        host: 'localhost',
      });
      expect(error.cert.subjectaltname).toBe('DNS:elsewhere.example');
      // Of an address a name can be asked for instead, and a function may decide.
      await works(options('tlsonly', { ssl: { ca, servername: 'elsewhere.example' } }));
      await works(options('tlsonly', { ssl: { ca, checkServerIdentity: () => undefined } }));
    });

    test('one of the first version of X.509', async () => {
      await using('old');
      await works(options('tlsonly', { ssl: { rejectUnauthorized: false } }));
      await works(options('tlsonly', { ssl: { rejectUnauthorized: false } }));
    });

    test('keys and authorities that cannot be read', async () => {
      const key = await failure(options('tlsonly', { ssl: { cert: 'garbage', key: 'garbage' } }));
      expect(key.code).toMatch(/^ERR_OSSL_/);
      const authority = await failure(options('tlsonly', { ssl: { ca: 'garbage' } }));
      expect(authority.code).toBe('SELF_SIGNED_CERT_IN_CHAIN');
    });

    test('a client certificate', async () => {
      const { authority } = server;
      await authority.issue('client', { names: 'DNS:client', subject: 'certuser' });
      const [cert, key] = [authority.read('client.crt'), authority.read('client.key')];
      await works(options('certuser', { ssl: { ca, cert, key } }));
    });

    test('a server that has none', async () => {
      await server.reconfigure({ ssl: 'off' });
      const text = 'The server does not support SSL connections';
      const error = await failure(options('app', { ssl: true }));
      expect(seen(error)).toEqual({ type: 'Error', name: 'Error', message: text });
    });

    test('nor has a socket', async () => {
      const text = 'The server does not support SSL connections';
      const error = await failure(options('app', { ssl: true, host: server.directory }));
      expect(error).toEqual(new Error(text));
    });

    test('an answer that is none', async () => {
      const odd = await answering('E');
      const error = await failure(options('app', { port: odd.address().port, ssl: true }));
      expect(error).toEqual(new Error('There was an error establishing an SSL connection'));
      odd.close();
    });

    test('a server that ends, before its answer and after', async () => {
      const mute = await answering('');
      const before = await failure(options('app', { port: mute.address().port, ssl: true }));
      expect(before).toEqual(new Error('Connection terminated unexpectedly'));
      mute.close();
      const brief = await answering('S');
      const after = await failure(options('app', { port: brief.address().port, ssl: true }));
      expect(after).toMatchObject({
        code: 'ECONNRESET',
        message: 'Client network socket disconnected before secure TLS connection was established',
      });
      brief.close();
    });

    // In a process of its own: here Jest keeps the environment to itself.
    test('NODE_TLS_REJECT_UNAUTHORIZED', async () => {
      const script = `
        const { Client } = require(${JSON.stringify(require.resolve(module))});
        const outcome = async (ssl) => {
          const client = new Client({ ...${JSON.stringify(options('tlsonly'))}, ssl });
          try {
            await client.connect();
          } catch (error) {
            return error.code;
          }
          await client.end();
        };
        (async () => {
          const codes = [await outcome(true), await outcome({})];
          codes.push(await outcome({ rejectUnauthorized: true }));
          codes.push(await outcome({ rejectUnauthorized: undefined }));
          console.log(JSON.stringify(codes));
        })();`;
      const env = { ...process.env, NODE_TLS_REJECT_UNAUTHORIZED: '0' };
      const { stdout } = await run(process.execPath, ['-e', script], { env });
      const refused = 'SELF_SIGNED_CERT_IN_CHAIN';
      expect(JSON.parse(stdout)).toEqual([null, null, refused, refused]);
    });
  });
});
