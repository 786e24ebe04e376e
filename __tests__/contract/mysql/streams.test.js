'use strict';
// Rows in parts, and LOAD DATA LOCAL, whose file is a stream.

const { Readable } = require('node:stream');
const { pipeline } = require('node:stream/promises');
const { rejection, unique, until } = require('../../support/pools.js');
const { KINDS, openPool } = require('../../support/mysql-pools.js');

describe.each(KINDS)('%s', (kind) => {
  let pool;
  let table;

  beforeEach(async () => {
    pool = await openPool({ kind, max: 2, localInfile: true });
    table = unique('rows');
    await pool.query(`create table ${table} (n int, t varchar(20)) engine = innodb`);
  });

  const load = () => `load data local infile 'rows' into table ${table}`;
  const count = async () => (await pool.query(`select count(*) as n from ${table}`)).rows[0].n;
  const lines = (number) => Array.from({ length: number }, (_, at) => `${at}\tt${at}\n`);
  const fill = (number) => pipeline(Readable.from(lines(number)), pool.copyFrom(load()));

  test('a file is loaded', async () => {
    const writer = pool.copyFrom(load());
    await pipeline(Readable.from(lines(20_000)), writer);
    expect(writer.rowCount).toBe(20_000);
    expect(await count()).toBe(20_000);
  });

  test.each([1, 50_000])('one given up after %d lines leaves nothing behind', async (number) => {
    const writer = pool.copyFrom(load());
    const given = lines(number);
    const source = Readable.from(
      (async function* () {
        yield* given;
        throw new Error('given up');
      })(),
    );
    expect((await rejection(pipeline(source, writer))).message).toBe('given up');
    expect(await count()).toBe(0);
  });

  test('nobody else gives a file, and none of this machine is read', async () => {
    for (const text of [load(), `${load()};`]) {
      const error = await rejection(pool.query(text));
      expect(error.message).toContain('copyFrom()');
    }
    expect(await count()).toBe(0);
    expect((await pool.query('select 1 as a')).rows).toEqual([{ a: 1 }]);
  });

  test('a stream has all rows, within a transaction too', async () => {
    await fill(3000);
    const read = async (queryable, values) => {
      const where = values.length > 0 ? 'where n >= ?' : '';
      let rows = 0;
      const text = `select n, t from ${table} ${where}`;
      for await (const row of queryable.stream(text, values, { batchSize: 70 })) {
        expect(row.t).toBe(`t${row.n}`);
        rows++;
      }
      return rows;
    };
    expect(await read(pool, [])).toBe(3000);
    expect(await read(pool, [1000])).toBe(2000);
    await pool.transaction(async (tx) => {
      expect(await read(tx, [])).toBe(3000);
      expect(await read(tx, [2999])).toBe(1);
    });
  });

  test('a stream that is left costs its transaction nothing', async () => {
    await fill(3000);
    await pool.transaction(async (tx) => {
      let rows = 0;
      for await (const row of tx.stream(`select n from ${table} a join (select 1) b`)) {
        if (row.n >= 0 && ++rows === 50) break;
      }
      await tx.query(`insert into ${table} values (-1, 'after')`);
    });
    expect(await count()).toBe(3001);
  });

  test('a stream that is left stops at the server', async () => {
    await fill(3000);
    const text = `select a.n from ${table} a, ${table} b, ${table} c`;
    for await (const row of pool.stream(text)) if (row.n >= 0) break;
    const running = `select count(*) as n from information_schema.processlist where info = ?`;
    await until(async () => (await pool.query(running, [text])).rows[0].n === 0);
  });

  test('a cursor gives as many rows as it is asked for', async () => {
    await fill(250);
    for (const [where, values] of [
      ['', []],
      ['where n >= ?', [0]],
    ]) {
      const cursor = pool.cursor(`select n from ${table} ${where} order by n`, values);
      const sizes = [];
      for (;;) {
        const rows = await cursor.read(100);
        if (rows.length === 0) break;
        sizes.push(rows.length);
      }
      expect(sizes).toEqual([100, 100, 50]);
      await cursor.close();
    }
  });
});
