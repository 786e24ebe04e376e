'use strict';
// What the values of each type become in text form, the form of all results unless asked otherwise.

const { connect, value } = require('./clients.js');
const { IMPLEMENTATIONS } = require('./implementations.js');

/** Local time as a Date, also for years below 100, which the constructor takes for 19xx. */
function local(year, month, day, hours = 0, minutes = 0, seconds = 0, ms = 0) {
  const date = new Date(2000, 0, 1);
  date.setFullYear(year, month - 1, day);
  date.setHours(hours, minutes, seconds, ms);
  return date;
}

const utc = (text) => new Date(text);
const UUID = '3f2504e0-4f89-11d3-9a0c-0305e82c3301';

const NUMBERS = [
  ['(-32768)::int2', -32768],
  ['2147483647::int4', 2147483647],
  ['(-2147483648)::int4', -2147483648],
  ['5::int8', '5'],
  ['(-5)::int8', '-5'],
  ['9223372036854775807::int8', '9223372036854775807'],
  ['(-9223372036854775808)::int8', '-9223372036854775808'],
  ['4294967295::oid', 4294967295],
  ['1.1::float4', 1.1],
  ['16777216::float4', 16777216],
  ['3.4028235e38::float4', 3.4028235e38],
  ['1e-45::float4', 1e-45],
  ['0.1::float8 + 0.2::float8', 0.30000000000000004],
  ['1.7976931348623157e308::float8', Number.MAX_VALUE],
  ['5e-324::float8', 5e-324],
  ["'-0'::float8", -0],
  ["'NaN'::float8", NaN],
  ["'NaN'::float4", NaN],
  ["'Infinity'::float8", Infinity],
  ["'-Infinity'::float4", -Infinity],
  ['12345678901234567890.123456789::numeric', '12345678901234567890.123456789'],
  ['1.50::numeric(6,2)', '1.50'],
  ["'NaN'::numeric", 'NaN'],
  ["'-Infinity'::numeric", '-Infinity'],
  ['0::numeric', '0'],
  ["'12.34'::money", '$12.34'],
  ['count(*)', '1'],
  ['true', true],
  ['false', false],
  ['null::bool', null],
];

const TEXTS = [
  ["''::text", ''],
  ["'Grüße, 東京, 🐘'::text", 'Grüße, 東京, 🐘'],
  ["'abc'::varchar(10)", 'abc'],
  ["'ab'::char(5)", 'ab   '],
  ['\'x\'::"char"', 'x'],
  ["'pg_class'::name", 'pg_class'],
  ["'unknown'", 'unknown'],
  ["repeat('é', 70000)::text", 'é'.repeat(70000)],
  ["'\\x00ff5c27'::bytea", Buffer.from([0, 255, 0x5c, 0x27])],
  ["''::bytea", Buffer.alloc(0)],
  ["decode(repeat('00', 100000), 'hex')", Buffer.alloc(100000)],
  [`'${UUID}'::uuid`, UUID],
  ['\'{"a": [1, null, "ü"]}\'::json', { a: [1, null, 'ü'] }],
  ['\'{"b": {"c": true}, "a": 1e3}\'::jsonb', { a: 1000, b: { c: true } }],
  ["'null'::jsonb", null],
  ['\'"text"\'::jsonb', 'text'],
  ["'12345678901234567890'::json", 12345678901234567890],
  ['\'{"__proto__": 1}\'::json', JSON.parse('{"__proto__": 1}')],
  ["'192.168.1.5/24'::inet", '192.168.1.5/24'],
  ["'10.0.0.0/8'::cidr", '10.0.0.0/8'],
  ["'08:00:2b:01:02:03'::macaddr", '08:00:2b:01:02:03'],
  ["b'10110'::bit(5)", '10110'],
  ["b'101'::varbit", '101'],
  ["'a b'::tsvector", "'a' 'b'"],
  ["'a & b'::tsquery", "'a' & 'b'"],
  ["'<a/>'::xml", '<a/>'],
  ["'pg_catalog.pg_class'::regclass", 'pg_class'],
  ["'0/16B3748'::pg_lsn", '0/16B3748'],
  ["row(1, 'x', null)", '(1,x,)'],
  ["'1'::information_schema.cardinal_number", 1],
  ["'[1,5)'::int4range", '[1,5)'],
  ["'[2024-01-01,2024-02-01)'::daterange", '[2024-01-01,2024-02-01)'],
  ["'{[1,3),[5,7)}'::int4multirange", '{[1,3),[5,7)}'],
];

