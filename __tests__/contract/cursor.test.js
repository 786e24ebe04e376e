'use strict';
// Cursors: rows are made by the server as they are asked for, on a connection that does nothing
// else meanwhile.

const {
  openPool,
  openConnection,
  observe,
  unique,
  rejection,
  until,
} = require('../support/pools.js');
const { runProgram, printed } = require('../support/child.js');

const series = 'select i, $2::text as t from generate_series(1, $1::int) i';

/** All rows of a cursor, read by `read(n)`. */
async function readAll(cursor, n) {
  const rows = [];
  for (;;) {
    const batch = await cursor.read(n);
    if (batch.length === 0) return rows;
    rows.push(...batch);
  }
}

const works = async (connection) =>
  expect((await connection.query('select 1 as a')).rows).toEqual([{ a: 1 }]);

test('read() gives so many rows, fewer at the end, then none', async () => {
  const pool = await openPool({ max: 1 });
  const connection = await pool.acquire();
  const cursor = connection.cursor(series, [10, 'x'], { batchSize: 4 });
  expect(cursor.fields).toBe(null);
  expect((await cursor.read()).map(({ i }) => i)).toEqual([1, 2, 3, 4]);
  expect(cursor.fields.map(({ name }) => name)).toEqual(['i', 't']);
  expect((await cursor.read(1)).map(({ i }) => i)).toEqual([5]);
  expect(cursor.closed).toBe(false);
  expect((await cursor.read(100)).map(({ i }) => i)).toEqual([6, 7, 8, 9, 10]);
  expect(cursor.closed).toBe(true);
  expect(await cursor.read()).toEqual([]);
  await cursor.close();
  expect(await cursor.read()).toEqual([]);
  await works(connection);
  await connection.release();
});

test.each([1, 7, 100, 100_000])(
  'batches of %i rows are complete and in order',
  async (batchSize) => {
    const pool = await openPool({ max: 1 });
    const count = batchSize === 1 ? 300 : 2500;
    const rows = [];
    for await (const { i } of pool.cursor(series, [count, 'é'], { batchSize })) rows.push(i);
    expect(rows).toEqual(Array.from({ length: count }, (_, i) => i + 1));
    await works(pool);
    expect(pool.stats()).toMatchObject({ total: 1, inUse: 0 });
  },
);

test('a result as long as the batch has an end of its own', async () => {
  const pool = await openPool({ max: 1 });
  const cursor = pool.cursor(series, [5, 'x'], { batchSize: 5 });
  expect(await cursor.read()).toHaveLength(5);
  expect(await cursor.read()).toEqual([]);
});

test('rows are those that query() gives, first and later, for both row modes', async () => {
  const pool = await openPool({ max: 1 });
  const text = `select i, i / 4.0::float8 as f, now() as at, null as nothing, array[i] as list,
    '\\x01'::bytea as bytes, '{"a":1}'::jsonb as json, 'ünï €' || i as t, i::numeric as n
    from generate_series(1, 50) i`;
  await pool.transaction(async (tx) => {
    for (const rowMode of ['object', 'array', 'object', 'array']) {
      const read = await readAll(tx.cursor(text, [], { rowMode, batchSize: 8 }));
      const { rows, fields } = await tx.query(text, [], { rowMode });
      expect(read).toStrictEqual(rows);
      const again = tx.cursor({ text, values: [], rowMode });
      expect(await readAll(again, 13)).toStrictEqual(rows);
      expect(again.fields).toStrictEqual(fields);
    }
  });
});

test('the server makes only the rows that were asked for', async () => {
  const pool = await openPool({ max: 2 });
  const name = unique('s');
  await pool.query(`create sequence ${name}`);
  const made = async () => (await observe(`select last_value::int as n from ${name}`))[0].n;
  const connection = await pool.acquire();
  const text = `select nextval('${name}')::int as n from generate_series(1, 100000)`;
  const cursor = connection.cursor(text, [], { batchSize: 10 });
  await cursor.read();
  expect(await made()).toBe(10);
  await cursor.read(25);
  expect(await made()).toBe(35);
  await cursor.close();
  expect(await made()).toBe(35);
  await connection.release();
  await pool.query(`drop sequence ${name}`);
});

