'use strict';
// Several hosts, and reads that go to replicas: a primary and a standby that follows it at once.

const { inspect } = require('node:util');
const { Proxy } = require('../support/proxy.js');
const { startPair, urlOf } = require('../support/pair.js');
const { DATABASE, ROLES, freePort } = require('../support/server.js');
const { load, track, rejection, until, unique } = require('../support/pools.js');

let pair;
beforeAll(async () => {
  pair = await startPair();
});
afterAll(() => pair?.destroy());

const RECOVERY = 'select pg_is_in_recovery() as replica';
const where = async (run) => ((await run).rows[0].replica ? 'replica' : 'primary');

async function openSplit(options = {}) {
  const replicas = options.replicas ?? `postgres://127.0.0.1:${pair.standby.port}`;
  return track(await load().createPool(urlOf([pair.primary]), { ...options, replicas }));
}

async function writingFunction(pool) {
  const table = unique('t');
  await pool.query(`create table ${table} (a int)`);
  await pool.query(
    `create function ${table}_add() returns setof int language sql as
     'insert into ${table} values (1), (2) returning a'`,
  );
  return table;
}

describe('replicas', () => {
  test('a password function serves both', async () => {
    const { password } = ROLES.app;
    const asked = [];
    const target = {
      ...{ host: '127.0.0.1', port: pair.primary.port, user: 'app', database: DATABASE },
      password: () => asked.push(1) && password,
      replicas: `postgres://127.0.0.1:${pair.standby.port}`,
    };
    const pool = track(await load().createPool(target));
    expect(await where(pool.query(RECOVERY))).toBe('replica');
    expect(await where(pool.query(RECOVERY, [], { target: 'primary' }))).toBe('primary');
    expect(asked.length).toBeGreaterThanOrEqual(2);
  });

  test('reads go to them, everything else to the primary', async () => {
    const pool = await openSplit();
    expect(await where(pool.query(RECOVERY))).toBe('replica');
    expect((await pool.sql`select pg_is_in_recovery() as replica`)[0].replica).toBe(true);
    for await (const row of pool.stream(RECOVERY)) expect(row.replica).toBe(true);
    expect(await where(pool.query(`/* two */ select 1; ${RECOVERY}`).then(([, b]) => b))).toBe(
      'primary',
    );
    expect(await where(pool.use((connection) => connection.query(RECOVERY)))).toBe('primary');
    expect(await where(pool.transaction((tx) => tx.query(RECOVERY)))).toBe('primary');
    for await (const row of pool.cursor(RECOVERY)) expect(row.replica).toBe(false);
    const copied = await pool.copyTo(`copy (${RECOVERY}) to stdout`).toArray();
    expect(Buffer.concat(copied).toString()).toBe('f\n');
  });

  test('a read-only transaction goes to them, unless it is serializable', async () => {
    const pool = await openSplit();
    const read = (tx) => tx.query(RECOVERY);
    expect(await where(pool.transaction(read, { readOnly: true }))).toBe('replica');
    const isolation = 'serializable';
    expect(await where(pool.transaction(read, { readOnly: true, isolation }))).toBe('primary');
    expect(await where(pool.transaction(read, { readOnly: true, target: 'primary' }))).toBe(
      'primary',
    );
    const info = await pool.transaction((tx) => tx.connection, { readOnly: true });
    expect(info).toMatchObject({ target: 'replica' });
  });

  test('target overrides, per call', async () => {
    const pool = await openSplit();
    const target = 'primary';
    expect(await where(pool.query(RECOVERY, [], { target }))).toBe('primary');
    expect(await where(pool.query({ text: RECOVERY, target }))).toBe('primary');
    for await (const row of pool.stream(RECOVERY, [], { target })) expect(row.replica).toBe(false);
    const connection = await pool.acquire({ target: 'replica' });
    expect(connection.target).toBe('replica');
    expect(await where(connection.query(RECOVERY))).toBe('replica');
    await pool.release(connection);
    expect(connection.released).toBe(true);
    const used = pool.use((lent) => lent.query(RECOVERY), { target: 'replica' });
    expect(await where(used)).toBe('replica');
  });

  test('one reads what one wrote at the primary', async () => {
    const pool = await openSplit();
    const table = await writingFunction(pool);
    await pool.query(`insert into ${table} values (7)`);
    const { rows } = await pool.query(`select a from ${table}`, [], { target: 'primary' });
    expect(rows).toEqual([{ a: 7 }]);
  });

  test('a read that turns out to write runs once, at the primary', async () => {
    const pool = await openSplit();
    const table = await writingFunction(pool);
    const text = `select * from ${table}_add() as a where a > $1`;
    expect((await pool.query(text, [0])).rows).toEqual([{ a: 1 }, { a: 2 }]);
    const streamed = [];
    for await (const row of pool.stream(text, [0])) streamed.push(row.a);
    expect(streamed).toEqual([1, 2]);
    const { rows } = await pool.query(`select count(*) as n from ${table}`, [], {
      target: 'primary',
    });
    expect(rows).toEqual([{ n: 4 }]);
    // Their connections are as good as before.
    expect(pool.stats().replicas.destroyed).toBe(0);
  });

  test('a write that is sent to a replica on purpose is refused there', async () => {
    const pool = await openSplit();
    const table = await writingFunction(pool);
    const text = `insert into ${table} values (1)`;
    const error = await rejection(pool.query(text, [], { target: 'replica' }));
    expect(error.code).toBe('25006');
  });

  test('a timeout and an abort end a read there', async () => {
    const pool = await openSplit();
    const late = await rejection(pool.query('select pg_sleep(30)', [], { timeoutMs: 50 }));
    expect(late.code).toBe('ERR_POLYPOOL_QUERY_TIMEOUT');
    const controller = new AbortController();
    const running = rejection(pool.query('select pg_sleep(30)', [], controller));
    controller.abort();
    expect((await running).code).toBe('ERR_POLYPOOL_ABORTED');
    expect(await where(pool.query(RECOVERY))).toBe('replica');
  });

  test('figures, events and limits cover both pools', async () => {
    const pool = await openSplit({ max: 3, name: 'shop' });
    const events = [];
    for (const name of ['connect', 'remove']) {
      pool.on(name, ({ target }) => events.push(`${name} ${target}`));
    }
    const closed = jest.fn();
    pool.on('close', closed);
    await pool.query('select 1', [], { target: 'primary' });
    await pool.query('select 1');
    expect(pool.stats()).toMatchObject({
      name: 'shop',
      max: 3,
      replicas: { name: 'shop (replicas)', max: 3, reachable: true, acquired: 1 },
    });
    pool.resize({ max: 2 });
    expect([pool.stats().max, pool.stats().replicas.max]).toEqual([2, 2]);
    pool.clear();
    await until(() => events.includes('remove replica') && events.includes('remove primary'));
    await pool.query('select 1');
    expect(events).toContain('connect replica');
    await pool.close();
    expect(closed).toHaveBeenCalledTimes(1);
    expect(pool.stats().replicas).toMatchObject({ total: 0 });
    expect((await rejection(pool.query('select 1'))).code).toBe('ERR_POLYPOOL_CLOSED');
  });

  test('onConnect prepares their connections too', async () => {
    const seen = [];
    const onConnect = (connection) => {
      seen.push(connection.target);
      return connection.query("set search_path = 'elsewhere'");
    };
    const pool = await openSplit({ onConnect });
    expect((await pool.query('show search_path')).rows).toEqual([{ search_path: 'elsewhere' }]);
    expect(seen).toContain('replica');
  });

  test('a timeout names the holders there, and accuses nobody who holds the primary', async () => {
    const pool = await openSplit({ max: 1, acquireTimeoutMs: 80, leakDetectionMs: 60_000 });
    async function eldest() {
      return pool.acquire({ target: 'replica' });
    }
    const held = await eldest();
    const busy = held.query('select pg_sleep(0.5)');
    const error = await pool.use(() => rejection(pool.query('select 1')));
    expect(error).toMatchObject({ code: 'ERR_POLYPOOL_ACQUIRE_TIMEOUT', nested: false });
    expect(error.holders).toHaveLength(1);
    expect(error.holderStack).toContain('eldest');
    expect(error.message).not.toContain('nested');
    await busy;
    await held.release();
    const within = (tx) => tx.query('select 1').then(() => rejection(pool.query('select 1')));
    const nested = await pool.transaction(within, { readOnly: true });
    expect(nested.nested).toBe(true);
    expect(nested.message).toContain('this code already holds 1 connection of this pool');
  });

  test('without replicas target changes nothing', async () => {
    const pool = track(await load().createPool(urlOf([pair.primary])));
    expect(await where(pool.query(RECOVERY, [], { target: 'replica' }))).toBe('primary');
    const connection = await pool.acquire({ target: 'replica' });
    expect(connection.target).toBe(undefined);
    expect(pool.stats().replicas).toBe(undefined);
    await connection.release();
  });
});

