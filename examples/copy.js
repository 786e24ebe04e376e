'use strict';
// COPY: many rows in and out as streams, no faster than either side can, in little memory.
//   DATABASE_URL=postgres://user:secret@host/db node examples/copy.js

const assert = require('node:assert/strict');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { pipeline } = require('node:stream/promises');
const { createPool } = require('polypool');

const ROWS = 200_000;

/** Lines in COPY's text format: tabs between columns, \N for NULL, backslashes before specials. */
function* lines() {
  for (let id = 1; id <= ROWS; id++)
    yield `${id}\tperson ${id}\t${id % 3 === 0 ? '\\N' : id / 4}\n`;
}

async function main() {
  const pool = await createPool(process.env.DATABASE_URL, { max: 2 });
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'polypool-copy-'));
  try {
    await pool.transaction(async (tx) => {
      await tx.query('create temp table people (id int, name text, score float8) on commit drop');

      // From a generator into a table. A bad row would undo the transaction.
      const writer = tx.copyFrom('copy people from stdin');
      await pipeline(lines(), writer);
      assert.equal(writer.rowCount, ROWS);

      // From the table into a file, and back.
      const file = path.join(folder, 'people.csv');
      await pipeline(tx.copyTo('copy people to stdout csv header'), fs.createWriteStream(file));
      await tx.query('truncate people');
      const back = tx.copyFrom('copy people from stdin csv header');
      await pipeline(fs.createReadStream(file), back);
      assert.equal(back.rowCount, ROWS);
      console.log(`${ROWS} rows in, out as ${fs.statSync(file).size} bytes of CSV, in again`);
    });

    // A bad row: the error is the server's and says where it was; nothing is stored.
    await pool.query('create table if not exists copied (id int primary key)');
    const bad = pool.copyFrom('copy copied from stdin');
    const error = await pipeline(['1\n', 'two\n', '3\n'], bad).catch((reason) => reason);
    assert.equal(error.code, '22P02');
    console.log(error.where);
    await pool.query('drop table copied');
  } finally {
    await pool.close();
    fs.rmSync(folder, { recursive: true });
  }
}

main();
