'use strict';
// Many users at once, some of whom give up, and locks that others wait for.

const { setTimeout: delay } = require('node:timers/promises');
const { openPool, lazyPool, observe, rejection, until, unique } = require('../support/pools.js');
const { generator, seed } = require('../support/random.js');

test('20,000 concurrent queries each get their own answer', async () => {
  const pool = await openPool({ max: 10 });
  const queries = Array.from({ length: 20_000 }, (_, i) =>
    i % 3 === 0
      ? pool.query('select $1::int as n', [i])
      : i % 3 === 1
        ? pool.query('select $1::text as n, $2::jsonb as j', [`#${i}`, { i }])
        : pool.query(`select $1::int8 as n, repeat('é', $2::int) as s`, [i, i % 50]),
  );
  const results = await Promise.all(queries);
  const wrong = results.findIndex(({ rows: [row] }, i) =>
    i % 3 === 0
      ? row.n !== i
      : i % 3 === 1
        ? row.n !== `#${i}` || row.j.i !== i
        : row.n !== i || row.s !== 'é'.repeat(i % 50),
  );
  expect(results[wrong]?.rows).toBeUndefined();
  expect(pool.stats()).toMatchObject({ inUse: 0, waiting: 0 });
  expect(pool.stats().total).toBeLessThanOrEqual(10);
});

test('65 users of whom one request in a hundred gives up: nobody else sees a cancel', async () => {
  const pool = await openPool({ max: 10 });
  const random = generator();
  const counts = { answered: 0, gaveUp: 0 };
  const user = async (id) => {
    for (let i = 0; i < 150; i++) {
      const who = `${id}/${i}`;
      if (random() < 0.01) {
        const error = await rejection(
          pool.query('select $1::text as who, pg_sleep(30)', [who], {
            timeoutMs: 1 + random() * 20,
          }),
        );
        expect([seed, error.code]).toEqual([seed, 'ERR_POLYPOOL_QUERY_TIMEOUT']);
        counts.gaveUp += 1;
      } else {
        // Throws on any error: a stray cancel would be 57014.
        const { rows } = await pool.query('select $1::text as who', [who]);
        expect([seed, rows[0].who]).toEqual([seed, who]);
        counts.answered += 1;
      }
    }
  };
  await Promise.all(Array.from({ length: 65 }, (_, id) => user(id)));
  expect(counts.answered + counts.gaveUp).toBe(65 * 150);
  expect(counts.gaveUp).toBeGreaterThan(0);
  await until(() => pool.stats().inUse === 0);
  expect((await pool.query('select 1 as a')).rows).toEqual([{ a: 1 }]);
});

test('the same with leases, transactions, streams and signals', async () => {
  const pool = await openPool({ max: 10 });
  const random = generator(seed + 1);
  const name = unique('t');
  await pool.query(`create table ${name} as select i as id, 0 as n from generate_series(1, 65) i`);
  const ways = [
    (who) => pool.query('select $1::text as who', [who]).then(({ rows }) => rows[0].who),
    (who) =>
      pool.use(async (connection) => {
        const queries = [1, 2, 3].map(() => connection.query('select $1::text as who', [who]));
        return (await Promise.all(queries))[2].rows[0].who;
      }),
    (who, id) =>
      pool.transaction(async (tx) => {
        await tx.query(`update ${name} set n = n + 1 where id = $1`, [id + 1]);
        return (await tx.query('select $1::text as who', [who])).rows[0].who;
      }),
    async (who) => {
      const text = 'select $1::text as who, i from generate_series(1, 50) i';
      for await (const row of pool.stream(text, [who], { batchSize: 10 })) {
        if (row.i === 30) return row.who;
      }
    },
  ];
  const user = async (id) => {
    for (let i = 0; i < 40; i++) {
      const who = `${id}/${i}`;
      if (random() < 0.03) {
        const signal = AbortSignal.timeout(1 + Math.floor(random() * 15));
        const error = await rejection(
          pool.query('select $1::text, pg_sleep(30)', [who], { signal }),
        );
        expect([seed, error.code]).toEqual([seed, 'ERR_POLYPOOL_ABORTED']);
      } else {
        expect([seed, await ways[i % ways.length](who, id)]).toEqual([seed, who]);
      }
    }
  };
  await Promise.all(Array.from({ length: 65 }, (_, id) => user(id)));
  await until(() => pool.stats().inUse === 0);
  expect(pool.stats().waiting).toBe(0);
});

/** Statements that wait for a lock held by a lease of the same pool. */
const BLOCKED = {
  update: (name) => `update ${name} set n = n + 1 where id = 1`,
  delete: (name) => `delete from ${name} where id = 1 and n < 0`,
  'insert of the same key': (name) => `insert into ${name} values (3, 0) on conflict do nothing`,
  'select for update': (name) => `select * from ${name} where id = 1 for update`,
  'with a writing part': (name) =>
    `with x as (update ${name} set n = n where id = 1 returning n) select * from x`,
  'advisory lock': () => 'select pg_advisory_xact_lock(4712)',
};

