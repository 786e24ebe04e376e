'use strict';
// The primary goes and its standby takes over, while writers keep writing.

const { Proxy } = require('../support/proxy.js');
const { startPair, urlOf } = require('../support/pair.js');
const { load, track, rejection, until } = require('../support/pools.js');

let pair;
beforeEach(async () => {
  pair = await startPair();
});
afterEach(() => pair.destroy());

/** What a writer may see meanwhile. */
const EXPECTED = [
  /^(57P0[123]|25006)$/,
  /^ERR_POLYPOOL_(CONNECTION_LOST|CONNECT|ACQUIRE_TIMEOUT|STALE_CONNECTION)$/,
];

const makePool = async (servers, options) =>
  track(await load().createPool(urlOf(servers, { target_session_attrs: 'read-write' }), options));

async function makeLedger(pool) {
  await pool.query('create table ledger (entry text primary key)');
}

/** Writers that note what was acknowledged; every promise of theirs settles. */
async function writing(pool, whileWriting) {
  let working = true;
  const seen = { acknowledged: [], errors: [] };
  const writer = async (id) => {
    for (let i = 0; working; i++) {
      try {
        await pool.query('insert into ledger values ($1)', [`${id}/${i}`]);
        seen.acknowledged.push(`${id}/${i}`);
      } catch (error) {
        seen.errors.push(error);
        await new Promise(setImmediate);
      }
    }
  };
  const all = Promise.all(Array.from({ length: 8 }, (_, id) => writer(id)));
  try {
    await Promise.race([all, whileWriting(seen)]);
  } finally {
    working = false;
  }
  await all;
  for (const error of seen.errors) {
    expect([error.code, EXPECTED.some((pattern) => pattern.test(error.code))]).toEqual([
      error.code,
      true,
    ]);
  }
  return seen;
}

const progress = (seen, more = 100) => {
  const before = seen.acknowledged.length;
  return until(() => seen.acknowledged.length > before + more, 'writes that are acknowledged');
};

async function expectKept(pool, { acknowledged }) {
  const { rows } = await pool.query('select entry from ledger', [], { rowMode: 'array' });
  const kept = new Set(rows.flat());
  expect(acknowledged.filter((entry) => !kept.has(entry))).toEqual([]);
}

const portOf = async (pool) => (await pool.query('select inet_server_port() as p')).rows[0].p;

test('the primary is killed and the standby promoted: no acknowledged write is lost', async () => {
  const { primary, standby } = pair;
  const pool = await makePool([primary, standby], { max: 5, acquireTimeoutMs: 20_000 });
  await makeLedger(pool);
  const seen = await writing(pool, async (seen) => {
    await progress(seen);
    await primary.stop('immediate');
    await standby.promote();
    await progress(seen);
  });
  expect(await portOf(pool)).toBe(standby.port);
  await expectKept(pool, seen);
  expect(pool.stats()).toMatchObject({ inUse: 0, waiting: 0 });
});

test('the old primary comes back as a standby of the new one: writes stay where they belong', async () => {
  const { primary, standby } = pair;
  const pool = await makePool([primary, standby], { max: 5, acquireTimeoutMs: 20_000 });
  await makeLedger(pool);
  const seen = await writing(pool, async (seen) => {
    await progress(seen);
    await primary.stop('fast');
    await standby.promote();
    await primary.follow(standby);
    await progress(seen);
    pool.clear();
    await progress(seen);
  });
  // The first host answers, and is not taken.
  expect(await portOf(pool)).toBe(standby.port);
  await expectKept(pool, seen);
});

test('a server that becomes read-only under its connections loses them all', async () => {
  const { primary, standby } = pair;
  const pool = await makePool([primary, standby], { max: 5, acquireTimeoutMs: 20_000 });
  await makeLedger(pool);
  const removed = [];
  pool.on('remove', (connection, reason) => removed.push(reason));
  const seen = await writing(pool, async (seen) => {
    await progress(seen);
    primary.configure({ default_transaction_read_only: 'on' });
    await primary.reload();
    await until(() => seen.errors.length > 0, 'a refused write');
    await standby.promote();
    await progress(seen);
  });
  expect(seen.errors.some(({ code }) => code === '25006')).toBe(true);
  // Five connections, each with what was on its wire; not one refusal for every later write.
  expect(removed.length).toBeLessThan(20);
  expect(removed).toEqual(expect.arrayContaining(['cleared']));
  expect(await portOf(pool)).toBe(standby.port);
  await expectKept(pool, seen);
});

test('a transaction that meant to be read-only retires one connection, not its generation', async () => {
  const { primary, standby } = pair;
  const pool = await makePool([primary, standby], { max: 3 });
  await makeLedger(pool);
  const leases = await Promise.all([pool.acquire(), pool.acquire(), pool.acquire()]);
  await Promise.all(leases.map((lease) => lease.release()));
  const removed = [];
  pool.on('remove', (connection, reason) => removed.push(reason));
  const writes = (tx) => tx.query("insert into ledger values ('x')");
  const error = await rejection(pool.transaction(writes, { readOnly: true }));
  expect(error.code).toBe('25006');
  await until(() => removed.length > 0, 'a retired connection');
  expect(await portOf(pool)).toBe(primary.port);
  expect(removed).toEqual(['retired']);
});

test('a lease that is given back inside such a transaction does not keep its connection', async () => {
  const { primary, standby } = pair;
  const pool = await makePool([primary, standby], { max: 1 });
  await makeLedger(pool);
  const lease = await pool.acquire();
  await lease.query('begin read only');
  expect((await rejection(lease.query("insert into ledger values ('x')"))).code).toBe('25006');
  await lease.release();
  expect(await portOf(pool)).toBe(primary.port);
  await until(() => pool.stats().destroyed === 1, 'a retired connection');
});

test('a standby that is promoted is none any more for who wants one', async () => {
  const { primary, standby } = pair;
  const url = urlOf([standby, primary], { target_session_attrs: 'prefer-standby' });
  const pool = track(await load().createPool(url, { max: 1 }));
  expect(await portOf(pool)).toBe(standby.port);
  const removed = [];
  pool.on('remove', (connection, reason) => removed.push(reason));
  await standby.promote();
  await until(async () => (await portOf(pool)) && removed.includes('retired'), 'a retired one');
  // Neither is a standby now: the first will do.
  expect(await portOf(pool)).toBe(standby.port);
});

test('while no primary is there connects are few, however many wait', async () => {
  const { primary, standby } = pair;
  const proxy = await Proxy.open({ host: '127.0.0.1', port: primary.port });
  try {
    const pool = await makePool([proxy, standby], { max: 10, acquireTimeoutMs: 1500 });
    await makeLedger(pool);
    await primary.stop('immediate');
    const before = proxy.accepted;
    const writes = Array.from({ length: 300 }, () =>
      rejection(pool.query("insert into ledger values ('y')")),
    );
    const errors = await Promise.all(writes);
    const late = errors.find(({ code }) => code === 'ERR_POLYPOOL_ACQUIRE_TIMEOUT');
    expect(late.cause.message).toContain('no host accepts target_session_attrs=read-write');
    expect(late.cause.attempts.map(({ host }) => host)).toEqual([
      `127.0.0.1:${proxy.port}`,
      `127.0.0.1:${standby.port}`,
    ]);
    expect(proxy.accepted - before).toBeLessThan(60);
  } finally {
    await proxy.close();
  }
});
