'use strict';
// Where and as whom to connect, from configurations, URLs and the environment.

const os = require('node:os');
const fs = require('node:fs');
const path = require('node:path');
const fc = require('fast-check');

const IMPLEMENTATIONS = [
  ['pg', () => [require('pg/lib/connection-parameters'), require('pg/lib/defaults')]],
  [
    'polypool/pg',
    () => [
      require('../../../lib/compat/pg/parameters'),
      require('../../../lib/compat/pg/defaults'),
    ],
  ],
];

const saved = { ...process.env };

beforeEach(() => {
  for (const name of Object.keys(process.env)) {
    if (name.startsWith('PG')) delete process.env[name];
  }
});

afterAll(() => {
  for (const name of Object.keys(saved)) process.env[name] = saved[name];
});

const libpq = (parameters) =>
  new Promise((resolve, reject) => {
    parameters.getLibpqConnectionString((error, text) => (error ? reject(error) : resolve(text)));
  });

describe.each(IMPLEMENTATIONS)('%s', (_name, load) => {
  const [ConnectionParameters, defaults] = load();
  const read = (config) => new ConnectionParameters(config);

  test('nothing given', () => {
    const parameters = read();
    const { user } = defaults;
    expect({ ...parameters }).toEqual({
      user,
      database: user,
      port: 5432,
      host: 'localhost',
      binary: false,
      options: undefined,
      ssl: false,
      sslnegotiation: undefined,
      client_encoding: '',
      replication: undefined,
      isDomainSocket: false,
      application_name: undefined,
      fallback_application_name: undefined,
      statement_timeout: false,
      lock_timeout: false,
      idle_in_transaction_session_timeout: false,
      query_timeout: false,
      connect_timeout: 0,
    });
    expect(parameters.password).toBeNull();
  });

  test('what the defaults say now', () => {
    const before = defaults.port;
    defaults.port = 7;
    try {
      expect(read({}).port).toBe(7);
    } finally {
      defaults.port = before;
    }
  });

  test('a configuration', () => {
    const ssl = { ca: 'pem' };
    const password = () => 'secret';
    const config = {
      user: 'brian',
      database: 'home',
      port: '7777',
      password,
      host: '/tmp',
      ssl,
      binary: true,
      options: '-c geqo=off',
      application_name: 'here',
      fallback_application_name: 'there',
      replication: 'database',
      client_encoding: 'utf8',
      statement_timeout: 1.5,
      lock_timeout: '20',
      query_timeout: 30,
      idle_in_transaction_session_timeout: 40,
      connectionTimeoutMillis: 1999,
      keepAlive: true,
      keepAliveInitialDelayMillis: 2500,
    };
    const parameters = read(config);
    const { connectionTimeoutMillis, keepAlive, keepAliveInitialDelayMillis, ...same } = config;
    const { password: _, ...shown } = same;
    expect({ ...parameters }).toEqual({
      ...shown,
      port: 7777,
      sslnegotiation: undefined,
      isDomainSocket: true,
      connect_timeout: 1,
      keepalives: 1,
      keepalives_idle: 2,
    });
    expect(parameters.password).toBe(password);
    expect(parameters.ssl).toBe(ssl);
    expect(read({ keepAlive: false }).keepalives).toBe(0);
  });

  test('the password does not show, and can be replaced', () => {
    const parameters = read({ password: 'secret' });
    expect(Object.keys(parameters)).not.toContain('password');
    expect(JSON.stringify(parameters)).not.toContain('secret');
    parameters.password = 'other';
    expect(parameters.password).toBe('other');
  });

  test('nor does the key of option ssl', () => {
    const { ssl } = read({ ssl: { key: 'private', cert: 'public' } });
    expect(ssl.key).toBe('private');
    expect(JSON.stringify(ssl)).toBe('{"cert":"public"}');
  });

  test('the environment, weaker than the configuration', () => {
    Object.assign(process.env, {
      PGUSER: 'u',
      PGDATABASE: 'd',
      PGHOST: 'h',
      PGPORT: '99',
      PGPASSWORD: 'p',
      PGOPTIONS: '-c x=y',
      PGAPPNAME: 'app',
      PGCLIENT_ENCODING: 'latin1',
      PGREPLICATION: 'true',
      PGCONNECT_TIMEOUT: '3',
      PGBINARY: 'yes',
    });
    const fromEnvironment = read();
    expect(fromEnvironment).toMatchObject({
      user: 'u',
      database: 'd',
      host: 'h',
      port: 99,
      options: '-c x=y',
      application_name: 'app',
      fallback_application_name: undefined,
      client_encoding: 'latin1',
      replication: 'true',
      connect_timeout: '3',
      binary: 'yes',
    });
    expect(fromEnvironment.password).toBe('p');
    expect(read({ user: 'mine', port: 1, connectionTimeoutMillis: 0 })).toMatchObject({
      user: 'mine',
      database: 'd',
      port: 1,
      connect_timeout: 0,
    });
    expect(read({ user: '', port: 0, database: null })).toMatchObject({
      user: 'u',
      port: 99,
      database: 'd',
    });
  });

  test('the database is called as the user', () => {
    expect(read({ user: 'bo' }).database).toBe('bo');
    process.env.PGUSER = 'jo';
    expect(read().database).toBe('jo');
  });

  describe('ssl', () => {
    test.each([
      ['disable', false],
      ['allow', false],
      ['prefer', true],
      ['require', true],
      ['verify-ca', true],
      ['verify-full', true],
      ['no-verify', { rejectUnauthorized: false }],
      ['nonsense', false],
    ])('PGSSLMODE=%s', (mode, expected) => {
      process.env.PGSSLMODE = mode;
      expect(read({}).ssl).toEqual(expected);
      expect(read({ ssl: false }).ssl).toBe(false);
      expect(read({ ssl: true }).ssl).toBe(true);
    });

    test.each([
      ['true', true],
      ['no-verify', { rejectUnauthorized: false }],
      [null, null],
      [0, 0],
      ['other', 'other'],
    ])('ssl: %p is %p', (given, expected) => {
      expect(read({ ssl: given }).ssl).toEqual(expected);
    });
  });

  describe('sslnegotiation', () => {
    test('by configuration, environment and URL', () => {
      expect(read({ ssl: true, sslnegotiation: 'direct' }).sslnegotiation).toBe('direct');
      expect(read({ sslnegotiation: 'postgres' }).sslnegotiation).toBe('postgres');
      expect(read('postgres://h/d?sslnegotiation=direct')).toMatchObject({
        sslnegotiation: 'direct',
        ssl: true,
      });
      process.env.PGSSLNEGOTIATION = 'direct';
      expect(read({ ssl: {} }).sslnegotiation).toBe('direct');
    });

    test('messages', () => {
      expect(() => read({ sslnegotiation: 'maybe' })).toThrow(
        new Error(
          'Invalid sslnegotiation value: "maybe". Valid values are "postgres" and "direct".',
        ),
      );
      expect(() => read({ sslnegotiation: 'direct' })).toThrow(
        new Error('sslnegotiation=direct requires SSL to be enabled'),
      );
      process.env.PGSSLNEGOTIATION = 'never';
      expect(() => read()).toThrow('Invalid sslnegotiation value: "never"');
    });
  });

  describe('connection strings', () => {
    test.each([
      [
        'postgres://brian:pw@boom:381/lala',
        { user: 'brian', password: 'pw', host: 'boom', port: 381, database: 'lala' },
      ],
      ['tcp://bo%40x:p%2F%3F@h', { user: 'bo@x', password: 'p/?', host: 'h', port: 5432 }],
      ['postgres://[::1]:7/d', { host: '::1', port: 7, database: 'd' }],
      ['/var/run/pg mydb', { host: '/var/run/pg', database: 'mydb', isDomainSocket: true }],
      ['socket:/some/where?db=x&encoding=utf8', { host: '/some/where', database: 'x' }],
      [
        'postgres://u@%2Fvar%2Frun/d?application_name=app&options=-c%20a%3Db',
        { host: '/var/run', application_name: 'app', options: '-c a=b', isDomainSocket: true },
      ],
      ['postgres://u@/d?host=/tmp&port=9', { host: '/tmp', port: 9, database: 'd' }],
      ['postgres://h/d?ssl=true', { ssl: true }],
      ['postgres://h/d?ssl=1', { ssl: true }],
      ['postgres://h/d?ssl=0', { ssl: false }],
      ['postgres://h/d?sslmode=disable', { ssl: false }],
      ['postgres://h/d?sslmode=verify-full', { ssl: {} }],
      ['postgres://h/d?sslmode=no-verify', { ssl: { rejectUnauthorized: false } }],
      [
        'postgres://h/d?sslmode=require&uselibpqcompat=true',
        { ssl: { rejectUnauthorized: false } },
      ],
      ['postgres://h/d?statement_timeout=5&lock_timeout=6', { statement_timeout: '5' }],
    ])('%s', (url, expected) => {
      const { password, ...shown } = expected;
      for (const parameters of [read(url), read({ connectionString: url })]) {
        expect(parameters).toMatchObject(shown);
        if (password !== undefined) expect(parameters.password).toBe(password);
      }
    });

    test('a URL is stronger than what stands beside it', () => {
      const connectionString = 'postgres://u@h/d';
      expect(read({ connectionString, user: 'x', port: 9, max: 3 })).toMatchObject({
        user: 'u',
        host: 'h',
        port: 5432,
      });
    });

    test('files of certificates', () => {
      const file = path.join(fs.mkdtempSync(path.join(os.tmpdir(), 'pem-')), 'a.pem');
      fs.writeFileSync(file, 'PEM');
      try {
        const { ssl } = read(
          `postgres://h/d?sslmode=verify-full&sslrootcert=${file}&sslcert=${file}&sslkey=${file}`,
        );
        expect([ssl.ca, ssl.cert, ssl.key]).toEqual(['PEM', 'PEM', 'PEM']);
        expect(Object.keys(ssl).sort()).toEqual(['ca', 'cert']);
      } finally {
        fs.rmSync(path.dirname(file), { recursive: true });
      }
    });

    test('one that cannot be read is thrown without its text', () => {
      expect(() => read('postgres://u:secret@h:99999999/d')).toThrow(
        expect.objectContaining({ code: 'ERR_INVALID_URL', input: '*****REDACTED*****' }),
      );
    });
  });

  describe('getLibpqConnectionString', () => {
    test('a socket needs no address, and answers at once', () => {
      const parameters = read({
        user: "it's",
        password: 'a\\b c',
        host: '/tmp/',
        port: 5433,
        database: 'd d',
        application_name: 'app',
        options: '-c a=b',
        replication: 'database',
        client_encoding: 'utf8',
      });
      const answered = parameters.getLibpqConnectionString((error, text) => [error, text]);
      expect(answered).toEqual([
        null,
        "user='it\\'s' password='a\\\\b c' port='5433' application_name='app' " +
          "connect_timeout='0' options='-c a=b' dbname='d d' replication='database' host='/tmp/'",
      ]);
    });

    test('a host has its address too', async () => {
      const parameters = read({
        user: 'u',
        host: '127.0.0.1',
        client_encoding: 'utf8',
        ssl: { sslmode: 'verify-full', sslca: '/ca', sslkey: '/key', sslcert: '/c' },
        sslnegotiation: 'direct',
      });
      expect(await libpq(parameters)).toBe(
        "user='u' port='5432' connect_timeout='0' sslmode='verify-full' sslca='/ca' " +
          "sslkey='/key' sslcert='/c' sslnegotiation='direct' dbname='u' host='127.0.0.1' " +
          "client_encoding='utf8' hostaddr='127.0.0.1'",
      );
      expect(await libpq(read({ host: '127.0.0.1', ssl: true, user: 'u' }))).toContain(
        " sslmode='true' ",
      );
    });

    test('a host without an address', async () => {
      const failed = libpq(read({ host: 'nowhere.invalid' }));
      await expect(failed).rejects.toMatchObject({ code: expect.stringMatching(/ENOTFOUND|EAI/) });
    });
  });
});

