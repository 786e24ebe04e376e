'use strict';
// Wrong options, wrong parameters, servers that refuse: an error that helps, at once, no secrets.

const { inspect } = require('node:util');
const { freePort } = require('../support/server.js');
const { load, openPool, lazyPool, rejection, track } = require('../support/pools.js');
const { visible } = require('../support/secrets.js');
const { url, testServer } = require('../support/urls.js');

const thrown = (call) => {
  try {
    track(call());
  } catch (error) {
    return error;
  }
  throw new Error('expected it to throw');
};

/** Both ways to make a pool check alike. */
async function optionError(options, target = url()) {
  const { Pool, createPool, OptionError } = load();
  const error = thrown(() => new Pool(target, options));
  const other = await rejection(createPool(target, options));
  expect(other.message).toBe(error.message);
  expect(error).toBeInstanceOf(OptionError);
  expect(error.code).toBe('ERR_POLYPOOL_OPTION');
  return error;
}

test.each([
  ['maks', 'max'],
  ['Max', 'max'],
  ['idleTimeout', 'idleTimeoutMs'],
  ['acquiretimeoutms', 'acquireTimeoutMs'],
  ['maxLifeTimeMs', 'maxLifetimeMs'],
  ['statmentCache', 'statementCache'],
  ['keepAlive', 'keepalive'],
  ['onConect', 'onConnect'],
  ['pasword', 'password'],
  ['hots', 'host'],
])('unknown option %s: the error names %s', async (wrong, right) => {
  const error = await optionError({ [wrong]: 1 });
  expect(error.option).toBe(wrong);
  expect(error.message).toContain(wrong);
  expect(error.message).toMatch(new RegExp(`\\b${right}\\b`));
});

test('unknown options within objects are named with their place', async () => {
  const ssl = await optionError({ ssl: { CA: 'x' } });
  expect(ssl.message).toMatch(/ssl.*CA/s);
  const types = await optionError({ types: { int64: 'bigint' } });
  expect(types.message).toMatch(/types.*int64.*int8/s);
});

const IMPOSSIBLE = [
  // [options, the option named, a bound or choice in the message]
  [{ max: 0 }, 'max', '1'],
  [{ max: -1 }, 'max', '1'],
  [{ max: 65_536 }, 'max', '65535'],
  [{ max: 1.5 }, 'max', '1.5'],
  [{ max: NaN }, 'max', 'NaN'],
  [{ max: '10' }, 'max', "'10'"],
  [{ max: null }, 'max', 'null'],
  [{ min: -1 }, 'min', '0'],
  [{ min: 5, max: 4 }, 'min', '4'],
  [{ acquireTimeoutMs: -1 }, 'acquireTimeoutMs', '1'],
  [{ acquireTimeoutMs: 0 }, 'acquireTimeoutMs', '0'],
  [{ connectTimeoutMs: -5 }, 'connectTimeoutMs', '-5'],
  [{ queryTimeoutMs: -1 }, 'queryTimeoutMs', '0'],
  [{ idleTimeoutMs: -1 }, 'idleTimeoutMs', '0'],
  [{ maxLifetimeMs: -1 }, 'maxLifetimeMs', '0'],
  [{ maxUses: -1 }, 'maxUses', '0'],
  [{ maxWaiting: -1 }, 'maxWaiting', '0'],
  [{ validate: 'sometimes' }, 'validate', 'always'],
  [{ validateAfterIdleMs: -1 }, 'validateAfterIdleMs', '0'],
  [{ maxConnecting: 0 }, 'maxConnecting', '1'],
  [{ idleOrder: 'random' }, 'idleOrder', 'lifo'],
  [{ leakDetectionMs: -1 }, 'leakDetectionMs', '0'],
  [{ maxLeaseMs: -1 }, 'maxLeaseMs', '0'],
  [{ reset: 'maybe' }, 'reset', 'auto'],
  [{ onConnect: 'select 1' }, 'onConnect', 'function'],
  [{ pipeline: 'yes' }, 'pipeline', 'true or false'],
  [{ lazy: 1 }, 'lazy', 'true or false'],
  [{ priorities: 0 }, 'priorities', '1'],
  [{ priorities: 65 }, 'priorities', '64'],
  [{ minPolicy: 'keep' }, 'minPolicy', 'spare'],
  [{ maxIdle: -1 }, 'maxIdle', '0'],
  [{ statementCache: -1 }, 'statementCache', '0'],
  [{ statementCache: 65_536 }, 'statementCache', '65535'],
  [{ types: { int8: 'bignum' } }, 'types.int8', 'bigint'],
  [{ port: 0 }, 'port', '1'],
  [{ port: 65_536 }, 'port', '65535'],
  [{ port: 'http' }, 'port', ''],
  [{ name: 5 }, 'name', 'text'],
  [{ password: 5 }, 'password', 'text'],
  [{ ssl: 'yes' }, 'ssl', ''],
  [{ ssl: { rejectUnauthorized: 'maybe' } }, 'rejectUnauthorized', ''],
  [{ ssl: true, sslmode: 'require' }, 'ssl', 'sslmode'],
  [{ sslmode: 'maybe' }, 'sslmode', 'verify-full'],
  [{ user: 'nul\0' }, 'user', ''],
];

