'use strict';
// Programs written for the replaced packages, run with polypool/register and otherwise as they are.

const fs = require('node:fs');
const path = require('node:path');
const { installed, linesOf, root, runIn } = require('../support/project.js');

const REQUIRE = ['-r', 'polypool/register'];
const IMPORT = ['--import', 'polypool/register'];
const FLAGS = [
  ['-r', REQUIRE],
  ['--import', IMPORT],
];

/** How a program finds out whether what it has is the drop-in. */
const SAME = `
const isDropIn = (given) => given.createPool === require('polypool/generic-pool').createPool;
const print = (...values) => console.log(JSON.stringify(values));`;
const CREATE_REQUIRE = `
import { createRequire } from 'node:module';
const require = createRequire(import.meta.url);${SAME}`;

/** Another copy of what polypool/register needs, of which the drop-ins are no part. */
function copyOfRegister(folder) {
  const own = ['redirect.js', 'table.js', 'index.js', 'loader.mjs'].map((f) => `lib/register/${f}`);
  return Object.fromEntries(
    ['package.json', 'lib/errors.js', ...own].map((file) => [
      `${folder}/${file}`,
      fs.readFileSync(path.join(root, file), 'utf8'),
    ]),
  );
}

const WORK = `
const factory = { create: async () => ({ id: 1 }), destroy: async () => {} };
const pool = createPool(factory, { max: 1, maxWaitingClients: 0 });
pool.use(async ({ id }) => {
  const error = await pool.acquire().catch((error) => error);
  return [id, error.message];
}).then((result) => console.log(JSON.stringify(result)));`;

