'use strict';
// Everything one connection can be asked for, in random order: each answer goes to who asked.

const { once } = require('node:events');
const { Readable } = require('node:stream');
const { pipeline } = require('node:stream/promises');
const { generator, seed } = require('../../support/random.js');
const { rejection } = require('../../support/pools.js');
const { called, connect, value } = require('./clients.js');
const { IMPLEMENTATIONS } = require('./implementations.js');

const series = (n) => Array.from({ length: n }, (_, i) => i + 1);

/** Each asks for something that has to do with n, and resolves to what it should be. */
const KINDS = {
  simple: async (client, n) => (await client.query(`select ${n} as n`)).rows[0].n,
  values: async (client, n) => (await client.query('select $1::int as n', [n])).rows[0].n,
  callback: async (client, n) => {
    const [, { rows }] = await called((done) => client.query('select $1::int as n', [n], done));
    return rows[0].n;
  },
  named: async (client, n) => {
    const query = { name: `n${n % 3}`, text: `select $1::int + ${n % 3} - ${n % 3} as n` };
    return (await client.query({ ...query, values: [n] })).rows[0].n;
  },
  array: async (client, n) => {
    const { rows } = await client.query({ text: `select ${n}, ${n}`, rowMode: 'array' });
    return rows[0][1];
  },
  binary: async (client, n) => {
    const query = { text: 'select $1::text as n', values: [n], binary: true };
    return Number((await client.query(query)).rows[0].n);
  },
  paged: async (client, n) => {
    const query = { text: 'select generate_series(1, $1::int) as n', values: [n], rows: 3 };
    return (await client.query(query)).rows.length;
  },
  several: async (client, n) => {
    const results = await client.query(`select 1; select ${n} as n; select 2`);
    return results[1].rows[0].n;
  },
  events: async (client, n, { Query }) => {
    const query = new Query({ text: 'select generate_series(1, $1::int) as n', values: [n] });
    let rows = 0;
    query.on('row', () => rows++);
    await once(client.query(query), 'end');
    return rows;
  },
  broken: async (client, n) => {
    const error = await rejection(client.query(`select broken${n}`));
    return Number(/broken(\d+)/.exec(error.message)[1]);
  },
  refused: async (client, n) => {
    const error = await rejection(client.query('select $1::int', [`x${n}`]));
    return Number(/x(\d+)/.exec(error.message)[1]);
  },
  unsendable: async (client, n) => {
    const toPostgres = () => {
      throw new Error(String(n));
    };
    return Number((await rejection(client.query('select $1', [{ toPostgres }]))).message);
  },
  textless: async (client, n) => {
    const { message } = await rejection(client.query({ values: [n] }));
    return message.startsWith('A query must have') ? n : message;
  },
  empty: async (client, n) => ((await client.query('')).command === null ? n : 'not empty'),
  cursor: async (client, n) => {
    const Cursor = require('pg-cursor');
    const cursor = client.query(new Cursor('select generate_series(1, $1::int) as n', [n]));
    let read = 0;
    for (let rows = await cursor.read(4); rows.length > 0; rows = await cursor.read(4)) {
      read += rows.length;
    }
    await cursor.close();
    return read;
  },
  abandoned: async (client, n) => {
    const Cursor = require('pg-cursor');
    const cursor = client.query(new Cursor('select generate_series($1::int, 100000) as n', [n]));
    const [row] = await cursor.read(1);
    await cursor.close();
    return row.n;
  },
  stream: async (client, n) => {
    const QueryStream = require('pg-query-stream');
    const text = 'select generate_series(1, $1::int) as n';
    return (await client.query(new QueryStream(text, [n])).toArray()).length;
  },
  copyTo: async (client, n) => {
    const { to } = require('pg-copy-streams');
    const stream = client.query(to(`copy (select generate_series(1, ${n})) to stdout`));
    return String(Buffer.concat(await stream.toArray())).split('\n').length - 1;
  },
  copyFrom: async (client, n) => {
    const { from } = require('pg-copy-streams');
    const stream = client.query(from('copy copied from stdin'));
    await pipeline(Readable.from(series(n).map((i) => `${i}\n`)), stream);
    return stream.rowCount;
  },
  copyNowhere: async (client, n) => {
    const { code } = await rejection(client.query('copy copied from stdin'));
    return code === '57014' ? n : code;
  },
};

const NAMES = Object.keys(KINDS);

describe.each(IMPLEMENTATIONS)('%s', (_name, load) => {
  async function open() {
    const client = await connect(load());
    await client.query('create temp table copied (n int)');
    return client;
  }

  const pick = (next) => NAMES[Math.floor(next() * NAMES.length)];
  const count = (next) => 1 + Math.floor(next() * 30);

  test.each([[1], [2], [3], [4], [seed]])('all asked at once, seed %d', async (each) => {
    const client = await open();
    const next = generator(each);
    const asked = Array.from({ length: 60 }, () => [pick(next), count(next)]);
    const answers = await Promise.all(asked.map(([kind, n]) => KINDS[kind](client, n, load())));
    expect(asked.map(([kind], i) => [kind, answers[i]])).toEqual(asked);
    expect(await value(client, 'select 1')).toBe(1);
  });

  test.each([[11], [12], [seed]])('one after the other, seed %d', async (each) => {
    const client = await open();
    const next = generator(each);
    for (let i = 0; i < 60; i++) {
      const [kind, n] = [pick(next), count(next)];
      expect([kind, await KINDS[kind](client, n, load())]).toEqual([kind, n]);
    }
  });

  test.each(NAMES)('%s before and after each of the others', async (kind) => {
    const client = await open();
    for (const other of NAMES) {
      const pair = [KINDS[kind](client, 5, load()), KINDS[other](client, 7, load())];
      expect([other, ...(await Promise.all(pair))]).toEqual([other, 5, 7]);
    }
  });
});
