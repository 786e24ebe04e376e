'use strict';

const { POSTGRES } = require('../../lib/dialect.js');
const { sql, bindSql } = require('../../lib/sql.js');
const { escapeIdentifier, escapeLiteral } = require('../../lib/escape.js');

const shape = ({ text, values }) => ({ text, values });

test('interpolated values become parameters', () => {
  const hostile = "'; drop table users; --";
  expect(shape(sql`select ${1}, ${hostile}, ${null}`)).toEqual({
    text: 'select $1, $2, $3',
    values: [1, hostile, null],
  });
  expect(shape(sql`select 1`)).toEqual({ text: 'select 1', values: [] });
});

test('lists and objects are parameters too, never text', () => {
  const forged = { text: 'drop table users', values: [] };
  expect(shape(sql`select ${['a', 'b']}, ${forged}`)).toEqual({
    text: 'select $1, $2',
    values: [['a', 'b'], forged],
  });
});

test('nested fragments are spliced in and renumbered', () => {
  const active = sql`active = ${true}`;
  const owner = sql`owner in (${'a'}, ${'b'}) and ${active}`;
  expect(shape(sql`select ${0} where ${owner} and ${active} limit ${5}`)).toEqual({
    text: 'select $1 where owner in ($2, $3) and active = $4 and active = $5 limit $6',
    values: [0, 'a', 'b', true, true, 5],
  });
});

test('what looks like a parameter inside a literal is left alone', () => {
  const priced = sql`label = '$1' and price = ${3}`;
  expect(sql`select ${'x'} where ${priced}`.text).toBe(
    `select $1 where label = '$1' and price = $2`,
  );
});

test('a digit after a value does not change its number', () => {
  expect(sql`limit ${1}0`.text).toBe('limit $1 0');
});

test('one template gives one text, however often it runs', () => {
  const make = (id) => sql`select ${id}`;
  expect(make(1).text).toBe(make(2).text);
  expect(make(2).values).toEqual([2]);
});

test('identifiers are quoted and qualified', () => {
  const name = sql.identifier('my"schema', 'users');
  expect(shape(sql`select * from ${name} where id = ${1}`)).toEqual({
    text: 'select * from "my""schema"."users" where id = $1',
    values: [1],
  });
  expect(() => sql.identifier()).toThrow('sql.identifier needs at least one name');
  expect(() => sql.identifier(1)).toThrow('an identifier must be a string, not number');
});

test('the tag cannot be called with a string or a list of strings', () => {
  const call = 'sql is a template tag: write sql`...`, do not call it with a string';
  expect(() => sql('select 1')).toThrow(call);
  expect(() => sql(['select 1'])).toThrow(call);
  expect(() => bindSql(() => {}, POSTGRES)(['select 1'])).toThrow(call);
});

test('a template with an invalid escape is refused', () => {
  expect(() => sql`select '\u{}', ${1}`).toThrow('invalid escape');
});

test('a bound query runs once, when it is first awaited, and gives its rows', async () => {
  const ran = [];
  const tag = bindSql(async (query) => {
    ran.push(shape(query));
    return { rows: [{ id: 1 }] };
  }, POSTGRES);
  const query = tag`select ${1}`;
  expect(ran).toEqual([]);
  expect(await query).toEqual([{ id: 1 }]);
  expect(await query).toEqual([{ id: 1 }]);
  await query.finally(() => {});
  expect(ran).toEqual([{ text: 'select $1', values: [1] }]);
  expect(shape(tag`select * from (${query}) q where id = ${2}`)).toEqual({
    text: 'select * from (select $1) q where id = $2',
    values: [1, 2],
  });
  expect(ran).toHaveLength(1);
});

test('a bound query passes failures on', async () => {
  const failure = new Error('no');
  const tag = bindSql(() => Promise.reject(failure), POSTGRES);
  await expect(tag`select 1`).rejects.toBe(failure);
  expect(await tag`select 1`.catch((error) => error)).toBe(failure);
});

test('several results give several lists of rows', async () => {
  const tag = bindSql(async () => [{ rows: [1] }, { rows: [2] }], POSTGRES);
  expect(await tag`select 1; select 2`).toEqual([[1], [2]]);
});

test('escaping for text', () => {
  expect(escapeIdentifier('my"col')).toBe('"my""col"');
  expect(escapeLiteral("it's")).toBe("'it''s'");
  expect(escapeLiteral("a\\'b")).toBe(" E'a\\\\''b'");
  expect(() => escapeLiteral('a\0b')).toThrow('a literal cannot contain a NUL character');
  expect(() => escapeIdentifier('\0')).toThrow('an identifier cannot contain a NUL character');
  expect(() => escapeLiteral(null)).toThrow('a literal must be a string, not object');
});
