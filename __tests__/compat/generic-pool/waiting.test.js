'use strict';
// Those who wait: priorities, how many may, for how long.

const { LIBRARIES, Workshop, agree, counters, quiet, rejection } = require('./libraries.js');

describe.each(LIBRARIES)('%s', (_name, load) => {
  const open = (options, workshop = new Workshop()) => load().createPool(workshop.factory, options);

  /** The order in which callers of these priorities are served. */
  async function served(options, priorities) {
    const pool = open({ max: 1, ...options });
    const resource = await pool.acquire();
    const order = [];
    const waiting = priorities.map(async (priority, i) => {
      const lent = await (priority === 'none' ? pool.acquire() : pool.acquire(priority));
      order.push(i);
      await pool.release(lent);
    });
    pool.release(resource);
    await Promise.all(waiting);
    return order;
  }

  test('without a range all wait in one line', async () => {
    expect(await served({}, [3, 0, -1, 'none', 1])).toEqual([0, 1, 2, 3, 4]);
  });

  test('0 goes first, and the default is 0', async () => {
    expect(await served({ priorityRange: 3 }, [2, 1, 'none', 2, 0])).toEqual([2, 4, 1, 0, 3]);
  });

  test('what is out of range goes last', async () => {
    const order = await served({ priorityRange: 3 }, [-1, 3, 99, 2, 1]);
    expect(order).toEqual([4, 0, 1, 2, 3]);
  });

  test.each([
    ['strings', ['2', '1', '0'], [2, 1, 0]],
    ['fractions', [1.9, 0.9, -0.5], [1, 2, 0]],
    ['nonsense', [1, 'x', null, NaN, {}], [1, 2, 3, 4, 0]],
    ['beyond 32 bits', [2 ** 32 + 1, 2 ** 33, 1], [1, 0, 2]],
  ])('priorities may be %s', async (_kind, priorities, order) => {
    expect(await served({ priorityRange: 3 }, priorities)).toEqual(order);
  });

  test.each([[0], [-4], ['x'], [null], [undefined]])('priorityRange %p is 1', async (range) => {
    expect(await served({ priorityRange: range }, [5, 1, 0])).toEqual([0, 1, 2]);
  });

  test('priorityRange may be a string', async () => {
    expect(await served({ priorityRange: '2' }, [1, 0])).toEqual([1, 0]);
  });

  test('each class is first come, first served', async () => {
    const priorities = Array.from({ length: 60 }, (_, i) => i % 6);
    const order = await served({ priorityRange: 6 }, priorities);
    const expected = [...priorities.keys()].sort((a, b) => (a % 6) - (b % 6) || a - b);
    expect(order).toEqual(expected);
  });

  test('maxWaitingClients bounds who waits', async () => {
    const pool = open({ max: 1, maxWaitingClients: '2' });
    const resource = await pool.acquire();
    const waiting = [pool.acquire(), pool.acquire()];
    const refused = pool.acquire();
    expect(pool.pending).toBe(2);
    const error = await rejection(refused);
    expect(error).toBeInstanceOf(Error);
    expect(error.constructor.name).toBe('Error');
    expect(error.message).toBe('max waitingClients count exceeded');
    pool.release(resource);
    const third = pool.acquire();
    expect(pool.pending).toBe(2);
    pool.release(await waiting[0]);
    pool.release(await waiting[1]);
    expect(await third).toBe(resource);
  });

  test('with maxWaitingClients 0 one may still wait for a create', async () => {
    const workshop = new Workshop({ held: true });
    const pool = open({ max: 2, maxWaitingClients: 0 }, workshop);
    const first = pool.acquire();
    const second = pool.acquire();
    const third = await rejection(pool.acquire());
    expect(third.message).toBe('max waitingClients count exceeded');
    workshop.opening.forEach(({ finish }) => finish());
    pool.release(await first);
    expect(await pool.acquire()).toEqual({ id: 1 });
    expect(await second).toEqual({ id: 2 });
  });

  test('a negative maxWaitingClients refuses whoever would wait', async () => {
    const pool = open({ max: 1, maxWaitingClients: -1 });
    const resource = await pool.acquire();
    expect((await rejection(pool.acquire())).message).toBe('max waitingClients count exceeded');
    await pool.release(resource);
    expect(await pool.acquire()).toBe(resource);
  });

  test('acquireTimeoutMillis ends a wait and takes it out of the line', async () => {
    const pool = open({ max: 1, acquireTimeoutMillis: 20 });
    const resource = await pool.acquire();
    const began = Date.now();
    const waiting = pool.acquire();
    expect(pool.pending).toBe(1);
    const error = await rejection(waiting);
    expect(Date.now() - began).toBeGreaterThanOrEqual(15);
    expect(error).toBeInstanceOf(Error);
    expect(error.name).toBe('TimeoutError');
    expect(error.constructor.name).toBe('TimeoutError');
    expect(error.message).toBe('ResourceRequest timed out');
    expect(error.stack).toContain('TimeoutError');
    await quiet();
    expect(counters(pool)).toMatchObject({ pending: 0, borrowed: 1 });
    await pool.release(resource);
    expect(counters(pool)).toMatchObject({ available: 1, borrowed: 0 });
  });

  test('who timed out does not hold up those behind', async () => {
    const pool = open({ max: 1, acquireTimeoutMillis: 300 });
    const resource = await pool.acquire();
    const early = rejection(pool.acquire());
    await new Promise((resolve) => setTimeout(resolve, 150));
    const late = pool.acquire();
    expect((await early).message).toBe('ResourceRequest timed out');
    pool.release(resource);
    expect(await late).toBe(resource);
  });

  test('a create that nobody waits for any more becomes idle', async () => {
    const workshop = new Workshop({ held: true });
    const pool = open({ max: 1, acquireTimeoutMillis: 10 }, workshop);
    await rejection(pool.acquire());
    expect(counters(pool)).toMatchObject({ size: 1, available: 0 });
    workshop.opening[0].finish();
    await quiet();
    expect(counters(pool)).toMatchObject({ size: 1, available: 1, pending: 0 });
  });

  test('a timeout does not reach those who were served', async () => {
    const pool = open({ max: 1, acquireTimeoutMillis: 10 });
    const resource = await pool.acquire();
    await new Promise((resolve) => setTimeout(resolve, 30));
    expect(pool.isBorrowedResource(resource)).toBe(true);
    await pool.release(resource);
  });
});