test('a million rows pass through little memory', async () => {
  // Held at once they would need some 100 MB.
  const run = await runProgram(
    `(async () => {
       const pool = await createPool(url, { max: 1 });
       const text = "select i, 'row number ' || i as t from generate_series(1, 1000000) i";
       let sum = 0;
       let rows = 0;
       const cursor = pool.cursor(text, [], { batchSize: 1000 });
       for (let batch; (batch = await cursor.read()).length > 0; rows += batch.length)
         for (const row of batch) sum += row.i;
       console.log(JSON.stringify([rows, sum]));
       await pool.close();
     })();`,
    { flags: ['--max-old-space-size=40'] },
  );
  expect(run).toMatchObject({ code: 0, signal: null });
  expect(printed(run)).toEqual([[1_000_000, 500_000_500_000]]);
});

test('close() in the middle frees the connection and what the cursor kept', async () => {
  const pool = await openPool({ max: 1 });
  const table = unique('t');
  await pool.query(`create table ${table} as select i from generate_series(1, 1000) i`);
  await pool.transaction(async (tx) => {
    const cursor = tx.cursor(`select * from ${table}`);
    expect(await cursor.read(3)).toHaveLength(3);
    await Promise.all([cursor.close(), cursor.close()]);
    expect((await rejection(cursor.read())).code).toBe('ERR_POLYPOOL_STALE_CONNECTION');
    // Refused while a portal reads the table.
    await tx.query(`alter table ${table} add column more int`);
  });
  await pool.query(`drop table ${table}`);
});

test('leaving the loop closes it', async () => {
  const pool = await openPool({ max: 1 });
  for await (const { i } of pool.cursor(series, [1_000_000, 'x'])) if (i === 250) break;
  expect(pool.stats()).toMatchObject({ total: 1, inUse: 0 });
  await works(pool);
});

test('a cursor that was never read costs nothing', async () => {
  const pool = await openPool({ max: 1 });
  const connection = await pool.acquire();
  await connection.cursor(series, [1, 'x']).close();
  await works(connection);
  connection.cursor(series, [1, 'x']);
  await connection.release();
  pool.cursor(series, [1, 'x']);
  await works(pool);
});

test('an error in the middle ends it; the rows before it were given', async () => {
  const pool = await openPool({ max: 1 });
  const connection = await pool.acquire();
  const text = 'select 1 / (500 - i) as a from generate_series(1, 1000) i';
  const cursor = connection.cursor(text, [], { batchSize: 100 });
  for (let batch = 0; batch < 4; batch++) expect(await cursor.read()).toHaveLength(100);
  const error = await rejection(cursor.read());
  expect(error.code).toBe('22012');
  expect(error.query).toBe(text);
  expect(error.stack).toContain(__filename);
  expect(await rejection(cursor.read())).toBe(error);
  await cursor.close();
  await works(connection);
  await connection.release();
  const looped = async () => {
    for await (const row of pool.cursor(text)) void row;
  };
  expect((await rejection(looped())).code).toBe('22012');
  await works(pool);
});

test('a value that cannot be read ends it as well', async () => {
  const pool = await openPool({ max: 1 });
  const text = 'select 9007199254740990 + i as big from generate_series(1, 500) i';
  const cursor = pool.cursor(text, [], { batchSize: 10 });
  expect((await rejection(cursor.read())).code).toBe('ERR_POLYPOOL_UNSAFE_INTEGER');
  await cursor.close();
  await works(pool);
});

test('what is wrong with the call rejects the first read', async () => {
  const pool = await openPool({ max: 1 });
  const cases = [
    [['select * from no_such_table'], '42P01'],
    [['select 1; select 2'], '42601'],
    [['copy (select 1) to stdout'], 'ERR_POLYPOOL_PARAMETER'],
    [['select $1::int', [undefined]], 'ERR_POLYPOOL_PARAMETER'],
    [['select $1::int', 1], 'ERR_POLYPOOL_PARAMETER'],
    [[1], 'ERR_POLYPOOL_PARAMETER'],
    [['select 1', [], { batchSize: 0 }], 'ERR_POLYPOOL_OPTION'],
    [['select 1', [], { batchsize: 10 }], 'ERR_POLYPOOL_OPTION'],
    [['select 1', [], { signal: AbortSignal.abort() }], 'ERR_POLYPOOL_ABORTED'],
  ];
  const connection = await pool.acquire();
  for (const [args, code] of cases) {
    const cursor = connection.cursor(...args);
    expect([args, (await rejection(cursor.read())).code]).toEqual([args, code]);
    await cursor.close();
    await works(connection);
  }
  const cursor = connection.cursor('select 1 as a');
  for (const rows of [0, -1, 1.5, '2', 1e6]) {
    expect(await rejection(cursor.read(rows))).toMatchObject({
      code: 'ERR_POLYPOOL_OPTION',
      option: 'rows',
    });
  }
  expect(await cursor.read()).toEqual([{ a: 1 }]);
  await connection.release();
});

