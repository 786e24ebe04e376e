'use strict';
// Every way of logging in that the servers have and both implementations know, and those that are
// refused: by the server, or because they would give the password away.

const { createHash } = require('node:crypto');
const fs = require('node:fs');
const { mysqlConfig, mysqlServer } = require('../../support/mysql.js');
const { unique } = require('../../support/pools.js');
const { ROLES } = require('../../support/mysql-settings.js');
const { called, connect, failure, make, observe, track, value } = require('./connections.js');
const { IMPLEMENTATIONS, SERVERS } = require('./implementations.js');
const { OFFERED, SCRAMBLE, ScriptedServer, packet, say } = require('./scripted.js');

describe.each(IMPLEMENTATIONS)('%s', (implementation, { mysql }) => {
  const open = (options) => connect(mysql(), options);
  const tls = (kind) => ({ ssl: { ca: fs.readFileSync(mysqlServer(kind).caFile) } });

  const user = (connection) => value(connection, 'select current_user()');

  describe.each(SERVERS)('%s', (kind) => {
    const here = Object.keys(ROLES).filter((role) => ROLES[role][kind] && !ROLES[role].requires);
    const known = here.filter((role) => role !== 'ed25519');

    test.each(known)('%s', async (role) => {
      expect(await user(await open({ kind, user: role }))).toBe(`${role}@%`);
    });

    test.each(known)('%s over TLS', async (role) => {
      const connection = await open({ kind, user: role, ...tls(kind) });
      expect(await user(connection)).toBe(`${role}@%`);
    });

    test.each(known)('%s over a unix socket', async (role) => {
      const { socket } = mysqlServer(kind);
      const connection = await open({ kind, user: role, socketPath: socket });
      expect(await user(connection)).toBe(`${role}@%`);
    });

    test.each(known)('%s with a wrong password', async (role) => {
      const connection = make(mysql(), { kind, user: role, password: 'wrong' });
      const error = await failure((done) => connection.connect(done));
      expect(error).toMatchObject({ code: 'ER_ACCESS_DENIED_ERROR', errno: 1045 });
    });

    test('no password where one is wanted', async () => {
      const connection = make(mysql(), { kind, password: undefined });
      const error = await failure((done) => connection.connect(done));
      expect(error.message).toMatch(
        /^Access denied for user 'app'@'127\.0\.0\.1' \(using password: NO\)/,
      );
    });

    test('password1', async () => {
      const { password } = mysqlConfig({ kind });
      const connection = await open({ kind, password: undefined, password1: password });
      expect(await user(connection)).toBe('app@%');
    });

    test('a role that must come over TLS', async () => {
      const refused = make(mysql(), { kind, user: 'tlsonly' });
      expect(await failure((done) => refused.connect(done))).toMatchObject({ errno: 1045 });
      const connection = await open({ kind, user: 'tlsonly', ...tls(kind) });
      expect(await user(connection)).toBe('tlsonly@%');
    });

    test('a password of many scripts', async () => {
      const password = "Pässwörter 東京 🐘 'quoted' \\";
      const name = unique('scripts');
      await observe(kind, `create user ${name} identified by ?`, [password]);
      try {
        const options = { kind, user: name, database: undefined };
        expect(await user(await open({ ...options, password }))).toBe(`${name}@%`);
        const wrong = make(mysql(), { ...options, password: `${password}x` });
        expect(await failure((done) => wrong.connect(done))).toMatchObject({ errno: 1045 });
      } finally {
        await observe(kind, `drop user ${name}`);
      }
    });
  });

  test('passwordSha1', async () => {
    const { password } = ROLES.native;
    const passwordSha1 = createHash('sha1').update(password).digest();
    const connection = await open({ user: 'native', password: undefined, passwordSha1 });
    expect(await user(connection)).toBe('native@%');
  });

  test('caching_sha2_password when the server has forgotten everybody', async () => {
    for (const security of [{}, tls('mysql')]) {
      await observe('mysql', 'flush privileges');
      const options = { kind: 'mysql', user: 'sha2', ...security };
      expect(await user(await open(options))).toBe('sha2@%');
      expect(await user(await open(options))).toBe('sha2@%');
    }
  });

  test('a wrong password when the server has forgotten everybody', async () => {
    await observe('mysql', 'flush privileges');
    const connection = make(mysql(), { kind: 'mysql', user: 'sha2', password: 'wrong' });
    expect(await failure((done) => connection.connect(done))).toMatchObject({ errno: 1045 });
  });

  describe('plugins of the user', () => {
    /** A server that wants this plugin, and takes everything. */
    const wanting = (plugin, data) =>
      ScriptedServer.open(({ sequence, payload }, socket, n) => {
        if (n === 0) socket.write(packet(sequence + 1, say.switchTo(plugin, data)));
        else if (n === 1) socket.write(packet(sequence + 1, say.more(payload)));
        else socket.write(packet(sequence + 1, say.ok()));
      });

    const to = (server, options) =>
      track(mysql().createConnection({ ...server.target, password: 'secret', ...options }));

    test('one of their own', async () => {
      const server = await wanting('own_plugin');
      const seen = [];
      const plugin = ({ connection: { config } }) => {
        seen.push(config.user);
        return async (data) => {
          seen.push(data.toString('latin1'));
          return `${config.password} ${seen.length}`;
        };
      };
      const connection = to(server, {
        authPlugins: { own_plugin: (about) => toBuffers(plugin(about)) },
      });
      await new Promise((resolve) => connection.once('connect', resolve));
      expect(seen).toEqual(['u', `${SCRAMBLE}\0`, 'secret 2']);
      const [, first, second] = server.heard;
      expect([first, second].map(({ payload }) => payload.toString())).toEqual([
        'secret 2',
        'secret 3',
      ]);
    });

    const toBuffers = (handle) => async (data) => Buffer.from(await handle(data));

    test('one of their own fails', async () => {
      const server = await wanting('own_plugin');
      const authPlugins = {
        own_plugin: () => async () => {
          throw new Error('no token here');
        },
      };
      const connection = to(server, { authPlugins });
      const error = await failure((done) => connection.connect(done));
      expect(error).toMatchObject({
        message: 'no token here',
        code: 'AUTH_SWITCH_PLUGIN_ERROR',
        fatal: true,
      });
    });

    test('one that nobody knows', async () => {
      const connection = to(await wanting('some_plugin'));
      const error = await failure((done) => connection.connect(done));
      expect(error).toMatchObject({ code: 'AUTH_SWITCH_PLUGIN_ERROR', fatal: true });
      expect(error.message).toContain(
        'Server requests authentication using unknown plugin some_plugin',
      );
    });

    test('the password in clear, which is not for everybody', async () => {
      const server = await wanting('mysql_clear_password');
      const connection = to(server);
      const error = await failure((done) => connection.connect(done));
      expect(error).toMatchObject({ code: 'MYSQL_CLEAR_PASSWORD_NOT_ENABLED', fatal: true });
      expect(error.message).toContain('enableCleartextPlugin');
      expect(server.heard).toHaveLength(1);
    });

    test('the password in clear when allowed', async () => {
      const server = await ScriptedServer.open(({ sequence }, socket, n) => {
        const next = n === 0 ? say.switchTo('mysql_clear_password') : say.ok();
        socket.write(packet(sequence + 1, next));
      });
      const connection = to(server, { enableCleartextPlugin: true });
      await new Promise((resolve) => connection.once('connect', resolve));
      expect(server.heard[1].payload.toString()).toBe('secret\0');
    });

    test('a switch to the native way', async () => {
      const server = await ScriptedServer.open(({ sequence }, socket, n) => {
        const data = Buffer.from('tsrqponmlkjihgfedcba');
        const next = n === 0 ? say.switchTo('mysql_native_password', data) : say.ok();
        socket.write(packet(sequence + 1, next));
      });
      const connection = to(server);
      await new Promise((resolve) => connection.once('connect', resolve));
      expect(server.heard[1].payload.toString('hex')).toBe(
        'f46fbb4415125666addcfab92696d872d418eea8',
      );
    });
  });

  test('by a plugin of the program, where compression was asked for', async () => {
    const server = await ScriptedServer.open(({ sequence }, socket, n) => {
      socket.write(packet(sequence + 1, n === 0 ? say.switchTo('own') : say.ok()));
    });
    const authPlugins = { own: () => () => Buffer.from('by plugin') };
    const options = { ...server.target, authPlugins, compress: true };
    const connection = track(mysql().createConnection(options));
    const [error] = await called((done) => connection.connect(done));
    expect(error).toBeNull();
    expect(server.heard[1].payload.toString()).toBe('by plugin');
  });

  describe('several factors', () => {
    const MULTI_FACTOR = 0x1000_0000;
    const flags = (OFFERED | MULTI_FACTOR) >>> 0;

    const next = (plugin) => Buffer.from(`\x02${plugin}\0x`);

    /** Asks for a native password first, then by these packets. */
    const asking = (...others) =>
      ScriptedServer.open(
        ({ sequence }, socket, n) => {
          const asked = [say.switchTo('mysql_native_password'), ...others, say.ok()][n];
          socket.write(packet(sequence + 1, asked));
        },
        (socket) => socket.write(packet(0, say.hello({ flags }))),
      );

    const login = async (server, options) => {
      const given = { ...server.target, password: 'secret', ...options };
      const connection = track(mysql().createConnection(given));
      const [error] = await called((done) => connection.connect(done));
      if (error) throw error;
      return server.heard.slice(2).map(({ payload }) => payload.toString());
    };

    const PASSWORDS = { password2: 'second', password3: 'third' };

    test('by plugins of the program', async () => {
      const server = await asking(next('own'), next('own'));
      const own = ({ connection: { config } }) => {
        const { password } = config;
        return () => Buffer.from(`${password}!`);
      };
      const proofs = await login(server, { ...PASSWORDS, authPlugins: { own } });
      expect(proofs).toEqual(['second!', 'third!']);
      expect(server.heard[0].payload.readUInt32LE(0) & MULTI_FACTOR).toBe(MULTI_FACTOR);
    });

    test('in clear, each with its password; mysql2 sends the first one', async () => {
      const server = await asking(next('mysql_clear_password'), next('mysql_clear_password'));
      const proofs = await login(server, { ...PASSWORDS, enableCleartextPlugin: true });
      const first = ['secret\0', 'secret\0'];
      expect(proofs).toEqual(implementation === 'mysql2' ? first : ['second\0', 'third\0']);
    });

    test('in clear only where that is allowed', async () => {
      const server = await asking(next('mysql_clear_password'));
      const error = await login(server, PASSWORDS).catch((failed) => failed);
      expect(error).toMatchObject({ code: 'MYSQL_CLEAR_PASSWORD_NOT_ENABLED', fatal: true });
      expect(error.message).not.toContain('second');
    });
  });

  test('authSwitchHandler', async () => {
    const warn = jest.spyOn(console, 'warn').mockImplementation(() => {});
    const server = await ScriptedServer.open(({ sequence }, socket, n) => {
      const next = n === 0 ? say.switchTo('own_plugin') : say.ok();
      socket.write(packet(sequence + 1, next));
    });
    const seen = [];
    const authSwitchHandler = ({ pluginName, pluginData }, done) => {
      seen.push(pluginName, pluginData.toString('latin1'));
      done(null, Buffer.from('by hand'));
    };
    const connection = track(mysql().createConnection({ ...server.target, authSwitchHandler }));
    await new Promise((resolve) => connection.once('connect', resolve));
    expect(seen).toEqual(['own_plugin', `${SCRAMBLE}\0`]);
    expect(server.heard[1].payload.toString()).toBe('by hand');
    expect(warn.mock.calls).toEqual([
      ['WARNING! authSwitchHandler api is deprecated, please use new authPlugins api'],
    ]);
    warn.mockRestore();
  });
});
