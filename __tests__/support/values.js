'use strict';
// One list of SQL expressions with the JavaScript value each must become, for tests of results.

/** Local time as a Date, also for years below 100, which the constructor takes for 19xx. */
function local(year, month, day, hours = 0, minutes = 0, seconds = 0, ms = 0) {
  const date = new Date(2000, 0, 1);
  date.setFullYear(year, month - 1, day);
  date.setHours(hours, minutes, seconds, ms);
  return date;
}

const utc = (text) => new Date(text);

/** The same whatever the session's settings are. */
const FIXED = [
  ['true', true],
  ['false', false],
  ['null::bool', null],
  ['(-32768)::int2', -32768],
  ['2147483647::int4', 2147483647],
  ['(-2147483648)::int4', -2147483648],
  ['9007199254740991::int8', 9007199254740991],
  ['(-9007199254740991)::int8', -9007199254740991],
  ['4294967295::oid', 4294967295],
  ['1.1::float4', 1.1],
  ['16777216::float4', 16777216],
  ['3.4028235e38::float4', 3.4028235e38],
  ['1e-45::float4', 1e-45],
  ['0.1::float8 + 0.2::float8', 0.30000000000000004],
  ['1e300::float8', 1e300],
  ['5e-324::float8', 5e-324],
  ["'-0'::float8", -0],
  ["'NaN'::float8", NaN],
  ["'Infinity'::float8", Infinity],
  ["'-Infinity'::float4", -Infinity],
  ['12345678901234567890.123456789::numeric', '12345678901234567890.123456789'],
  ["'NaN'::numeric", 'NaN'],
  ['1.50::numeric(6,2)', '1.50'],
  ["''::text", ''],
  ["'Grüße, 東京, 🐘'::text", 'Grüße, 東京, 🐘'],
  ["'abc'::varchar(10)", 'abc'],
  ["'ab'::char(5)", 'ab   '],
  ['\'x\'::"char"', 'x'],
  ["'pg_class'::name", 'pg_class'],
  ["repeat('é', 300)::text", 'é'.repeat(300)],
  ["'\\x00ff5c27'::bytea", Buffer.from([0, 255, 0x5c, 0x27])],
  ["''::bytea", Buffer.alloc(0)],
  ["decode(repeat('00', 1000), 'hex')", Buffer.alloc(1000)],
  ["'3f2504e0-4f89-11d3-9a0c-0305e82c3301'::uuid", '3f2504e0-4f89-11d3-9a0c-0305e82c3301'],
  ['\'{"a": [1, null, "ü"]}\'::json', { a: [1, null, 'ü'] }],
  ['\'{"b": {"c": true}, "a": 1e3}\'::jsonb', { a: 1000, b: { c: true } }],
  ["'null'::jsonb", null],
  ['\'"text"\'::jsonb', 'text'],
  ["'12:34:56.789'::time", '12:34:56.789'],
  ["'192.168.1.5/24'::inet", '192.168.1.5/24'],
  ["'10.0.0.0/8'::cidr", '10.0.0.0/8'],
  ["'08:00:2b:01:02:03'::macaddr", '08:00:2b:01:02:03'],
  ["b'10110'::bit(5)", '10110'],
  ["b'101'::varbit", '101'],
  ["'[1,5)'::int4range", '[1,5)'],
  ["'a b'::tsvector", "'a' 'b'"],
  ["'pg_catalog.pg_class'::regclass", 'pg_class'],
  ["row(1, 'x', null)", '(1,x,)'],
  ["'1'::information_schema.cardinal_number", 1],
  ["'0001-01-01 00:00:00+00'::timestamptz", utc('0001-01-01T00:00:00Z')],
  ["'0044-03-15 12:00:00+00 BC'::timestamptz", utc('-000043-03-15T12:00:00Z')],
  ["'12345-06-07 08:09:10.011+00'::timestamptz", utc('+012345-06-07T08:09:10.011Z')],
  ["'2024-02-29 23:59:58.765+05:30'::timestamptz", utc('2024-02-29T18:29:58.765Z')],
  // Microseconds are dropped towards the past, on both sides of the epoch.
  ["'2024-01-01 00:00:00.000999+00'::timestamptz", utc('2024-01-01T00:00:00.000Z')],
  ["'1969-12-31 23:59:59.999999+00'::timestamptz", utc('1969-12-31T23:59:59.999Z')],
  ["'infinity'::timestamptz", Infinity],
  ["'-infinity'::timestamptz", -Infinity],
  ["'2024-02-29 23:59:58.765'::timestamp", local(2024, 2, 29, 23, 59, 58, 765)],
  ["'1969-07-20 20:17:40.000001'::timestamp", local(1969, 7, 20, 20, 17, 40)],
  ["'0099-01-01 12:00:00'::timestamp", local(99, 1, 1, 12)],
  ["'0044-03-15 12:00:00 BC'::timestamp", local(-43, 3, 15, 12)],
  // A local time that does not exist, and one that exists twice, where the tests are run.
  ["'2024-03-10 02:30:00'::timestamp", local(2024, 3, 10, 2, 30)],
  ["'2024-11-03 01:30:00'::timestamp", local(2024, 11, 3, 1, 30)],
  ["'infinity'::timestamp", Infinity],
  ["'{1,NULL,-3}'::int4[]", [1, null, -3]],
  ["'{}'::int4[]", []],
  ["'{{1,2},{3,4}}'::int2[]", [[1, 2], [3, 4]]], // prettier-ignore
  ["'{9007199254740991}'::int8[]", [9007199254740991]],
  ["'{t,f,NULL}'::bool[]", [true, false, null]],
  ["array[1.5,'NaN']::numeric[]", ['1.5', 'NaN']],
  [
    "array['a','','NULL',null,'x\"y','\\','{',',','ü']",
    ['a', '', 'NULL', null, 'x"y', '\\', '{', ',', 'ü'],
  ],
  ["'[0:1]={1,2}'::int4[]", [1, 2]],
  ["array['3f2504e0-4f89-11d3-9a0c-0305e82c3301'::uuid]", ['3f2504e0-4f89-11d3-9a0c-0305e82c3301']],
  ["array['{\"a\":1}'::jsonb, '[2]']", [{ a: 1 }, [2]]],
];

/** In a form that the session's settings decide, unless the session has those of the start-up. */
const BY_SETTINGS = [
  ["'(1.5,2)'::point", '(1.5,2)'],
  ["'2024-02-29'::date", '2024-02-29'],
  ["'infinity'::date", 'infinity'],
  ["'0044-03-15 BC'::date", '0044-03-15 BC'],
  ["interval '1 year 2 mons 3 days 04:05:06.789'", '1 year 2 mons 3 days 04:05:06.789'],
  ["interval '-1 day +02:03:00'", '-1 days +02:03:00'],
  ["array['2024-02-29'::date]", ['2024-02-29']],
  ["array[interval '1 day']", ['1 day']],
  ["array['2024-02-29 12:00:00+00'::timestamptz]", [utc('2024-02-29T12:00:00Z')]],
  ["array['2024-02-29 12:00:00'::timestamp, null]", [local(2024, 2, 29, 12), null]],
  ["array['\\x00ff'::bytea]", [Buffer.from([0, 255])]],
  ["array[0.1::float8 + 0.2::float8, 'NaN']", [0.30000000000000004, NaN]],
  ['array[1.1::float4]', [1.1]],
  ["'[2024-01-01,2024-02-01)'::daterange", '[2024-01-01,2024-02-01)'],
];

module.exports = { FIXED, BY_SETTINGS };