const TIMES = [
  ["'2024-02-29'::date", local(2024, 2, 29)],
  ["'0044-03-15 BC'::date", local(-43, 3, 15)],
  ["'0099-01-02'::date", local(99, 1, 2)],
  ["'12345-06-07'::date", local(12345, 6, 7)],
  ["'infinity'::date", Infinity],
  ["'-infinity'::date", -Infinity],
  ["'12:34:56.789'::time", '12:34:56.789'],
  ["'24:00'::time", '24:00:00'],
  ["'12:34:56+05:30'::timetz", '12:34:56+05:30'],
  ["'2024-02-29 23:59:58.765+05:30'::timestamptz", utc('2024-02-29T18:29:58.765Z')],
  ["'0001-01-01 00:00:00+00'::timestamptz", utc('0001-01-01T00:00:00Z')],
  ["'0044-03-15 12:00:00+00 BC'::timestamptz", utc('-000043-03-15T12:00:00Z')],
  ["'12345-06-07 08:09:10.011+00'::timestamptz", utc('+012345-06-07T08:09:10.011Z')],
  ["'2024-01-01 00:00:00.000999+00'::timestamptz", utc('2024-01-01T00:00:00.000Z')],
  ["'2024-01-01 00:00:00.123456+00'::timestamptz", utc('2024-01-01T00:00:00.123Z')],
  ["'1969-12-31 23:59:59.999999+00'::timestamptz", utc('1969-12-31T23:59:59.999Z')],
  ["'infinity'::timestamptz", Infinity],
  ["'-infinity'::timestamptz", -Infinity],
  ["'2024-02-29 23:59:58.765'::timestamp", local(2024, 2, 29, 23, 59, 58, 765)],
  ["'2024-02-29 23:59:58.7'::timestamp", local(2024, 2, 29, 23, 59, 58, 700)],
  ["'1969-07-20 20:17:40.000001'::timestamp", local(1969, 7, 20, 20, 17, 40)],
  ["'0099-01-01 12:00:00'::timestamp", local(99, 1, 1, 12)],
  ["'0044-03-15 12:00:00 BC'::timestamp", local(-43, 3, 15, 12)],
  // A local time that does not exist, and one that exists twice, where the tests are run.
  ["'2024-03-10 02:30:00'::timestamp", local(2024, 3, 10, 2, 30)],
  ["'2024-11-03 01:30:00'::timestamp", local(2024, 11, 3, 1, 30)],
  ["'infinity'::timestamp", Infinity],
];

const ARRAYS = [
  ["'{1,NULL,-3}'::int4[]", [1, null, -3]],
  ["'{}'::int4[]", []],
  ["'{{1,2},{3,4}}'::int2[]", [[1, 2], [3, 4]]], // prettier-ignore
  ["'{{{1},{2}},{{3},{NULL}}}'::int4[]", [[[1], [2]], [[3], [null]]]], // prettier-ignore
  ["'[0:1]={1,2}'::int4[]", [1, 2]],
  ["'{9223372036854775807,NULL,-1}'::int8[]", ['9223372036854775807', null, '-1']],
  ["'{4294967295}'::oid[]", [4294967295]],
  ["'{t,f,NULL}'::bool[]", [true, false, null]],
  ["array[1.5,'NaN']::float8[]", [1.5, NaN]],
  ['array[1.1,null]::float4[]', [1.1, null]],
  ["array[1.5,'2.50',null]::numeric[]", [1.5, 2.5, null]],
  [
    "array['a','','NULL',null,'x\"y','\\','{',',','ü']",
    ['a', '', 'NULL', null, 'x"y', '\\', '{', ',', 'ü'],
  ],
  ["array['a','b c']::varchar(5)[]", ['a', 'b c']],
  [`array['${UUID}'::uuid]`, [UUID]],
  ["array['{\"a\":1}'::jsonb, '[2]', null]", [{ a: 1 }, [2], null]],
  ['array[\'{"a":"x,\\"y"}\'::json]', [{ a: 'x,"y' }]],
  ["array['2024-02-29'::date, null]", [local(2024, 2, 29), null]],
  ["array['2024-02-29 12:00:00+00'::timestamptz]", [utc('2024-02-29T12:00:00Z')]],
  ["array['2024-02-29 12:00:00'::timestamp, null]", [local(2024, 2, 29, 12), null]],
  ["array['\\x00ff'::bytea, null]", [Buffer.from([0, 255]), null]],
  ["array['(1,2)'::point]", [{ x: 1, y: 2 }]],
  ["array['10.0.0.1'::inet]", ['10.0.0.1']],
  ["array['12:00'::time]", ['12:00:00']],
  ["array['[1.5,2)'::numrange]", ['[1.5,2)']],
  ["array['[1,2)'::int4range]", '{"[1,2)"}'],
  ["array['1.5'::money]", ['$1.50']],
  ["array['b'::name]", '{b}'],
  ["array[row(1,'a')]", '{"(1,a)"}'],
];

