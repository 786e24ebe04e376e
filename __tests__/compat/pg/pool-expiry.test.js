'use strict';
// When clients go: idle for too long, too old, used too often.

const { setTimeout: pause } = require('node:timers/promises');
const { until } = require('../../support/pools.js');
const { IMPLEMENTATIONS } = require('./implementations.js');
const { Trace, counters, fakeClients, next, openPool, quiet } = require('./pools.js');

describe.each(IMPLEMENTATIONS)('%s', (_name, load) => {
  const open = (options) => openPool(load(), options);
  const openFake = (options) => open({ Client: fakeClients(), ...options });

  async function leaseAll(pool, count) {
    return Promise.all(Array.from({ length: count }, () => pool.connect()));
  }

  test('an idle client goes after its time', async () => {
    const pool = open({ idleTimeoutMillis: 50 });
    const client = await pool.connect();
    const trace = new Trace(pool);
    const since = performance.now();
    client.release();
    await next(pool, 'remove');
    expect(performance.now() - since).toBeGreaterThan(45);
    expect(trace.lines).toEqual([
      'release undefined client 1 | total 1 idle 0 waiting 0 expired 0',
      'remove client 1 | total 0 idle 0 waiting 0 expired 0',
    ]);
  });

  test('a client that is used meanwhile does not', async () => {
    const pool = openFake({ idleTimeoutMillis: 1000 });
    const client = await pool.connect();
    client.release();
    await pause(200);
    expect(await pool.connect()).toBe(client);
    await pause(1200);
    expect(counters(pool)).toBe('total 1 idle 0 waiting 0 expired 0');
    client.release();
    expect(pool.idleCount).toBe(1);
  });

  test('idleTimeoutMillis 0 is never', async () => {
    const pool = openFake({ idleTimeoutMillis: 0 });
    (await pool.connect()).release();
    await pause(50);
    expect(pool.idleCount).toBe(1);
  });

  test('min spares clients, and opens none', async () => {
    const pool = openFake({ min: 2, max: 5, idleTimeoutMillis: 20 });
    await quiet();
    expect(pool.totalCount).toBe(0);
    for (const client of await leaseAll(pool, 4)) client.release();
    expect(pool.totalCount).toBe(4);
    await until(() => pool.totalCount === 2);
    await pause(60);
    expect(counters(pool)).toBe('total 2 idle 2 waiting 0 expired 0');
  });

  test.each([1, 3])('a client that was used %i times is ended by its release', async (maxUses) => {
    const messages = [];
    const pool = open({ maxUses, log: (text) => messages.push(text) });
    let client;
    for (let uses = 1; uses <= maxUses; uses++) {
      client = await pool.connect();
      expect(client._ending).toBe(false);
      client.release();
      expect(client._ending).toBe(uses === maxUses);
      expect(pool.totalCount).toBe(uses === maxUses ? 0 : 1);
    }
    expect(messages.filter((text) => text === 'remove expended client')).toHaveLength(1);
    const next = await pool.connect();
    expect(next).not.toBe(client);
    next.release();
  });

  test('queries count, too', async () => {
    const Fake = fakeClients();
    const pool = open({ Client: Fake, maxUses: 7_500 / 100 });
    for (let i = 0; i < 160; i++) await pool.query('text');
    expect(Fake.made).toHaveLength(3);
    expect(Fake.made.map((client) => client._poolUseCount)).toEqual([75, 75, 10]);
  });

  test('a lent client expires, and goes when it is given back', async () => {
    const pool = open({ maxLifetimeSeconds: 0.05 });
    const client = await pool.connect();
    expect(pool.expiredCount).toBe(0);
    await until(() => pool.expiredCount === 1);
    expect(counters(pool)).toBe('total 1 idle 0 waiting 0 expired 1');
    await client.query('select 1');
    const trace = new Trace(pool);
    client.release();
    trace.note('released');
    await next(pool, 'remove');
    expect(trace.lines).toEqual([
      'release undefined client 1 | total 1 idle 0 waiting 0 expired 1',
      'released | total 0 idle 0 waiting 0 expired 0',
      'remove client 1 | total 0 idle 0 waiting 0 expired 0',
    ]);
  });

  test('an idle client that expires goes by itself, below min too', async () => {
    const pool = open({ maxLifetimeSeconds: 0.05, min: 1 });
    const client = await pool.connect();
    const trace = new Trace(pool);
    client.release();
    await next(pool, 'remove');
    const told = trace.lines.map((line) => line.split(' | ')[0]);
    expect(told).toEqual([
      'release undefined client 1',
      'acquire client 1',
      'release undefined client 1',
      'remove client 1',
    ]);
    expect(counters(pool)).toBe('total 0 idle 0 waiting 0 expired 0');
  });

  test('young clients are kept', async () => {
    const pool = openFake({ maxLifetimeSeconds: 60 });
    const client = await pool.connect();
    client.release();
    await pause(30);
    expect(await pool.connect()).toBe(client);
    client.release();
  });
});
