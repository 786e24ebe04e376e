'use strict';

const { Client, Pool } = require('pg');
const Cursor = require('pg-cursor');
const { refusal, report } = require('../report.js');

const NUMBERS = "select n, 'row ' || n as text from generate_series(1, $1::int) n";

async function reading(client) {
  const cursor = client.query(new Cursor(NUMBERS, [10]));
  const pages = [];
  for (let rows; (rows = await cursor.read(4)).length > 0;) pages.push(rows.map(({ n }) => n));
  const atEnd = await cursor.read(4);
  await cursor.close();
  return { pages, atEnd, row: await client.query('select 1 as one').then(({ rows }) => rows) };
}

/** By callback, with the Result that holds what was read. */
async function callbacks(client) {
  const cursor = client.query(new Cursor(NUMBERS, [3]));
  const [rows, result] = await new Promise((resolve, reject) => {
    cursor.read(2, (error, ...given) => (error ? reject(error) : resolve(given)));
  });
  const fields = result.fields.map(({ name, dataTypeID, format }) => [name, dataTypeID, format]);
  const rest = await new Promise((resolve, reject) => {
    cursor.read(10, (error, ...given) => (error ? reject(error) : resolve(given)));
  });
  await new Promise((resolve) => cursor.close(resolve));
  return { rows, fields, rest: rest[0], command: [rest[1].command, rest[1].rowCount] };
}

async function options(client) {
  const types = { getTypeParser: (oid) => (value) => `${oid}: ${value}` };
  const observed = [];
  for (const config of [{ rowMode: 'array' }, { types }]) {
    const cursor = client.query(new Cursor('select 1::int8 as a, 2 as a', [], config));
    observed.push(await cursor.read(1));
    await cursor.close();
  }
  return observed;
}

/** A cursor that is left early, one without rows, and queries in the queue behind them. */
async function queue(client) {
  const order = [];
  const early = client.query(new Cursor(NUMBERS, [1000]));
  const behind = client.query('select 2 as two').then(({ rows }) => order.push(rows));
  order.push((await early.read(1)).length);
  early.on('end', () => order.push('end'));
  await early.close();
  await behind;
  const nothing = client.query(new Cursor('create table notes (id int)'));
  order.push(await nothing.read(1));
  await nothing.close();
  const empty = client.query(new Cursor(''));
  order.push(await empty.read(1));
  await empty.close();
  return order;
}

async function errors(client) {
  const syntax = client.query(new Cursor('selec 1'));
  const first = await refusal(syntax.read(1));
  const again = await refusal(syntax.read(1));
  const later = client.query(new Cursor('select 1 / (3 - n) as x from generate_series(1, 9) n'));
  const rows = await later.read(1);
  const second = await refusal(later.read(5));
  const told = [];
  const bind = client.query(new Cursor('select $1::int', ['x']));
  bind.on('error', ({ code }) => told.push(code));
  await refusal(bind.read(1));
  const { rows: after } = await client.query('select 1 as one');
  return { first, again, rows, second, told, after };
}

async function pooled(connectionString) {
  const pool = new Pool({ connectionString, max: 3 });
  const read = async (n) => {
    const client = await pool.connect();
    const cursor = client.query(new Cursor(NUMBERS, [n]));
    let count = 0;
    for (let rows; (rows = await cursor.read(10)).length > 0;) count += rows.length;
    await cursor.close();
    client.release();
    return count;
  };
  const counts = await Promise.all(Array.from({ length: 12 }, (_, n) => read(n * 9)));
  const total = pool.totalCount;
  await pool.end();
  return { counts, total };
}

report(async (connectionString) => {
  const client = new Client({ connectionString });
  await client.connect();
  const observed = {
    reading: await reading(client),
    callbacks: await callbacks(client),
    options: await options(client),
    queue: await queue(client),
    errors: await errors(client),
    pooled: await pooled(connectionString),
  };
  await client.query('begin');
  const cursor = client.query(new Cursor(NUMBERS, [5]));
  const inTransaction = (await cursor.read(5)).length;
  await cursor.close();
  await client.query('commit');
  await client.end();
  return { ...observed, inTransaction };
});
