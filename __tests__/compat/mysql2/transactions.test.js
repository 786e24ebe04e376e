'use strict';
// Transactions, several on one connection: by then the drop-in sends BEGIN with what follows it.

const { Readable } = require('node:stream');
const { unique } = require('../../support/pools.js');
const { called, connect, execute, failure, observe } = require('./connections.js');
const { outcome, query, record, rows, value } = require('./connections.js');
const { IMPLEMENTATIONS, SERVERS } = require('./implementations.js');
const { openPool, take } = require('./pools.js');

const BEGINS = ['begin', 'BEGIN WORK', ' start  transaction\n', 'START TRANSACTION;'];

const begin = (connection) => outcome((done) => connection.beginTransaction(done));
const commit = (connection) => outcome((done) => connection.commit(done));
const rollback = (connection) => outcome((done) => connection.rollback(done));

/** A connection that has been in a transaction before. */
async function used(connection) {
  await begin(connection);
  await rollback(connection);
  return connection;
}

describe.each(SERVERS)('%s', (kind) => {
  let table;

  beforeEach(async () => {
    table = `polypool_test.${unique('t')}`;
    await observe(kind, `create table ${table} (a int primary key) engine = innodb`);
  });

  afterEach(() => observe(kind, `drop table ${table}`));

  const insert = (a) => `insert into ${table} values (${a})`;
  const stored = async () => {
    const all = await observe(kind, `select a from ${table} order by a`);
    return all.map(({ a }) => a);
  };

  test('what BEGIN is answered is the same', async () => {
    const answers = [];
    for (const [, { mysql }] of IMPLEMENTATIONS) {
      const own = [];
      const connection = await connect(mysql(), { kind });
      for (const setting of ['autocommit = 1', 'autocommit = 0', "sql_mode = 'ansi'"]) {
        await query(connection, `set ${setting}`);
        for (const text of BEGINS) {
          own.push(await query(connection, text));
          own.push(await rollback(connection));
        }
      }
      answers.push(own);
    }
    expect(answers[1]).toEqual(answers[0]);
    expect(answers[1][0][0].affectedRows).toBe(0);
  });

  describe.each(IMPLEMENTATIONS)('%s', (_name, { mysql }) => {
    const open = async (options) => used(await connect(mysql(), { kind, ...options }));

    test.each(['select 1', 'select nothing'])(
      'a BEGIN that waits for %j is answered behind whoever hears of that',
      async (text) => {
        const connection = await open();
        const told = [];
        const first = () => told.push('first');
        connection.promise().query(text).then(first, first);
        await new Promise((resolve) => {
          connection.beginTransaction(() => resolve(told.push('begun')));
        });
        expect(told).toEqual(['first', 'begun']);
      },
    );

    test('committed', async () => {
      const connection = await open();
      for (const a of [1, 2, 3]) {
        await begin(connection);
        await execute(connection, `insert into ${table} values (?)`, [a]);
        await commit(connection);
      }
      expect(await stored()).toEqual([1, 2, 3]);
    });

    test('with promises, over a pool', async () => {
      const pool = openPool(mysql(), { kind, connectionLimit: 2 });
      const wrapped = pool.promise();
      const transfer = async (a) => {
        const connection = await wrapped.getConnection();
        await connection.beginTransaction();
        const [[{ n }]] = await connection.execute(
          `select count(*) as n from ${table} where a = ?`,
          [a],
        );
        await connection.execute(`insert into ${table} values (?)`, [a]);
        if (n + a > 15) await connection.rollback();
        else await connection.commit();
        connection.release();
      };
      await Promise.all(Array.from({ length: 20 }, (_, a) => transfer(a + 1)));
      expect(await stored()).toEqual(Array.from({ length: 15 }, (_, a) => a + 1));
    });

    test('rolled back', async () => {
      const connection = await open();
      for (const a of [1, 2]) {
        await begin(connection);
        await query(connection, insert(a));
        expect(await value(connection, `select count(*) from ${table}`)).toBe(1);
        await rollback(connection);
      }
      expect(await stored()).toEqual([]);
    });

    test('with savepoints', async () => {
      const connection = await open();
      await begin(connection);
      await query(connection, 'savepoint one');
      await query(connection, insert(1));
      await query(connection, 'rollback to savepoint one');
      await query(connection, insert(2));
      await commit(connection);
      expect(await stored()).toEqual([2]);
    });

    test('rows are locked by the first statement', async () => {
      await observe(kind, insert(1));
      const [connection, other] = [await open(), await open()];
      await query(other, 'set innodb_lock_wait_timeout = 1');
      await begin(connection);
      const sql = `select a from ${table} where a = 1 for update`;
      expect(await rows(connection, sql)).toEqual([{ a: 1 }]);
      await begin(other);
      const error = await failure((done) => other.query(sql, done));
      expect(error).toMatchObject({ errno: 1205, sql });
      await commit(connection);
      expect(await rows(other, sql)).toEqual([{ a: 1 }]);
      await rollback(other);
    });

    test('a BEGIN within one commits it', async () => {
      const connection = await open();
      await begin(connection);
      await query(connection, insert(1));
      await begin(connection);
      await begin(connection);
      await query(connection, insert(2));
      await rollback(connection);
      expect(await stored()).toEqual([1]);
    });

    test('of nothing', async () => {
      const connection = await open();
      await begin(connection);
      await commit(connection);
      await begin(connection);
      await rollback(connection);
      await query(connection, insert(1));
      expect(await stored()).toEqual([1]);
    });

    test('with all statements at once, answered in their order', async () => {
      const connection = await open();
      const texts = ['begin', insert(1), insert(1), insert(2), 'commit', 'do 1'];
      const told = [];
      const all = texts.map((text) =>
        called((done) => connection.query(text, done)).then(([error]) =>
          told.push(error ? error.errno : text),
        ),
      );
      await Promise.all(all);
      expect(told).toEqual(texts.map((text, i) => (i === 2 ? 1062 : text)));
      expect(await stored()).toEqual([1, 2]);
    });

    test('events of its begin', async () => {
      const connection = await open();
      const command = connection.query('begin', () => seen.push('callback'));
      const seen = record(command, ['fields', 'result', 'error', 'end']);
      await query(connection, insert(1));
      expect(seen).toEqual(['fields', 'result', 'end', 'callback']);
      await rollback(connection);
      expect(await stored()).toEqual([]);
    });

    test('begun without a callback', async () => {
      const connection = await open();
      const seen = record(connection.query('begin'), ['fields', 'result', 'error', 'end']);
      await query(connection, insert(1));
      expect(seen).toEqual(['fields', 'result', 'end']);
      await rollback(connection);
      expect(await stored()).toEqual([]);
    });

    test('begun while its connection is paused', async () => {
      const connection = await open();
      const begun = begin(connection);
      connection.pause();
      await new Promise(setImmediate);
      connection.resume();
      await begun;
      await query(connection, insert(1));
      await rollback(connection);
      expect(await stored()).toEqual([]);
    });

    test('whose first statement is a stream', async () => {
      await observe(kind, insert(1));
      const connection = await open();
      await begin(connection);
      const streamed = [];
      for await (const row of connection.query(`select a from ${table}`).stream()) {
        streamed.push(row);
      }
      expect(streamed).toEqual([{ a: 1 }]);
      await query(connection, insert(2));
      await rollback(connection);
      expect(await stored()).toEqual([1]);
    });

    test('whose first statement reads a file', async () => {
      const connection = await open();
      await begin(connection);
      const sql = `load data local infile 'x' into table ${table}`;
      const infileStreamFactory = () => Readable.from([Buffer.from('1\n2\n')]);
      const [header] = await query(connection, { sql, infileStreamFactory });
      expect(header.affectedRows).toBe(2);
      await rollback(connection);
      expect(await stored()).toEqual([]);
    });

    test('whose first statement has several results', async () => {
      const connection = await open({ multipleStatements: true });
      await begin(connection);
      const [results] = await query(connection, `${insert(1)}; select a from ${table}; do 1`);
      expect(results[1]).toEqual([{ a: 1 }]);
      expect(results).toHaveLength(3);
      await rollback(connection);
      expect(await stored()).toEqual([]);
    });

    test('whose first statement is prepared anew', async () => {
      const connection = await open();
      await begin(connection);
      const statement = await new Promise((resolve, reject) => {
        const done = (error, prepared) => (error ? reject(error) : resolve(prepared));
        connection.prepare(`insert into ${table} values (?)`, done);
      });
      await outcome((done) => statement.execute([1], done));
      await rollback(connection);
      await begin(connection);
      await outcome((done) => statement.execute([2], done));
      await commit(connection);
      expect(await stored()).toEqual([2]);
    });

    test('whose first statement fails, or has an error of its own', async () => {
      const connection = await open();
      for (const sql of ['select b from nowhere_at_all', 'select f(', 'insert into t']) {
        await begin(connection);
        const error = await failure((done) => connection.query(sql, done));
        expect(error).toMatchObject({ sql, sqlState: expect.any(String) });
        await query(connection, insert(1));
        await rollback(connection);
      }
      expect(await stored()).toEqual([]);
    });

    test('is what the next one finds that the pool lends the connection to', async () => {
      const pool = openPool(mysql(), { kind, connectionLimit: 1 });
      const first = await used(await take(pool));
      await begin(first);
      first.release();
      const second = await take(pool);
      expect(second).toBe(first);
      await query(second, insert(1));
      await rollback(second);
      await begin(second);
      second.release();
      await query(pool, insert(2));
      expect(await stored()).toEqual([]);
      await query(pool, 'commit');
      expect(await stored()).toEqual([2]);
    });

    test('is undone by a reset, by another user, and by the end', async () => {
      const connection = await open();
      await begin(connection);
      expect(await called((done) => connection.ping(done))).toEqual([]);
      await query(connection, insert(1));
      await begin(connection);
      await outcome((done) => connection.reset(done));
      await query(connection, insert(2));
      await used(connection);
      await begin(connection);
      const { user, password } = connection.config;
      await outcome((done) => connection.changeUser({ user, password }, done));
      await query(connection, insert(3));
      await used(connection);
      await begin(connection);
      await called((done) => connection.end(done));
      expect(await stored()).toEqual([1, 2, 3]);
    });

    test('is never begun where the connection is killed: nothing is written', async () => {
      const connection = await open();
      connection.on('error', () => {});
      await begin(connection);
      await observe(kind, 'kill ?', [connection.threadId]);
      const error = await failure((done) => connection.query(insert(1), done));
      expect(error.message).not.toBe('');
      expect(await stored()).toEqual([]);
    });

    test('is given up with its connection', async () => {
      const connection = await open();
      const begun = called((done) => connection.beginTransaction(done));
      connection.destroy();
      await begun;
      const error = await failure((done) => connection.query(insert(1), done));
      expect(error.message).toMatch(/closed state/);
      expect(await stored()).toEqual([]);
    });
  });
});
