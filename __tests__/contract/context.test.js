'use strict';
// Whatever calls back runs in the async context of the request it belongs to.

const { AsyncLocalStorage, executionAsyncId } = require('node:async_hooks');
const { openPool, deferred, rejection } = require('../support/pools.js');

const storage = new AsyncLocalStorage();

test('awaits of concurrent requests keep their own context', async () => {
  const pool = await openPool({ max: 2 });
  const seen = await Promise.all(
    Array.from({ length: 200 }, (_, i) =>
      storage.run(i, async () => {
        const { rows } = await pool.query('select $1::int as n', [i]);
        const first = storage.getStore();
        const connection = await pool.acquire();
        const second = storage.getStore();
        await connection.release();
        return [rows[0].n, first, second, storage.getStore()];
      }),
    ),
  );
  expect(seen).toEqual(seen.map((_, i) => [i, i, i, i]));
});

test('then callbacks and rejections run in the context of their caller', async () => {
  const pool = await openPool({ max: 1 });
  const contexts = await Promise.all(
    ['a', 'b', 'c'].map((name) =>
      storage.run(name, () =>
        Promise.all([
          pool.query('select 1').then(() => storage.getStore()),
          pool.query('select 1 / 0').catch(() => storage.getStore()),
        ]),
      ),
    ),
  );
  expect(contexts).toEqual([
    ['a', 'a'],
    ['b', 'b'],
    ['c', 'c'],
  ]);
});

test('use and transaction callbacks run in the context of their caller', async () => {
  const pool = await openPool({ max: 1 });
  const contexts = await Promise.all(
    ['a', 'b', 'c', 'd'].map((name) =>
      storage.run(name, async () => [
        await pool.use(() => storage.getStore()),
        await pool.transaction(async (tx) => {
          const before = storage.getStore();
          await tx.query('select 1');
          return before + storage.getStore();
        }),
      ]),
    ),
  );
  expect(contexts).toEqual([
    ['a', 'aa'],
    ['b', 'bb'],
    ['c', 'cc'],
    ['d', 'dd'],
  ]);
});

test('streams keep the context of their reader, as listeners and as iterators', async () => {
  const pool = await openPool({ max: 2 });
  const text = 'select i from generate_series(1, 2500) i';
  const read = async () => {
    const contexts = new Set();
    for await (const row of pool.stream(text, [], { batchSize: 500 })) {
      contexts.add(row && storage.getStore());
    }
    return [...contexts];
  };
  const listen = () => {
    const { promise, resolve, reject } = deferred();
    const contexts = new Set();
    pool
      .stream(text, [], { batchSize: 500 })
      .on('data', () => contexts.add(storage.getStore()))
      .on('end', () => contexts.add(storage.getStore()))
      .on('close', () => resolve([...contexts]))
      .on('error', reject);
    return promise;
  };
  const seen = await Promise.all(
    ['a', 'b'].flatMap((name) => [storage.run(name, read), storage.run(name, listen)]),
  );
  expect(seen).toEqual([['a'], ['a'], ['b'], ['b']]);
});

test('abort and timeout errors arrive in the context of their caller', async () => {
  const pool = await openPool({ max: 1 });
  const controller = new AbortController();
  const { signal } = controller;
  const aborted = storage.run('aborted', async () => {
    await rejection(pool.query('select pg_sleep(60)', [], { signal }));
    return storage.getStore();
  });
  const late = storage.run('late', async () => {
    await rejection(pool.query('select pg_sleep(60)', [], { timeoutMs: 20 }));
    return storage.getStore();
  });
  expect(await late).toBe('late');
  storage.run('elsewhere', () => controller.abort());
  expect(await aborted).toBe('aborted');
});

test('events run in the context of the request that caused them', async () => {
  const pool = await openPool({ max: 1 });
  const seen = [];
  pool.on('acquire', () => seen.push(['acquire', storage.getStore()]));
  pool.on('release', () => seen.push(['release', storage.getStore()]));
  pool.on('notice', () => seen.push(['notice', storage.getStore()]));
  await storage.run('mine', () =>
    pool.use((connection) => connection.query("do $$ begin raise notice 'x'; end $$")),
  );
  expect(seen).toEqual([
    ['acquire', 'mine'],
    ['notice', 'mine'],
    ['release', 'mine'],
  ]);
});

test('events of requests that waited run in their contexts, not in that of a releaser', async () => {
  const pool = await openPool({ max: 1 });
  const seen = [];
  pool.on('acquire', () => seen.push(storage.getStore()));
  const held = await storage.run('first', () => pool.acquire());
  const waiting = ['a', 'b'].map((name) =>
    storage.run(name, async () => (await pool.acquire()).release()),
  );
  await storage.run('first', () => held.release());
  await Promise.all(waiting);
  expect(seen).toEqual(['first', 'a', 'b']);
});

test('notices of concurrent statements run in their own contexts', async () => {
  const pool = await openPool({ max: 2 });
  const seen = [];
  pool.on('notice', ({ message }) => seen.push([message, storage.getStore()]));
  const names = Array.from({ length: 40 }, (_, i) => `n${i}`);
  await Promise.all(
    names.map((name) =>
      storage.run(name, () => pool.query(`do $$ begin raise notice '${name}'; end $$`)),
    ),
  );
  expect(seen.sort()).toEqual(names.map((name) => [name, name]).sort());
});

test('callbacks of the options run in a context of their own', async () => {
  const seen = [];
  const pool = await storage.run('maker', () =>
    openPool({ max: 1, onConnect: () => void seen.push(storage.getStore()) }),
  );
  await pool.use((c) => c.release({ destroy: true }));
  await storage.run('someone', () => pool.query('select 1'));
  // Never that of whoever happens to be served: a connection outlives a request.
  expect(seen.filter((context) => context === 'someone')).toEqual([]);
});

test('callbacks have an async id of their own, so that hooks can follow them', async () => {
  const pool = await openPool({ max: 1 });
  const ids = await Promise.all([1, 2, 3].map(() => pool.query('select 1').then(executionAsyncId)));
  expect(new Set(ids).size).toBe(3);
  expect(ids).not.toContain(0);
});
