'use strict';
// What keeps a process alive: idle clients for their time, unless allowExitOnIdle says otherwise.

const { runProgram } = require('../../support/child.js');

describe.each(['pg', './lib/compat/pg'])('%s', (name) => {
  const run = async (program, options) => {
    const { stdout, stderr, code, signal } = await runProgram(
      `const pg = require('${name}');
      const started = performance.now();
      process.on('exit', () => console.log(performance.now() - started > 900 ? 'late' : 'soon'));
      ${program}`,
      options,
    );
    expect({ code, signal, stderr }).toEqual({ code: 0, signal: null, stderr: '' });
    return stdout;
  };
  const use = "pool.query('select 1').then(() => console.log('used'));";

  test('an idle client does, until its time is over', async () => {
    const program = `const pool = new pg.Pool({ connectionString: url, idleTimeoutMillis: 1000 });`;
    expect(await run(program + use)).toBe('used\nlate\n');
  });

  test('with allowExitOnIdle it does not', async () => {
    const program = `const pool = new pg.Pool({ connectionString: url, allowExitOnIdle: true });`;
    expect(await run(program + use)).toBe('used\nsoon\n');
  });

  test('with allowExitOnIdle a lent client still does', async () => {
    const program = `
      const pool = new pg.Pool({ connectionString: url, allowExitOnIdle: true });
      pool.query('select 1')
        .then(() => pool.connect())
        .then((client) => client.query('select pg_sleep(1)').then(() => client.release()))
        .then(() => console.log('used'));`;
    expect(await run(program)).toBe('used\nlate\n');
  });

  test('a pool that has ended does not', async () => {
    const program = `
      const pool = new pg.Pool({ connectionString: url });
      pool.query('select 1').then(() => pool.end()).then(() => console.log('ended'));`;
    expect(await run(program)).toBe('ended\nsoon\n');
  });

  test('a pool that was never used does not', async () => {
    expect(await run('new pg.Pool({ connectionString: url, min: 2 });')).toBe('soon\n');
  });
});
