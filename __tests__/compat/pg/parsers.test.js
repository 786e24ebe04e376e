'use strict';
// Parsers of results: those of pg-types, replaced for all, for a client or for one query.

const { rejection } = require('../../support/pools.js');
const { connect, value, values } = require('./clients.js');
const { IMPLEMENTATIONS } = require('./implementations.js');

describe.each(IMPLEMENTATIONS)('%s', (_name, load) => {
  const open = (options) => connect(load(), options);
  const INT4 = 23;

  test('types is the package pg-types', () => {
    const { types } = load();
    expect(types).toBe(require('pg-types'));
    expect(types.builtins).toMatchObject({ INT4: 23, INT8: 20, TIMESTAMPTZ: 1184 });
    expect(types.arrayParser.create('{1,NULL}', Number).parse()).toEqual([1, null]);
    expect(types.getTypeParser(INT4)('5')).toBe(5);
    expect(types.getTypeParser(INT4, 'text')('5')).toBe(5);
    expect(types.getTypeParser(INT4, 'binary')(Buffer.from([0, 0, 0, 5]))).toBe(5);
  });

  test('for all clients, those that are connected too', async () => {
    const client = await open();
    const { types } = load();
    const before = types.getTypeParser(INT4);
    types.setTypeParser(INT4, (text) => `int ${text}`);
    try {
      expect(await value(client, 'select 5')).toBe('int 5');
      expect(await value(client, 'select $1::int', [6])).toBe('int 6');
      expect(await value(await open(), 'select 7')).toBe('int 7');
    } finally {
      types.setTypeParser(INT4, before);
    }
    expect(await value(client, 'select 5')).toBe(5);
  });

  test('for all clients, between two runs of a named statement', async () => {
    const client = await open();
    const { types } = load();
    const before = types.getTypeParser(INT4);
    const ask = async () =>
      (await client.query({ name: 'n', text: 'select $1::int as n', values: [5] })).rows[0].n;
    expect(await ask()).toBe(5);
    types.setTypeParser(INT4, (text) => `int ${text}`);
    try {
      expect(await ask()).toBe('int 5');
    } finally {
      types.setTypeParser(INT4, before);
    }
    expect(await ask()).toBe(5);
  });

  test('for all clients, whatever the columns of the same text were before', async () => {
    const client = await open();
    const { types } = load();
    const TIMESTAMPTZ = 1184;
    const before = types.getTypeParser(TIMESTAMPTZ);
    const text = '2024-01-02 03:04:05.123456+00';
    await client.query("set timezone to 'utc'");
    await client.query('create temp table told (at text)');
    await client.query(`insert into told values ('${text}')`);
    const ask = () => value(client, 'select at from told');
    expect([await ask(), await ask()]).toEqual([text, text]);
    types.setTypeParser(TIMESTAMPTZ, (at) => `at ${at}`);
    try {
      await client.query('alter table told alter at type timestamptz using at::timestamptz');
      expect(await ask()).toBe(`at ${text}`);
    } finally {
      types.setTypeParser(TIMESTAMPTZ, before);
    }
    expect(await ask()).toEqual(new Date('2024-01-02T03:04:05.123Z'));
  });

  test.each([
    ['json', 114],
    ['jsonb', 3802],
  ])('of %s, between two runs of a text', async (type, oid) => {
    const client = await open();
    const { types } = load();
    const before = types.getTypeParser(oid);
    const given = ['{"n": 1}', null, '[2, "3"]', '4'];
    const text = `select d::${type} as d, d::${type} as e from unnest($1::text[]) d`;
    const ask = async () => (await client.query(text, [given])).rows;
    const documents = given.map((one) => JSON.parse(one)).map((d) => ({ d, e: d }));
    expect(await ask()).toEqual(documents);
    types.setTypeParser(oid, (document) => `${type} ${document}`);
    try {
      const replaced = given.map((one) => one && `${type} ${one}`).map((d) => ({ d, e: d }));
      expect(await ask()).toEqual(replaced);
    } finally {
      types.setTypeParser(oid, before);
    }
    expect(await ask()).toEqual(documents);
  });

  test('a parser that is called with the text, once per value that is not null', async () => {
    const client = await open();
    const given = [];
    client.setTypeParser(25, (...all) => given.push(all));
    const { rows } = await client.query("select unnest(array['a', null, '', 'ü']) as t");
    expect(given).toEqual([['a'], [''], ['ü']]);
    expect(rows).toEqual([{ t: 1 }, { t: null }, { t: 2 }, { t: 3 }]);
  });

  test('of one client', async () => {
    const [client, other] = [await open(), await open()];
    client.setTypeParser(INT4, (text) => `int ${text}`);
    client.setTypeParser(20, 'text', BigInt);
    expect(await values(client, 'select 5, 6::int8')).toEqual(['int 5', 6n]);
    expect(await values(client, 'select $1::int, $2::int8', [5, 6])).toEqual(['int 5', 6n]);
    expect(await values(other, 'select 5, 6::int8')).toEqual([5, '6']);
    expect(client.getTypeParser(20)('7')).toBe(7n);
    expect(client.getTypeParser(20, 'text')('7')).toBe(7n);
    expect(client.getTypeParser(20, 'binary')(Buffer.from([0, 0, 0, 0, 0, 0, 0, 7]))).toBe('7');
    expect(other.getTypeParser(20)('7')).toBe('7');
  });

  test('of one client while its queries wait', async () => {
    const client = await open();
    const asked = client.query({ text: 'select 5', rowMode: 'array' });
    client.setTypeParser(INT4, (text) => `int ${text}`);
    expect((await asked).rows).toEqual([['int 5']]);
  });

  test('of a client, given in its options', async () => {
    const seen = [];
    const types = {
      getTypeParser(oid, format) {
        seen.push([oid, format]);
        return (text) => `${oid}: ${text}`;
      },
    };
    const client = await open({ types });
    expect(await values(client, "select 5, 'x'::text, null")).toEqual(['23: 5', '25: x', null]);
    expect(seen).toEqual([[23, 'text'], [25, 'text'], [25, 'text']]); // prettier-ignore
    client.setTypeParser(INT4, Number);
    expect(await values(client, 'select 5, true')).toEqual([5, '16: t']);
  });

  test('of one query', async () => {
    const client = await open();
    client.setTypeParser(INT4, () => 'of the client');
    const types = { getTypeParser: (oid) => (oid === INT4 ? (text) => `<${text}>` : String) };
    for (const config of [
      { text: 'select 5 as n, true as b', types },
      { text: 'select 5 as n, true as b where $1', values: [true], types },
      { name: 'typed', text: 'select 5 as n, true as b where $1', values: [true], types },
    ]) {
      expect((await client.query(config)).rows).toEqual([{ n: '<5>', b: 't' }]);
    }
    expect(await value(client, 'select 5')).toBe('of the client');
  });

  test('TypeOverrides as types of a query', async () => {
    const client = await open();
    const { TypeOverrides } = load();
    const types = new TypeOverrides();
    types.setTypeParser(INT4, (text) => text + '!');
    expect(types.getTypeParser(INT4)('5')).toBe('5!');
    expect(types.getTypeParser(INT4, 'binary')(Buffer.from([0, 0, 0, 5]))).toBe(5);
    const { rows } = await client.query({ text: 'select 5 as n, true as b', types });
    expect(rows).toEqual([{ n: '5!', b: true }]);
    const over = new TypeOverrides(types);
    expect(over.getTypeParser(INT4)('5')).toBe('5!');
    over.setTypeParser(INT4, 'text', Number);
    expect(over.getTypeParser(INT4)('5')).toBe(5);
    expect(types.getTypeParser(INT4)('5')).toBe('5!');
  });

  test('defaults.parseInt8', async () => {
    const client = await open();
    const { defaults } = load();
    const text = "select 5::int8, '{1,null}'::int8[], 9007199254740993::int8";
    expect(await values(client, text)).toEqual(['5', ['1', null], '9007199254740993']);
    defaults.parseInt8 = true;
    try {
      expect(await values(client, text)).toEqual([5, [1, null], 9007199254740992]);
    } finally {
      defaults.parseInt8 = false;
    }
    expect(await values(client, text)).toEqual(['5', ['1', null], '9007199254740993']);
    expect(defaults.parseInt8).toBeUndefined();
  });

  test('a parser that throws rejects, and the client goes on', async () => {
    const client = await open();
    const wrong = new Error('cannot read this');
    client.setTypeParser(INT4, () => {
      throw wrong;
    });
    for (const [text, given] of [['select 5'], ['select 5 where $1', [true]]]) {
      expect(await rejection(client.query(text, given))).toBe(wrong);
    }
    const many = 'select n, true as b from generate_series(1, 1000) n';
    expect(await rejection(client.query(many))).toBe(wrong);
    expect(await rejection(client.query({ name: 'n', text: 'select 5' }))).toBe(wrong);
    expect(await rejection(client.query({ name: 'n', text: 'select 5' }))).toBe(wrong);
    expect(await value(client, 'select true')).toBe(true);
  });

  test('a parser that throws for a few rows only', async () => {
    const client = await open();
    let calls = 0;
    client.setTypeParser(INT4, (text) => {
      calls++;
      if (text === '2') throw new Error('two');
      return text;
    });
    const error = await rejection(client.query('select generate_series(1, 5)'));
    expect(error.message).toBe('two');
    expect(calls).toBe(2);
    expect(await value(client, 'select 3')).toBe('3');
  });

  test('JSON that is none to JavaScript', async () => {
    const client = await open();
    client.setTypeParser(25, JSON.parse);
    expect(await rejection(client.query("select '{'::text"))).toBeInstanceOf(SyntaxError);
    expect(await value(client, 'select \'{"a":1}\'::text')).toEqual({ a: 1 });
  });

  test('parsers may return anything', async () => {
    const client = await open();
    for (const result of [
      undefined,
      null,
      Symbol.for('x'),
      5n,
      NaN,
      () => {},
      [],
      Buffer.alloc(1),
    ]) {
      client.setTypeParser(INT4, () => result);
      expect(Object.is(await value(client, 'select 5'), result)).toBe(true);
    }
  });

  test('types that nobody knows are text', async () => {
    const client = await open();
    await client.query("create type pg_temp.light as enum ('red', 'green')");
    const { rows, fields } = await client.query("select 'red'::pg_temp.light as light");
    expect(rows).toEqual([{ light: 'red' }]);
    client.setTypeParser(fields[0].dataTypeID, (text) => text.toUpperCase());
    expect(await value(client, "select 'red'::pg_temp.light")).toBe('RED');
  });
});
