'use strict';
// Result: command, rowCount, oid, fields and rows of every kind of statement.

const { unique } = require('../../support/pools.js');
const { connect } = require('./clients.js');
const { IMPLEMENTATIONS } = require('./implementations.js');

const INT4 = { dataTypeID: 23, dataTypeSize: 4, dataTypeModifier: -1, format: 'text' };
const TEXT = { dataTypeID: 25, dataTypeSize: -1, dataTypeModifier: -1, format: 'text' };
const NOWHERE = { tableID: 0, columnID: 0 };

describe.each(IMPLEMENTATIONS)('%s', (_name, load) => {
  const open = (options) => connect(load(), options);

  /** What each of these says of itself, on one connection. */
  async function commands(texts) {
    const client = await open();
    const said = [];
    for (const text of texts) {
      const { command, rowCount, rows, oid } = await client.query(text);
      said.push([command, rowCount, rows.length, oid]);
    }
    return said;
  }

  test('commands and their counts', async () => {
    const said = await commands([
      'create temp table items (n int, t text)',
      "insert into items values (1, 'a'), (2, 'b'), (3, 'c')",
      'insert into items values (4) returning n',
      "update items set t = 'z' where n > 2",
      'update items set n = n returning *',
      'delete from items where n = 1',
      'delete from items where false',
      'select * from items',
      'select * from items where false',
      'values (1), (2)',
      'table items',
      'create temp table copies as select * from items',
      'select * into temp table more from items',
      'merge into items using (values (2)) v(n) on items.n = v.n when matched then delete',
    ]);
    expect(said).toEqual([
      ['CREATE', null, 0, null],
      ['INSERT', 3, 0, 0],
      ['INSERT', 1, 1, 0],
      ['UPDATE', 2, 0, null],
      ['UPDATE', 4, 4, null],
      ['DELETE', 1, 0, null],
      ['DELETE', 0, 0, null],
      ['SELECT', 3, 3, null],
      ['SELECT', 0, 0, null],
      ['SELECT', 2, 2, null],
      ['SELECT', 3, 3, null],
      ['SELECT', 3, 0, null],
      ['SELECT', 3, 0, null],
      ['MERGE', 1, 0, null],
    ]);
  });

  test('commands without a count', async () => {
    const said = await commands([
      'begin',
      'savepoint a',
      'rollback to a',
      'release a',
      'declare c cursor for select generate_series(1, 5)',
      'fetch 3 from c',
      'move 1 in c',
      'close c',
      'commit',
      'start transaction read only',
      'rollback',
      "set application_name = 'x'",
      'show application_name',
      'reset application_name',
      'listen somewhere',
      'notify somewhere',
      'unlisten *',
      'prepare p as select 1',
      'execute p',
      'deallocate p',
      'explain select 1',
      'do $$ begin end $$',
      'discard all',
    ]);
    expect(said).toEqual([
      ['BEGIN', null, 0, null],
      ['SAVEPOINT', null, 0, null],
      ['ROLLBACK', null, 0, null],
      ['RELEASE', null, 0, null],
      ['DECLARE', null, 0, null],
      ['FETCH', 3, 3, null],
      ['MOVE', 1, 0, null],
      ['CLOSE', null, 0, null],
      ['COMMIT', null, 0, null],
      ['START', null, 0, null],
      ['ROLLBACK', null, 0, null],
      ['SET', null, 0, null],
      ['SHOW', null, 1, null],
      ['RESET', null, 0, null],
      ['LISTEN', null, 0, null],
      ['NOTIFY', null, 0, null],
      ['UNLISTEN', null, 0, null],
      ['PREPARE', null, 0, null],
      ['SELECT', 1, 1, null],
      ['DEALLOCATE', null, 0, null],
      ['EXPLAIN', null, 1, null],
      ['DO', null, 0, null],
      ['DISCARD', null, 0, null],
    ]);
  });

  test('the same by the extended protocol', async () => {
    const client = await open();
    const ask = async (text, values) => {
      const query = { text, values, queryMode: 'extended' };
      const { command, rowCount, oid, fields, rows } = await client.query(query);
      return [command, rowCount, oid, fields.length, rows.length];
    };
    expect(await ask('create temp table items (n int)')).toEqual(['CREATE', null, null, 0, 0]);
    expect(await ask('insert into items values ($1), ($2)', [1, 2])).toEqual([
      'INSERT',
      2,
      0,
      0,
      0,
    ]);
    expect(await ask('select * from items')).toEqual(['SELECT', 2, null, 1, 2]);
    expect(await ask('select * from items where n > $1', [5])).toEqual(['SELECT', 0, null, 1, 0]);
    expect(await ask('begin')).toEqual(['BEGIN', null, null, 0, 0]);
    expect(await ask('rollback')).toEqual(['ROLLBACK', null, null, 0, 0]);
    expect(await ask('set work_mem = 100')).toEqual(['SET', null, null, 0, 0]);
    expect(await ask('')).toEqual([null, null, null, 0, 0]);
  });

  test('fields of expressions', async () => {
    const client = await open();
    const { fields } = await client.query("select 1 as n, 'x'::text as t");
    expect(fields.map((field) => ({ ...field }))).toEqual([
      { name: 'n', ...NOWHERE, ...INT4 },
      { name: 't', ...NOWHERE, ...TEXT },
    ]);
    expect(fields.map((field) => field.constructor.name)).toEqual(['Field', 'Field']);
  });

  test('fields of a table, with modifiers', async () => {
    const client = await open();
    const table = unique('fields');
    await client.query(`create temp table ${table} (a int, b varchar(10), c numeric(6, 2))`);
    const { rows } = await client.query(`select '${table}'::regclass::oid::int as oid`);
    const tableID = rows[0].oid;
    const expected = [
      { name: 'c', tableID, columnID: 3, dataTypeID: 1700, dataTypeSize: -1 },
      { name: 'b', tableID, columnID: 2, dataTypeID: 1043, dataTypeSize: -1 },
      { name: 'a', tableID, columnID: 1, dataTypeID: 23, dataTypeSize: 4 },
    ];
    const modifiers = [((6 << 16) | 2) + 4, 14, -1];
    for (const values of [[], [true]]) {
      const text = `select c, b, a from ${table} where ${values.length ? '$1' : 'true'}`;
      const { fields } = await client.query(text, values);
      expect(fields.map((field) => ({ ...field }))).toEqual(
        expected.map((field, i) => ({
          ...field,
          dataTypeModifier: modifiers[i],
          format: 'text',
        })),
      );
    }
  });

  test('an oid beyond 2^31 stays positive', async () => {
    const client = await open();
    expect((await client.query("select '4294967295'::oid as n")).rows).toEqual([{ n: 4294967295 }]);
  });

  test('fields in binary form', async () => {
    const client = await open();
    const { fields } = await client.query({
      text: 'select $1::int as n',
      values: [1],
      binary: true,
    });
    expect(fields).toMatchObject([{ name: 'n', dataTypeID: 23, format: 'binary' }]);
    const text = await client.query({ text: 'select 1 as n', binary: true });
    expect(text.fields).toMatchObject([{ name: 'n', format: 'text' }]);
  });

  test('no fields, no rows; no fields, one row', async () => {
    const client = await open();
    const none = await client.query('set work_mem = 100');
    expect(none.fields).toEqual([]);
    const one = await client.query('select');
    expect(one.fields).toEqual([]);
    expect(one).toMatchObject({ rows: [{}], rowCount: 1, command: 'SELECT' });
    const extended = await client.query({
      text: 'select from generate_series(1, $1)',
      values: [3],
    });
    expect(extended).toMatchObject({ fields: [], rows: [{}, {}, {}], rowCount: 3 });
    const arrays = await client.query({ text: 'select', rowMode: 'array' });
    expect(arrays.rows).toEqual([[]]);
  });

  test('of columns with one name the last wins; as an array there are all', async () => {
    const client = await open();
    const text = 'select 1 as a, 2 as b, 3 as a';
    const result = await client.query(text);
    expect(result.rows).toEqual([{ a: 3, b: 2 }]);
    expect(Object.keys(result.rows[0])).toEqual(['a', 'b']);
    expect(result.fields.map(({ name }) => name)).toEqual(['a', 'b', 'a']);
    expect((await client.query({ text, rowMode: 'array' })).rows).toEqual([[1, 2, 3]]);
    expect((await client.query('select 1 as a, null as a')).rows).toEqual([{ a: null }]);
  });

  test('columns without a name, and names that JavaScript has uses for', async () => {
    const client = await open();
    const { rows } = await client.query('select 1, 2, true::bool');
    expect(rows).toEqual([{ '?column?': 2, bool: true }]);
    const names = ['constructor', 'toString', 'hasOwnProperty', '0', '10', '2', 'ü', 'a b', 'a"b'];
    const list = names.map((name, i) => `${i} as "${name.replaceAll('"', '""')}"`).join();
    const row = (await client.query(`select ${list}`)).rows[0];
    expect(row).toEqual(Object.fromEntries(names.map((name, i) => [name, i])));
  });

  test('__proto__ is a column like any other', async () => {
    const client = await open();
    for (const values of [[], [1]]) {
      const where = values.length ? ' where $1 = 1' : '';
      const { rows } = await client.query(`select 'x' as "__proto__", 2 as b${where}`, values);
      expect(Object.getOwnPropertyDescriptor(rows[0], '__proto__')).toMatchObject({ value: 'x' });
      expect(Object.keys(rows[0])).toEqual(['__proto__', 'b']);
      expect(Object.getPrototypeOf(rows[0])).toBe(Object.prototype);
    }
  });

  test('rows are plain objects with their columns in order', async () => {
    const client = await open();
    const { rows } = await client.query('select 1 as z, null as y, 2 as a');
    expect(Object.entries(rows[0])).toEqual([['z', 1], ['y', null], ['a', 2]]); // prettier-ignore
    expect(Object.getPrototypeOf(rows[0])).toBe(Object.prototype);
    rows[0].added = true;
    delete rows[0].y;
    expect(rows[0]).toEqual({ z: 1, a: 2, added: true });
  });

  test('rowMode array, and what is not one', async () => {
    const client = await open();
    const text = 'select $1::int, null, $2::text';
    const arrays = await client.query({ text, values: [1, 'x'], rowMode: 'array' });
    expect(arrays.rows).toEqual([[1, null, 'x']]);
    const objects = await client.query({ text: 'select 1 as n', rowMode: 'object' });
    expect(objects.rows).toEqual([{ n: 1 }]);
  });

  test('1600 columns and 100000 rows', async () => {
    const client = await open();
    const names = Array.from({ length: 1600 }, (_, i) => `c${i}`);
    const wide = await client.query(`select ${names.map((name, i) => `${i} as ${name}`).join()}`);
    expect(Object.keys(wide.rows[0])).toEqual(names);
    expect(Object.values(wide.rows[0])).toEqual(names.map((_, i) => i));
    const long = await client.query('select n, n::text as t from generate_series(1, 100000) n');
    expect(long.rows).toHaveLength(100000);
    expect(long.rowCount).toBe(100000);
    expect(long.rows[99999]).toEqual({ n: 100000, t: '100000' });
  });
});
