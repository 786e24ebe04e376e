'use strict';
// What each type becomes, and that a statement's first run (text results), second and third run
// (binary where it is decoded) cannot be told apart, whatever the session's settings are.

const { openPool, openConnection, rejection, unique } = require('../support/pools.js');
const { FIXED, BY_SETTINGS } = require('../support/values.js');

test.each([...FIXED, ...BY_SETTINGS])('%s is %p', async (expression, expected) => {
  const pool = await openPool({ max: 1 });
  for (let run = 0; run < 3; run++) {
    const { rows } = await pool.query(`select ${expression} as value`);
    expect(rows).toStrictEqual([{ value: expected }]);
  }
});

test('void is an empty text', async () => {
  const pool = await openPool({ max: 1 });
  for (let run = 0; run < 3; run++) {
    expect((await pool.query('select pg_sleep(0) as value')).rows).toEqual([{ value: '' }]);
  }
});

test('enums, domains and composites of the user are texts and their base types', async () => {
  const pool = await openPool({ max: 1 });
  const name = unique('t');
  await pool.query(`create type ${name}_mood as enum ('sad', 'ok'); create domain ${name}_age as int;
    create type ${name}_pair as (a int, b text)`);
  for (let run = 0; run < 3; run++) {
    const { rows } = await pool.query(
      `select 'ok'::${name}_mood as mood, 7::${name}_age as age, (1,'x')::${name}_pair as pair`,
    );
    expect(rows).toEqual([{ mood: 'ok', age: 7, pair: '(1,x)' }]);
  }
});

const SETTINGS = [
  "set datestyle = 'SQL, DMY'",
  "set datestyle = 'German'",
  "set datestyle = 'Postgres, MDY'",
  "set datestyle = 'ISO, DMY'",
  "set intervalstyle = 'iso_8601'",
  "set intervalstyle = 'sql_standard'",
  "set intervalstyle = 'postgres_verbose'",
  "set timezone = 'Asia/Kolkata'",
  "set timezone = 'America/Caracas'",
  "set bytea_output = 'escape'",
  'set extra_float_digits = 0',
  'set extra_float_digits = -15',
  'set extra_float_digits = 3',
  "select set_config('datestyle', 'German', false)",
  "select set_config('extra_float_digits', '-15', false), set_config('bytea_output', 'escape', false)",
  "do $$ begin set extra_float_digits = -15; set bytea_output = 'escape'; end $$",
];

/** The value, or the code of the error: what a caller can see of one run. */
async function outcome(connection, text) {
  try {
    return (await connection.query(text)).rows[0].value;
  } catch (error) {
    return { error: error.code };
  }
}

describe.each(SETTINGS)('after %s', (setting) => {
  test('types with one meaning keep it in every run', async () => {
    const pool = await openPool({ max: 1 });
    await pool.use(async (connection) => {
      await connection.query(setting);
      for (const [expression, expected] of FIXED) {
        const text = `select ${expression} as value`;
        const seen = [];
        for (let run = 0; run < 3; run++) seen.push(await outcome(connection, text));
        expect([expression, ...seen]).toStrictEqual([expression, expected, expected, expected]);
      }
    });
  });

  test('types whose text follows the setting give the same in every run', async () => {
    const pool = await openPool({ max: 1 });
    await pool.use(async (connection) => {
      await connection.query(setting);
      for (const [expression] of BY_SETTINGS) {
        const text = `select ${expression} as value`;
        const first = await outcome(connection, text);
        for (let run = 0; run < 2; run++) {
          expect([expression, await outcome(connection, text)]).toStrictEqual([expression, first]);
        }
      }
    });
  });

  test('a statement used before the setting gives the same after it', async () => {
    const pool = await openPool({ max: 1 });
    await pool.use(async (connection) => {
      const texts = FIXED.map(([expression]) => `select ${expression} as value, 1 as one`);
      for (const text of texts) await connection.query(text);
      await connection.query(setting);
      for (const [index, text] of texts.entries()) {
        expect([text, await outcome(connection, text)]).toStrictEqual([text, FIXED[index][1]]);
      }
    });
  });

  test('the next borrower has the settings of the start-up again', async () => {
    const pool = await openPool({ max: 1 });
    await pool.use((connection) => connection.query(setting));
    for (const [expression, expected] of BY_SETTINGS) {
      const { rows } = await pool.query(`select ${expression} as value`);
      expect([expression, rows[0].value]).toStrictEqual([expression, expected]);
    }
  });
});

test('settings of the role and of the options are overruled where decoding depends on them', async () => {
  const options = '-c datestyle=German -c bytea_output=escape -c extra_float_digits=-15';
  const connection = await openConnection({ options });
  for (const [expression, expected] of FIXED) {
    const { rows } = await connection.query(`select ${expression} as value`);
    expect([expression, rows[0].value]).toStrictEqual([expression, expected]);
  }
});

