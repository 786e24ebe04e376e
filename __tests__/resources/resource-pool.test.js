'use strict';
// ResourcePool: the pool of resources in its shortest form, and what a monitor reads of it.

const { inspect } = require('node:util');
const { setImmediate: turn } = require('node:timers/promises');
const { factoryOf } = require('../support/factory.js');
const { deferred, rejection } = require('../support/pools.js');

const load = () => require('../../lib/resource-pool.js').ResourcePool;

const open = new Set();

function poolOf(factory, options) {
  const ResourcePool = load();
  const pool = new ResourcePool(factory, options);
  open.add(pool);
  return pool;
}

afterEach(async () => {
  for (const pool of open) {
    for (const resource of pool.inUse) pool.release(resource);
    await pool.drain().catch(() => {});
  }
  open.clear();
});

/** Creates nothing, and gives up when nobody wants it any more. */
const untilAborted = {
  create: ({ signal }) =>
    new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason))),
  destroy() {},
};

const figures = (pool) => [pool.resources.length, pool.inUse.size];

/** The monitor of the documents. */
class PoolMonitor {
  constructor(pool) {
    this.pool = pool;
  }

  getMetrics() {
    const total = this.pool.resources.length;
    const inUse = this.pool.inUse.size;
    return { total, inUse, available: total - inUse };
  }
}

describe('initialize', () => {
  test('creates min resources: 2 unless said otherwise', async () => {
    const { factory, calls } = factoryOf();
    const pool = poolOf(factory);
    expect(calls.create).toBe(0);
    expect(await pool.initialize()).toBeUndefined();
    expect(figures(pool)).toEqual([2, 0]);
    const { factory: other } = factoryOf();
    const larger = poolOf(other, { min: 5 });
    await larger.initialize();
    expect(figures(larger)).toEqual([5, 0]);
  });

  test('of none resolves at once', async () => {
    const { factory, calls } = factoryOf();
    await poolOf(factory, { min: 0 }).initialize();
    expect(calls.create).toBe(0);
  });

  test('may be called twice, and again', async () => {
    const { factory, calls } = factoryOf();
    const pool = poolOf(factory);
    await Promise.all([pool.initialize(), pool.initialize()]);
    await pool.initialize();
    expect(calls.create).toBe(2);
  });

  test('rejects with what create threw, and the next one may go well', async () => {
    const { factory } = factoryOf({ create: ['reject'] });
    const pool = poolOf(factory, { min: 1 });
    expect((await rejection(pool.initialize())).message).toBe('create rejected');
    await pool.initialize();
    expect(figures(pool)).toEqual([1, 0]);
  });

  test('is not needed', async () => {
    const { factory } = factoryOf();
    const pool = poolOf(factory);
    await pool.release(await pool.acquire());
    expect(pool.resources.length).toBeGreaterThan(0);
  });

  test('ends with the pool', async () => {
    const pool = poolOf(untilAborted);
    const initializing = rejection(pool.initialize());
    const draining = pool.drain();
    expect(await initializing).toMatchObject({ code: 'ERR_POLYPOOL_CLOSED' });
    await draining;
    expect(await rejection(pool.initialize())).toMatchObject({ code: 'ERR_POLYPOOL_CLOSED' });
  });
});

