'use strict';
// drain and clear.

const { LIBRARIES, Workshop, agree, counters, quiet, rejection } = require('./libraries.js');

const DRAINING = 'pool is draining and cannot accept work';

describe.each(LIBRARIES)('%s', (_name, load) => {
  const open = (options, workshop = new Workshop()) => load().createPool(workshop.factory, options);

  const settled = (promise) => {
    const state = { settled: false };
    promise.finally(() => (state.settled = true));
    return state;
  };

  test('drain refuses new callers at once', async () => {
    const pool = open();
    const drained = pool.drain();
    const error = await rejection(pool.acquire());
    expect(error).toBeInstanceOf(Error);
    expect(error.constructor.name).toBe('Error');
    expect(error.message).toBe(DRAINING);
    expect(await drained).toBeUndefined();
    expect((await rejection(pool.acquire())).message).toBe(DRAINING);
  });

  test('drain waits for those who wait and for what is lent', async () => {
    const pool = open({ max: 1 });
    const resource = await pool.acquire();
    const waiting = pool.acquire();
    const drained = pool.drain();
    const state = settled(drained);
    await quiet();
    expect(state.settled).toBe(false);
    pool.release(resource);
    await waiting;
    await quiet();
    expect(state.settled).toBe(false);
    pool.release(resource);
    await drained;
  });

  test('drain destroys nothing', async () => {
    const workshop = new Workshop();
    const pool = open({ min: 2, max: 2 }, workshop);
    await quiet();
    await pool.drain();
    expect(workshop.calls).toEqual(['create 1', 'create 2']);
    expect(counters(pool)).toMatchObject({ size: 2, available: 2 });
  });

  test('drain goes on when the last waiter timed out, until the last loan is back', async () => {
    const pool = open({ max: 1, priorityRange: 2, acquireTimeoutMillis: 10 });
    const resource = await pool.acquire();
    const waiting = rejection(pool.acquire(1));
    const drained = pool.drain();
    const state = settled(drained);
    await waiting;
    await quiet();
    expect(state.settled).toBe(false);
    pool.release(resource);
    await drained;
  });

  test('drain may be called again', async () => {
    const pool = open();
    const resource = await pool.acquire();
    const both = Promise.all([pool.drain(), pool.drain()]);
    pool.release(resource);
    await both;
    await pool.drain();
  });

  test('a draining pool creates for those who waited', async () => {
    const workshop = new Workshop();
    const pool = open({ max: 1 }, workshop);
    const resource = await pool.acquire();
    const waiting = pool.acquire();
    const drained = pool.drain();
    pool.destroy(resource);
    pool.release(await waiting);
    await drained;
    expect(workshop.calls).toEqual(['create 1', 'destroy 1', 'create 2']);
  });

  test('drain and then clear, as everybody ends a pool', async () => {
    const workshop = new Workshop();
    const pool = open({ min: 2, max: 4 }, workshop);
    const lent = await Promise.all([pool.acquire(), pool.acquire(), pool.acquire()]);
    const ended = pool.drain().then(() => pool.clear());
    lent.forEach((resource) => pool.release(resource));
    expect(await ended).toBeUndefined();
    expect(workshop.calls.slice(3).sort()).toEqual(['destroy 1', 'destroy 2', 'destroy 3']);
    expect(workshop.made).toBe(3);
    expect(pool.size).toBe(0);
  });

  test('clear destroys what is idle and leaves what is lent', async () => {
    const workshop = new Workshop();
    const pool = open({ max: 3 }, workshop);
    const lent = await Promise.all([pool.acquire(), pool.acquire(), pool.acquire()]);
    pool.release(lent[0]);
    pool.release(lent[2]);
    await pool.clear();
    expect(workshop.calls.slice(3)).toEqual(['destroy 1', 'destroy 3']);
    expect(counters(pool)).toMatchObject({ size: 1, borrowed: 1 });
    await pool.release(lent[1]);
    expect(workshop.calls).toHaveLength(5);
  });

  test('clear refills min', async () => {
    const workshop = new Workshop();
    const pool = open({ min: 2, max: 4 }, workshop);
    await quiet();
    await pool.clear();
    await quiet();
    expect(workshop.made).toBe(4);
    expect(pool.size).toBe(2);
  });

  test('clear waits for creates and destroys what they made', async () => {
    const workshop = new Workshop({ held: true });
    const pool = open({ min: 1, max: 1 }, workshop);
    pool.drain();
    const clearing = pool.clear();
    const state = settled(clearing);
    await quiet();
    expect(state.settled).toBe(false);
    workshop.opening[0].finish();
    await clearing;
    expect(workshop.calls).toEqual(['create 1', 'destroy 1']);
    expect(pool.size).toBe(0);
  });

  test('clear waits for every destroy, also of those begun before', async () => {
    const going = [];
    const pool = load().createPool(
      { create: () => ({}), destroy: () => new Promise((done) => going.push(done)) },
      { max: 2 },
    );
    const [first, second] = await Promise.all([pool.acquire(), pool.acquire()]);
    pool.destroy(first);
    pool.release(second);
    const clearing = pool.clear();
    const state = settled(clearing);
    await quiet();
    expect(going).toHaveLength(2);
    going[1]();
    await quiet();
    expect(state.settled).toBe(false);
    going[0]();
    await clearing;
  });

  test('clear resolves although creates and destroys fail', async () => {
    const pool = load().createPool(
      {
        create: () => Promise.reject(new Error('no')),
        destroy: () => Promise.reject(new Error('neither')),
      },
      { min: 1, max: 2 },
    );
    pool.drain();
    expect(await pool.clear()).toBeUndefined();
  });

  test('clear resolves although a destroy timed out', async () => {
    const pool = load().createPool(
      { create: () => ({}), destroy: () => new Promise(() => {}) },
      { destroyTimeoutMillis: 10 },
    );
    await pool.release(await pool.acquire());
    const alive = setInterval(() => {}, 1000);
    await pool.clear();
    clearInterval(alive);
    expect(pool.size).toBe(0);
  });
});

agree('a pool is drained step by step', async (lib, trace) => {
  const workshop = new Workshop();
  const pool = lib.createPool(workshop.factory, { min: 1, max: 2 });
  trace.watch(pool, workshop);
  const held = await Promise.all([pool.acquire(), pool.acquire()]);
  await quiet();
  for (const i of [0, 1]) {
    trace.follow(`waiter ${i}`, pool.acquire()).then((resource) => held.push(resource));
  }
  trace.step('two have, two wait');
  trace.follow('drain', pool.drain());
  trace.step('drain');
  trace.follow('late', pool.acquire()).catch(() => {});
  while (held.length > 0) {
    const resource = held.shift();
    if (resource.id === 1) pool.release(resource);
    else pool.destroy(resource);
    trace.step(`${resource.id} is back`);
    await quiet();
    trace.step('quiet');
  }
});
