'use strict';
// INSERTs of a pool share connections as reads do. What may not come of it: waiting for locks that
// are nothing to them, an answer that is another one's, a row too many or one too few.

const { setImmediate: turn } = require('node:timers/promises');
const { openPool, take } = require('./pools.js');
const { called, connect, query, rows } = require('./connections.js');
const { SUPERUSER } = require('../../support/mysql-settings.js');
const { unique } = require('../../support/pools.js');
const { generator, seed } = require('../../support/random.js');

const load = () => require('../../../lib/compat/mysql2');

const READ = 'select ? as n';

const upTo = (count) => Array.from({ length: count }, (_, n) => n);

/** Often enough to be known as short, on a busy machine too. */
async function warm(pool, text, values = () => [1]) {
  const { paceOf } = require('../../../lib/session');
  while (paceOf(text) === undefined) await query(pool, text, values());
}

/** All of its connections are there, and idle. */
async function fill(pool) {
  const all = await Promise.all(upTo(pool.config.connectionLimit).map(() => take(pool)));
  for (const connection of all) connection.release();
}

describe.each(['mariadb', 'mysql'])('%s', (kind) => {
  /**
   * A table whose rows each refer to a lock, which somebody outside of the pools may hold, and one
   * without transactions or a key; both are empty but for what made the texts known.
   */
  async function withTables(run, options) {
    const owner = await connect(load(), { kind });
    const [locks, keyed, plain] = [unique('locks'), unique('keyed'), unique('plain')];
    await query(owner, `create table ${locks} (id int primary key)`);
    await query(
      owner,
      `create table ${keyed} (at int auto_increment primary key, id int unique, lock_id int,
         foreign key (lock_id) references ${locks} (id))`,
    );
    await query(owner, `create table ${plain} (n int) engine = myisam`);
    await query(owner, `insert into ${locks} values ${upTo(10).map((n) => `(${n})`)}`);
    const pool = openPool(load(), { kind, connectionLimit: 3, ...options });
    const texts = {
      keyed: `insert into ${keyed} (id, lock_id) values (?, ?)`,
      plain: `insert into ${plain} values (?)`,
    };
    let id = -1;
    try {
      await warm(pool, texts.keyed, () => [id--, 0]);
      await warm(pool, texts.plain, () => [id--]);
      await warm(pool, READ);
      await query(owner, `delete from ${keyed}`);
      await query(owner, `delete from ${plain}`);
      await fill(pool);
      const hold = (who, lock) =>
        query(who, `select 1 from ${locks} where id = ${lock} for update`);
      const list = async (column, table) =>
        (await rows(owner, `select ${column} as n from ${table} order by 1`)).map(({ n }) => n);
      const keys = () => list('id', keyed);
      const plains = () => list('n', plain);
      await run({ owner, pool, hold, ...texts, keys, plains, names: { keyed, plain } });
    } finally {
      await query(owner, 'unlock tables');
      await query(owner, 'rollback');
      await query(owner, `drop table ${keyed}`);
      await query(owner, `drop table ${plain}, ${locks}`);
    }
  }

  describe('somebody whose lock an INSERT waits for may wait', () => {
    test('for the others', () =>
      withTables(async ({ owner, pool, hold, keyed, plain, keys, plains }) => {
        await query(owner, 'begin');
        await hold(owner, 1);
        const blocked = query(pool, keyed, [100, 1]);
        const asked = upTo(40).map((n) =>
          n % 2 ? query(pool, keyed, [n, 0]) : query(pool, plain, [n]),
        );
        await Promise.all(asked);
        await query(owner, 'commit');
        expect((await blocked)[0].affectedRows).toBe(1);
        const [even, odd] = [0, 1].map((rest) => upTo(40).filter((n) => n % 2 === rest));
        expect(await keys()).toEqual([...odd, 100]);
        expect(await plains()).toEqual(even);
      }));

    test('for the others, several of which wait for him, too', () =>
      withTables(
        async ({ owner, pool, hold, plain, keyed, plains, keys }) => {
          await query(owner, 'begin');
          await hold(owner, 1);
          const reads = upTo(8).map((n) => query(pool, READ, [n]));
          const blocked = upTo(6).map((n) => query(pool, keyed, [n, 1]));
          const free = upTo(30).map((n) => query(pool, plain, [n]));
          await Promise.all([...reads, ...free, ...upTo(30).map((n) => query(pool, READ, [n]))]);
          await query(owner, 'commit');
          await Promise.all(blocked);
          expect(await keys()).toEqual(upTo(6));
          expect(await plains()).toEqual(upTo(30));
        },
        { connectionLimit: 8 },
      ));

    test('for a connection whose wire such an INSERT is on', () =>
      withTables(async ({ owner, pool, hold, keyed, keys }) => {
        await query(owner, 'begin');
        await hold(owner, 1);
        // The last goes over the connection of one of the others, and is the next to get one.
        const asked = [...upTo(3).map((n) => query(pool, READ, [n])), query(pool, keyed, [1, 1])];
        const connection = await take(pool);
        expect((await query(connection, READ, [3]))[0]).toEqual([{ n: 3 }]);
        await query(owner, 'commit');
        connection.release();
        await Promise.all(asked);
        expect(await keys()).toEqual([1]);
      }));

    test('for those behind a table that is locked as a whole', () =>
      withTables(async ({ owner, pool, names, plain, plains, keyed, keys }) => {
        await query(owner, `lock tables ${names.plain} write`);
        const blocked = upTo(2).map((n) => query(pool, plain, [n]));
        await Promise.all(upTo(20).map((n) => query(pool, keyed, [n, 0])));
        await query(owner, 'unlock tables');
        await Promise.all(blocked);
        expect(await keys()).toEqual(upTo(20));
        expect(await plains()).toEqual([0, 1]);
      }));

    test('for a prepared statement’s', () =>
      withTables(async ({ owner, pool, hold, keyed, keys }) => {
        const execute = (values) => pool.promise().execute(keyed, values);
        await Promise.all(upTo(60).map((n) => execute([n, 0])));
        await query(owner, 'begin');
        await hold(owner, 1);
        const blocked = execute([100, 1]);
        await Promise.all(upTo(40).map((n) => execute([n + 60, 0])));
        await query(owner, 'commit');
        await blocked;
        expect(await keys()).toEqual(upTo(101));
      }));
  });

  test('each gets the answer to its own, and the rows are those that were asked for', () =>
    withTables(
      async ({ owner, pool, plain, keyed, plains, keys, names }) => {
        const ids = new Map();
        const workers = upTo(65).map(async (worker) => {
          for (let at = 0; at < 30; at++) {
            const n = worker * 30 + at;
            const [{ affectedRows, insertId }] = await query(pool, keyed, [n, n % 10]);
            expect(affectedRows).toBe(1);
            ids.set(insertId, n);
            await query(pool, plain, [n]);
          }
        });
        await Promise.all(workers);
        expect(await plains()).toEqual(upTo(65 * 30));
        expect(await keys()).toEqual(upTo(65 * 30));
        const told = await rows(owner, `select at, id from ${names.keyed}`);
        expect(told.filter(({ at, id }) => ids.get(at) !== id)).toEqual([]);
      },
      { connectionLimit: 10 },
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
      const outcomes = await Promise.allSettled(values.map((given) => query(pool, keyed, given)));
      const codes = outcomes.map(({ reason }) => reason?.errno).sort();
      expect(codes).toEqual([1062, 1062, 1452, 1452, undefined, undefined, undefined]);
      expect(await keys()).toEqual([1, 3, 4]);
    }));

  test('what somebody else stops is told, and not run again', () =>
    withTables(async ({ owner, pool, hold, keyed, keys }) => {
      await query(owner, 'begin');
      await hold(owner, 1);
      const all = [...upTo(3)].map((n) => called((done) => pool.query(keyed, [n, 1], done)));
      const killer = await connect(load(), { kind, user: SUPERUSER.user });
      const ids = upTo(3).map((at) => pool._allConnections.get(at).threadId);
      const running = `select id from information_schema.processlist
        where id in (${ids}) and command <> 'Sleep'`;
      while ((await rows(killer, running)).length < 3);
      for (const id of ids) await query(killer, `kill query ${id}`);
      const errors = (await Promise.all(all)).map(([error]) => error.errno);
      expect(errors).toEqual([1317, 1317, 1317]);
      await query(owner, 'commit');
      expect(await keys()).toEqual([]);
    }));

  test('the end lets those be answered that were sent, or refuses what was not written', () =>
    withTables(async ({ owner, pool, hold, keyed, plain, keys, plains }) => {
      await query(owner, 'begin');
      await hold(owner, 1);
      const blocked = upTo(2).map((n) => query(pool, keyed, [n, 1]));
      const free = Promise.allSettled(upTo(10).map((n) => query(pool, plain, [n])));
      // Those who have a connection have begun.
      await turn();
      const ended = called((done) => pool.end(done));
      const outcomes = await free;
      await query(owner, 'commit');
      await Promise.all([...blocked, ended]);
      expect(await keys()).toEqual([0, 1]);
      const written = outcomes.map(({ status }, n) => (status === 'fulfilled' ? n : -1));
      expect(await plains()).toEqual(written.filter((n) => n >= 0));
      const reasons = outcomes.filter(({ reason }) => reason).map(({ reason }) => reason.message);
      expect(new Set([...reasons, 'Pool is closed.']).size).toBe(1);
    }));

  test('whose connections are killed, each is written once if it resolves, else at most once', () =>
    withTables(
      async ({ pool, plain, plains }) => {
        const killer = await connect(load(), { kind, user: SUPERUSER.user });
        let next = 0;
        const written = new Set();
        const work = async () => {
          while (next < 3_000) {
            const n = next++;
            const [error] = await called((done) => pool.query(plain, [n], done));
            if (error) expect(error.fatal || error.errno === 1317).toBe(true);
            else written.add(n);
            if (n % 300 === 150) {
              const id = pool._allConnections.get(0)?.threadId;
              if (id) await called((done) => killer.query(`kill ${id}`, done));
            }
          }
        };
        await Promise.all(upTo(40).map(work));
        const all = await plains();
        expect(new Set(all).size).toBe(all.length);
        const there = new Set(all);
        expect([...written].filter((n) => !there.has(n))).toEqual([]);
        expect(written.size).toBeGreaterThan(2_000);
      },
      { connectionLimit: 4 },
    ));

  test(`whatever is locked and set free, each row is written once (seed ${seed})`, () =>
    withTables(
      async ({ owner, pool, hold, keyed, plain, keys, plains }) => {
        const random = generator();
        const below = (bound) => Math.floor(random() * bound);
        const asked = [];
        let n = 0;
        for (let step = 0; step < 36; step++) {
          if (step % 6 === 0) await query(owner, 'begin');
          if (step % 6 === 0) for (const lock of [1 + below(3), 5]) await hold(owner, lock);
          for (let i = below(20); i > 0; i--) {
            const id = n++;
            asked.push(below(2) ? query(pool, keyed, [id, below(10)]) : query(pool, plain, [id]));
            if (below(3) === 0) asked.push(query(pool, READ, [n]));
          }
          // What has to do with no lock is answered while it is held.
          await Promise.all([
            query(pool, READ, [1]),
            query(pool, 'select sleep(?)', [below(5) / 20]),
          ]);
          if (step % 6 === 5) {
            await query(owner, below(2) ? 'commit' : 'rollback');
            await Promise.all(asked.splice(0));
          }
        }
        const all = [...(await keys()), ...(await plains())];
        expect(all.sort((a, b) => a - b)).toEqual(upTo(n));
      },
      { connectionLimit: 30 },
    ));
});