test.each(IMPOSSIBLE)('%p names %s and what would do', async (options, name, hint) => {
  const error = await optionError(options);
  expect(error.option).toContain(name);
  expect(error.message).toContain(name);
  if (hint instanceof RegExp) expect(error.message).toMatch(hint);
  else expect(error.message).toContain(hint);
});

test.each([
  ['oracle://user:sup3rs3cret@localhost/db', 'oracle'],
  ['localhost:5432/db', 'localhost'],
  ['postgres://user:sup3rs3cret@host:99999/db', 'url'],
  ['postgres://user:sup3rs3cret@host/db?sslmode=maybe', 'sslmode'],
  ['postgres://user:sup3rs3cret@host/db?sslmod=require', 'sslmode'],
  ['postgres://us er:sup3rs3cret@[::1/db', ''],
])('the URL %j is refused and its password not shown', async (target, hint) => {
  const error = await optionError({}, target);
  expect(error.message.toLowerCase()).toContain(hint);
  expect(visible(error)).not.toContain('sup3rs3cret');
});

test.each([undefined, null, 5, true, [], () => {}])('createPool(%p) is refused', async (target) => {
  const { createPool } = load();
  if (target === undefined) return; // the PG* environment alone may say where to connect
  expect((await rejection(createPool(target))).code).toBe('ERR_POLYPOOL_OPTION');
});

test('options given as undefined are as if not given', async () => {
  const pool = await openPool({ max: undefined, min: undefined, acquireTimeoutMs: undefined });
  expect(pool.stats().max).toBe(10);
});

const circular = {};
circular.self = circular;

const UNENCODABLE = [
  [undefined, 'undefined'],
  [() => {}, 'function'],
  [Symbol('s'), 'symbol'],
  [new Date(NaN), /invalid date/i],
  [circular, /circular/i],
  [{ toJSON: () => undefined }, ''],
  [{ big: 1n }, ''],
  [[1, undefined], 'undefined'],
  [[[() => {}]], 'function'],
];

test.each(UNENCODABLE)(
  'the parameter %p is refused with position and type',
  async (value, hint) => {
    const pool = await openPool({ max: 1 });
    for (const text of [
      'select $1::int, $2::text',
      'select $1::int, $2::jsonb',
      'select $1::int, $2::text[]',
    ]) {
      for (let run = 0; run < 3; run++) {
        const error = await rejection(pool.query(text, [1, value]));
        expect(error.code).toBe('ERR_POLYPOOL_PARAMETER');
        expect(error.message).toMatch(/\$?2\b/);
        if (hint instanceof RegExp) expect(error.message).toMatch(hint);
        else expect(error.message).toContain(hint);
      }
    }
    expect((await pool.query('select 1 as a')).rows).toEqual([{ a: 1 }]);
    expect(pool.stats()).toMatchObject({ inUse: 0, waiting: 0 });
  },
);

