'use strict';
// What a client is configured with: options, URLs, the environment, and what the server sees of it.

const { inspect } = require('node:util');
const Bluebird = require('bluebird');
const { DATABASE, ROLES } = require('../../support/server.js');
const { testServer, url } = require('../../support/urls.js');
const { config, connect, make, track, value } = require('./clients.js');
const { IMPLEMENTATIONS } = require('./implementations.js');

const { env } = process;
const VARIABLES = Object.keys(env).filter((name) => /^PG[A-Z]+$/.test(name));

/** Runs with these variables of PostgreSQL and no others. */
function withEnvironment(variables, run) {
  const before = Object.fromEntries(VARIABLES.map((name) => [name, env[name]]));
  for (const name of VARIABLES) delete env[name];
  Object.assign(env, variables);
  try {
    return run();
  } finally {
    for (const name of Object.keys(variables)) delete env[name];
    Object.assign(env, before);
  }
}

describe.each(IMPLEMENTATIONS)('%s', (_name, load) => {
  const client = (...given) => withEnvironment({}, () => new (load().Client)(...given));
  const from = (variables, given) => withEnvironment(variables, () => new (load().Client)(given));

  describe('properties', () => {
    test('of an object', () => {
      const given = { host: 'h', port: 1, user: 'u', database: 'd', password: 'p' };
      expect(client(given)).toMatchObject(given);
      expect(client(given).connectionParameters).toMatchObject(given);
      expect(client(given)).toMatchObject({ processID: null, ssl: false, binary: false });
    });

    test('defaults', () => {
      const { defaults } = load();
      for (const made of [client(), client({}), client(null)]) {
        expect(made).toMatchObject({ host: 'localhost', port: 5432, password: null });
        expect(made.user).toBe(defaults.user);
        expect(made.database).toBe(defaults.user);
      }
      expect(client({ user: 'someone' }).database).toBe('someone');
    });

    test('defaults that a program has set', () => {
      const { defaults } = load();
      const before = { ...defaults };
      Object.assign(defaults, { host: 'dh', port: 7, user: 'du', database: 'dd', password: 'dp' });
      try {
        const all = { host: 'dh', port: 7, user: 'du', database: 'dd', password: 'dp' };
        expect(client()).toMatchObject(all);
        expect(client({ user: 'own' })).toMatchObject({ ...all, user: 'own' });
      } finally {
        Object.assign(defaults, before);
      }
    });

    test.each([
      ['postgres://u:p@h:1/d', { user: 'u', password: 'p', host: 'h', port: 1, database: 'd' }],
      ['postgresql://u@h/d', { user: 'u', host: 'h', port: 5432, database: 'd' }],
      ['postgres://h', { host: 'h', port: 5432 }],
      ['postgres://u%40x:p%2Fy%3A@h/d%20e', { user: 'u@x', password: 'p/y:', database: 'd e' }],
      ['postgres://u@[::1]:5/d', { host: '::1', port: 5 }],
      ['postgres:///d?host=/tmp/s&port=9&user=q', { host: '/tmp/s', port: 9, user: 'q' }],
      ['postgres://u:p@%2Ftmp%2Fs/d', { host: '/tmp/s', user: 'u', database: 'd' }],
      ['socket:/tmp/s?db=d&encoding=utf8', { host: '/tmp/s', database: 'd' }],
      ['socket://u:p@/tmp/s?db=d', { host: '/tmp/s', user: 'u', password: 'p' }],
      ['/tmp/s d', { host: '/tmp/s', database: 'd' }],
    ])('of %s', (text, expected) => {
      expect(client(text)).toMatchObject(expected);
      expect(client({ connectionString: text })).toMatchObject(expected);
    });

    test('a connectionString goes before the other options', () => {
      const made = client({
        connectionString: 'postgres://u:p@h:1/d',
        user: 'x',
        host: 'y',
        port: 2,
      });
      expect(made).toMatchObject({ user: 'u', host: 'h', port: 1, database: 'd' });
    });

    test('settings in a URL', () => {
      const { connectionParameters } = client(
        'postgres://h/d?application_name=a&statement_timeout=5&options=-c%20x%3Dy&fallback_application_name=f',
      );
      expect(connectionParameters).toMatchObject({
        application_name: 'a',
        fallback_application_name: 'f',
        statement_timeout: '5',
        options: '-c x=y',
      });
    });

    test('of the environment, where nothing else is said', () => {
      const variables = {
        PGHOST: 'eh',
        PGPORT: '8',
        PGUSER: 'eu',
        PGDATABASE: 'ed',
        PGPASSWORD: 'ep',
        PGAPPNAME: 'ea',
        PGOPTIONS: '-c x=y',
      };
      expect(from(variables)).toMatchObject({
        host: 'eh',
        port: 8,
        user: 'eu',
        database: 'ed',
        password: 'ep',
      });
      expect(from(variables).connectionParameters).toMatchObject({
        application_name: 'ea',
        options: '-c x=y',
      });
      const own = { host: 'h', port: 1, user: 'u', database: 'd', password: 'p' };
      expect(from(variables, own)).toMatchObject(own);
      expect(from(variables, 'postgres://u@h')).toMatchObject({
        host: 'h',
        user: 'u',
        port: 8,
        password: 'ep',
        database: 'ed',
      });
    });

    test('the environment and `defaults`', () => {
      const { defaults } = load();
      defaults.database = 'dd';
      try {
        expect(from({ PGUSER: 'eu' }).database).toBe('dd');
        expect(from({ PGDATABASE: 'ed' }).database).toBe('ed');
      } finally {
        defaults.database = undefined;
      }
      expect(from({ PGUSER: 'eu' }).database).toBe('eu');
    });

    test.each([
      ['disable', false],
      ['prefer', true],
      ['require', true],
      ['verify-ca', true],
      ['verify-full', true],
      ['no-verify', { rejectUnauthorized: false }],
      ['nonsense', false],
    ])('PGSSLMODE=%s', (mode, ssl) => {
      expect(from({ PGSSLMODE: mode }).ssl).toEqual(ssl);
      expect(from({ PGSSLMODE: mode }, { ssl: false }).ssl).toBe(false);
      expect(from({ PGSSLMODE: mode }, { ssl: true }).ssl).toBe(true);
    });

    test.each([
      ['sslmode=disable', false],
      ['sslmode=no-verify', { rejectUnauthorized: false }],
      ['sslmode=verify-full', {}],
      ['sslmode=require&uselibpqcompat=true', { rejectUnauthorized: false }],
      ['ssl=true', true],
      ['ssl=1', true],
      ['ssl=0', false],
      ['ssl=no-verify', { rejectUnauthorized: false }],
      ['', false],
    ])('a URL with ?%s', (query, ssl) => {
      expect(client(`postgres://h/d?${query}`).ssl).toEqual(ssl);
    });

    test.each([
      ['true', true],
      ['no-verify', { rejectUnauthorized: false }],
    ])('ssl: %j', (given, ssl) => expect(client({ ssl: given }).ssl).toEqual(ssl));

    test('sslnegotiation', () => {
      const of = ({ sslNegotiation, connectionParameters: { sslnegotiation } }) => [
        sslNegotiation,
        sslnegotiation,
      ];
      expect(of(client())).toEqual(['postgres', undefined]);
      expect(of(client({ ssl: true, sslnegotiation: 'direct' }))).toEqual(['direct', 'direct']);
      expect(of(client({ sslnegotiation: 'postgres' }))).toEqual(['postgres', 'postgres']);
      expect(of(client('postgres://h/d?sslnegotiation=direct'))).toEqual(['direct', 'direct']);
      const variables = { PGSSLNEGOTIATION: 'direct', PGSSLMODE: 'require' };
      expect(of(from(variables))).toEqual(['direct', 'direct']);
      expect(() => client({ sslnegotiation: 'other' })).toThrow(
        'Invalid sslnegotiation value: "other". Valid values are "postgres" and "direct".',
      );
      expect(() => client({ sslnegotiation: 'direct' })).toThrow(
        'sslnegotiation=direct requires SSL to be enabled',
      );
      expect(() => from({ PGSSLNEGOTIATION: 'x' })).toThrow('Invalid sslnegotiation value: "x"');
    });

    test('a URL that is none', () => {
      const make = () => client('postgres://u:secret@h:port/d');
      expect(make).toThrow('Invalid URL');
      expect(make).toThrow(expect.objectContaining({ name: 'TypeError', code: 'ERR_INVALID_URL' }));
      expect(make).toThrow(expect.objectContaining({ input: '*****REDACTED*****' }));
    });

    test('secrets can be read and are not shown', () => {
      const ssl = { key: 'the key', ca: 'the ca' };
      const made = client({ password: 'the secret', ssl });
      expect(made.password).toBe('the secret');
      expect(made.connectionParameters.password).toBe('the secret');
      expect(made.ssl.key).toBe('the key');
      for (const object of [made, made.connectionParameters]) {
        expect(Object.keys(object)).not.toContain('password');
        const shown = inspect(object, { depth: 10 }) + JSON.stringify(object.connectionParameters);
        expect(shown).not.toContain('the secret');
        expect(shown).not.toContain('the key');
      }
      expect(Object.keys(made.ssl)).toEqual(['ca']);
      made.password = 'another';
      expect(made.password).toBe('another');
    });

    test('the options are left as they are', () => {
      const given = Object.freeze({ host: 'h', user: 'u', ssl: Object.freeze({ ca: 'x' }) });
      client(given);
      expect(given).toEqual({ host: 'h', user: 'u', ssl: { ca: 'x' } });
    });
  });

  describe('connected', () => {
    test('by a URL, as text and in an object', async () => {
      const { Client } = load();
      for (const given of [url(), { connectionString: url() }]) {
        const one = track(new Client(given));
        await one.connect();
        expect(await value(one, 'select current_user')).toBe('app');
        expect(one).toMatchObject({ user: 'app', database: DATABASE, port: testServer().port });
        expect(one.processID).toBe(await value(one, 'select pg_backend_pid()'));
      }
    });

    test('by the environment', async () => {
      const { host, port } = testServer();
      const one = track(
        from({
          PGHOST: host,
          PGPORT: String(port),
          PGUSER: 'app',
          PGPASSWORD: ROLES.app.password,
          PGDATABASE: DATABASE,
          PGAPPNAME: 'from the environment',
        }),
      );
      await one.connect();
      expect(await value(one, 'show application_name')).toBe('from the environment');
      expect(await value(one, 'select current_user')).toBe('app');
    });

    test('over the unix socket', async () => {
      const { socket, port } = testServer();
      const { Client } = load();
      const targets = [
        { host: socket, port, user: 'nopass', database: DATABASE },
        `postgres://nopass@${encodeURIComponent(socket)}:${port}/${DATABASE}`,
      ];
      for (const target of targets) {
        const one = track(new Client(target));
        await one.connect();
        expect(await value(one, 'select inet_client_addr()')).toBeNull();
        expect(one.host).toBe(socket);
      }
    });

    test.each([
      ['statement_timeout', 1500, '1500ms'],
      ['statement_timeout', '1500', '1500ms'],
      ['statement_timeout', 1500.9, '1500ms'],
      ['lock_timeout', 2500, '2500ms'],
      ['idle_in_transaction_session_timeout', '3500.5', '3500ms'],
      ['application_name', 'it is "me", \'ü\'', 'it is "me", \'??\''],
      ['fallback_application_name', 'the other', 'the other'],
    ])('%s: %j', async (name, given, shown) => {
      const one = await connect(load(), { [name]: given });
      const setting = name.replace('fallback_', '');
      const asked = await value(one, `show ${setting}`);
      expect(asked).toBe(shown);
    });

    test.each([
      ['statement_timeout', 0],
      ['statement_timeout', false],
      ['lock_timeout', undefined],
      ['idle_in_transaction_session_timeout', null],
    ])('%s: %j sends nothing', async (name, given) => {
      const one = await connect(load(), { [name]: given });
      expect(await value(one, `show ${name}`)).toBe('0');
    });

    test('application_name goes before fallback_application_name', async () => {
      const names = { application_name: 'a', fallback_application_name: 'f' };
      expect(await value(await connect(load(), names), 'show application_name')).toBe('a');
    });

    test('options', async () => {
      const options = '-c search_path=elsewhere,public -c work_mem=12345kB';
      const one = await connect(load(), { options });
      expect(await value(one, 'show search_path')).toBe('elsewhere,public');
      expect(await value(one, 'show work_mem')).toBe('12345kB');
    });

    test.each([[true], [false]])('keepAlive: %p', async (keepAlive) => {
      const one = await connect(load(), { keepAlive, keepAliveInitialDelayMillis: 10000 });
      expect(await value(one, 'select 1')).toBe(1);
    });

    test('Promise', async () => {
      const one = make(load(), { Promise: Bluebird });
      const connecting = one.connect();
      expect(connecting).toBeInstanceOf(Bluebird);
      await connecting;
      const asked = one.query('select 1 as n');
      expect(asked).toBeInstanceOf(Bluebird);
      expect(await asked.get('rows')).toEqual([{ n: 1 }]);
      const failing = one.query('select broken');
      expect(failing).toBeInstanceOf(Bluebird);
      expect(await failing.catch((error) => error.code)).toBe('42703');
      const ending = one.end();
      expect(ending).toBeInstanceOf(Bluebird);
      await ending;
    });

    test('a stream of its own', async () => {
      const net = require('node:net');
      const given = new net.Socket();
      const one = await connect(load(), { stream: given });
      expect(await value(one, 'select 1')).toBe(1);
      expect(given.remotePort).toBe(config().port);
      const made = [];
      const other = await connect(load(), { stream: () => made[made.push(new net.Socket()) - 1] });
      expect(await value(other, 'select 1')).toBe(1);
      expect(made).toHaveLength(1);
      expect(made[0].remotePort).toBe(config().port);
    });
  });
});
