'use strict';

const { AsyncLocalStorage } = require('node:async_hooks');
const { load, track, rejection, until, deferred } = require('../support/pools.js');
const { factoryOf } = require('../support/factory.js');

const openObjects = async (made, options) => track(await load().createPool(made.factory, options));

const figures = (pool) => {
  const { total, idle, inUse, connecting, waiting } = pool.stats();
  return { total, idle, inUse, connecting, waiting };
};

test('a resource is lent to one at a time, and again once it is back', async () => {
  const pool = await openObjects(factoryOf(), { max: 2 });
  const [one, two] = [await pool.acquire(), await pool.acquire()];
  expect(one).not.toBe(two);
  const third = pool.acquire();
  expect(figures(pool)).toEqual({ total: 2, idle: 0, inUse: 2, connecting: 0, waiting: 1 });
  await pool.release(two);
  expect(await third).toBe(two);
  await Promise.all([pool.release(one), pool.release(two)]);
  expect(figures(pool)).toEqual({ total: 2, idle: 2, inUse: 0, connecting: 0, waiting: 0 });
});

test('those who wait are served in the order of their calls, the urgent ones first', async () => {
  const pool = await openObjects(factoryOf(), { max: 1, priorities: 3 });
  const resource = await pool.acquire();
  const order = [];
  const ask = (name, options) =>
    pool.acquire(options).then((lent) => {
      order.push(name);
      return pool.release(lent);
    });
  const all = [
    ask('last 1'),
    ask('last 2'),
    ask('middle', { priority: 1 }),
    ask('first', { priority: 0 }),
  ];
  await pool.release(resource);
  await Promise.all(all);
  expect(order).toEqual(['first', 'middle', 'last 1', 'last 2']);
});

test.each([['lifo'], ['fifo']])('idleOrder %s', async (idleOrder) => {
  const pool = await openObjects(factoryOf(), { max: 3, idleOrder });
  const lent = [await pool.acquire(), await pool.acquire(), await pool.acquire()];
  for (const resource of lent) await pool.release(resource);
  const expected = idleOrder === 'lifo' ? lent[2] : lent[0];
  expect(await pool.acquire()).toBe(expected);
  await pool.release(expected);
});

