'use strict';
// Libraries that are built on ioredis do the same work over it and over polypool/ioredis, which they
// get from polypool/register: no line of theirs is changed. `expected` says what each program
// observes.

const fs = require('node:fs');
const path = require('node:path');
const { runNode } = require('../../support/child.js');
const { RedisServer } = require('../../support/redis.js');

const PROGRAMS = path.join(__dirname, 'programs');

/** Longer than any of them takes on a busy machine: what is still there then hangs. */
const LIMIT_MS = 30_000;

/** What a program finds under the name ioredis, by the flags of Node. */
const RUNS = [
  ['ioredis', []],
  ['polypool/ioredis', ['-r', 'polypool/register']],
];

const programs = fs.readdirSync(PROGRAMS).filter((file) => /\.m?js$/.test(file));

/** Runs a program with a server of its own; resolves to the document that it printed. */
async function run(file, flags) {
  const server = await RedisServer.start();
  try {
    const env = { DATABASE_URL: server.url, POLYPOOL_REGISTER: '' };
    const args = [...flags, path.join(PROGRAMS, file)];
    const result = await runNode(args, { env, timeoutMs: LIMIT_MS });
    expect(result).toMatchObject({ code: 0, signal: null, stderr: '' });
    return JSON.parse(result.stdout);
  } finally {
    await server.destroy();
  }
}

describe.each(programs)('%s', (file) => {
  const observed = require(`./expected/${path.parse(file).name}.json`);

  test.each(RUNS)('over %s', async (implementation, flags) => {
    const document = await run(file, flags);
    expect(document).toEqual({ implementations: [implementation], observed });
  });
});

test('each document belongs to a program', () => {
  const names = (files) => files.map((file) => path.parse(file).name).sort();
  expect(names(fs.readdirSync(path.join(__dirname, 'expected')))).toEqual(names(programs));
});