describe('acquire and release', () => {
  test('up to max, 10 unless said otherwise', async () => {
    const { factory, calls } = factoryOf();
    const pool = poolOf(factory);
    await pool.initialize();
    const lent = await Promise.all(Array.from({ length: 10 }, () => pool.acquire()));
    expect(new Set(lent).size).toBe(10);
    expect(figures(pool)).toEqual([10, 10]);
    const waiting = pool.acquire();
    await turn();
    expect(calls.create).toBe(10);
    await pool.release(lent[3]);
    expect(await waiting).toBe(lent[3]);
  });

  test('what is released is lent again', async () => {
    const { factory, calls } = factoryOf();
    const pool = poolOf(factory, { min: 1, max: 1 });
    const first = await pool.acquire();
    expect(await pool.release(first)).toBeUndefined();
    expect(await pool.acquire()).toBe(first);
    expect(calls.create).toBe(1);
  });

  test('those who wait are served in order', async () => {
    const { factory } = factoryOf();
    const pool = poolOf(factory, { min: 1, max: 1 });
    const order = [];
    const work = async (n) => {
      const resource = await pool.acquire();
      order.push(n);
      await turn();
      await pool.release(resource);
    };
    await Promise.all([0, 1, 2, 3, 4].map(work));
    expect(order).toEqual([0, 1, 2, 3, 4]);
  });

  test("'Acquire timeout' is the message", async () => {
    const { factory } = factoryOf();
    const pool = poolOf(factory, { min: 1, max: 1, acquireTimeout: 20 });
    await pool.acquire();
    const error = await rejection(pool.acquire());
    expect(error).toBeInstanceOf(Error);
    expect(error.message).toBe('Acquire timeout');
    expect(error).toMatchObject({
      name: 'AcquireTimeoutError',
      code: 'ERR_POLYPOOL_ACQUIRE_TIMEOUT',
      max: 1,
      inUse: 1,
    });
    expect(error.waitedMs).toBeGreaterThanOrEqual(19);
    expect(error.stack).toContain('resource-pool.test.js');
  });

  test('a timeout has as cause what create failed with', async () => {
    const { factory } = factoryOf({ create: 'reject' });
    const pool = poolOf(factory, { acquireTimeout: 50 });
    const error = await rejection(pool.acquire());
    expect(error.message).toBe('Acquire timeout');
    expect(error.cause.message).toBe('create rejected');
  });

  test('a create that fails is tried again while somebody waits', async () => {
    const { factory } = factoryOf({ create: ['reject', 'throw'] });
    const pool = poolOf(factory, { min: 0 });
    expect(await pool.acquire()).toEqual({ id: 3 });
  });

  test('what is not lent cannot be released', async () => {
    const { factory } = factoryOf();
    const pool = poolOf(factory);
    const resource = await pool.acquire();
    await pool.release(resource);
    for (const foreign of [resource, {}, null, undefined]) {
      const error = await rejection(pool.release(foreign));
      expect(error).toMatchObject({ name: 'PoolError', code: 'ERR_POLYPOOL_NOT_LENT' });
    }
  });

  test('reset runs before the next loan, and release waits for it', async () => {
    const { factory, calls } = factoryOf({ reset: [] });
    const pool = poolOf(factory, { min: 1, max: 1 });
    await pool.release(await pool.acquire());
    expect(calls.reset).toBe(1);
  });
});

describe('views', () => {
  test('a monitor sees the figures of the moment', async () => {
    const { factory } = factoryOf();
    const pool = poolOf(factory, { min: 2, max: 4 });
    const monitor = new PoolMonitor(pool);
    expect(monitor.getMetrics()).toEqual({ total: 0, inUse: 0, available: 0 });
    await pool.initialize();
    expect(monitor.getMetrics()).toEqual({ total: 2, inUse: 0, available: 2 });
    const lent = [await pool.acquire(), await pool.acquire(), await pool.acquire()];
    expect(monitor.getMetrics()).toEqual({ total: 3, inUse: 3, available: 0 });
    pool.release(lent[0]);
    expect(monitor.getMetrics()).toEqual({ total: 3, inUse: 2, available: 1 });
  });

  test('resources are those that exist, inUse those that are lent', async () => {
    const { factory, alive } = factoryOf();
    const pool = poolOf(factory, { min: 3 });
    await pool.initialize();
    expect(new Set(pool.resources)).toEqual(alive);
    const resource = await pool.acquire();
    expect([...pool.inUse]).toEqual([resource]);
    expect(pool.inUse.has(resource)).toBe(true);
    expect(pool.inUse.has({})).toBe(false);
  });

  test('what is printed of a pool are its figures', async () => {
    const { factory } = factoryOf();
    const pool = poolOf(factory, { min: 1, max: 3 });
    await pool.acquire();
    expect(inspect(pool)).toBe(
      'ResourcePool { max: 3, total: 1, idle: 0, inUse: 1, connecting: 0, waiting: 0 }',
    );
  });
});

