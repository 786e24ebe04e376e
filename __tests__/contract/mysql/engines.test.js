'use strict';
// Pools of two engines side by side, in one thread.

const { openPool: openPostgres } = require('../../support/pools.js');
const { KINDS, openPool } = require('../../support/mysql-pools.js');

test('the same text means each its own', async () => {
  const pools = [
    await openPostgres(),
    ...(await Promise.all(KINDS.map((kind) => openPool({ kind })))),
  ];
  for (let round = 0; round < 4; round++) {
    for (const pool of pools) {
      expect((await pool.query('select 5 as a')).rows).toEqual([{ a: 5 }]);
      expect((await pool.query('select version() as v')).rows).toHaveLength(1);
    }
  }
});
