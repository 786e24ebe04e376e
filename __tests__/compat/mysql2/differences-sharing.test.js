'use strict';
// Short statements of a pool go over connections that other ones have, without anybody's being able
// to tell: the answers, the errors, the events and who waits for whom are as without it.

const { AsyncLocalStorage } = require('node:async_hooks');
const { once } = require('node:events');
const net = require('node:net');
const { Trace, counters, openPool, take } = require('./pools.js');
const { called, connect, failure, outcome, query, track } = require('./connections.js');
const { ScriptedServer, packet, result, say } = require('./scripted.js');
const { SUPERUSER } = require('../../support/mysql-settings.js');
const { unique } = require('../../support/pools.js');

const load = () => require('../../../lib/compat/mysql2');
const open = (options) => openPool(load(), options);

const READ = 'select ? as n';
const WRITE = 'update t set n = ?';
const INSERT = 'insert into t (n) values (?)';
const upTo = (count) => Array.from({ length: count }, (_, n) => n);

const ROW = result(['n'], [['1']]);

/** A server that keeps its answers to itself until it is told to give them. */
class SilentServer {
  #held = [];
  #isHolding = false;
  #tell = () => {};
  heard = 0;

  static async open() {
    const silent = new SilentServer();
    const server = await ScriptedServer.welcoming((name, text, socket) => {
      if (name === 'query') silent.#hear(text, socket);
    });
    silent.target = server.target;
    return silent;
  }

  #hear(text, socket) {
    this.heard++;
    const bytes = /^(select|show)/.test(text) ? ROW : packet(1, say.ok({ affected: 1 }));
    if (this.#isHolding) this.#held.push({ socket, bytes });
    else socket.write(bytes);
    this.#tell();
  }

  /** From now on. */
  hold() {
    this.#isHolding = true;
    this.heard = 0;
  }