test('statements that return no rows, or change some', async () => {
  const pool = await openPool({ max: 1 });
  const table = unique('t');
  const none = pool.cursor(`create table ${table} (a int)`);
  expect(await none.read()).toEqual([]);
  expect(none.fields).toEqual([]);
  const insert = `insert into ${table} select * from generate_series(1, 10) returning a`;
  const cursor = pool.cursor(insert);
  expect(await cursor.read(3)).toEqual([{ a: 1 }, { a: 2 }, { a: 3 }]);
  await cursor.close();
  expect((await pool.query(`select count(*) as n from ${table}`)).rows).toEqual([{ n: 10 }]);
  await pool.query(`drop table ${table}`);
});

test('while it is open other statements of the connection are refused', async () => {
  const pool = await openPool({ max: 1 });
  const connection = await pool.acquire();
  const cursor = connection.cursor(series, [100, 'x'], { batchSize: 1 });
  for (let round = 0; round < 2; round++) {
    for (const call of [
      () => connection.query('select 1'),
      () => connection.sql`select 1`,
      () => connection.stream('select 1').toArray(),
      () => connection.cursor('select 1').read(),
      () => connection.transaction(() => {}),
    ]) {
      const error = await rejection(call());
      expect(error.code).toBe('ERR_POLYPOOL_CURSOR_OPEN');
      expect(error.query).toBe(series);
      expect(error.message).toMatch(/close\(\)/);
    }
    expect(await cursor.read()).toHaveLength(1);
  }
  await cursor.close();
  await works(connection);
  await connection.release();
});

test('reads take turns', async () => {
  const pool = await openPool({ max: 1 });
  const cursor = pool.cursor(series, [10, 'x']);
  const reads = [4, 4, 4, 4].map((n) => cursor.read(n));
  const close = cursor.close();
  const batches = await Promise.all(reads);
  expect(batches.map((rows) => rows.map(({ i }) => i))).toEqual([
    [1, 2, 3, 4],
    [5, 6, 7, 8],
    [9, 10],
    [],
  ]);
  await close;
  expect(pool.stats().inUse).toBe(0);
});

test('releasing the connection closes it first', async () => {
  const pool = await openPool({ max: 1 });
  const connection = await pool.acquire();
  const { processId } = connection;
  const cursor = connection.cursor(series, [1000, 'x']);
  await cursor.read(1);
  const released = connection.release();
  expect(connection.released).toBe(true);
  await Promise.all([released, connection.release()]);
  expect((await rejection(cursor.read())).code).toBe('ERR_POLYPOOL_STALE_CONNECTION');
  const next = await pool.acquire();
  expect(next.processId).toBe(processId);
  await works(next);
  await next.cursor(series, [1000, 'x']).read(1);
  await next.release({ destroy: true });
  await works(pool);
});

test('hooks may leave one open', async () => {
  const pool = await openPool({
    max: 1,
    onConnect: (connection) => connection.cursor('select generate_series(1, 9)').read(1),
  });
  await works(pool);
});