describe.each(FLAGS)('%s', (_, flags) => {
  test('a CommonJS program does its work', async () => {
    const program = `const { createPool } = require('generic-pool');${WORK}`;
    expect(await linesOf({ 'app.js': program }, [...flags, 'app.js'])).toEqual([
      [1, 'max waitingClients count exceeded'],
    ]);
  });

  test('an ES module does its work, by named imports', async () => {
    const program = `import { createPool } from 'generic-pool';${WORK}`;
    expect(await linesOf({ 'app.mjs': program }, [...flags, 'app.mjs'])).toEqual([
      [1, 'max waitingClients count exceeded'],
    ]);
  });

  test('CommonJS, import() in it, and require.resolve agree', async () => {
    const program = `${SAME}
      const resolved = require.resolve('generic-pool');
      print(resolved === require.resolve('polypool/generic-pool'));
      print(require.resolve('generic-pool', { paths: ['/'] }) === resolved);
      import('generic-pool').then((ns) => print(
        isDropIn(require('generic-pool')), isDropIn(ns), ns.default === require('generic-pool')));`;
    expect(await linesOf({ 'app.js': program }, [...flags, 'app.js'])).toEqual([
      [true],
      [true],
      [true, true, true],
    ]);
  });

  test('imports of every kind, createRequire and CommonJS of the program agree', async () => {
    const program = `
      import pool, { Pool, createPool } from 'generic-pool';
      import * as ns from 'generic-pool';
      import AsyncPool from 'async-pool';
      import wrapped from './wrapped.cjs';
      ${CREATE_REQUIRE}
      print(isDropIn(pool), isDropIn({ createPool }), isDropIn(ns), Pool === pool.Pool);
      print(wrapped === pool, require('generic-pool') === pool);
      print(AsyncPool === require('polypool/async-pool'), AsyncPool === require('async-pool'));`;
    const files = {
      'app.mjs': program,
      'wrapped.cjs': "module.exports = require('generic-pool');",
    };
    expect(await linesOf(files, [...flags, 'app.mjs'])).toEqual([
      [true, true, true, true],
      [true, true],
      [true, true],
    ]);
  });

  test('dependencies of the program get the drop-in too', async () => {
    const files = {
      ...installed('one', { 'index.js': "exports.pool = require('generic-pool');" }),
      ...installed('two', {
        'package.json': '{ "name": "two", "exports": "./index.mjs" }',
        'index.mjs': "export { createPool } from 'generic-pool';",
      }),
      'app.mjs': `import { pool } from 'one'; import * as two from 'two'; ${CREATE_REQUIRE}
        print(isDropIn(pool), isDropIn(two));`,
    };
    expect(await linesOf(files, [...flags, 'app.mjs'])).toEqual([[true, true]]);
  });

  test('a subpath of the table is the drop-in, with and without its ending', async () => {
    const program = `
      import { TimeoutError } from 'generic-pool/lib/errors.js'; ${CREATE_REQUIRE}
      const { createPool } = require('generic-pool');
      const factory = { create: () => new Promise(() => {}), destroy() {} };
      const pool = createPool(factory, { acquireTimeoutMillis: 10 });
      const error = await pool.acquire().catch((error) => error);
      print(error instanceof TimeoutError);
      print(require('generic-pool/lib/errors').TimeoutError === TimeoutError);
      print(require('generic-pool/lib/errors.js').TimeoutError === TimeoutError);`;
    expect(await linesOf({ 'app.mjs': program }, [...flags, 'app.mjs'])).toEqual([
      [true],
      [true],
      [true],
    ]);
  });

  test('pg by all its names: CommonJS, named imports, subpaths, pg-pool', async () => {
    const subpaths = ['client', 'connection', 'connection-parameters', 'defaults', 'query'];
    subpaths.push('result', 'type-overrides', 'utils');
    const program = `
      import pg, { Client, Pool, Query, DatabaseError, types, defaults } from 'pg';
      import * as ns from 'pg';
      import StandalonePool from 'pg-pool';
      ${CREATE_REQUIRE}
      const own = require('polypool/pg');
      print(pg === own, require('pg') === own, ns.default === own, Client === own.Client);
      print(Pool === own.Pool, Query === own.Query, DatabaseError === own.DatabaseError);
      print(types === own.types, defaults === own.defaults);
      print(StandalonePool === require('polypool/pg-pool'), require('pg-pool') === StandalonePool);
      for (const name of ${JSON.stringify(subpaths)}) {
        const dropIn = require('polypool/pg/lib/' + name);
        const imported = await import('pg/lib/' + name + '.js');
        const all = [require('pg/lib/' + name), require('pg/lib/' + name + '.js'), imported.default];
        print(all.every((given) => given === dropIn));
      }
      print(require('pg/lib/result') === own.Result, require('pg/lib/utils') === own.utils);`;
    const lines = await linesOf({ 'app.mjs': program }, [...flags, 'app.mjs']);
    expect(lines.flat()).toEqual(Array(lines.flat().length).fill(true));
    expect(lines).toHaveLength(5 + subpaths.length);
  });

  test('mysql2 and its promises: CommonJS and named imports', async () => {
    const program = `
      import mysql, { createPool, Pool } from 'mysql2';
      import * as promises from 'mysql2/promise';
      import promise, { createConnection } from 'mysql2/promise.js';
      ${CREATE_REQUIRE}
      const own = require('polypool/mysql2');
      const ownPromises = require('polypool/mysql2/promise');
      print(mysql === own, require('mysql2') === own, createPool === own.createPool);
      print(Pool === own.Pool, promise === ownPromises, promises.default === ownPromises);
      print(require('mysql2/promise') === promise, createConnection === own.createConnectionPromise);`;
    const lines = await linesOf({ 'app.mjs': program }, [...flags, 'app.mjs']);
    expect(lines.flat()).toEqual(Array(8).fill(true));
  });

  test('a copy of pg in the folder of a dependency is replaced too', async () => {
    const files = {
      ...installed('pg'),
      ...installed('promises', {
        'index.js': "exports.all = [require('pg'), require('pg/lib/utils')];",
        'node_modules/pg/package.json': '{ "name": "pg", "main": "lib" }',
        'node_modules/pg/lib/index.js': "exports.own = require('pg');",
        'node_modules/pg/lib/utils.js': '',
        'node_modules/pg/lib/other.js': "exports.own = require('pg');",
        'other.js': "exports.other = require('pg/lib/other');",
      }),
      'app.mjs': `import { all } from 'promises'; ${CREATE_REQUIRE}
        const own = require('polypool/pg');
        print(all[0] === own, all[1] === own.utils);
        // What is not replaced stays with the copy, and so does what that asks for.
        print(require('promises/other').other.own === own);`,
    };
    expect(await linesOf(files, [...flags, 'app.mjs'])).toEqual([[true, true], [false]]);
  });

  test('worker threads inherit it; with execArgv of their own they do not', async () => {
    const files = {
      'app.js': `const { Worker } = require('node:worker_threads');
        for (const options of [{}, { execArgv: [] }]) new Worker('./worker.mjs', options);`,
      'worker.mjs': `${CREATE_REQUIRE}
        const load = (load) => Promise.resolve().then(load).then(isDropIn, ({ code }) => code);
        print(await load(() => import('generic-pool')), await load(() => require('generic-pool')));`,
    };
    const lines = await linesOf(files, [...flags, 'app.js']);
    expect(lines.sort()).toEqual([
      ['ERR_MODULE_NOT_FOUND', 'MODULE_NOT_FOUND'],
      [true, true],
    ]);
  });

  test('forked processes inherit it', async () => {
    const files = {
      'app.js': "require('node:child_process').fork('./child.js');",
      'child.js': `${SAME} print(isDropIn(require('generic-pool')));`,
    };
    expect(await linesOf(files, [...flags, 'app.js'])).toEqual([[true]]);
  });

  test('programs of the command line', async () => {
    const program = `${SAME} print(isDropIn(require('generic-pool')));`;
    expect(await linesOf({}, [...flags, '-e', program])).toEqual([[true]]);
    const module = `import * as pool from 'generic-pool'; import own from 'polypool/generic-pool';
      console.log(pool.createPool === own.createPool);`;
    expect(await linesOf({}, [...flags, '--input-type=module', '-e', module])).toEqual([true]);
  });

  test('node --test', async () => {
    const body = `test('is the drop-in', () => assert(isDropIn(pool)));`;
    const files = {
      'a.test.cjs': `const test = require('node:test'); const assert = require('node:assert');
        const pool = require('generic-pool'); ${SAME} ${body}`,
      'b.test.mjs': `import test from 'node:test'; import assert from 'node:assert';
        import * as pool from 'generic-pool'; ${CREATE_REQUIRE} ${body}`,
    };
    const args = [...flags, '--test', '--test-reporter=tap', ...Object.keys(files)];
    const { code, stdout } = await runIn(files, args);
    expect([code, /^# pass (\d+)$/m.exec(stdout)?.[1]]).toEqual([0, '2']);
  });
});

test('NODE_OPTIONS reaches threads with execArgv and processes that are spawned', async () => {
  const files = {
    'app.js': `new (require('node:worker_threads').Worker)('./child.js', { execArgv: [] });
      require('node:child_process').spawn(process.execPath, ['child.js'], { stdio: 'inherit' });`,
    'child.js': `${SAME} print(isDropIn(require('generic-pool')));`,
  };
  for (const flags of [REQUIRE, IMPORT]) {
    const env = { NODE_OPTIONS: flags.join(' ') };
    expect(await linesOf(files, ['app.js'], { env })).toEqual([[true], [true]]);
  }
});

test('required by the program, it serves what is loaded later', async () => {
  const program = `require('polypool/register'); ${SAME}
    import('generic-pool').then((ns) => print(isDropIn(require('generic-pool')), isDropIn(ns)));`;
  expect(await linesOf({ 'app.js': program }, ['app.js'])).toEqual([[true, true]]);
});

test('both flags at once', async () => {
  const program = `import * as ns from 'generic-pool'; ${CREATE_REQUIRE}
    print(isDropIn(ns), isDropIn(require('generic-pool')));`;
  const args = [...REQUIRE, ...IMPORT, 'app.mjs'];
  expect(await linesOf({ 'app.mjs': program }, args)).toEqual([[true, true]]);
});

test('a second copy of polypool leaves it to the first', async () => {
  const files = {
    ...copyOfRegister('node_modules/other/node_modules/polypool'),
    'app.mjs': `import * as ns from 'generic-pool'; ${CREATE_REQUIRE}
      print(isDropIn(ns), isDropIn(require('generic-pool')));`,
  };
  const second = ['-r', './node_modules/other/node_modules/polypool/lib/register/index.js'];
  expect(await linesOf(files, [...REQUIRE, ...second, 'app.mjs'])).toEqual([[true, true]]);
});
