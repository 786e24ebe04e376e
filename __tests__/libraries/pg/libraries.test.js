'use strict';
// Libraries that are built on pg do the same work over it and over polypool/pg, which they get from
// polypool/register: no line of theirs is changed. `expected` says what each program observes.

const fs = require('node:fs');
const path = require('node:path');
const { runNode } = require('../../support/child.js');
const { observe, unique } = require('../../support/pools.js');
const { url } = require('../../support/urls.js');

const PROGRAMS = path.join(__dirname, 'programs');
const REGISTER = require.resolve('../../../lib/register/index.js');

/** Longer than any of them takes on a busy machine: what is still there then hangs. */
const LIMIT_MS = 30_000;

const programs = fs.readdirSync(PROGRAMS).filter((file) => /\.m?js$/.test(file));

/** Runs a program with a database of its own; resolves to the document that it printed. */
async function run(file, flags) {
  const database = unique('library');
  await observe(`create database ${database} owner app`);
  try {
    const env = { DATABASE_URL: url({ database }), POLYPOOL_REGISTER: '' };
    const args = [...flags, path.join(PROGRAMS, file)];
    const result = await runNode(args, { env, timeoutMs: LIMIT_MS });
    expect(result).toMatchObject({ code: 0, signal: null, stderr: '' });
    return JSON.parse(result.stdout);
  } finally {
    await observe(`drop database ${database} with (force)`);
  }
}

describe.each(programs)('%s', (file) => {
  const observed = require(`./expected/${path.parse(file).name}.json`);

  test('over pg', async () => {
    expect(await run(file, [])).toEqual({ implementations: ['pg'], observed });
  });

  const flags = file.endsWith('.mjs') ? ['-r', '--import'] : ['-r'];
  test.each(flags)('over polypool/pg, by %s', async (flag) => {
    const document = await run(file, [flag, REGISTER]);
    expect(document).toEqual({ implementations: ['polypool/pg'], observed });
  });
});

test('each document belongs to a program', () => {
  const names = (files) => files.map((file) => path.parse(file).name).sort();
  expect(names(fs.readdirSync(path.join(__dirname, 'expected')))).toEqual(names(programs));
});
