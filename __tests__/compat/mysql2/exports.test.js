'use strict';
// What the package exports, to require and to import, and what each of it is.

const { EventEmitter } = require('node:events');
const path = require('node:path');
const { printed, runNode } = require('../../support/child.js');
const { connect, make, track, value } = require('./connections.js');
const { IMPLEMENTATIONS } = require('./implementations.js');
const { mysqlConfig } = require('../../support/mysql.js');

const ROOT = path.join(__dirname, '..', '..', '..');

const NAMES = [
  'createConnection',
  'connect',
  'Connection',
  'ConnectionConfig',
  'createPool',
  'createPoolCluster',
  'createQuery',
  'Pool',
  'PoolCluster',
  'PoolConnection',
  'authPlugins',
  'escape',
  'escapeId',
  'format',
  'raw',
  'setMaxParserCache',
  'clearParserCache',
];
/** Getters, which import does not find. */
const LATE = [
  'createConnectionPromise',
  'createPoolPromise',
  'createPoolClusterPromise',
  'Types',
  'TypedParameter',
  'Charsets',
  'CharsetToEncoding',
];
const PROMISE_NAMES = [
  'createConnection',
  'createPool',
  'createPoolCluster',
  'escape',
  'escapeId',
  'format',
  'raw',
  'Connection',
  'PoolConnection',
  'PromisePool',
  'PromiseConnection',
  'PromisePoolConnection',
  'setMaxParserCache',
  'clearParserCache',
];

