'use strict';
// INSERTs of a pool share clients as reads do. What may not come of it: waiting for locks that are
// nothing to them, an answer that is another one's, a row too many or one too few.

const net = require('node:net');
const { rejection, unique } = require('../../support/pools.js');
const { Proxy } = require('../../support/proxy.js');
const { generator, seed } = require('../../support/random.js');
const { DATABASE } = require('../../support/server.js');
const { testServer, url } = require('../../support/urls.js');
const { openPool } = require('./pools.js');

const load = () => require('../../../lib/compat/pg');
const open = (options) => openPool(load(), options);

const READ = 'select $1::int as n';

/** Often enough to be known as short, on a busy machine too. */
async function warm(pool, text, values = () => [1]) {
  const { paceOf } = require('../../../lib/session');
  while (paceOf(text) === undefined) await pool.query(text, values());
}

/** All of its clients are there, and idle. */
const fill = (pool) =>
  Promise.all(Array.from({ length: pool.options.max }, () => pool.query(READ, [0])));

/**
 * A table whose rows each refer to a lock, which somebody outside of the pools may hold, and one
 * without any key; both are empty but for what made the texts known.
 */
async function withTables(run, options) {
  const owner = new (load().Client)({ connectionString: url({ role: 'nopass' }) });
  await owner.connect();
  const [locks, keyed, plain] = [unique('locks'), unique('keyed'), unique('plain')];
  await owner.query(`create table ${locks} (id int primary key)`);
  await owner.query(`create table ${keyed} (id int primary key, lock int references ${locks})`);
  await owner.query(`create table ${plain} (n int, lock int references ${locks})`);
  await owner.query(`insert into ${locks} select generate_series(0, 9)`);
  const pool = open({ max: 3, ...options });
  const texts = {
    keyed: `insert into ${keyed} (id, lock) values ($1, $2)`,
    plain: `insert into ${plain} values ($1, $2) returning n`,
  };
  let id = -1;
  try {
    for (const text of Object.values(texts)) await warm(pool, text, () => [id--, 0]);
    await warm(pool, READ);
    await owner.query(`delete from ${keyed}`);
    await owner.query(`delete from ${plain}`);
    await fill(pool);
    const hold = (who, lock) => who.query(`select 1 from ${locks} where id = ${lock} for update`);
    const rows = async (table) =>
      (await owner.query(`select * from ${table} order by 1`)).rows.map((row) => row.id ?? row.n);
    await run({ owner, pool, hold, ...texts, keys: () => rows(keyed), plains: () => rows(plain) });
  } finally {
    await owner.query('rollback');
    await owner.query(`drop table ${keyed}, ${plain}, ${locks}`);
    await owner.end();
  }
}

const upTo = (count) => Array.from({ length: count }, (_, n) => n);

describe('somebody whose lock an INSERT waits for may wait', () => {
  test('for the others, outside of the pool', () =>
    withTables(async ({ owner, pool, hold, keyed, plain, keys, plains }) => {
      await owner.query('begin');
      await hold(owner, 1);
      const blocked = pool.query(keyed, [100, 1]);
      const texts = upTo(40).map((n) => (n % 2 ? [keyed, [n, 0]] : [plain, [n, 0]]));
      await Promise.all(texts.map(([text, values]) => pool.query(text, values)));
      await owner.query('commit');
      expect((await blocked).rowCount).toBe(1);
      const [even, odd] = [0, 1].map((rest) => upTo(40).filter((n) => n % 2 === rest));
      expect(await keys()).toEqual([...odd, 100]);
      expect(await plains()).toEqual(even);
    }));

  test('for the others, with a client of the pool', () =>
    withTables(async ({ pool, hold, keyed, plain, keys, plains }) => {
      const blockedOnes = [pool.query(READ, [1]), pool.query(READ, [1]), pool.query(READ, [1])];
      // Sent ahead, before somebody has a client.
      const ahead = upTo(6).map((n) => pool.query(plain, [n, 0]));
      const client = await pool.connect();
      await client.query('begin');
      await hold(client, 1);
      const blocked = upTo(3).map((n) => pool.query(keyed, [n, 1]));
      await Promise.all([...blockedOnes, ...ahead]);
      await client.query(plain, [6, 0]);
      await client.query('commit');
      client.release();
      await Promise.all(blocked);
      expect(await keys()).toEqual([0, 1, 2]);
      expect(await plains()).toEqual(upTo(7));
    }));

  test('for the others, several of which wait for him, too', () =>
    withTables(
      async ({ owner, pool, hold, plain, keyed, plains, keys }) => {
        await owner.query('begin');
        await hold(owner, 1);
        const reads = upTo(8).map((n) => pool.query(READ, [n]));
        const blocked = upTo(6).map((n) => pool.query(keyed, [n, 1]));
        const free = upTo(30).map((n) => pool.query(plain, [n, 0]));
        await Promise.all([...reads, ...free, ...upTo(30).map((n) => pool.query(READ, [n]))]);
        await owner.query('commit');
        await Promise.all(blocked);
        expect(await keys()).toEqual(upTo(6));
        expect(await plains()).toEqual(upTo(30));
      },
      { max: 8 },
    ));

  test('for a client whose wire such an INSERT is on', () =>
    withTables(async ({ owner, pool, hold, keyed, keys }) => {
      await owner.query('begin');
      await hold(owner, 1);
      // The last goes over the client of one of the others, and is the next to get one.
      const asked = [...upTo(3).map((n) => pool.query(READ, [n])), pool.query(keyed, [1, 1])];
      const client = await pool.connect();
      expect((await client.query(READ, [3])).rows).toEqual([{ n: 3 }]);
      await owner.query('commit');
      client.release();
      await Promise.all(asked);
      expect(await keys()).toEqual([1]);
    }));

  test('for reads and INSERTs behind a table that is locked as a whole', () =>
    withTables(async ({ owner, pool, plain, plains, keyed }) => {
      const select = 'select count(*)::int as n from ' + keyed.split(' ')[2];
      await warm(pool, select, () => []);
      await fill(pool);
      await owner.query('begin');
      await owner.query(`lock table ${keyed.split(' ')[2]} in access exclusive mode`);
      const blocked = [pool.query(select), pool.query(keyed, [1, 0])];
      await Promise.all(upTo(20).map((n) => pool.query(plain, [n, 0])));
      await owner.query('commit');
      await Promise.all(blocked);
      expect(await plains()).toEqual(upTo(20));
    }));
});

