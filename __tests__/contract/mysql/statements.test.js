'use strict';
// Statements of MySQL: parameters, results, errors; the prepared ones of a connection.

const { rejection, unique } = require('../../support/pools.js');
const { KINDS, observe, openPool } = require('../../support/mysql-pools.js');

describe.each(KINDS)('%s', (kind) => {
  let pool;

  beforeEach(async () => {
    pool = await openPool({ kind, max: 2, multipleStatements: true });
  });

  const one = async (text, values) => (await pool.query(text, values)).rows[0];

  test('parameters arrive as what they are', async () => {
    const date = new Date('2024-05-06T07:08:09.123Z');
    const values = [
      null,
      5,
      -1.5,
      'é漢',
      true,
      Buffer.from([0, 255]),
      date,
      2n ** 50n,
      2 ** 53 - 1,
    ];
    const row = await one(`select ${values.map((_, at) => `? as v${at}`).join(', ')}`, values);
    const expected = [null, 5, -1.5, 'é漢', 1, Buffer.from([0, 255]), date, 2 ** 50, 2 ** 53 - 1];
    expect(Object.values(row)).toEqual(expected);
  });

  test('values go into columns and are found again', async () => {
    const table = unique('stored');
    const date = new Date('2024-05-06T07:08:09.123Z');
    const largest = 18446744073709551615n;
    const digits = 123456789012345678901234567890n;
    await pool.query(
      `create table ${table} (b bigint unsigned, j json, d datetime(3), t timestamp(3) null,
        c decimal(40, 5), l blob)`,
    );
    const values = [largest, { a: ['ü'] }, date, date, digits, Buffer.from('ab')];
    await pool.query(`insert into ${table} values (?, ?, ?, ?, ?, ?)`, values);
    const found = await one(
      `select j, d, t, c, l, cast(b as char) as b from ${table} where b = ? and d = ? and t = ?`,
      [largest, date, date],
    );
    expect(found).toEqual({
      ...{ b: String(largest), j: { a: ['ü'] }, d: date, t: date },
      ...{ c: `${digits}.00000`, l: Buffer.from('ab') },
    });
  });

  test('what cannot be sent is refused by its position', async () => {
    for (const [value, what] of [
      [NaN, 'is NaN'],
      [new Date(8e15), 'beyond the years'],
    ]) {
      const error = await rejection(pool.query('select ?, ?', [1, value]));
      expect(error.code).toBe('ERR_POLYPOOL_PARAMETER');
      expect(error.message).toMatch(new RegExp(`parameter 2 .*${what}`));
    }
  });

  test('a wrong number of parameters costs no connection', async () => {
    const connection = await pool.acquire();
    const { rows } = await connection.query('select connection_id() as id');
    for (const values of [[1], [1, 2, 3]]) {
      const error = await rejection(connection.query('select ? + ? as n', values));
      expect(error.code).toBe('ERR_POLYPOOL_PARAMETER');
      expect(error.message).toBe(`the statement has 2 parameters, and ${values.length} were given`);
      expect((await connection.query('select ? + ? as n', [1, 2])).rows).toEqual([{ n: 3 }]);
    }
    expect((await connection.query('select connection_id() as id')).rows).toEqual(rows);
    await connection.release();
  });

  test('a result tells what was done', async () => {
    const table = unique('done');
    await pool.query(`create table ${table} (id int auto_increment primary key, n int)`);
    const inserted = await pool.query(`insert into ${table} (n) values (?), (?)`, [5, 6]);
    expect(inserted).toMatchObject({ rowCount: 2, command: 'INSERT', insertId: 1, rows: [] });
    const updated = await pool.query(`update ${table} set n = 7`);
    expect(updated).toMatchObject({ rowCount: 2, command: 'UPDATE' });
    expect(updated.info).toContain('Changed: 2');
    expect(await pool.query(`select n from ${table}`)).toMatchObject({ rowCount: 2 });
    expect(await pool.query('select 1 + 0')).toMatchObject({ insertId: null });
  });

  test('errors have code, number and state', async () => {
    const table = unique('keys');
    await pool.query(`create table ${table} (id int primary key)`);
    await pool.query(`insert into ${table} values (1)`);
    for (const [value, values] of [['1'], ['?', [1]]]) {
      const error = await rejection(pool.query(`insert into ${table} values (${value})`, values));
      expect(error.constructor.name).toBe('DatabaseError');
      expect(error).toMatchObject({ code: 'ER_DUP_ENTRY', errno: 1062, sqlState: '23000' });
    }
  });

  test('several statements give several results', async () => {
    const table = unique('several');
    await pool.query(`create table ${table} (n int)`);
    const results = await pool.query(
      `select 1 as a; insert into ${table} values (1), (2); select n from ${table}`,
    );
    expect(results.map(({ command, rowCount }) => [command, rowCount])).toEqual([
      ['SELECT', 1],
      ['INSERT', 2],
      ['SELECT', 2],
    ]);
    const error = await rejection(pool.query('select 1; select * from nowhere; select 2'));
    expect(error.code).toBe('ER_NO_SUCH_TABLE');
  });

  test('a procedure gives what it selects', async () => {
    const name = unique('procedure');
    await pool.query(
      `create procedure ${name}(in x int) begin select x as a; select x + 1 as b; end`,
    );
    for (const results of [
      await pool.query(`call ${name}(5)`),
      await pool.query(`call ${name}(?)`, [5]),
    ]) {
      expect(results.map(({ rows }) => rows)).toEqual([[{ a: 5 }], [{ b: 6 }], []]);
    }
  });

  test('many in one flight, known or not, and each has its own answer', async () => {
    const texts = ['select ? as a', 'select ? as b, 2 as c', 'select ? from nowhere'];
    const answers = await Promise.allSettled(
      Array.from({ length: 60 }, (_, at) => pool.query(texts[at % 3], [at])),
    );
    answers.forEach(({ value, reason }, at) => {
      if (at % 3 === 2) expect(reason.code).toBe('ER_NO_SUCH_TABLE');
      else expect(Object.values(value.rows[0])[0]).toBe(at);
    });
  });

  test('a table that changes between two executions', async () => {
    const table = unique('changing');
    await pool.query(`create table ${table} (a int)`);
    await pool.query(`insert into ${table} values (1)`);
    const connection = await pool.acquire();
    const bound = () => connection.query(`select * from ${table} where ? = 1`, [1]);
    const plain = () => connection.query(`select * from ${table}`);
    expect((await bound()).rows).toEqual([{ a: 1 }]);
    expect((await plain()).rows).toEqual([{ a: 1 }]);
    await observe(kind, `alter table ${table} add b varchar(5) default 'x', modify a bigint`);
    expect((await bound()).rows).toEqual([{ a: 1, b: 'x' }]);
    expect((await plain()).rows).toEqual([{ a: 1, b: 'x' }]);
    await observe(kind, `alter table ${table} drop a`);
    expect((await bound()).rows).toEqual([{ b: 'x' }]);
    expect((await plain()).rows).toEqual([{ b: 'x' }]);
    await connection.release();
  });

  test.each([0, 2])('with a cache of %d statements', async (statementCache) => {
    const small = await openPool({ kind, max: 1, statementCache });
    const answers = await Promise.all(
      Array.from({ length: 100 }, (_, at) => small.query(`select ? as a, ${at % 7} as b`, [at])),
    );
    expect(answers.map(({ rows }) => rows[0])).toEqual(
      Array.from({ length: 100 }, (_, at) => ({ a: at, b: at % 7 })),
    );
  });

  test('packets of 16 MiB and more, both ways', async () => {
    const long = 'x'.repeat(17 * 1024 * 1024);
    const row = await one('select ? as echo, length(?) as length', [long, long]);
    expect(row.length).toBe(long.length);
    expect(row.echo === long).toBe(true);
    // Around the length at which a packet has a second part.
    for (let bytes = 0xffffff - 6; bytes <= 0xffffff; bytes++) {
      const { v } = await one(`select repeat('y', ${bytes}) as v`);
      expect(v.length).toBe(bytes);
    }
  });

  test('what follows a statement of more than 16 MiB is answered in turn', async () => {
    const single = await openPool({ kind, max: 1 });
    const long = 'x'.repeat(17 * 1024 * 1024);
    const count = async (...statement) => (await single.query(...statement)).rows[0].n;
    // The first time statements are prepared, later they are known.
    for (let time = 0; time < 3; time++) {
      const answers = [
        count('select length(?) as n', [long]),
        count('select 1 as n'),
        count(`select length('${long}') as n`),
        rejection(single.query(`select nothing, '${long}'`)),
        count('select ? as n', [2]),
      ];
      const [first, second, third, error, last] = await Promise.all(answers);
      expect([first, second, third, last]).toEqual([long.length, 1, long.length, 2]);
      expect(error.code).toBe('ER_BAD_FIELD_ERROR');
    }
    const lengths = await single.transaction(async (tx) => {
      const found = [];
      const text = 'select length(?) as n union all select 3';
      for await (const { n } of tx.stream(text, [long], { batchSize: 1 })) found.push(n);
      return found;
    });
    expect(lengths).toEqual([long.length, 3]);
    expect(single.stats().created).toBe(1);
  });

  test.each([0, 2])('no more than the %d statements that are kept stay open', async (kept) => {
    const single = await openPool({ kind, max: 1, statementCache: kept });
    const statements = Array.from({ length: 40 }, (_, at) => `select ? as a, ${at} as b`);
    await Promise.all(statements.map((text) => single.query(text, [1])));
    for (const text of statements) await single.query(text, [2]);
    const { rows } = await single.query("show session status like 'Com_stmt_%'");
    const of = (name) => Number(rows.find((row) => row.Variable_name === name).Value);
    // Each was prepared anew for each time it ran. (MySQL counts its own preparations as well.)
    expect(of('Com_stmt_execute')).toBe(2 * statements.length);
    expect(of('Com_stmt_execute') - of('Com_stmt_close')).toBe(kept);
  });

  test('more than the server takes fails alone', async () => {
    const error = await rejection(pool.query('select length(?)', ['x'.repeat(70 * 1024 * 1024)]));
    expect(['ER_NET_PACKET_TOO_LARGE', 'ERR_POLYPOOL_CONNECTION_LOST']).toContain(error.code);
    expect(await one('select 1 as a')).toEqual({ a: 1 });
  });
});
