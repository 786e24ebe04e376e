'use strict';
// The start: make a pool, query it, close it.
//   DATABASE_URL=postgres://user:secret@host/db node examples/basic.js

const assert = require('node:assert/strict');
const { createPool } = require('polypool');

async function main() {
  // Fails at once when the server is not there or refuses the password.
  const pool = await createPool(process.env.DATABASE_URL, { max: 10 });
  try {
    const { rows } = await pool.query('select $1::int + $2::int as sum', [40, 2]);
    assert.deepEqual(rows, [{ sum: 42 }]);

    // Interpolated values travel as parameters, never as part of the text.
    const name = "Robert'); drop table students;--";
    const [row] = await pool.sql`select ${name}::text as name, length(${name}::text) as length`;
    assert.deepEqual(row, { name, length: name.length });

    // A thousand queries at once share the ten connections; each gets its own answer.
    const numbers = Array.from({ length: 1000 }, (_, n) => n);
    const squares = await Promise.all(
      numbers.map((n) => pool.query('select $1::int * $1::int as square', [n])),
    );
    numbers.forEach((n) => assert.equal(squares[n].rows[0].square, n * n));

    // One connection for several statements; it goes back when the callback is done.
    const same = await pool.use(async (connection) => {
      const first = await connection.query('select pg_backend_pid() as pid');
      const second = await connection.query('select pg_backend_pid() as pid');
      return first.rows[0].pid === second.rows[0].pid;
    });
    assert.equal(same, true);

    const { total, max } = pool.stats();
    console.log(`1,003 answers over ${total} of at most ${max} connections`);
  } finally {
    await pool.close();
  }
}

main();
