'use strict';
// What options become: of a connection, of a pool, of a URL, and those that are refused.

const { once } = require('node:events');
const { IMPLEMENTATIONS } = require('./implementations.js');
const { connect, make, track } = require('./connections.js');
const { mysqlConfig, mysqlUrl } = require('../../support/mysql.js');

const DEFAULTS = {
  host: 'localhost',
  port: 3306,
  user: undefined,
  password: undefined,
  database: undefined,
  socketPath: undefined,
  connectTimeout: 10_000,
  insecureAuth: false,
  supportBigNumbers: false,
  bigNumberStrings: false,
  decimalNumbers: false,
  dateStrings: false,
  stringifyObjects: false,
  enableKeepAlive: true,
  keepAliveInitialDelay: undefined,
  timezone: 'local',
  queryFormat: undefined,
  ssl: false,
  multipleStatements: false,
  rowsAsArray: false,
  namedPlaceholders: false,
  nestTables: undefined,
  typeCast: true,
  disableEval: false,
  enableCleartextPlugin: false,
  charsetNumber: 224,
  compress: false,
  maxPreparedStatements: 16_000,
  jsonStrings: false,
  gracefulEnd: false,
  trace: true,
};

const POOL_DEFAULTS = {
  waitForConnections: true,
  connectionLimit: 10,
  maxIdle: 10,
  idleTimeout: 60_000,
  queueLimit: 0,
  resetOnRelease: false,
};

let complaints;

beforeEach(() => {
  complaints = [];
  jest.spyOn(console, 'error').mockImplementation((text) => complaints.push(text));
});

afterEach(() => jest.restoreAllMocks());