describe('replicas that are away', () => {
  test('reads go to the primary, and one error event says why', async () => {
    const replicas = `postgres://127.0.0.1:${await freePort()}`;
    const pool = await openSplit({ replicas, lazy: true });
    const errors = [];
    pool.on('error', (error) => errors.push(error));
    const all = await Promise.all(Array.from({ length: 50 }, () => where(pool.query(RECOVERY))));
    expect(new Set(all)).toEqual(new Set(['primary']));
    const lease = pool.transaction((tx) => tx.query(RECOVERY), { readOnly: true });
    expect(await where(lease)).toBe('primary');
    expect(pool.stats().replicas.reachable).toBe(false);
    await until(() => errors.length > 0);
    expect(errors.map(({ code }) => code)).toEqual(['ERR_POLYPOOL_CONNECT']);
  });

  test('whoever listens after createPool hears of it, once, whenever that is', async () => {
    const replicas = `postgres://127.0.0.1:${await freePort()}`;
    for (const late of [false, true]) {
      const pool = await openSplit({ replicas });
      if (late) await until(() => !pool.stats().replicas.reachable, 'replicas found away');
      const errors = [];
      const other = [];
      pool.on('error', (error, connection) => errors.push([error.code, error.reason, connection]));
      pool.on('error', (error) => other.push(error));
      await until(() => errors.length > 0, 'an error');
      // The replicas are tried again, which is no news.
      const { errors: before } = pool.stats().replicas;
      await until(() => pool.stats().replicas.errors > before, 'another attempt');
      expect(errors).toEqual([['ERR_POLYPOOL_CONNECT', 'refused', null]]);
      expect(other).toHaveLength(1);
    }
  });

  test('who comes when they are back hears nothing', async () => {
    const proxy = await Proxy.open({ host: '127.0.0.1', port: pair.standby.port });
    try {
      proxy.behave('cut', { after: 0 });
      const pool = await openSplit({ replicas: `postgres://127.0.0.1:${proxy.port}` });
      await until(() => !pool.stats().replicas.reachable, 'replicas found away');
      proxy.behave('pass');
      await until(() => pool.stats().replicas.reachable, 'replicas found again');
      const errors = [];
      pool.on('error', (error) => errors.push(error));
      expect(await where(pool.query(RECOVERY))).toBe('replica');
      expect(errors).toEqual([]);
    } finally {
      await proxy.close();
    }
  });

  test('those that do not answer delay nobody for long, and are found again', async () => {
    const proxy = await Proxy.open({ host: '127.0.0.1', port: pair.standby.port });
    try {
      proxy.behave('blackHole');
      const pool = await openSplit({ replicas: `postgres://127.0.0.1:${proxy.port}` });
      const waiting = pool.acquire({ target: 'replica' });
      expect(await where(pool.query(RECOVERY))).toBe('primary');
      const lease = await waiting;
      expect(lease.target).toBe('primary');
      await lease.release();
      expect(pool.stats().replicas).toMatchObject({ reachable: false, idle: 0, inUse: 0 });
      expect(await where(pool.query(RECOVERY))).toBe('primary');
      proxy.behave('pass');
      proxy.cut();
      await until(async () => (await where(pool.query(RECOVERY))) === 'replica', 'a read there');
      expect(pool.stats().replicas.reachable).toBe(true);
    } finally {
      await proxy.close();
    }
  });

  test('a refused login at a replica fails no read', async () => {
    const replicas = `postgres://app:wrong@127.0.0.1:${pair.standby.port}`;
    const pool = await openSplit({ replicas, lazy: true });
    const errors = [];
    pool.on('error', (error) => errors.push(error));
    expect(await where(pool.query(RECOVERY))).toBe('primary');
    const lease = await pool.acquire({ target: 'replica' });
    expect(lease.target).toBe('primary');
    await lease.release();
    await until(() => errors.length > 0);
    expect(errors[0].code).toBe('28P01');
  });

  test('one that is cut off under load costs what was on its wires, nothing later', async () => {
    const proxy = await Proxy.open({ host: '127.0.0.1', port: pair.standby.port });
    try {
      const max = 4;
      const pool = await openSplit({ max, replicas: `postgres://127.0.0.1:${proxy.port}` });
      let working = true;
      const seen = { replica: 0, primary: 0 };
      const errors = [];
      const reader = async () => {
        while (working) {
          try {
            seen[await where(pool.query(RECOVERY))] += 1;
          } catch (error) {
            errors.push(error.code);
          }
        }
      };
      const readers = Array.from({ length: 16 }, reader);
      await until(() => seen.replica > 200, 'reads at the replica');
      const before = seen.primary;
      proxy.behave('blackHole');
      proxy.cut();
      await until(() => seen.primary > before + 200, 'reads at the primary');
      const failed = errors.length;
      proxy.behave('pass');
      proxy.cut();
      const then = seen.replica;
      await until(() => seen.replica > then + 200, 'reads at the replica again');
      working = false;
      await Promise.all(readers);
      // None, if the wires happened to be quiet at that moment.
      expect(errors).toEqual(errors.map(() => 'ERR_POLYPOOL_CONNECTION_LOST'));
      // Who lost one connection may have asked the next before that was lost too.
      expect(failed).toBeLessThanOrEqual(16 * max);
      expect(errors.length).toBe(failed);
    } finally {
      await proxy.close();
    }
  });
});

