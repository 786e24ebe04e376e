'use strict';
// What helps to find a fault: stacks that show who asked, and what console.log prints.

const { inspect } = require('node:util');
const { load, lazyPool, openConnection, openPool, rejection } = require('../support/pools.js');
const { url } = require('../support/urls.js');

/** Nothing listens there. */
const NOWHERE = { port: 1 };

async function read(stream) {
  const rows = [];
  for await (const row of stream) rows.push(row);
  return rows;
}

describe('the stack of a failure shows its caller', () => {
  const late = 'select 1 / (2000 - i) from generate_series(1, 3000) i';
  test.each([
    ['query', (pool) => pool.query('select 1 / 0')],
    ['query with a wrong value', (pool) => pool.query('select $1', [undefined])],
    ['sql', (pool) => pool.sql`select 1 / 0`],
    ['sql with a wrong value', (pool) => pool.sql`select ${undefined}`],
    ['sql beside others', (pool) => Promise.all([pool.sql`select 1`, pool.sql`select 1 / 0`])],
    ['sql of a connection', (pool) => pool.use((connection) => connection.sql`select 1 / 0`)],
    ['sql of a transaction', (pool) => pool.transaction((tx) => tx.sql`select 1 / 0`)],
    ['stream', (pool) => read(pool.stream('select 1 / 0'))],
    ['stream after many rows', (pool) => read(pool.stream(late))],
    ['stream with a wrong value', (pool) => read(pool.stream('select $1', [undefined]))],
    ['toArray of a stream', (pool) => pool.stream(late).toArray()],
    ['copyTo', (pool) => read(pool.copyTo('copy (select 1 / 0) to stdout'))],
    ['copyTo after much data', (pool) => read(pool.copyTo(`copy (${late}) to stdout`))],
    ['acquire', () => lazyPool({ acquireTimeoutMs: 20 }, NOWHERE).acquire()],
    ['createPool', () => load().createPool(url(NOWHERE))],
    ['createPool, wrong password', () => load().createPool(url({ password: 'wrong' }))],
    ['createPool, wrong option', () => load().createPool(url(), { max: 'x' })],
    ['connect', () => load().connect(url(NOWHERE))],
    ['connect, wrong option', () => load().connect(url(), { max: 2 })],
  ])('%s', async (name, ask) => {
    const pool = await openPool({ max: 2 });
    async function theCaller() {
      await ask(pool);
    }
    const { message, stack } = await rejection(theCaller());
    expect(stack).toMatch('theCaller');
    expect(stack).toContain(message);
    expect(stack).not.toMatch(/at .*(readFail|drain)/);
  });
});

test.each([
  ['a Map', new Map()],
  ['a list with undefined', [undefined]],
  ['what is no JSON', { a: 1n }],
])('our own frames leave room for those of who sends %s', async (_what, value) => {
  const pool = await openPool({ max: 1 });
  const { stackTraceLimit } = Error;
  // As it is outside of Jest.
  Error.stackTraceLimit = 10;
  try {
    const { stack } = await rejection((async () => pool.query('select $1', [value]))());
    expect(stack).toMatch('diagnosis.test.js');
  } finally {
    Error.stackTraceLimit = stackTraceLimit;
  }
});

test('an error that the reader of a stream brings keeps its own stack', async () => {
  const pool = await openPool({ max: 1 });
  const stream = pool.stream('select i from generate_series(1, 5000) i');
  const mine = new Error('mine');
  const { stack } = mine;
  const destroyed = rejection(read(stream));
  stream.destroy(mine);
  expect(await destroyed).toBe(mine);
  expect(mine.stack).toBe(stack);
});

test('an error that a value of a template throws keeps its own stack', async () => {
  const pool = await openPool({ max: 1 });
  const mine = new Error('mine');
  const { stack } = mine;
  const value = {
    toJSON() {
      throw mine;
    },
  };
  const error = await rejection(pool.sql`select ${value}`);
  expect([error, error.cause]).toContain(mine);
  expect(mine.stack).toBe(stack);
});

describe('inspect', () => {
  test('a connection shows what identifies it', async () => {
    const pool = await openPool({ max: 1 });
    const connection = await pool.acquire();
    const { id, processId } = connection;
    expect(inspect(connection)).toBe(
      `Connection { id: ${id}, processId: ${processId}, released: false }`,
    );
    await connection.release();
    expect(inspect(connection)).toContain('released: true');
    expect(inspect({ a: { b: connection } }, { depth: 1 })).toContain('[Connection]');
  });

  test('a connection of its own too', async () => {
    const connection = await openConnection();
    expect(inspect(connection)).toMatch(
      /^UnpooledConnection \{ id: 1, processId: \d+, closed: false \}$/,
    );
    await connection.close();
    expect(inspect(connection)).toContain('closed: true');
  });

  test('a pool shows its name and its load, before and after its end', async () => {
    class Mine extends load().Pool {}
    const pool = new Mine(url(), { max: 3, name: 'orders' });
    const connection = await pool.acquire();
    expect(inspect(pool, { breakLength: Infinity })).toBe(
      "Mine { name: 'orders', closed: false, max: 3, total: 1, idle: 0, inUse: 1, connecting: 0, waiting: 0 }",
    );
    await connection.release();
    await pool.close();
    expect(inspect(pool)).toMatch(/closed: true.*total: 0/s);
  });
});
