'use strict';

const {
  load,
  openPool,
  observe,
  rejection,
  until,
  deferred,
  unique,
} = require('../support/pools.js');
const { Proxy } = require('../support/proxy.js');
const { testServer } = require('../support/urls.js');

async function poolWithTable(options) {
  const pool = await openPool({ max: 4, ...options });
  const name = unique('t');
  await pool.query(`create table ${name} (id int primary key, n int not null)`);
  await pool.query(`insert into ${name} values (1, 0), (2, 0)`);
  const numbers = async () =>
    (await pool.query(`select n from ${name} order by id`)).rows.map(({ n }) => n);
  return { pool, name, numbers };
}

test('what the callback resolves to is the result, and it is committed', async () => {
  const { pool, name, numbers } = await poolWithTable();
  const result = await pool.transaction(async (tx) => {
    await tx.query(`update ${name} set n = 1 where id = 1`);
    expect(await numbers()).toEqual([0, 0]);
    return 'done';
  });
  expect(result).toBe('done');
  expect(await numbers()).toEqual([1, 0]);
});

test.each([
  ['throws', () => { throw new RangeError('mine'); }], // prettier-ignore
  ['rejects', () => Promise.reject(new RangeError('mine'))],
])('a callback that %s rolls back and its error comes through', async (how, fail) => {
  const { pool, name, numbers } = await poolWithTable();
  const error = await rejection(
    pool.transaction(async (tx) => {
      await tx.query(`update ${name} set n = 1`);
      return fail();
    }),
  );
  expect(error).toBeInstanceOf(RangeError);
  expect(await numbers()).toEqual([0, 0]);
});

test('an error of the server, caught or not, never commits half of a transaction', async () => {
  const { pool, name, numbers } = await poolWithTable();
  const error = await rejection(
    pool.transaction(async (tx) => {
      await tx.query(`update ${name} set n = 1`);
      await tx.query('select 1 / 0').catch(() => {});
      return 'looks fine';
    }),
  );
  expect(error).toBeInstanceOf(Error);
  expect(await numbers()).toEqual([0, 0]);
});

test('the transaction is stale once the callback has settled', async () => {
  const { pool } = await poolWithTable();
  let kept;
  await pool.transaction((tx) => {
    kept = tx;
  });
  expect(await rejection(kept.query('select 1'))).toMatchObject({
    code: 'ERR_POLYPOOL_STALE_CONNECTION',
  });
});

test('a nested transaction is a savepoint: only its own work is undone', async () => {
  const { pool, name, numbers } = await poolWithTable();
  await pool.transaction(async (tx) => {
    await tx.query(`update ${name} set n = 1 where id = 1`);
    const error = await rejection(
      tx.transaction(async (inner) => {
        await inner.query(`update ${name} set n = 2`);
        await inner.query('select 1 / 0');
      }),
    );
    expect(error.code).toBe('22012');
    await tx.transaction(async (inner) => {
      await inner.query(`update ${name} set n = 3 where id = 2`);
      await inner.transaction((deepest) =>
        deepest.query(`update ${name} set n = n + 1 where id = 2`),
      );
    });
  });
  expect(await numbers()).toEqual([1, 4]);
});

test('savepoints of a rolled back transaction are gone with it', async () => {
  const { pool, name, numbers } = await poolWithTable();
  await rejection(
    pool.transaction(async (tx) => {
      await tx.transaction((inner) => inner.query(`update ${name} set n = 5`));
      throw new Error('no');
    }),
  );
  expect(await numbers()).toEqual([0, 0]);
});

test.each(['read uncommitted', 'read committed', 'repeatable read', 'serializable'])(
  'isolation %s reaches the server, for this transaction only',
  async (isolation) => {
    const { pool } = await poolWithTable({ max: 1 });
    const show = async (queryable) =>
      (await queryable.query("select current_setting('transaction_isolation') as i")).rows[0].i;
    expect(await pool.transaction(show, { isolation })).toBe(isolation);
    expect(await show(pool)).toBe('read committed');
  },
);

test('readOnly refuses writes, for this transaction only', async () => {
  const { pool, name, numbers } = await poolWithTable({ max: 1 });
  const write = (tx) => tx.query(`update ${name} set n = 1`);
  const error = await rejection(pool.transaction(write, { readOnly: true }));
  expect(error.code).toBe('25006');
  await pool.transaction(write);
  expect(await numbers()).toEqual([1, 1]);
});

