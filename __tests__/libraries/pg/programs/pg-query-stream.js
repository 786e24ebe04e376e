'use strict';

const { Transform, Writable } = require('node:stream');
const { pipeline } = require('node:stream/promises');
const { Client, Pool } = require('pg');
const QueryStream = require('pg-query-stream');
const { failure, refusal, report } = require('../report.js');

const NUMBERS = "select n, repeat('x', 100) as text from generate_series(1, $1::int) n";
const DIVISIONS = 'select 12 / (3 - n) as x from generate_series(1, 9) n';

const one = async (client) => (await client.query('select 1 as one')).rows;

async function iterated(client) {
  let sum = 0;
  for await (const { n } of client.query(new QueryStream(NUMBERS, [5000]))) sum += n;
  const seen = [];
  for await (const { n } of client.query(new QueryStream(NUMBERS, [5000], { batchSize: 7 }))) {
    seen.push(n);
    if (n === 20) break;
  }
  const rowMode = 'array';
  const arrays = [];
  for await (const row of client.query(new QueryStream('select 1 as a, 2 as a', [], { rowMode }))) {
    arrays.push(row);
  }
  return { sum, seen: seen.length, arrays, after: await one(client) };
}

/** No more is read than the slowest part of a pipeline takes. */
async function piped(client) {
  const stream = client.query(new QueryStream(NUMBERS, [2000], { highWaterMark: 10 }));
  let bytes = 0;
  let ahead = 0;
  const csv = new Transform({
    writableObjectMode: true,
    transform: ({ n, text }, _encoding, done) => done(null, `${n},${text}\n`),
  });
  const sink = new Writable({
    write(chunk, _encoding, done) {
      bytes += chunk.length;
      ahead = Math.max(ahead, stream.readableLength);
      setImmediate(done);
    },
  });
  await pipeline(stream, csv, sink);
  return { bytes, isBounded: ahead <= 20 };
}

async function destroyed(client) {
  const events = [];
  const stream = client.query(new QueryStream(NUMBERS, [5000]));
  stream.on('close', () => events.push('close')).on('end', () => events.push('end'));
  stream.once('data', () => stream.destroy(new Error('enough')));
  const error = await failure(new Promise((_, reject) => stream.on('error', reject)));
  const after = await one(client);
  return { message: error.message, after, events };
}

async function errors(client) {
  const drain = async (text, values) => {
    for await (const _ of client.query(new QueryStream(text, values)));
  };
  return {
    syntax: await refusal(drain('selec 1')),
    bind: await refusal(drain('select $1::int', ['x'])),
    inTheMiddle: await refusal(drain(DIVISIONS)),
    after: await one(client),
  };
}

async function pooled(connectionString) {
  const pool = new Pool({ connectionString, max: 3 });
  const sum = async (n) => {
    const client = await pool.connect();
    let total = 0;
    for await (const row of client.query(new QueryStream(NUMBERS, [n]))) total += row.n;
    client.release();
    return total;
  };
  const sums = await Promise.all([10, 20, 30, 40, 50, 60].map(sum));
  await pool.end();
  return { sums, total: pool.totalCount };
}

report(async (connectionString) => {
  const client = new Client({ connectionString });
  await client.connect();
  const observed = {
    iterated: await iterated(client),
    piped: await piped(client),
    destroyed: await destroyed(client),
    errors: await errors(client),
    pooled: await pooled(connectionString),
  };
  await client.end();
  return observed;
});