test.each([
  [[undefined]],
  [[null]],
  [[5]],
  [[{}]],
  [['select 1', 'not an array']],
  [['select 1', { 0: 1 }]],
  [['select 1', [], { timeout: 5 }]],
  [['select 1', [], { timeoutMs: -1 }]],
  [['select 1', [], { rowMode: 'map' }]],
  [['select 1', [], { signal: 'abort' }]],
  [['select 1', [], 5]],
  [[{ text: 'select 1', value: [1] }]],
  [['nul\0']],
])('query(...%j) rejects, it never throws', async (args) => {
  const pool = await openPool({ max: 1 });
  const error = await rejection(pool.query(...args));
  expect(error.code).toMatch(/^ERR_POLYPOOL_(PARAMETER|OPTION)$/);
});

test.each([
  ['acquire', [{ timeout: 5 }]],
  ['acquire', [{ timeoutMs: -1 }]],
  ['acquire', [{ priority: 1 }]],
  ['acquire', [{ priority: 'high' }]],
  ['acquire', [{ signal: {} }]],
  ['use', ['not a function']],
  ['transaction', ['not a function']],
])('%s(...%j) rejects', async (method, args) => {
  const pool = await openPool({ max: 1 });
  const error = await rejection(pool[method](...args));
  expect(error.code).toMatch(/^ERR_POLYPOOL_(PARAMETER|OPTION)$/);
});

const outcome = async (call) => {
  try {
    return await rejection(Promise.resolve(call()));
  } catch (error) {
    return error;
  }
};

test.each([
  ['query', 'timeout', (pool) => pool.query('select 1', [], { timeout: 5 }), 'timeoutMs'],
  ['query', 'rowmode', (pool) => pool.query('select 1', [], { rowmode: 'array' }), 'rowMode'],
  ['query', 'value', (pool) => pool.query({ text: 'select 1', value: [] }), 'values'],
  ['query', 'singal', (pool) => pool.query({ text: 'select 1' }, null, { singal: 1 }), 'signal'],
  ['query', 'constructor', (pool) => pool.query('select 1', [], { constructor: 1 }), ''],
  [
    'stream',
    'batchsize',
    (pool) => pool.stream('select 1', [], { batchsize: 1 }).toArray(),
    'batchSize',
  ],
  ['acquire', 'timeout', (pool) => pool.acquire({ timeout: 5 }), 'timeoutMs'],
  ['acquire', 'prio', (pool) => pool.acquire({ prio: 0 }), ''],
  ['acquire', 'signals', (pool) => pool.use(() => {}, { signals: [] }), 'signal'],
  [
    'transaction',
    'isolaton',
    (pool) => pool.transaction(() => {}, { isolaton: 'serializable' }),
    'isolation',
  ],
  ['transaction', 'readonly', (pool) => pool.transaction(() => {}, { readonly: true }), 'readOnly'],
  ['resize', 'maximum', (pool) => pool.resize({ maximum: 4 }), ''],
  ['resize', 'mix', (pool) => pool.resize({ mix: 4 }), 'mi'],
  ['close', 'timeout', (pool) => pool.close({ timeout: 5 }), 'timeoutMs'],
])('%s: the unknown option %s is refused', async (method, wrong, call, near) => {
  const pool = await openPool({ max: 1 });
  const error = await outcome(() => call(pool));
  expect(error).toMatchObject({ name: 'OptionError', code: 'ERR_POLYPOOL_OPTION', option: wrong });
  expect(error.message).toContain(`'${wrong}' of ${method}()`);
  expect(error.message).toContain(near);
  expect((await pool.query('select 1 as a')).rows).toEqual([{ a: 1 }]);
});

