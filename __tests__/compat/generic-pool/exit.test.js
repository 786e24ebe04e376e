'use strict';
// What keeps a process alive: callers who wait with a bound, and nothing else of a pool.

const { runProgram } = require('../../support/child.js');

const NAMES = ['generic-pool', './lib/compat/generic-pool/index.js'];

describe.each(NAMES)('%s', (name) => {
  const run = (program) =>
    runProgram(`const replaced = require('${name}');
      const factory = { create: async () => ({}), destroy: async () => {} };
      process.on('exit', () => console.log('ended'));
      ${program}`);

  test('an idle pool with an evictor does not', async () => {
    const { stdout, code } = await run(`
      const pool = replaced.createPool(factory, { min: 2, max: 4, evictionRunIntervalMillis: 60000 });
      pool.acquire().then((resource) => pool.release(resource));`);
    expect({ stdout, code }).toEqual({ stdout: 'ended\n', code: 0 });
  });

  test('a loan, or a wait without a bound, does not', async () => {
    const { stdout, code } = await run(`
      const pool = replaced.createPool(factory, { max: 1 });
      pool.acquire();
      pool.acquire().then(() => console.log('never'));`);
    expect({ stdout, code }).toEqual({ stdout: 'ended\n', code: 0 });
  });

  test('a wait with a bound does, until it is over', async () => {
    const { stdout, code } = await run(`
      const pool = replaced.createPool(factory, { max: 1, acquireTimeoutMillis: 100 });
      pool.acquire();
      pool.acquire().catch((error) => console.log(error.message));`);
    expect({ stdout, code }).toEqual({ stdout: 'ResourceRequest timed out\nended\n', code: 0 });
  });

  test('a bounded destroy does not', async () => {
    const { stdout, code } = await run(`
      factory.destroy = () => new Promise(() => {});
      const pool = replaced.createPool(factory, { destroyTimeoutMillis: 60000 });
      pool.acquire().then((resource) => pool.destroy(resource));`);
    expect({ stdout, code }).toEqual({ stdout: 'ended\n', code: 0 });
  });

  test('a drained and cleared pool does not', async () => {
    const { stdout, code } = await run(`
      const pool = replaced.createPool(factory, { min: 2, max: 4, evictionRunIntervalMillis: 60000 });
      pool.drain().then(() => pool.clear()).then(() => console.log('cleared', pool.size));`);
    expect({ stdout, code }).toEqual({ stdout: 'cleared 0\nended\n', code: 0 });
  });
});
