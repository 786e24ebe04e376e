'use strict';
// Libraries that are built on mysql2 do the same work over it and over polypool/mysql2, which they
// get from polypool/register: no line of theirs is changed. `expected` says what each program
// observes on both kinds of server.

const fs = require('node:fs');
const path = require('node:path');
const { runNode } = require('../../support/child.js');
const { mysqlUrl } = require('../../support/mysql.js');
const { unique } = require('../../support/pools.js');
const { observe } = require('../../compat/mysql2/connections.js');
const { SERVERS } = require('../../compat/mysql2/implementations.js');

const PROGRAMS = path.join(__dirname, 'programs');

/** Longer than any of them takes on a busy machine: what is still there then hangs. */
const LIMIT_MS = 30_000;

/** What a program finds under the name mysql2, by the flags of Node. */
const RUNS = [
  ['mysql2', []],
  ['polypool/mysql2', ['-r', 'polypool/register']],
];

const programs = fs.readdirSync(PROGRAMS).filter((file) => /\.m?js$/.test(file));

/** Runs a program with a database of its own; resolves to the document that it printed. */
async function run(file, kind, flags) {
  const database = unique('polypool_library');
  await observe(kind, `create database ${database}`);
  try {
    const env = { DATABASE_URL: mysqlUrl({ kind, database }), POLYPOOL_REGISTER: '' };
    const args = [...flags, path.join(PROGRAMS, file)];
    const result = await runNode(args, { env, timeoutMs: LIMIT_MS });
    expect(result).toMatchObject({ code: 0, signal: null, stderr: '' });
    return JSON.parse(result.stdout);
  } finally {
    await observe(kind, `drop database ${database}`);
  }
}

describe.each(programs)('%s', (file) => {
  const observed = require(`./expected/${path.parse(file).name}.json`);

  describe.each(SERVERS)('on %s', (kind) => {
    test.each(RUNS)('over %s', async (implementation, flags) => {
      const document = await run(file, kind, flags);
      expect(document).toEqual({ implementations: [implementation], observed });
    });
  });
});

test('each document belongs to a program', () => {
  const names = (files) => files.map((file) => path.parse(file).name).sort();
  expect(names(fs.readdirSync(path.join(__dirname, 'expected')))).toEqual(names(programs));
});
