'use strict';

const {
  load,
  openPool,
  openConnection,
  observe,
  rejection,
  unique,
} = require('../support/pools.js');

test('a query resolves to rows, fields, rowCount and command', async () => {
  const pool = await openPool();
  const result = await pool.query('select 1 as one, $1::text as two', ['deux']);
  expect(result.rows).toEqual([{ one: 1, two: 'deux' }]);
  expect(result.rowCount).toBe(1);
  expect(result.command).toBe('SELECT');
  expect(
    result.fields.map(({ name, dataTypeId, dataTypeSize }) => [name, dataTypeId, dataTypeSize]),
  )
    // 23 is int4, 25 is text
    .toEqual([
      ['one', 23, 4],
      ['two', 25, -1],
    ]);
});

test('fields name the table and column they come from, and the modifier of the type', async () => {
  const pool = await openPool();
  const name = unique('t');
  await pool.query(`create table ${name} (a int, b varchar(7))`);
  const { fields } = await pool.query(`select b, a, 1 as c from ${name}`);
  const [{ oid }] = await observe(`select oid::int from pg_class where relname = $1`, [name]);
  expect(fields.map((f) => [f.name, f.tableId, f.columnId])).toEqual([
    ['b', oid, 2],
    ['a', oid, 1],
    ['c', 0, 0],
  ]);
  expect(fields[0].dataTypeModifier).toBe(11);
  expect(fields[1].dataTypeModifier).toBe(-1);
});

test('rowCount and command follow the kind of statement', async () => {
  const pool = await openPool({ max: 1 });
  const name = unique('t');
  const run = async (text, values) => {
    const { rowCount, command, rows } = await pool.query(text, values);
    return [command, rowCount, rows.length];
  };
  expect(await run(`create table ${name} (a int)`)).toEqual(['CREATE TABLE', null, 0]);
  const insert = `insert into ${name} select * from generate_series(1, $1::int)`;
  expect(await run(insert, [5])).toEqual(['INSERT', 5, 0]);
  expect(await run(`update ${name} set a = a + 1 where a > 2 returning a`)).toEqual([
    'UPDATE',
    3,
    3,
  ]);
  expect(await run(`delete from ${name} where a = -1`)).toEqual(['DELETE', 0, 0]);
  expect(await run(`select * from ${name}`)).toEqual(['SELECT', 5, 5]);
  expect(await run(`set work_mem = '5MB'`)).toEqual(['SET', null, 0]);
});

test.each(['', '   ', '-- only a comment', ';'])(
  'an empty statement (%j) gives no rows',
  async (text) => {
    const pool = await openPool();
    const { rows, rowCount, command } = await pool.query(text);
    expect([rows, rowCount, command]).toEqual([[], null, null]);
  },
);

test('a statement without columns still has rows', async () => {
  const pool = await openPool();
  for (let run = 0; run < 3; run++) {
    const { rows, rowCount } = await pool.query('select from generate_series(1, 3)', []);
    expect(rows).toEqual([{}, {}, {}]);
    expect(rowCount).toBe(3);
  }
});

test('rowMode array gives arrays in the order of fields, duplicates included', async () => {
  const pool = await openPool();
  const options = { rowMode: 'array' };
  for (let run = 0; run < 3; run++) {
    const { rows, fields } = await pool.query('select 1 as a, 2 as b, 3 as a', [], options);
    expect(rows).toEqual([[1, 2, 3]]);
    expect(fields.map(({ name }) => name)).toEqual(['a', 'b', 'a']);
  }
});

test('in object mode the last of several columns of one name stays', async () => {
  const pool = await openPool();
  for (let run = 0; run < 3; run++) {
    const { rows } = await pool.query("select 1 as a, 'x' as b, 3 as a");
    expect(rows).toEqual([{ a: 3, b: 'x' }]);
  }
});

const STRANGE_NAMES = [
  '__proto__',
  'constructor',
  'hasOwnProperty',
  'toString',
  'then',
  '0',
  '?column?',
  'with space',
  `quo"te'back\\slash\`tick\${1}`,
  `"];throw new Error("escaped");["`,
  'line\nbreak\u2028and\u2029more',
  'Straße 東京 🐘',
];

