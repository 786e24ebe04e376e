'use strict';
// connect and release: what callers get, in which order, and the counters after each call.

const { EventEmitter } = require('node:events');
const { rejection } = require('../../support/pools.js');
const { IMPLEMENTATIONS } = require('./implementations.js');
const { Trace, called, counters, fakeClients, openPool, quiet } = require('./pools.js');

const TWICE = 'Release called on client which has already been released to the pool.';

describe.each(IMPLEMENTATIONS)('%s', (_name, load) => {
  const open = (options) => openPool(load(), options);

  test('a pool is an EventEmitter of a class that can be extended and needs new', () => {
    const { Pool } = load();
    class Named extends Pool {
      describe() {
        return `${this.totalCount} of ${this.options.max}`;
      }
    }
    const pool = new Named({ max: 7 });
    expect(pool).toBeInstanceOf(Pool);
    expect(pool).toBeInstanceOf(EventEmitter);
    expect(pool.describe()).toBe('0 of 7');
    expect(Pool.name).toMatch(/Pool/);
    expect(() => Pool({})).toThrow(TypeError);
  });

  test('what a new pool shows', () => {
    const { Pool, Client } = load();
    const pool = new Pool();
    expect(pool.options).toEqual({
      max: 10,
      min: 0,
      maxUses: Infinity,
      allowExitOnIdle: false,
      maxLifetimeSeconds: 0,
      idleTimeoutMillis: 10_000,
    });
    expect(counters(pool)).toBe('total 0 idle 0 waiting 0 expired 0');
    expect([pool.ending, pool.ended]).toEqual([false, false]);
    expect(pool.Client).toBe(Client);
    expect(pool.Promise).toBe(Promise);
    expect(pool.log()).toBeUndefined();
    expect(new Pool({ poolSize: 3 }).options.max).toBe(3);
    expect(new Pool({ poolSize: 3, max: 4 }).options.max).toBe(4);
    expect(new Pool({ idleTimeoutMillis: 0 }).options.idleTimeoutMillis).toBe(0);
  });

  test('the password is not enumerable, and stays writable', () => {
    const { Pool } = load();
    const given = { password: 'secret', user: 'u' };
    const { options } = new Pool(given);
    expect(Object.keys(options)).not.toContain('password');
    expect(options.password).toBe('secret');
    options.password = 'other';
    expect(options.password).toBe('other');
    expect(given).toEqual({ password: 'secret', user: 'u' });
    expect('password' in new Pool({ password: undefined }).options).toBe(true);
  });

  test('the key of ssl is not enumerable', () => {
    const { Pool } = load();
    const { ssl } = new Pool({ ssl: { key: 'secret', ca: 'ca' } }).options;
    expect(Object.keys(ssl)).toEqual(['ca']);
    expect(ssl.key).toBe('secret');
  });

  test('connect resolves with a connected client', async () => {
    const pool = open();
    const client = await pool.connect();
    expect(client).toBeInstanceOf(load().Client);
    expect((await client.query('select 1 as one')).rows).toEqual([{ one: 1 }]);
    expect(client.release()).toBeUndefined();
  });

  test('connect by a callback returns nothing and is never over at once', async () => {
    const pool = open();
    for (const round of ['a new client', 'an idle client']) {
      let isSynchronous = true;
      let returned = round;
      const given = await called((done) => {
        returned = pool.connect((...all) => done(isSynchronous, ...all));
        isSynchronous = false;
      });
      const [whileCalled, error, client, release] = given;
      expect([returned, whileCalled, error]).toEqual([undefined, false, undefined]);
      expect(given).toHaveLength(4);
      expect(release).toBe(client.release);
      expect(release).toHaveLength(1);
      release();
    }
  });

  test('release is a new function at each checkout, and works once', async () => {
    const pool = open({ max: 1 });
    const client = await pool.connect();
    const { release } = client;
    release();
    expect(() => release()).toThrow(TWICE);
    expect(await pool.connect()).toBe(client);
    expect(client.release).not.toBe(release);
    expect(() => release()).toThrow(TWICE);
    expect(counters(pool)).toBe('total 1 idle 0 waiting 0 expired 0');
    client.release();
    expect(() => client.release()).toThrow(TWICE);
    expect(counters(pool)).toBe('total 1 idle 1 waiting 0 expired 0');
  });

  test('events and counters, from the first client to the end', async () => {
    const pool = open({ max: 1 });
    const trace = new Trace(pool);
    const first = pool.connect();
    trace.note('asked');
    const second = pool.connect();
    trace.note('asked again');
    const client = await first;
    trace.note('first', client);
    client.release();
    trace.note('released');
    await second;
    trace.note('second', client);
    const removed = new Promise((resolve) => pool.once('remove', resolve));
    client.release(new Error('broken'));
    trace.note('released');
    await removed;
    await pool.end();
    trace.note('ended');
    expect(trace.lines).toEqual([
      'asked | total 1 idle 0 waiting 0 expired 0',
      'asked again | total 1 idle 0 waiting 1 expired 0',
      'connect client 1 | total 1 idle 0 waiting 1 expired 0',
      'acquire client 1 | total 1 idle 0 waiting 1 expired 0',
      'first client 1 | total 1 idle 0 waiting 1 expired 0',
      'release undefined client 1 | total 1 idle 0 waiting 1 expired 0',
      'acquire client 1 | total 1 idle 0 waiting 0 expired 0',
      'released | total 1 idle 0 waiting 0 expired 0',
      'second client 1 | total 1 idle 0 waiting 0 expired 0',
      'release broken client 1 | total 1 idle 0 waiting 0 expired 0',
      'released | total 0 idle 0 waiting 0 expired 0',
      'remove client 1 | total 0 idle 0 waiting 0 expired 0',
      'ended | total 0 idle 0 waiting 0 expired 0 ending ended',
    ]);
  });

  test('an idle client is idle until the tick after connect', async () => {
    const pool = open();
    (await pool.connect()).release();
    const trace = new Trace(pool);
    const asked = pool.connect();
    trace.note('asked');
    await asked;
    expect(trace.lines).toEqual([
      'asked | total 1 idle 1 waiting 1 expired 0',
      'acquire client 1 | total 1 idle 0 waiting 0 expired 0',
    ]);
    (await asked).release();
  });

  test('the client released last is lent first, waiters are served as they came', async () => {
    const pool = open({ max: 2 });
    const [first, second] = await Promise.all([pool.connect(), pool.connect()]);
    const served = [];
    const waiting = ['a', 'b', 'c'].map((name) =>
      pool.connect().then((client) => {
        served.push(name);
        return client;
      }),
    );
    first.release();
    const a = await waiting[0];
    second.release();
    const b = await waiting[1];
    b.release();
    const c = await waiting[2];
    expect(served).toEqual(['a', 'b', 'c']);
    a.release();
    c.release();
    expect(await pool.connect()).toBe(c);
    expect(await pool.connect()).toBe(a);
    a.release();
    c.release();
  });

  test('no more than max clients, whatever comes in between', async () => {
    const pool = open({ max: 3 });
    const most = [];
    await Promise.all(
      Array.from({ length: 30 }, async (_, at) => {
        const client = await pool.connect();
        most.push(pool.totalCount);
        await client.query('select 1');
        client.release(at % 7 === 0);
      }),
    );
    expect(Math.max(...most)).toBe(3);
    expect(pool.waitingCount).toBe(0);
  });

  test('release of something true destroys the client', async () => {
    const pool = open();
    const client = await pool.connect();
    const told = called((done) => pool.once('release', done));
    client.release(true);
    expect(await told).toEqual([true, client]);
    expect(pool.totalCount).toBe(0);
    const next = await pool.connect();
    expect(next).not.toBe(client);
    next.release();
  });

  test('a client that its borrower has ended is not lent again', async () => {
    const pool = open();
    const client = await pool.connect();
    await client.end();
    expect(pool.totalCount).toBe(1);
    client.release();
    expect(pool.totalCount).toBe(0);
  });

  test('a class of clients of the caller is made with the options of the pool', async () => {
    const { Pool } = load();
    const Fake = fakeClients();
    const pool = open({ Client: Fake });
    const client = await pool.connect();
    expect(client).toBeInstanceOf(Fake);
    expect(client.options).toBe(pool.options);
    client.release();
    expect(client._poolUseCount).toBe(1);
    await pool.query('text');
    expect(client._poolUseCount).toBe(2);
    await pool.end();
    expect(Fake.calls).toEqual(['connect 1', 'ref 1', 'query 1', 'end 1']);
  });

  test('a client that does not say it can be queried is not kept', async () => {
    const { Pool } = load();
    const Fake = fakeClients();
    const pool = open({ Client: Fake });
    const client = await pool.connect();
    client._queryable = false;
    client.release();
    expect(counters(pool)).toBe('total 0 idle 0 waiting 0 expired 0');
    await quiet();
    expect(Fake.calls).toEqual(['connect 1', 'end 1']);
  });

  test('the pool listens to a client while nobody has it', async () => {
    const { Pool } = load();
    const pool = open({ Client: fakeClients() });
    const client = await pool.connect();
    expect(client.listenerCount('error')).toBe(0);
    client.release();
    expect(client.listenerCount('error')).toBe(1);
    await pool.query('text');
    expect(client.listenerCount('error')).toBe(1);
  });

  test.each([true, false])(
    'and when it goes from hand to hand (told of it: %s)',
    async (isTold) => {
      const pool = open({ Client: fakeClients(), max: 1 });
      const seen = [];
      if (isTold) {
        pool.on('release', (_error, client) => seen.push(client.listenerCount('error')));
        pool.on('acquire', (client) => seen.push(client.listenerCount('error')));
      }
      const client = await pool.connect();
      const [second, query, third] = [pool.connect(), pool.query('text'), pool.connect()];
      client.release();
      expect(await second).toBe(client);
      expect(client.listenerCount('error')).toBe(0);
      client.release();
      await query;
      expect(await third).toBe(client);
      expect(client.listenerCount('error')).toBe(0);
      client.release();
      expect(client.listenerCount('error')).toBe(1);
      expect(seen).toEqual(isTold ? [1, 1, 1, 1, 1, 1, 1, 1] : []);
    },
  );

  test('max may be changed while the pool is used', async () => {
    const pool = open({ max: 1 });
    const first = await pool.connect();
    pool.options.max = 2;
    const second = await pool.connect();
    expect(pool.totalCount).toBe(2);
    first.release();
    second.release();
  });

  test('of a pool that ends nobody gets a client', async () => {
    const pool = open();
    const ended = pool.end();
    const message = 'Cannot use a pool after calling end on the pool';
    expect((await rejection(pool.connect())).message).toBe(message);
    expect((await rejection(pool.query('select 1'))).message).toBe(message);
    expect((await called((done) => pool.connect(done)))[0].message).toBe(message);
    expect((await called((done) => pool.query('select 1', done)))[0].message).toBe(message);
    await ended;
  });
});