test.each([
  ['query', (pool) => pool.query('select 1', [], null)],
  ['query', (pool) => pool.query('select 1', [], 'fast')],
  ['query', (pool) => pool.query('select 1', [], { timeoutMs: '5' })],
  ['query', (pool) => pool.query({ text: 'select 1', timeoutMs: -1 })],
  ['query', (pool) => pool.query('select 1', [], { signal: { aborted: false } })],
  ['stream', (pool) => pool.stream('select 1', [], { batchSize: 1.5 }).toArray()],
  ['acquire', (pool) => pool.acquire({ timeoutMs: 0 })],
  ['acquire', (pool) => pool.acquire(5)],
  ['transaction', (pool) => pool.transaction(() => {}, { readOnly: 1 })],
  ['transaction', (pool) => pool.transaction(() => {}, { signal: 'abort' })],
  ['transaction', (pool) => pool.transaction((tx) => tx.transaction(() => {}, { timeoutMs: '5' }))],
  [
    'transaction',
    (pool) => pool.transaction((tx) => tx.query('select 1', [], 5), { timeoutMs: 9e3 }),
  ],
  ['resize', (pool) => pool.resize({ max: null })],
  ['resize', (pool) => pool.resize()],
  ['close', (pool) => pool.close({ timeoutMs: '5' })],
])('%s with a wrong option is refused, case %#', async (method, call) => {
  const pool = await openPool({ max: 1 });
  const error = await outcome(() => call(pool));
  expect(error).toMatchObject({ name: 'OptionError', code: 'ERR_POLYPOOL_OPTION' });
  expect((await pool.query('select 1 as a')).rows).toEqual([{ a: 1 }]);
  expect(pool.stats()).toMatchObject({ inUse: 0, waiting: 0 });
});

test('release() with a wrong option rejects and releases nothing', async () => {
  const pool = await openPool({ max: 1 });
  const connection = await pool.acquire();
  for (const options of [{ destory: true }, { destroy: 'yes' }, null]) {
    expect((await rejection(connection.release(options))).code).toBe('ERR_POLYPOOL_OPTION');
  }
  expect(connection.released).toBe(false);
  await connection.release({ destroy: undefined });
  expect(pool.stats().idle).toBe(1);
});

test('values stand beside their text, not twice', async () => {
  const pool = await openPool({ max: 1 });
  const error = await rejection(pool.query({ text: 'select $1::int', values: [1] }, [2]));
  expect(error.code).toBe('ERR_POLYPOOL_PARAMETER');
  const { sql } = load();
  const options = { rowMode: 'array' };
  expect((await pool.query(sql`select ${1}::int`, null, options)).rows).toEqual([[1]]);
  const config = { text: 'select $1::int', values: [2], rowMode: 'array', timeoutMs: undefined };
  expect((await pool.query(config)).rows).toEqual([[2]]);
  expect((await pool.query(config, null, { rowMode: 'object' })).rows).toEqual([{ int4: 2 }]);
});

test.each([undefined, null, {}, 5])('release(%p) is refused', async (value) => {
  const pool = await openPool({ max: 1 });
  expect(() => pool.release(value)).toThrow(
    expect.objectContaining({ code: 'ERR_POLYPOOL_PARAMETER' }),
  );
});

const SECRET = 'sup3r s3cret/&?';

/** Where nobody answers, and what a server says to those it does not know. */
const REFUSED = {
  'connection refused': async () => [{ port: await freePort() }, 'ECONNREFUSED'],
  'wrong password': async () => [{ password: SECRET }, '28P01'],
  'wrong password (md5)': async () => [{ role: 'md5user', password: SECRET }, '28P01'],
  'no such user': async () => [{ role: 'nobody', password: SECRET }, '28000'],
  'missing database': async () => [{ database: 'no_such_database' }, '3D000'],
  'missing socket': async () => [{ host: encodeURIComponent('/no/such/folder') }, 'ENOENT'],
};

/** What is behind a failed connect: the server's SQLSTATE, or the system's errno. */
function reasonOf(error) {
  const { ConnectError, DatabaseError } = load();
  if (error instanceof DatabaseError) return error.code;
  expect(error).toBeInstanceOf(ConnectError);
  expect(error).toMatchObject({ name: 'ConnectError', code: 'ERR_POLYPOOL_CONNECT' });
  return error.errno;
}