describe.each(IMPLEMENTATIONS)('%s', (_name, { mysql }) => {
  const configure = (options) => new (mysql().ConnectionConfig)(options);

  /** Pools connect when they are asked to, so that no server is needed. */
  const configOf = (options) => track(mysql().createPool(options)).config;

  test('defaults', () => {
    expect(configure({})).toMatchObject(DEFAULTS);
    expect(complaints).toEqual([]);
  });

  test('defaults of a pool', () => {
    const config = configOf({});
    expect(config).toMatchObject(POOL_DEFAULTS);
    // The drop-in's connections share what the server keeps (differences-pool.test.js).
    const { maxPreparedStatements, ...others } = DEFAULTS;
    expect(config.connectionConfig).toMatchObject(others);
    expect(config.connectionConfig.maxPreparedStatements).toBeLessThanOrEqual(
      maxPreparedStatements,
    );
    expect(config.connectionConfig).toBeInstanceOf(mysql().ConnectionConfig);
  });

  test.each([
    [{ port: '3307' }, { port: 3307 }],
    [{ port: 3307 }, { port: 3307 }],
    [{ host: '' }, { host: 'localhost' }],
    [{ user: '' }, { user: undefined }],
    [{ password: '' }, { password: undefined }],
    [{ password1: 'first' }, { password: 'first' }],
    [{ password: 'a', password1: 'b' }, { password: 'a' }],
    [
      { password2: 'b', password3: 'c' },
      { password2: 'b', password3: 'c' },
    ],
    [{ connectTimeout: 'soon' }, { connectTimeout: 10_000 }],
    [{ connectTimeout: 0 }, { connectTimeout: 0 }],
    [{ enableKeepAlive: false }, { enableKeepAlive: false }],
    [{ enableKeepAlive: 0 }, { enableKeepAlive: true }],
    [{ keepAliveInitialDelay: 5000 }, { keepAliveInitialDelay: 5000 }],
    [{ timezone: 'Z' }, { timezone: 'Z' }],
    [{ timezone: '+05:30' }, { timezone: '+05:30' }],
    [{ timezone: ' 05:30' }, { timezone: '+05:30' }],
    [{ typeCast: false }, { typeCast: false }],
    [{ nestTables: '_' }, { nestTables: '_' }],
    [{ dateStrings: ['DATE'] }, { dateStrings: ['DATE'] }],
    [{ disableEval: 1 }, { disableEval: true }],
    [{ charset: 'latin1_swedish_ci' }, { charsetNumber: 8 }],
    [{ charset: 'UTF8MB4_BIN' }, { charsetNumber: 46 }],
    [{ charset: 'utf8mb4' }, { charsetNumber: 45 }],
    [{ charsetNumber: 33 }, { charsetNumber: 33 }],
    [{ charset: 'binary', charsetNumber: 33 }, { charsetNumber: 63 }],
    [{ maxPreparedStatements: 5 }, { maxPreparedStatements: 5 }],
    [{ trace: false }, { trace: false }],
    [{ ssl: { ca: 'x' } }, { ssl: { ca: 'x', rejectUnauthorized: true } }],
    [{ ssl: { rejectUnauthorized: false } }, { ssl: { rejectUnauthorized: false } }],
  ])('%p', (options, expected) => {
    expect(configure(options)).toMatchObject(expected);
    expect(complaints).toEqual([]);
  });

  test.each([
    [{ connectionLimit: '5' }, { connectionLimit: 5, maxIdle: 5 }],
    [{ connectionLimit: 0 }, { connectionLimit: 0, maxIdle: 0 }],
    [{ connectionLimit: 'many' }, { connectionLimit: 10 }],
    [{ maxIdle: 2 }, { connectionLimit: 10, maxIdle: 2 }],
    [{ idleTimeout: '100' }, { idleTimeout: 100 }],
    [{ queueLimit: '3' }, { queueLimit: 3 }],
    [{ waitForConnections: 0 }, { waitForConnections: false }],
    [{ waitForConnections: undefined }, { waitForConnections: true }],
    [{ resetOnRelease: 1 }, { resetOnRelease: true }],
  ])('of a pool: %p', (options, expected) => {
    expect(configOf(options)).toMatchObject(expected);
    expect(complaints).toEqual([]);
  });

  test('an option that is not known is told and ignored', () => {
    expect(configure({ hots: 'x' })).not.toHaveProperty('hots');
    expect(complaints).toEqual([
      'Ignoring invalid configuration option passed to Connection: hots. This is currently a ' +
        'warning, but in future versions of MySQL2, an error will be thrown if you pass an ' +
        'invalid configuration option to a Connection',
    ]);
  });

  test('a timezone that is none is told, and UTC', () => {
    expect(configure({ timezone: 'Europe/Berlin' }).timezone).toBe('Z');
    expect(complaints).toEqual([
      'Ignoring invalid timezone passed to Connection: Europe/Berlin. This is currently a ' +
        'warning, but in future versions of MySQL2, an error will be thrown if you pass an ' +
        'invalid configuration option to a Connection',
    ]);
  });

  test.each([
    [{ charset: 'klingon' }, "Unknown charset 'klingon'"],
    [{ ssl: 'Amazon' }, "Unknown SSL profile 'Amazon'"],
    [{ ssl: true }, "SSL profile must be an object, instead it's a boolean"],
  ])('refused: %p', (options, message) => {
    for (const create of [mysql().createConnection, mysql().createPool]) {
      let thrown;
      try {
        create(options);
      } catch (error) {
        thrown = error;
      }
      expect(thrown.constructor.name).toBe('TypeError');
      expect(thrown.message).toBe(message);
    }
  });

  test('a profile of TLS by its name', () => {
    const { ssl } = configure({ ssl: 'Amazon RDS' });
    expect(ssl.rejectUnauthorized).toBe(true);
    expect(ssl.ca.length).toBeGreaterThan(10);
  });

  test.each([
    [
      'mysql://me:p%40ss@db.example:3307/shop',
      { host: 'db.example', port: 3307, user: 'me', password: 'p@ss', database: 'shop' },
    ],
    ['mysql://db.example', { host: 'db.example', port: 3306, user: undefined, database: '' }],
    ['mysql://[::1]/shop', { host: '::1', database: 'shop' }],
    ['mysql://db/a%2Fb', { database: 'a/b' }],
    [
      'mysql://db/shop?dateStrings=true&supportBigNumbers=1&timezone=Z&nestTables=_',
      { dateStrings: true, supportBigNumbers: 1, timezone: 'Z', nestTables: '_' },
    ],
    ['mysql://db/shop?dateStrings=["DATE"]', { dateStrings: ['DATE'] }],
    ['mysql://db/shop?ssl={"rejectUnauthorized":false}', { ssl: { rejectUnauthorized: false } }],
    ['mysql://db/shop?timezone=+05:30', { timezone: '+05:30' }],
    ['mysql://db/shop?charset=latin1', { charsetNumber: 8 }],
    [
      'mysql://me:pw@db:3307/shop?host=evil&user=evil&password=evil&port=1&database=evil',
      { host: 'db', port: 3307, user: 'me', password: 'pw', database: 'shop' },
    ],
  ])('the URL %s', (url, expected) => {
    for (const config of [
      configure(url),
      configure({ uri: url }),
      configOf(url).connectionConfig,
      configOf({ uri: url }).connectionConfig,
    ]) {
      expect(config).toMatchObject(expected);
    }
    expect(complaints).toEqual([]);
  });

  test('options beside a URL win', () => {
    const config = configure({ uri: 'mysql://me:pw@db:3307/shop?timezone=Z', user: 'you' });
    expect(config).toMatchObject({ user: 'you', password: 'pw', port: 3307, timezone: 'Z' });
  });

  test('what is no URL', () => {
    expect(() => configure('nonsense')).toThrow('Invalid URL');
  });

  test('a pool by URL reads options of pools', () => {
    expect(configOf('mysql://db/shop?connectionLimit=3&waitForConnections=false')).toMatchObject({
      connectionLimit: 3,
      waitForConnections: false,
    });
  });

  test('attributes of the connection', () => {
    const { connectAttributes } = configure({ connectAttributes: { program: 'test' } });
    expect(connectAttributes).toEqual({
      _client_name: 'Node-MySQL-2',
      _client_version: expect.stringMatching(/^\d+\.\d+\.\d+/),
      program: 'test',
    });
  });

  test('flags', () => {
    const has = (options, flag) => (configure(options).clientFlags & flag) !== 0;
    const [FOUND_ROWS, IGNORE_SPACE, MULTI_STATEMENTS] = [2, 256, 65536];
    expect(has({}, FOUND_ROWS)).toBe(true);
    expect(has({ flags: '-FOUND_ROWS' }, FOUND_ROWS)).toBe(false);
    expect(has({ flags: ['-FOUND_ROWS', '-IGNORE_SPACE'] }, IGNORE_SPACE)).toBe(false);
    expect(has({ flags: '-found_rows, -ignore_space' }, IGNORE_SPACE)).toBe(false);
    expect(has({}, MULTI_STATEMENTS)).toBe(false);
    expect(has({ flags: 'MULTI_STATEMENTS' }, MULTI_STATEMENTS)).toBe(true);
    expect(has({ multipleStatements: true }, MULTI_STATEMENTS)).toBe(true);
  });

  test('the configuration of a connection is there to read', async () => {
    const connection = await connect(mysql(), { dateStrings: true });
    const { host, port, user, password, database } = mysqlConfig();
    expect(connection.config).toMatchObject({ host, port, user, password, database });
    expect(connection.config.dateStrings).toBe(true);
    const { createConnection } = mysql();
    const byUrl = make({ createConnection: () => createConnection(mysqlUrl()) });
    expect(byUrl.config).toMatchObject({ host, port, user, password, database });
    await once(byUrl, 'connect');
  });
});
