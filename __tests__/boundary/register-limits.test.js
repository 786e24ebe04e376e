'use strict';
// What polypool/register leaves alone: packages not named, the real package's own files, polypool.

const fs = require('node:fs');
const path = require('node:path');
const { installed, linesOf, root, runIn } = require('../support/project.js');
const { choose, createRedirect, createResolve, routes } = require('../../lib/register/redirect.js');
const table = require('../../lib/register/table.js');

const FLAGS = [
  ['-r', ['-r', 'polypool/register']],
  ['--import', ['--import', 'polypool/register']],
];

/** Both packages are there, and the program says of each what it got, by require and by import. */
const BOTH = {
  ...installed('generic-pool'),
  ...installed('async-pool'),
  'app.mjs': `import { createRequire } from 'node:module';
    const require = createRequire(import.meta.url);
    for (const name of ['generic-pool', 'async-pool']) {
      const { default: imported } = await import(name);
      console.log(JSON.stringify([imported.isReal ?? false, require(name).isReal ?? false]));
    }`,
};
const REAL = [true, true];
const DROP_IN = [false, false];

describe.each(FLAGS)('%s', (_, flags) => {
  test.each([
    ['', [DROP_IN, DROP_IN]],
    ['async-pool', [REAL, DROP_IN]],
    ['generic-pool', [DROP_IN, REAL]],
    [' generic-pool, async-pool,', [DROP_IN, DROP_IN]],
  ])('POLYPOOL_REGISTER=%p', async (names, expected) => {
    const env = { POLYPOOL_REGISTER: names };
    expect(await linesOf(BOTH, [...flags, 'app.mjs'], { env })).toEqual(expected);
  });

  test('an unknown name in POLYPOOL_REGISTER ends the program with those that are known', async () => {
    const env = { POLYPOOL_REGISTER: 'generic-pool,generic,redis' };
    const { code, stdout, stderr } = await runIn(BOTH, [...flags, 'app.mjs'], { env });
    expect([code, stdout]).toEqual([1, '']);
    expect(stderr).toContain(
      "POLYPOOL_REGISTER names 'generic', 'redis': polypool replaces generic-pool, async-pool, pg, pg-pool, mysql2, ioredis",
    );
    expect(stderr).toContain("code: 'ERR_POLYPOOL_OPTION'");
  });

  test('POLYPOOL_REGISTER without pg leaves it and its subpaths', async () => {
    const files = {
      ...installed('pg', { 'lib/utils.js': 'exports.isReal = true;' }),
      ...installed('pg-pool'),
      'app.mjs': `import pg from 'pg'; import Pool from 'pg-pool';
        import utils from 'pg/lib/utils.js'; import { createRequire } from 'node:module';
        const require = createRequire(import.meta.url);
        const all = [pg, Pool, utils, require('pg'), require('pg-pool'), require('pg/lib/utils')];
        console.log(JSON.stringify(all.map(({ isReal }) => isReal ?? false)));`,
    };
    const run = (names) =>
      linesOf(files, [...flags, 'app.mjs'], { env: { POLYPOOL_REGISTER: names } });
    expect(await run('generic-pool')).toEqual([[true, true, true, true, true, true]]);
    expect(await run('pg')).toEqual([[false, true, false, false, true, false]]);
    expect(await run('pg-pool')).toEqual([[true, false, true, true, false, true]]);
    expect(await run('')).toEqual([Array(6).fill(false)]);
  });

  test('the real package stays with itself, also in folders that have only a type', async () => {
    const files = {
      ...installed('generic-pool', {
        'lib/own.js': "exports.pool = require('generic-pool');",
        'esm/package.json': '{ "type": "module" }',
        'esm/own.js': "export * from 'generic-pool';",
      }),
      'app.mjs': `import own from 'generic-pool/lib/own.js';
        import * as esm from 'generic-pool/esm/own.js';
        import * as pool from 'generic-pool';
        console.log(JSON.stringify([own.pool.isReal, esm.isReal, pool.isReal ?? false]));`,
    };
    expect(await linesOf(files, [...flags, 'app.mjs'])).toEqual([[true, true, false]]);
  });

  test('a checkout of the package that has exports stays with itself', async () => {
    const files = {
      'package.json': '{ "name": "generic-pool", "exports": "./index.js" }',
      'index.js': 'exports.isReal = true;',
      'test.mjs': `import * as own from 'generic-pool'; import { createRequire } from 'module';
        const { isReal } = createRequire(import.meta.url)('generic-pool');
        console.log(JSON.stringify([own.isReal, isReal]));`,
    };
    expect(await linesOf(files, [...flags, 'test.mjs'])).toEqual([[true, true]]);
  });

  test('an application may bear the name of a package that it uses', async () => {
    const files = {
      'package.json': '{ "name": "generic-pool" }',
      'app.js': "console.log(typeof require('generic-pool').createPool === 'function');",
    };
    expect(await linesOf(files, [...flags, 'app.js'])).toEqual([true]);
  });

  test('subpaths that are not in the table are the package', async () => {
    const files = {
      ...installed('generic-pool', { 'lib/other.js': 'exports.isReal = true;' }),
      'app.js': `console.log(JSON.stringify([require('generic-pool/lib/other').isReal,
        require('generic-pool/package').version]));`,
    };
    expect(await linesOf(files, [...flags, 'app.js'])).toEqual([[true, '1.2.3']]);
  });

  test('what is missing is missed in the words of Node', async () => {
    const program = `
      const code = ({ code, message }) => console.log(JSON.stringify([code, message.split('\\n')[0]]));
      try { require('generic-pool/lib/nothing'); } catch (error) { code(error); }
      try { require('no-such-package'); } catch (error) { code(error); }`;
    expect(await linesOf({ 'app.js': program }, [...flags, 'app.js'])).toEqual([
      ['MODULE_NOT_FOUND', "Cannot find module 'generic-pool/lib/nothing'"],
      ['MODULE_NOT_FOUND', "Cannot find module 'no-such-package'"],
    ]);
  });
});

