'use strict';
// Programs that put their own code into the package's: methods replaced, classes extended, hooks of
// loans, options that change while a pool is used.

const { AsyncLocalStorage } = require('node:async_hooks');
const { rejection, unique } = require('../../support/pools.js');
const { connect, make } = require('./clients.js');
const { IMPLEMENTATIONS } = require('./implementations.js');
const { openPool } = require('./pools.js');

const TENANT = "select current_setting('app.tenant', true) as tenant, $1::int as n";

afterEach(() => jest.restoreAllMocks());

describe.each(IMPLEMENTATIONS)('%s', (_name, load) => {
  const open = (options) => openPool(load(), options);

  describe('methods', () => {
    const camel = (name) => name.replace(/_(\w)/g, (_all, letter) => letter.toUpperCase());

    test('of Query: what the server answers goes through them', async () => {
      const client = await connect(load());
      const { prototype } = load().Query;
      const { handleRowDescription } = prototype;
      jest.spyOn(prototype, 'handleRowDescription').mockImplementation(function rename(message) {
        for (const field of message.fields) field.name = camel(field.name);
        return handleRowDescription.call(this, message);
      });
      expect((await client.query('select 1 as first_name')).rows).toEqual([{ firstName: 1 }]);
      const { rows } = await client.query('select $1::int as last_name', [2]);
      expect(rows).toEqual([{ lastName: 2 }]);
      jest.restoreAllMocks();
      await null;
      expect((await client.query('select 1 as first_name')).rows).toEqual([{ first_name: 1 }]);
    });

    test('of Result', async () => {
      const pool = open({ max: 1 });
      await pool.query('select 1');
      const addRow = jest.spyOn(load().Result.prototype, 'addRow');
      const { rows } = await pool.query('select generate_series(1, 3) as n');
      expect(rows).toEqual([{ n: 1 }, { n: 2 }, { n: 3 }]);
      expect(addRow.mock.calls).toEqual(rows.map((row) => [row]));
    });

    test('prepareValue of the utilities', async () => {
      const client = await connect(load());
      const { utils } = load();
      const { prepareValue } = utils;
      jest
        .spyOn(utils, 'prepareValue')
        .mockImplementation((value) => prepareValue(value === 'secret' ? 'hidden' : value));
      const { rows } = await client.query('select $1::text as a, $2::int as b', ['secret', 2]);
      expect(rows).toEqual([{ a: 'hidden', b: 2 }]);
    });

    test('getStartupConf of a subclass', async () => {
      class Named extends load().Client {
        getStartupConf() {
          return { ...super.getStartupConf(), application_name: 'told' };
        }
      }
      const client = make({ Client: Named });
      await client.connect();
      const { rows } = await client.query('show application_name');
      expect(rows).toEqual([{ application_name: 'told' }]);
    });

    test('JSON.parse: only the parsers of results know it', async () => {
      const client = await connect(load());
      const pool = open();
      await pool.query('select 0');
      jest.spyOn(JSON, 'parse').mockImplementation(() => {
        throw new Error('mocked');
      });
      expect((await client.query('select 1 as n')).rows).toEqual([{ n: 1 }]);
      expect((await pool.query('select $1::int as n', [2])).rows).toEqual([{ n: 2 }]);
      expect(await rejection(client.query('broken'))).toMatchObject({ code: '42601' });
    });
  });

  test('overrides of a class with a getTypeParser of its own see all that the server has sent', async () => {
    class AsText extends load().TypeOverrides {
      getTypeParser() {
        return (text) => `<${text}>`;
      }
    }
    const client = await connect(load());
    const text =
      "select '2024-01-01 00:00:00.123456'::timestamp a, 1e-7::float8 b, array[1] c, true d";
    const row = { a: '<2024-01-01 00:00:00.123456>', b: '<1e-07>', c: '<{1}>', d: '<t>' };
    expect((await client.query({ text, types: new AsText() })).rows).toEqual([row]);
    client._types.getTypeParser = AsText.prototype.getTypeParser;
    expect((await client.query(text)).rows).toEqual([row]);
  });

  test('an object whose toJSON gives nothing is NULL', async () => {
    const client = await connect(load());
    const { rows } = await client.query('select $1::text as a', [{ toJSON() {} }]);
    expect(rows).toEqual([{ a: null }]);
  });

  describe('hooks of loans', () => {
    /** Each loan has a tenant of its own; the n-th query is to see that of the n-th loan. */
    async function tenantsOf(pool, ask) {
      // Texts that are known, and known to be short.
      for (let i = 0; i < 5; i++) await Promise.all([ask(i), ask(i)]);
      let loans = 0;
      pool.on('acquire', (client) => {
        client.query('select set_config($1, $2, false)', ['app.tenant', `tenant ${++loans}`]);
      });
      const asked = Array.from({ length: 60 }, (_none, n) => ask(n));
      await Promise.all(asked);
      return asked;
    }
    const names = Array.from({ length: 60 }, (_none, n) => `tenant ${n + 1}`);

    test('reads run under what the hook of their own loan has set', async () => {
      const pool = open({ max: 2 });
      const asked = await tenantsOf(pool, (n) => pool.query(TENANT, [n]));
      const seen = [];
      for (const answer of asked) seen.push((await answer).rows[0].tenant);
      expect(seen.sort()).toEqual(names.sort());
    });

    test('INSERTs too', async () => {
      const pool = open({ max: 2 });
      const table = unique('tenants');
      const tenant = "default current_setting('app.tenant', true)";
      await pool.query(`create table ${table} (n int, tenant text ${tenant})`);
      await tenantsOf(pool, (n) => pool.query(`insert into ${table} (n) values ($1)`, [n]));
      pool.removeAllListeners('acquire');
      const { rows } = await pool.query(`select tenant from ${table} where tenant <> ''`);
      expect(rows.map((row) => row.tenant).sort()).toEqual(names.sort());
      await pool.query(`drop table ${table}`);
    });

    test('a new client is acquired and verified in the async context of who asked', async () => {
      const storage = new AsyncLocalStorage();
      const seen = [];
      const note = (what) => seen.push([what, storage.getStore()]);
      const verify = (_client, callback) => {
        note('verify');
        callback();
      };
      const pool = open({ verify });
      pool.on('acquire', () => note('acquire'));
      await storage.run('query', () => pool.query('select 1'));
      await pool.end();
      expect(seen).toEqual([
        ['acquire', 'query'],
        ['verify', 'query'],
      ]);
    });
  });

  describe('options of a pool that is used', () => {
    test('connectionTimeoutMillis', async () => {
      const pool = open({ max: 1 });
      const client = await pool.connect();
      pool.options.connectionTimeoutMillis = 30;
      const error = await rejection(pool.connect());
      expect(error.message).toBe('timeout exceeded when trying to connect');
      client.release();
    });

    test('maxUses', async () => {
      const pool = open({ max: 1 });
      const identify = async () => (await pool.query('select pg_backend_pid() pid')).rows[0].pid;
      await identify();
      pool.options.maxUses = 3;
      const pids = [];
      for (let i = 0; i < 5; i++) pids.push(await identify());
      const [a, b, c, d, e] = pids;
      expect([a === b, b === c, c === d, d === e]).toEqual([true, false, true, true]);
    });
  });
});
