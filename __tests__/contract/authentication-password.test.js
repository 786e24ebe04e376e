'use strict';
// Passwords that are not among the options: of a function, and of libpq's password file.

const { AsyncLocalStorage } = require('node:async_hooks');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { printed, runProgram } = require('../support/child.js');
const { ROLES, GROUP, DATABASE, freePort } = require('../support/server.js');
const { deferred, load, observe, rejection, track, unique } = require('../support/pools.js');
const { testServer } = require('../support/urls.js');
const { visible } = require('../support/secrets.js');

const { password } = ROLES.app;

const options = (more) => {
  const { host, port } = testServer();
  return { host, port, database: DATABASE, user: 'app', sslmode: 'disable', ...more };
};

const open = async (more) => track(await load().createPool(options(more)));
const lazy = (more) => track(new (load().Pool)(options(more)));

async function whoAmI(more) {
  const connection = track(await load().connect(options(more)));
  return (await connection.query('select current_user as user')).rows[0].user;
}

describe('a password function', () => {
  test.each([
    ['a string', () => password],
    ['a promise', async () => password],
    ['a thenable', () => ({ then: (resolve) => resolve(password) })],
  ])('may return %s', async (name, given) => {
    expect(await whoAmI({ password: given })).toBe('app');
    const pool = await open({ password: given });
    expect((await pool.query('select 1 as a')).rows).toEqual([{ a: 1 }]);
    expect((await lazy({ password: given }).query('select 2 as a')).rows).toEqual([{ a: 2 }]);
  });

  test('beats the password of a URL, and the environment', async () => {
    const { host, port } = testServer();
    const target = `postgres://app:wrong@${host}:${port}/${DATABASE}?sslmode=disable`;
    const connection = track(await load().connect(target, { password: () => password }));
    expect((await connection.query('select 1 as a')).rows).toEqual([{ a: 1 }]);
  });

  test('is called anew for each connection, so that a token may change', async () => {
    const user = unique('rotating');
    await observe(`create role ${user} login in role ${GROUP}`);
    const asked = [];
    const pool = lazy({
      user,
      max: 1,
      password: async () => {
        const token = unique('token');
        await observe(`alter role ${user} password '${token}'`);
        asked.push(token);
        return token;
      },
    });
    for (const round of [1, 2, 3]) {
      const connection = await pool.acquire();
      await connection.query('select 1');
      expect(asked).toHaveLength(round);
      await connection.release({ destroy: true });
    }
    expect(new Set(asked).size).toBe(3);
  });

  test('runs without a receiver, in the context in which the pool was made', async () => {
    const storage = new AsyncLocalStorage();
    const seen = [];
    const pool = storage.run('made', () =>
      lazy({
        password() {
          seen.push([this, storage.getStore(), arguments.length]);
          return password;
        },
      }),
    );
    await storage.run('asked', () => pool.query('select 1'));
    expect(seen).toEqual([[undefined, 'made', 0]]);
  });

  test.each([
    [
      'throws',
      () => {
        throw new RangeError('no token today');
      },
      'no token today',
      'RangeError',
    ],
    [
      'rejects',
      async () => {
        throw new RangeError('no token');
      },
      'no token',
      'RangeError',
    ],
    ['returns nothing', () => undefined, 'must return a string, got undefined', 'TypeError'],
    ['returns null', () => null, 'got null', 'TypeError'],
    ['returns a number', () => 5, 'got number', 'TypeError'],
    ['returns an object', async () => ({ token: password }), 'got an object', 'TypeError'],
  ])('that %s fails createPool and connect at once', async (name, given, words, cause) => {
    for (const attempt of [load().createPool, load().connect]) {
      const error = await rejection(attempt(options({ password: given })));
      expect(error).toMatchObject({ code: 'ERR_POLYPOOL_CONNECT', reason: 'auth' });
      expect(error.message).toContain("option 'password'");
      expect(error.message).toContain(words);
      expect(error.cause.name).toBe(cause);
      expect(visible(error)).not.toContain(password);
    }
  });

  test('the very error it threw is the cause', async () => {
    const thrown = new Error('vault is sealed');
    const error = await rejection(open({ password: () => Promise.reject(thrown) }));
    expect(error.cause).toBe(thrown);
    for (const odd of [undefined, null, 'words']) {
      const refused = await rejection(open({ password: () => Promise.reject(odd) }));
      expect(refused.message).toContain(`the function failed: ${odd}`);
    }
  });

  test('a failure is tried again for those who wait', async () => {
    let calls = 0;
    const pool = lazy({
      password: () => {
        if (++calls < 3) throw new Error('not yet');
        return password;
      },
    });
    expect((await pool.query('select 1 as a')).rows).toEqual([{ a: 1 }]);
    expect(calls).toBe(3);
  });

  test('that never works is the cause of a timeout', async () => {
    const thrown = new Error('never');
    const pool = lazy({ acquireTimeoutMs: 200, password: () => Promise.reject(thrown) });
    const error = await rejection(pool.acquire());
    expect(error.code).toBe('ERR_POLYPOOL_ACQUIRE_TIMEOUT');
    expect(error.cause).toMatchObject({ code: 'ERR_POLYPOOL_CONNECT', cause: thrown });
  });

  test('that never settles is bounded by connectTimeoutMs', async () => {
    const never = () => new Promise(() => {});
    const error = await rejection(open({ connectTimeoutMs: 50, password: never }));
    expect(error).toMatchObject({ code: 'ERR_POLYPOOL_CONNECT', reason: 'auth' });
    expect(error.message).toContain("option 'password'");
    expect(error.message).toContain('connectTimeoutMs (50 ms)');
  });

  test('does not keep a pool from closing, and may answer later', async () => {
    const { promise, resolve } = deferred();
    const called = deferred();
    const pool = lazy({
      connectTimeoutMs: 0,
      password: () => {
        called.resolve();
        return promise;
      },
    });
    const refused = rejection(pool.acquire());
    await called.promise;
    await pool.close({ timeoutMs: 0 });
    expect((await refused).code).toBe('ERR_POLYPOOL_CLOSED');
    resolve(password);
    await promise;
    expect(pool.closed).toBe(true);
  });

  test('that is still asked when its thread ends harms nobody', async () => {
    const given = JSON.stringify(options());
    const program = `
      const { Worker } = require('node:worker_threads');
      const code = \`
        const { parentPort } = require('node:worker_threads');
        const { Pool } = require('./index.js');
        const password = () => {
          parentPort.postMessage('asked');
          return new Promise(() => {});
        };
        new Pool({ ...${given}, password, connectTimeoutMs: 0 }).acquire();
      \`;
      const worker = new Worker(code, { eval: true });
      worker.once('message', async () => {
        await worker.terminate();
        const pool = await createPool(url, { password: async () => ${JSON.stringify(password)} });
        console.log(JSON.stringify((await pool.query('select 1 as a')).rows));
        await pool.close();
      });`;
    const result = await runProgram(program);
    expect(result).toMatchObject({ code: 0, stderr: '' });
    expect(printed(result)).toEqual([[{ a: 1 }]]);
  });

  test('a wrong answer is as final as a wrong password', async () => {
    const error = await rejection(open({ password: () => 'not-it' }));
    expect(error).toMatchObject({ name: 'DatabaseError', code: '28P01' });
    expect(visible(error)).not.toContain('not-it');
    const none = await rejection(open({ password: () => '' }));
    expect(none.message).toContain('none was given');
    const nul = await rejection(open({ password: () => `${password}\0` }));
    expect(nul.message).toContain("option 'password'");
    expect(visible(nul)).not.toContain(password);
  });

  test('neither function nor answer shows in the pool', async () => {
    const pool = await open({ password: () => password });
    expect(visible(pool)).not.toContain(password);
    expect(visible(pool.stats())).not.toContain(password);
  });
});

