'use strict';
// COPY in both directions as Node streams: what arrives, what it ends with, who may use the
// connection afterwards.

const {
  createReadStream,
  createWriteStream,
  mkdtempSync,
  readFileSync,
  rmSync,
} = require('node:fs');
const { once } = require('node:events');
const os = require('node:os');
const path = require('node:path');
const { Readable, Writable } = require('node:stream');
const { finished, pipeline } = require('node:stream/promises');
const {
  load,
  observe,
  openConnection,
  openPool,
  rejection,
  unique,
  until,
} = require('../support/pools.js');

const READABLE = 'select i, t from';
const copyIn = (table) => `copy ${table} from stdin`;
const copyOut = (table) => `copy ${table} to stdout`;

async function createTable(queryable, columns = 'i int, t text') {
  const name = unique('copy');
  await queryable.query(`create table ${name} (${columns})`);
  return name;
}

async function fill(queryable, table, lines) {
  const writer = queryable.copyFrom(copyIn(table));
  await pipeline(Readable.from(lines), writer);
  return writer.rowCount;
}

async function text(reader) {
  const chunks = [];
  for await (const chunk of reader) {
    expect(Buffer.isBuffer(chunk)).toBe(true);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString();
}

const rowsOf = async (queryable, table) =>
  (await queryable.query(`${READABLE} ${table} order by i`)).rows;

const works = async (queryable) =>
  expect((await queryable.query('select 1 as a')).rows).toEqual([{ a: 1 }]);

test('rows go in and come out again', async () => {
  const pool = await openPool({ max: 1 });
  const table = await createTable(pool);
  const writer = pool.copyFrom(copyIn(table));
  expect(writer).toBeInstanceOf(Writable);
  expect(writer.rowCount).toBe(null);
  writer.write('1\tone\n');
  writer.write(Buffer.from('2\ttwo\n3\t'));
  writer.end('\\N\n');
  await finished(writer);
  expect(writer.rowCount).toBe(3);
  expect(await rowsOf(pool, table)).toEqual([
    { i: 1, t: 'one' },
    { i: 2, t: 'two' },
    { i: 3, t: null },
  ]);
  const reader = pool.copyTo(copyOut(table));
  expect(reader).toBeInstanceOf(Readable);
  expect(await text(reader)).toBe('1\tone\n2\ttwo\n3\t\\N\n');
  expect(reader.rowCount).toBe(3);
  expect(pool.stats()).toMatchObject({ total: 1, inUse: 0 });
});

test('100,000 rows beyond ASCII come back as they went, in lines and in large chunks', async () => {
  const pool = await openPool({ max: 1 });
  const lines = Array.from({ length: 100_000 }, (_, i) => `${i}\tname ${i} é漢🐘 ${i % 7}\n`);
  const whole = lines.join('');
  for (const chunks of [lines, [whole], [Buffer.from(whole)]]) {
    const table = await createTable(pool);
    expect(await fill(pool, table, chunks)).toBe(100_000);
    expect(
      (await text(pool.copyTo(`copy (select * from ${table} order by i) to stdout`))) === whole,
    ).toBe(true);
    await pool.query(`drop table ${table}`);
  }
});

test('csv and binary pass as the server sends them', async () => {
  const pool = await openPool({ max: 1 });
  const source = await createTable(pool);
  await pool.query(`insert into ${source} select i, 'a "b", ' || i from generate_series(1, 50) i`);
  for (const format of ['csv', 'binary', 'text']) {
    const target = await createTable(pool);
    const reader = pool.copyTo(`copy ${source} to stdout (format ${format})`);
    const bytes = Buffer.concat(await reader.toArray());
    const writer = pool.copyFrom(`copy ${target} from stdin (format ${format})`);
    // One byte at a time: nothing depends on where chunks are cut.
    await pipeline(Readable.from(Array.from(bytes, (byte) => Buffer.of(byte))), writer);
    expect([format, await rowsOf(pool, target)]).toEqual([format, await rowsOf(pool, source)]);
  }
});

test('from file to table to file', async () => {
  const pool = await openPool({ max: 2 });
  const table = await createTable(pool);
  const folder = mkdtempSync(path.join(os.tmpdir(), 'polypool-copy-'));
  try {
    const [from, to] = ['in.csv', 'out.csv'].map((name) => path.join(folder, name));
    const lines = Array.from({ length: 20_000 }, (_, i) => `${i},line ${i} ü\n`).join('');
    await pipeline([lines], createWriteStream(from));
    await pipeline(createReadStream(from), pool.copyFrom(`copy ${table} from stdin csv`));
    await pipeline(pool.copyTo(`copy ${table} to stdout csv`), createWriteStream(to));
    expect(readFileSync(to).equals(readFileSync(from))).toBe(true);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('a table goes straight into another one', async () => {
  const pool = await openPool({ max: 2 });
  const [source, target] = [await createTable(pool), await createTable(pool)];
  await pool.query(
    `insert into ${source} select i, repeat('x', i % 90) from generate_series(1, 9000) i`,
  );
  await pipeline(pool.copyTo(copyOut(source)), pool.copyFrom(copyIn(target)));
  expect(await rowsOf(pool, target)).toEqual(await rowsOf(pool, source));
});

test('encodings of write(), surrogates between chunks, empty chunks', async () => {
  const pool = await openPool({ max: 1 });
  const table = await createTable(pool);
  const writer = pool.copyFrom(copyIn(table));
  writer.write('');
  writer.write(Buffer.alloc(0));
  writer.write('310962', 'hex'); // 1, tab, b
  writer.write('é\n', 'utf-8');
  const [high, low] = '🐘';
  writer.write(`2\t${high}${low ?? ''}\n`);
  writer.write('Mwlk', 'base64'); // 3, tab, d
  writer.write(new Uint8Array([10]));
  // Longer than what is encoded at once, with a pair across every border.
  const long = `x${'🐘'.repeat(50_000)}`;
  writer.end(`4\t${long}\n`);
  await finished(writer);
  const rows = await rowsOf(pool, table);
  expect(rows.map(({ t }) => t.slice(0, 5))).toEqual(['bé', '🐘', 'd', long.slice(0, 5)]);
  expect(rows[3].t === long).toBe(true);
});

test('an empty copy in both directions', async () => {
  const pool = await openPool({ max: 1 });
  const table = await createTable(pool);
  const writer = pool.copyFrom(copyIn(table));
  writer.end();
  await finished(writer);
  expect(writer.rowCount).toBe(0);
  const reader = pool.copyTo(copyOut(table));
  expect(await text(reader)).toBe('');
  expect(reader.rowCount).toBe(0);
});

test('on a lease, in a transaction, on a connection of its own', async () => {
  const pool = await openPool({ max: 1 });
  const table = await createTable(pool);
  await pool.use(async (connection) => {
    expect(await fill(connection, table, ['1\ta\n'])).toBe(1);
    expect(await text(connection.copyTo(copyOut(table)))).toBe('1\ta\n');
  });
  await pool.transaction(async (tx) => {
    // The first statement: BEGIN goes in front of it.
    expect(await fill(tx, table, ['2\tb\n'])).toBe(1);
    await tx.transaction((inner) => fill(inner, table, ['3\tc\n']));
    expect(await text(tx.copyTo(copyOut(table)))).toBe('1\ta\n2\tb\n3\tc\n');
  });
  const failed = await rejection(
    pool.transaction(async (tx) => {
      await fill(tx, table, ['9\tgone\n']);
      throw new Error('mine');
    }),
  );
  expect(failed.message).toBe('mine');
  const alone = await openConnection();
  expect(await text(alone.copyTo(copyOut(table)))).toBe('1\ta\n2\tb\n3\tc\n');
  expect(await fill(alone, table, ['4\td\n'])).toBe(1);
  await alone.close();
  expect((await rejection(finished(alone.copyFrom(copyIn(table))))).code).toBe(
    'ERR_POLYPOOL_CLOSED',
  );
  expect(await rowsOf(pool, table)).toHaveLength(4);
});

test('what is called later on a lease runs later', async () => {
  const pool = await openPool({ max: 1 });
  const table = await createTable(pool);
  await pool.use(async (connection) => {
    const before = connection.query(`select count(*)::int as n from ${table}`);
    const writer = connection.copyFrom(copyIn(table));
    const after = connection.query(`select count(*)::int as n from ${table}`);
    const reader = connection.copyTo(copyOut(table));
    const last = connection.query('select 2 as n');
    writer.end('1\ta\n2\tb\n');
    expect((await before).rows).toEqual([{ n: 0 }]);
    expect((await after).rows).toEqual([{ n: 2 }]);
    expect(await text(reader)).toBe('1\ta\n2\tb\n');
    expect((await last).rows).toEqual([{ n: 2 }]);
  });
});

test('COPY leaves nothing behind that would need a reset', async () => {
  const pool = await openPool({ max: 1 });
  const table = await createTable(pool);
  const count = 'select count(*)::int as n from pg_prepared_statements where $1';
  const prepared = async () => (await pool.query(count, [true])).rows[0].n;
  for (const n of [1, 2, 3]) await pool.query(`select $1::int + ${n}`, [n]);
  const before = await prepared();
  expect(before).toBeGreaterThan(3);
  await pool.use((connection) => fill(connection, table, ['1\ta\n']));
  await pool.use((connection) => text(connection.copyTo(copyOut(table))));
  // DISCARD ALL would have dropped them.
  expect(await prepared()).toBe(before);
  await pool.use((connection) => connection.query('set work_mem = 65536'));
  expect(await prepared()).toBe(1);
});

describe('errors of the server', () => {
  test('bad rows: the stream is destroyed with the DatabaseError, the connection goes on', async () => {
    const pool = await openPool({ max: 1 });
    const table = await createTable(pool, 'i int primary key, t text');
    const cases = [
      ['1\n', '22P04'],
      ['x\ty\n', '22P02'],
      ['1\ta\n1\tb\n', '23505'],
      ['1\ta\tb\n', '22P04'],
    ];
    for (const [line, code] of cases) {
      const error = await rejection(fill(pool, table, [line]));
      expect(error).toBeInstanceOf(load().DatabaseError);
      expect([line, error.code]).toEqual([line, code]);
      expect(error.where).toContain('line');
      expect(error.query).toBe(copyIn(table));
      await works(pool);
    }
    expect(await rowsOf(pool, table)).toEqual([]);
    expect(pool.stats()).toMatchObject({ total: 1, inUse: 0 });
  });

  test('before any data are taken, for both', async () => {
    const pool = await openPool({ max: 1 });
    const writer = pool.copyFrom('copy no_such_table from stdin');
    writer.write('1\n');
    expect((await rejection(finished(writer))).code).toBe('42P01');
    const reader = pool.copyTo('copy no_such_table to stdout');
    expect((await rejection(reader.toArray())).code).toBe('42P01');
    await works(pool);
  });

  test('in the middle of much data, which nobody awaits', async () => {
    const pool = await openPool({ max: 1 });
    const table = await createTable(pool);
    const good = `${'1\tgood line\n'.repeat(5000)}`;
    function* lines() {
      for (let i = 0; i < 100; i++) yield i === 30 ? 'bad\n' : good;
    }
    const error = await rejection(fill(pool, table, lines()));
    expect(error.code).toMatch(/^22P0/);
    expect(await rowsOf(pool, table)).toEqual([]);
    const failing = pool.copyTo(
      'copy (select 1 / (50000 - i) from generate_series(1, 90000) i) to stdout',
    );
    expect((await rejection(text(failing))).code).toBe('22012');
    await works(pool);
  });

  test('in a transaction everything is undone, as PostgreSQL does', async () => {
    const pool = await openPool({ max: 1 });
    const table = await createTable(pool);
    let after;
    const error = await rejection(
      pool.transaction(async (tx) => {
        await tx.query(`insert into ${table} values (1, 'a')`);
        await fill(tx, table, ['bad\n']).catch(() => {});
        after = await rejection(tx.query('select 1'));
      }),
    );
    expect(after.code).toBe('25P02');
    expect(error.code).toBe('ERR_POLYPOOL_ROLLED_BACK');
    expect(await rowsOf(pool, table)).toEqual([]);
    // A savepoint saves what was before it.
    await pool.transaction(async (tx) => {
      await tx.query(`insert into ${table} values (2, 'b')`);
      await rejection(tx.transaction((inner) => fill(inner, table, ['bad\n'])));
    });
    expect(await rowsOf(pool, table)).toEqual([{ i: 2, t: 'b' }]);
  });

  test('after the last data: a deferred constraint', async () => {
    const pool = await openPool({ max: 1 });
    const table = await createTable(pool, 'i int unique deferrable initially deferred, t text');
    expect((await rejection(fill(pool, table, ['1\ta\n1\tb\n']))).code).toBe('23505');
    await works(pool);
  });
});

describe('giving up', () => {
  const endless = 'copy (select generate_series(1, 10000000000)) to stdout';

  test('destroy() of a writer fails the COPY, in the words of the error', async () => {
    const pool = await openPool({ max: 1 });
    const table = await createTable(pool);
    const writer = pool.copyFrom(copyIn(table));
    writer.write('1\ta\n');
    await until(() => observed(table, 'ClientRead'));
    writer.destroy(new RangeError('enough of it'));
    expect(await rejection(finished(writer))).toBeInstanceOf(RangeError);
    expect(await rowsOf(pool, table)).toEqual([]);
    expect(pool.stats()).toMatchObject({ total: 1, inUse: 0 });
  });

  test('destroy() at once, before the server was ready, and twice', async () => {
    const pool = await openPool({ max: 1 });
    const table = await createTable(pool);
    for (let i = 0; i < 20; i++) {
      const writer = pool.copyFrom(copyIn(table));
      const reader = pool.copyTo(copyOut(table));
      if (i % 2) writer.write('1\ta\n');
      if (i % 3) await new Promise(setImmediate);
      reader.destroy();
      writer.destroy();
      writer.destroy();
    }
    await works(pool);
    expect(await rowsOf(pool, table)).toEqual([]);
    await until(() => pool.stats().inUse === 0);
  });

  test('what was written and not sent is told', async () => {
    const pool = await openPool({ max: 1 });
    const table = await createTable(pool);
    const lock = await openConnection();
    await lock.query('begin');
    await lock.query(`lock table ${table}`);
    const writer = pool.copyFrom(copyIn(table));
    const written = new Promise((resolve) => writer.write('1\ta\n', resolve));
    writer.destroy();
    expect(await written).toBeInstanceOf(Error);
    await lock.close();
    await works(pool);
  });

  test('leaving the loop ends an endless COPY TO at the server', async () => {
    const pool = await openPool({ max: 1 });
    for await (const chunk of pool.copyTo(endless)) {
      expect(chunk.length).toBeGreaterThan(0);
      break;
    }
    await works(pool);
    expect(pool.stats()).toMatchObject({ total: 1, inUse: 0 });
  });

  test('a statement behind it on the lease is not hit', async () => {
    const pool = await openPool({ max: 1 });
    await pool.use(async (connection) => {
      const reader = connection.copyTo(endless);
      const behind = Array.from({ length: 20 }, (_, i) =>
        connection.query('select $1::int as n', [i]),
      );
      await once(reader, 'data');
      reader.destroy();
      const results = await Promise.all(behind);
      expect(results.map(({ rows }) => rows[0].n)).toEqual(behind.map((_, i) => i));
    });
  });

  test('a signal, before and in the middle', async () => {
    const pool = await openPool({ max: 1 });
    const table = await createTable(pool);
    const dead = { signal: AbortSignal.abort() };
    for (const method of ['copyFrom', 'copyTo']) {
      const error = await rejection(finished(pool[method](copyIn(table), dead)));
      expect(error.code).toBe('ERR_POLYPOOL_ABORTED');
    }
    const controller = new AbortController();
    const writer = pool.copyFrom(copyIn(table), { signal: controller.signal });
    writer.write('1\ta\n');
    await until(() => observed(table, 'ClientRead'));
    controller.abort(new Error('why'));
    const error = await rejection(finished(writer));
    expect(error).toMatchObject({ name: 'AbortError', code: 'ERR_POLYPOOL_ABORTED' });
    expect(error.cause.message).toBe('why');
    const second = new AbortController();
    const reader = pool.copyTo(endless, { signal: second.signal });
    await once(reader, 'readable');
    second.abort();
    expect((await rejection(finished(reader))).code).toBe('ERR_POLYPOOL_ABORTED');
    await works(pool);
    expect(await rowsOf(pool, table)).toEqual([]);
  });

  test('timeoutMs, and queryTimeoutMs of the pool', async () => {
    const patient = await openPool({ max: 1 });
    const table = await createTable(patient);
    const pool = await openPool({ max: 1, queryTimeoutMs: 80 });
    const writer = pool.copyFrom(copyIn(table), { timeoutMs: 40 });
    writer.write('1\ta\n');
    const error = await rejection(finished(writer));
    expect(error).toMatchObject({ code: 'ERR_POLYPOOL_QUERY_TIMEOUT', timeoutMs: 40 });
    const slow = pool.copyTo('copy (select pg_sleep(30)) to stdout');
    expect((await rejection(text(slow))).code).toBe('ERR_POLYPOOL_QUERY_TIMEOUT');
    await until(() => pool.query('select 1').catch(() => null), 'an answer');
    expect(await rowsOf(patient, table)).toEqual([]);
  });

  test('a transaction that is aborted takes its COPY along', async () => {
    const pool = await openPool({ max: 1 });
    const table = await createTable(pool);
    const controller = new AbortController();
    let writer;
    const error = await rejection(
      pool.transaction(
        async (tx) => {
          writer = tx.copyFrom(copyIn(table));
          writer.write('1\ta\n');
          setImmediate(() => controller.abort());
          await finished(writer);
        },
        { signal: controller.signal },
      ),
    );
    expect(error.code).toBe('ERR_POLYPOOL_ABORTED');
    expect(writer.destroyed).toBe(true);
    await works(pool);
    expect(await rowsOf(pool, table)).toEqual([]);
  });

  /** Whether a COPY of this table stands at that point. */
  async function observed(table, event) {
    const [row] = await observe(
      "select 1 from pg_stat_activity where query like $1 and wait_event = $2 and state = 'active'",
      [`copy ${table}%`, event],
    );
    return row;
  }
});

describe('bad input', () => {
  test('the wrong statement is refused before it runs, and says what would do', async () => {
    const pool = await openPool({ max: 1 });
    const table = await createTable(pool);
    const cases = [
      [() => pool.copyFrom(copyOut(table)), 'copyTo()'],
      [() => pool.copyTo(copyIn(table)), 'copyFrom()'],
      [() => pool.copyFrom(`insert into ${table} values (1)`), 'FROM STDIN'],
      [() => pool.copyTo(`insert into ${table} values (1)`), 'TO STDOUT'],
      [() => pool.copyTo(`select 1; copy ${table} to stdout`), 'one COPY'],
      [() => pool.copyFrom(`copy ${table} from '/etc/hostname'`), 'FROM STDIN'],
      [() => pool.copyTo(''), 'TO STDOUT'],
    ];
    for (const [open, words] of cases) {
      const error = await rejection(finished(open()));
      expect(error.code).toBe('ERR_POLYPOOL_PARAMETER');
      expect(error.message).toContain(words);
    }
    expect(await rowsOf(pool, table)).toEqual([]);
    expect(pool.stats()).toMatchObject({ total: 1, inUse: 0 });
  });

  test('COPY through query() and stream() is refused, and names the method to use', async () => {
    const pool = await openPool({ max: 1 });
    const table = await createTable(pool);
    for (const [statement, method] of [
      [copyIn(table), 'copyFrom()'],
      [copyOut(table), 'copyTo()'],
    ]) {
      for (const run of [(c) => c.query(statement), (c) => c.stream(statement).toArray()]) {
        await pool.transaction(async (tx) => {
          const error = await rejection(run(tx));
          expect(error.code).toBe('ERR_POLYPOOL_PARAMETER');
          expect(error.message).toContain(method);
          // Nothing was sent: not even the transaction is hurt.
          await works(tx);
        });
      }
    }
    // Among several statements it reaches the server.
    for (const statement of [`select 1; ${copyIn(table)}`, `select 1; ${copyOut(table)}`]) {
      const error = await rejection(pool.query(statement));
      expect(error.message).toMatch(/copy(From|To)\(\)/);
      await works(pool);
    }
  });

  test('values, other things than text, unknown and wrong options', async () => {
    const pool = await openPool({ max: 1 });
    const { sql } = load();
    const table = await createTable(pool);
    const cases = [
      [[sql`copy t from stdin where a > ${1}`], 'ERR_POLYPOOL_PARAMETER', 'no values'],
      [['copy t from stdin', [1]], 'ERR_POLYPOOL_PARAMETER', 'no values'],
      [[{ text: 'copy t from stdin' }], 'ERR_POLYPOOL_PARAMETER', 'string'],
      [[], 'ERR_POLYPOOL_PARAMETER', 'string'],
      [['copy t from stdin', { highwatermark: 1 }], 'ERR_POLYPOOL_OPTION', "'highWaterMark'"],
      [['copy t from stdin', { highWaterMark: 0 }], 'ERR_POLYPOOL_OPTION', "'highWaterMark'"],
      [['copy t from stdin', { timeoutMs: -1 }], 'ERR_POLYPOOL_OPTION', "'timeoutMs'"],
      [['copy t from stdin', { signal: 5 }], 'ERR_POLYPOOL_OPTION', "'signal'"],
      [['copy t from stdin', 7], 'ERR_POLYPOOL_OPTION', 'an object'],
    ];
    for (const [args, code, words] of cases) {
      for (const method of ['copyFrom', 'copyTo']) {
        const error = await rejection(finished(pool[method](...args)));
        expect([args, error.code]).toEqual([args, code]);
        expect(error.message).toContain(words.replace('no values', 'takes no values'));
      }
    }
    const named = sql`copy ${sql.identifier(table)} from stdin`;
    const writer = pool.copyFrom(named);
    writer.end('1\ta\n');
    await finished(writer);
    expect(writer.rowCount).toBe(1);
  });

  test('write() refuses what is neither text nor bytes, after which all is in order', async () => {
    const pool = await openPool({ max: 1 });
    const table = await createTable(pool);
    const writer = pool.copyFrom(copyIn(table));
    expect(() => writer.write(5)).toThrow('type string');
    writer.end('1\ta\n');
    await finished(writer);
    expect(await rowsOf(pool, table)).toHaveLength(1);
  });

  test('a stale connection and a closed pool', async () => {
    const pool = await openPool({ max: 1 });
    const connection = await pool.acquire();
    await connection.release();
    const stale = await rejection(finished(connection.copyFrom('copy t from stdin')));
    expect(stale.code).toBe('ERR_POLYPOOL_STALE_CONNECTION');
    let kept;
    await pool.transaction(async (tx) => (kept = tx));
    expect((await rejection(finished(kept.copyTo('copy t to stdout')))).code).toBe(
      'ERR_POLYPOOL_STALE_CONNECTION',
    );
    await pool.close();
    expect((await rejection(finished(pool.copyTo('copy t to stdout')))).code).toBe(
      'ERR_POLYPOOL_CLOSED',
    );
  });
});

describe('back-pressure', () => {
  test('a writer says when to wait, and when to go on', async () => {
    const pool = await openPool({ max: 1 });
    const table = await createTable(pool);
    const lock = await openConnection();
    await lock.query('begin');
    await lock.query(`lock table ${table}`);
    const writer = pool.copyFrom(copyIn(table), { highWaterMark: 5000 });
    let lines = 0;
    // Nothing is taken before the server asks for it.
    while (writer.write(`${lines}\tsome text\n`)) lines += 1;
    expect(lines * 12).toBeLessThan(6000);
    const drained = once(writer, 'drain');
    await lock.close();
    await drained;
    writer.end();
    await finished(writer);
    expect(writer.rowCount).toBe(lines + 1);
  });

  test('a server that takes no more: a few MiB are under way and no more', async () => {
    const pool = await openPool({ max: 2 });
    const table = await createTable(pool);
    await pool.query(`create function ${table}_slow() returns trigger language plpgsql as
      $$ begin perform pg_advisory_xact_lock(hashtext('${table}')); return new; end $$`);
    await pool.query(
      `create trigger slow before insert on ${table} for each row execute function ${table}_slow()`,
    );
    const lock = await openConnection();
    await lock.query(`select pg_advisory_lock(hashtext('${table}'))`);
    const writer = pool.copyFrom(copyIn(table));
    const line = `1\t${'x'.repeat(1000)}\n`;
    let bytes = 0;
    const write = () => {
      do bytes += line.length;
      while (writer.write(line));
    };
    writer.on('drain', write);
    write();
    // What the systems' socket buffers take comes on top of what polypool holds.
    let before = -1;
    await until(async () => {
      const [row] = await observe(
        'select pid from pg_stat_activity where query like $1 and wait_event = $2',
        [`copy ${table}%`, 'advisory'],
      );
      const still = row && before === bytes;
      before = bytes;
      return still;
    });
    writer.off('drain', write);
    expect(bytes).toBeLessThan(24 * 1024 * 1024);
    await lock.close();
    writer.end();
    await finished(writer);
    expect(writer.rowCount).toBe(bytes / line.length);
  });

  test('a reader that stands still stops the server', async () => {
    const pool = await openPool({ max: 1 });
    const name = unique('s');
    await pool.query(`create sequence ${name}`);
    await pool.query(`grant select on ${name} to public`);
    const reader = pool.copyTo(
      `copy (select nextval('${name}'), repeat('x', 1000) from generate_series(1, 1000000)) to stdout`,
    );
    await once(reader, 'readable');
    await until(async () => {
      const text =
        "select 1 from pg_stat_activity where wait_event = 'ClientWrite' and query like $1";
      return (await observe(text, [`%nextval('${name}')%`])).length > 0;
    });
    const [{ n }] = await observe(`select last_value::int as n from ${name}`);
    expect(n).toBeLessThan(200_000);
    let bytes = 0;
    for await (const chunk of reader) if ((bytes += chunk.length) > 50_000_000) break;
    await works(pool);
  });

  test.each([1, 1000, 10_000_000])(
    'highWaterMark %d changes nothing else',
    async (highWaterMark) => {
      const pool = await openPool({ max: 2 });
      const table = await createTable(pool);
      const lines = Array.from({ length: 3000 }, (_, i) => `${i}\tline é ${i}\n`);
      const writer = pool.copyFrom(copyIn(table), { highWaterMark });
      await pipeline(Readable.from(lines), writer);
      expect(writer.rowCount).toBe(3000);
      const reader = pool.copyTo(copyOut(table), { highWaterMark });
      expect(await text(reader)).toBe(lines.join(''));
    },
  );

  test('chunks that come out are neither rows nor everything', async () => {
    const pool = await openPool({ max: 1 });
    const sizes = [];
    const reader = pool.copyTo('copy (select i from generate_series(1, 500000) i) to stdout');
    reader.on('data', (chunk) => sizes.push(chunk.length));
    await finished(reader);
    expect(Math.max(...sizes)).toBeLessThanOrEqual(64 * 1024);
    expect(sizes.length).toBeLessThan(5000);
  });
});

test('listeners run in the async context of the call, and what they throw hurts nobody', async () => {
  const { AsyncLocalStorage } = require('node:async_hooks');
  const pool = await openPool({ max: 2 });
  const table = await createTable(pool);
  const storage = new AsyncLocalStorage();
  const seen = [];
  const see = (what) => seen.push([what, storage.getStore()]);
  const ends = [];
  storage.run('mine', () => {
    const writer = pool.copyFrom(copyIn(table));
    writer.on('finish', () => see('finish'));
    writer.end('1\ta\n');
    ends.push(once(writer, 'close'));
    const reader = pool.copyTo('copy (select 1) to stdout');
    reader.on('data', () => see('data')).on('end', () => see('end'));
    ends.push(once(reader, 'close'));
  });
  await Promise.all(ends);
  expect(seen.sort()).toEqual([
    ['data', 'mine'],
    ['end', 'mine'],
    ['finish', 'mine'],
  ]);
});

describe.each([
  [
    'a writer that is not ended',
    (queryable, table) => queryable.copyFrom(copyIn(table)).write('1\n'),
  ],
  [
    'a COPY TO that nobody reads',
    (queryable) =>
      void queryable.copyTo(
        "copy (select i, repeat('x', 1000) from generate_series(1, 20000) i) to stdout",
      ),
  ],
  [
    'a stream that nobody reads',
    (queryable) =>
      void queryable.stream("select i, repeat('x', 1000) as t from generate_series(1, 20000) i"),
  ],
])('%s', (_name, leave) => {
  test('does not keep a transaction from ending with its own error', async () => {
    const pool = await openPool({ max: 1 });
    const table = await createTable(pool, 'i int');
    const thrown = new Error('mine');
    const failing = pool.transaction(async (tx) => {
      leave(tx, table);
      throw thrown;
    });
    expect(await rejection(failing)).toBe(thrown);
    await works(pool);
    await pool.query(`drop table ${table}`);
  });

  test('does not keep use() from ending, nor release()', async () => {
    const pool = await openPool({ max: 1 });
    const table = await createTable(pool, 'i int');
    const thrown = new Error('mine');
    const failing = pool.use(async (connection) => {
      leave(connection, table);
      throw thrown;
    });
    expect(await rejection(failing)).toBe(thrown);
    const connection = await pool.acquire();
    leave(connection, table);
    await connection.release();
    await works(pool);
    expect((await pool.query(`select count(*)::int as n from ${table}`)).rows).toEqual([{ n: 0 }]);
    await pool.query(`drop table ${table}`);
  });
});

test('a writer that is ended and then destroyed does not look stored', async () => {
  const pool = await openPool({ max: 1 });
  const table = await createTable(pool, 'i int');
  await pool.query(`create function ${table}_slow() returns trigger language plpgsql as
    'begin perform pg_sleep(5); return new; end'`);
  await pool.query(`create trigger slow before insert on ${table} for each row
    execute function ${table}_slow()`);
  const writer = pool.copyFrom(copyIn(table));
  const stored = rejection(finished(writer));
  writer.end('1\n');
  await until(
    async () =>
      (
        await observe(
          'select 1 from pg_stat_activity where query = $1 and state = $2 and wait_event = $3',
          [copyIn(table), 'active', 'PgSleep'],
        )
      ).length > 0,
  );
  writer.destroy();
  expect((await stored).code).toBe('ERR_POLYPOOL_ABORTED');
  expect(writer.rowCount).toBe(null);
  await works(pool);
  await pool.query(`drop table ${table}; drop function ${table}_slow()`);
});