test.each([true, false])('no BEGIN, nothing within it: pipeline: %s', async (pipeline) => {
  const options = { max: 1, pipeline };
  const pool = track(await load().createPool(urlOf([pair.standby]), options));
  // A standby refuses BEGIN READ WRITE, and would run these outside of any transaction.
  const codes = [];
  const read = async (tx) => codes.push((await rejection(tx.query('select 1'))).code);
  const error = await rejection(
    pool.transaction(
      async (tx) => {
        await Promise.all([read(tx), read(tx)]);
        await read(tx);
      },
      { readOnly: false },
    ),
  );
  expect([...codes, error.code]).toEqual(['0A000', '0A000', '0A000', '0A000']);
  expect(await pool.transaction((tx) => where(tx.query(RECOVERY)))).toBe('replica');
});

describe('several hosts', () => {
  const roles = [
    ['any', 'standby'],
    ['read-write', 'primary'],
    ['read-only', 'standby'],
    ['primary', 'primary'],
    ['standby', 'standby'],
    ['prefer-standby', 'standby'],
  ];
  test.each(roles)('target_session_attrs=%s takes the %s', async (attributes, expected) => {
    const { primary, standby } = pair;
    const settings = { target_session_attrs: attributes };
    const pool = track(await load().createPool(urlOf([standby, primary], settings)));
    const { rows } = await pool.query('select inet_server_port() as port');
    expect(rows[0].port).toBe(pair[expected].port);
  });

  test('a host that is down and one of another role: the error names both', async () => {
    const dead = await freePort();
    const hosts = [dead, pair.standby];
    const error = await rejection(
      load().createPool(urlOf(hosts, { target_session_attrs: 'read-write' })),
    );
    const { ConnectError } = load();
    expect(error).toBeInstanceOf(ConnectError);
    expect(error).toMatchObject({ code: 'ERR_POLYPOOL_CONNECT', reason: 'role' });
    expect(error.message).toBe(
      `no host accepts target_session_attrs=read-write: 127.0.0.1:${dead}: connection refused; ` +
        `127.0.0.1:${pair.standby.port}: the server is read-only`,
    );
    expect(error.attempts.map(({ host }) => host)).toEqual(
      hosts.map((host) => `127.0.0.1:${host.port ?? host}`),
    );
    expect(error.attempts.map(({ error: { reason } }) => reason)).toEqual(['refused', 'role']);
    for (const attempt of error.attempts) expect(attempt.error).toBeInstanceOf(ConnectError);
  });

  test('a silent first host leaves time for the second', async () => {
    const proxy = await Proxy.open({ host: '127.0.0.1', port: pair.primary.port });
    try {
      proxy.behave('blackHole');
      const hosts = urlOf([proxy, pair.primary]);
      const pool = track(await load().createPool(hosts, { connectTimeoutMs: 1000, max: 2 }));
      const port = async (connection) =>
        (await connection.query('select inet_server_port() as p')).rows[0].p;
      const leases = await Promise.all([pool.acquire(), pool.acquire()]);
      for (const lease of leases) expect(await port(lease)).toBe(pair.primary.port);
      for (const lease of leases) await lease.release();
    } finally {
      await proxy.close();
    }
  });

  test('load_balance_hosts=random uses all of them', async () => {
    const { primary, standby } = pair;
    const url = urlOf([primary, standby], { load_balance_hosts: 'random' });
    const pool = track(await load().createPool(url, { max: 1 }));
    const ports = new Set();
    await until(async () => {
      ports.add((await pool.query('select inet_server_port() as p')).rows[0].p);
      pool.clear();
      return ports.size === 2;
    }, 'both hosts');
  });
});

