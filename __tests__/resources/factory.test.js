'use strict';
// What a factory may do to a pool: throw, reject, take for ever, come too late.

const { load, track, rejection, until, deferred } = require('../support/pools.js');
const { factoryOf } = require('../support/factory.js');
const { generator, seed } = require('../support/random.js');

const lazyObjects = (made, options) => track(new (load().ObjectPool)(made.factory, options));

const SHORT = {
  createTimeoutMs: 20,
  validateTimeoutMs: 20,
  resetTimeoutMs: 20,
  destroyTimeoutMs: 20,
};

const WAYS = ['throw', 'reject', 'never'];

const STEPS = ['create', 'validate', 'reset', 'destroy'];

const matrix = STEPS.flatMap((step) => WAYS.map((way) => [step, way]));

test.each(matrix)('%s that may %s loses no waiter and no slot, and is told', async (step, way) => {
  const made = factoryOf({ validate: 'ok', reset: 'ok', [step]: [way] });
  const pool = lazyObjects(made, { ...SHORT, max: 1, validateAfterIdleMs: 0 });
  const errors = [];
  pool.on('error', (error) => errors.push(error));
  // The first one is made and reset, then validated for the second lease and destroyed after it.
  await pool.release(await pool.acquire());
  const second = await pool.acquire();
  const waiting = pool.acquire();
  await pool.release(second, { destroy: true });
  await pool.release(await waiting);
  const { total, idle, inUse, waiting: queued } = pool.stats();
  expect({ total, idle, inUse, queued }).toEqual({ total: 1, idle: 1, inUse: 0, queued: 0 });
  expect(errors).toHaveLength(1);
  if (way === 'never') {
    expect(errors[0]).toMatchObject({
      code: 'ERR_POLYPOOL_FACTORY_TIMEOUT',
      message: `${step} did not settle within 20 ms`,
    });
  } else {
    expect(errors[0].message).toBe(`${step} ${way === 'throw' ? 'threw' : 'rejected'}`);
  }
  await pool.close();
  expect(pool.stats().total).toBe(0);
});

test('validate: only false, a throw or a rejection refuse', async () => {
  const answers = [undefined, 0, '', null, false];
  let made = 0;
  const pool = track(
    new (load().ObjectPool)({
      create: () => ({ id: ++made }),
      destroy() {},
      validate: () => answers.shift(),
      validateAfterIdleMs: 0,
      max: 1,
    }),
  );
  for (let use = 0; use < 5; use++) {
    const { id } = await pool.use((resource) => resource);
    expect(id).toBe(1);
  }
  expect((await pool.use((resource) => resource)).id).toBe(2);
});

test('createPool fails fast, with what create threw as its cause', async () => {
  const made = factoryOf({ create: ['reject'] });
  const error = await rejection(load().createPool({ ...made.factory, name: 'parsers' }));
  expect(error).toMatchObject({
    code: 'ERR_POLYPOOL_CREATE',
    message: "pool 'parsers': create failed: create rejected",
  });
  expect(error.cause.message).toBe('create rejected');
});

test('createPool destroys what it made when not all of min can be made', async () => {
  const made = factoryOf({ create: ['ok', 'ok', 'reject'] });
  const error = await rejection(load().createPool(made.factory, { min: 3, max: 3 }));
  expect(error.code).toBe('ERR_POLYPOOL_CREATE');
  expect(made.alive.size).toBe(0);
});

test('waitForServer: createPool goes on until it has its first, or its time is over', async () => {
  const made = factoryOf({ create: ['throw', 'reject', 'throw'] });
  const pool = track(await load().createPool(made.factory, { waitForServer: true }));
  expect(pool.stats().idle).toBe(1);
  const never = factoryOf({ create: Array(100).fill('reject') });
  const options = { waitForServer: true, acquireTimeoutMs: 60 };
  const error = await rejection(load().createPool(never.factory, options));
  expect(error.code).toBe('ERR_POLYPOOL_CREATE');
  expect(error.cause.message).toBe('create rejected');
});

test('a factory that fails nine times of ten serves 65 users', async () => {
  const random = generator();
  const alive = new Set();
  let calls = 0;
  const pool = track(
    new (load().ObjectPool)({
      async create() {
        calls++;
        if (random() < 0.9) throw new Error('nine of ten');
        const resource = {};
        alive.add(resource);
        return resource;
      },
      destroy: (resource) => void alive.delete(resource),
      max: 10,
      maxUses: 100,
    }),
  );
  let served = 0;
  const holders = new Set();
  const user = async () => {
    for (let turn = 0; turn < 20; turn++) {
      await pool.use(async (resource) => {
        if (holders.has(resource)) throw new Error(`lent twice (seed ${seed})`);
        holders.add(resource);
        await null;
        holders.delete(resource);
        served++;
      });
    }
  };
  await Promise.all(Array.from({ length: 65 }, user));
  expect(served).toBe(65 * 20);
  const { errors, acquired, released, total } = pool.stats();
  expect([acquired, released]).toEqual([1300, 1300]);
  expect(errors).toBe(calls - pool.stats().created);
  expect(total).toBeLessThanOrEqual(10);
  await pool.close();
  expect(alive.size).toBe(0);
});