test('each gets the answer to its own, and the rows are those that were asked for', () =>
  withTables(
    async ({ pool, plain, keyed, plains, keys }) => {
      const workers = upTo(65).map(async (worker) => {
        for (let at = 0; at < 40; at++) {
          const n = worker * 40 + at;
          const { rows, rowCount, command } = await pool.query(plain, [n, n % 10]);
          expect([rows, rowCount, command]).toEqual([[{ n }], 1, 'INSERT']);
          await pool.query(keyed, [n, n % 10]);
        }
      });
      await Promise.all(workers);
      expect(await plains()).toEqual(upTo(65 * 40));
      expect(await keys()).toEqual(upTo(65 * 40));
    },
    { max: 10 },
  ));

test('an error is that of its INSERT alone', () =>
  withTables(async ({ pool, keyed, keys }) => {
    const values = [
      [1, 0],
      [2, 99],
      [1, 0],
      [3, 0],
      [4, null],
      [3, 1],
      [5, 77],
    ];
    const outcomes = await Promise.allSettled(values.map((given) => pool.query(keyed, given)));
    const codes = outcomes.map(({ reason }) => reason?.code).sort();
    expect(codes).toEqual(['23503', '23503', '23505', '23505', undefined, undefined, undefined]);
    expect(await keys()).toEqual([1, 3, 4]);
  }));

test('what the server stops for reasons of its own is told, and not run again', () =>
  withTables(
    async ({ owner, pool, hold, keyed, keys }) => {
      await owner.query('begin');
      await hold(owner, 1);
      const { code } = await rejection(pool.query(keyed, [1, 1]));
      expect(code).toBe('57014');
      await owner.query('commit');
      expect(await keys()).toEqual([]);
    },
    { options: '-c statement_timeout=300' },
  ));

test('the end waits for those that wait for a lock', () =>
  withTables(async ({ owner, pool, hold, keyed, plain, keys, plains }) => {
    await owner.query('begin');
    await hold(owner, 1);
    const blocked = upTo(2).map((n) => pool.query(keyed, [n, 1]));
    const free = upTo(10).map((n) => pool.query(plain, [n, 0]));
    const ended = pool.end();
    await Promise.all(free);
    await owner.query('commit');
    await Promise.all([...blocked, ended]);
    expect(await keys()).toEqual([0, 1]);
    expect(await plains()).toEqual(upTo(10));
  }));

test('who waits too long for a client is refused, and has written nothing', () =>
  withTables(
    async ({ owner, pool, hold, keyed, keys }) => {
      await owner.query('begin');
      await hold(owner, 1);
      const blocked = pool.query(keyed, [1, 1]);
      const { message } = await rejection(pool.query(keyed, [2, 1]));
      expect(message).toBe('timeout exceeded when trying to connect');
      await owner.query('commit');
      await blocked;
      expect(await keys()).toEqual([1]);
    },
    { max: 1, connectionTimeoutMillis: 1_000 },
  ));