describe('bad input', () => {
  const refused = async (options, target = urlOf([pair.primary])) =>
    rejection(load().createPool(target, options));

  test.each([
    [{ target_session_attrs: 'master' }, 'target_session_attrs', "got 'master'"],
    [{ load_balance_hosts: true }, 'load_balance_hosts', "'disable' or 'random'"],
    [{ hostaddr: 'db1' }, 'hostaddr', 'numeric addresses'],
    [{ replicas: 5 }, 'replicas', 'got a number'],
    [{ replicas: [] }, 'replicas', 'an empty list'],
    [{ replicas: [null] }, 'replicas', 'a list with null'],
    [{ replicas: 'http://h' }, 'replicas', "unknown scheme 'http:'"],
    [{ replicas: 'mysql://h' }, 'replicas', 'a URL such as postgres://'],
    [{ replicas: { max: 3 } }, 'replicas.max', "Unknown option 'replicas.max'"],
    [{ replicas: { target_session_attrs: 'x' } }, 'replicas.target_session_attrs', "got 'x'"],
    [
      { replicas: ['postgres://a@h1', 'postgres://b@h2'] },
      'replicas',
      'differ in host and port only',
    ],
  ])('%p', async (options, option, words) => {
    const error = await refused(options);
    expect(error).toMatchObject({ code: 'ERR_POLYPOOL_OPTION', option });
    expect(error.message).toContain(words);
  });

  test('of calls', async () => {
    const pool = await openSplit();
    const wrong = await rejection(pool.query('select 1', [], { target: 'standby' }));
    expect(wrong.message).toBe("option 'target' must be 'primary' or 'replica', got 'standby'");
    const connection = await pool.acquire();
    const target = 'replica';
    const late = await rejection(connection.query('select 1', [], { target }));
    expect(late).toMatchObject({ code: 'ERR_POLYPOOL_OPTION', option: 'target' });
    const nested = await rejection(connection.transaction(() => {}, { target }));
    expect(nested).toMatchObject({ code: 'ERR_POLYPOOL_OPTION', option: 'target' });
    await connection.release();
  });

  test('no password of a replica is shown', async () => {
    const secret = 's3cret-pa55';
    const replicas = `postgres://app:${secret}@127.0.0.1:${pair.standby.port}/d?sslmode=no`;
    const error = await refused({ replicas });
    expect(error.option).toBe('sslmode');
    const list = [replicas, `postgres://bob:${secret}@h`];
    const other = await refused({ replicas: list });
    const pool = await openSplit({ replicas: replicas.replace('?sslmode=no', ''), lazy: true });
    for (const thing of [error, other, pool, pool.stats()]) {
      expect(inspect(thing, { depth: 20, showHidden: true })).not.toContain(secret);
    }
  });

  test('functions are given to the pool, not to its replicas', async () => {
    const { port } = pair.standby;
    const error = await refused({ replicas: { host: '127.0.0.1', port, password: () => 'x' } });
    expect(error.option).toBe('replicas.password');
  });

  test('connect() opens one connection', async () => {
    const replicas = urlOf([pair.standby]);
    const error = await rejection(load().connect(urlOf([pair.primary]), { replicas }));
    expect(error).toMatchObject({ code: 'ERR_POLYPOOL_OPTION', option: 'replicas' });
  });
});
