'use strict';
// Where the drop-in does not do as generic-pool: each test is a line of the README's table.

const { runProgram, printed } = require('../../support/child.js');
const { Workshop, counters, loadDropIn: load, quiet, rejection } = require('./libraries.js');

const open = (options, workshop = new Workshop()) => load().createPool(workshop.factory, options);

describe('clear()', () => {
  test('leaves nothing to lend that was destroyed', async () => {
    const workshop = new Workshop();
    const pool = open({ max: 2 }, workshop);
    await pool.release(await pool.acquire());
    await pool.clear();
    expect(counters(pool)).toMatchObject({ size: 0, available: 0 });
    expect(await pool.acquire()).toEqual({ id: 2 });
    expect(workshop.calls).toEqual(['create 1', 'destroy 1', 'create 2']);
  });

  test('may follow clear(), and the counters of an ended pool stay', async () => {
    const pool = open({ min: 1, max: 2 });
    await pool.drain();
    await pool.clear();
    await pool.clear();
    expect(counters(pool)).toEqual({
      size: 0,
      available: 0,
      borrowed: 0,
      pending: 0,
      spareResourceCapacity: 2,
      max: 2,
      min: 1,
    });
    expect(pool.isBorrowedResource({})).toBe(false);
    expect((await rejection(pool.release({}))).message).toMatch(/not currently part/);
    expect((await rejection(pool.acquire())).message).toMatch(/is draining/);
    await pool.drain();
  });
});

describe('a create that fails', () => {
  test('is tried again after a pause, and the timeout says what went wrong', async () => {
    let attempts = 0;
    const wrong = new Error('refused');
    const factory = { create: () => (attempts++, Promise.reject(wrong)), destroy() {} };
    const pool = load().createPool(factory, { acquireTimeoutMillis: 300 });
    const errors = [];
    pool.on('factoryCreateError', (error) => errors.push(error));
    const error = await rejection(pool.acquire());
    expect(error).toMatchObject({ name: 'TimeoutError', message: 'ResourceRequest timed out' });
    expect(error.cause).toBe(wrong);
    expect(attempts).toBeGreaterThan(1);
    expect(attempts).toBeLessThan(60); // even pauses of 5 ms, the shortest, allow no more
    expect(errors).toHaveLength(attempts);
    expect(new Set(errors)).toEqual(new Set([wrong]));
  });

  test('is no cause of a timeout once another one went well', async () => {
    let attempts = 0;
    const factory = {
      create: async () => {
        if (++attempts === 1) throw new Error('once');
        return {};
      },
      destroy() {},
    };
    const pool = load().createPool(factory, { acquireTimeoutMillis: 200 });
    await pool.acquire();
    expect(await rejection(pool.acquire())).not.toHaveProperty('cause');
  });

  test('may throw: acquire does not', async () => {
    let attempts = 0;
    const factory = {
      create() {
        if (++attempts === 1) throw new Error('at once');
        return { attempts };
      },
      destroy() {},
    };
    const pool = load().createPool(factory, { min: 1 });
    const errors = [];
    pool.on('factoryCreateError', (error) => errors.push(error.message));
    expect(await pool.acquire()).toEqual({ attempts: 2 });
    expect(errors).toEqual(['at once']);
  });

  test('leaves min to be filled by later attempts', async () => {
    let attempts = 0;
    const factory = {
      create: () => (++attempts < 3 ? Promise.reject(new Error('not yet')) : { attempts }),
      destroy() {},
    };
    const pool = load().createPool(factory, { min: 1 });
    const alive = setInterval(() => {}, 1000); // nobody waits, so the pool's timer does not
    await pool.ready();
    clearInterval(alive);
    expect(pool.available).toBe(1);
  });

  test('nine times of ten: 65 users are served, none twice, none never', async () => {
    let attempts = 0;
    const factory = {
      create: async () => {
        if (++attempts % 10 !== 0) throw new Error('bad day');
        return { attempts };
      },
      destroy() {},
    };
    const pool = load().createPool(factory, { max: 10 });
    const inUse = new Set();
    const work = async (user) => {
      const resource = await pool.acquire();
      expect(inUse.has(resource)).toBe(false);
      inUse.add(resource);
      expect(pool.size).toBeLessThanOrEqual(10);
      await quiet();
      inUse.delete(resource);
      await (user % 13 === 0 ? pool.destroy(resource) : pool.release(resource));
      return user;
    };
    const users = Array.from({ length: 65 }, (_, user) => user);
    expect(await Promise.all(users.map(work))).toEqual(users);
    expect(counters(pool)).toMatchObject({ borrowed: 0, pending: 0 });
  });
});

describe('a destroy', () => {
  test('that throws is reported like one that rejects', async () => {
    const wrong = new Error('at once');
    const factory = {
      create: () => ({}),
      destroy() {
        throw wrong;
      },
    };
    const pool = load().createPool(factory);
    const errors = [];
    pool.on('factoryDestroyError', (error) => errors.push(error));
    await pool.destroy(await pool.acquire());
    await quiet();
    expect(errors).toEqual([wrong]);
    expect(counters(pool)).toMatchObject({ size: 0, borrowed: 0 });
  });
});

test('what a listener of an event throws costs no slot and reaches the process', async () => {
  const run = await runProgram(`
    const replaced = require('./lib/compat/generic-pool/index.js');
    let attempts = 0;
    const pool = replaced.createPool({
      create: async () => {
        if (++attempts === 1) throw new Error('no');
        return 'thing';
      },
      destroy: async () => {},
    });
    pool.on('factoryCreateError', () => { throw new Error('in a listener'); });
    process.on('uncaughtException', ({ message }) => console.log(JSON.stringify(message)));
    pool.acquire().then((resource) => console.log(JSON.stringify(resource)));`);
  expect(printed(run)).toEqual(['in a listener', 'thing']);
});