test('in a transaction it reads what the transaction sees', async () => {
  const pool = await openPool({ max: 1 });
  const table = unique('t');
  await pool.query(`create table ${table} (a int)`);
  await pool.transaction(async (tx) => {
    // The first statement takes BEGIN along, also when it is a cursor.
    const first = tx.cursor('select 1 as a');
    expect(await first.read(5)).toEqual([{ a: 1 }]);
    await tx.query(`insert into ${table} select * from generate_series(1, 5)`);
    const cursor = tx.cursor(`select a from ${table} order by a`, [], { batchSize: 2 });
    expect(await cursor.read()).toEqual([{ a: 1 }, { a: 2 }]);
    expect((await rejection(tx.query('select 1'))).code).toBe('ERR_POLYPOOL_CURSOR_OPEN');
    expect((await rejection(tx.transaction(() => {}))).code).toBe('ERR_POLYPOOL_CURSOR_OPEN');
    // Left open: it must not be in the way of COMMIT.
  });
  expect((await pool.query(`select count(*) as n from ${table}`)).rows).toEqual([{ n: 5 }]);
  const error = await rejection(
    pool.transaction(async (tx) => {
      await tx.query(`delete from ${table}`);
      await tx.transaction(async (inner) => {
        await inner.cursor('select generate_series(1, 10)').read(1);
      });
      await tx.cursor('select generate_series(1, 10)').read(1);
      throw new RangeError('no');
    }),
  );
  expect(error).toBeInstanceOf(RangeError);
  const undone = pool.transaction(async (tx) => {
    await tx.cursor(`insert into ${table} values (6), (7) returning a`).read();
    throw new RangeError('no');
  });
  expect(await rejection(undone)).toBeInstanceOf(RangeError);
  expect((await pool.query(`select count(*) as n from ${table}`)).rows).toEqual([{ n: 5 }]);
  expect(pool.stats()).toMatchObject({ total: 1, created: 1, inUse: 0 });
  let cursor;
  await pool.transaction((tx) => (cursor = tx.cursor('select 1')) && tx.connection.id);
  expect((await rejection(cursor.read())).code).toBe('ERR_POLYPOOL_STALE_CONNECTION');
  const control = pool.transaction((tx) => tx.cursor('commit').read());
  expect((await rejection(control)).code).toBe('ERR_POLYPOOL_PARAMETER');
  await pool.query(`drop table ${table}`);
});

test('a transaction that is aborted takes its cursor along', async () => {
  const pool = await openPool({ max: 1 });
  let cursor;
  const hanging = pool.transaction(
    async (tx) => {
      cursor = tx.cursor(series, [1000, 'x']);
      await cursor.read(1);
      await new Promise(() => {});
    },
    { timeoutMs: 100 },
  );
  expect((await rejection(hanging)).code).toBe('ERR_POLYPOOL_QUERY_TIMEOUT');
  expect((await rejection(cursor.read())).code).toMatch(/ABORTED|STALE_CONNECTION/);
  await works(pool);
  expect(pool.stats()).toMatchObject({ total: 1, created: 1, inUse: 0 });
});

test.each([{ pipeline: false }, { statementCache: 0 }, { reset: 'always' }])(
  'with %p',
  async (options) => {
    const pool = await openPool({ max: 1, ...options });
    for (let round = 0; round < 3; round++) {
      const sum = await pool.transaction(async (tx) => {
        let rows = 0;
        for await (const row of tx.cursor(series, [25, 'x'], { batchSize: 10 }))
          rows += row.i / row.i;
        const list = tx.cursor('select i from unnest($1::int[]) i', [[1, 2, 3]], { batchSize: 2 });
        expect(await list.read()).toEqual([{ i: 1 }, { i: 2 }]);
        await list.close();
        return rows + (await tx.query('select 1 as a')).rows[0].a;
      });
      expect(sum).toBe(26);
      const connection = await pool.acquire();
      await connection.query(`set application_name = 'cursor ${round}'`);
      const cursor = connection.cursor(series, [1000, 'x']);
      expect(await cursor.read(2)).toHaveLength(2);
      await connection.release();
      const { rows } = await pool.query('show application_name');
      expect(rows).toEqual([{ application_name: '' }]);
    }
  },
);

test('a value that is refused in JavaScript ends it with the batch', async () => {
  const pool = await openPool({ max: 1 });
  const text = 'select array[9007199254740988 + i] as list from generate_series(1, 50) i';
  const cursor = pool.cursor(text, [], { batchSize: 2 });
  expect(await cursor.read()).toHaveLength(2);
  expect((await rejection(cursor.read(5))).code).toBe('ERR_POLYPOOL_UNSAFE_INTEGER');
  await cursor.close();
  await works(pool);
});

test('cursors on several connections do not mix', async () => {
  const pool = await openPool({ max: 2 });
  const both = await Promise.all([pool.acquire(), pool.acquire()]);
  const cursors = both.map((c, n) => c.cursor(series, [50, `c${n}`], { batchSize: 3 }));
  for (let from = 1; from < 30; from += 3) {
    const batches = await Promise.all(cursors.map((cursor) => cursor.read()));
    batches.forEach((rows, n) =>
      expect(rows).toEqual([0, 1, 2].map((k) => ({ i: from + k, t: `c${n}` }))),
    );
  }
  await Promise.all(both.map((connection) => connection.release()));
});

