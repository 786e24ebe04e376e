'use strict';

const { Readable, pipeline, Writable } = require('node:stream');
const { promisify } = require('node:util');
const { load, openPool, observe, rejection, until, unique } = require('../support/pools.js');
const { printed, runProgram } = require('../support/child.js');

const series = 'select i, repeat($2::text, 20) as text from generate_series(1, $1::int) i';

test('for await reads every row in order', async () => {
  const pool = await openPool({ max: 1 });
  for (const batchSize of [1, 7, 1000, 100_000]) {
    let count = 0;
    for await (const { i, text } of pool.stream(series, [2500, 'é'], { batchSize })) {
      count += 1;
      expect([i, text]).toEqual([count, 'é'.repeat(20)]);
    }
    expect([batchSize, count]).toEqual([batchSize, 2500]);
  }
  expect(pool.stats()).toMatchObject({ inUse: 0, idle: 1 });
});

test('a stream is a Node Readable in object mode and can be piped', async () => {
  const pool = await openPool({ max: 1 });
  const stream = pool.stream(series, [5000, 'x']);
  expect(stream).toBeInstanceOf(Readable);
  let sum = 0;
  const sink = new Writable({
    objectMode: true,
    write({ i }, encoding, done) {
      sum += i;
      setImmediate(done);
    },
  });
  await promisify(pipeline)(stream, sink);
  expect(sum).toBe((5000 * 5001) / 2);
});

test('rows are those that query() gives, for both row modes', async () => {
  const pool = await openPool({ max: 1 });
  const text = `select i, i / 4.0::float8 as f, now() as at, null as nothing, array[i] as list,
    '\\x01'::bytea as bytes, '{"a":1}'::jsonb as json from generate_series(1, 50) i`;
  await pool.transaction(async (tx) => {
    for (const rowMode of ['object', 'array']) {
      const { rows } = await tx.query(text, [], { rowMode });
      expect(await tx.stream(text, [], { rowMode, batchSize: 8 }).toArray()).toStrictEqual(rows);
    }
  });
});

test('fields are known with the first row, and for an empty result', async () => {
  const pool = await openPool({ max: 1 });
  const stream = pool.stream('select 1 as a, 2 as b');
  expect(stream.fields).toBe(null);
  for await (const row of stream) expect(row).toEqual({ a: 1, b: 2 });
  expect(stream.fields.map(({ name }) => name)).toEqual(['a', 'b']);
  const empty = pool.stream('select 1 as c where false');
  expect(await empty.toArray()).toEqual([]);
  expect(empty.fields.map(({ name }) => name)).toEqual(['c']);
});

test('leaving the loop ends the statement and gives the connection back', async () => {
  const pool = await openPool({ max: 1 });
  for await (const { i } of pool.stream(series, [1_000_000, 'x'])) if (i === 10) break;
  expect((await pool.query('select 1 as a')).rows).toEqual([{ a: 1 }]);
  expect(pool.stats()).toMatchObject({ total: 1, inUse: 0 });
});

test('destroy() ends the statement with the error given', async () => {
  const pool = await openPool({ max: 1 });
  const stream = pool.stream(series, [1_000_000, 'x']);
  const error = await rejection(
    (async () => {
      for await (const { i } of stream) if (i === 5) stream.destroy(new RangeError('enough'));
    })(),
  );
  expect(error).toBeInstanceOf(RangeError);
  expect((await pool.query('select 1 as a')).rows).toEqual([{ a: 1 }]);
});

test('a stream destroyed before it was read holds nothing', async () => {
  const pool = await openPool({ max: 1 });
  for (let i = 0; i < 50; i++) pool.stream(series, [1000, 'x']).destroy();
  expect((await pool.query('select 1 as a')).rows).toEqual([{ a: 1 }]);
  await until(() => pool.stats().inUse === 0);
});