agree('priorities over two resources', async (lib, trace) => {
  const workshop = new Workshop();
  const pool = lib.createPool(workshop.factory, { max: 2, priorityRange: 3 });
  trace.watch(pool, workshop);
  const held = await Promise.all([pool.acquire(), pool.acquire()]);
  [2, 0, 1, 7, 0, '1', undefined].forEach((priority, i) => {
    trace.follow(`waiter ${i} of ${priority}`, pool.acquire(priority)).then((resource) => {
      held.push(resource);
    });
    trace.step(`acquire ${i}`);
  });
  for (let i = 0; i < 9; i++) {
    pool.release(held.shift());
    trace.step('release');
    await quiet();
  }
});

agree('maxWaitingClients counts who waits for creates', async (lib, trace) => {
  for (const maxWaitingClients of [0, 1, 3]) {
    const workshop = new Workshop({ held: true });
    const pool = lib.createPool(workshop.factory, { max: 2, maxWaitingClients });
    trace.watch(pool, workshop);
    for (let i = 0; i < 6; i++) {
      trace.follow(`waiter ${i}`, pool.acquire()).catch(() => {});
      trace.step(`acquire ${i} of at most ${maxWaitingClients}`);
    }
    await quiet();
    workshop.opening.forEach(({ finish }) => finish());
    await quiet();
    trace.step('created');
    trace.follow('one more', pool.acquire()).catch(() => {});
    trace.step('one more');
    await quiet();
  }
});

agree('timeouts leave the line in order', async (lib, trace) => {
  const workshop = new Workshop();
  const pool = lib.createPool(workshop.factory, { max: 1, acquireTimeoutMillis: 15 });
  trace.watch(pool, workshop);
  const resource = await pool.acquire();
  const waiting = [0, 1, 2].map((i) => trace.follow(`waiter ${i}`, pool.acquire()));
  trace.step('three wait');
  await Promise.allSettled(waiting);
  await quiet();
  trace.step('none waits');
  pool.release(resource);
  trace.step('released');
});
