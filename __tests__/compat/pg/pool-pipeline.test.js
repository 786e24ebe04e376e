'use strict';
// Pools of clients in pipeline mode: the same answers, whoever's connection they come over.

const { rejection, unique } = require('../../support/pools.js');
const { IMPLEMENTATIONS } = require('./implementations.js');
const { counters, openPool } = require('./pools.js');

describe.each(IMPLEMENTATIONS)('%s', (name, load) => {
  const open = (options) => openPool(load(), { pipeline: true, max: 3, ...options });

  test('each query has its own answer', async () => {
    const pool = open();
    const asked = Array.from({ length: 500 }, (_, n) => {
      const text = 'select $1::int as n, pg_backend_pid() as pid';
      return pool.query(n % 2 === 0 ? { text, values: [n] } : { name: 'own', text, values: [n] });
    });
    const answers = (await Promise.all(asked)).map(({ rows }) => rows[0]);
    expect(answers.map(({ n }) => n)).toEqual(answers.map((_, n) => n));
    expect(new Set(answers.map(({ pid }) => pid)).size).toBeLessThanOrEqual(3);
    expect(counters(pool)).toBe('total 3 idle 3 waiting 0 expired 0');
  });

  test('errors are those of their query alone, and cost its client', async () => {
    const pool = open();
    const asked = Array.from({ length: 60 }, (_, n) =>
      pool.query(n % 7 === 3 ? `select broken_${n}` : `select ${n} as n`),
    );
    const outcomes = await Promise.allSettled(asked);
    outcomes.forEach(({ status, value, reason }, n) => {
      if (n % 7 === 3) expect(reason.message).toContain(`broken_${n}`);
      else expect([status, value.rows]).toEqual(['fulfilled', [{ n }]]);
    });
    expect((await pool.query('select 1 as n')).rows).toEqual([{ n: 1 }]);
  });

  test('each is run once', async () => {
    const pool = open();
    const table = unique('once');
    await pool.query(`create table ${table} (n int primary key)`);
    try {
      const insert = (n) => pool.query(`insert into ${table} values ($1)`, [n]);
      await Promise.all(Array.from({ length: 200 }, (_, n) => insert(n)));
      const { rows } = await pool.query(`select count(*)::int as n from ${table}`);
      expect(rows).toEqual([{ n: 200 }]);
    } finally {
      await pool.query(`drop table ${table}`);
    }
  });

  test('events and counters are those of queries one by one', async () => {
    const pool = open({ max: 2 });
    const seen = { connect: 0, acquire: 0, release: 0 };
    for (const event of Object.keys(seen)) pool.on(event, () => seen[event]++);
    const asked = Array.from({ length: 20 }, () => pool.query('select 1'));
    expect(pool.waitingCount).toBe(18);
    await Promise.all(asked);
    expect(seen).toEqual({ connect: 2, acquire: 20, release: 20 });
  });

  test('clients that somebody holds have nothing else on their wire', async () => {
    const pool = open({ max: 1 });
    const client = await pool.connect();
    const waiting = pool.query('select 2 as n');
    await client.query('select 1');
    expect([client._sentQueryQueue.length, pool.waitingCount]).toEqual([0, 1]);
    client.release();
    expect((await waiting).rows).toEqual([{ n: 2 }]);
  });

  test('the end waits for all of them', async () => {
    const pool = open();
    const asked = Array.from({ length: 30 }, (_, n) => pool.query('select $1::int as n', [n]));
    await asked[0];
    const all = Promise.all(asked);
    if (name === 'pg') await all; // it leaves those who wait for ever
    await pool.end();
    expect((await all).map(({ rows }) => rows[0].n)).toEqual(asked.map((_, n) => n));
  });

  test('all connections are lost in the middle', async () => {
    const pool = open({ application_name: unique('piped') });
    await Promise.all([1, 2, 3].map(() => pool.query('select 1')));
    const end =
      'select pg_terminate_backend(pid) from pg_stat_activity ' +
      "where application_name = current_setting('application_name')";
    const asked = Array.from({ length: 60 }, (_, n) => pool.query(n === 30 ? end : 'select 1'));
    await Promise.allSettled(asked);
    expect((await pool.query('select 5 as n')).rows).toEqual([{ n: 5 }]);
    expect(pool.waitingCount).toBe(0);
  });

  test('a query that is refused before it is sent', async () => {
    const pool = open({ max: 1 });
    const first = pool.query('select pg_sleep(0.1)');
    expect((await rejection(pool.query({}))).message).toContain('either text or a name');
    await first;
    expect((await pool.query('select 1 as n')).rows).toEqual([{ n: 1 }]);
  });
});