test.each(STRANGE_NAMES)('a column may be called %j', async (name) => {
  const pool = await openPool();
  const quoted = load().escapeIdentifier(name);
  for (let run = 0; run < 3; run++) {
    const { rows, fields } = await pool.query(`select 42 as ${quoted}, null as other`);
    expect(fields[0].name).toBe(name);
    expect(Object.entries(rows[0])).toEqual([
      [name, 42],
      ['other', null],
    ]);
    expect(Object.getPrototypeOf(rows[0]) === Array.prototype).toBe(false);
  }
});

test('1,600 columns and one wide row arrive whole', async () => {
  const pool = await openPool();
  const list = Array.from({ length: 1600 }, (_, i) => `${i} as c${i}`).join(', ');
  for (let run = 0; run < 3; run++) {
    const { rows } = await pool.query(`select ${list}`);
    expect(Object.keys(rows[0])).toHaveLength(1600);
    expect(rows[0].c1599).toBe(1599);
  }
});

test('a value of 20 MB arrives whole, both ways', async () => {
  const pool = await openPool();
  const text = 'é'.repeat(10 << 20);
  const { rows } = await pool.query('select $1::text as text, length($1::text) as length', [text]);
  expect(rows[0].length).toBe(10 << 20);
  expect(rows[0].text === text).toBe(true);
});

test('100,000 rows with NULLs in every position arrive in order', async () => {
  const pool = await openPool();
  const text = `select i, nullif(i % 3, 0) as a, case when i % 5 > 0 then 'text ' || i end as b,
      case when i % 7 > 0 then i / 4.0::float8 end as c from generate_series(1, $1::int) i`;
  for (let run = 0; run < 2; run++) {
    const { rows } = await pool.query(text, [100_000]);
    expect(rows).toHaveLength(100_000);
    const wrong = rows.findIndex(
      ({ i, a, b, c }, index) =>
        i !== index + 1 ||
        a !== (i % 3 || null) ||
        b !== (i % 5 > 0 ? `text ${i}` : null) ||
        c !== (i % 7 > 0 ? i / 4 : null),
    );
    expect(rows[wrong]).toBeUndefined();
  }
});

test('several statements in one text give an array of results', async () => {
  const pool = await openPool();
  const results = await pool.query("select 1 as a; select 'x' as b, 2 as c; set work_mem = '5MB'");
  expect(results.map(({ command, rows }) => [command, rows])).toEqual([
    ['SELECT', [{ a: 1 }]],
    ['SELECT', [{ b: 'x', c: 2 }]],
    ['SET', []],
  ]);
});

test('an error in one of several statements undoes those before it', async () => {
  const pool = await openPool();
  const name = unique('t');
  await pool.query(`create table ${name} (a int)`);
  const error = await rejection(pool.query(`insert into ${name} values (1); select 1 / 0`));
  expect(error.code).toBe('22012');
  expect((await pool.query(`select count(*) as n from ${name}`)).rows).toEqual([{ n: 0 }]);
});

test('several statements with parameters are the server’s error, not the first one’s result', async () => {
  const pool = await openPool();
  const error = await rejection(pool.query('select 1; select $1::int', [1]));
  expect(error).toMatchObject({ name: 'DatabaseError', code: '42601' });
});

test('semicolons in literals, identifiers, comments and dollar quotes do not make several statements', async () => {
  const pool = await openPool();
  const text = `select ';' as "a;b", $tag$;$x$;$tag$ as c, e'\\';' as d /* ; /* ; */ */ -- ;\n;`;
  const { rows } = await pool.query(text);
  expect(rows).toEqual([{ 'a;b': ';', c: ';$x$;', d: "';" }]);
});

test('a query may be given as one object', async () => {
  const pool = await openPool();
  const { rows } = await pool.query({ text: 'select $1::int as a', values: [7], rowMode: 'array' });
  expect(rows).toEqual([[7]]);
});

test('a database error carries the server’s fields, the query and the parameters', async () => {
  const pool = await openPool();
  const { DatabaseError, PoolError } = load();
  const name = unique('t');
  await pool.query(`create table ${name} (a int primary key, b int not null check (b > 0))`);
  const text = `insert into ${name} values ($1, $2)`;
  await pool.query(text, [1, 1]);
  for (let run = 0; run < 3; run++) {
    const error = await rejection(pool.query(text, [1, 5]));
    expect(error).toBeInstanceOf(DatabaseError);
    expect(error).toBeInstanceOf(Error);
    expect(error).not.toBeInstanceOf(PoolError);
    expect(error).toMatchObject({
      name: 'DatabaseError',
      severity: 'ERROR',
      code: '23505',
      schema: 'public',
      table: name,
      constraint: `${name}_pkey`,
      detail: 'Key (a)=(1) already exists.',
    });
    expect(error.message).toContain('duplicate key');
    expect([error.query, error.parameters]).toEqual([text, [1, 5]]);
    expect(Object.keys(error)).not.toContain('parameters');
    expect(Object.keys(error)).not.toContain('query');
  }
});