test('polypool itself may ask for the real package', () => {
  const redirect = createRedirect(table, ['generic-pool']);
  expect(redirect('generic-pool', path.join(root, 'lib', 'compat', 'x', 'index.js'))).toBe(
    undefined,
  );
  expect(redirect('generic-pool', path.join(root, 'examples', 'x.js'))).toBe(
    'polypool/generic-pool',
  );
  expect(redirect('generic-pool', undefined)).toBe('polypool/generic-pool');
});

test('a line of the table has the package and its subpaths', () => {
  const line = { '.': 'polypool/mysql2', './promise.js': 'polypool/mysql2/promise' };
  const redirect = createRedirect({ mysql2: line, pg: { '.': 'polypool/pg' } }, ['mysql2']);
  const targets = ['mysql2', 'mysql2/promise', 'mysql2/promise.js', 'mysql2/lib/x', 'pg', 'fs'].map(
    (request) => redirect(request, path.join(root, 'app.js')),
  );
  expect(targets).toEqual([
    'polypool/mysql2',
    'polypool/mysql2/promise',
    'polypool/mysql2/promise',
    undefined,
    undefined,
    undefined,
  ]);
});

test('each target of the table is exported, and each drop-in is in the table', () => {
  const compat = path.join(root, 'lib', 'compat');
  const reached = routes(table, choose(table, '')).map(
    ({ target }) => path.relative(compat, require.resolve(target)).split(path.sep)[0],
  );
  expect([...new Set(reached)].sort()).toEqual(fs.readdirSync(compat).sort());
});

test('imports by modules that are no files are redirected', () => {
  const resolve = createResolve(createRedirect(table, ['generic-pool']));
  const next = (specifier, { parentURL }) => [specifier, parentURL];
  const conditions = ['node', 'import'];
  const [target, asker] = resolve('generic-pool', { conditions, parentURL: 'data:text/js,' }, next);
  expect(target).toBe('polypool/generic-pool');
  expect(asker).toMatch(/^file:.*\/lib\/register\//);
  expect(resolve('other', { conditions, parentURL: undefined }, next)).toEqual([
    'other',
    undefined,
  ]);
});

test('the hook of imports leaves require to its own, whatever holds the conditions', () => {
  const resolve = createResolve(createRedirect(table, ['generic-pool']));
  const next = (specifier) => specifier;
  for (const conditions of [['node', 'require'], new Set(['node', 'require'])]) {
    expect(resolve('generic-pool', { conditions }, next)).toBe('generic-pool');
  }
  expect(resolve('generic-pool', {}, next)).toBe('polypool/generic-pool');
});
