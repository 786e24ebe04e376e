'use strict';
// Passwords: given, asked of a function, found in a file, and what the methods make of them.

const fs = require('node:fs');
const path = require('node:path');
const { observe, rejection, unique } = require('../../support/pools.js');
const { project } = require('../../support/project.js');
const { DATABASE, GROUP, ROLES } = require('../../support/server.js');
const { testServer } = require('../../support/urls.js');
const { called, config, connect, make, track, value, withEnvironment } = require('./clients.js');
const { IMPLEMENTATIONS } = require('./implementations.js');
const { ScriptedServer, WELCOME, messagesIn, say } = require('./scripted.js');

const { password } = ROLES.app;

const newcomers = [];

afterEach(async () => {
  for (const role of newcomers.splice(0)) await observe(`drop role ${role}`);
});

/** A role with this password, which logs in by SCRAM. */
async function newcomer(secret) {
  const role = unique('newcomer');
  await observe(`create role ${role} login password '${secret}' in role ${GROUP}`);
  newcomers.push(role);
  return role;
}

describe.each(IMPLEMENTATIONS)('%s', (name, load) => {
  const open = (options) => connect(load(), options);
  const refusal = (options) => rejection(make(load(), options).connect());

  test.each([['app'], ['md5user'], ['clearuser'], ['nopass']])('%s logs in', async (user) => {
    expect(await value(await open({ user }), 'select current_user')).toBe(user);
  });

  test.each([
    ['that returns it', () => password],
    ['that resolves to it', async () => password],
    ['with a thenable', () => ({ then: (resolve) => resolve(password) })],
  ])('a function %s', async (_how, ask) => {
    const asked = [];
    const client = await open({
      user: 'app',
      password: (...given) => {
        asked.push(given);
        return ask();
      },
    });
    expect(await value(client, 'select current_user')).toBe('app');
    expect(asked).toEqual([[client.connectionParameters]]);
    expect(client.password).toBe(password);
    expect(client.connectionParameters.password).toBe(password);
  });

  test.each([['md5user'], ['clearuser']])('a function for %s', async (user) => {
    const client = await open({ user, password: async () => ROLES[user].password });
    expect(await value(client, 'select current_user')).toBe(user);
  });

  test('a function is told who, where and what', async () => {
    const client = await open({
      user: 'app',
      password({ user, host, port, database }) {
        expect({ user, host, port, database }).toEqual({
          user: 'app',
          host: testServer().host,
          port: testServer().port,
          database: DATABASE,
        });
        return password;
      },
    });
    expect(client.user).toBe('app');
  });

  test.each([
    ['throws', () => Promise.reject(new Error('no secrets today'))],
    [
      'throws at once',
      () => {
        throw new Error('no secrets today');
      },
    ],
  ])('a function that %s', async (_how, ask) => {
    for (const user of ['app', 'md5user', 'clearuser']) {
      const client = make(load(), { user, password: ask });
      expect((await rejection(client.connect())).message).toBe('no secrets today');
      client.connection.stream.destroy();
    }
  });

  test.each([[5], [null], [{}], [true], [Buffer.from('x')]])(
    'a function that returns %p',
    async (given) => {
      const client = make(load(), { user: 'app', password: () => given });
      const error = await rejection(client.connect());
      expect(error).toBeInstanceOf(TypeError);
      expect(error.message).toBe('Password must be a string');
      client.connection.stream.destroy();
    },
  );

  test('a wrong password of a function', async () => {
    expect((await refusal({ user: 'app', password: () => 'wrong' })).code).toBe('28P01');
  });

  test.each([[''], [() => '']])('an empty password: %p', async (empty) => {
    const client = withEnvironment({ PGPASSFILE: '/nowhere/at/all' }, () =>
      make(load(), { user: 'app', password: empty }),
    );
    const error = await rejection(client.connect());
    expect(error.message).toMatch(
      /^SASL: SCRAM-SERVER-FIRST-MESSAGE: client password must be a (non-empty )?string$/,
    );
    client.connection.stream.destroy();
  });

  test('a function that resolves to nothing has none', async () => {
    const client = make(load(), { user: 'app', password: async () => undefined });
    expect((await rejection(client.connect())).message).toBe(
      'SASL: SCRAM-SERVER-FIRST-MESSAGE: client password must be a string',
    );
    client.connection.stream.destroy();
  });

  test.each([
    ['with quotes and spaces', ' it is "mine" \\ % @:/?#'],
    ['with letters beyond ASCII', 'pässwörd-東京-🐘'],
    ['that SASLprep changes', 'I\u00adX \u2168 a\u00a0b'],
  ])('a password %s', async (_what, secret) => {
    const role = await newcomer(secret);
    const client = await open({ user: role, password: secret });
    expect(await value(client, 'select current_user')).toBe(role);
    const { host, port } = testServer();
    const url = `postgres://${role}:${encodeURIComponent(secret)}@${host}:${port}/${DATABASE}`;
    const other = track(new (load().Client)(url));
    await other.connect();
    expect(await value(other, 'select current_user')).toBe(role);
  });

  test('PGPASSWORD', async () => {
    const client = withEnvironment({ PGPASSWORD: password }, () =>
      make(load(), { user: 'app', password: undefined }),
    );
    await client.connect();
    expect(await value(client, 'select current_user')).toBe('app');
  });

  test('a password file', async () => {
    const { host, port } = testServer();
    const lines = [
      'elsewhere:*:*:app:wrong',
      '# a comment',
      `${host}:${port}:${DATABASE}:app:${password}`,
      '',
    ];
    const file = path.join(project({ 'pass.txt': lines.join('\n') }), 'pass.txt');
    fs.chmodSync(file, 0o600);
    process.env.PGPASSFILE = file;
    try {
      const client = make(load(), { user: 'app', password: undefined });
      await client.connect();
      expect(await value(client, 'select current_user')).toBe('app');
    } finally {
      delete process.env.PGPASSFILE;
    }
  });

  describe('SCRAM', () => {
    /** A server that goes along with SCRAM up to where `answer` takes over. */
    const server = (first, final) =>
      ScriptedServer.open((chunk, socket, n) => {
        if (n === 0) return socket.write(say.authentication(10, 'SCRAM-SHA-256\0\0'));
        const [[, body]] = messagesIn(chunk);
        if (n === 1) {
          const nonce = /r=(.*)/.exec(body.toString('latin1'))[1];
          return socket.write(say.authentication(11, first(nonce)));
        }
        return socket.write(Buffer.concat([say.authentication(12, final), WELCOME]));
      });

    /** Each has its own words for what is malformed; that it is, and in which message, both say. */
    const worded = (message) =>
      name === 'pg' || message.includes('scramMaxIterations')
        ? new RegExp(`^SASL: SCRAM-SERVER-[A-Z]+-MESSAGE: ${message}$`)
        : /^SASL: SCRAM-SERVER-(FIRST|FINAL)-MESSAGE: (the server's challenge is malformed|server signature does not match)$/;

    const SALT = 's=c2FsdA==';

    test.each([
      ['nonce missing', () => `${SALT},i=4096`],
      ['nonce must only contain printable characters', (nonce) => `r=${nonce}ü,${SALT},i=1`],
      ['server nonce does not start with client nonce', () => `r=other,${SALT},i=4096`],
      ['server nonce is too short', (nonce) => `r=${nonce},${SALT},i=4096`],
      ['salt missing', (nonce) => `r=${nonce}x,i=4096`],
      ['salt must be base64', (nonce) => `r=${nonce}x,s=?,i=4096`],
      ['iteration missing', (nonce) => `r=${nonce}x,${SALT}`],
      ['invalid iteration count', (nonce) => `r=${nonce}x,${SALT},i=many`],
      [
        'iteration count 100001 exceeds scramMaxIterations of 100000',
        (nonce) => `r=${nonce}x,${SALT},i=100001`,
      ],
    ])('%s', async (message, first) => {
      const { target } = await server(first, '');
      const client = track(new (load().Client)({ ...target, password: 'p' }));
      expect((await rejection(client.connect())).message).toMatch(worded(message));
      client.connection.stream.destroy();
    });

    test.each([
      ['server signature does not match', 'v=AAAA'],
      ['server signature is missing', 'x=1'],
      ['server signature must be base64', 'v=?'],
      ['server returned error: "other-error"', 'e=other-error'],
    ])('%s', async (message, final) => {
      const { target } = await server((nonce) => `r=${nonce}x,${SALT},i=2`, final);
      const client = track(new (load().Client)({ ...target, password: 'p' }));
      expect((await rejection(client.connect())).message).toMatch(worded(message));
      client.connection.stream.destroy();
    });

    test('scramMaxIterations', async () => {
      const role = await newcomer('many');
      const limited = await refusal({ user: role, password: 'many', scramMaxIterations: 4095 });
      expect(limited.message).toBe(
        `SASL: SCRAM-SERVER-FIRST-MESSAGE: iteration count 4096 exceeds scramMaxIterations of 4095`,
      );
      for (const scramMaxIterations of [4096, '4096', 0, NaN]) {
        await open({ user: role, password: 'many', scramMaxIterations });
      }
    });
  });

  test('a callback of connect hears of it', async () => {
    const client = make(load(), { user: 'app', password: () => 5 });
    const given = await called((done) => client.connect(done));
    expect(given).toHaveLength(1);
    expect(given[0].message).toBe('Password must be a string');
    client.connection.stream.destroy();
  });

  test('each client asks for itself', async () => {
    let n = 0;
    const ask = async () => (++n, password);
    await Promise.all(
      Array.from({ length: 5 }, () => open(config({ user: 'app', password: ask }))),
    );
    expect(n).toBe(5);
  });
});
