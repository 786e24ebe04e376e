'use strict';
// Named statements, several statements in one text, and portals that are read in parts.

const { rejection, unique } = require('../../support/pools.js');
const { connect, value } = require('./clients.js');
const { IMPLEMENTATIONS } = require('./implementations.js');

describe.each(IMPLEMENTATIONS)('%s', (_name, load) => {
  const open = (options) => connect(load(), options);

  const prepared = async (client) => {
    const { rows } = await client.query('select name, statement from pg_prepared_statements');
    return Object.fromEntries(rows.map(({ name, statement }) => [name, statement]));
  };

  describe('named statements', () => {
    const text = 'select $1::int as n';

    test('are prepared once, under their name', async () => {
      const client = await open();
      for (const n of [1, 2, 3]) {
        expect((await client.query({ name: 'one', text, values: [n] })).rows).toEqual([{ n }]);
      }
      expect(await prepared(client)).toEqual({ one: text });
      const { rows } = await client.query(
        'select generic_plans + custom_plans as runs from pg_prepared_statements',
      );
      expect(rows).toEqual([{ runs: '3' }]);
    });

    test('need no text once they are known', async () => {
      const client = await open();
      await client.query({ name: 'one', text, values: [1] });
      expect((await client.query({ name: 'one', values: [2] })).rows).toEqual([{ n: 2 }]);
      expect((await client.query({ name: 'one', text: '', values: [3] })).rows).toEqual([{ n: 3 }]);
      expect((await client.query({ name: 'one', text: null, values: [4] })).rows).toEqual([
        { n: 4 },
      ]);
    });

    test('without values', async () => {
      const client = await open();
      const config = { name: 'constant', text: 'select 5 as n' };
      expect((await client.query(config)).rows).toEqual([{ n: 5 }]);
      expect((await client.query({ ...config, rowMode: 'array' })).rows).toEqual([[5]]);
      expect(await prepared(client)).toEqual({ constant: 'select 5 as n' });
    });

    test('keep their text', async () => {
      const client = await open();
      await client.query({ name: 'one', text, values: [1] });
      const error = await rejection(client.query({ name: 'one', text: 'select 2' }));
      expect(error.constructor).toBe(Error);
      expect(error.message).toBe(
        "Prepared statements must be unique - 'one' was used for a different statement",
      );
      expect(await value(client, 'select 1')).toBe(1);
      expect((await client.query({ name: 'one', text, values: [2] })).rows).toEqual([{ n: 2 }]);
    });

    test('asked for together', async () => {
      const client = await open();
      const all = await Promise.allSettled([
        client.query({ name: 'one', text, values: [1] }),
        client.query({ name: 'one', text, values: [2] }),
        client.query({ name: 'one', text: 'select 3' }),
        client.query({ name: 'one', values: [4] }),
      ]);
      expect(all.map(({ value, reason }) => value?.rows ?? reason.message)).toEqual([
        [{ n: 1 }],
        [{ n: 2 }],
        "Prepared statements must be unique - 'one' was used for a different statement",
        [{ n: 4 }],
      ]);
    });

    test('a name that failed to parse is free again', async () => {
      const client = await open();
      const wrong = await rejection(client.query({ name: 'one', text: 'select broken' }));
      expect(wrong.code).toBe('42703');
      expect((await client.query({ name: 'one', text, values: [1] })).rows).toEqual([{ n: 1 }]);
      expect(await prepared(client)).toEqual({ one: text });
    });

    test('an error of a run keeps the statement', async () => {
      const client = await open();
      const config = { name: 'divide', text: 'select 10 / $1::int as n' };
      expect((await client.query({ ...config, values: [2] })).rows).toEqual([{ n: 5 }]);
      expect((await rejection(client.query({ ...config, values: [0] }))).code).toBe('22012');
      expect((await client.query({ ...config, values: [5] })).rows).toEqual([{ n: 2 }]);
      expect((await rejection(client.query({ ...config, values: ['x'] }))).code).toBe('22P02');
      expect((await client.query({ name: 'divide', values: [10] })).rows).toEqual([{ n: 1 }]);
    });

    test('an error of the first run keeps it too', async () => {
      const client = await open();
      const config = { name: 'divide', text: 'select 10 / $1::int as n' };
      expect((await rejection(client.query({ ...config, values: [0] }))).code).toBe('22012');
      expect((await client.query({ ...config, values: [5] })).rows).toEqual([{ n: 2 }]);
    });

    test('a name without a text that is not known', async () => {
      const client = await open();
      const ask = { name: 'unknown', values: [] };
      const error = await rejection(client.query({ ...ask, text: 'select 1, broken' }));
      expect(error.code).toBe('42703');
      expect(await value(client, 'select 1')).toBe(1);
    });

    test('whose result type changes', async () => {
      const client = await open();
      const table = unique('changing');
      await client.query(`create temp table ${table} (a int)`);
      const config = { name: 'star', text: `select * from ${table}` };
      await client.query(config);
      await client.query(`alter table ${table} add b text`);
      const error = await rejection(client.query(config));
      expect(error).toMatchObject({
        code: '0A000',
        message: 'cached plan must not change result type',
      });
    });

    test('names of 63 bytes, quotes and all', async () => {
      const client = await open();
      for (const name of ['n'.repeat(63), 'a "name"', "it's", 'ü']) {
        expect((await client.query({ name, text, values: [1] })).rows).toEqual([{ n: 1 }]);
        expect((await client.query({ name, text, values: [2] })).rows).toEqual([{ n: 2 }]);
        expect(Object.keys(await prepared(client))).toContain(name);
      }
    });

    test('in a transaction that is rolled back', async () => {
      const client = await open();
      await client.query('begin');
      await client.query({ name: 'one', text, values: [1] });
      await client.query('rollback');
      expect((await client.query({ name: 'one', text, values: [2] })).rows).toEqual([{ n: 2 }]);
    });
  });

  describe('several statements in one text', () => {
    test('give an array of Results', async () => {
      const client = await open();
      const table = unique('several');
      const results = await client.query(`create temp table ${table} (n int);
        insert into ${table} values (1), (2); select * from ${table}; select 'x' as t;`);
      expect(results).toBeInstanceOf(Array);
      for (const result of results) expect(result).toBeInstanceOf(load().Result);
      const said = results.map(({ command, rowCount, rows, fields }) => [
        command,
        rowCount,
        rows,
        fields.map(({ name }) => name),
      ]);
      expect(said).toEqual([
        ['CREATE', null, [], []],
        ['INSERT', 2, [], []],
        ['SELECT', 2, [{ n: 1 }, { n: 2 }], ['n']],
        ['SELECT', 1, [{ t: 'x' }], ['t']],
      ]);
    });

    test('row mode and types hold for all of them', async () => {
      const client = await open();
      const types = { getTypeParser: () => (text) => `<${text}>` };
      const text = 'select 1 as a; select 2 as b, 3 as c';
      const results = await client.query({ text, rowMode: 'array', types });
      expect(results.map(({ rows }) => rows)).toEqual([[['<1>']], [['<2>', '<3>']]]);
    });

    test('one statement and nothing else is no array', async () => {
      const client = await open();
      expect((await client.query(';select 1 as n;;')).rows).toEqual([{ n: 1 }]);
    });

    test('with an empty one first', async () => {
      const client = await open();
      const results = await client.query('select 1 as n; ; select 2 as n');
      expect(results.map(({ rows }) => rows)).toEqual([[{ n: 1 }], [{ n: 2 }]]);
    });

    test('transactions among them', async () => {
      const client = await open();
      const results = await client.query('begin; select 1; commit');
      expect(results.map(({ command }) => command)).toEqual(['BEGIN', 'SELECT', 'COMMIT']);
      expect(client.getTransactionStatus()).toBe('I');
    });
  });

  describe('rows', () => {
    test.each([[1], [2], [3], [5], [10], [100]])('%d at a time', async (rows) => {
      const client = await open();
      const text = 'select n from generate_series(1, 10) n';
      const result = await client.query({ text, rows });
      expect(result.rows.map(({ n }) => n)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
      expect(result.command).toBe('SELECT');
      expect(await value(client, 'select 1')).toBe(1);
    });

    test('with values, a name, a portal and array mode', async () => {
      const client = await open();
      const text = 'select n from generate_series(1, $1::int) n';
      const config = { name: 'paged', portal: 'p', text, rows: 2, rowMode: 'array', values: [5] };
      for (let i = 0; i < 2; i++) {
        expect((await client.query(config)).rows.flat()).toEqual([1, 2, 3, 4, 5]);
      }
    });

    test('of a statement without any, and of an empty one', async () => {
      const client = await open();
      expect((await client.query({ text: 'set work_mem = 100', rows: 2 })).command).toBe('SET');
      expect((await client.query({ text: '-- nothing', rows: 2 })).command).toBeNull();
      expect(await value(client, 'select 1')).toBe(1);
    });
  });

  describe('COPY without a stream', () => {
    test('FROM fails', async () => {
      const client = await open();
      await client.query('create temp table copied (n int)');
      const error = await rejection(client.query('copy copied from stdin'));
      expect(error).toMatchObject({
        code: '57014',
        message: 'COPY from stdin failed: No source stream defined',
      });
      expect(await value(client, 'select count(*) from copied')).toBe('0');
    });

    test('TO tells how many', async () => {
      const client = await open();
      const result = await client.query('copy (select generate_series(1, 3)) to stdout');
      expect(result).toMatchObject({ command: 'COPY', rowCount: 3, rows: [], fields: [] });
      expect(await value(client, 'select 1')).toBe(1);
    });

    test('by the extended protocol', async () => {
      const client = await open();
      await client.query('create temp table copied (n int)');
      const to = { text: 'copy (select 1) to stdout', queryMode: 'extended' };
      expect((await client.query(to)).rowCount).toBe(1);
      expect(await value(client, 'select 1')).toBe(1);
    });

    test('between other statements', async () => {
      const client = await open();
      const results = await client.query('select 1 as n; copy (select 2) to stdout; select 3 as n');
      expect(results.map(({ command, rows }) => [command, rows])).toEqual([
        ['SELECT', [{ n: 1 }]],
        ['COPY', []],
        ['SELECT', [{ n: 3 }]],
      ]);
    });
  });
});
