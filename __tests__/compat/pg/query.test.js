'use strict';
// client.query: every way to ask, and what it gives back.

const { rejection } = require('../../support/pools.js');
const { called, connect, make, value } = require('./clients.js');
const { IMPLEMENTATIONS } = require('./implementations.js');

describe.each(IMPLEMENTATIONS)('%s', (_name, load) => {
  const open = (options) => connect(load(), options);

  test('a text resolves to a Result', async () => {
    const client = await open();
    const result = await client.query('select 1 as one, $$two$$ as two');
    expect(result).toBeInstanceOf(load().Result);
    expect(result.rows).toEqual([{ one: 1, two: 'two' }]);
    expect(result).toMatchObject({ command: 'SELECT', rowCount: 1, oid: null });
  });

  test('a text and values', async () => {
    const client = await open();
    const { rows } = await client.query('select $1::int + 1 as sum, $2::text as text', [41, 'ü']);
    expect(rows).toEqual([{ sum: 42, text: 'ü' }]);
  });

  test.each([
    ['a text', (client, done) => client.query('select 7 as n', done)],
    ['a text and values', (client, done) => client.query('select $1::int as n', [7], done)],
    ['a text and no values', (client, done) => client.query('select 7 as n', [], done)],
    ['undefined values', (client, done) => client.query('select 7 as n', undefined, done)],
    ['null values', (client, done) => client.query('select 7 as n', null, done)],
    ['a config', (client, done) => client.query({ text: 'select 7 as n' }, done)],
    [
      'a config with values',
      (client, done) => client.query({ text: 'select $1::int as n', values: [7] }, done),
    ],
    [
      'a config and values',
      (client, done) => client.query({ text: 'select $1::int as n' }, [7], done),
    ],
    [
      'a callback in the config',
      (client, callback) => client.query({ text: 'select 7 as n', callback }),
    ],
  ])(
    'a callback with %s is called with (null, result), and nothing is returned',
    async (_, ask) => {
      const client = await open();
      let returned = 'something';
      const given = await called((done) => (returned = ask(client, done)));
      expect(returned).toBeUndefined();
      expect(given).toHaveLength(2);
      expect(given[0]).toBeNull();
      expect(given[1].rows).toEqual([{ n: 7 }]);
    },
  );

  test('a callback is called with the error alone', async () => {
    const client = await open();
    const given = await called((done) => client.query('select broken', done));
    expect(given).toHaveLength(1);
    expect(given[0].code).toBe('42703');
  });

  test('values of the call take precedence over those of the config', async () => {
    const client = await open();
    const config = { text: 'select $1::int as n', values: [1] };
    expect((await client.query(config, [2])).rows).toEqual([{ n: 2 }]);
    expect(config.values).toEqual([1]);
  });

  test('neither the config nor its values are changed', async () => {
    const client = await open();
    const date = new Date(0);
    const values = Object.freeze([1, 'x', null, undefined, date, Object.freeze({ a: 1 })]);
    const text = 'select $1::int, $2::text, $3::text, $4::text, $5::timestamptz, $6::jsonb';
    const config = Object.freeze({ text, values });
    await client.query(config);
    await client.query(config, (error) => expect(error).toBeNull());
    await client.query(text, values);
    expect(Object.keys(config)).toEqual(['text', 'values']);
    expect(values).toEqual([1, 'x', null, undefined, date, { a: 1 }]);
  });

  test('getters and inherited properties of a config count', async () => {
    const client = await open();
    class Statement {
      get text() {
        return 'select $1::int as n';
      }
    }
    const statement = Object.assign(new Statement(), { values: [3] });
    expect((await client.query(statement)).rows).toEqual([{ n: 3 }]);
    const derived = Object.create({ rowMode: 'array' }, { text: { value: 'select 4' } });
    expect((await client.query(derived)).rows).toEqual([[4]]);
  });

  test.each([[undefined], [null]])('query(%p) throws', async (nothing) => {
    const client = await open();
    const ask = () => client.query(nothing);
    expect(ask).toThrow(TypeError);
    expect(ask).toThrow('Client was passed a null or undefined query');
    expect(await value(client, 'select 1')).toBe(1);
  });

  test.each([[{}], ['text'], [5], [true]])('a callback %p throws', async (callback) => {
    const client = await open();
    const ask = () => client.query('select 1', [], callback);
    expect(ask).toThrow(TypeError);
    expect(ask).toThrow('callback is not a function');
    expect(await value(client, 'select 1')).toBe(1);
  });

  test.each([[{}], [{ text: undefined }], [{ text: null }], [{ text: 5 }], [{ values: [1] }], [5]])(
    'query(%j) rejects',
    async (config) => {
      const client = await open();
      const error = await rejection(client.query(config));
      expect(error.constructor).toBe(Error);
      expect(error.message).toBe(
        'A query must have either text or a name. Supplying neither is unsupported.',
      );
      expect(await value(client, 'select 1')).toBe(1);
    },
  );

  test.each([['text'], [5], [{ length: 1, 0: 'x' }], [new Set([1])]])(
    'values %p reject',
    async (values) => {
      const client = await open();
      const error = await rejection(client.query('select $1::text', values));
      expect(error.constructor).toBe(Error);
      expect(error.message).toBe('Query values must be an array');
      expect(await value(client, 'select 1')).toBe(1);
    },
  );

  test.each([[''], [' '], [';'], ['-- a comment'], ['/* another */;;']])(
    'an empty statement: %j',
    async (text) => {
      const client = await open();
      for (const query of [text, { text, queryMode: 'extended' }]) {
        const result = await client.query(query);
        expect(result).toMatchObject({ command: null, rowCount: null, rows: [], fields: [] });
      }
      expect(await value(client, 'select 1')).toBe(1);
    },
  );

  test('an empty statement with a name', async () => {
    const client = await open();
    const empty = { name: 'nothing', text: '' };
    expect((await client.query(empty)).command).toBeNull();
    expect((await client.query(empty)).command).toBeNull();
    expect(await value(client, 'select 1')).toBe(1);
  });

  test('queries are answered in the order in which they were asked', async () => {
    const client = await open();
    const order = [];
    await Promise.all(
      Array.from({ length: 200 }, async (_, n) => {
        const text =
          n % 3 === 0 ? `select ${n} as n` : { text: 'select $1::int as n', values: [n] };
        const { rows } = await client.query(text);
        expect(rows).toEqual([{ n }]);
        order.push(n);
      }),
    );
    expect(order).toEqual(Array.from({ length: 200 }, (_, n) => n));
  });

  test('a failed query leaves those behind it alone', async () => {
    const client = await open();
    const outcomes = await Promise.allSettled([
      client.query('select 1 as n'),
      client.query('select broken'),
      client.query('select $1::int as n', [2]),
      client.query('select $1::int as n', ['not a number']),
      client.query({ name: 'half', text: 'select half from' }),
      client.query({ name: 'half', text: 'select 3 as n' }),
    ]);
    expect(outcomes.map(({ value, reason }) => value?.rows ?? reason.code)).toEqual([
      [{ n: 1 }],
      '42703',
      [{ n: 2 }],
      '22P02',
      '42601',
      [{ n: 3 }],
    ]);
  });

  test('queries of a callback come after those that wait', async () => {
    const client = await open();
    const order = [];
    const last = called((done) => {
      client.query('select 1', () => {
        order.push(1);
        client.query('select 3', () => done(order.push(3)));
      });
      client.query('select 2', () => order.push(2));
    });
    await last;
    expect(order).toEqual([1, 2, 3]);
  });

  test('queries before connect are kept', async () => {
    const client = make(load());
    const early = client.query('select $1::text as early', ['yes']);
    const failing = rejection(client.query('select broken'));
    await client.connect();
    expect((await early).rows).toEqual([{ early: 'yes' }]);
    expect((await failing).code).toBe('42703');
  });

  test('queryMode extended takes no more than one statement', async () => {
    const client = await open();
    const extended = { text: 'select 1 as n', queryMode: 'extended' };
    expect((await client.query(extended)).rows).toEqual([{ n: 1 }]);
    const error = await rejection(client.query({ ...extended, text: 'select 1; select 2' }));
    expect(error).toMatchObject({
      code: '42601',
      message: 'cannot insert multiple commands into a prepared statement',
    });
    const withValues = await rejection(client.query('select $1::int; select 2', [1]));
    expect(withValues.code).toBe('42601');
  });

  test('too few and too many values', async () => {
    const client = await open();
    const few = await rejection(client.query('select $1::int, $2::int', [1]));
    expect(few).toMatchObject({ code: '08P01', routine: 'exec_bind_message' });
    const many = await rejection(client.query('select $1::int', [1, 2]));
    expect(many).toMatchObject({ code: '08P01', routine: 'exec_bind_message' });
    const none = await rejection(client.query('select $1::int', []));
    expect(none.code).toBe('42P02');
    expect(await value(client, 'select 1')).toBe(1);
  });

  test('the types of the values may be given', async () => {
    const client = await open();
    await client.query('create temp table told (type text)');
    const text = 'insert into told select pg_typeof($1)';
    await client.query({ text, values: ['1'], types: [20] });
    await client.query({ text, values: ['1'], types: [1700] });
    await client.query({ name: 'told', text, values: ['1'], types: [16] });
    const { rows } = await client.query({ text: 'select type from told', rowMode: 'array' });
    expect(rows.flat()).toEqual(['bigint', 'numeric', 'boolean']);
  });

  test('a text of a megabyte and a value of a megabyte', async () => {
    const client = await open();
    const long = 'ü'.repeat(500_000);
    expect(await value(client, 'select $1::text', [long])).toBe(long);
    expect(await value(client, `select '${long}'::text`)).toBe(long);
  });

  test('65535 values, and one more', async () => {
    const client = await open();
    const list = (n) => Array.from({ length: n }, (_, i) => `$${i + 1}`).join();
    const text = `select count(*)::int from unnest(array[${list(65535)}]::text[])`;
    expect(await value(client, text, new Array(65535).fill('x'))).toBe(65535);
  });

  test('a text with a character of each length in UTF-8', async () => {
    const client = await open();
    const text = 'aä€🐘\u{10ffff}\u0001';
    expect(await value(client, 'select $1::text', [text])).toBe(text);
  });
});
