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

test('polypool/async-pool by import and by require', async () => {
  const body = `console.log(JSON.stringify(AsyncPool((callback) => callback(null, 7), 2).get()));`;
  expect(await run(`import AsyncPool from 'polypool/async-pool';\n${body}`, 'module')).toBe(7);
  const required = `const AsyncPool = require('polypool/async-pool');\n${body}`;
  expect(await run(required, 'commonjs')).toBe(7);
});