describe('drain', () => {
  test('destroys all', async () => {
    const { factory, alive, calls } = factoryOf();
    const pool = poolOf(factory, { min: 3 });
    await pool.initialize();
    expect(await pool.drain()).toBeUndefined();
    expect([calls.destroy, alive.size]).toEqual([3, 0]);
    expect(figures(pool)).toEqual([0, 0]);
  });

  test('waits for what is lent', async () => {
    const { factory, alive } = factoryOf();
    const pool = poolOf(factory, { min: 2 });
    await pool.initialize();
    const resource = await pool.acquire();
    let drained = false;
    const draining = pool.drain().then(() => (drained = true));
    await turn();
    expect(drained).toBe(false);
    expect(alive.has(resource)).toBe(true);
    pool.release(resource);
    await draining;
    expect(alive.size).toBe(0);
  });

  test('serves those who wait already and refuses who comes later', async () => {
    const { factory } = factoryOf();
    const pool = poolOf(factory, { min: 1, max: 1 });
    const resource = await pool.acquire();
    const waiting = pool.acquire();
    const draining = pool.drain();
    expect(await rejection(pool.acquire())).toMatchObject({ code: 'ERR_POLYPOOL_CLOSED' });
    pool.release(resource);
    pool.release(await waiting);
    await draining;
  });

  test('ends when the last who waits gives up', async () => {
    const pool = poolOf(untilAborted, { min: 0, acquireTimeout: 20 });
    const waiting = rejection(pool.acquire());
    const draining = pool.drain();
    expect((await waiting).message).toBe('Acquire timeout');
    await draining;
  });

  test('waits for each destroy', async () => {
    const gone = deferred();
    const factory = { create: () => ({}), destroy: () => gone.promise };
    const pool = poolOf(factory, { min: 1 });
    await pool.initialize();
    let drained = false;
    const draining = pool.drain().then(() => (drained = true));
    await turn();
    expect(drained).toBe(false);
    gone.resolve();
    await draining;
  });

  test('rejects with what destroy threw, once all are destroyed', async () => {
    const { factory, calls } = factoryOf({ destroy: ['reject'] });
    const pool = poolOf(factory, { min: 3 });
    await pool.initialize();
    const error = await rejection(pool.drain());
    expect(error.message).toBe('destroy rejected');
    expect(calls.destroy).toBe(3);
    const other = factoryOf({ destroy: 'throw' });
    const second = poolOf(other.factory, { min: 2 });
    await second.initialize();
    const errors = await rejection(second.drain());
    expect(errors).toBeInstanceOf(AggregateError);
    expect(errors.errors.map(({ message }) => message)).toEqual(['destroy threw', 'destroy threw']);
  });

  test('called again is the same', async () => {
    const { factory, calls } = factoryOf();
    const pool = poolOf(factory);
    await pool.initialize();
    expect(pool.drain()).toBe(pool.drain());
    await pool.drain();
    expect(calls.destroy).toBe(2);
  });

  test('of a pool that never began', async () => {
    const { factory, calls } = factoryOf();
    await poolOf(factory).drain();
    expect(calls).toMatchObject({ create: 0, destroy: 0 });
  });
});

describe('bad input', () => {
  const { factory } = factoryOf();

  test.each([
    [undefined, 'factory.create must be a function'],
    [{}, 'factory.create must be a function'],
    [{ create() {} }, 'factory.destroy must be a function'],
    [{ create() {}, destroy() {}, validate: true }, "option 'validate' must be a function"],
  ])('factory %p', (given, message) => {
    expect(() => poolOf(given)).toThrow(message);
  });

  test.each([
    [{ max: 0 }, "option 'max' must be an integer from 1 to 65535, got 0"],
    [{ min: -1 }, "option 'min' must be an integer from 0 to 65535, got -1"],
    [{ min: 5, max: 3 }, "option 'min' must be at most max (3), got 5"],
    [{ acquireTimeout: 0 }, "option 'acquireTimeout' must be a number of milliseconds above 0"],
    [{ acquireTimeoutMs: 3 }, "Unknown option 'acquireTimeoutMs' of new ResourcePool()"],
    [null, 'the options of new ResourcePool() must be an object, got null'],
  ])('options %p', (options, message) => {
    expect(() => poolOf(factory, options)).toThrow(message);
  });

  test('a max below 2 is the default of min as well', async () => {
    const pool = poolOf(factoryOf().factory, { max: 1 });
    await pool.initialize();
    expect(figures(pool)).toEqual([1, 0]);
  });

  test('acquireTimeout null is none', async () => {
    const pool = poolOf(factoryOf().factory, { max: 1, acquireTimeout: null });
    const resource = await pool.acquire();
    const waiting = pool.acquire();
    pool.release(resource);
    expect(await waiting).toBe(resource);
  });
});
