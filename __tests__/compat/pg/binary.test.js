'use strict';
// Results in binary form, for one query, one client, or all of them.

const { connect } = require('./clients.js');
const { IMPLEMENTATIONS } = require('./implementations.js');

/** pg garbles bytes from 0x80 on: what becomes of those is in differences-binary.test.js. */
const VALUES = [
  ['7::int2', 7],
  ['2130706432::int4', 2130706432],
  ['0::int4', 0],
  ['72623859790382856::int8', '72623859790382856'],
  ['2::oid', 2],
  ['true', true],
  ['false', false],
  ['null::int4', null],
  ["'Grüße, 🐘'::text", 'Grüße, 🐘'],
  ["''::text", ''],
  ["'abc'::varchar", 'abc'],
  ['2::float8', 2],
  ['0::float8', 0],
  ['0::float4', 0],
  ['12::numeric', 12],
  ["'\\x007f61'::bytea", '\0\x7fa'],
  ["array['a','ü']::text[]", ['a', 'ü']],
  ["'{1,2}'::int4[]", [1, 2]],
  ["'{{1,2},{3,4}}'::int4[]", [[1, 2], [3, 4]]], // prettier-ignore
  ["'{}'::int4[]", []],
  ["'{1,2}'::int8[]", [1, 2]],
];

describe.each(IMPLEMENTATIONS)('%s', (_name, load) => {
  const open = (options) => connect(load(), options);

  test.each(VALUES)('%s', async (sql, expected) => {
    const client = await open();
    const query = { text: `select ${sql} as value where $1`, values: [true], binary: true };
    const { rows, fields } = await client.query(query);
    expect(fields[0].format).toBe('binary');
    expect(rows).toEqual([{ value: expected }]);
    expect((await client.query({ ...query, queryMode: 'extended' })).rows).toEqual(rows);
  });

  test('of a client: queries with values, not those without', async () => {
    const client = await open({ binary: true });
    const named = await client.query({ name: 'n', text: 'select 5 as n' });
    expect(named.fields[0].format).toBe('binary');
    expect(named.rows).toEqual([{ n: 5 }]);
    const simple = await client.query('select 5 as n');
    expect(simple.fields[0].format).toBe('text');
    const extended = await client.query('select $1::int as n', [6]);
    expect(extended.fields[0].format).toBe('binary');
    expect(extended.rows).toEqual([{ n: 6 }]);
  });

  test('defaults.binary is for the clients made from then on', async () => {
    const before = await open();
    const { defaults } = load();
    defaults.binary = true;
    let after;
    try {
      after = await open();
    } finally {
      defaults.binary = false;
    }
    const format = async (client) =>
      (await client.query('select $1::int as n', [6])).fields[0].format;
    expect(await format(before)).toBe('text');
    expect(await format(after)).toBe('binary');
  });

  test('parsers get a Buffer of the value', async () => {
    const client = await open({ binary: true });
    const given = [];
    client.setTypeParser(17, 'binary', (bytes) => given.push(bytes));
    client.setTypeParser(23, 'binary', (bytes) => bytes.readInt32BE(0) * 2);
    client.setTypeParser(23, 'text', () => 'as text');
    expect((await client.query('select 5 as n')).rows).toEqual([{ n: 'as text' }]);
    const objects = await client.query('select $1::int as n, null::int as x', [6]);
    expect(objects.rows).toEqual([{ n: 12, x: null }]);
    await client.query("select 'ab'::bytea as bytes where $1", [true]);
    expect(given).toHaveLength(1);
    expect(given[0]).toBeInstanceOf(Buffer);
    expect(String(given[0])).toBe('ab');
  });

  test('int8 with a parser of the client', async () => {
    const client = await open({ binary: true });
    client.setTypeParser(20, 'binary', (bytes) => Buffer.from(bytes).readBigInt64BE());
    const { rows } = await client.query('select $1::int8 as n', ['90']);
    expect(rows).toEqual([{ n: 90n }]);
  });

  test('a named statement in both forms', async () => {
    const client = await open();
    const query = { name: 'n', text: 'select $1::int as n', values: [5] };
    for (const binary of [false, true, false, true]) {
      const { rows, fields } = await client.query({ ...query, binary });
      expect(fields[0].format).toBe(binary ? 'binary' : 'text');
      expect(rows).toEqual([{ n: 5 }]);
    }
  });

  test('several rows and columns', async () => {
    const client = await open({ binary: true });
    const text = `select n, n::int8 as big, n::text as t, n % 2 = 0 as even, null as nothing
      from generate_series(1, $1::int) n`;
    const { rows } = await client.query(text, [126]);
    expect(rows).toHaveLength(126);
    expect(rows[125]).toEqual({ n: 126, big: '126', t: '126', even: true, nothing: null });
    expect(rows[0]).toEqual({ n: 1, big: '1', t: '1', even: false, nothing: null });
  });
});
