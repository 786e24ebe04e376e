'use strict';
// What only a process of its own can show: what keeps it alive, what ends it, and its domains.

const { printed, runProgram } = require('../../support/child.js');
const { unique, until } = require('../../support/pools.js');
const { url } = require('../../support/urls.js');
const { connect } = require('./clients.js');
const { IMPLEMENTATIONS } = require('./implementations.js');

const TEST_URL = url({ role: 'nopass' });

describe.each(IMPLEMENTATIONS)('%s', (name, load) => {
  const run = (program, options) =>
    runProgram(
      `const pg = require('${name}');
       const show = (...given) => console.log(JSON.stringify(given.length > 1 ? given : given[0]));
       process.on('exit', () => show('exit'));
       ${program}`,
      { env: { TEST_URL }, flags: ['--no-deprecation'], timeoutMs: 20_000, ...options },
    );

  /** What a program says that ends well by itself. */
  async function says(program) {
    const result = await run(program);
    expect(result).toMatchObject({ code: 0, signal: null, stderr: '' });
    return printed(result);
  }

  test('a client that was not connected keeps nothing alive', async () => {
    expect(await says('new pg.Client(url);')).toEqual(['exit']);
  });

  test('a client that has ended neither', async () => {
    const program = `const client = new pg.Client(url);
      client.connect().then(() => client.query('select 1 as n')).then(({ rows }) => {
        show(rows);
        return client.end();
      }).then(() => show('ended'));`;
    expect(await says(program)).toEqual([[{ n: 1 }], 'ended', 'exit']);
  });

  test('a connected client does, even one that is idle', async () => {
    const program = `const client = new pg.Client(url);
      client.connect().then(() => {
        setTimeout(() => { show('still here'); client.end(); }, 200).unref();
      });`;
    expect(await says(program)).toEqual(['still here', 'exit']);
  });

  test('unless it is unref', async () => {
    const program = `const client = new pg.Client(url);
      client.connect().then(() => {
        client.unref();
        show('connected');
        setTimeout(() => show('still here'), 5000).unref();
      });`;
    expect(await says(program)).toEqual(['connected', 'exit']);
  });

  test('also while a query is under way', async () => {
    const program = `const client = new pg.Client(url);
      client.connect().then(() => {
        client.unref();
        client.query('select pg_sleep(600)').then(() => show('answered'));
        show('asked');
      });`;
    expect(await says(program)).toEqual(['asked', 'exit']);
  });

  test.each([
    ['exit', 'note("exit"); process.exit();', 0],
    ['an uncaught exception', 'note("throw"); throw new Error("the end");', 7],
    ['a listener of exit', "process.on('exit', () => note('listener')); process.exit();", 0],
  ])('what is asked as the process ends is sent: %s', async (_what, end, code) => {
    const table = unique('audit');
    const client = await connect(load());
    await client.query(`create table ${table} (what text)`);
    const program = `const client = new pg.Client(url);
      process.on('uncaughtException', () => process.exit(7));
      const note = (what) => {
        client.query('insert into ${table} values ($1)', [what]);
        client.query(\`insert into ${table} values ('\${what} again')\`);
      };
      client.connect().then(() => setImmediate(() => { ${end} }));`;
    expect(await run(program)).toMatchObject({ code });
    const noted = async () => (await client.query(`select from ${table}`)).rowCount;
    await until(async () => (await noted()) > 0);
    // pg has one under way at a time.
    expect(await noted()).toBe(1);
    await client.query(`drop table ${table}`);
  });

  test('ref takes it back', async () => {
    const program = `const client = new pg.Client(url);
      client.connect().then(() => {
        client.unref();
        client.ref();
        setTimeout(() => { show('still here'); client.end(); }, 200).unref();
      });`;
    expect(await says(program)).toEqual(['still here', 'exit']);
  });

  test('a connection timeout keeps nothing alive once it is connected', async () => {
    const program = `const client = new pg.Client({
        connectionString: url, connectionTimeoutMillis: 60000 });
      client.connect().then(() => client.end());`;
    expect(await says(program)).toEqual(['exit']);
  });

  test('a query_timeout keeps nothing alive once there is an answer', async () => {
    const program = `const client = new pg.Client({ connectionString: url, query_timeout: 60000 });
      client.connect().then(() => client.query('select 1')).then(() => client.end());`;
    expect(await says(program)).toEqual(['exit']);
  });

  test('an exception in a callback is uncaught, and the queue goes on', async () => {
    const program = `const client = new pg.Client(url);
      process.on('uncaughtException', (error) => show(error.message));
      client.connect();
      client.query('select 1', () => { throw new Error('first'); });
      client.query('select $1::int', [2], () => { throw new Error('second'); });
      client.query({ name: 'n', text: 'select 3' }, () => { throw new Error('third'); });
      client.query('select 4', () => { show('fourth'); client.end(); });`;
    expect(await says(program)).toEqual(['first', 'second', 'third', 'fourth', 'exit']);
  });

  test('an exception in a callback ends the process that does not catch it', async () => {
    const { code, stderr } = await run(`const client = new pg.Client(url);
      client.connect();
      client.query('select 1', () => { throw new Error('nobody catches this'); });`);
    expect(code).toBe(1);
    expect(stderr).toContain('nobody catches this');
  });

  test('a rejection that nobody handles is one', async () => {
    const { code, stderr } = await run(`const client = new pg.Client(url);
      client.connect();
      client.query('select broken');`);
    expect(code).toBe(1);
    expect(stderr).toContain('column "broken" does not exist');
  });

  test('callbacks keep their domain', async () => {
    const program = `const domain = require('node:domain');
      const client = new pg.Client(url);
      client.connect(() => {
        show('outside', process.domain === undefined || process.domain === null);
        const one = domain.create();
        one.run(() => {
          client.query('select 1', () => {
            show('in it', process.domain === one);
            client.query('select 2', () => {
              show('still in it', process.domain === one);
              client.end();
            });
          });
        });
      });`;
    expect(await says(program)).toEqual([['outside', true], ['in it', true], ['still in it', true], 'exit']); // prettier-ignore
  });

  test('events of a query are those of the domain in which it was made', async () => {
    const program = `const domain = require('node:domain');
      const client = new pg.Client(url);
      client.connect(() => {
        const one = domain.create();
        one.on('error', (error) => { show('in it', error.message); client.end(); });
        one.run(() => client.query(new pg.Query('select broken')));
      });`;
    const broken = 'column "broken" does not exist';
    expect(await says(program)).toEqual([['in it', broken], 'exit']);
  });

  test('AsyncLocalStorage holds in promises', async () => {
    const program = `const { AsyncLocalStorage } = require('node:async_hooks');
      const storage = new AsyncLocalStorage();
      const client = new pg.Client(url);
      client.connect().then(async () => {
        await Promise.all([1, 2, 3].map((n) => storage.run(n, async () => {
          await client.query('select $1::int', [n]);
          show(n, storage.getStore());
        })));
        await client.end();
      });`;
    expect(await says(program)).toEqual([[1, 1], [2, 2], [3, 3], 'exit']);
  });

  test('a name that is too long is told on stderr', async () => {
    const { stderr, code } = await run(`const client = new pg.Client(url);
      client.connect();
      client.query({ name: 'n'.repeat(64), text: 'select 1' }, () => client.end());`);
    expect(code).toBe(0);
    expect(stderr).toContain('Postgres only supports 63 characters for query names');
  });

  test('in a worker', async () => {
    const program = `const { Worker } = require('node:worker_threads');
      const worker = new Worker(\`
        const { Client } = require('${name}');
        const { parentPort } = require('node:worker_threads');
        const client = new Client(process.env.TEST_URL);
        client.connect()
          .then(() => client.query('select $1::int as n', [5]))
          .then(({ rows }) => { parentPort.postMessage(rows); return client.end(); });
      \`, { eval: true });
      worker.on('message', show);
      worker.on('exit', (code) => show('worker', code));`;
    expect(await says(program)).toEqual([[{ n: 5 }], ['worker', 0], 'exit']);
  });
});
