'use strict';

const { getEventListeners } = require('node:events');
const {
  load,
  openPool,
  observe,
  rejection,
  terminateBackend,
  until,
  deferred,
  unique,
} = require('../support/pools.js');
const { printed, runProgram } = require('../support/child.js');
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

/** A deferred constraint trigger runs within COMMIT and keeps it there. */
async function slowCommits(pool, name) {
  await pool.query(`create function ${name}_wait() returns trigger language plpgsql as
    $$ begin perform pg_sleep(1); return null; end $$`);
  await pool.query(`create constraint trigger wait after insert on ${name}
    deferrable initially deferred for each row execute function ${name}_wait()`);
}

const COMMITTING = 'select 1 from pg_stat_activity where pid = $1 and wait_event = $2';

test('a session that the server ends during COMMIT leaves the outcome unknown too', async () => {
  const { pool, name } = await poolWithTable({ max: 1 });
  await slowCommits(pool, name);
  let pid;
  const lost = rejection(
    pool.transaction((tx) => {
      pid = tx.connection.processId;
      return tx.query(`insert into ${name} values (3, 0)`);
    }),
  );
  await until(async () => pid && (await observe(COMMITTING, [pid, 'PgSleep'])).length);
  await observe('select pg_terminate_backend($1, 10000)', [pid]);
  const error = await lost;
  expect(error.code).toBe('ERR_POLYPOOL_COMMIT_UNKNOWN');
  expect(error.cause.code).toMatch(/^(57P01|ERR_POLYPOOL_CONNECTION_LOST)$/);
});

