'use strict';
// What the package exports, to require and to import, and what each of it is.

const { EventEmitter } = require('node:events');
const { printed, runNode } = require('../../support/child.js');
const { connect } = require('./clients.js');
const { IMPLEMENTATIONS } = require('./implementations.js');

const NAMES = [
  'Client',
  'Connection',
  'DatabaseError',
  'Pool',
  'Query',
  'Result',
  'TypeOverrides',
  'defaults',
  'escapeIdentifier',
  'escapeLiteral',
  'types',
];

describe.each(IMPLEMENTATIONS)('%s', (name, load) => {
  test('by require', () => {
    const pg = load();
    expect(Object.keys(pg)).toEqual(expect.arrayContaining([...NAMES, 'utils']));
    for (const each of NAMES) expect(pg[each]).toBeDefined();
  });

  test('native is there when asked for, and null', () => {
    const pg = load();
    expect(Object.keys(pg)).not.toContain('native');
    expect('native' in pg).toBe(true);
    expect(Object.getOwnPropertyDescriptor(pg, 'native')).toMatchObject({
      enumerable: false,
      configurable: true,
    });
    expect(pg.native).toBeNull();
    expect(pg.native).toBeNull();
  });

  test('classes', () => {
    const { Client, Connection, DatabaseError, Pool, Query, Result, TypeOverrides } = load();
    expect(Client.Query).toBe(Query);
    expect(new Client()).toBeInstanceOf(EventEmitter);
    expect(new Query('')).toBeInstanceOf(EventEmitter);
    expect(new Connection()).toBeInstanceOf(EventEmitter);
    expect(new DatabaseError('message', 5, 'error')).toBeInstanceOf(Error);
    expect(new DatabaseError('text', 5, 'error')).toMatchObject({
      message: 'text',
      length: 5,
      name: 'error',
    });
    expect([Client, Query, Result, Connection, TypeOverrides].map((each) => each.name)).toEqual([
      'Client',
      'Query',
      'Result',
      'Connection',
      'TypeOverrides',
    ]);
    expect(Pool.name).toContain('Pool');
  });

  test('classes are to be made with new', () => {
    const { Client, Query, Result } = load();
    for (const Each of [Client, Query, Result]) expect(() => Each()).toThrow(/without 'new'/);
  });

  test('a Client can be extended', async () => {
    const pg = load();
    const asked = [];
    class Loud extends pg.Client {
      query(...given) {
        asked.push(given[0]);
        return super.query(...given);
      }
    }
    const client = await connect({ ...pg, Client: Loud });
    await client.query('select 1');
    expect(asked).toEqual(['select 1']);
    expect(client).toBeInstanceOf(pg.Client);
  });

  test('methods of Client.prototype may be replaced', async () => {
    const { Client } = load();
    const { query } = Client.prototype;
    const asked = [];
    Client.prototype.query = function instrumented(...given) {
      asked.push(given[0]);
      return query.apply(this, given);
    };
    try {
      const client = await connect(load());
      expect((await client.query('select 1 as n')).rows).toEqual([{ n: 1 }]);
      expect(asked).toEqual(['select 1 as n']);
    } finally {
      Client.prototype.query = query;
    }
  });

  test('defaults', () => {
    expect({ ...load().defaults }).toMatchObject({
      host: 'localhost',
      database: undefined,
      password: null,
      connectionString: undefined,
      port: 5432,
      rows: 0,
      binary: false,
      max: 10,
      idleTimeoutMillis: 30000,
      client_encoding: '',
      ssl: false,
      application_name: undefined,
      fallback_application_name: undefined,
      options: undefined,
      parseInputDatesAsUTC: false,
      statement_timeout: false,
      lock_timeout: false,
      idle_in_transaction_session_timeout: false,
      query_timeout: false,
      connect_timeout: 0,
      keepalives: 1,
      keepalives_idle: 0,
    });
    expect(load().defaults.user).toBe(process.env.USER);
    const { set } = Object.getOwnPropertyDescriptor(load().defaults, 'parseInt8');
    expect(set).toEqual(expect.any(Function));
  });

  test('a Result by hand', () => {
    const { Result, TypeOverrides } = load();
    const result = new Result();
    expect(result).toMatchObject({
      command: null,
      rowCount: null,
      oid: null,
      rows: [],
      fields: [],
    });
    result.addFields([
      { name: 'n', dataTypeID: 23, format: 'text' },
      { name: 't', dataTypeID: 25, format: 'text' },
    ]);
    expect(result.fields.map((field) => field.name)).toEqual(['n', 't']);
    const row = result.parseRow(['5', null]);
    expect(row).toEqual({ n: 5, t: null });
    result.addRow(row);
    expect(result.rows).toEqual([row]);
    for (const [text, expected] of [
      ['SELECT 5', { command: 'SELECT', rowCount: 5, oid: null }],
      ['INSERT 7 3', { command: 'INSERT', rowCount: 3, oid: 7 }],
      ['CREATE TABLE', { command: 'CREATE', rowCount: 3 }],
    ]) {
      result.addCommandComplete({ text });
      expect(result).toMatchObject(expected);
    }
    const types = new TypeOverrides();
    types.setTypeParser(23, (text) => `int ${text}`);
    const arrays = new Result('array', types);
    arrays.addFields([{ name: 'n', dataTypeID: 23, format: 'text' }]);
    expect(arrays.parseRow(['5'])).toEqual(['int 5']);
  });

  test('by import: the names and the default', async () => {
    const program = `
      import pg, { ${NAMES.join(', ')} } from '${name}';
      import * as all from '${name}';
      const names = { ${NAMES.join(', ')} };
      const same = Object.entries(names).filter(([name, value]) => pg[name] === value);
      console.log(JSON.stringify(same.map(([name]) => name).sort()));
      console.log(JSON.stringify(Object.keys(all).includes('default')));
      console.log(JSON.stringify(new Client() instanceof pg.Client));`;
    const result = await runNode(['--input-type=module', '-e', program]);
    expect(result).toMatchObject({ code: 0, stderr: '' });
    expect(printed(result)).toEqual([[...NAMES].sort(), true, true]);
  });

  test('by import and by require it is the same', async () => {
    const program = `
      import { createRequire } from 'node:module';
      import { Client } from '${name}';
      const required = createRequire(process.cwd() + '/x.js')('${name}');
      console.log(JSON.stringify(required.Client === Client));`;
    const result = await runNode(['--input-type=module', '-e', program]);
    expect(printed(result)).toEqual([true]);
  });
});
