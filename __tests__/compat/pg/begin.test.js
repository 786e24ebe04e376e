'use strict';
// How a transaction begins, in every spelling, and what may follow.

const Cursor = require('pg-cursor');
const { rejection, unique } = require('../../support/pools.js');
const { connect, value } = require('./clients.js');
const { IMPLEMENTATIONS } = require('./implementations.js');

describe.each(IMPLEMENTATIONS)('%s', (_name, load) => {
  const open = (options) => connect(load(), options);

  async function table(client) {
    const name = unique('begin');
    await client.query(`create table ${name} (n int)`);
    return name;
  }

  const count = async (client, name) => Number(await value(client, `select count(*) from ${name}`));

  test.each([
    ['begin', 'BEGIN'],
    ['BEGIN;', 'BEGIN'],
    [' Begin Work ', 'BEGIN'],
    ['begin transaction', 'BEGIN'],
    ['start transaction', 'START'],
    ['START TRANSACTION;', 'START'],
    ['begin isolation level repeatable read', 'BEGIN'],
    ['begin isolation level serializable', 'BEGIN'],
    ['begin read only', 'BEGIN'],
  ])('%j has its result, and the client is in a transaction', async (text, command) => {
    const client = await open();
    const result = await client.query(text);
    expect(client.getTransactionStatus()).toBe('T');
    const { constructor, ...own } = result;
    expect(constructor).toBe(load().Result);
    expect({ ...own, _types: 0 }).toEqual({
      command,
      ...{ rowCount: null, oid: null, rows: [], fields: [] },
      ...{ _parsers: undefined, _types: 0, RowCtor: null, rowAsArray: false },
      _prebuiltEmptyResultObject: null,
    });
    const isolation = /isolation level (.*)$/.exec(text)?.[1] ?? 'read committed';
    expect(await value(client, 'show transaction_isolation')).toBe(isolation);
    await client.query('rollback');
    expect(client.getTransactionStatus()).toBe('I');
  });

  test.each(['select 1', 'select 1 / 0'])(
    'one that waits for %j is answered behind whoever hears of that',
    async (text) => {
      const client = await open();
      const told = [];
      const first = () => told.push('first');
      for (const asked of [
        (done) => client.query('begin').then(done),
        (done) => client.query('start transaction', () => done()),
      ]) {
        client.query(text).then(first, first);
        await new Promise((resolve) => {
          asked(() => resolve(told.push('begun')));
        });
        await client.query('rollback');
      }
      expect(told).toEqual(['first', 'begun', 'first', 'begun']);
    },
  );

  test.each([
    ['with values', { text: 'insert into $ values ($1)', values: [1] }],
    ['named', { name: 'put', text: 'insert into $ values ($1)', values: [1] }],
    ['without values', { text: 'insert into $ values (1)' }],
    ['several statements', { text: 'insert into $ values (1); select 1' }],
  ])('the next query %s is within: undone, or kept', async (_what, query) => {
    const client = await open();
    const name = await table(client);
    const put = { ...query, text: query.text.replace('$', name) };
    for (const [end, rows] of [
      ['rollback', 0],
      ['commit', 1],
    ]) {
      await client.query('begin');
      await client.query(put);
      expect(client.getTransactionStatus()).toBe('T');
      await client.query(end);
      expect(await count(client, name)).toBe(rows);
    }
  });

  test('a callback', async () => {
    const client = await open();
    const name = await table(client);
    await new Promise((resolve, reject) => {
      client.query('begin', (error, result) => {
        expect([error, result.command]).toEqual([null, 'BEGIN']);
        client.query(`insert into ${name} values (1)`, (failure) => {
          if (failure) reject(failure);
          else client.query('rollback', resolve);
        });
      });
    });
    expect(await count(client, name)).toBe(0);
  });

  test('the time of the transaction is that of BEGIN', async () => {
    const client = await open();
    await client.query('begin');
    await new Promise((resolve) => setTimeout(resolve, 30));
    const text = "select now() < clock_timestamp() - interval '20 ms'";
    expect(await value(client, text)).toBe(true);
  });

  test('an error in the first query: the transaction is failed, and ends', async () => {
    const client = await open();
    for (const query of [{ text: 'select 1 / $1::int', values: [0] }, { text: 'select 1 / 0' }]) {
      await client.query('begin');
      expect(await rejection(client.query(query))).toMatchObject({ code: '22012' });
      expect(await rejection(client.query('select 1'))).toMatchObject({ code: '25P02' });
      // pg rejects before it has read how the session stands: as of the query before, that is known.
      expect(client.getTransactionStatus()).toBe('E');
      expect((await client.query('commit')).command).toBe('ROLLBACK');
    }
  });

  test('a value that is refused: the transaction goes on', async () => {
    const client = await open();
    await client.query('begin');
    const values = [
      {
        toPostgres: () => {
          throw new Error('mine');
        },
      },
    ];
    expect((await rejection(client.query('select $1', values))).message).toBe('mine');
    expect(client.getTransactionStatus()).toBe('T');
    expect(await value(client, 'select $1::int', [1])).toBe(1);
    await client.query('commit');
  });

  test('nothing, a second BEGIN, savepoints', async () => {
    const client = await open();
    const notices = [];
    client.on('notice', ({ code }) => notices.push(code));
    await client.query('begin');
    expect((await client.query('commit')).command).toBe('COMMIT');
    await client.query('begin');
    expect((await client.query('begin')).command).toBe('BEGIN');
    expect(notices).toEqual(['25001']);
    await client.query('savepoint s');
    await client.query('rollback to s');
    await client.query('commit');
  });

  test('a cursor', async () => {
    const client = await open();
    for (let i = 0; i < 3; i++) {
      await client.query('begin');
      const cursor = client.query(new Cursor('select n from generate_series(1, 5) n'));
      expect(await cursor.read(2)).toEqual([{ n: 1 }, { n: 2 }]);
      await cursor.close();
      expect(client.getTransactionStatus()).toBe('T');
      await client.query('commit');
    }
  });

  test('a client of a pool, given back within', async () => {
    const { Pool } = load();
    const owner = await open();
    const name = await table(owner);
    const { host, port, user, password, database } = owner.connectionParameters;
    const pool = new Pool({ host, port, user, password, database, max: 1 });
    const client = await pool.connect();
    await client.query('begin');
    client.release();
    await pool.query(`insert into ${name} values (1)`);
    expect(await count(owner, name)).toBe(0);
    await pool.query('rollback');
    expect(await count(owner, name)).toBe(0);
    await pool.end();
  });
});