test('a connection lost during COMMIT leaves the outcome unknown, and says so', async () => {
  const { host, port } = testServer();
  const proxy = await Proxy.open({ host, port });
  const { pool: direct, name } = await poolWithTable();
  await slowCommits(direct, name);
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
  await until(async () => pid && (await observe(COMMITTING, [pid, 'PgSleep'])).length);
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

test('timeoutMs and signals bite while the callback waits for something else', async () => {
  const { pool, name, numbers } = await poolWithTable({ max: 1 });
  const stuck = (options, then = () => {}) =>
    rejection(
      pool.transaction(async (tx) => {
        await tx.query(`update ${name} set n = 7`);
        then();
        await new Promise(() => {});
      }, options),
    );
  const late = await stuck({ timeoutMs: 40 });
  expect(late).toMatchObject({ name: 'QueryTimeoutError', timeoutMs: 40 });
  const controller = new AbortController();
  const { signal } = controller;
  const aborted = await stuck({ signal, timeoutMs: 60_000 }, () => controller.abort('enough'));
  expect(aborted).toMatchObject({ name: 'AbortError', cause: 'enough' });
  expect(await numbers()).toEqual([0, 0]);
  expect(pool.stats()).toMatchObject({ inUse: 0, waiting: 0, total: 1 });
});

/** What an AbortSignal keeps of those that were made from it with AbortSignal.any. */
function derivedFrom(signal) {
  const symbols = Object.getOwnPropertySymbols(signal);
  const kept = signal[symbols.find(({ description }) => description === 'kDependantSignals')];
  return kept?.size ?? 0;
}

test('statements with signals of their own leave nothing on those that live on', async () => {
  const { pool, name } = await poolWithTable({ max: 1 });
  // The transaction's, one for all its statements, one for each nested transaction.
  const [outer, own, nested] = [1, 2, 3].map(() => new AbortController().signal);
  const signals = [outer, own, nested];
  const { signal } = new AbortController();
  const derived = AbortSignal.any([signal, new AbortController().signal]);
  expect([derived.aborted, derivedFrom(signal)]).toEqual([false, 1]);
  const options = { signal: own };
  const all = async (tx) => {
    for (let n = 0; n < 20; n++) await tx.query(`update ${name} set n = $1`, [n], options);
    for await (const row of tx.stream('select 1 as a', [], options)) expect(row.a).toBe(1);
    for await (const row of tx.cursor('select 1 as a', [], options)) expect(row.a).toBe(1);
    await tx.copyTo(`copy ${name} to stdout`, options).resume().toArray();
    await tx.query({ text: 'select 1', ...options });
  };
  await pool.transaction(
    async (tx) => {
      await all(tx);
      await tx.transaction(all, { signal: nested });
      for (const signal of signals) expect(derivedFrom(signal)).toBe(0);
      expect(getEventListeners(own, 'abort')).toEqual([]);
    },
    { signal: outer },
  );
  for (const signal of signals) {
    expect([getEventListeners(signal, 'abort').length, derivedFrom(signal)]).toEqual([0, 0]);
  }
});

test.each(['own', 'outer', 'both'])(
  'a statement ends by its own signal and by its transaction’s: %s',
  async (which) => {
    const { pool } = await poolWithTable({ max: 1 });
    const controllers = { outer: new AbortController(), own: new AbortController() };
    const { outer, own } = controllers;
    const ended = deferred();
    const result = pool.transaction(
      async (tx) => {
        const query = () => tx.query('select pg_sleep(30)', [], { signal: own.signal });
        const sleeping = rejection(query());
        for (const name of which === 'both' ? ['outer', 'own'] : [which]) {
          controllers[name].abort(new Error(name));
        }
        ended.resolve(await sleeping);
        throw await rejection(query());
      },
      { signal: outer.signal },
    );
    const reason = which === 'own' ? 'own' : 'outer';
    for (const error of [await rejection(result), await ended.promise]) {
      expect(error).toMatchObject({ name: 'AbortError', cause: { message: reason } });
    }
    expect((await pool.query('select 2 as a')).rows).toEqual([{ a: 2 }]);
  },
);

test('what is no signal is refused inside a transaction with a signal as well', async () => {
  const { pool } = await poolWithTable({ max: 1 });
  const { signal } = new AbortController();
  const error = await pool.transaction(
    (tx) => rejection(tx.query('select 1', [], { signal: 'soon' })),
    { signal },
  );
  expect(error).toMatchObject({ code: 'ERR_POLYPOOL_OPTION', option: 'signal' });
});

test('an abort just before the callback ends is not followed by a COMMIT', async () => {
  const { pool, name, numbers } = await poolWithTable({ max: 1 });
  for (const end of [() => {}, () => Promise.resolve(), () => new Promise(setImmediate)]) {
    const controller = new AbortController();
    const error = await rejection(
      pool.transaction(
        async (tx) => {
          await tx.query(`update ${name} set n = 7`);
          controller.abort();
          return end();
        },
        { signal: controller.signal },
      ),
    );
    expect(error.name).toBe('AbortError');
    expect(await numbers()).toEqual([0, 0]);
  }
});

test('a callback that goes on after the abort finds its transaction over', async () => {
  const { pool, name, numbers } = await poolWithTable({ max: 1 });
  const goOn = deferred();
  let late;
  const error = await rejection(
    pool.transaction(
      async (tx) => {
        await tx.query(`update ${name} set n = 7`);
        await goOn.promise;
        late = rejection(tx.query(`update ${name} set n = 8`));
        await late;
      },
      { timeoutMs: 40 },
    ),
  );
  expect(error.code).toBe('ERR_POLYPOOL_QUERY_TIMEOUT');
  goOn.resolve();
  await goOn.promise;
  expect((await late).code).toBe('ERR_POLYPOOL_STALE_CONNECTION');
  expect(await numbers()).toEqual([0, 0]);
});

test('what a callback throws after the abort is no unhandled rejection', async () => {
  const run = await runProgram(`
    (async () => {
      const pool = await createPool(url, { max: 1 });
      const wait = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
      const late = async (tx) => { await wait(60); throw new Error('late'); };
      const codes = [];
      for (const callback of [late, (tx) => tx.transaction(late)])
        await pool.transaction(callback, { timeoutMs: 20 }).catch(({ code }) => codes.push(code));
      await wait(120);
      await pool.close();
      console.log(JSON.stringify(codes));
    })();`);
  expect(run).toMatchObject({ code: 0, stderr: '' });
  const timeout = 'ERR_POLYPOOL_QUERY_TIMEOUT';
  expect(printed(run)).toEqual([[timeout, timeout]]);
});

test('the first statement of a transaction is cancelled at the server too', async () => {
  const { pool } = await poolWithTable({ max: 1 });
  const mark = unique('m');
  const running = async () => {
    const text = "select 1 from pg_stat_activity where state = 'active' and query like $1";
    return (await observe(`${text} and pid <> pg_backend_pid()`, [`%${mark}%`])).length;
  };
  const text = `select pg_sleep(60) /* ${mark} */`;
  for (const [own, whole] of [
    [{ timeoutMs: 40 }, {}],
    [{}, { timeoutMs: 40 }],
  ]) {
    // prettier-ignore
    const late = await rejection(pool.transaction((tx) => tx.query(text, [], own), whole));
    expect(late.code).toBe('ERR_POLYPOOL_QUERY_TIMEOUT');
    await until(async () => (await running()) === 0);
  }
  expect((await pool.query('select 1 as a')).rows).toEqual([{ a: 1 }]);
  expect(pool.stats().total).toBe(1);
});

test('what follows BEGIN never runs without it, whoever times out', async () => {
  const { name, numbers } = await poolWithTable();
  const pool = await openPool({ max: 1, queryTimeoutMs: 40 });
  const write = `update ${name} set n = n + 1`;
  await pool.use(async (connection) => {
    for (const timeoutMs of [0, 30]) {
      // BEGIN waits behind this one for longer than any bound.
      const slow = connection.query('select pg_sleep(0.2)', [], { timeoutMs: 0 });
      const error = await rejection(
        connection.transaction(async (tx) => {
          await tx.query(write, [], { timeoutMs }).catch(() => {});
          await tx.query(write, [], { timeoutMs: 0 });
          throw new RangeError('undo');
        }),
      );
      expect(error).toBeInstanceOf(RangeError);
      await slow;
    }
  });
  expect(await numbers()).toEqual([0, 0]);
});

test('nested transactions side by side do not touch each other', async () => {
  const { pool, name, numbers } = await poolWithTable({ max: 1 });
  const write = (inner, id) => inner.query(`update ${name} set n = n + 1 where id = ${id}`);
  await pool.transaction(async (tx) => {
    const results = await Promise.allSettled([
      tx.transaction(async (inner) => {
        await write(inner, 1);
        await inner.query('select pg_sleep(0.01)');
        await inner.transaction((deepest) => write(deepest, 1));
      }),
      tx.transaction(async (inner) => {
        await write(inner, 1);
        await write(inner, 2);
        throw new RangeError('undo');
      }),
      tx.transaction((inner) => write(inner, 2)),
    ]);
    expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
    // In the order of the calls, also with statements of the outer transaction.
    const nested = tx.transaction((inner) => write(inner, 2));
    const { rows } = await tx.query(`select n from ${name} where id = 2`);
    await nested;
    expect(rows).toEqual([{ n: 1 }]);
  });
  expect(await numbers()).toEqual([2, 2]);
});

test('a nested transaction has bounds of its own', async () => {
  const { pool, name, numbers } = await poolWithTable({ max: 1 });
  await pool.transaction(async (tx) => {
    await tx.query(`update ${name} set n = 1 where id = 1`);
    const stuck = rejection(
      tx.transaction(
        async (inner) => {
          await inner.query(`update ${name} set n = 9`);
          await inner.query('select pg_sleep(60)');
        },
        { timeoutMs: 40 },
      ),
    );
    const waiting = rejection(tx.transaction(() => {}, { timeoutMs: 20 }));
    const after = tx.transaction((inner) => inner.query(`update ${name} set n = 2 where id = 2`));
    expect(await waiting).toMatchObject({ code: 'ERR_POLYPOOL_QUERY_TIMEOUT', timeoutMs: 20 });
    expect(await stuck).toMatchObject({ code: 'ERR_POLYPOOL_QUERY_TIMEOUT', timeoutMs: 40 });
    await after;
  });
  expect(await numbers()).toEqual([1, 2]);
});

test('a nested transaction that fails and swallows it does not spoil the outer one', async () => {
  const { pool, name, numbers } = await poolWithTable({ max: 1 });
  await pool.transaction(async (tx) => {
    await tx.query(`update ${name} set n = 1`);
    const error = await rejection(
      tx.transaction((inner) => inner.query('select 1 / 0').catch(() => 'looks fine')),
    );
    expect(error.code).toBe('25P02');
  });
  expect(await numbers()).toEqual([1, 1]);
});

test('with the outer transaction those within it are over', async () => {
  const { pool, name, numbers } = await poolWithTable({ max: 1 });
  let inner;
  const goOn = deferred();
  let nested;
  await pool.transaction(async (tx) => {
    nested = rejection(
      tx.transaction((own) => {
        inner = own;
        return goOn.promise;
      }),
    );
    await tx.query('select 1');
  });
  const stale = { code: 'ERR_POLYPOOL_STALE_CONNECTION' };
  expect(await rejection(inner.query(`update ${name} set n = 5`))).toMatchObject(stale);
  goOn.resolve();
  expect(await nested).toMatchObject(stale);
  expect(await numbers()).toEqual([0, 0]);
});

const BOUNDS = [
  ...['commit', 'ROLLBACK', ' begin', 'end;', 'abort', 'start transaction', 'rollback work'],
  ...['-- over\ncommit', '/* a /* b */ c */ Rollback', 'commit and chain'],
  ...["prepare transaction 'x'", "rollback prepared 'x'", '; commit'],
  ...['select 1; commit', 'rollback to savepoint s; rollback; begin', 'select $$;$$; /**/ end'],
];

test.each(BOUNDS)('a transaction refuses %p: it would end behind its back', async (text) => {
  const pool = await openPool();
  const error = await rejection(pool.transaction((tx) => tx.query(text)));
  expect(error).toMatchObject({ code: 'ERR_POLYPOOL_PARAMETER', query: text });
  expect(error.message).toBe(
    'transaction() begins and ends the transaction itself: return to commit, throw to roll back',
  );
});

test('what a transaction refuses is not sent, in whatever way it is submitted', async () => {
  const { pool, name, numbers } = await poolWithTable({ max: 1 });
  await pool.transaction(async (tx) => {
    const read = async (stream) => {
      for await (const row of stream) throw new Error(JSON.stringify(row));
    };
    const text = `update ${name} set n = 7; commit`;
    for (const refused of [
      // The first one goes out together with BEGIN.
      tx.query({ text, values: [] }),
      tx.query(text),
      tx.query(' /* */ commit', [], { timeoutMs: 1000 }),
      tx.sql`commit`,
      read(tx.stream('commit')),
      tx.transaction((inner) => inner.query('rollback')),
    ]) {
      expect(await rejection(refused)).toMatchObject({ code: 'ERR_POLYPOOL_PARAMETER' });
    }
    await tx.query(`update ${name} set n = 1 where id = 1`);
    expect(await observe(`select n from ${name} order by id`)).toEqual([{ n: 0 }, { n: 0 }]);
  });
  expect(await numbers()).toEqual([1, 0]);
  await pool.use((connection) =>
    connection.transaction(async (tx) => {
      await rejection(tx.query('commit'));
      await tx.query(`update ${name} set n = 2 where id = 2`);
    }),
  );
  expect(await numbers()).toEqual([1, 2]);
});

test('outside of a transaction() BEGIN and COMMIT are the caller’s own', async () => {
  const { pool, name, numbers } = await poolWithTable({ max: 1 });
  await pool.use(async (connection) => {
    await connection.query('/* mine */ begin');
    await connection.query(`update ${name} set n = 3`);
    await connection.query('commit');
  });
  await pool.query(`begin; update ${name} set n = n + 1; commit`);
  expect(await numbers()).toEqual([4, 4]);
});

test('a function whose body has statements of its own may be made in a transaction', async () => {
  const pool = await openPool({ max: 1 });
  const name = unique('f');
  await pool.transaction(async (tx) => {
    await tx.query(`create function ${name}() returns int language sql
      begin atomic select 1; select case when true then 7 else 8 end; end`);
  });
  expect((await pool.query(`select ${name}() as n`)).rows).toEqual([{ n: 7 }]);
});

describe('a transaction that the server rolled back', () => {
  const rolledBack = async (callback, options) => {
    const { pool, name, numbers } = await poolWithTable({ max: 1 });
    const error = await rejection(pool.transaction((tx) => callback(tx, name), options));
    expect(error).toMatchObject({ name: 'PoolError', code: 'ERR_POLYPOOL_ROLLED_BACK' });
    expect(await numbers()).toEqual([0, 0]);
    return error.cause;
  };
  const swallowed = (promise) => promise.catch(() => {});

  test('names the error of the statement that failed', async () => {
    const cause = await rolledBack(async (tx, name) => {
      await tx.query(`update ${name} set n = 1`);
      await swallowed(tx.query('select 1 / $1::int', [0]));
      await swallowed(tx.query('select 1'));
      await swallowed(tx.query('selec'));
    });
    expect(cause).toMatchObject({ name: 'DatabaseError', code: '22012', parameters: [0] });
  });

  test('names it also when nobody waited for it', async () => {
    const cause = await rolledBack((tx) => {
      swallowed(tx.query('select 1 / 0'));
      swallowed(tx.query('select 1'));
    });
    expect(cause.code).toBe('22012');
  });

  test('names the one that was not undone', async () => {
    const cause = await rolledBack(async (tx, name) => {
      await tx.query('savepoint s');
      await swallowed(tx.query('select 1 / 0'));
      await tx.query('rollback to s');
      await swallowed(tx.transaction((inner) => inner.query('select 1 / 0')));
      await swallowed(tx.query(`insert into ${name} values (1, 1)`));
    });
    expect(cause.code).toBe('23505');
  });

  test('names a statement that took too long', async () => {
    const cause = await rolledBack((tx) =>
      swallowed(tx.query('select pg_sleep(60)', [], { timeoutMs: 30 })),
    );
    expect(cause.code).toBe('ERR_POLYPOOL_QUERY_TIMEOUT');
  });

  test('names none that an earlier transaction of the connection had', async () => {
    const { pool } = await poolWithTable({ max: 1 });
    await pool.use(async (connection) => {
      await rejection(connection.transaction((tx) => tx.query('select 1 / 0')));
      await swallowed(connection.query('selec'));
      const error = await rejection(
        connection.transaction((tx) => swallowed(tx.query('select none'))),
      );
      expect(error.cause.code).toBe('42703');
    });
  });
});

test('savepoints of the caller are allowed inside a transaction', async () => {
  const pool = await openPool();
  const value = await pool.transaction(async (tx) => {
    await tx.query('savepoint mine');
    await tx.query('select 1/0').catch(() => {});
    await tx.query('rollback to savepoint mine');
    return (await tx.query('select 7 as value')).rows[0].value;
  });
  expect(value).toBe(7);
});

test('a connection that was lost before COMMIT has not committed, and the error says so', async () => {
  const pool = await openPool({ max: 1 });
  const lost = new Promise((resolve) => {
    pool.once('remove', resolve);
  });
  const failing = pool.transaction(async (tx) => {
    await tx.query('select 1');
    await terminateBackend(tx.connection.processId);
    await lost;
  });
  expect((await rejection(failing)).code).toBe('ERR_POLYPOOL_CONNECTION_LOST');
});
