'use strict';
// Transactions in MySQL's words: how they begin, what is run again, what a deadlock leaves behind.

const { load, rejection, unique } = require('../../support/pools.js');
const { KINDS, openPool } = require('../../support/mysql-pools.js');

describe.each(KINDS)('%s', (kind) => {
  let pool;
  const table = unique('accounts');

  beforeEach(async () => {
    pool = await openPool({ kind, max: 4 });
    await pool.query(`drop table if exists ${table}`);
    await pool.query(`create table ${table} (id int primary key, n int not null) engine = innodb`);
    await pool.query(`insert into ${table} values (1, 0), (2, 0)`);
  });

  const numbers = async () =>
    (await pool.query(`select n from ${table} order by id`)).rows.map(({ n }) => n);

  test('committed or undone as a whole', async () => {
    await pool.transaction((tx) => tx.query(`update ${table} set n = n + 1`));
    const error = await rejection(
      pool.transaction(async (tx) => {
        await tx.query(`update ${table} set n = n + 1`);
        throw new Error('no');
      }),
    );
    expect(error.message).toBe('no');
    expect(await numbers()).toEqual([1, 1]);
  });

  test('savepoints undo what is nested', async () => {
    await pool.transaction(async (tx) => {
      await tx.query(`update ${table} set n = 1 where id = 1`);
      await tx
        .transaction(async (inner) => {
          await inner.query(`update ${table} set n = 5`);
          throw new Error('back');
        })
        .catch(() => {});
      await tx.transaction((inner) => inner.query(`update ${table} set n = 2 where id = 2`));
    });
    expect(await numbers()).toEqual([1, 2]);
  });

  test.each(['read uncommitted', 'read committed', 'repeatable read', 'serializable'])(
    'at isolation %s, and the next one at the usual',
    async (isolation) => {
      const variable = kind === 'mysql' ? '@@transaction_isolation' : '@@tx_isolation';
      await pool.use(async (connection) => {
        await connection.transaction(
          async (tx) => {
            // Says nothing of this transaction's own level; reads what others have not committed.
            await tx.query(`select n from ${table}`);
            if (isolation !== 'read uncommitted') return;
            await pool
              .transaction(async (other) => {
                await other.query(`update ${table} set n = 9 where id = 1`);
                const { rows } = await tx.query(`select n from ${table} where id = 1`);
                expect(rows).toEqual([{ n: 9 }]);
                throw new Error('undo');
              })
              .catch((error) => expect(error.message).toBe('undo'));
          },
          { isolation },
        );
        expect((await connection.query(`select ${variable} as level`)).rows).toEqual([
          { level: 'REPEATABLE-READ' },
        ]);
      });
    },
  );

  test('read-only ones refuse to write', async () => {
    const error = await rejection(
      pool.transaction((tx) => tx.query(`update ${table} set n = 1`), { readOnly: true }),
    );
    expect(error.errno).toBe(1792);
    await expect(pool.transaction(() => {}, { deferrable: true })).rejects.toMatchObject({
      option: 'deferrable',
    });
  });

  test('a deadlock is run again', async () => {
    let attempts = 0;
    const locked = [];
    const both = () =>
      new Promise((resolve) => {
        locked.push(resolve);
        if (locked.length >= 2) locked.forEach((go) => go());
      });
    const move = (from, to) =>
      pool.transaction(
        async (tx) => {
          attempts++;
          await tx.query(`update ${table} set n = n - 1 where id = ?`, [from]);
          await both();
          await tx.query(`update ${table} set n = n + 1 where id = ?`, [to]);
        },
        { retries: 5 },
      );
    await Promise.all([move(1, 2), move(2, 1)]);
    expect(await numbers()).toEqual([0, 0]);
    expect(attempts).toBe(3);
  });

  test('after a deadlock nothing of its transaction runs on its own', async () => {
    const victim = await pool.acquire();
    const other = await pool.acquire();
    await other.query('begin');
    // The server undoes who has changed less.
    await other.query(`update ${table} set n = n + 10 where id = 2`);
    await other.query(`insert into ${table} values (3, 0), (4, 0), (5, 0)`);
    const error = await rejection(
      victim.transaction(async (tx) => {
        await tx.query(`update ${table} set n = n + 1 where id = 1`);
        const mine = tx.query(`update ${table} set n = n + 1 where id = 2`);
        const swept = rejection(tx.query(`insert into ${table} values (8, 8)`));
        const theirs = other.query(`update ${table} set n = n + 10 where id = 1`);
        const deadlock = await rejection(mine);
        expect(deadlock.errno).toBe(1213);
        await theirs;
        // Sent with it, it would be committed by itself.
        expect((await swept).errno).toBe(1213);
        const late = await rejection(tx.query(`insert into ${table} values (9, 9)`));
        expect(late.code).toBe('ERR_POLYPOOL_ROLLED_BACK');
        expect(late.cause).toBe(deadlock);
      }),
    );
    expect(error.code).toBe('ERR_POLYPOOL_ROLLED_BACK');
    await other.query('commit');
    await victim.release();
    await other.release();
    expect(await numbers()).toEqual([10, 10, 0, 0, 0]);
  });

  test('the sql tag writes its parameters and names as MySQL does', async () => {
    const { sql } = load();
    const name = sql.identifier(table);
    const where = sql`where id = ${2}`;
    expect(await pool.sql`select n, ${'`?'} as text from ${name} ${where}`).toEqual([
      { n: 0, text: '`?' },
    ]);
    const fragment = sql`select ${'x'} as x from ${name} ${where}`;
    expect((await pool.query(fragment)).rows).toEqual([{ x: 'x' }]);
    expect(fragment.text).toBe(`select $1 as x from "${table}" where id = $2`);
    expect(pool.sql`select ${1} from ${name}`.text).toBe(`select ? from \`${table}\``);
  });

  test('quoting for where a parameter cannot stand', async () => {
    const { escapeIdentifier, escapeLiteral } = load();
    const odd = 'a`b"c';
    const text = 'it\'s \\ "x" \n';
    const query = `select ${escapeLiteral(text, kind)} as ${escapeIdentifier(odd, kind)}`;
    expect((await pool.query(query)).rows).toEqual([{ [odd]: text }]);
    expect(() => escapeLiteral('x', 'oracle')).toThrow(/engine/);
  });

  test('a result tells what was generated and how many rows it was about', async () => {
    await pool.query(`alter table ${table} modify id int auto_increment`);
    const { insertId, affectedRows, rowCount } = await pool.query(
      `insert into ${table} (n) values (7), (8)`,
    );
    expect({ insertId, affectedRows, rowCount }).toEqual({
      insertId: 3,
      affectedRows: 2,
      rowCount: 2,
    });
    const same = await pool.query(`update ${table} set n = 7 where n = 7`);
    expect(same).toMatchObject({ affectedRows: 1, insertId: null, warnings: 0 });
    const read = await pool.query(`select n from ${table}`);
    expect(read).toMatchObject({ affectedRows: 0, rowCount: 4 });
  });
});