test('an error of the server ends the stream, at once or in the middle', async () => {
  const pool = await openPool({ max: 1 });
  const early = await rejection(pool.stream('select * from no_such_table').toArray());
  expect(early.code).toBe('42P01');
  const rows = [];
  const late = await rejection(
    (async () => {
      const text = 'select 1 / (3000 - i) as a from generate_series(1, 5000) i';
      for await (const row of pool.stream(text, [], { batchSize: 100 })) rows.push(row);
    })(),
  );
  expect(late.code).toBe('22012');
  expect(rows.length).toBeLessThan(3000);
  expect((await pool.query('select 1 as a')).rows).toEqual([{ a: 1 }]);
});

test('stream() never throws: wrong arguments end the stream', async () => {
  const pool = await openPool({ max: 1 });
  const cases = [
    [['select $1::int', [undefined]], 'ERR_POLYPOOL_PARAMETER'],
    [['select 1', [], { batchSize: 0 }], 'ERR_POLYPOOL_OPTION'],
    [['select 1', [], { batchsize: 10 }], 'ERR_POLYPOOL_OPTION'],
  ];
  for (const [args, code] of cases) {
    expect((await rejection(pool.stream(...args).toArray())).code).toBe(code);
  }
});

test('the server is read only as fast as rows are taken', async () => {
  const pool = await openPool({ max: 1 });
  const name = unique('s');
  await pool.query(`create sequence ${name}`);
  await pool.query(`grant select on ${name} to public`);
  const text = `select nextval('${name}') as n, repeat('x', 1000) as payload from generate_series(1, 1000000)`;
  const stream = pool.stream(text, [], { batchSize: 100 });
  const rows = stream[Symbol.asyncIterator]();
  expect((await rows.next()).value.n).toBe(1);
  // The server stands still: it waits for this client to read, or to ask for more.
  const waiting = async () => {
    const [row] = await observe(
      "select wait_event from pg_stat_activity where wait_event in ('ClientWrite', 'ClientRead') and query like $1",
      [`%nextval('${name}')%`],
    );
    return row;
  };
  await until(waiting);
  const [{ n }] = await observe(`select last_value::int as n from ${name}`);
  expect(n).toBeLessThan(200_000);
  // And goes on where it was.
  for (let i = 2; i <= 1000; i++) expect((await rows.next()).value.n).toBe(i);
  await rows.return();
});

test('a slow reader of one stream does not hold up other queries', async () => {
  const pool = await openPool({ max: 2 });
  const rows = pool.stream(series, [1_000_000, 'x'])[Symbol.asyncIterator]();
  await rows.next();
  const results = await Promise.all(
    Array.from({ length: 200 }, (_, i) => pool.query('select $1::int as n', [i])),
  );
  expect(results.map(({ rows: [{ n }] }) => n)).toEqual(results.map((_, i) => i));
  await rows.return();
});

test('a signal ends a stream, before and while it is read', async () => {
  const pool = await openPool({ max: 1 });
  const aborted = pool.stream(series, [10, 'x'], { signal: AbortSignal.abort() });
  expect((await rejection(aborted.toArray())).code).toBe('ERR_POLYPOOL_ABORTED');
  const controller = new AbortController();
  const error = await rejection(
    (async () => {
      for await (const { i } of pool.stream(series, [1_000_000, 'x'], {
        signal: controller.signal,
      })) {
        if (i === 3) controller.abort();
      }
    })(),
  );
  expect(error).toMatchObject({ name: 'AbortError', code: 'ERR_POLYPOOL_ABORTED' });
  expect((await pool.query('select 1 as a')).rows).toEqual([{ a: 1 }]);
});

test('timeoutMs ends a stream that takes too long', async () => {
  const pool = await openPool({ max: 1 });
  const stream = pool.stream('select pg_sleep(30)', [], { timeoutMs: 40 });
  expect((await rejection(stream.toArray())).code).toBe('ERR_POLYPOOL_QUERY_TIMEOUT');
  expect((await pool.query('select 1 as a')).rows).toEqual([{ a: 1 }]);
});

test('streams on one lease take turns with its queries', async () => {
  const pool = await openPool({ max: 1 });
  await pool.use(async (connection) => {
    const stream = connection.stream(series, [3000, 'x']).toArray();
    const query = connection.query('select 1 as a');
    expect(await stream).toHaveLength(3000);
    expect((await query).rows).toEqual([{ a: 1 }]);
  });
});

