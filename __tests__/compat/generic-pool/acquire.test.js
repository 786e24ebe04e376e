'use strict';
// acquire, release, destroy and use: what they resolve to, and the counters after each call.

const { EventEmitter } = require('node:events');
const { LIBRARIES, Workshop, agree, counters, quiet, rejection } = require('./libraries.js');

const FOREIGN = 'Resource not currently part of this pool';

describe.each(LIBRARIES)('%s', (_name, load) => {
  const open = (options, workshop = new Workshop()) => load().createPool(workshop.factory, options);

  test('a pool is an EventEmitter of class Pool', () => {
    const { Pool } = load();
    const pool = open();
    expect(pool).toBeInstanceOf(Pool);
    expect(pool).toBeInstanceOf(EventEmitter);
    expect(pool.constructor.name).toBe('Pool');
  });

  test('Pool can be made by hand and extended', async () => {
    const { Pool, DefaultEvictor, Deque, PriorityQueue } = load();
    class Named extends Pool {
      describe() {
        return `${this.borrowed} of ${this.max}`;
      }
    }
    const { factory } = new Workshop();
    const pool = new Named(DefaultEvictor, Deque, PriorityQueue, factory, { max: 4 });
    await pool.acquire();
    expect(pool.describe()).toBe('1 of 4');
  });

  test('acquire creates, release gives back, acquire lends the same again', async () => {
    const workshop = new Workshop();
    const pool = open({ max: 2 }, workshop);
    const first = await pool.acquire();
    expect(first).toEqual({ id: 1 });
    expect(await pool.release(first)).toBeUndefined();
    expect(await pool.acquire()).toBe(first);
    expect(workshop.calls).toEqual(['create 1']);
  });

  test('the factory may answer with plain values', async () => {
    let made = 0;
    const destroyed = [];
    const pool = load().createPool(
      { create: () => `thing ${++made}`, destroy: (thing) => void destroyed.push(thing) },
      { max: 2 },
    );
    const thing = await pool.acquire();
    expect(thing).toBe('thing 1');
    await pool.destroy(thing);
    expect(destroyed).toEqual(['thing 1']);
    expect(await pool.acquire()).toBe('thing 2');
  });

  test('the factory may answer with thenables', async () => {
    const pool = load().createPool({
      create: () => ({ then: (resolve) => resolve(7) }),
      destroy: () => ({ then: (resolve) => resolve() }),
    });
    expect(await pool.acquire()).toBe(7);
    await pool.destroy(7);
    await quiet();
    expect(pool.size).toBe(0);
  });

  test.each([[0], [''], [false], [null], [undefined], [NaN], ['text'], [Symbol.for('x')], [5n]])(
    'a resource may be %p',
    async (value) => {
      const pool = load().createPool({ create: () => value, destroy: () => {} });
      expect(await pool.acquire()).toBe(value);
      expect(counters(pool)).toMatchObject({ size: 1, borrowed: 1, available: 0 });
      expect(pool.isBorrowedResource(value)).toBe(true);
      await pool.release(value);
      expect(counters(pool)).toMatchObject({ size: 1, borrowed: 0, available: 1 });
      expect(pool.isBorrowedResource(value)).toBe(false);
      expect(await pool.acquire()).toBe(value);
      await pool.destroy(value);
      expect(counters(pool)).toMatchObject({ size: 0, borrowed: 0, available: 0 });
    },
  );

  test.each([['release'], ['destroy']])('%s of a foreign resource rejects', async (method) => {
    const pool = open();
    const resource = await pool.acquire();
    for (const foreign of [{ id: 1 }, { ...resource }, null, undefined, 0, 'x']) {
      const error = await rejection(pool[method](foreign));
      expect(error).toBeInstanceOf(Error);
      expect(error.constructor.name).toBe('Error');
      expect(error.message).toBe(FOREIGN);
      expect(error.name).toBe('Error');
    }
    expect(counters(pool)).toMatchObject({ size: 1, borrowed: 1, available: 0 });
  });

  test.each([
    ['release', 'release'],
    ['release', 'destroy'],
    ['destroy', 'release'],
    ['destroy', 'destroy'],
  ])('%s and then %s: the second rejects', async (first, second) => {
    const workshop = new Workshop();
    const pool = open({ max: 1 }, workshop);
    const resource = await pool.acquire();
    await pool[first](resource);
    const before = counters(pool);
    expect((await rejection(pool[second](resource))).message).toBe(FOREIGN);
    expect(counters(pool)).toEqual(before);
    expect(workshop.calls).toEqual(first === 'destroy' ? ['create 1', 'destroy 1'] : ['create 1']);
  });

  test('a resource of another pool is foreign', async () => {
    const [mine, other] = [open(), open()];
    const resource = await other.acquire();
    await mine.acquire();
    expect((await rejection(mine.release(resource))).message).toBe(FOREIGN);
    expect(other.isBorrowedResource(resource)).toBe(true);
    expect(mine.isBorrowedResource(resource)).toBe(false);
  });

  test('release takes effect within the call, waiting callers included', async () => {
    const pool = open({ max: 1 });
    const resource = await pool.acquire();
    const waiting = pool.acquire();
    expect(counters(pool)).toMatchObject({ borrowed: 1, pending: 1 });
    pool.release(resource);
    expect(counters(pool)).toMatchObject({ borrowed: 1, pending: 0, available: 0 });
    expect(await waiting).toBe(resource);
  });

  test('an idle resource is lent within the call', async () => {
    const pool = open({ max: 1 });
    await pool.release(await pool.acquire());
    const lent = pool.acquire();
    expect(counters(pool)).toMatchObject({ borrowed: 1, available: 0, pending: 0 });
    await lent;
  });

  test('a slow destroy holds nobody up', async () => {
    const pool = load().createPool(
      { create: () => ({}), destroy: () => new Promise(() => {}) },
      { max: 1 },
    );
    const first = await pool.acquire();
    const waiting = pool.acquire();
    await pool.destroy(first);
    expect(await waiting).not.toBe(first);
    expect(counters(pool)).toMatchObject({ size: 1, borrowed: 1 });
  });

  test('callers are served in the order of their calls', async () => {
    const pool = open({ max: 1 });
    const order = [];
    const work = async (n) => {
      const resource = await pool.acquire();
      order.push(n);
      await pool.release(resource);
    };
    await Promise.all(Array.from({ length: 20 }, (_, n) => work(n)));
    expect(order).toEqual(Array.from({ length: 20 }, (_, n) => n));
  });

  test('a hundred callers over five resources: never more than five at once', async () => {
    const workshop = new Workshop();
    const pool = open({ max: 5 }, workshop);
    let [now, most] = [0, 0];
    const work = async () => {
      const resource = await pool.acquire();
      most = Math.max(most, ++now);
      await quiet();
      now--;
      await pool.release(resource);
    };
    await Promise.all(Array.from({ length: 100 }, work));
    expect(most).toBe(5);
    expect(workshop.made).toBe(5);
    expect(counters(pool)).toMatchObject({ size: 5, available: 5, borrowed: 0, pending: 0 });
  });

  test('use gives the resource back and resolves to the result', async () => {
    const pool = open();
    const result = await pool.use(async (resource) => {
      expect(pool.isBorrowedResource(resource)).toBe(true);
      return resource.id * 10;
    });
    expect(result).toBe(10);
    expect(counters(pool)).toMatchObject({ borrowed: 0, available: 1 });
  });

  test('use destroys the resource when the function rejects', async () => {
    const workshop = new Workshop();
    const pool = open({}, workshop);
    const wrong = new Error('wrong');
    expect(await rejection(pool.use(() => Promise.reject(wrong)))).toBe(wrong);
    expect(workshop.calls).toEqual(['create 1', 'destroy 1']);
    expect(pool.size).toBe(0);
  });

  test('use has priorities', async () => {
    const pool = open({ max: 1, priorityRange: 2 });
    const resource = await pool.acquire();
    const order = [];
    const low = pool.use(async () => order.push('low'), 1);
    const high = pool.use(async () => order.push('high'), 0);
    pool.release(resource);
    await Promise.all([low, high]);
    expect(order).toEqual(['high', 'low']);
  });

  test('use rejects as acquire does', async () => {
    const pool = open();
    await pool.drain();
    const error = await rejection(pool.use(async () => 1));
    expect(error.message).toBe('pool is draining and cannot accept work');
  });

  test('what a failed create threw is the event, and the next attempt serves', async () => {
    const errors = [];
    let attempts = 0;
    const pool = load().createPool({
      create: () =>
        ++attempts < 3 ? Promise.reject(new Error(`no ${attempts}`)) : { id: attempts },
      destroy: () => {},
    });
    pool.on('factoryCreateError', (...given) => errors.push(given));
    expect(await pool.acquire()).toEqual({ id: 3 });
    expect(errors).toEqual([[new Error('no 1')], [new Error('no 2')]]);
    expect(counters(pool)).toMatchObject({ size: 1, borrowed: 1, pending: 0 });
  });

  test('what a failed destroy threw is the event, and destroy() resolves', async () => {
    const wrong = new Error('will not go');
    const pool = load().createPool({
      create: () => ({}),
      destroy: () => Promise.reject(wrong),
    });
    const errors = [];
    pool.on('factoryDestroyError', (...given) => errors.push(given));
    expect(await pool.destroy(await pool.acquire())).toBeUndefined();
    await quiet();
    expect(errors).toEqual([[wrong]]);
    expect(pool.size).toBe(0);
  });

  test('destroyTimeoutMillis bounds a destroy that does not end', async () => {
    const pool = load().createPool(
      { create: () => ({}), destroy: () => new Promise(() => {}) },
      { destroyTimeoutMillis: '20' },
    );
    const failed = new Promise((resolve) => pool.once('factoryDestroyError', resolve));
    pool.destroy(await pool.acquire());
    const alive = setInterval(() => {}, 1000); // the timer of the pool keeps nothing alive
    const error = await failed;
    clearInterval(alive);
    expect(error).toBeInstanceOf(Error);
    expect(error.constructor.name).toBe('Error');
    expect(error.message).toBe('destroy timed out');
  });

  test('a destroy in time is not reported', async () => {
    const workshop = new Workshop();
    const pool = open({ destroyTimeoutMillis: 1 }, workshop);
    const errors = [];
    pool.on('factoryDestroyError', (error) => errors.push(error));
    await pool.destroy(await pool.acquire());
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(errors).toEqual([]);
  });
});

