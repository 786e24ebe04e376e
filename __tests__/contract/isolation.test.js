'use strict';
// Nothing that one borrower leaves on a connection reaches the next one.

const { openPool, observe, rejection, until, unique } = require('../support/pools.js');

/** What a session can carry over, as one row. */
const STATE = `select current_user, session_user, current_schema() as schema,
  current_setting('work_mem') as work_mem, current_setting('timezone') as zone,
  current_setting('datestyle') as datestyle, nullif(current_setting('my.variable', true), '') as variable,
  current_setting('default_transaction_read_only') as read_only,
  pg_current_xact_id_if_assigned()::text as transaction,
  now() = statement_timestamp() as fresh,
  (select count(*)::int from pg_locks where pid = pg_backend_pid() and locktype = 'advisory') as locks,
  (select count(*)::int from pg_listening_channels()) as channels,
  (select count(*)::int from pg_prepared_statements where from_sql) as prepared,
  (select count(*)::int from pg_cursors) as cursors,
  to_regclass('pg_temp.leftover')::text as temporary`;

const stateOf = async (queryable) => (await queryable.query(STATE)).rows[0];

const LEFTOVERS = [
  'begin',
  'start transaction read only',
  'BEGIN; create temp table leftover (a int)',
  "set work_mem = '7MB'",
  "/* hello */ set local work_mem = '7MB'",
  "select set_config('work_mem', '7MB', false)",
  "SELECT SET_CONFIG('my.variable', 'mine', false)",
  "with x as (select set_config('my.variable', 'mine', false)) select * from x",
  'set role nopass',
  'set session authorization default; set my.variable = 1',
  "set timezone = 'Asia/Tokyo'",
  "set datestyle = 'German'",
  'set default_transaction_read_only = on',
  "set search_path = 'pg_catalog'",
  'create temp table leftover (a int)',
  'select 1 as a into temp leftover',
  'create temporary view leftover as select 1 as a',
  'select pg_advisory_lock(4711)',
  'select pg_try_advisory_lock_shared(4711)',
  'listen news',
  'prepare mine as select 1',
  'declare mine cursor with hold for select 1',
  "do $$ begin perform set_config('my.variable', 'mine', false); end $$",
  'begin; select 1 / 0',
  'savepoint nowhere',
];

/** Makes the role that `set role` goes to reachable for the role of the tests. */
beforeAll(() => observe('grant nopass to app'));

describe.each(LEFTOVERS)('%s', (text) => {
  test('through pool.query leaks nothing', async () => {
    const pool = await openPool({ max: 1 });
    const before = await stateOf(pool);
    await pool.query(text).catch((error) => expect(error.name).toBe('DatabaseError'));
    expect(await stateOf(pool)).toEqual(before);
    expect(await pool.use(stateOf)).toEqual(before);
  });

  test('on a lease leaks nothing', async () => {
    const pool = await openPool({ max: 1 });
    const before = await stateOf(pool);
    const connection = await pool.acquire();
    await connection.query(text).catch((error) => expect(error.name).toBe('DatabaseError'));
    await connection.release();
    expect(await stateOf(pool)).toEqual(before);
  });

  test('among concurrent queries reaches none of them', async () => {
    const pool = await openPool({ max: 2 });
    const before = await stateOf(pool);
    const others = [];
    for (let i = 0; i < 20; i++) others.push(stateOf(pool));
    const leaving = pool.query(text).catch((error) => expect(error.name).toBe('DatabaseError'));
    for (let i = 0; i < 20; i++) others.push(stateOf(pool));
    for (const state of await Promise.all(others)) expect(state).toEqual(before);
    await leaving;
    for (let i = 0; i < 4; i++) expect(await stateOf(pool)).toEqual(before);
  });
});

test('what ran after pool.query("begin") is committed at once', async () => {
  const pool = await openPool({ max: 1 });
  const name = unique('t');
  await pool.query('begin');
  await pool.query(`create table ${name} (a int)`);
  await pool.query('rollback');
  expect(await observe('select to_regclass($1)::text as t', [name])).toEqual([{ t: name }]);
});

test('a lease returned inside a transaction is rolled back', async () => {
  const pool = await openPool({ max: 1 });
  const name = unique('t');
  await pool.query(`create table ${name} (a int)`);
  await pool.use(async (connection) => {
    await connection.query('begin');
    await connection.query(`insert into ${name} values (1)`);
  });
  expect((await pool.query(`select * from ${name}`)).rows).toEqual([]);
  const idle = await observe(
    "select count(*)::int as n from pg_stat_activity where usename = 'app' and state like 'idle in%' and query like $1",
    [`%${name}%`],
  );
  expect(idle).toEqual([{ n: 0 }]);
});

test('plain reads and DML cost no reset: prepared statements stay', async () => {
  const pool = await openPool({ max: 1 });
  const name = unique('t');
  await pool.query(`create table ${name} (a int)`);
  for (let i = 0; i < 3; i++) {
    await pool.use(async (connection) => {
      await connection.query(`insert into ${name} values ($1)`, [i]);
      await connection.query(`select * from ${name}`);
    });
  }
  const { rows } = await pool.query(
    'select count(*) as n from pg_prepared_statements where statement like $1',
    [`%${name}%`],
  );
  expect(rows[0].n).toBeGreaterThanOrEqual(2);
});

test("reset 'never' leaves the session to the next borrower, as asked", async () => {
  const pool = await openPool({ max: 1, reset: 'never' });
  await pool.use((connection) => connection.query("set my.variable = 'mine'"));
  const { rows } = await pool.query("select current_setting('my.variable', true) as v");
  expect(rows).toEqual([{ v: 'mine' }]);
});

test("reset 'always' resets after plain reads as well", async () => {
  const pool = await openPool({ max: 1, reset: 'always' });
  for (let i = 0; i < 3; i++) await pool.use((connection) => connection.query('select 1'));
  const { rows } = await pool.query(
    "select count(*) as n from pg_prepared_statements where statement = 'select 1'",
  );
  expect(rows).toEqual([{ n: 0 }]);
});

test('a connection that cannot be reset is closed, and the waiter gets another', async () => {
  const pool = await openPool({ max: 1 });
  const connection = await pool.acquire();
  await connection.query('begin');
  const waiter = pool.acquire();
  await observe('select pg_terminate_backend($1, 5000)', [connection.processId]);
  await connection.release();
  const next = await waiter;
  expect(next.processId).not.toBe(connection.processId);
  await next.release();
});

test('an error inside a lease does not leave the next borrower in a failed transaction', async () => {
  const pool = await openPool({ max: 1 });
  const connection = await pool.acquire();
  await connection.query('begin');
  expect((await rejection(connection.query('select 1 / 0'))).code).toBe('22012');
  await connection.release();
  await until(() => pool.stats().idle === 1);
  expect((await pool.query('select 1 as a')).rows).toEqual([{ a: 1 }]);
});
