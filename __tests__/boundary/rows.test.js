'use strict';
// Cells of the ring as the engine writes them, without an engine.

const { Reader, Shape } = require('../../lib/rows.js');
const { converterFor } = require('../../lib/values.js');
const { load, openPool, rejection } = require('../support/pools.js');

const JSON_TYPE = 114;

/** One text column; each cell is a segment of its own. */
function texts(...cells) {
  const reader = new Reader();
  reader.ints = Int32Array.from(cells.flatMap((cell) => [0, cell?.length ?? 2 ** 30]));
  reader.texts = cells;
  return reader;
}

test.each(['object', 'array'])(
  'a text that no string can hold names its column (%s)',
  (rowMode) => {
    const shape = new Shape([{ name: 'body', wire: 't' }], [{ read: 'text', convert: null }]);
    const reader = texts('before', null, 'behind', 'next');
    const rows = [];
    expect(() => shape.read(reader, 3, rows, rowMode)).toThrow(
      expect.objectContaining({
        code: 'ERR_POLYPOOL_DECODE',
        message: 'column "body" holds a text that is too long for a string of JavaScript',
      }),
    );
    shape.read(reader, 1, rows, rowMode);
    expect(Object.values(rows.at(-1))).toEqual(['next']);
  },
);

test.each(['object', 'array'])('JSON that does not parse names its column (%s)', (rowMode) => {
  const column = { name: 'payload', dataTypeId: JSON_TYPE, wire: 't' };
  const shape = new Shape([column], [converterFor(column, { types: { int8: 'number' } })]);
  const reader = texts('{"a":1}', 'nope', '[2]', '[3]');
  const rows = [];
  let error;
  try {
    shape.read(reader, 3, rows, rowMode);
  } catch (thrown) {
    error = thrown;
  }
  expect(error).toMatchObject({ name: 'PoolError', code: 'ERR_POLYPOOL_DECODE' });
  expect(error.message).toBe('column "payload" holds malformed text for JSON');
  expect(error.cause).toBeInstanceOf(SyntaxError);
  // What follows is read as if nothing had been.
  shape.read(reader, 1, rows, rowMode);
  expect(Object.values(rows.at(-1))).toEqual([[3]]);
});

test('more shapes and texts at once than either side remembers', async () => {
  const pool = await openPool({ max: 4 });
  const ask = (count) =>
    Promise.all(Array.from({ length: count }, (_, i) => pool.query(`select ${i} as c${i}`)));
  for (const count of [5000, 2000, 2000, 2001]) {
    const results = await ask(count);
    results.forEach(({ rows, fields }, i) => {
      expect(rows).toEqual([{ [`c${i}`]: i }]);
      expect(fields[0].name).toBe(`c${i}`);
    });
  }
});

test('a result whose shape was forgotten while the statement went on is whole', async () => {
  const pool = await openPool({ max: 4 });
  const holder = await pool.acquire();
  await holder.query('select pg_advisory_lock(60321)');
  // So wide a description fills the server's buffer: the first result is sent before the wait.
  const wide = Array.from({ length: 600 }, (_, i) => `${i} as filler_${i}`);
  const text = `select 1 as early; select pg_advisory_lock(60321)::text as locked, ${wide}`;
  const slow = pool.query(text);
  // Beyond what a link remembers, so that all of it is forgotten once.
  const others = Array.from({ length: 2500 }, (_, i) => pool.query(`select ${i} as other${i}`));
  await Promise.all(others);
  await holder.query('select pg_advisory_unlock(60321)');
  const results = await slow;
  expect(results.map(({ fields }) => fields[0].name)).toEqual(['early', 'locked']);
  expect(results[0].rows).toEqual([{ early: 1 }]);
  await holder.release();
});

test('a malformed submission ends the link: all is rejected, nothing hangs or throws', async () => {
  const { createPool, PoolError } = load();
  const { link } = require('../../lib/ring.js');
  const { url } = require('../support/urls.js');
  const pool = await createPool(url(), { max: 2 });
  const [held, busy] = [await pool.acquire(), await pool.acquire()];
  const waiting = [pool.query('select 1'), pool.acquire(), busy.query('select pg_sleep(60)')];
  const returned = busy.release();
  link().record(99);
  for (const promise of waiting) {
    const error = await rejection(promise);
    expect(error).toBeInstanceOf(PoolError);
    expect(error.code).toBe('ERR_POLYPOOL_PROTOCOL');
  }
  await returned;
  const broken = { code: 'ERR_POLYPOOL_PROTOCOL' };
  expect(await rejection(pool.query('select 1'))).toMatchObject(broken);
  expect(await rejection(pool.acquire())).toMatchObject(broken);
  expect(await rejection(held.stream('select 1').toArray())).toMatchObject(broken);
  await held.release();
  await pool.close();
  expect((await (await openPool({ max: 1 })).query('select 1 as a')).rows).toEqual([{ a: 1 }]);
});