test('an error with a cause reaches its caller though the function never failed', async () => {
  const asked = [];
  const pool = lazy({
    port: await freePort(),
    password: () => asked.push(1) && password,
    acquireTimeoutMs: 200,
  });
  const error = await rejection(pool.query('select 1'));
  expect(error.code).toBe('ERR_POLYPOOL_ACQUIRE_TIMEOUT');
  expect(error.cause).toMatchObject({ code: 'ERR_POLYPOOL_CONNECT', errno: 'ECONNREFUSED' });
  expect(asked.length).toBeGreaterThan(0);
  // The thread's other pools go on.
  const other = await open({ password });
  expect((await other.query('select 1 as one', [])).rows).toEqual([{ one: 1 }]);
});

describe('the password file', () => {
  let directory;
  let file;
  const saved = { ...process.env };

  beforeEach(() => {
    directory = fs.mkdtempSync(path.join(os.tmpdir(), 'polypool-passfile-'));
    file = path.join(directory, 'pass:word file');
    delete process.env.PGPASSWORD;
    delete process.env.PGPASSFILE;
  });

  afterEach(() => {
    fs.rmSync(directory, { recursive: true });
    for (const name of Object.keys(process.env)) if (!(name in saved)) delete process.env[name];
    Object.assign(process.env, saved);
  });

  function write(text, mode = 0o600) {
    fs.writeFileSync(file, text, { mode });
    fs.chmodSync(file, mode);
    return file;
  }

  const line = (secret = password) => `127.0.0.1:${testServer().port}:${DATABASE}:app:${secret}\n`;

  test('named by option, URL or PGPASSFILE', async () => {
    const passfile = write(
      `# mine\nelsewhere:*:*:*:wrong\n*:*:*:bob:wrong\n${line()}*:*:*:*:late\n`,
    );
    expect(await whoAmI({ passfile })).toBe('app');
    const { host, port } = testServer();
    const target = `postgres://app@${host}:${port}/${DATABASE}?sslmode=disable`;
    const named = `${target}&passfile=${encodeURIComponent(passfile)}`;
    expect(track(await load().connect(named)).closed).toBe(false);
    process.env.PGPASSFILE = passfile;
    expect(await whoAmI({})).toBe('app');
  });

  test('is .pgpass at home when nobody names one', async () => {
    file = path.join(directory, '.pgpass');
    write(line());
    const given = JSON.stringify(options());
    const program = `connect(${given}).then(async (connection) => {
      console.log(JSON.stringify((await connection.query('select current_user as user')).rows[0]));
      await connection.close();
    });`;
    const result = await runProgram(program, { env: { HOME: directory } });
    expect(printed(result)).toEqual([{ user: 'app' }]);
  });

  test('is asked after option, URL, environment and function', async () => {
    const passfile = write(line('wrong'));
    expect(await whoAmI({ passfile, password })).toBe('app');
    expect(await whoAmI({ passfile, password: () => password })).toBe('app');
    process.env.PGPASSWORD = password;
    expect(await whoAmI({ passfile })).toBe('app');
  });

  test('is read anew for each connection', async () => {
    const pool = lazy({ passfile: write(line()), max: 1 });
    await pool.query('select 1');
    write(line('wrong'));
    pool.clear();
    const error = await rejection(pool.query('select 1'));
    expect(error).toMatchObject({ code: '28P01' });
    expect(visible(error)).not.toContain('wrong');
  });

  test('that others may read is ignored, and the error says so', async () => {
    const passfile = write(line(), 0o640);
    const error = await rejection(open({ passfile }));
    expect(error).toMatchObject({ code: 'ERR_POLYPOOL_CONNECT', reason: 'auth' });
    expect(error.message).toContain(passfile);
    expect(error.message).toContain('chmod 600');
    expect(visible(error)).not.toContain(password);
  });

  test('that does not exist, or has no line that fits, is as none', async () => {
    for (const passfile of [path.join(directory, 'none'), write('other:*:*:*:x\n')]) {
      const error = await rejection(open({ passfile }));
      expect(error).toMatchObject({ code: 'ERR_POLYPOOL_CONNECT', reason: 'auth' });
      expect(error.message).toMatch(/none was given$/);
    }
  });
});
