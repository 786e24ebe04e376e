'use strict';

const { Readable, Writable } = require('node:stream');
const { pipeline } = require('node:stream/promises');
const { Client, Pool } = require('pg');
const { from: copyFrom, to: copyTo } = require('pg-copy-streams');
const { failure, refusal, report } = require('../report.js');

const ROWS = 3000;

const rowsOf = async (client, text) => (await client.query(text)).rows;
const one = (client) => rowsOf(client, 'select 1 as one');

function* lines() {
  for (let n = 1; n <= ROWS; n += 1) yield `${n}\tname ${n}\n`;
}

async function into(client) {
  const stream = client.query(copyFrom('copy people from stdin'));
  await pipeline(Readable.from(lines()), stream);
  const [counted] = await rowsOf(client, 'select count(*), sum(id) from people');
  // A chunk holds many rows, and ends anywhere in one.
  const text = [...lines()].join('').replaceAll('name', 'again');
  const chunks = text.match(/[^]{1,1000}/g);
  const more = client.query(copyFrom('copy people from stdin'));
  await pipeline(Readable.from(chunks), more);
  const [both] = await rowsOf(client, 'select count(*), count(distinct name) as names from people');
  return { rowCount: [stream.rowCount, more.rowCount], counted, both };
}

async function outOf(client) {
  const text = `copy (select * from people where name like 'name%' order by id) to stdout csv`;
  const stream = client.query(copyTo(text));
  const chunks = [];
  for await (const chunk of stream) chunks.push(chunk);
  const csv = Buffer.concat(chunks).toString();
  const expected = [...lines()].join('').replaceAll('\t', ',');
  return { isWhole: csv === expected, rowCount: stream.rowCount, after: await one(client) };
}

/** A sink that takes its time holds the server back, not the memory of this process. */
async function slowly(client) {
  const stream = client.query(
    copyTo("copy (select repeat('x', 1000) from generate_series(1, 2000)) to stdout"),
  );
  let bytes = 0;
  const sink = new Writable({
    highWaterMark: 1,
    write(chunk, _encoding, done) {
      bytes += chunk.length;
      setImmediate(done);
    },
  });
  await pipeline(stream, sink);
  return { bytes, rowCount: stream.rowCount };
}

/** From one table into another, over two connections. */
async function between(client, other) {
  await client.query('create table copies (like people)');
  await pipeline(
    client.query(copyTo('copy people to stdout binary')),
    other.query(copyFrom('copy copies from stdin binary')),
  );
  return rowsOf(client, 'select count(*), sum(id) from copies');
}

async function errors(client) {
  const write = (text, ...chunks) => pipeline(Readable.from(chunks), client.query(copyFrom(text)));
  const read = async (text) => {
    for await (const _ of client.query(copyTo(text)));
  };
  const abandoned = client.query(copyFrom('copy people from stdin'));
  abandoned.write('1\tone\n');
  const given = failure(new Promise((_, reject) => abandoned.on('error', reject)));
  abandoned.destroy(new Error('enough'));
  const counted = await rowsOf(client, "select count(*) from people where name = 'one'");
  return {
    syntax: await refusal(write('copy people from nowhere stdin', '1\tx\n')),
    table: await refusal(write('copy nowhere from stdin', '1\tx\n')),
    row: await refusal(write('copy people from stdin', 'x\tx\n')),
    query: await refusal(read('copy (select 1 / (3 - n) from generate_series(1, 9) n) to stdout')),
    abandoned: [(await given).message, counted],
    after: await one(client),
  };
}

async function pooled(connectionString) {
  const pool = new Pool({ connectionString, max: 2 });
  const load = async (n) => {
    const client = await pool.connect();
    const stream = client.query(copyFrom('copy copies from stdin'));
    await pipeline(Readable.from([`${n}\tpooled\n`]), stream);
    client.release();
    return stream.rowCount;
  };
  const counts = await Promise.all([1, 2, 3, 4, 5, 6].map(load));
  await pool.end();
  return { counts, total: pool.totalCount };
}

report(async (connectionString) => {
  const clients = [new Client({ connectionString }), new Client({ connectionString })];
  for (const client of clients) await client.connect();
  const [client, other] = clients;
  await client.query('create table people (id int, name text)');
  const observed = {
    into: await into(client),
    outOf: await outOf(client),
    slowly: await slowly(client),
    between: await between(client, other),
    errors: await errors(client),
    pooled: await pooled(connectionString),
  };
  for (const each of clients) await each.end();
  return observed;
});