describe.each(IMPLEMENTATIONS)('%s', (name, { mysql, promise }) => {
  test('by require', () => {
    const module = mysql();
    expect(Object.keys(module)).toEqual(expect.arrayContaining([...NAMES, ...LATE]));
    for (const each of [...NAMES, ...LATE]) expect(module[each]).toBeDefined();
  });

  test('of the promises, by require', () => {
    const module = promise();
    const late = ['Types', 'Charsets', 'CharsetToEncoding'];
    expect(Object.keys(module)).toEqual(expect.arrayContaining([...PROMISE_NAMES, ...late]));
    for (const each of [...PROMISE_NAMES, ...late]) expect(module[each]).toBeDefined();
  });

  test('by import: the names and the default', async () => {
    const lines = (module, names) => `
      import module, { ${names.join(', ')} } from '${module}';
      console.log(JSON.stringify([${names.map((each) => `module.${each} === ${each}`).join(', ')}]));`;
    for (const [module, names] of [
      [name, NAMES],
      [`${name}/promise`, PROMISE_NAMES],
    ]) {
      const code = lines(module, names);
      const result = await runNode(['--input-type=module', '-e', code], { cwd: ROOT });
      expect(printed(result)).toEqual([names.map(() => true)]);
    }
  });

  test('what is the same under two names', () => {
    const module = mysql();
    expect(module.connect).toBe(module.createConnection);
    expect(module.createConnectionPromise).toBe(promise().createConnection);
    expect(module.createPoolPromise).toBe(promise().createPool);
    expect(module.createPoolClusterPromise).toBe(promise().createPoolCluster);
    expect(promise().Types).toBe(module.Types);
    expect(promise().Charsets).toBe(module.Charsets);
    expect(promise().escape).toBe(module.escape);
  });

  test('classes', async () => {
    const { Connection, PoolConnection, Pool, PoolCluster, ...module } = mysql();
    expect(PoolConnection.prototype).toBeInstanceOf(Connection);
    for (const each of [Connection, Pool, PoolCluster]) {
      expect(each.prototype).toBeInstanceOf(EventEmitter);
    }
    const names = [Connection, PoolConnection, Pool, PoolCluster].map((each) => each.name);
    expect(names).toEqual(['Connection', 'PoolConnection', 'Pool', 'PoolCluster']);
    const connection = make({ createConnection: module.createConnection });
    expect(connection).toBeInstanceOf(Connection);
    expect(connection).not.toBeInstanceOf(PoolConnection);
    const pool = track(module.createPool(mysqlConfig()));
    expect(pool).toBeInstanceOf(Pool);
    const cluster = track(module.createPoolCluster());
    expect(cluster).toBeInstanceOf(PoolCluster);
    const pooled = await new Promise((resolve) => pool.getConnection((_, got) => resolve(got)));
    expect(pooled).toBeInstanceOf(PoolConnection);
    pooled.release();
  });

  test('classes of the promises', async () => {
    const module = promise();
    expect(module.PromisePoolConnection.prototype).toBeInstanceOf(module.PromiseConnection);
    expect(module.PromisePool.prototype).toBeInstanceOf(EventEmitter);
    const connection = await module.createConnection(mysqlConfig());
    expect(connection).toBeInstanceOf(module.PromiseConnection);
    expect(connection.connection).toBeInstanceOf(mysql().Connection);
    await connection.end();
    const pool = module.createPool(mysqlConfig());
    expect(pool).toBeInstanceOf(module.PromisePool);
    expect(pool.pool).toBeInstanceOf(mysql().Pool);
    const pooled = await pool.getConnection();
    expect(pooled).toBeInstanceOf(module.PromisePoolConnection);
    expect(pooled.connection).toBeInstanceOf(mysql().PoolConnection);
    pooled.release();
    await pool.end();
  });

  test('a configuration by hand', async () => {
    const { Connection, ConnectionConfig } = mysql();
    const connection = track(new Connection({ config: new ConnectionConfig(mysqlConfig()) }));
    expect(await value(connection, 'select 1')).toBe(1);
  });

  test('createQuery', async () => {
    const connection = await connect(mysql());
    const [first, second] = await new Promise((resolve, reject) => {
      const done = (error, ...got) => (error ? reject(error) : resolve(got));
      const command = mysql().createQuery('select ? as a', [5], done, connection.config);
      expect(command.sql).toBe('select ? as a');
      expect(command.values).toEqual([5]);
      expect(connection.query(command)).toBe(command);
    });
    expect(first).toEqual([{ a: 5 }]);
    expect(second[0].name).toBe('a');
  });

  test('numbers and names of types', () => {
    const { Types } = mysql();
    expect(Types).toMatchObject({
      DECIMAL: 0,
      TINY: 1,
      SHORT: 2,
      LONG: 3,
      FLOAT: 4,
      DOUBLE: 5,
      NULL: 6,
      TIMESTAMP: 7,
      LONGLONG: 8,
      INT24: 9,
      DATE: 10,
      TIME: 11,
      DATETIME: 12,
      YEAR: 13,
      VARCHAR: 15,
      BIT: 16,
      JSON: 245,
      NEWDECIMAL: 246,
      ENUM: 247,
      SET: 248,
      BLOB: 252,
      VAR_STRING: 253,
      STRING: 254,
      GEOMETRY: 255,
    });
    expect(Types[3]).toBe('LONG');
    expect(Types[253]).toBe('VAR_STRING');
  });

  test('numbers of character sets, and their encodings', () => {
    const { CharsetToEncoding, Charsets } = mysql();
    expect(Charsets).toMatchObject({
      LATIN1_SWEDISH_CI: 8,
      UTF8_GENERAL_CI: 33,
      UTF8MB4_GENERAL_CI: 45,
      BINARY: 63,
      UTF8MB4_UNICODE_CI: 224,
      UTF8MB4_0900_AI_CI: 255,
    });
    const encodings = [8, 33, 45, 63, 224, 255].map((number) => CharsetToEncoding[number]);
    expect(encodings).toEqual(['latin1', 'cesu8', 'utf8', 'binary', 'utf8', 'utf8']);
  });

  test('the ways of logging in', () => {
    expect(Object.keys(mysql().authPlugins).sort()).toEqual([
      'caching_sha2_password',
      'mysql_clear_password',
      'mysql_native_password',
      'sha256_password',
    ]);
    for (const plugin of Object.values(mysql().authPlugins)) {
      expect(typeof plugin).toBe('function');
      expect(typeof plugin({})).toBe('function');
    }
  });

  test('the cache of parsers can be bounded and emptied', async () => {
    const { clearParserCache, setMaxParserCache } = mysql();
    const connection = await connect(mysql());
    setMaxParserCache(1);
    expect(await value(connection, 'select 1 as a')).toBe(1);
    expect(await value(connection, 'select 2 as b')).toBe(2);
    clearParserCache();
    expect(await value(connection, 'select 3 as a')).toBe(3);
    setMaxParserCache(15000);
  });
});
