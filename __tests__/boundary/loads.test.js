'use strict';
// lib/ may be loaded more than once over the one native module: by resetModules, by a second copy
// of the package, by another realm.

const vm = require('node:vm');
const { openPool, rejection, track } = require('../support/pools.js');
const { runProgram, printed } = require('../support/child.js');
const { url } = require('../support/urls.js');

function loadAnew() {
  let copy;
  jest.isolateModules(() => {
    copy = require('../../index.js');
  });
  return copy;
}

test('copies of lib/ serve their own pools and do not mix up answers', async () => {
  const copies = Array.from({ length: 5 }, loadAnew);
  expect(new Set(copies.map(({ Pool }) => Pool)).size).toBe(5);
  const pools = await Promise.all(
    copies.map(async ({ createPool }) => track(await createPool(url(), { max: 2 }))),
  );
  const answers = await Promise.all(
    pools.flatMap((pool, p) =>
      Array.from({ length: 300 }, async (_, i) => {
        const { rows } = await pool.query('select $1::text as who', [`${p}/${i}`]);
        return [rows[0].who, `${p}/${i}`];
      }),
    ),
  );
  for (const [got, expected] of answers) expect(got).toBe(expected);
});

test('each copy makes errors of its own classes', async () => {
  const [one, other] = [loadAnew(), loadAnew()];
  const pool = track(await one.createPool(url(), { max: 1 }));
  const error = await rejection(pool.query('select 1 / 0'));
  expect(error).toBeInstanceOf(one.DatabaseError);
  expect(error).not.toBeInstanceOf(other.DatabaseError);
});

test('values are made in the realm that asked', async () => {
  const pool = await openPool({ max: 1 });
  for (let run = 0; run < 3; run++) {
    const { rows } = await pool.query(
      "select now() as d, '{1}'::int[] as l, '{}'::jsonb as j, '\\x01'::bytea as b",
    );
    const [{ d, l, j, b }] = rows;
    expect(rows).toBeInstanceOf(Array);
    expect(d).toBeInstanceOf(Date);
    expect(l).toBeInstanceOf(Array);
    expect(Object.getPrototypeOf(j)).toBe(Object.prototype);
    expect(Buffer.isBuffer(b)).toBe(true);
  }
  expect(await rejection(pool.query('select 1 / 0'))).toBeInstanceOf(Error);
  const promise = pool.query('select 1');
  expect(promise).toBeInstanceOf(Promise);
  await promise;
});

test('parameters made in another realm are taken', async () => {
  const pool = await openPool({ max: 1 });
  const [date, list, bytes, object] = vm.runInNewContext(
    '[new Date(0), [1, 2], new Uint8Array([1, 2]), { a: [1] }]',
  );
  for (let run = 0; run < 3; run++) {
    const { rows } = await pool.query(
      'select $1::timestamptz as d, $2::int[] as l, $3::bytea as b, $4::jsonb as j',
      [date, list, bytes, object],
    );
    expect(rows).toEqual([{ d: new Date(0), l: [1, 2], b: Buffer.from([1, 2]), j: { a: [1] } }]);
  }
});

test('CommonJS and ES modules share one instance', async () => {
  const run = await runProgram(`import('./index.mjs').then((esm) => {
    const names = Object.keys(polypool);
    console.log(JSON.stringify(names.filter((name) => esm[name] !== polypool[name])));
    console.log(JSON.stringify(esm.default === polypool)); });`);
  expect(run).toMatchObject({ code: 0, stderr: '' });
  expect(printed(run)).toEqual([[], true]);
});

test('the package exports what index.d.ts declares', () => {
  const exported = Object.keys(loadAnew()).sort();
  const { readFileSync } = require('node:fs');
  const text = readFileSync(require.resolve('../../index.d.ts'), 'utf8');
  const declared = [...text.matchAll(/^export (?:function|const|class) (\w+)/gm)].map(
    ([, name]) => name,
  );
  expect(exported).toEqual([...new Set(declared)].sort());
});

test('a program with two copies of the package ends cleanly', async () => {
  const run = await runProgram(`
    const first = polypool;
    for (const name of Object.keys(require.cache)) if (!name.endsWith('.node')) delete require.cache[name];
    const second = require('./index.js');
    (async () => {
      const pools = [await first.createPool(url), await second.createPool(url)];
      const queries = Array.from({ length: 200 }, (_, i) => pools[i % 2].query('select $1::int as n', [i]));
      const results = await Promise.all(queries);
      console.log(JSON.stringify(first.Pool === second.Pool));
      console.log(JSON.stringify(results.every(({ rows }, i) => rows[0].n === i)));
    })();`);
  expect(run).toMatchObject({ code: 0, signal: null, stderr: '' });
  expect(printed(run)).toEqual([false, true]);
});

test('a copy of lib/ that is dropped with its pools hurts nobody', async () => {
  const run = await runProgram(
    `(async () => {
      for (let i = 0; i < 30; i++) {
        for (const name of Object.keys(require.cache)) if (!name.endsWith('.node')) delete require.cache[name];
        const copy = require('./index.js');
        const pool = await copy.createPool(url, { max: 1 });
        await pool.query('select 1');
        pool.query('select pg_sleep(0.001)');
        if (i % 3 === 0) gc();
      }
      gc();
      const pool = await createPool(url);
      console.log(JSON.stringify((await pool.query('select 1 as a')).rows));
    })();`,
    { flags: ['--expose-gc'] },
  );
  expect(run).toMatchObject({ code: 0, signal: null, stderr: '' });
  expect(printed(run)).toEqual([[{ a: 1 }]]);
});