test('a resource created twice is lent twice, and given back twice', async () => {
  const same = {};
  const pool = load().createPool({ create: () => same, destroy() {} }, { max: 2 });
  await Promise.all([pool.acquire(), pool.acquire()]);
  expect(pool.borrowed).toBe(2);
  await pool.release(same);
  expect(pool.isBorrowedResource(same)).toBe(true);
  await pool.release(same);
  expect(pool.isBorrowedResource(same)).toBe(false);
  expect(counters(pool)).toMatchObject({ size: 2, available: 2, borrowed: 0 });
  expect((await rejection(pool.release(same))).message).toMatch(/not currently part/);
});

describe('testOnBorrow', () => {
  test.each([
    ['rejects', () => Promise.reject(new Error('cannot tell'))],
    [
      'throws',
      () => {
        throw new Error('cannot tell');
      },
    ],
  ])('a validate that %s counts as false', async (_how, fail) => {
    let validate = () => true;
    const workshop = new Workshop({ validate: (resource) => validate(resource) });
    const pool = open({ testOnBorrow: true }, workshop);
    await pool.release(await pool.acquire());
    validate = ({ id }) => (id === 1 ? fail() : true);
    expect(await pool.acquire()).toEqual({ id: 2 });
    expect(workshop.calls).toContain('destroy 1');
  });

  test('without a validate there is nothing to test', async () => {
    const pool = open({ testOnBorrow: true });
    await pool.release(await pool.acquire());
    expect(await pool.acquire()).toEqual({ id: 1 });
  });

  test('new resources that are refused again and again come at a pace', async () => {
    const workshop = new Workshop({ validate: () => false });
    const pool = open({ testOnBorrow: true, acquireTimeoutMillis: 200 }, workshop);
    const errors = [];
    pool.on('factoryCreateError', (error) => errors.push(error));
    const error = await rejection(pool.acquire());
    expect(error.name).toBe('TimeoutError');
    expect(error.cause.message).toMatch(/factory.validate refused/);
    expect(workshop.made).toBeLessThan(90);
    expect(errors).toEqual([]);
    await quiet();
    const destroyed = workshop.calls.filter((call) => call.startsWith('destroy'));
    expect(destroyed.length).toBeGreaterThanOrEqual(workshop.made - 1);
  });
});

describe('use()', () => {
  test('takes functions that are not async', async () => {
    const pool = open();
    expect(await pool.use(({ id }) => id)).toBe(1);
    expect(counters(pool)).toMatchObject({ available: 1, borrowed: 0 });
  });

  test('takes functions that throw', async () => {
    const pool = open();
    const wrong = new Error('at once');
    const using = pool.use(() => {
      throw wrong;
    });
    expect(await rejection(using)).toBe(wrong);
    expect(counters(pool)).toMatchObject({ size: 0, borrowed: 0 });
  });

  test('does not mind that the function gave the resource back', async () => {
    const pool = open();
    const result = await pool.use(async (resource) => {
      await pool.release(resource);
      return 'done';
    });
    expect(result).toBe('done');
    expect(counters(pool)).toMatchObject({ available: 1, borrowed: 0 });
  });
});

describe('new Pool', () => {
  const { factory } = new Workshop();

  test.each([
    ['Deque', class Deque {}],
    ['Deque', undefined],
    ['PriorityQueue', class PriorityQueue {}],
    ['PriorityQueue', null],
  ])('refuses another %s than its own', (name, other) => {
    const { Pool, DefaultEvictor, Deque, PriorityQueue } = load();
    const queues = { Deque, PriorityQueue, [name]: other };
    const make = () => new Pool(DefaultEvictor, queues.Deque, queues.PriorityQueue, factory);
    expect(make).toThrow(TypeError);
    expect(make).toThrow(`pass the ${name} that it exports`);
  });

  test('names the step that a missing factory lacks', () => {
    expect(() => load().createPool()).toThrow('factory.create must be a function');
  });
});

test('priorities from 63 on share the last class', async () => {
  const pool = open({ max: 1, priorityRange: 100 });
  const resource = await pool.acquire();
  const order = [];
  const waiting = [99, 63, 80, 62].map(async (priority) => {
    const lent = await pool.acquire(priority);
    order.push(priority);
    await pool.release(lent);
  });
  pool.release(resource);
  await Promise.all(waiting);
  expect(order).toEqual([62, 99, 63, 80]);
});

test('creates that end in the same tick serve callers in the order of their calls', async () => {
  const pool = open({ max: 3, fifo: false });
  const lent = await Promise.all([pool.acquire(), pool.acquire(), pool.acquire()]);
  expect(lent.map(({ id }) => id)).toEqual([1, 2, 3]);
});

test('an Evictor that throws is asked again at the next run', async () => {
  jest.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  try {
    const { Pool, Deque, PriorityQueue } = load();
    let asked = 0;
    class Evictor {
      evict() {
        if (++asked === 1) throw new Error('no opinion');
        return true;
      }
    }
    const workshop = new Workshop();
    const options = { evictionRunIntervalMillis: 10 };
    const pool = new Pool(Evictor, Deque, PriorityQueue, workshop.factory, options);
    await pool.release(await pool.acquire());
    expect(() => jest.advanceTimersByTime(10)).toThrow('no opinion');
    jest.advanceTimersByTime(10);
    expect(workshop.calls).toEqual(['create 1', 'destroy 1']);
  } finally {
    jest.useRealTimers();
  }
});