test('a syntax error has a position in characters', async () => {
  const pool = await openPool();
  const error = await rejection(pool.query("select 'ü🐘' as a, frm pg_class where"));
  expect(error.code).toMatch(/^42/);
  expect(error.position).toBeGreaterThan(0);
  expect(typeof error.position).toBe('number');
});

test('one failed query leaves the connection and its neighbours alone', async () => {
  const pool = await openPool({ max: 1 });
  const { processId } = await pool.use((c) => ({ processId: c.processId }));
  const outcomes = await Promise.allSettled(
    Array.from({ length: 60 }, (_, i) =>
      pool.query('select 10 / $1::int as n, pg_backend_pid() as pid', [i % 5]),
    ),
  );
  outcomes.forEach(({ status, value, reason }, i) => {
    if (i % 5 === 0) expect(reason.code).toBe('22012');
    else expect([status, value?.rows[0].n]).toEqual(['fulfilled', Math.trunc(10 / (i % 5))]);
    if (value) expect(value.rows[0].pid).toBe(processId);
  });
});

test('a changed table is noticed: the cached plan is made again', async () => {
  const pool = await openPool({ max: 1 });
  const name = unique('t');
  await pool.query(`create table ${name} (a int)`);
  await pool.query(`insert into ${name} values (1)`);
  for (let run = 0; run < 3; run++) {
    expect((await pool.query(`select * from ${name}`)).rows).toEqual([{ a: 1 }]);
  }
  await observe(`alter table ${name} alter a type text, add b int default 2`);
  for (let run = 0; run < 3; run++) {
    expect((await pool.query(`select * from ${name}`)).rows).toEqual([{ a: '1', b: 2 }]);
  }
});

test('within a transaction a changed plan is an error and is not run again', async () => {
  const pool = await openPool({ max: 1 });
  const name = unique('t');
  await pool.query(`create table ${name} (a int)`);
  for (let run = 0; run < 3; run++) await pool.query(`select * from ${name}`);
  await observe(`alter table ${name} add b int`);
  const error = await rejection(
    pool.transaction(async (tx) => {
      await tx.query('select 1');
      await tx.query(`select * from ${name}`);
    }),
  );
  expect(error.code).toBe('0A000');
  expect((await pool.query(`select * from ${name}`)).rows).toEqual([]);
});

test('statements that are no longer on the server are prepared again', async () => {
  const pool = await openPool({ max: 1, reset: 'never' });
  for (let run = 0; run < 3; run++) await pool.query('select 5 as five');
  await pool.query('deallocate all');
  for (let run = 0; run < 3; run++) {
    expect((await pool.query('select 5 as five')).rows).toEqual([{ five: 5 }]);
  }
});

test('no more statements stay prepared than statementCache allows', async () => {
  const pool = await openPool({ max: 1, statementCache: 5 });
  for (let i = 0; i < 40; i++) {
    expect((await pool.query(`select ${i} as n`)).rows).toEqual([{ n: i }]);
  }
  const count = 'select count(*) as n from pg_prepared_statements';
  expect((await pool.query(count)).rows[0].n).toBeLessThanOrEqual(5);
});

test('statementCache 0 leaves nothing prepared', async () => {
  const pool = await openPool({ max: 1, statementCache: 0 });
  for (let run = 0; run < 4; run++) {
    const { rows } = await pool.query('select name from pg_prepared_statements where $1', [true]);
    expect(rows).toEqual([]);
  }
});

test('COPY is refused without hurting the connection', async () => {
  const pool = await openPool({ max: 1 });
  const name = unique('t');
  await pool.query(`create table ${name} (a int)`);
  for (const text of [`copy ${name} from stdin`, 'copy (select 1) to stdout']) {
    const error = await rejection(pool.query(text));
    expect(error).toBeInstanceOf(Error);
    expect((await pool.query('select 1 as a')).rows).toEqual([{ a: 1 }]);
  }
});

