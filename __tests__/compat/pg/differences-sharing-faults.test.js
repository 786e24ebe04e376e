'use strict';
// What may not come of it that queries of a pool share its clients: waiting for locks that are
// nothing to them, another order, what is done twice.

const { rejection, unique } = require('../../support/pools.js');
const { url } = require('../../support/urls.js');
const { openPool } = require('./pools.js');

const load = () => require('../../../lib/compat/pg');
const open = (options) => openPool(load(), options);

const READ = 'select $1::int as n';

/** Often enough to be known as short, on a busy machine too. */
async function warm(pool, text, values = [1]) {
  const { paceOf } = require('../../../lib/session');
  while (paceOf(text) === undefined) await pool.query(text, values);
}

/** All of its clients are there, and idle. */
const fill = (pool) =>
  Promise.all(Array.from({ length: pool.options.max }, () => pool.query(READ, [0])));

/** Two rows, and somebody outside of the pool who may lock them. */
async function withTable(run) {
  const owner = new (load().Client)({ connectionString: url({ role: 'nopass' }) });
  await owner.connect();
  const table = unique('shared');
  await owner.query(`create table ${table} (id int primary key, n int)`);
  try {
    await owner.query(`insert into ${table} values (1, 0), (2, 0)`);
    await run({
      owner,
      table,
      update: `update ${table} set n = n + 1 where id = $1`,
      select: `select n from ${table} where id = $1`,
    });
  } finally {
    await owner.query('rollback');
    await owner.query(`drop table ${table}`);
    await owner.end();
  }
}

describe('whoever has locked something outside of the pool may wait', () => {
  /** What is blocked, what is asked for behind it, and how the owner of the lock locks. */
  const cases = [
    ['for a read, behind a write that waits for the lock', 'update', READ],
    ['for a write, behind a write that waits for the lock', 'update', 'update'],
    ['for a read, behind a read that waits for the lock', 'select', READ],
  ];
  test.each(cases)('%s', (_name, blocked, asked) =>
    withTable(async ({ owner, table, update, select }) => {
      const texts = { update, select, [READ]: READ };
      const pool = open({ max: 2 });
      await warm(pool, READ);
      await warm(pool, update, [2]);
      await warm(pool, select, [2]);
      await fill(pool);
      await owner.query('begin');
      if (blocked === 'select') await owner.query(`lock table ${table} in access exclusive mode`);
      else await owner.query(update, [1]);
      const waiting = pool.query(texts[blocked], [1]);
      await Promise.all(Array.from({ length: 8 }, () => pool.query(texts[asked], [2])));
      await owner.query('commit');
      await waiting;
    }),
  );

  test('for a client whose wire a read is on that waits for the lock', () =>
    withTable(async ({ owner, table, select }) => {
      const pool = open({ max: 2 });
      await warm(pool, READ);
      await warm(pool, select, [2]);
      await fill(pool);
      await owner.query('begin');
      await owner.query(`lock table ${table} in access exclusive mode`);
      // The third goes over the client of the first or second, and is the next to get one.
      const asked = [pool.query(READ, [1]), pool.query(READ, [2]), pool.query(select, [1])];
      const client = await pool.connect();
      expect((await client.query(READ, [3])).rows).toEqual([{ n: 3 }]);
      await owner.query('commit');
      client.release();
      await Promise.all(asked);
    }));
});

test('a query that waits for a client is refused after connectionTimeoutMillis', () =>
  withTable(async ({ owner, table, select }) => {
    const pool = open({ max: 1, connectionTimeoutMillis: 1_500 });
    await warm(pool, READ);
    await warm(pool, select, [2]);
    await owner.query('begin');
    await owner.query(`lock table ${table} in access exclusive mode`);
    const waiting = pool.query(select, [1]);
    const { message } = await rejection(pool.query(READ, [1]));
    expect(message).toBe('timeout exceeded when trying to connect');
    await owner.query('commit');
    await waiting;
  }));

describe('of a single client the order is that of the calls', () => {
  test.each([
    ['a write', (pool, table) => pool.query(`insert into ${table} values (3, 0)`)],
    [
      'what somebody does who has the client',
      async (pool, table) => {
        const client = await pool.connect();
        await client.query(`insert into ${table} values (3, 0)`);
        client.release();
      },
    ],
  ])('%s comes before a read that was asked for after it', (_name, write) =>
    withTable(async ({ table }) => {
      const pool = open({ max: 1 });
      const count = `select count(*)::int as n from ${table}`;
      await warm(pool, READ);
      await warm(pool, count, []);
      const first = pool.query(READ, [1]);
      const written = write(pool, table);
      expect((await pool.query(count)).rows).toEqual([{ n: 3 }]);
      await Promise.all([first, written]);
    }),
  );
});

test('what takes long for once keeps nobody waiting', () =>
  withTable(async ({ owner, table, select }) => {
    const pool = open({ max: 2 });
    await warm(pool, select, [1]);
    await warm(pool, READ);
    await fill(pool);
    await owner.query('begin');
    await owner.query(`lock table ${table} in access exclusive mode`);
    const slow = pool.query(select, [1]);
    const quick = Array.from({ length: 40 }, (_, n) => pool.query(READ, [n]));
    expect((await Promise.all(quick)).map(({ rows }) => rows[0].n)).toEqual(quick.map((_, n) => n));
    await owner.query('commit');
    await slow;
  }));

test('those who listen to a client hear the same of it', async () => {
  const pool = open({ max: 2 });
  let drained = 0;
  pool.on('connect', (client) => client.on('drain', () => drained++));
  await warm(pool, READ);
  await fill(pool);
  drained = 0;
  await Promise.all(Array.from({ length: 20 }, (_, n) => pool.query(READ, [n])));
  expect(drained).toBe(2);
});
