'use strict';
// min: filled at the start, refilled after each destroy; start, autostart and ready.

const { LIBRARIES, Workshop, agree, counters, quiet } = require('./libraries.js');

describe.each(LIBRARIES)('%s', (_name, load) => {
  const open = (workshop, options) => load().createPool(workshop.factory, options);

  test('min is created in the constructor, all at once', async () => {
    const workshop = new Workshop({ held: true });
    const pool = open(workshop, { min: 40, max: 50 });
    expect(workshop.made).toBe(40);
    expect(counters(pool)).toMatchObject({ size: 40, available: 0 });
    workshop.opening.forEach(({ finish }) => finish());
    await quiet();
    expect(counters(pool)).toMatchObject({ size: 40, available: 40 });
  });

  test('those who come while min is created take of it', async () => {
    const workshop = new Workshop({ held: true });
    const pool = open(workshop, { min: 2, max: 4 });
    const lent = [pool.acquire(), pool.acquire(), pool.acquire()];
    expect(workshop.made).toBe(3);
    workshop.opening.forEach(({ finish }) => finish());
    expect(await Promise.all(lent)).toEqual([{ id: 1 }, { id: 2 }, { id: 3 }]);
  });

  test('what is destroyed is replaced within the call', async () => {
    const workshop = new Workshop();
    const pool = open(workshop, { min: 2, max: 4 });
    await quiet();
    pool.destroy(await pool.acquire());
    expect(workshop.calls).toEqual(['create 1', 'create 2', 'destroy 1', 'create 3']);
    expect(pool.size).toBe(2);
  });

  test('not while draining', async () => {
    const workshop = new Workshop();
    const pool = open(workshop, { min: 2, max: 4 });
    await quiet();
    const resource = await pool.acquire();
    const drained = pool.drain();
    await pool.destroy(resource);
    await drained;
    expect(workshop.made).toBe(2);
    expect(counters(pool)).toMatchObject({ size: 1, available: 1, min: 2 });
  });

  test('without autostart nothing happens until start', async () => {
    const workshop = new Workshop();
    const pool = open(workshop, { min: 2, max: 4, autostart: false });
    await quiet();
    expect(workshop.calls).toEqual([]);
    expect(pool.start()).toBeUndefined();
    expect(workshop.calls).toEqual(['create 1', 'create 2']);
    pool.start();
    expect(workshop.made).toBe(2);
  });

  test('without autostart the first acquire starts', async () => {
    const workshop = new Workshop();
    const pool = open(workshop, { min: 3, max: 4, autostart: false });
    const lent = pool.acquire();
    expect(workshop.made).toBe(3);
    expect(await lent).toEqual({ id: 1 });
    await quiet();
    expect(counters(pool)).toMatchObject({ size: 3, available: 2, borrowed: 1 });
  });

  test('start after drain does nothing', async () => {
    const workshop = new Workshop();
    const pool = open(workshop, { min: 2, max: 4, autostart: false });
    await pool.drain();
    pool.start();
    await quiet();
    expect(workshop.calls).toEqual([]);
  });

  test('ready resolves when min is available', async () => {
    const workshop = new Workshop({ held: true });
    const pool = open(workshop, { min: 2, max: 4 });
    let ready = false;
    const becoming = pool.ready().then((value) => {
      ready = true;
      return value;
    });
    workshop.opening[0].finish();
    await quiet();
    expect(ready).toBe(false);
    workshop.opening[1].finish();
    expect(await becoming).toBeUndefined();
    expect(pool.available).toBe(2);
  });

  test('ready counts what is available, not what is lent', async () => {
    const pool = open(new Workshop(), { min: 1, max: 1 });
    const resource = await pool.acquire();
    let ready = false;
    const becoming = pool.ready().then(() => (ready = true));
    await quiet();
    expect(ready).toBe(false);
    pool.release(resource);
    await becoming;
  });

  test('without min a pool is ready at once', async () => {
    await open(new Workshop()).ready();
  });
});

agree('min filled, lent out and refilled', async (lib, trace) => {
  const workshop = new Workshop({ held: true });
  const pool = lib.createPool(workshop.factory, { min: 3, max: 5 });
  trace.watch(pool, workshop);
  trace.step('made');
  workshop.opening.forEach(({ finish }) => finish());
  await quiet();
  trace.step('filled');
  const lent = [];
  for (let i = 0; i < 5; i++) {
    pool.acquire().then((resource) => lent.push(resource));
    trace.step(`acquire ${i}`);
  }
  workshop.opening.forEach(({ finish }) => finish());
  await quiet();
  trace.step('all are out');
  for (let i = 0; i < 5; i++) {
    pool.destroy(lent[i]);
    trace.step(`destroy ${lent[i].id}`);
  }
  workshop.opening.forEach(({ finish }) => finish());
  await quiet();
  trace.step('refilled');
});
