'use strict';
// What the types of MySQL become: the same from the text protocol, which a statement without
// parameters has, and from the binary one.

const { rejection, unique } = require('../../support/pools.js');
const { KINDS, openPool } = require('../../support/mysql-pools.js');

/** Declared type, value as SQL, what JavaScript gets. */
const VALUES = [
  ['tinyint', '-128', -128],
  ['tinyint unsigned', '255', 255],
  ['boolean', 'true', 1],
  ['smallint', '-32768', -32768],
  ['smallint unsigned', '65535', 65535],
  ['mediumint', '-8388608', -8388608],
  ['mediumint unsigned', '16777215', 16777215],
  ['int', '-2147483648', -2147483648],
  ['int unsigned', '4294967295', 4294967295],
  ['int(8) zerofill', '42', 42],
  ['bigint', '-9007199254740991', -9007199254740991],
  ['bigint unsigned', '9007199254740991', 9007199254740991],
  ['decimal(30, 5)', "'1234567890123456789012345.12345'", '1234567890123456789012345.12345'],
  ['float', '0.1', 0.1],
  ['float', '16777216', 16777200],
  ['float(9, 4)', '999.00009', 999.0001],
  ['double', '1e300', 1e300],
  ['double', '-0.1', -0.1],
  ['double(10, 2)', '3.14159', 3.14],
  ['date', "'2024-02-29'", '2024-02-29'],
  ['datetime', "'2024-02-29 12:34:56'", new Date('2024-02-29T12:34:56Z')],
  ['datetime(6)', "'2024-02-29 12:34:56.789999'", new Date('2024-02-29T12:34:56.789Z')],
  ['datetime', "'0001-01-01 00:00:00'", new Date('0001-01-01T00:00:00Z')],
  ['timestamp(3) null', "'2024-02-29 12:34:56.789'", new Date('2024-02-29T12:34:56.789Z')],
  ['time', "'-838:59:59'", '-838:59:59'],
  ['time(6)', "'100:00:00.000100'", '100:00:00.000100'],
  ['time(2)', "'00:00:01'", '00:00:01.00'],
  ['year', '2024', 2024],
  ['bit(10)', "b'1010101010'", Buffer.from([2, 0xaa])],
  ['char(5)', "'abc'", 'abc'],
  ['varchar(50)', "'grün漢🐘'", 'grün漢🐘'],
  ['text', "''", ''],
  ['binary(4)', "'ab'", Buffer.from([97, 98, 0, 0])],
  ['varbinary(20)', "x'00ff'", Buffer.from([0, 255])],
  ['blob', "''", Buffer.alloc(0)],
  ["enum('a', 'b')", "'b'", 'b'],
  ["set('x', 'y', 'z')", "'x,z'", 'x,z'],
  ['json', `'{"a": [1, "é", null]}'`, { a: [1, 'é', null] }],
  ['json', `'null'`, null],
  [
    'geometry',
    "st_geomfromtext('POINT(1 2)')",
    Buffer.from('000000000101000000000000000000f03f0000000000000040', 'hex'),
  ],
];

/** Results that no table declares. */
const EXPRESSIONS = [
  ...['count(*)', 'sum(d2)', 'avg(f)', 'sum(f4)', 'round(sum(d), 2)', 'max(t)', 'bit_and(b)'],
  ...['1 / 3', '1.5e0 * 3', 'pi()', '0.1', '1e0', '2147483648', 'true', 'null', '1 = 1'],
  ...['sec_to_time(90000.25)', "timediff('25:00:00.5', '1:00:00')", 'maketime(1, 2, 3.25)'],
  ...["cast('1:2:3' as time(2))", "cast('2024-01-01' as datetime)", "date('2024-01-01')"],
  ...["date_add('2024-01-01', interval 1 day)", "unix_timestamp('2024-01-01 00:00:00.5')"],
  ...["inet6_aton('::1')", "hex('a')", "concat(1, 'a')", "_binary'x'", "x'00'", "b'1'"],
  ...["json_object('a', 1)", `json_extract('{"a": 1.50}', '$.a')`, 'ifnull(null, 1)'],
  ...["case when 1 then 1.5 else 'a' end", 'group_concat(d)', 'format(1234.5, 2)', '@@version'],
];