test('an int8 beyond the safe range is an error that names column and option', async () => {
  const pool = await openPool({ max: 1 });
  for (const literal of ['9007199254740992', '-9007199254740992', '9223372036854775807']) {
    for (let run = 0; run < 3; run++) {
      const error = await rejection(pool.query(`select 1 as a, (${literal})::int8 as big_one`));
      expect(error.code).toBe('ERR_POLYPOOL_UNSAFE_INTEGER');
      expect(error.message).toContain('big_one');
      expect(error.message).toContain('types');
      expect(error.message).toContain('int8');
    }
  }
  expect((await pool.query('select 1 as a')).rows).toEqual([{ a: 1 }]);
  expect(pool.stats()).toMatchObject({ created: 1 });
});

test.each([
  ['bigint', 9223372036854775807n, 1n],
  ['string', '9223372036854775807', '1'],
])('types.int8 %s gives one type for every value', async (int8, largest, one) => {
  const pool = await openPool({ max: 1, types: { int8 } });
  for (let run = 0; run < 3; run++) {
    const { rows } = await pool.query(
      'select 9223372036854775807::int8 as a, 1::int8 as b, null::int8 as c, array[1::int8] as d',
    );
    expect(rows).toStrictEqual([{ a: largest, b: one, c: null, d: [one] }]);
  }
});

test('an int8[] beyond the safe range is an error too', async () => {
  const pool = await openPool({ max: 1 });
  for (let run = 0; run < 3; run++) {
    const error = await rejection(pool.query("select '{9007199254740993}'::int8[] as list"));
    expect(error.code).toBe('ERR_POLYPOOL_UNSAFE_INTEGER');
  }
});

test('mixed columns with NULLs in every combination', async () => {
  const pool = await openPool({ max: 1 });
  const columns = {
    a: ['7', 7],
    b: ['true', true],
    c: ['0.5::float8', 0.5],
    d: ["'ascii'::text", 'ascii'],
    e: ["'ünïcode'::text", 'ünïcode'],
    f: ["'\\x01'::bytea", Buffer.from([1])],
    g: ['2.50::numeric', '2.50'],
    h: ["'2024-01-01 00:00:00+00'::timestamptz", new Date('2024-01-01T00:00:00Z')],
    i: ['\'{"x":1}\'::jsonb', { x: 1 }],
  };
  const names = Object.keys(columns);
  const list = names.map(
    (name, bit) => `case when m & ${1 << bit} > 0 then ${columns[name][0]} end as ${name}`,
  );
  const text = `select ${list.join(', ')} from generate_series(0, 511) m`;
  const expected = Array.from({ length: 512 }, (_, mask) =>
    Object.fromEntries(
      names.map((name, bit) => [name, mask & (1 << bit) ? columns[name][1] : null]),
    ),
  );
  for (let run = 0; run < 3; run++) expect((await pool.query(text)).rows).toStrictEqual(expected);
});

test('more than 32 columns have their own NULL bits', async () => {
  const pool = await openPool({ max: 1 });
  const list = Array.from({ length: 100 }, (_, i) => `nullif(i % ${i + 2}, 0) as c${i}`).join(', ');
  for (let run = 0; run < 3; run++) {
    const { rows } = await pool.query(`select ${list} from generate_series(1, 50) i`);
    rows.forEach((row, index) => {
      Object.values(row).forEach((value, column) => {
        expect(value).toBe((index + 1) % (column + 2) || null);
      });
    });
  }
});

test('texts around the size of a segment are cut where they end', async () => {
  const pool = await openPool({ max: 1 });
  const text = `select i, repeat('a', i) || '|' as ascii, repeat('é', i % 300) || '|' as other,
      repeat('b', i % 7) as short from generate_series(0, 600) i`;
  for (let run = 0; run < 3; run++) {
    for (const { i, ascii, other, short } of (await pool.query(text)).rows) {
      expect([ascii, other, short]).toEqual([
        `${'a'.repeat(i)}|`,
        `${'é'.repeat(i % 300)}|`,
        'b'.repeat(i % 7),
      ]);
    }
  }
});

test('rows of one result share no state: changing one leaves the next run alone', async () => {
  const pool = await openPool({ max: 1 });
  const text = "select array[1,2] as list, '\\x0102'::bytea as bytes, '{\"a\":1}'::jsonb as json";
  for (let run = 0; run < 3; run++) {
    const { rows } = await pool.query(`${text} from generate_series(1, 2)`);
    rows[0].list.push(3);
    rows[0].bytes.fill(9);
    rows[0].json.a = 2;
    rows[0].extra = true;
    expect(rows[1]).toEqual({ list: [1, 2], bytes: Buffer.from([1, 2]), json: { a: 1 } });
  }
});
