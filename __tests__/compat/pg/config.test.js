'use strict';
// What a client is configured with: options, URLs, the environment, and what becomes of them.

const { inspect } = require('node:util');
const { withEnvironment } = require('./clients.js');
const { IMPLEMENTATIONS } = require('./implementations.js');

describe.each(IMPLEMENTATIONS)('%s', (_name, load) => {
  const client = (...given) => withEnvironment({}, () => new (load().Client)(...given));
  const from = (variables, given) => withEnvironment(variables, () => new (load().Client)(given));

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