describe.each(KINDS)('%s', (kind) => {
  const both = async (pool, select) => {
    const text = await pool.query(select);
    const binary = await pool.query(`${select} where ? = 1`, [1]);
    expect(binary.rows).toEqual(text.rows);
    return text.rows;
  };

  test('each type, from both protocols', async () => {
    const pool = await openPool({ kind });
    const table = unique('types');
    const columns = VALUES.map(([type], at) => `c${at} ${type}`);
    await pool.query(`create table ${table} (${columns.join(', ')})`);
    await pool.query(`insert into ${table} values (${VALUES.map(([, sql]) => sql).join(', ')})`);
    await pool.query(`insert into ${table} (c0) values (null)`);
    const expected = Object.fromEntries(VALUES.map(([, , value], at) => [`c${at}`, value]));
    const nulls = Object.fromEntries(VALUES.map((_, at) => [`c${at}`, null]));
    expect(await both(pool, `select * from ${table}`)).toEqual([expected, nulls]);
  });

  test('what a statement computes is the same from both', async () => {
    const pool = await openPool({ kind });
    const table = unique('numbers');
    await pool.query(
      `create table ${table} (d double, d2 double(10, 2), f float, f4 float(7, 4), t timestamp null,
        b bigint unsigned)`,
    );
    const values = "(0.1, 0.1, 0.1, 0.1, '2024-01-01', 5), (0.2, 0.2, 0.2, 0.2, null, 7)";
    await pool.query(`insert into ${table} values ${values}`);
    for (const expression of EXPRESSIONS) {
      await both(pool, `select ${expression} as v from ${table}`);
    }
  });

  test('fields tell where a column comes from', async () => {
    const pool = await openPool({ kind });
    const table = unique('fields');
    await pool.query(`create table ${table} (id int unsigned primary key, d decimal(9, 2))`);
    const { fields } = await pool.query(`select t.id as number, d, 1 + 1 as two from ${table} t`);
    expect(fields).toMatchObject([
      { name: 'number', originalName: 'id', table: 't', originalTable: table, dataTypeId: 3 },
      { name: 'd', dataTypeId: 246, dataTypeModifier: 2, collation: 63, tableId: 0, columnId: 0 },
      { name: 'two', originalName: '', table: '' },
    ]);
    expect(fields[0].flags & 35).toBe(35);
  });

  test('dates that are none are null, and strings as they are', async () => {
    const pool = await openPool({ kind, max: 1 });
    const table = unique('zeros');
    await pool.use(async (connection) => {
      await connection.query("set sql_mode = ''");
      await connection.query(`create table ${table} (a datetime, b datetime, c date)`);
      await connection.query(
        `insert into ${table} values ('0000-00-00', '2024-00-10', '2024-00-00')`,
      );
    });
    const rows = await both(pool, `select * from ${table}`);
    expect(rows).toEqual([{ a: null, b: null, c: '2024-00-00' }]);
  });

  test('large integers are as option types says', async () => {
    const select = 'select 9007199254740993 as s, 18446744073709551615 as u, 1 as o from dual';
    const wide = (pool) => both(pool, select.replace('1 as o', 'cast(1 as signed) as o'));
    const bigint = await openPool({ kind, types: { int8: 'bigint' } });
    const expected = { s: 9007199254740993n, u: 18446744073709551615n };
    expect((await wide(bigint))[0]).toMatchObject(expected);
    const string = await openPool({ kind, types: { int8: 'string' } });
    const texts = { s: '9007199254740993', u: '18446744073709551615' };
    expect((await wide(string))[0]).toMatchObject(texts);
    const number = await openPool({ kind });
    for (const [where, values] of [[''], ['where ? = 1', [1]]]) {
      const error = await rejection(number.query(`${select} ${where}`, values));
      expect(error.code).toBe('ERR_POLYPOOL_UNSAFE_INTEGER');
      expect(error.message).toContain("types: { int8: 'bigint' | 'string' }");
    }
  });
});

test('mariadb: types behind a type', async () => {
  const pool = await openPool({ kind: 'mariadb' });
  const table = unique('behind');
  await pool.query(`create table ${table} (u uuid, i inet6, j json)`);
  const uuid = '123e4567-e89b-12d3-a456-426655440000';
  await pool.query(`insert into ${table} values ('${uuid}', '2001:db8::1', '[1]')`);
  const expected = [{ u: uuid, i: '2001:db8::1', j: [1] }];
  expect((await pool.query(`select * from ${table}`)).rows).toEqual(expected);
  expect((await pool.query(`select * from ${table} where ? = 1`, [1])).rows).toEqual(expected);
});

test('mysql: a vector is its bytes', async () => {
  const pool = await openPool({ kind: 'mysql' });
  const { rows } = await pool.query("select to_vector('[1,2]') as v");
  expect(rows).toEqual([{ v: Buffer.from(new Float32Array([1, 2]).buffer) }]);
});