describe.each(Object.keys(REFUSED))('%s', (what) => {
  test('createPool and connect reject with the cause and show no secret', async () => {
    const { createPool, connect } = load();
    const [target, code] = await REFUSED[what]();
    for (const open of [createPool, connect]) {
      const error = await rejection(open(url({ password: SECRET, ...passwordOf(target) })));
      expect(reasonOf(error)).toBe(code);
      expectNoSecret(error);
    }
  });

  test('the first query of a lazy pool rejects, without end if it can never succeed', async () => {
    const [target, code] = await REFUSED[what]();
    const pool = lazyPool({ acquireTimeoutMs: 300 }, { password: SECRET, ...passwordOf(target) });
    const errors = await Promise.all([1, 2, 3].map(() => rejection(pool.query('select 1'))));
    for (const error of errors) {
      const late = error.code === 'ERR_POLYPOOL_ACQUIRE_TIMEOUT';
      expect(reasonOf(late ? error.cause : error)).toBe(code);
      expectNoSecret(error);
      // Wrong for good: nobody waits for the deadline.
      if (/^(28|3D)/.test(code)) expect(late).toBe(false);
    }
  });
});

/** Where the database is missing the password has to be right to get so far. */
const passwordOf = (target) => (target.database ? { ...target, password: undefined } : target);

function expectNoSecret(error) {
  const text = visible(error);
  expect(text).not.toContain('s3cret');
  expect(text).not.toContain(encodeURIComponent(SECRET));
  expect(text).not.toContain('pa55-w0rd');
}

test('pools and connections show no secret either', async () => {
  const pool = await openPool({ max: 1 });
  const connection = await pool.acquire();
  const { createPool } = load();
  const { host, port } = testServer();
  const password = 'app-pa55-w0rd';
  const database = 'polypool_test';
  const other = track(
    await createPool({ host, port, user: 'app', password, database, ssl: false }),
  );
  for (const thing of [pool, connection, other, pool.stats()]) {
    expect(inspect(thing, { depth: 20, showHidden: true })).not.toContain('pa55-w0rd');
    expect(JSON.stringify(thing) ?? '').not.toContain('pa55-w0rd');
  }
  await connection.release();
});

test('parameters of a failed query are in no message, inspect output or JSON', async () => {
  const pool = await openPool({ max: 1 });
  const error = await rejection(pool.query('select $1::text, 1 / 0 as x', [SECRET]));
  expect(error.code).toBe('22012');
  expect(error.parameters).toEqual([SECRET]);
  expect(inspect(error, { depth: 20 })).not.toContain('s3cret');
  expect(JSON.stringify(error)).not.toContain('s3cret');
  const late = await rejection(
    pool.query('select $1::text, pg_sleep(60)', [SECRET], { timeoutMs: 20 }),
  );
  expect(inspect(late, { depth: 20 }) + JSON.stringify(late)).not.toContain('s3cret');
});

test('a refused connection leaves no timer or socket behind: the next pool works at once', async () => {
  const { createPool } = load();
  const refused = Array.from({ length: 50 }, async () =>
    rejection(createPool(url({ port: await freePort() }))),
  );
  for (const error of await Promise.all(refused)) expect(reasonOf(error)).toBe('ECONNREFUSED');
  const pool = await openPool();
  expect((await pool.query('select 1 as a')).rows).toEqual([{ a: 1 }]);
});

test('waitForServer keeps trying until the deadline', async () => {
  const { createPool } = load();
  const target = url({ port: await freePort() });
  const error = await rejection(createPool(target, { waitForServer: true, acquireTimeoutMs: 300 }));
  const late = error.code === 'ERR_POLYPOOL_ACQUIRE_TIMEOUT';
  expect(reasonOf(late ? error.cause : error)).toBe('ECONNREFUSED');
});