describe.each(Object.keys(BLOCKED))('behind a blocked %s', (kind) => {
  async function scenario(warm) {
    // Two connections besides the lease: one will block, the other must serve the rest.
    const pool = await openPool({ max: 3 });
    const name = unique('t');
    await pool.query(`create table ${name} (id int primary key, n int)`);
    await pool.query(`insert into ${name} values (1, 0), (2, 0)`);
    const text = BLOCKED[kind](name);
    // Known to be short from here on, so that only its kind speaks against sharing.
    if (warm) for (let i = 0; i < 40; i++) await pool.query(text);
    if (kind.startsWith('insert')) await pool.query(`delete from ${name} where id = 3`);
    return { pool, name, text };
  }

  async function lockAll(lease, name) {
    await lease.query('begin');
    await lease.query(`update ${name} set n = n + 1 where id = 1`);
    await lease.query(`insert into ${name} values (3, 0)`);
    await lease.query('select pg_advisory_xact_lock(4712)');
  }

  test.each([false, true])(
    'the owner’s own queries are answered (statement known: %p)',
    async (warm) => {
      const { pool, name, text } = await scenario(warm);
      const lease = await pool.acquire();
      await lockAll(lease, name);
      const blocked = pool.query(text);
      // In the same tick, so that they could be put behind it on the same wire.
      const queries = Array.from({ length: 60 }, (_, i) => pool.query('select $1::int as n', [i]));
      const results = await Promise.all(queries);
      expect(results.map(({ rows }) => rows[0].n)).toEqual(results.map((_, i) => i));
      await lease.query('commit');
      await lease.release();
      await blocked;
    },
  );

  test('the same inside a transaction callback', async () => {
    const { pool, name, text } = await scenario(true);
    let blocked;
    await pool.transaction(async (tx) => {
      await tx.query(`update ${name} set n = n + 1 where id = 1`);
      await tx.query(`insert into ${name} values (3, 0)`);
      await tx.query('select pg_advisory_xact_lock(4712)');
      blocked = pool.query(text);
      await Promise.all(Array.from({ length: 60 }, () => pool.query('select 1')));
    });
    await blocked;
  });
});

test('updates that were shared before a lease was taken do not deadlock with it', async () => {
  const pool = await openPool({ max: 3 });
  const name = unique('t');
  await pool.query(`create table ${name} as select i as id, 0 as n from generate_series(1, 4) i`);
  for (let round = 0; round < 20; round++) {
    const updates = Array.from({ length: 60 }, (_, i) =>
      pool.query(`update ${name} set n = n + 1 where id = $1`, [(i % 4) + 1]),
    );
    const leases = Array.from({ length: 4 }, () =>
      pool.transaction(async (tx) => {
        await tx.query(`update ${name} set n = n + 1 where id = 1`);
        await tx.query(`update ${name} set n = n + 1 where id = 2`);
      }),
    );
    await Promise.all([...updates, ...leases]);
  }
  const { rows } = await pool.query(`select sum(n) as n from ${name}`);
  expect(rows).toEqual([{ n: 20 * (60 + 8) }]);
});

test('lease waiters are not starved by a flood of queries', async () => {
  const pool = await openPool({ max: 2 });
  let flooding = true;
  const flood = Array.from({ length: 65 }, async () => {
    while (flooding) await pool.query('select 1');
  });
  for (let i = 0; i < 50; i++) await pool.use((connection) => connection.query('select 2'));
  flooding = false;
  await Promise.all(flood);
});

test('queries are not starved by a flood of leases', async () => {
  const pool = await openPool({ max: 2 });
  let flooding = true;
  const flood = Array.from({ length: 65 }, async () => {
    while (flooding) await pool.use((connection) => connection.query('select 2'));
  });
  for (let i = 0; i < 50; i++) await pool.query('select 1');
  flooding = false;
  await Promise.all(flood);
});

test('short queries overtake long ones: nothing queues behind a report', async () => {
  const pool = await openPool({ max: 3 });
  const reports = [1, 2].map(() =>
    pool.query('select pg_sleep(1.5), $1::text as name', ['report']),
  );
  await delay(30);
  let answered = 0;
  const short = Array.from({ length: 200 }, () => pool.query('select 1').then(() => answered++));
  await Promise.race([Promise.all(short), ...reports]);
  expect(answered).toBe(200);
  await Promise.all(reports);
});

test('connecting in a storm opens no more than max', async () => {
  const applicationName = unique('app');
  const pool = lazyPool({ max: 6, applicationName });
  const results = await Promise.all(
    Array.from({ length: 2000 }, (_, i) => pool.query('select $1::int as n', [i])),
  );
  expect(results.map(({ rows }) => rows[0].n)).toEqual(results.map((_, i) => i));
  const [{ n }] = await observe(
    'select count(*)::int as n from pg_stat_activity where application_name = $1',
    [applicationName],
  );
  expect(n).toBeLessThanOrEqual(6);
  expect(pool.stats().created).toBeLessThanOrEqual(6);
});