test('a create that hangs is told so, and what it makes later is destroyed', async () => {
  const late = deferred();
  const destroyed = deferred();
  let first;
  const pool = track(
    new (load().ObjectPool)({
      create({ signal }) {
        if (first !== undefined) return 'second';
        first = signal;
        return late.promise;
      },
      destroy: destroyed.resolve,
      createTimeoutMs: 20,
    }),
  );
  expect(await pool.use((resource) => resource)).toBe('second');
  expect(first.aborted).toBe(true);
  expect(first.reason.code).toBe('ERR_POLYPOOL_FACTORY_TIMEOUT');
  late.resolve('too late');
  expect(await destroyed.promise).toBe('too late');
});

test('close() aborts a create under way and waits for what it makes', async () => {
  const made = factoryOf({ hold: true });
  const pool = lazyObjects(made, {});
  const waiting = rejection(pool.acquire());
  const closed = pool.close();
  expect((await waiting).code).toBe('ERR_POLYPOOL_CLOSED');
  expect(made.signals[0].aborted).toBe(true);
  made.pending.shift().ok();
  await until(() => made.pending.length === 1);
  expect(made.pending[0].step).toBe('destroy');
  made.pending.shift().ok();
  await closed;
  expect(made.alive.size).toBe(0);
});

test.each([
  ['close', 'ERR_POLYPOOL_CLOSED'],
  ['clear', undefined],
])('%s() from a listener of error, or of the signal\u2019s abort', async (call, code) => {
  for (const from of ['error', 'abort']) {
    let attempts = 0;
    const pool = track(
      new (load().ObjectPool)({
        create({ signal }) {
          if (++attempts > 1) return 'second';
          if (from === 'abort') signal.addEventListener('abort', () => pool[call]());
          return Promise.reject(new Error('first'));
        },
        destroy() {},
        max: 1,
      }),
    );
    if (from === 'error') pool.once('error', () => pool[call]());
    const outcome = await pool.acquire().catch((error) => error);
    if (code === undefined) expect(outcome).toBe('second');
    else expect(outcome.code).toBe(code);
    await pool.close({ timeoutMs: 0 });
    expect(pool.stats().total).toBe(0);
  }
});

test('a signal that is read late is aborted already', async () => {
  const made = deferred();
  let asked;
  const pool = track(
    new (load().ObjectPool)({
      create(given) {
        asked = given;
        return made.promise;
      },
      destroy() {},
    }),
  );
  const refused = rejection(pool.acquire());
  const closed = pool.close();
  expect(asked.signal.aborted).toBe(true);
  made.resolve({});
  await closed;
  expect((await refused).code).toBe('ERR_POLYPOOL_CLOSED');
});

test('bounds beyond what a timer takes are as good as none', async () => {
  const huge = 1e300;
  const options = { createTimeoutMs: huge, acquireTimeoutMs: huge, waitForServer: true };
  const pool = track(await load().createPool({ create: () => 1, destroy() {} }, options));
  expect(await pool.use((resource) => resource)).toBe(1);
});

test('close() does not lengthen the bound of a create', async () => {
  const bounds = { createTimeoutMs: 30, destroyTimeoutMs: null };
  const pool = lazyObjects(factoryOf({ create: ['never'] }), bounds);
  const refused = rejection(pool.acquire());
  await pool.close();
  expect((await refused).code).toBe('ERR_POLYPOOL_CLOSED');
});

test('close() ends though create and destroy never do', async () => {
  const stuck = lazyObjects(factoryOf({ create: ['never'] }), SHORT);
  const waiting = rejection(stuck.acquire());
  await stuck.close();
  expect((await waiting).code).toBe('ERR_POLYPOOL_CLOSED');
  const made = factoryOf({ destroy: ['never'] });
  const pool = lazyObjects(made, SHORT);
  await pool.use(() => {});
  await pool.close();
  expect(pool.stats().total).toBe(0);
});

test('close() waits for leases until its deadline, then destroys under their holders', async () => {
  const made = factoryOf();
  const pool = lazyObjects(made, { max: 2 });
  const [kept, given] = [await pool.acquire(), await pool.acquire()];
  const closed = pool.close({ timeoutMs: 60_000 });
  expect((await rejection(pool.acquire())).code).toBe('ERR_POLYPOOL_CLOSED');
  await pool.release(given);
  expect(made.alive.has(kept)).toBe(true);
  await Promise.all([closed, pool.close({ timeoutMs: 0 })]);
  expect(made.alive.size).toBe(0);
  expect((await rejection(pool.release(kept))).code).toBe('ERR_POLYPOOL_NOT_LENT');
  expect((await rejection(pool.acquire())).code).toBe('ERR_POLYPOOL_CLOSED');
});