describe.each([
  ['TLS', () => ({ ssl: { rejectUnauthorized: false } })],
  ['a unix socket', () => ({ host: testServer().socket })],
])('over %s', (_name, options) => {
  const place = () => {
    const { host, port } = testServer();
    return { connectionString: undefined, host, port, user: 'nopass', database: DATABASE };
  };

  test('somebody whose lock an INSERT waits for may wait for the others', () =>
    withTables(
      async ({ owner, pool, hold, keyed, keys }) => {
        await owner.query('begin');
        await hold(owner, 1);
        const blocked = pool.query(keyed, [0, 1]);
        await Promise.all(upTo(20).map((n) => pool.query(keyed, [n + 1, 0])));
        await owner.query('commit');
        await blocked;
        expect(await keys()).toEqual(upTo(21));
      },
      { ...place(), ...options() },
    ));
});

test('where the server cannot be told to stop any, all hear of the end of their client', async () => {
  const { host, port } = testServer();
  const proxy = await Proxy.open({ host, port });
  const place = { host: '127.0.0.1', port: proxy.port, user: 'nopass', database: DATABASE };
  await withTables(
    async ({ owner, pool, hold, keyed, keys }) => {
      proxy.behave('blackHole');
      await owner.query('begin');
      await hold(owner, 1);
      const asked = [[0, 1], ...upTo(6).map((n) => [n + 1, 0])];
      const queries = asked.map((given) => pool.query(keyed, given));
      // The next clients of the pool are let through.
      for (const query of queries) query.catch(() => proxy.behave('pass'));
      const outcomes = await Promise.allSettled(queries);
      await owner.query('commit');
      const written = outcomes.map(({ status }, n) => (status === 'fulfilled' ? n : -1));
      expect(await keys()).toEqual(expect.arrayContaining(written.filter((n) => n >= 0)));
      const reasons = outcomes.filter(({ reason }) => reason).map(({ reason }) => reason.message);
      expect(reasons).toEqual(expect.arrayContaining(['Connection terminated unexpectedly']));
    },
    { connectionString: undefined, ...place, max: 2 },
  );
  proxy.close();
});

test('over a stream of the program’s none goes ahead', () =>
  withTables(
    async ({ owner, pool, hold, keyed, keys }) => {
      await owner.query('begin');
      await hold(owner, 1);
      const blocked = pool.query(keyed, [1, 1]);
      await Promise.all(upTo(10).map((n) => pool.query(keyed, [n + 2, 0])));
      await owner.query('commit');
      await blocked;
      expect(await keys()).toHaveLength(11);
    },
    { max: 2, stream: () => new net.Socket() },
  ));

test('whose backends are killed, each is written once if it resolves, and else at most once', () =>
  withTables(
    async ({ owner, pool, plain, plains }) => {
      const killer = new (load().Client)({ connectionString: url({ role: 'postgres' }) });
      await killer.connect();
      const victims = new Set();
      pool.on('connect', ({ processID }) => victims.add(processID));
      let next = 0;
      const written = new Set();
      const work = async () => {
        while (next < 3_000) {
          const n = next++;
          await pool.query(plain, [n, 0]).then(
            ({ rows }) => written.add(rows[0].n),
            ({ message, code }) => expect(code ?? message).toMatch(/57P01|terminated/),
          );
          if (n % 200 === 100) {
            const [victim] = [...victims].slice(-1);
            await killer.query('select pg_terminate_backend($1)', [victim]);
          }
        }
      };
      await Promise.all(upTo(40).map(work));
      await killer.end();
      const rows = await plains();
      expect(new Set(rows).size).toBe(rows.length);
      expect([...written].filter((n) => !rows.includes(n))).toEqual([]);
      expect(written.size).toBeGreaterThan(2_000);
      await owner.query('select 1');
    },
    { max: 4 },
  ));

test(`whatever is locked and set free, each row is written once (seed ${seed})`, () =>
  withTables(
    async ({ owner, pool, hold, keyed, plain, keys, plains }) => {
      const random = generator();
      const below = (bound) => Math.floor(random() * bound);
      const asked = [];
      let n = 0;
      for (let step = 0; step < 60; step++) {
        if (step % 6 === 0) await owner.query('begin');
        if (step % 6 === 0) for (const lock of [1 + below(3), 5]) await hold(owner, lock);
        for (let i = below(20); i > 0; i--) {
          const values = [n++, below(10)];
          asked.push(pool.query(below(2) ? keyed : plain, values));
          if (below(3) === 0) asked.push(pool.query(READ, [n]));
        }
        // What has to do with no lock is answered while it is held.
        await Promise.all([
          pool.query(READ, [1]),
          pool.query('select pg_sleep($1)', [below(5) / 20]),
        ]);
        if (step % 6 === 5) {
          await owner.query(below(2) ? 'commit' : 'rollback');
          await Promise.all(asked.splice(0));
        }
      }
      const rows = [...(await keys()), ...(await plains())];
      expect(rows.sort((a, b) => a - b)).toEqual(upTo(n));
    },
    { max: 30 },
  ));