test("the pool's own holds a connection from the first read to the end", async () => {
  const pool = await openPool({ max: 1, acquireTimeoutMs: 50 });
  const cursor = pool.cursor(series, [10, 'x'], { batchSize: 6 });
  await works(pool);
  await cursor.read();
  expect(pool.stats().inUse).toBe(1);
  expect((await rejection(pool.query('select 1'))).code).toBe('ERR_POLYPOOL_ACQUIRE_TIMEOUT');
  await cursor.read();
  await works(pool);
  await cursor[Symbol.asyncDispose]();
});

test('a connection without a pool has cursors too', async () => {
  const connection = await openConnection();
  const cursor = connection.cursor(series, [10, 'x']);
  expect(await cursor.read(2)).toHaveLength(2);
  await connection.close();
  expect((await rejection(connection.cursor('select 1').read())).code).toBe('ERR_POLYPOOL_CLOSED');
});

test('an abort ends the read under way and frees the connection', async () => {
  const pool = await openPool({ max: 1 });
  const connection = await pool.acquire();
  const aborter = new AbortController();
  const text =
    'select i, pg_sleep(case when i > 5 then 60 else 0 end) from generate_series(1, 9) i';
  const cursor = connection.cursor(text, [], { signal: aborter.signal, batchSize: 5 });
  expect(await cursor.read()).toHaveLength(5);
  const stuck = cursor.read();
  const id = connection.processId;
  const asleep = 'select 1 from pg_stat_activity where pid = $1 and wait_event = $2';
  await until(async () => (await observe(asleep, [id, 'PgSleep'])).length === 1);
  aborter.abort(new Error('enough'));
  const error = await rejection(stuck);
  expect(error).toMatchObject({ code: 'ERR_POLYPOOL_ABORTED', cause: { message: 'enough' } });
  await works(connection);
  expect(connection.processId).toBe(id);
  await connection.release();
});

test('an abort between two reads is told to the next one', async () => {
  const pool = await openPool({ max: 1 });
  const connection = await pool.acquire();
  const aborter = new AbortController();
  const cursor = connection.cursor(series, [1000, 'x'], { signal: aborter.signal });
  expect(await cursor.read()).toHaveLength(100);
  aborter.abort();
  expect((await rejection(cursor.read())).code).toBe('ERR_POLYPOOL_ABORTED');
  await cursor.close();
  await works(connection);
  await connection.release();
  expect(pool.stats()).toMatchObject({ total: 1, created: 1 });
});

test('timeoutMs bounds each read, not the time between them', async () => {
  const pool = await openPool({ max: 1 });
  const text =
    'select i, pg_sleep(case when i > 5 then 60 else 0 end) from generate_series(1, 9) i';
  const cursor = pool.cursor(text, [], { timeoutMs: 2000, batchSize: 1 });
  for (let i = 1; i <= 5; i++) {
    expect(await cursor.read()).toMatchObject([{ i }]);
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
  const error = await rejection(cursor.read());
  expect(error).toMatchObject({ code: 'ERR_POLYPOOL_QUERY_TIMEOUT', timeoutMs: 2000 });
  await works(pool);
});

test('closing the pool ends it', async () => {
  const pool = await openPool({ max: 1 });
  const cursor = pool.cursor(series, [1000, 'x']);
  await cursor.read(1);
  await pool.close({ timeoutMs: 0 });
  expect((await rejection(cursor.read())).code).toBe('ERR_POLYPOOL_CLOSED');
  await cursor.close();
  expect((await rejection(pool.cursor('select 1').read())).code).toBe('ERR_POLYPOOL_CLOSED');
});

test('a cursor that was never read ends with its transaction', async () => {
  const pool = await openPool({ max: 1 });
  const connection = await pool.acquire();
  let left;
  await connection.transaction(async (tx) => {
    left = tx.cursor(series, [3, 'x']);
  });
  await works(connection);
  const thrown = new Error('mine');
  const failing = connection.transaction(async (tx) => {
    left = tx.cursor(series, [3, 'x']);
    throw thrown;
  });
  expect(await rejection(failing)).toBe(thrown);
  await works(connection);
  await rejection(left.read());
  await connection.release();
});

test('a parameter that cannot be sent does not hold up those behind it', async () => {
  const pool = await openPool({ max: 1 });
  const results = pool.transaction(async (tx) =>
    Promise.allSettled([
      tx.query('select 1 as a'),
      tx.query('select $1::text as b', ['x\0']),
      tx.query('select $1::int[] as c', [[1, 2]]),
    ]),
  );
  expect((await results).map(({ status }) => status)).toEqual([
    'fulfilled',
    'rejected',
    'fulfilled',
  ]);
});