describe('both agree', () => {
  const name = fc.string({ unit: fc.constantFrom('a', 'B', '7', '-', '.', ' ', '%', '@', 'ö') });
  const encoded = name.map(encodeURIComponent);
  const query = fc.dictionary(
    fc.constantFrom(
      ...['host', 'port', 'user', 'password', 'ssl', 'application_name', 'options', 'binary'],
      ...['fallback_application_name', 'statement_timeout', 'replication', 'client_encoding'],
      ...['keepAlive', 'sslnegotiation', 'unknown'],
    ),
    fc.oneof(encoded, fc.constantFrom('true', 'false', '0', '1', '5432', 'postgres', 'direct')),
  );
  const url = fc
    .record({
      scheme: fc.constantFrom('postgres', 'postgresql', 'socket', 'tcp'),
      user: encoded,
      password: encoded,
      host: fc.constantFrom('', 'localhost', '[::1]', '%2Ftmp', '10.0.0.1', 'h.example', '-'),
      port: fc.constantFrom('', ':1', ':65535', ':'),
      path: encoded,
      query,
    })
    .map(({ scheme, user, password, host, port, path: name_, query: pairs }) => {
      const search = Object.entries(pairs).map(([key, value]) => `${key}=${value}`);
      return `${scheme}://${user}:${password}@${host}${port}/${name_}?${search.join('&')}`;
    });
  const config = fc.record(
    {
      connectionString: url,
      user: name,
      password: name,
      host: fc.constantFrom('', '/tmp', 'h', null),
      port: fc.oneof(fc.nat(), name),
      database: name,
      ssl: fc.constantFrom(true, false, 'true', 'no-verify', null, undefined),
      connectionTimeoutMillis: fc.nat(),
      keepAlive: fc.constantFrom(true, false, 1, undefined),
      keepAliveInitialDelayMillis: fc.oneof(fc.nat(), name),
      query_timeout: fc.oneof(fc.nat(), name),
    },
    { requiredKeys: [] },
  );

  const outcome = (load, given) => {
    const [ConnectionParameters] = load();
    try {
      const parameters = new ConnectionParameters(given);
      return { ...parameters, password: parameters.password };
    } catch (error) {
      return { thrown: error.message };
    }
  };

  test.each([
    ['connection string', url],
    ['configuration', config],
  ])('on any %s', (_what, given) => {
    fc.assert(
      fc.property(given, (one) => {
        const [peer, own] = IMPLEMENTATIONS.map(([, load]) => outcome(load, one));
        expect(own).toEqual(peer);
      }),
      { numRuns: 300 },
    );
  });
});
