'use strict';
// pool.end: what it waits for and what it tells.

const { rejection } = require('../../support/pools.js');
const { IMPLEMENTATIONS } = require('./implementations.js');
const { Trace, called, counters, fakeClients, openPool, quiet } = require('./pools.js');

describe.each(IMPLEMENTATIONS)('%s', (_name, load) => {
  const open = (options) => openPool(load(), options);
  const openFake = (options) => open({ Client: fakeClients(), ...options });

  test('a pool without clients has ended within the call', async () => {
    const pool = open();
    const ended = pool.end();
    expect([pool.ending, pool.ended]).toEqual([true, true]);
    expect(await ended).toBeUndefined();
  });

  test('by a callback, which is given nothing', async () => {
    const pool = open();
    let returned = 'something';
    expect(await called((done) => (returned = pool.end(done)))).toEqual([]);
    expect(returned).toBeUndefined();
  });

  test('twice', async () => {
    const pool = open();
    const message = 'Called end on pool more than once';
    const ended = pool.end();
    expect((await rejection(pool.end())).message).toBe(message);
    expect((await called((done) => pool.end(done)))[0].message).toBe(message);
    await ended;
    expect((await rejection(pool.end())).message).toBe(message);
  });

  test('idle clients go at once, the longest idle first', async () => {
    const pool = openFake();
    const clients = await Promise.all([pool.connect(), pool.connect(), pool.connect()]);
    for (const at of [1, 2, 0]) clients[at].release();
    const trace = new Trace(pool);
    for (const client of clients) trace.show(client);
    const ended = pool.end();
    trace.note('asked');
    await ended;
    await quiet();
    expect(trace.lines).toEqual([
      'asked | total 0 idle 0 waiting 0 expired 0 ending ended',
      'remove client 2 | total 0 idle 0 waiting 0 expired 0 ending ended',
      'remove client 3 | total 0 idle 0 waiting 0 expired 0 ending ended',
      'remove client 1 | total 0 idle 0 waiting 0 expired 0 ending ended',
    ]);
  });

  test('lent clients are waited for', async () => {
    const pool = open();
    const [first, second] = await Promise.all([pool.connect(), pool.connect()]);
    first.release();
    const trace = new Trace(pool);
    trace.show(first);
    const ended = pool.end().then(() => trace.note('ended'));
    trace.note('asked');
    await second.query('select 1');
    const removed = new Promise((resolve) => pool.on('remove', resolve));
    second.release();
    trace.note('released');
    await Promise.all([ended, removed]);
    expect(trace.lines[0]).toBe('asked | total 1 idle 0 waiting 0 expired 0 ending');
    expect(trace.lines).toContain('released | total 0 idle 0 waiting 0 expired 0 ending');
    expect(trace.lines).toContain('ended | total 0 idle 0 waiting 0 expired 0 ending ended');
    expect(second._ending).toBe(true);
  });

  test('a client that is being connected reaches whoever asked for it', async () => {
    const pool = open();
    const asked = pool.connect();
    const ended = pool.end();
    expect(counters(pool)).toBe('total 1 idle 0 waiting 0 expired 0 ending');
    const client = await asked;
    expect((await client.query('select 1 as one')).rows).toEqual([{ one: 1 }]);
    expect(pool.ended).toBe(false);
    client.release();
    await ended;
    expect(pool.ended).toBe(true);
  });
});
