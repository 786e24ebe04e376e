'use strict';
// Giving up: by signal, by time limit, while waiting for a connection. What is given up is also
// cancelled at the server, and nobody else notices.
//   DATABASE_URL=postgres://user:secret@host/db node examples/abort.js

const assert = require('node:assert/strict');
const { createPool } = require('polypool');

const SLOW = 'select pg_sleep(30)';

async function main() {
  const pool = await createPool(process.env.DATABASE_URL, { max: 1 });
  const start = performance.now();
  try {
    // A signal, such as that of a client that went away. `cause` is the signal's own reason.
    const client = new AbortController();
    setTimeout(() => client.abort(new Error('client went away')), 100);
    await assert.rejects(pool.query(SLOW, [], { signal: client.signal }), (error) => {
      assert.equal(error.name, 'AbortError');
      assert.equal(error.cause.message, 'client went away');
      return true;
    });

    // A time limit over the whole call.
    await assert.rejects(pool.query(SLOW, [], { timeoutMs: 100 }), {
      code: 'ERR_POLYPOOL_QUERY_TIMEOUT',
    });

    // The only connection is out: this one waits in vain, and the error says who holds it.
    const held = await pool.acquire();
    await assert.rejects(pool.acquire({ timeoutMs: 100 }), (error) => {
      assert.equal(error.code, 'ERR_POLYPOOL_ACQUIRE_TIMEOUT');
      assert.equal(error.inUse, 1);
      console.log(error.message);
      return true;
    });
    await held.release();

    // The pool works on: nothing of the above is left on its connection.
    const { rows } = await pool.query('select 42 as answer');
    assert.equal(rows[0].answer, 42);
    assert.ok(performance.now() - start < 10_000, 'no sleep ran to its end');
    console.log('gave up three times; the pool answers as before');
  } finally {
    await pool.close();
  }
}

main();