test('connect() gives one connection outside any pool', async () => {
  const connection = await openConnection();
  const { rows } = await connection.query('select pg_backend_pid() as pid');
  expect(rows[0].pid).toBe(connection.processId);
  // Settings stay: nobody else borrows it.
  await connection.query("set application_name = 'alone'");
  const after = await connection.query("select current_setting('application_name') as name");
  expect(after.rows[0].name).toBe('alone');
  await connection.close();
  await connection.close();
  expect(connection.closed).toBe(true);
  const error = await rejection(connection.query('select 1'));
  expect(error.code).toBe('ERR_POLYPOOL_CLOSED');
});

test('statements of one connection settle in the order of their calls, refused or not', async () => {
  const connection = await openConnection();
  const settled = [];
  const expected = [];
  const asked = Array.from({ length: 60 }, (_, i) => {
    const isRefused = i % 3 === 1;
    expected.push(`${i} ${isRefused ? 'refused' : 'answered'}`);
    return connection.query(isRefused ? 'select 1 / 0' : 'select 1').then(
      () => settled.push(`${i} answered`),
      () => settled.push(`${i} refused`),
    );
  });
  await Promise.all(asked);
  expect(settled).toEqual(expected);
});

test.each([
  ['release', async (connection) => connection.release()],
  ['a cursor', async (connection) => connection.cursor('select 1').read(1)],
  ['a stream', async (connection) => connection.stream('select 1').toArray()],
])('%s behind a statement that is refused settles behind it', async (_what, ask) => {
  const pool = await openPool({ max: 1 });
  const connection = await pool.acquire();
  const settled = [];
  const refused = connection.query('select 1 / 0').catch(() => settled.push('refused'));
  await ask(connection).then(() => settled.push('answered'));
  await refused;
  expect(settled).toEqual(['refused', 'answered']);
});

test('who closes a pool knows of what was refused before', async () => {
  const pool = await openPool();
  const settled = [];
  pool.query('select 1 / 0').catch(() => settled.push('refused'));
  const used = pool.use(async (connection) => {
    connection.query('select 1 / 0').catch(() => settled.push('refused in use'));
  });
  await Promise.all([
    used.then(() => settled.push('used')),
    pool.close().then(() => settled.push('closed')),
  ]);
  const at = (what) => settled.indexOf(what);
  expect(settled).toHaveLength(4);
  expect(at('refused')).toBeLessThan(at('closed'));
  expect(at('refused in use')).toBeLessThan(at('used'));
  expect(at('used')).toBeLessThan(at('closed'));
});

test('statements of one connection run in the order of their calls', async () => {
  const pool = await openPool();
  await pool.use(async (connection) => {
    await connection.query('create temp table log (n serial, label int)');
    const text = 'insert into log (label) values ($1)';
    await Promise.all(Array.from({ length: 100 }, (_, i) => connection.query(text, [i])));
    const { rows } = await connection.query('select label from log order by n');
    expect(rows.map(({ label }) => label)).toEqual(Array.from({ length: 100 }, (_, i) => i));
  });
});

test('a pool answers hundreds of concurrent queries over few connections', async () => {
  const pool = await openPool({ max: 3 });
  const queries = Array.from({ length: 500 }, (_, i) => pool.query('select $1::int as n', [i]));
  const results = await Promise.all(queries);
  expect(results.map(({ rows }) => rows[0].n)).toEqual(results.map((_, i) => i));
  expect(pool.stats().total).toBeLessThanOrEqual(3);
});

test('notices reach the pool with their fields', async () => {
  const pool = await openPool({ max: 1 });
  const seen = [];
  pool.on('notice', (notice, connection) => seen.push([notice, connection]));
  const { processId } = await pool.use(async (connection) => {
    await connection.query("do $$ begin raise notice 'ping %', 1 using hint = 'pong'; end $$");
    return connection;
  });
  expect(seen).toHaveLength(1);
  expect(seen[0][0]).toMatchObject({ severity: 'NOTICE', message: 'ping 1', hint: 'pong' });
  expect(seen[0][0].code).toBe('00000');
  expect(seen[0][1].processId).toBe(processId);
});

test('a failed statement has settled when a later one has succeeded', async () => {
  const pool = await openPool({ max: 1 });
  await pool.use(async (connection) => {
    for (let round = 0; round < 20; round++) {
      const settled = [];
      const failing = connection.query('select 1 / 0').catch(() => settled.push('failed'));
      const later = connection.query('select 1').then(() => settled.push('later'));
      await Promise.all([failing, later]);
      expect(settled).toEqual(['failed', 'later']);
    }
  });
});