  /** Resolves when it has heard so many queries since it holds its answers, and then no more. */
  async hears(count) {
    while (this.heard < count) await new Promise((resolve) => (this.#tell = resolve));
    await settle();
    expect(this.heard).toBe(count);
  }

  answer() {
    for (const { socket, bytes } of this.#held.splice(0)) socket.write(bytes);
  }

  release() {
    this.#isHolding = false;
    this.answer();
  }

  /** Ends the connection that brought the first of the queries that are not answered. */
  cut() {
    const [{ socket }] = this.#held;
    this.#held = this.#held.filter((other) => other.socket !== socket);
    socket.destroy();
  }
}

/** Whatever was to be sent has been sent then: a whole connection came and went. */
async function settle() {
  const probe = await ScriptedServer.welcoming();
  const socket = net.connect(probe.target.port, '127.0.0.1').resume();
  await once(socket, 'data');
  socket.destroy();
  await once(socket, 'close');
}

/** Often enough to be known as short, on a busy machine too; what may not share never is. */
async function warm(pool, text, values = [1], method = 'query') {
  const { paceOf } = require('../../../lib/session');
  // What cannot share is not told of.
  const { connectionConfig, pipeline } = pool.config;
  const isTold = pipeline !== false && !connectionConfig.queryFormat;
  const mayShare = isTold && /^(select|insert|update)/.test(text) && !text.includes('get_lock');
  for (let i = 0; i < 3 || (mayShare && paceOf(text) === undefined); i++) {
    await outcome((done) => pool[method](text, values, done));
  }
}

/** All of its connections are there, and idle. */
async function fill(pool) {
  const { connectionLimit } = pool.config;
  const all = await Promise.all(Array.from({ length: connectionLimit }, () => take(pool)));
  for (const connection of all) connection.release();
}

/** A pool whose server holds its answers, and which has run these texts before. */
async function silentPool(options, texts = [READ]) {
  const silent = await SilentServer.open();
  const pool = track(load().createPool({ ...silent.target, connectionLimit: 1, ...options }));
  for (const text of texts) await warm(pool, text);
  await fill(pool);
  silent.hold();
  return { pool, silent };
}

const ask = (pool, count, text = READ) =>
  Array.from({ length: count }, (_, n) => pool.promise().query(text, [n]));

describe('sent before the statement that has the connection is answered', () => {
  test('are short reads, without a word of it', async () => {
    const { pool, silent } = await silentPool();
    const trace = new Trace(pool);
    const asked = ask(pool, 5);
    await silent.hears(5);
    expect(counters(pool)).toBe('all 1 free 0 queue 4');
    silent.release();
    const results = await Promise.all(asked);
    expect(results.map(([rows]) => rows)).toEqual(asked.map(() => [{ n: '1' }]));
    expect(counters(pool)).toBe('all 1 free 1 queue 0');
    expect(trace.lines).toEqual([
      'acquire 1 | all 1 free 0 queue 0',
      ...[0, 1, 2, 3].map((queued) => `enqueue | all 1 free 0 queue ${queued}`),
      'release 1 | all 1 free 1 queue 0',
    ]);
  });

  test('are short reads behind a short write', async () => {
    const { pool, silent } = await silentPool({}, [READ, WRITE]);
    const asked = [...ask(pool, 1, WRITE), ...ask(pool, 2)];
    await silent.hears(3);
    silent.release();
    await Promise.all(asked);
  });

  test('are short INSERTs, and reads among them', async () => {
    const { pool, silent } = await silentPool({}, [READ, INSERT]);
    const asked = [...ask(pool, 2, INSERT), ...ask(pool, 2), ...ask(pool, 1, INSERT)];
    await silent.hears(5);
    silent.release();
    await Promise.all(asked);
  });

  test('are sixteen at most', async () => {
    const { pool, silent } = await silentPool();
    const asked = ask(pool, 30);
    await silent.hears(17);
    silent.release();
    await Promise.all(asked);
    expect(silent.heard).toBe(30);
  });

  test('are those with a callback, in their order', async () => {
    const { pool, silent } = await silentPool();
    const seen = [];
    const asked = [1, 2, 3].map((n) =>
      called((done) => pool.query(READ, [n], (...given) => (seen.push(n), done(...given)))),
    );
    await silent.hears(3);
    silent.release();
    for (const [error, rows, fields] of await Promise.all(asked)) {
      expect([error, rows, fields[0].name]).toEqual([null, [{ n: '1' }], 'n']);
    }
    expect(seen).toEqual([1, 2, 3]);
  });

  test('are called back in the context of whoever asked', async () => {
    const { pool, silent } = await silentPool({ connectionLimit: 2 });
    const storage = new AsyncLocalStorage();
    const ask = (n) =>
      storage.run(n, () => called((done) => pool.query(READ, [n], () => done(storage.getStore()))));
    const asked = [0, 1, 2, 3, 4, 5].map(ask);
    await silent.hears(6);
    silent.release();
    const seen = await Promise.all(asked);
    expect(seen.flat().slice(2)).toEqual([2, 3, 4, 5]);
  });

  test('are short writes with `pipeline: true`', async () => {
    const { pool, silent } = await silentPool({ pipeline: true }, [READ, WRITE]);
    const asked = [...ask(pool, 3, WRITE), ...ask(pool, 2)];
    await silent.hears(5);
    silent.release();
    const [[header]] = await Promise.all(asked);
    expect(header.affectedRows).toBe(1);
  });
});

describe('not sent before', () => {
  const RAW = { toSqlString: () => 'sleep(1)' };
  test.each([
    ['is anything with `pipeline: false`', { pipeline: false }, READ, [1]],
    ['is a text that was not run yet', {}, 'select ? as fresh', [1]],
    ['is a short write', {}, WRITE, [1]],
    ['is an INSERT behind another write', {}, INSERT, [1], WRITE],
    ['is an INSERT of several rows', {}, 'insert into t values (?), (2)', [1]],
    ['is what has a timeout', {}, { sql: READ, timeout: 60_000 }, [1]],
    ['is what a value may call', {}, READ, [RAW]],
    ['is what the program’s own format makes', { queryFormat: (sql) => sql }, READ, [1]],
    ['is a call of what is not known', {}, 'select own(?) as n', [1]],
    ['is what has a mark in quotes', {}, "select '?' as n", [1]],
    ['is a call of what waits', {}, 'select sleep(?) as n', [0]],
    ['is what takes a lock', {}, 'select get_lock(?, 1) as n', [1]],
    ['is what tells of the statement before', {}, 'select last_insert_id() + ? as n', [1]],
    ['is a variable', {}, 'select @a + ? as n', [1]],
    ['is what reads for a change', {}, 'select ? as n for update', [1]],
    ['is what has rows counted', {}, 'select sql_calc_found_rows ? as n', [1]],
    ['are warnings', {}, 'show warnings', []],
    ['is control of a transaction', {}, 'begin', []],
    ['is a definition', {}, 'create table x (n int)', []],
  ])('%s', async (_name, options, sql, values, first = READ) => {
    const text = sql.sql ?? sql;
    const { pool, silent } = await silentPool(
      options,
      text.includes('fresh') ? [READ] : [first, text],
    );
    const asked = [...ask(pool, 1, first), pool.promise().query(sql, values)];
    await silent.hears(1);
    silent.answer();
    await silent.hears(2);
    silent.release();
    await Promise.all(asked);
  });

  test('is anything past a `query` of somebody else’s', async () => {
    const { pool, silent } = await silentPool();
    const connection = await take(pool);
    const { query: own } = connection;
    connection.query = (...given) => own.apply(connection, given);
    connection.release();
    const asked = ask(pool, 2);
    await silent.hears(1);
    silent.release();
    await Promise.all(asked);
  });

  test('is anything while somebody holds a connection', async () => {
    const { pool, silent } = await silentPool({ connectionLimit: 2 });
    const holder = await take(pool);
    const asked = ask(pool, 3);
    await silent.hears(1);
    silent.release();
    await Promise.all(asked);
    holder.release();
  });

  test('is a stream, or what is behind one', async () => {
    const { pool, silent } = await silentPool({}, [READ]);
    const rows = pool.query(READ, [1]).stream().resume();
    const over = once(rows, 'end');
    const asked = ask(pool, 2);
    await silent.hears(1);
    silent.release();
    await Promise.all([over, ...asked]);
  });
});

describe('whose connection is lost', () => {
  test('a read is sent over another one', async () => {
    const { pool, silent } = await silentPool({ connectionLimit: 2 });
    pool.on('connection', () => {});
    const asked = ask(pool, 8);
    await silent.hears(8);
    silent.cut();
    silent.release();
    const outcomes = await Promise.allSettled(asked);
    const failed = outcomes.filter(({ status }) => status === 'rejected');
    expect(failed.map(({ reason }) => reason.code)).toEqual(['PROTOCOL_CONNECTION_LOST']);
    // Eight, and once more the three that were behind the one that failed.
    expect(silent.heard).toBe(11);
  });

  test('an INSERT fails, and is never sent again', async () => {
    const { pool, silent } = await silentPool({ connectionLimit: 2 }, [READ, INSERT]);
    pool.on('connection', () => {});
    const asked = ask(pool, 8, INSERT);
    await silent.hears(8);
    silent.cut();
    silent.release();
    const outcomes = await Promise.allSettled(asked);
    const failed = outcomes.filter(({ status }) => status === 'rejected');
    expect(failed.map(({ reason }) => reason.code)).toEqual(
      upTo(4).map(() => 'PROTOCOL_CONNECTION_LOST'),
    );
    expect(silent.heard).toBe(8);
  });

  test('a read whose turn it is fails, as without it', async () => {
    const { pool, silent } = await silentPool();
    const asked = ask(pool, 3);
    await silent.hears(3);
    silent.cut();
    silent.release();
    const outcomes = await Promise.allSettled(asked);
    expect(outcomes.map(({ status }) => status)).toEqual(['rejected', 'fulfilled', 'fulfilled']);
  });
});

test('an error is that of its statement alone', async () => {
  const pool = open({ connectionLimit: 1 });
  const text = 'select exp(?) as n';
  await warm(pool, text, [0]);
  const asked = [0, 1000, 0, 1000, 0].map((n) => called((done) => pool.query(text, [n], done)));
  const seen = (await Promise.all(asked)).map(([error, rows]) => error?.sql ?? rows[0].n);
  const failed = 'select exp(1000) as n';
  expect(seen).toEqual([1, failed, 1, failed, 1]);
});

test('prepared statements share where both connections know them', async () => {
  const pool = open({ connectionLimit: 2 });
  const text = 'select ? + 0 as n';
  await fill(pool);
  await warm(pool, text, [1], 'execute');
  const numbers = Array.from({ length: 200 }, (_, n) => n);
  const answers = await Promise.all(numbers.map((n) => pool.promise().execute(text, [n])));
  expect(answers.map(([[{ n }]]) => Number(n))).toEqual(numbers);
});

test('nothing waits behind a statement that takes long', async () => {
  const pool = open({ connectionLimit: 2 });
  await warm(pool, READ);
  const order = [];
  await Promise.all([
    query(pool, 'select sleep(1)').then(() => order.push('slow')),
    Promise.all(ask(pool, 50)).then(() => order.push('quick')),
  ]);
  expect(order).toEqual(['quick', 'slow']);
});

describe('whoever has locked something', () => {
  /** A table that somebody outside of the pool may lock. */
  async function withTable(run) {
    const owner = await connect(load());
    const table = unique('shared');
    await query(owner, `create table ${table} (id int primary key, n int)`);
    try {
      await query(owner, `insert into ${table} values (1, 0), (2, 0)`);
      const update = `update ${table} set n = n + 1 where id = ?`;
      const select = `select n from ${table} where id = ?`;
      await run({ owner, table, update, select });
    } finally {
      await query(owner, 'unlock tables');
      await query(owner, 'rollback');
      await query(owner, `drop table ${table}`);
    }
  }

  test('may wait for a read, behind a write that waits for the lock', () =>
    withTable(async ({ owner, update }) => {
      const pool = open({ connectionLimit: 2 });
      await warm(pool, READ);
      await warm(pool, update, [2]);
      await fill(pool);
      await query(owner, 'begin');
      await query(owner, update, [1]);
      const blocked = query(pool, update, [1]);
      await Promise.all(ask(pool, 8));
      await query(owner, 'commit');
      await blocked;
    }));

  test('may wait for a read, behind a read that waits for the lock', () =>
    withTable(async ({ owner, table, select }) => {
      const pool = open({ connectionLimit: 2 });
      await warm(pool, READ);
      await warm(pool, select, [2]);
      await fill(pool);
      await query(owner, `lock tables ${table} write`);
      const blocked = query(pool, select, [1]);
      await Promise.all(ask(pool, 8));
      await query(owner, 'unlock tables');
      await blocked;
    }));

  test('may wait for a connection whose wire a read is on that waits for the lock', () =>
    withTable(async ({ owner, table, select }) => {
      const pool = open({ connectionLimit: 2 });
      await warm(pool, READ);
      await warm(pool, select, [2]);
      await fill(pool);
      await query(owner, `lock tables ${table} write`);
      // The third goes over the connection of the first or second, and is the next to get one.
      const asked = [...ask(pool, 2), query(pool, select, [1])];
      const connection = await take(pool);
      expect(await query(connection, READ, [3])).toEqual([[{ n: 3 }], expect.anything()]);
      await query(owner, 'unlock tables');
      connection.release();
      await Promise.all(asked);
    }));

  test('never waits for a statement of the pool behind one that waits for him', () =>
    withTable(async ({ update }) => {
      const pool = open({ connectionLimit: 2 });
      await warm(pool, update, [2]);
      await warm(pool, READ);
      const holder = await take(pool);
      await query(holder, 'begin');
      await query(holder, update, [1]);
      const blocked = query(pool, update, [1]);
      const waiting = query(pool, READ, [7]);
      await query(holder, 'commit');
      holder.release();
      expect((await waiting)[0]).toEqual([{ n: 7 }]);
      await blocked;
    }));

  test.each([0, 1])('sees the order of calls of a single connection, %i reads ahead', (reads) =>
    withTable(async ({ table }) => {
      const pool = open({ connectionLimit: 1 });
      const count = `select count(*) as n from ${table}`;
      const insert = `insert into ${table} values (?, 0)`;
      await warm(pool, READ);
      await warm(pool, count, []);
      for (let id = 3; id < 9; id++) await query(pool, insert, [id]);
      const first = ask(pool, reads);
      const written = query(pool, insert, [9]);
      expect((await query(pool, count))[0]).toEqual([{ n: 9 }]);
      await Promise.all([...first, written]);
    }),
  );
});

test('what is in a transaction that was left open is nobody else’s', async () => {
  const pool = open({ connectionLimit: 1 });
  await warm(pool, READ);
  await query(pool, 'begin');
  const connection = await take(pool);
  expect(connection._wire.share(null, () => {})).toBe(null);
  await query(connection, 'rollback');
  connection.release();
});

test('a pool that ends refuses who waits, sent or not, and answers who had his turn', async () => {
  const { pool, silent } = await silentPool({ connectionLimit: 2 });
  const asked = ask(pool, 6);
  await silent.hears(6);
  const ended = called((done) => pool.end(done));
  silent.release();
  const outcomes = await Promise.allSettled(asked);
  const seen = outcomes.map(({ value, reason }) => value?.[0][0].n ?? reason.message);
  expect(seen).toEqual(['1', '1', ...Array.from({ length: 4 }, () => 'Pool is closed.')]);
  expect(await ended).toEqual([undefined]);
});

test('whoever waits too long is refused, though his statement was sent', async () => {
  const { pool, silent } = await silentPool({ acquireTimeout: 50 });
  const first = ask(pool, 1);
  const error = await failure((done) => pool.query(READ, [2], done));
  expect(error.code).toBe('ERR_POLYPOOL_ACQUIRE_TIMEOUT');
  silent.release();
  await Promise.all(first);
});

test('`pipeline` is an option like others', () => {
  const complain = jest.spyOn(console, 'error').mockImplementation(() => {});
  const { createPool } = load();
  const given = [{}, { pipeline: true }, { pipeline: false }].map(createPool);
  const urls = ['true', 'false'].map((value) => createPool(`mysql://a/b?pipeline=${value}`));
  const seen = [...given, ...urls].map(({ config }) => config.pipeline);
  expect(seen).toEqual([undefined, true, false, true, false]);
  expect(complain.mock.calls).toEqual([]);
  complain.mockRestore();
});

test('thousands of statements, and connections killed at random, are each answered with its own', async () => {
  const pool = open({ connectionLimit: 4 });
  const killer = await connect(load(), { user: SUPERUSER.user });
  await warm(pool, READ);
  let next = 0;
  let right = 0;
  const work = async () => {
    while (next < 4_000) {
      const n = next++;
      const [error, rows] = await called((done) => pool.query(READ, [n], done));
      if (error === null) {
        expect(rows).toEqual([{ n }]);
        right++;
      } else {
        expect(error.fatal).toBe(true);
      }
      if (n % 500 === 250) {
        const id = pool._allConnections.get(0)?.threadId;
        if (id) await called((done) => killer.query(`kill ${id}`, done));
      }
    }
  };
  await Promise.all(Array.from({ length: 40 }, work));
  expect(right).toBeGreaterThan(3_000);
});