test('deferrable goes with serializable and readOnly', async () => {
  const { pool } = await poolWithTable({ max: 1 });
  const options = { isolation: 'serializable', readOnly: true, deferrable: true };
  const { rows } = await pool.transaction(
    (tx) => tx.query("select current_setting('transaction_deferrable') as d"),
    options,
  );
  expect(rows).toEqual([{ d: 'on' }]);
});

test('transaction works on a leased connection as well', async () => {
  const { pool, name, numbers } = await poolWithTable({ max: 1 });
  await pool.use(async (connection) => {
    await connection.transaction((tx) => tx.query(`update ${name} set n = 1 where id = 1`));
    await rejection(
      connection.transaction(async (tx) => {
        await tx.query(`update ${name} set n = 9`);
        throw new Error('no');
      }),
    );
    expect((await connection.query('select 1 as a')).rows).toEqual([{ a: 1 }]);
  });
  expect(await numbers()).toEqual([1, 0]);
});

/** Makes two transactions fail each other: both read, then both write what the other read. */
async function conflict(pool, name, options) {
  const bothRead = deferred();
  let readers = 0;
  let runs = 0;
  const one = (mine, theirs) =>
    pool.transaction(
      async (tx) => {
        runs += 1;
        await tx.query(`select n from ${name} where id = $1`, [theirs]);
        if (++readers >= 2) bothRead.resolve();
        await bothRead.promise;
        await tx.query(`update ${name} set n = n + 1 where id = $1`, [mine]);
      },
      { isolation: 'serializable', ...options },
    );
  const outcomes = await Promise.allSettled([one(1, 2), one(2, 1)]);
  return { outcomes, runs: () => runs };
}

