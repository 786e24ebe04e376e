'use strict';
// Transactions: commit, rollback by throwing, savepoints by nesting, and running again after a
// serialization failure.
//   DATABASE_URL=postgres://user:secret@host/db node examples/transaction.js

const assert = require('node:assert/strict');
const { createPool, sql } = require('polypool');

// A table of this run alone, so that two runs at once do not meet.
const accounts = sql.identifier(`polypool_example_accounts_${process.pid}`);

async function balances(queryable) {
  const rows = await queryable.sql`select balance from ${accounts} order by owner`;
  return rows.map(({ balance }) => balance);
}

async function transfer(tx, amount) {
  await tx.sql`update ${accounts} set balance = balance + ${amount} where owner = 'bob'`;
  await tx.sql`update ${accounts} set balance = balance - ${amount} where owner = 'alice'`;
}

async function demonstrate(pool) {
  // COMMIT when the callback resolves.
  await pool.transaction((tx) => transfer(tx, 30));
  assert.deepEqual(await balances(pool), [70, 30]);

  // ROLLBACK when it throws: the check on alice's balance undoes what bob already got.
  await assert.rejects(
    pool.transaction((tx) => transfer(tx, 500)),
    { code: '23514' }, // check_violation
  );
  assert.deepEqual(await balances(pool), [70, 30]);

  // A nested transaction is a savepoint: its failure leaves the outer one intact.
  await pool.transaction(async (tx) => {
    await transfer(tx, 20);
    await tx.transaction((inner) => transfer(inner, 500)).catch(() => {});
  });
  assert.deepEqual(await balances(pool), [50, 50]);

  // Two at once that each read what the other writes: one fails with 40001 and runs again.
  let runs = 0;
  let openGate;
  const bothHaveRead = new Promise((resolve) => (openGate = resolve));
  const moveHalf = () =>
    pool.transaction(
      async (tx) => {
        const [{ balance }] = await tx.sql`select balance from ${accounts} where owner = 'alice'`;
        runs += 1;
        if (runs === 2) openGate(); // for the example's sake, so that the two surely collide
        await bothHaveRead;
        await transfer(tx, Math.floor(balance / 2));
      },
      { isolation: 'serializable', retries: 10 },
    );
  await Promise.all([moveHalf(), moveHalf()]);
  assert.deepEqual(await balances(pool), [13, 87]); // 50 - 25, then 25 - 12: one after the other
  assert.equal(runs, 3);
  console.log(`balances are right; the two concurrent transfers took ${runs} runs`);
}

async function main() {
  const pool = await createPool(process.env.DATABASE_URL, { max: 4 });
  try {
    await pool.query(sql`create table ${accounts}
      (owner text primary key, balance int not null check (balance >= 0))`);
    await pool.query(sql`insert into ${accounts} values ('alice', 100), ('bob', 0)`);
    await demonstrate(pool);
  } finally {
    await pool.query(sql`drop table if exists ${accounts}`);
    await pool.close();
  }
}

main();
