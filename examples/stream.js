'use strict';
// Streaming: a million rows through a few megabytes, read only as fast as they are used.
//   DATABASE_URL=postgres://user:secret@host/db node examples/stream.js

const assert = require('node:assert/strict');
const { Transform } = require('node:stream');
const { pipeline } = require('node:stream/promises');
const { createPool } = require('polypool');

const ROWS = 1_000_000;
const NUMBERS = "select n, 'row number ' || n as text from generate_series(1, $1::int) n";

function memoryMb() {
  return process.memoryUsage.rss() / 1024 / 1024;
}

async function main() {
  const pool = await createPool(process.env.DATABASE_URL, { max: 2 });
  try {
    const before = memoryMb();
    let peak = before;
    let sum = 0;
    for await (const row of pool.stream(NUMBERS, [ROWS], { batchSize: 1000 })) {
      sum += row.n;
      if (row.n % 10_000 === 0) peak = Math.max(peak, memoryMb());
    }
    assert.equal(sum, (ROWS * (ROWS + 1)) / 2);

    // Leaving the loop ends the statement and gives the connection back.
    for await (const row of pool.stream(NUMBERS, [ROWS])) {
      if (row.n === 10) break;
    }

    // It is a Node stream as well: here into CSV, at the pace of the slowest part.
    let bytes = 0;
    const csv = new Transform({
      writableObjectMode: true,
      transform: (row, _encoding, done) => done(null, `${row.n},${row.text}\n`),
    });
    await pipeline(pool.stream(NUMBERS, [1000]), csv, async (chunks) => {
      for await (const chunk of chunks) bytes += chunk.length;
    });
    assert.equal(bytes, 2893 + 1000 * 'row number '.length + 2893 + 2 * 1000);

    assert.equal(pool.stats().inUse, 0);
    const grown = Math.max(0, peak - before).toFixed(0);
    console.log(`${ROWS.toLocaleString('en-US')} rows, memory grew by ${grown} MB at most`);
  } finally {
    await pool.close();
  }
}

main();
