'use strict';
// Pools of both engines in one process: what is written alike means something else to each.

const { openPool: openPostgres } = require('../../support/pools.js');
const { KINDS, openPool } = require('../../support/mysql-pools.js');

test.each(KINDS)('a text is run by PostgreSQL and %s in turn', async (kind) => {
  const [postgres, mysql] = [await openPostgres(), await openPool({ kind })];
  for (let time = 0; time < 3; time++) {
    for (const pool of [postgres, mysql]) {
      expect((await pool.query('select 1 as one')).rows).toEqual([{ one: 1 }]);
      const result = await pool.transaction((transaction) => transaction.query('select 2 as two'));
      expect(result.rows).toEqual([{ two: 2 }]);
    }
  }
});