test('a timeout says what the pool was doing, who holds and why nothing could be made', async () => {
  const { AcquireTimeoutError } = load();
  const made = factoryOf({ create: ['ok', 'reject', 'reject', 'reject', 'reject', 'reject'] });
  const pool = await openObjects(made, { max: 2, leakDetectionMs: 60_000, name: 'parsers' });
  async function borrower() {
    return pool.acquire();
  }
  const resource = await borrower();
  const error = await rejection(pool.acquire({ timeoutMs: 40 }));
  expect(error).toBeInstanceOf(AcquireTimeoutError);
  expect(error.message).toMatch(
    /^pool 'parsers': no resource became free within \d+ ms \(inUse=1, idle=0, .*; the last attempt to create: create rejected; held longest: \d+ ms by borrower/,
  );
  expect(error.cause.message).toBe('create rejected');
  expect(error).toMatchObject({
    code: 'ERR_POLYPOOL_ACQUIRE_TIMEOUT',
    max: 2,
    inUse: 1,
    waiting: 0,
  });
  expect(error.stack).toContain('lease.test.js');
  await pool.release(resource);
});

test('the stack of a refusal leads to who asked', async () => {
  const pool = await openObjects(factoryOf(), { max: 1 });
  const resource = await pool.acquire();
  async function asker() {
    await pool.acquire({ timeoutMs: 5 });
  }
  const error = await rejection(asker());
  expect(error.stack.split('\n')[1]).toContain('asker');
  await pool.release(resource);
});

test('a nested acquire that waits for itself is named', async () => {
  const pool = await openObjects(factoryOf(), { max: 1, leakDetectionMs: 60_000 });
  const error = await rejection(pool.use(() => pool.acquire({ timeoutMs: 20 })));
  expect(error).toMatchObject({ code: 'ERR_POLYPOOL_ACQUIRE_TIMEOUT', nested: true });
  expect(figures(pool)).toMatchObject({ idle: 1, inUse: 0 });
});

test('an aborted acquire receives nothing; what was meant for it goes to the next', async () => {
  const pool = await openObjects(factoryOf(), { max: 1 });
  const resource = await pool.acquire();
  const controller = new AbortController();
  const aborted = rejection(pool.acquire({ signal: controller.signal }));
  const next = pool.acquire();
  controller.abort(new Error('not any more'));
  const error = await aborted;
  expect(error).toMatchObject({ code: 'ERR_POLYPOOL_ABORTED' });
  expect(error.cause.message).toBe('not any more');
  await pool.release(resource);
  expect(await next).toBe(resource);
  await pool.release(resource);
  const before = await rejection(pool.acquire({ signal: controller.signal }));
  expect(before.code).toBe('ERR_POLYPOOL_ABORTED');
});

test('maxWaiting bounds those who wait for others', async () => {
  const pool = await openObjects(factoryOf(), { max: 1, maxWaiting: 1 });
  const resource = await pool.acquire();
  const waiting = pool.acquire();
  const error = await rejection(pool.acquire());
  expect(error.code).toBe('ERR_POLYPOOL_QUEUE_FULL');
  expect(error.message).toContain('waiting=1, max=1');
  await pool.release(resource);
  await pool.release(await waiting);
});

test('what is not lent cannot be given back', async () => {
  const made = factoryOf();
  const pool = await openObjects(made, { max: 1 });
  const other = await openObjects(factoryOf(), { max: 1 });
  const resource = await pool.acquire();
  for (const foreign of [{}, undefined, 7, await other.acquire()]) {
    expect((await rejection(pool.release(foreign))).code).toBe('ERR_POLYPOOL_NOT_LENT');
  }
  await pool.release(resource);
  expect((await rejection(pool.release(resource))).code).toBe('ERR_POLYPOOL_NOT_LENT');
  expect(figures(pool)).toMatchObject({ total: 1, idle: 1, inUse: 0 });
});

test('release(resource, { destroy: true }) resolves when it is gone, and makes room', async () => {
  const made = factoryOf();
  const pool = await openObjects(made, { max: 1 });
  const resource = await pool.acquire();
  const next = pool.acquire();
  await pool.release(resource, { destroy: true });
  expect(made.alive.has(resource)).toBe(false);
  const other = await next;
  expect(other).not.toBe(resource);
  await pool.release(other);
});

test('use() gives back whatever the outcome, also what was given back already', async () => {
  const pool = await openObjects(factoryOf(), { max: 1 });
  expect(await pool.use(({ id }) => id)).toBe(1);
  const error = await rejection(pool.use(() => Promise.reject(new Error('mine'))));
  expect(error.message).toBe('mine');
  await pool.use((resource) => pool.release(resource));
  expect((await rejection(pool.use('no function'))).code).toBe('ERR_POLYPOOL_PARAMETER');
  expect(figures(pool)).toMatchObject({ idle: 1, inUse: 0 });
});

test('a lease ends once: whoever has the resource by then keeps it', async () => {
  const pool = await openObjects(factoryOf(), { max: 1 });
  const lease = await pool.lease();
  const { resource } = lease;
  expect(lease.released).toBe(false);
  await lease.release();
  expect(lease.released).toBe(true);
  expect(await pool.acquire()).toBe(resource);
  await lease.release();
  await lease[Symbol.asyncDispose]();
  expect(figures(pool)).toMatchObject({ inUse: 1 });
  await pool.release(resource);
});

test('what ends with use() or a lease is that lease, not the next one of the resource', async () => {
  const pool = await openObjects(factoryOf(), { max: 1 });
  let next;
  await pool.use(async (resource) => {
    await pool.release(resource);
    next = await pool.acquire();
    expect(next).toBe(resource);
  });
  expect(figures(pool)).toMatchObject({ inUse: 1 });
  await pool.release(next);
  const lease = await pool.lease();
  await pool.release(lease.resource);
  const other = await pool.lease();
  await lease.release();
  expect(figures(pool)).toMatchObject({ inUse: 1 });
  await other.release();
  expect(figures(pool)).toMatchObject({ inUse: 0, idle: 1 });
});

test('wrong options leave a lease as it is', async () => {
  const pool = await openObjects(factoryOf(), { max: 1 });
  const lease = await pool.lease();
  expect((await rejection(lease.release({ destroy: 'yes' }))).code).toBe('ERR_POLYPOOL_OPTION');
  expect(lease.released).toBe(false);
  await lease.release({ destroy: true });
  expect(figures(pool)).toMatchObject({ total: 0 });
});

test('leak detection of one pool does not get in the way of another one without', async () => {
  const traced = await openObjects(factoryOf(), { leakDetectionMs: 60_000 });
  const pool = await openObjects(factoryOf(), { max: 1 });
  const nested = traced.use(() => pool.use(() => pool.acquire({ timeoutMs: 20 })));
  expect(await rejection(nested)).toMatchObject({
    code: 'ERR_POLYPOOL_ACQUIRE_TIMEOUT',
    nested: false,
  });
});

test('a listener that gives back what it hears of serves any number of waiters', async () => {
  const pool = await openObjects(factoryOf(), { max: 1 });
  const resource = await pool.acquire();
  const waiting = Array.from({ length: 20_000 }, () => pool.acquire());
  pool.on('acquire', (lent) => pool.release(lent));
  await pool.release(resource);
  expect(new Set(await Promise.all(waiting))).toEqual(new Set([resource]));
  expect(figures(pool)).toMatchObject({ inUse: 0, waiting: 0 });
});

test('each of several releases of one resource is told when it is back', async () => {
  const made = factoryOf({ reset: 'ok', hold: true });
  const pool = track(new (load().ObjectPool)({ ...made.factory, max: 1 }));
  const settle = async (step) => {
    await until(() => made.pending.length > 0);
    expect(made.pending[0].step).toBe(step);
    made.pending.shift().ok();
  };
  const asked = pool.acquire();
  await settle('create');
  const resource = await asked;
  let second;
  pool.on('acquire', (lent) => (second = pool.release(lent)));
  const next = pool.acquire();
  const first = pool.release(resource);
  await settle('reset');
  expect(await next).toBe(resource);
  await settle('reset');
  await Promise.all([first, second]);
  pool.removeAllListeners('acquire');
  const closed = pool.close();
  await settle('destroy');
  await closed;
});

test('a signal of another kind than Node\u2019s is listened to all the same', async () => {
  const pool = await openObjects(factoryOf(), { max: 1 });
  const resource = await pool.acquire();
  const listeners = new Set();
  const signal = {
    aborted: false,
    reason: undefined,
    addEventListener: (_, listener) => listeners.add(listener),
    removeEventListener: (_, listener) => listeners.delete(listener),
  };
  const refused = rejection(pool.acquire({ signal }));
  signal.aborted = true;
  for (const listener of listeners) listener();
  expect((await refused).code).toBe('ERR_POLYPOOL_ABORTED');
  expect(listeners.size).toBe(0);
  signal.aborted = false;
  signal.addEventListener = () => {
    throw new TypeError('not today');
  };
  expect((await rejection(pool.acquire({ signal }))).message).toBe('not today');
  await pool.release(resource);
  expect(await pool.acquire()).toBe(resource);
  await pool.release(resource);
});

test.each([
  ['numbers', (n) => n % 2],
  ['undefined', () => undefined],
  ['one object again and again', () => load],
])('%s as resources', async (_, value) => {
  let made = 0;
  const pool = track(
    await load().createPool({ create: () => value(made++), destroy() {}, max: 4 }),
  );
  const lent = await Promise.all(Array.from({ length: 4 }, () => pool.acquire()));
  expect(figures(pool)).toMatchObject({ total: 4, inUse: 4 });
  await pool.release(lent[0], { destroy: true });
  expect(figures(pool)).toMatchObject({ total: 3, inUse: 3 });
  for (const resource of lent.slice(1)) await pool.release(resource);
  expect(figures(pool)).toMatchObject({ total: 3, idle: 3, inUse: 0 });
  expect((await rejection(pool.release(lent[0]))).code).toBe('ERR_POLYPOOL_NOT_LENT');
});

test('of equal resources each is destroyed and given back once, in whatever order', async () => {
  let destroyed = 0;
  const pool = track(
    await load().createPool({ create: () => 'permit', destroy: () => destroyed++ }, { max: 5 }),
  );
  const all = await Promise.all(Array.from({ length: 5 }, () => pool.acquire()));
  await pool.release('permit');
  await pool.release('permit', { destroy: true });
  await pool.release('permit', { destroy: true });
  await pool.release('permit');
  expect(figures(pool)).toMatchObject({ total: 3, idle: 2, inUse: 1 });
  await pool.release('permit', { destroy: true });
  expect((await rejection(pool.release('permit'))).code).toBe('ERR_POLYPOOL_NOT_LENT');
  expect(await Promise.all([pool.acquire(), pool.acquire()])).toEqual(all.slice(0, 2));
  await Promise.all([pool.release('permit'), pool.release('permit')]);
  await pool.close();
  expect(destroyed).toBe(5);
});

test('a timeout has no cause once a later create has gone well', async () => {
  const pool = track(
    new (load().ObjectPool)({ ...factoryOf({ create: ['reject'] }).factory, max: 1 }),
  );
  const resource = await pool.acquire();
  const error = await rejection(pool.acquire({ timeoutMs: 10 }));
  expect(error.message).not.toContain('create');
  expect(error.cause).toBeUndefined();
  await pool.release(resource);
});

test('events of the pool run in its context, those of a request in the request\u2019s', async () => {
  const storage = new AsyncLocalStorage();
  const heard = [];
  const pool = storage.run('pool', () =>
    track(new (load().ObjectPool)({ ...factoryOf().factory, max: 1 })),
  );
  for (const event of ['connect', 'acquire', 'release', 'remove']) {
    pool.on(event, () => heard.push([event, storage.getStore()]));
  }
  const resource = await storage.run('first', () => pool.acquire());
  const next = storage.run('second', () => pool.acquire());
  await storage.run('first', () => pool.release(resource));
  await storage.run('second', async () => pool.release(await next, { destroy: true }));
  expect(heard).toEqual([
    ['connect', 'pool'],
    ['acquire', 'first'],
    ['release', 'first'],
    ['acquire', 'second'],
    ['release', 'second'],
    ['remove', 'pool'],
  ]);
});

test('events tell what happens, in its order', async () => {
  const pool = track(new (load().ObjectPool)({ ...factoryOf().factory, max: 1 }));
  const heard = [];
  for (const event of ['connect', 'acquire', 'release', 'remove', 'close']) {
    pool.on(event, (resource, reason) => heard.push([event, resource?.id, reason]));
  }
  const resource = await pool.acquire();
  await pool.release(resource);
  await pool.release(await pool.acquire(), { destroy: true });
  await pool.close();
  expect(heard).toEqual([
    ['connect', 1, undefined],
    ['acquire', 1, undefined],
    ['release', 1, undefined],
    ['acquire', 1, undefined],
    ['release', 1, undefined],
    ['remove', 1, 'destroyed'],
    ['close', undefined, undefined],
  ]);
});

test('listeners and factories may use the pool', async () => {
  const made = factoryOf();
  const pool = track(
    new (load().ObjectPool)({
      create(asked) {
        inner ??= pool.acquire();
        return made.factory.create(asked);
      },
      destroy: made.factory.destroy,
      max: 2,
    }),
  );
  let inner;
  pool.once('acquire', (resource) => pool.release(resource));
  pool.once('remove', () => waiting.push(pool.acquire()));
  const waiting = [];
  const outer = await pool.acquire();
  const lent = await inner;
  await pool.release(lent, { destroy: true });
  expect(waiting).toHaveLength(1);
  await pool.release(await waiting[0]);
  // The first one was given back by the listener before its borrower had it.
  expect((await rejection(pool.release(outer))).code).toBe('ERR_POLYPOOL_NOT_LENT');
  expect(figures(pool)).toMatchObject({ inUse: 0, waiting: 0 });
});

test('the factory runs in the context of the pool, not of whoever came first', async () => {
  const storage = new AsyncLocalStorage();
  const contexts = [];
  const pool = track(
    storage.run('pool', () => {
      const note = () => contexts.push(storage.getStore());
      return new (load().ObjectPool)({ create: note, destroy: note, reset: note, lazy: true });
    }),
  );
  await storage.run('request', async () => {
    await pool.release(await pool.acquire());
    await pool.release(await pool.acquire(), { destroy: true });
    expect(storage.getStore()).toBe('request');
  });
  expect(contexts).toEqual(['pool', 'pool', 'pool']);
});

test('a waiter resumes in its own context', async () => {
  const storage = new AsyncLocalStorage();
  const pool = await openObjects(factoryOf(), { max: 1 });
  const resource = await pool.acquire();
  const seen = storage.run('waiter', async () => {
    const lent = await pool.acquire();
    await pool.release(lent);
    return storage.getStore();
  });
  await storage.run('holder', () => pool.release(resource));
  expect(await seen).toBe('waiter');
});

test('a leak is told once, with the stack of its acquire', async () => {
  const pool = await openObjects(factoryOf(), { max: 1, leakDetectionMs: 20 });
  const leaked = deferred();
  pool.on('leak', leaked.resolve);
  async function forgetful() {
    return pool.acquire();
  }
  const resource = await forgetful();
  const leak = await leaked.promise;
  expect(leak.resource).toBe(resource);
  expect(leak.heldMs).toBeGreaterThanOrEqual(20);
  expect(leak.stack).toContain('forgetful');
  await pool.release(resource);
});

test('maxLeaseMs takes a resource away, destroys it and makes room', async () => {
  const made = factoryOf();
  const pool = await openObjects(made, { max: 1, maxLeaseMs: 30 });
  const removed = deferred();
  pool.on('remove', (resource, reason) => removed.resolve(reason));
  const held = await pool.acquire();
  const next = await pool.acquire();
  expect(await removed.promise).toBe('leaseExpired');
  expect(next).not.toBe(held);
  expect((await rejection(pool.release(held))).code).toBe('ERR_POLYPOOL_NOT_LENT');
  await pool.release(next);
});

test('idleTimeoutMs spares min; maxUses and maxLifetimeMs replace', async () => {
  const made = factoryOf();
  const pool = await openObjects(made, { max: 3, min: 1, idleTimeoutMs: 20, maxUses: 2 });
  const lent = await Promise.all([pool.acquire(), pool.acquire(), pool.acquire()]);
  await Promise.all(lent.map((resource) => pool.release(resource)));
  await until(() => made.alive.size === 1);
  const { calls } = made;
  await until(async () => {
    await pool.release(await pool.acquire());
    return calls.destroy > 2;
  });
  expect(made.alive.size).toBeLessThanOrEqual(3);
  const brief = factoryOf();
  const short = await openObjects(brief, { max: 1, maxLifetimeMs: 20 });
  const first = await short.acquire();
  await short.release(first);
  await until(() => !brief.alive.has(first));
});
