'use strict';
// Reads of one text at once, most of them on a connection that others have: each has an answer of its
// own, and nobody loses by another one's error.

const { observe, openPool, rejection, terminateBackend, unique } = require('../support/pools.js');
const { Pool } = require('../../lib/compat/pg');
const { url } = require('../support/urls.js');

const MANY = 200;
const numbers = Array.from({ length: MANY }, (_, n) => n);

/** The pools of both, which run `query(text, values)`. */
const KINDS = {
  'the core API': {
    open: (options) => openPool(options),
    close: () => {},
  },
  'polypool/pg': {
    open: (options) => new Pool({ connectionString: url(), ...options }),
    close: (pool) => pool.end(),
  },
};

describe.each(Object.entries(KINDS))('%s', (_kind, { open, close }) => {
  let pool;
  beforeEach(async () => {
    pool = await open({ max: 2 });
  });
  afterEach(() => close(pool));

  /** Runs a text for all numbers at once, after its first runs have shown that it is short. */
  async function runAll(text, parametersOf = (n) => [n]) {
    for (let n = 1; n < 5; n++) await pool.query(text, parametersOf(n)).catch(() => {});
    return Promise.allSettled(numbers.map((n) => pool.query(text, parametersOf(n))));
  }

  const rowsOf = (outcomes) => outcomes.map(({ value }) => value.rows[0]);

  test('an error is that of its own statement alone', async () => {
    const outcomes = await runAll('select 10 / ($1::int % 7) as n');
    for (const [n, { value, reason }] of outcomes.entries()) {
      if (n % 7 === 0) expect(reason.code).toBe('22012');
      else expect(value.rows).toEqual([{ n: Math.floor(10 / (n % 7)) }]);
    }
  });

  test('all fail where all have to', async () => {
    const outcomes = await runAll('select $1::int / 0 as n');
    expect(outcomes.map(({ reason }) => reason.code)).toEqual(numbers.map(() => '22012'));
  });

  test('what a function wrote is not lost by an error of the next one', async () => {
    const [table, note] = [unique('noted'), unique('note')];
    await pool.query(`create table ${table} (n int)`);
    await pool.query(`create function ${note}(n int) returns int language plpgsql as
      $$ begin insert into ${table} values (n); return 10 / (n % 5); end $$`);
    const outcomes = await runAll(`select ${note}($1) as n`, (n) => [n + 1000]);
    const done = numbers.filter((n) => outcomes[n].status === 'fulfilled').map((n) => n + 1000);
    expect(done).toHaveLength((MANY * 4) / 5);
    const rows = await observe(`select distinct n from ${table} order by n`);
    expect(rows.map(({ n }) => n)).toEqual(expect.arrayContaining(done));
  });

  test('what a view wrote is not lost by an error of the next read', async () => {
    const [table, view, note] = [unique('noted'), unique('audited'), unique('note')];
    await pool.query(`create table ${table} (n int)`);
    await pool.query(`create function ${note}(n int) returns int language plpgsql volatile as
      $$ begin insert into ${table} values (n); return n; end $$`);
    await pool.query(`create view ${view} as select ${note}(n) as n from generate_series(1, 10) n`);
    const text = `select n, 10 / (n - 6 * $1::int) as one from ${view} where n = 6`;
    const outcomes = await runAll(text, (n) => [n % 5 === 0 ? 1 : 0]);
    const done = outcomes.filter(({ status }) => status === 'fulfilled');
    expect(done).toHaveLength((MANY * 4) / 5);
    const [{ count }] = await observe(`select count(*)::int from ${table} where n = 6`);
    expect(count).toBeGreaterThanOrEqual(done.length);
  });

  test('a table that changes meanwhile is read as it then is', async () => {
    const table = unique('changing');
    await pool.query(`create table ${table} (id int primary key)`);
    await pool.query(`insert into ${table} select generate_series(0, ${MANY - 1})`);
    const text = `select * from ${table} where id = $1`;
    const before = rowsOf(await runAll(text));
    expect(before).toEqual(numbers.map((id) => ({ id })));
    await observe(`alter table ${table} add column more int default 7`);
    const after = rowsOf(await runAll(text));
    expect(after).toEqual(numbers.map((id) => ({ id, more: 7 })));
  });

  test('each has been answered when the connection is lost, or is told', async () => {
    const text = 'select $1::int as n, pg_backend_pid() as pid';
    const [{ pid }] = rowsOf(await runAll(text));
    pool.on?.('error', () => {});
    const pending = Promise.allSettled(numbers.map((n) => pool.query(text, [n])));
    await terminateBackend(pid);
    for (const [n, { value, reason }] of (await pending).entries()) {
      if (reason === undefined) expect(value.rows[0].n).toBe(n);
      else expect(reason).toBeInstanceOf(Error);
    }
  });
});

test('one that is aborted leaves the others their answers', async () => {
  const pool = await openPool({ max: 1 });
  const text = 'select $1::int as n';
  for (const n of numbers) await pool.query(text, [n]);
  const controllers = numbers.map(() => new AbortController());
  const pending = numbers.map((n) => pool.query(text, [n], { signal: controllers[n].signal }));
  const outcomes = Promise.allSettled(pending);
  await Promise.resolve();
  for (const n of numbers) if (n % 3 === 0) controllers[n].abort();
  for (const [n, { status, value }] of (await outcomes).entries()) {
    if (status === 'fulfilled') expect(value.rows).toEqual([{ n }]);
    else expect(n % 3).toBe(0);
  }
  expect((await rejection(pending[0])).name).toBe('AbortError');
});