test('clear() and resize() reach lent resources when they come back', async () => {
  const made = factoryOf();
  const pool = lazyObjects(made, { max: 3 });
  const lent = [await pool.acquire(), await pool.acquire(), await pool.acquire()];
  await pool.release(lent[0]);
  pool.clear();
  await until(() => !made.alive.has(lent[0]));
  await pool.release(lent[1]);
  expect(made.alive.has(lent[1])).toBe(false);
  pool.resize({ max: 1 });
  expect(pool.stats().max).toBe(1);
  expect(() => pool.resize({ min: 2 })).toThrow(/'min' must be at most max \(1\)/);
  await pool.release(lent[2]);
  expect(await pool.use(() => pool.stats().total)).toBe(1);
});

test('a factory may be an instance, whose own fields are no options', async () => {
  class Counter {
    count = 0;
    create() {
      return { number: ++this.count };
    }
    destroy() {
      this.count--;
    }
  }
  const counter = new Counter();
  const pool = track(await load().createPool(counter, { min: 2 }));
  expect(counter.count).toBe(2);
  await pool.close();
  expect(counter.count).toBe(0);
});

const nothing = () => {};

test.each([
  [{ create: nothing }, 'destroy', /'destroy' must be a function/],
  [{ create: null, destroy: nothing }, 'create', /'create' must be a function/],
  [{ create: nothing, destroy: nothing, validate: 'always' }, 'validate', /must be a function/],
  [{ create: nothing, destroy: nothing, reset: true }, 'reset', /must be a function, got true/],
  [{ create: nothing, destroy: nothing, max: 0 }, 'max', /an integer of at least 1, got 0/],
  [{ create: nothing, destroy: nothing, min: 3, max: 2 }, 'min', /at most max \(2\), got 3/],
  [{ create: nothing, destroy: nothing, creatTimeoutMs: 1 }, 'creatTimeoutMs', /'createTimeoutMs'/],
  [{ create: nothing, destroy: nothing, destroyTimeoutMs: -1 }, 'destroyTimeoutMs', /at least 0/],
  [
    { create: nothing, destroy: nothing, connectTimeoutMs: 1 },
    'connectTimeoutMs',
    /createTimeoutMs/,
  ],
  [{ create: nothing, destroy: nothing, pipeline: true }, 'pipeline', /pools of a database/],
])('refuses %p', async (options, option, message) => {
  const { createPool, ObjectPool, OptionError } = load();
  const error = await rejection(createPool(options));
  expect(error).toBeInstanceOf(OptionError);
  expect(error.option).toBe(option);
  expect(error.message).toMatch(message);
  expect(() => new ObjectPool(options)).toThrow(message);
});

test('options of the factory beside others are not overlooked', async () => {
  const { createPool, ObjectPool, ResourcePool } = load();
  const one = { create: nothing, destroy: nothing, max: 1 };
  const error = await rejection(createPool(one, { min: 0 }));
  expect(error.option).toBe('max');
  expect(error.message).toMatch(/second argument/);
  expect(() => new ObjectPool(one, {})).toThrow(/'max' belongs to the options/);
  expect(() => new ResourcePool(one)).toThrow(/'max' belongs to the options/);
  expect((await rejection(createPool({ destroy: nothing }))).option).toBe('create');
});

test('a factory given to the pool of connections is told where it belongs', async () => {
  const { Pool, connect } = load();
  const factory = { create: nothing, destroy: nothing };
  expect(() => new Pool(factory)).toThrow(/new ObjectPool\(\)/);
  expect((await rejection(connect(factory))).option).toBe('create');
});

test('wrong options of calls are named', async () => {
  const pool = lazyObjects(factoryOf(), {});
  for (const [call, message] of [
    [() => pool.acquire({ timeout: 1 }), /Unknown option 'timeout' of acquire\(\)/],
    [() => pool.acquire({ priority: 1 }), /'priority' must be an integer from 0 to 0/],
    [() => pool.acquire({ target: 'replica' }), /Unknown option 'target'/],
    [() => pool.lease({ timeoutMs: -1 }), /'timeoutMs' must be/],
    [() => pool.release({}, { destroy: 1 }), /'destroy' must be true or false/],
    [() => pool.close({ timeoutMs: 'soon' }), /'timeoutMs' must be/],
  ]) {
    expect((await rejection(call())).message).toMatch(message);
  }
});
