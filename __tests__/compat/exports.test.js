'use strict';
// The subpaths of the package, from CommonJS and from an ES module, by name.

const { execFile } = require('node:child_process');
const path = require('node:path');
const { promisify } = require('node:util');

const root = path.join(__dirname, '..', '..');

async function run(program, type) {
  const flags = [`--input-type=${type}`, '-e', program];
  const { stdout } = await promisify(execFile)(process.execPath, flags, { cwd: root });
  return JSON.parse(stdout);
}

const NAMES = ['Pool', 'Deque', 'PriorityQueue', 'DefaultEvictor', 'createPool'];

test('polypool/generic-pool by import: names and default', async () => {
  const result = await run(
    `import * as all from 'polypool/generic-pool';
     import genericPool, { ${NAMES.join(', ')} } from 'polypool/generic-pool';
     const pool = createPool({ create: async () => 'it', destroy: async () => {} });
     const resource = await pool.acquire();
     await pool.release(resource);
     console.log(JSON.stringify({
       names: Object.keys(all).filter((name) => name in genericPool).sort(),
       same: genericPool.createPool === createPool && pool instanceof Pool,
       resource,
     }));`,
    'module',
  );
  expect(result).toEqual({ names: [...NAMES].sort(), same: true, resource: 'it' });
});

test('polypool/generic-pool by require', async () => {
  const result = await run(
    `console.log(JSON.stringify(Object.keys(require('polypool/generic-pool'))));`,
    'commonjs',
  );
  expect(result).toEqual(NAMES);
});

test('the class of its timeouts, where generic-pool has it', async () => {
  const result = await run(
    `const { createPool } = require('polypool/generic-pool');
     const { TimeoutError } = require('polypool/generic-pool/lib/errors');
     const factory = { create: () => new Promise(() => {}), destroy: async () => {} };
     createPool(factory, { acquireTimeoutMillis: 1 }).acquire().catch((error) => {
       const other = require('polypool/generic-pool/lib/errors.js').TimeoutError;
       console.log(JSON.stringify([error instanceof TimeoutError, other === TimeoutError]));
     });`,
    'commonjs',
  );
  expect(result).toEqual([true, true]);
});

test('polypool/async-pool by import and by require', async () => {
  const body = `console.log(JSON.stringify(AsyncPool((callback) => callback(null, 7), 2).get()));`;
  expect(await run(`import AsyncPool from 'polypool/async-pool';\n${body}`, 'module')).toBe(7);
  const required = `const AsyncPool = require('polypool/async-pool');\n${body}`;
  expect(await run(required, 'commonjs')).toBe(7);
});

describe("polypool/pg has pg's names", () => {
  test('by import', async () => {
    const namesOf = (name) =>
      run(
        `import * as all from '${name}'; console.log(JSON.stringify(Object.keys(all)));`,
        'module',
      );
    expect((await namesOf('polypool/pg')).sort()).toEqual((await namesOf('pg')).sort());
  });

  test('by require, but for a list that nothing fills', async () => {
    const namesOf = (name) =>
      run(`console.log(JSON.stringify(Object.keys(require('${name}')).sort()));`, 'commonjs');
    const names = (await namesOf('pg')).filter((name) => name !== '_pools');
    expect(await namesOf('polypool/pg')).toEqual(names);
  });

  test('one instance for both, and pg-pool beside it', async () => {
    const result = await run(
      `import pg, { Client, Pool } from 'polypool/pg';
       import StandalonePool from 'polypool/pg-pool';
       import { createRequire } from 'node:module';
       const require = createRequire(process.cwd() + '/');
       const required = require('polypool/pg');
       const pool = new StandalonePool({ max: 1 });
       console.log(JSON.stringify([
         pg === required, Client === required.Client, Pool === required.Pool,
         new Pool() instanceof StandalonePool, pool.Client === Client,
         require('polypool/pg-pool') === StandalonePool,
       ]));`,
      'module',
    );
    expect(result).toEqual(Array(6).fill(true));
  });
});

describe("polypool/ioredis has ioredis's names", () => {
  const namesOf = (name, type) => {
    const read = 'JSON.stringify(Object.keys(all).sort())';
    const program =
      type === 'module'
        ? `import * as all from '${name}'; console.log(${read});`
        : `const all = require('${name}'); console.log(${read});`;
    return run(program, type);
  };

  test.each([['module'], ['commonjs']])('in %s', async (type) => {
    const expected = await namesOf('ioredis', type);
    expect(await namesOf('polypool/ioredis', type)).toEqual(expected);
  });

  test('the class itself, and its properties', async () => {
    const body = `
      const redis = new Redis({ lazyConnect: true });
      const methods = Object.keys(Object.getPrototypeOf(Object.getPrototypeOf(redis)));
      console.log(JSON.stringify([
        typeof Redis.default, Redis === Redis.Redis, typeof Redis.Cluster, typeof Redis.createClient,
        Redis.defaultOptions, redis.options,
        methods.filter((name) => typeof redis[name] === 'function').sort(),
      ]));`;
    const told = (name) => run(`const Redis = require('${name}');\n${body}`, 'commonjs');
    expect(await told('polypool/ioredis')).toEqual(await told('ioredis'));
  });

  test('deep imports', async () => {
    const body = `console.log(JSON.stringify([
      utils.CONNECTION_CLOSED_ERROR_MSG, utils.isInt('1'), utils.isInt('1x'), utils.toArg(null),
      utils.parseURL('redis://u:p%40@[::1]:1/2?family=6'), utils.parseURL('/tmp/s?db=1'),
      utils.parseURL('//h:1/3'), utils.parseURL('h:1'), utils.parseURL('7'), utils.parseURL('h/p'),
      utils.packObject(['a', 1, 'b', 2]), utils.convertObjectToArray({ a: 1 }),
      utils.wrapMultiResult([1]), utils.defaults({ a: 1 }, { a: 2, b: 3 }),
      utils.convertBufferToString([Buffer.from('a'), [Buffer.from('b')]]),
    ]));`;
    const told = (name) => run(`const utils = require('${name}');\n${body}`, 'commonjs');
    const expected = await told('ioredis/built/utils');
    expect(await told('polypool/ioredis/built/utils')).toEqual(expected);
    expect(await told('polypool/ioredis/built/utils/index.js')).toEqual(expected);
  });
});
