'use strict';
// Jest, run in projects of their own, with the preset of polypool/register/jest.

const fs = require('node:fs');
const path = require('node:path');
const { installed, project, root, runIn } = require('../support/project.js');

const JEST = path.join(root, 'node_modules', 'jest', 'bin', 'jest.js');

const CONFIG = `
const { moduleNameMapper } = require('polypool/register/jest');
module.exports = {
  testEnvironment: 'node', transform: {}, watchman: false, maxWorkers: 1, moduleNameMapper };`;

const TEST = `
test('what is required is the drop-in', () => {
  expect(require('generic-pool')).toBe(require('polypool/generic-pool'));
  expect(require('async-pool')).toBe(require('polypool/async-pool'));
  expect(require('dependency').pool).toBe(require('polypool/generic-pool'));
  expect(require('generic-pool/lib/other').isReal).toBe(true);
});
test('it does its work', async () => {
  const { TimeoutError } = require('generic-pool/lib/errors');
  const factory = { create: () => new Promise(() => {}), destroy: async () => {} };
  const pool = require('generic-pool').createPool(factory, { acquireTimeoutMillis: 10 });
  await expect(pool.acquire()).rejects.toThrow(TimeoutError);
});`;

const FILES = {
  'package.json': '{ "private": true }',
  'jest.config.js': CONFIG,
  ...installed('generic-pool', { 'lib/other.js': 'exports.isReal = true;' }),
  ...installed('dependency', { 'index.js': "exports.pool = require('generic-pool');" }),
};

/** Runs Jest in a project; resolves to `{ passed, failed, output }`. */
async function runJest(files, { flags = [], env } = {}) {
  const folder = project({ ...FILES, ...files });
  const report = path.join(folder, 'report.json');
  const args = [...flags, JEST, '--json', `--outputFile=${report}`];
  const { stderr: output } = await runIn(folder, args, { env });
  if (!fs.existsSync(report)) return { output };
  const result = JSON.parse(fs.readFileSync(report, 'utf8'));
  return { passed: result.numPassedTests, failed: result.numFailedTests, output };
}

test('the preset maps the packages in tests, in dependencies, and their subpaths', async () => {
  expect(await runJest({ 'a.test.js': TEST })).toMatchObject({ passed: 2, failed: 0 });
});

test('pg, pg-pool and the subpaths that other packages reach for', async () => {
  const files = {
    ...installed('pg', { 'lib/native/index.js': 'exports.isReal = true;' }),
    ...installed('cursor', {
      'index.js': "exports.all = [require('pg/lib/result.js'), require('pg/lib/utils.js')];",
    }),
    'a.test.js': `test('all of them', () => {
      const own = require('polypool/pg');
      expect(require('pg')).toBe(own);
      expect(require('pg-pool')).toBe(require('polypool/pg-pool'));
      expect(require('cursor').all).toEqual([own.Result, own.utils]);
      expect(require('pg/lib/connection-parameters')).toBe(
        require('polypool/pg/lib/connection-parameters'));
      expect(require('pg/lib/native').isReal).toBe(true);
    });`,
  };
  expect(await runJest(files)).toMatchObject({ passed: 1, failed: 0 });
});

test('mysql2 and its promises', async () => {
  const files = {
    'a.test.js': `test('both of them', () => {
      expect(require('mysql2')).toBe(require('polypool/mysql2'));
      expect(require('mysql2/promise')).toBe(require('polypool/mysql2/promise'));
      expect(require('mysql2/promise.js')).toBe(require('polypool/mysql2/promise'));
    });`,
  };
  expect(await runJest(files)).toMatchObject({ passed: 1, failed: 0 });
});

test('a configuration that is an ES module, tests that are ES modules', async () => {
  const config = CONFIG.replace(/const (.*) = require\((.*)\);/, 'import $1 from $2;')
    .replace('module.exports =', 'export default')
    .replace('transform', "testMatch: ['**/*.test.mjs'], transform");
  const files = {
    'jest.config.mjs': config,
    'a.test.mjs': `import { createPool } from 'generic-pool'; import own from 'polypool/generic-pool';
      test('is the drop-in', () => expect(createPool).toBe(own.createPool));`,
  };
  const { 'jest.config.js': _, ...others } = FILES;
  const folder = project({ ...others, ...files });
  const { code, stderr } = await runIn(folder, ['--experimental-vm-modules', JEST]);
  expect(stderr).toContain('Tests:       1 passed, 1 total');
  expect(code).toBe(0);
});

test('POLYPOOL_REGISTER limits the preset', async () => {
  const files = {
    'a.test.js': `test('one of them', () => {
      expect(require('generic-pool').isReal).toBe(true);
      expect(require('async-pool')).toBe(require('polypool/async-pool'));
    });`,
  };
  const env = { POLYPOOL_REGISTER: 'async-pool' };
  expect(await runJest(files, { env })).toMatchObject({ passed: 1, failed: 0 });
});

test('an unknown name in POLYPOOL_REGISTER fails the configuration', async () => {
  const { passed, output } = await runJest(
    { 'a.test.js': TEST },
    { env: { POLYPOOL_REGISTER: 'x' } },
  );
  expect(passed).toBe(undefined);
  expect(output).toContain(
    "POLYPOOL_REGISTER names 'x': polypool replaces generic-pool, async-pool, pg, pg-pool, mysql2",
  );
});

test('polypool/register in a test says what to use instead', async () => {
  const files = { 'a.test.js': "test('loads', () => require('polypool/register'));" };
  const { failed, output } = await runJest(files);
  expect(failed).toBe(1);
  expect(output).toContain('under Jest use moduleNameMapper of polypool/register/jest');
});

test('polypool/register in NODE_OPTIONS does not disturb Jest', async () => {
  const env = { NODE_OPTIONS: '-r polypool/register' };
  expect(await runJest({ 'a.test.js': TEST }, { env })).toMatchObject({ passed: 2, failed: 0 });
});
