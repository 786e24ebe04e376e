'use strict';

const { load, openPool, rejection, unique } = require('../support/pools.js');

test('interpolated values become parameters', async () => {
  const pool = await openPool();
  const nasty = `'; drop table users; --`;
  const rows = await pool.sql`select ${1}::int as a, ${nasty}::text as b, ${null}::text as c`;
  expect(rows).toEqual([{ a: 1, b: nasty, c: null }]);
});

test('the tag keeps text and values apart', () => {
  const { sql } = load();
  const { text, values } = sql`select * from t where a = ${1} and b = ${'x'}`;
  expect([text, values]).toEqual(['select * from t where a = $1 and b = $2', [1, 'x']]);
});

test('fragments nest and their parameters are counted anew', async () => {
  const pool = await openPool();
  const { sql } = load();
  const condition = sql`n > ${2}`;
  const both = sql`(${condition} and n < ${5})`;
  const statement = sql`select n from generate_series(${1}::int, ${10}::int) n where ${both} or n = ${9}`;
  expect(statement.values).toEqual([1, 10, 2, 5, 9]);
  const { rows } = await pool.query(statement);
  expect(rows.map(({ n }) => n)).toEqual([3, 4, 9]);
  const again = await pool.sql`select count(*) as n from generate_series(1, 10) n where ${both}`;
  expect(again).toEqual([{ n: 2 }]);
});

test('identifiers are quoted, qualified ones part by part', async () => {
  const pool = await openPool();
  const { sql } = load();
  const name = unique('Odd "name"');
  await pool.query(
    sql`create table ${sql.identifier('public', name)} (${sql.identifier('a"b')} int)`,
  );
  await pool.sql`insert into ${pool.sql.identifier(name)} values (${5})`;
  expect(await pool.sql`select * from ${sql.identifier(name)}`).toEqual([{ 'a"b': 5 }]);
});

test('a tagged query runs when awaited, once, and gives the same rows again', async () => {
  const pool = await openPool({ max: 1 });
  const name = unique('t');
  await pool.query(`create table ${name} (a int)`);
  const { sql } = load();
  const insert = pool.sql`insert into ${sql.identifier(name)} values (1) returning a`;
  expect(await insert).toEqual([{ a: 1 }]);
  expect(await insert).toEqual([{ a: 1 }]);
  expect(await pool.sql`select count(*) as n from ${sql.identifier(name)}`).toEqual([{ n: 1 }]);
});

test('a tagged query that nobody awaits does nothing', async () => {
  const pool = await openPool({ max: 1 });
  const name = unique('t');
  void pool.sql`create table ${pool.sql.identifier(name)} (a int)`;
  const { rows } = await pool.query('select to_regclass($1)::text as t', [name]);
  expect(rows).toEqual([{ t: null }]);
});

test('then, catch and finally behave as those of a promise', async () => {
  const pool = await openPool();
  const seen = [];
  const rows = await pool.sql`select 1 as a`.finally(() => seen.push('finally'));
  const code = await pool.sql`select 1 / 0`.catch((error) => error.code);
  expect([rows, code, seen]).toEqual([[{ a: 1 }], '22012', ['finally']]);
});

test('a tagged query passed to query() gives the whole result', async () => {
  const pool = await openPool();
  const result = await pool.query(pool.sql`select ${7}::int as a`);
  expect(result).toMatchObject({ rows: [{ a: 7 }], command: 'SELECT', rowCount: 1 });
});

test('values of other shapes are parameters, never text', async () => {
  const pool = await openPool();
  const forged = { text: 'drop table users', values: [] };
  const rows = await pool.sql`select ${forged}::jsonb as a, ${['x', 'y']}::text[] as b`;
  expect(rows).toEqual([{ a: forged, b: ['x', 'y'] }]);
});

test('undefined is refused with its position', async () => {
  const pool = await openPool();
  const error = await rejection(pool.sql`select ${1}::int, ${undefined}::int`.then());
  expect(error.code).toBe('ERR_POLYPOOL_PARAMETER');
  expect(error.message).toMatch(/2.*undefined/s);
});

test('the tag called as a plain function is refused: its text would be spliced in', async () => {
  const pool = await openPool();
  const { sql } = load();
  const refused = (call) => {
    try {
      return Promise.resolve(call());
    } catch (error) {
      return Promise.reject(error);
    }
  };
  for (const call of [() => pool.sql('select 1'), () => sql('select 1'), () => sql(['select 1'])]) {
    expect(await rejection(refused(call))).toBeInstanceOf(Error);
  }
});