const SHAPES = [
  ["'(1.5,-2)'::point", { x: 1.5, y: -2 }],
  ["'<(1,2),3.5>'::circle", { x: 1, y: 2, radius: 3.5 }],
  ["'[(0,0),(1,1)]'::lseg", '[(0,0),(1,1)]'],
  ["'(1,1),(0,0)'::box", '(1,1),(0,0)'],
  ["'((0,0),(1,1))'::polygon", '((0,0),(1,1))'],
];

const INTERVALS = [
  ["'1 year 2 mons 3 days 04:05:06.789'"],
  ["'-1 day +02:03:00'"],
  ["'1 day -00:00:01.5'"],
  ["'0'"],
  ["'00:00:00.000123'"],
];

describe.each(IMPLEMENTATIONS)('%s', (_name, load) => {
  const open = (options) => connect(load(), options);

  test.each([...NUMBERS, ...TEXTS, ...TIMES, ...ARRAYS, ...SHAPES])('%s', async (sql, expected) => {
    const client = await open();
    await client.query("set lc_monetary = 'C'; set timezone = 'America/St_Johns'");
    expect(await value(client, `select ${sql}`)).toEqual(expected);
    const parameter = `select ${sql} where $1`;
    expect(await value(client, parameter, [true])).toEqual(expected);
    const named = { name: 'twice', text: `select ${sql} as value where $1`, values: [true] };
    expect((await client.query(named)).rows).toEqual([{ value: expected }]);
    expect((await client.query(named)).rows).toEqual([{ value: expected }]);
  });

  test.each(INTERVALS)('interval %s', async (sql) => {
    const client = await open();
    const types = load().types;
    const text = await value(client, `select (${sql}::interval)::text`);
    const interval = await value(client, `select ${sql}::interval`);
    expect(interval).toEqual(types.getTypeParser(1186)(text));
    expect(interval.constructor.name).toBe('PostgresInterval');
    expect(await value(client, 'select $1::interval::text', [interval])).toBe(text);
    expect(await value(client, `select array[${sql}::interval, null]`)).toEqual([interval, null]);
  });

  test('parts of an interval', async () => {
    const client = await open();
    const all = await value(client, "select '1 year 2 mons 3 days 04:05:06.789'::interval");
    expect({ ...all }).toEqual({
      years: 1,
      months: 2,
      days: 3,
      hours: 4,
      minutes: 5,
      seconds: 6,
      milliseconds: 789,
    });
    expect(all.toISOString()).toBe('P1Y2M3DT4H5M6.789S');
    expect(all.toPostgres()).toBe('6.789 seconds 5 minutes 4 hours 3 days 2 months 1 years');
  });

  test('enums, composites, domains and arrays of them', async () => {
    const client = await open();
    await client.query(`
      create type pg_temp.mood as enum ('sad', 'ok, "so"');
      create type pg_temp.pair as (a int, b text);
      create domain pg_temp.positive as int check (value > 0);`);
    const { rows } = await client.query(`select 'sad'::pg_temp.mood as mood,
      array['sad', 'ok, "so"']::pg_temp.mood[] as moods, (1, 'x y')::pg_temp.pair as pair,
      array[(1, 'x')::pg_temp.pair] as pairs, 5::pg_temp.positive as positive,
      array[5::pg_temp.positive] as positives`);
    expect(rows).toEqual([
      {
        mood: 'sad',
        moods: '{sad,"ok, \\"so\\""}',
        pair: '(1,"x y")',
        pairs: '{"(1,x)"}',
        positive: 5,
        positives: '{5}',
      },
    ]);
  });

  test.each([
    ['SQL, DMY', "'2024-02-29'::date", null],
    ['German', "'2024-02-29'::date", null],
    ['Postgres, DMY', "'2024-02-29 12:00:00+00'::timestamptz", null],
  ])('other date styles have no parser: %s', async (style, sql, expected) => {
    const client = await open();
    await client.query(`set datestyle = '${style}'; set timezone = 'UTC'`);
    expect(await value(client, `select ${sql}`)).toEqual(expected);
  });

  test('settings of the session that change texts', async () => {
    const client = await open();
    await client.query("set bytea_output = 'escape'; set extra_float_digits = 0");
    const bytes = Buffer.from([0, 1, 0x5c, 0x27, 0xff, 0x61]);
    expect(await value(client, "select '\\x00015c27ff61'::bytea")).toEqual(bytes);
    expect(await value(client, 'select 0.1::float8 + 0.2::float8')).toBe(0.3);
    await client.query("set timezone = 'Asia/Kathmandu'");
    const noon = "'2024-02-29 12:00:00+00'::timestamptz";
    expect(await value(client, `select ${noon}`)).toEqual(new Date('2024-02-29T12:00:00Z'));
    expect(await value(client, `select ${noon}::text`)).toBe('2024-02-29 17:45:00+05:45');
  });
});