agree('one resource goes in and out', async (lib, trace) => {
  const workshop = new Workshop();
  const pool = lib.createPool(workshop.factory, { max: 2 });
  trace.watch(pool, workshop);
  trace.step('made');
  const acquiring = trace.follow('first', pool.acquire());
  trace.step('acquire');
  const first = await acquiring;
  await quiet();
  trace.step('lent');
  const releasing = trace.follow('release', pool.release(first));
  trace.step('release');
  await releasing;
  trace.step('released');
  const again = trace.follow('again', pool.acquire());
  trace.step('acquire again');
  trace.follow('destroy', pool.destroy(await again));
  trace.step('destroy');
  await quiet();
  trace.step('destroyed');
});

agree('creates that end one by one, in another order than they began', async (lib, trace) => {
  const workshop = new Workshop({ held: true });
  const pool = lib.createPool(workshop.factory, { max: 3 });
  trace.watch(pool, workshop);
  for (let i = 0; i < 5; i++) {
    trace.follow(`waiter ${i}`, pool.acquire());
    trace.step(`acquire ${i}`);
  }
  for (const at of [1, 2, 0]) {
    workshop.opening[at].finish();
    trace.step(`finish ${at}`);
    await quiet();
    trace.step('quiet');
  }
});

agree('destroyed resources are replaced while somebody waits', async (lib, trace) => {
  const workshop = new Workshop({ held: true });
  const pool = lib.createPool(workshop.factory, { max: 2 });
  trace.watch(pool, workshop);
  const lent = [0, 1].map((i) => trace.follow(`lent ${i}`, pool.acquire()));
  workshop.opening.forEach(({ finish }) => finish());
  const [first, second] = await Promise.all(lent);
  trace.follow('third', pool.acquire());
  trace.step('third waits');
  pool.destroy(first);
  trace.step('destroy first');
  pool.destroy(second);
  trace.step('destroy second');
  workshop.opening[2].finish();
  await quiet();
  trace.step('third has one');
});

agree('users over resources, with every fourth destroyed', async (lib, trace) => {
  const workshop = new Workshop();
  const pool = lib.createPool(workshop.factory, { max: 3 });
  trace.watch(pool, workshop);
  const work = async (n) => {
    const resource = await pool.acquire();
    trace.step(`user ${n} has ${resource.id}`);
    await quiet();
    if (n % 4 === 0) pool.destroy(resource);
    else pool.release(resource);
    trace.step(`user ${n} is done`);
  };
  for (let round = 0; round < 4; round++) {
    await Promise.all(Array.from({ length: 7 }, (_, n) => work(round * 7 + n)));
    await quiet();
    trace.step(`round ${round}`);
  }
});
