'use strict';
// PgBouncer in transaction mode: 1.18, which keeps no prepared statements, and 1.26, which does.

const { Readable } = require('node:stream');
const { text } = require('node:stream/consumers');
const { pipeline } = require('node:stream/promises');
const { PgBouncer } = require('../support/pgbouncer.js');
const { load, rejection, track, unique } = require('../support/pools.js');
const { testServer, url } = require('../support/urls.js');

/** What the README tells users of each. */
const KINDS = [
  ['old', {}, { statementCache: 0 }],
  ['old', { ignore_startup_parameters: 'extra_float_digits,IntervalStyle' }, { statementCache: 0 }],
  ['new', { max_prepared_statements: 100 }, {}],
  ['new', { max_prepared_statements: 0 }, { statementCache: 0 }],
];

describe.each(KINDS)('%s, %j, pool %j', (age, settings, options) => {
  let bouncer;
  beforeAll(async () => {
    bouncer = await PgBouncer.start(testServer(), age, settings);
  }, 300_000);
  afterAll(() => bouncer?.stop());

  const openPool = async (more = {}) =>
    track(await load().createPool(url({ port: bouncer.port }), { ...options, ...more }));

  test('65 users over three connections of the server: each has its own answer', async () => {
    const pool = await openPool();
    const worker = async (id) => {
      for (let round = 0; round < 40; round++) {
        const text = `select $1::int4 as id, $2::text as who, ${round % 7} as round`;
        const { rows } = await pool.query(text, [id, `wër ${id}/${round}`]);
        expect(rows).toEqual([{ id, who: `wër ${id}/${round}`, round: round % 7 }]);
      }
    };
    await Promise.all(Array.from({ length: 65 }, (_, id) => worker(id)));
  });

  test('two pools with the same numbers for other texts never run each other\u2019s', async () => {
    const [one, two] = await Promise.all([openPool({ max: 4 }), openPool({ max: 4 })]);
    const run = async (pool, offset) => {
      for (let round = 0; round < 60; round++) {
        const number = offset + (round % 6);
        const { rows } = await pool.query(`select ${number} as number where $1`, [true]);
        expect(rows).toEqual([{ number }]);
      }
    };
    const both = [run(one, 0), run(two, 100), run(one, 200), run(two, 300)];
    await Promise.all(both);
  });

  test('transactions keep together what belongs together', async () => {
    const pool = await openPool();
    const table = unique('bounced');
    await pool.query(`create table ${table} (id int4 primary key, value int4)`);
    await pool.query(`insert into ${table} select i, 0 from generate_series(1, 5) i`);
    const add = (id) =>
      pool.transaction(async (tx) => {
        const { rows } = await tx.query(`select value from ${table} where id = $1 for update`, [
          id,
        ]);
        await tx.query(`update ${table} set value = $1 where id = $2`, [rows[0].value + 1, id]);
      });
    await Promise.all(Array.from({ length: 100 }, (_, i) => add(1 + (i % 5))));
    const failed = await rejection(
      pool.transaction(async (tx) => {
        await tx.query(`update ${table} set value = 0`);
        await tx.query('select 1 / 0');
      }),
    );
    expect(failed.code).toBe('22012');
    const { rows } = await pool.query(`select distinct value from ${table}`);
    expect(rows).toEqual([{ value: 20 }]);
    await pool.query(`drop table ${table}`);
  });

  test('every type reads the same at the first, second and third run', async () => {
    const pool = await openPool({ max: 2 });
    const text = `select $1::int4 as i, 1.5::float8 as f, 0.1::float4 as r, '{1,2}'::int[] as l,
      '2026-01-02 03:04:05.678+00'::timestamptz as at, '\\x01'::bytea as b,
      '{"a":1}'::jsonb as j, '1 day 2 hours'::interval as v, 12.50::numeric as n`;
    const results = [];
    for (let run = 0; run < 3; run++) results.push((await pool.query(text, [7])).rows);
    expect(results[0][0]).toMatchObject({ i: 7, f: 1.5, l: [1, 2], j: { a: 1 }, n: '12.50' });
    expect(results[1]).toEqual(results[0]);
    expect(results[2]).toEqual(results[0]);
  });

  test('abort and timeout cancel the statement; the pool goes on', async () => {
    const pool = await openPool({ max: 2 });
    const late = await rejection(pool.query('select pg_sleep(30)', [], { timeoutMs: 200 }));
    expect(late.code).toBe('ERR_POLYPOOL_QUERY_TIMEOUT');
    const { rows } = await pool.query('select 1 as one');
    expect(rows).toEqual([{ one: 1 }]);
  });

  test('COPY in and out, and a pool that goes on', async () => {
    const pool = await openPool({ max: 2 });
    const table = unique('copied');
    await pool.query(`create table ${table} (id int4, word text)`);
    const lines = Array.from({ length: 5000 }, (_, i) => `${i}\tword ${i}\n`);
    const writer = pool.copyFrom(`copy ${table} from stdin`);
    await pipeline(Readable.from(lines), writer);
    expect(writer.rowCount).toBe(5000);
    const copied = await text(pool.copyTo(`copy (select * from ${table} order by id) to stdout`));
    expect(copied).toBe(lines.join(''));
    const broken = pool.copyFrom(`copy ${table} from stdin`);
    const failed = await rejection(pipeline(Readable.from(['no number\tword\n']), broken));
    expect(failed.code).toBe('22P02');
    const { rows } = await pool.query(`select count(*)::int4 as n from ${table}`);
    expect(rows).toEqual([{ n: 5000 }]);
    await pool.query(`drop table ${table}`);
  });

  test('streams read to the end', async () => {
    const pool = await openPool();
    let sum = 0;
    const rows = pool.stream('select i from generate_series(1, $1::int4) i', [20_000]);
    for await (const { i } of rows) sum += i;
    expect(sum).toBe((20_000 * 20_001) / 2);
  });
});

describe('an old one with prepared statements', () => {
  let bouncer;
  beforeAll(async () => {
    bouncer = await PgBouncer.start(testServer(), 'old');
  }, 300_000);
  afterAll(() => bouncer?.stop());

  const openPool = async () => track(await load().createPool(url({ port: bouncer.port })));

  /** Other clients of the same PgBouncer, so that ours changes its connection of the server. */
  const jostle = (pools) =>
    Promise.all(pools.map((pool) => pool.query('select pg_sleep(0.02)', [])));

  test('a lost statement is prepared again; no wrong answer comes', async () => {
    const pools = await Promise.all(Array.from({ length: 6 }, openPool));
    for (let round = 0; round < 20; round++) {
      const runs = pools.map(async (pool, at) => {
        const { rows } = await pool.query(`select ${at} as pool, $1::int4 as round`, [round]);
        expect(rows).toEqual([{ pool: at, round }]);
      });
      await Promise.all([...runs, jostle(pools)]);
    }
  });

  test('in a transaction the error names the option', async () => {
    const pool = await openPool();
    const others = await Promise.all(Array.from({ length: 6 }, openPool));
    const lose = async () => {
      for (let round = 0; round < 200; round++) {
        await Promise.all([
          pool.transaction(async (tx) => {
            await tx.query('select $1::int4', [round]);
            await tx.query('select $1::int4', [round]);
          }),
          jostle(others),
        ]);
      }
    };
    const error = await rejection(lose());
    expect(error.code).toBe('26000');
    expect(error.hint).toContain("'statementCache'");
  });
});