test('a serialization failure is the caller’s without retries', async () => {
  const { pool, name } = await poolWithTable();
  const { outcomes, runs } = await conflict(pool, name, {});
  expect(outcomes.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
  expect(outcomes.find(({ reason }) => reason).reason.code).toBe('40001');
  expect(runs()).toBe(2);
});

test('with retries the callback runs again until it gets through', async () => {
  const { pool, name, numbers } = await poolWithTable();
  const { outcomes, runs } = await conflict(pool, name, { retries: 5 });
  expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled']);
  expect(runs()).toBeGreaterThanOrEqual(3);
  expect(await numbers()).toEqual([1, 1]);
});

test('a deadlock is retried too', async () => {
  const { pool, name, numbers } = await poolWithTable();
  const bothLocked = deferred();
  let locked = 0;
  const one = (first, second) =>
    pool.transaction(
      async (tx) => {
        await tx.query(`update ${name} set n = n + 1 where id = $1`, [first]);
        if (++locked >= 2) bothLocked.resolve();
        await bothLocked.promise;
        await tx.query(`update ${name} set n = n + 1 where id = $1`, [second]);
      },
      { retries: 3 },
    );
  await Promise.all([one(1, 2), one(2, 1)]);
  expect(await numbers()).toEqual([2, 2]);
});

test('other errors are not retried, and retries end', async () => {
  const { pool } = await poolWithTable();
  let runs = 0;
  const failing = (code) =>
    rejection(
      pool.transaction(
        async (tx) => {
          runs += 1;
          await tx.query(`do $$ begin raise exception 'x' using errcode = '${code}'; end $$`);
        },
        { retries: 2 },
      ),
    );
  expect((await failing('22012')).code).toBe('22012');
  expect(runs).toBe(1);
  runs = 0;
  expect((await failing('40001')).code).toBe('40001');
  expect(runs).toBe(3);
});

test('a connection lost during COMMIT leaves the outcome unknown, and says so', async () => {
  const { host, port } = testServer();
  const proxy = await Proxy.open({ host, port });
  const { pool: direct, name } = await poolWithTable();
  // A deferred constraint trigger runs within COMMIT and keeps it there.
  await direct.query(`create function ${name}_wait() returns trigger language plpgsql as
    $$ begin perform pg_sleep(1); return null; end $$`);
  await direct.query(`create constraint trigger wait after insert on ${name}
    deferrable initially deferred for each row execute function ${name}_wait()`);
  const pool = await openPool({ max: 1 }, { port: proxy.port });
  let runs = 0;
  let pid;
  const lost = rejection(
    pool.transaction(
      (tx) => {
        runs += 1;
        pid = tx.connection.processId;
        return tx.query(`insert into ${name} values (3, 0)`);
      },
      { retries: 5 },
    ),
  );
  const committing = 'select 1 from pg_stat_activity where pid = $1 and wait_event = $2';
  await until(async () => pid && (await observe(committing, [pid, 'PgSleep'])).length);
  proxy.cut();
  expect((await lost).code).toBe('ERR_POLYPOOL_COMMIT_UNKNOWN');
  expect(runs).toBe(1);
  expect((await pool.query('select 1 as a')).rows).toEqual([{ a: 1 }]);
  await proxy.close();
});

test('timeoutMs cancels the running statement and rolls back', async () => {
  const { pool, name, numbers } = await poolWithTable();
  const error = await rejection(
    pool.transaction(
      async (tx) => {
        await tx.query(`update ${name} set n = 7`);
        await tx.query('select pg_sleep(30)');
      },
      { timeoutMs: 50 },
    ),
  );
  expect(error.code).toBe('ERR_POLYPOOL_QUERY_TIMEOUT');
  expect(await numbers()).toEqual([0, 0]);
});

test('an aborted signal ends a transaction', async () => {
  const { pool, name, numbers } = await poolWithTable();
  const controller = new AbortController();
  const error = await rejection(
    pool.transaction(
      async (tx) => {
        await tx.query(`update ${name} set n = 7`);
        const sleeping = tx.query('select pg_sleep(30)');
        controller.abort(new Error('changed my mind'));
        await sleeping;
      },
      { signal: controller.signal },
    ),
  );
  expect(error).toMatchObject({ name: 'AbortError', code: 'ERR_POLYPOOL_ABORTED' });
  expect(error.cause.message).toBe('changed my mind');
  expect(await numbers()).toEqual([0, 0]);
});

test('wrong options are refused before anything is sent', async () => {
  const { pool } = await poolWithTable();
  const callback = jest.fn();
  for (const options of [
    { isolation: 'chaos' },
    { isolaton: 'serializable' },
    { retries: -1 },
    { retries: 101 },
    { readOnly: 'yes' },
  ]) {
    const error = await rejection(pool.transaction(callback, options));
    expect(error.code).toBe('ERR_POLYPOOL_OPTION');
  }
  expect(callback).not.toHaveBeenCalled();
});

test('isolation is refused in a nested transaction', async () => {
  const { pool } = await poolWithTable();
  const error = await rejection(
    pool.transaction((tx) => tx.transaction(() => {}, { isolation: 'serializable' })),
  );
  expect(error.code).toBe('ERR_POLYPOOL_OPTION');
});

test('hundreds of concurrent transactions lose no update', async () => {
  const { pool, name, numbers } = await poolWithTable();
  await Promise.all(
    Array.from({ length: 300 }, () =>
      pool.transaction(async (tx) => {
        const { rows } = await tx.query(`select n from ${name} where id = 1 for update`);
        await tx.query(`update ${name} set n = $1 where id = 1`, [rows[0].n + 1]);
      }),
    ),
  );
  expect(await numbers()).toEqual([300, 0]);
  expect(pool.stats()).toMatchObject({ inUse: 0, waiting: 0 });
});

test('no transaction stays open behind', async () => {
  const { pool, name } = await poolWithTable({ max: 2 });
  await rejection(pool.transaction(() => Promise.reject(new Error('no'))));
  await pool.transaction((tx) => tx.query(`update ${name} set n = 1`));
  const rows = await observe(
    `select count(*)::int as n from pg_locks where relation = $1::regclass and granted`,
    [name],
  );
  expect(rows).toEqual([{ n: 0 }]);
});

test('the sql tag and streams work inside a transaction', async () => {
  const { pool, name } = await poolWithTable();
  const { sql } = load();
  const sum = await pool.transaction(async (tx) => {
    await tx.sql`update ${sql.identifier(name)} set n = ${21}`;
    let total = 0;
    for await (const { n } of tx.stream(`select n from ${name}`)) total += n;
    return total;
  });
  expect(sum).toBe(42);
});