test('a template can be streamed', async () => {
  const pool = await openPool({ max: 1 });
  const { sql } = load();
  const rows = await pool.stream(sql`select i from generate_series(1, ${3}::int) i`).toArray();
  expect(rows).toEqual([{ i: 1 }, { i: 2 }, { i: 3 }]);
});

test('a stream of changes applies them all when it is read to the end', async () => {
  const pool = await openPool({ max: 1 });
  const name = unique('t');
  await pool.query(`create table ${name} as select i from generate_series(1, 500) i`);
  const text = `update ${name} set i = -i returning i`;
  const rows = await pool.stream(text, [], { batchSize: 10 }).toArray();
  expect(rows).toHaveLength(500);
  expect(await observe(`select count(*)::int as n from ${name} where i < 0`)).toEqual([{ n: 500 }]);
});

test('a stream is submitted by its call: what is called later runs later', async () => {
  const pool = await openPool({ max: 1 });
  const name = unique('s');
  await pool.query(`create sequence ${name}`);
  const text = `select nextval('${name}') as n`;
  const check = async (queryable) => {
    const before = queryable.query(text);
    const stream = queryable.stream(text);
    const after = queryable.query(text);
    const [first] = (await before).rows;
    const [[second], [third]] = [await stream.toArray(), (await after).rows];
    expect([second.n, third.n]).toEqual([first.n + 1, first.n + 2]);
  };
  await pool.use(check);
  await pool.transaction(check);
  await pool.transaction(async (tx) => {
    const stream = tx.stream(text);
    const after = tx.query(text);
    const [[first], [second]] = [await stream.toArray(), (await after).rows];
    expect(second.n).toBe(first.n + 1);
  });
});

test('a row that has no JavaScript form ends the stream and its statement', async () => {
  const pool = await openPool({ max: 1 });
  // No Date goes as far; and the statement would go on for hours.
  const text = `select case when i = 500 then '290000-01-01'::timestamptz else now() end as at
    from (select generate_series(1, 10000000000) as i) as endless`;
  for (const batchSize of [10, 100_000]) {
    const rows = pool.stream(text, [], { batchSize });
    const error = await rejection(rows.toArray());
    expect(error).toMatchObject({ name: 'PoolError', code: 'ERR_POLYPOOL_DECODE' });
    expect(error.message).toContain('"at"');
    expect((await pool.query('select 1 as a')).rows).toEqual([{ a: 1 }]);
  }
  expect(pool.stats()).toMatchObject({ total: 1, inUse: 0 });
});

test.each([1, 7])(
  'what a listener of data throws hurts nobody else (batchSize %d)',
  async (batch) => {
    const run = await runProgram(`
    const uncaught = [];
    process.on('uncaughtException', (error) => uncaught.push(error.message));
    (async () => {
      const pool = await createPool(url, { max: 2 });
      const stream = pool.stream('select i from generate_series(1, 50) i', [], { batchSize: ${batch} });
      let rows = 0;
      stream.on('data', () => { rows += 1; throw new Error('mine'); });
      const others = Array.from({ length: 20 }, (_, i) => pool.query('select $1::int as n', [i]));
      await new Promise((resolve) => stream.on('close', resolve));
      const sum = (await Promise.all(others)).reduce((all, { rows }) => all + rows[0].n, 0);
      await pool.close();
      console.log(JSON.stringify({ rows, sum, uncaught: uncaught.length, what: uncaught[0] }));
    })();`);
    expect(run).toMatchObject({ code: 0, stderr: '' });
    expect(printed(run)).toEqual([{ rows: 50, sum: 190, uncaught: 50, what: 'mine' }]);
  },
);

test('options may stand beside the text, and are checked', async () => {
  const pool = await openPool({ max: 1 });
  const stream = pool.stream({ text: 'select $1::int as a', values: [5], rowMode: 'array' });
  expect(await stream.toArray()).toEqual([[5]]);
  const error = await rejection(pool.stream({ text: 'select 1', batchsize: 5 }).toArray());
  expect(error.message).toContain("'batchSize'");
});
