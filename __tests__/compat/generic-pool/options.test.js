'use strict';
// How every option is read: strings, nonsense, missing values.

const { LIBRARIES, Workshop, agree, counters, quiet, rejection } = require('./libraries.js');

describe.each(LIBRARIES)('%s', (_name, load) => {
  const open = (options, workshop = new Workshop()) => load().createPool(workshop.factory, options);

  test.each([
    [{}, 1],
    [{ max: 7 }, 7],
    [{ max: '7' }, 7],
    [{ max: 7.9 }, 7],
    [{ max: '7 pieces' }, 7],
    [{ max: 0 }, 1],
    [{ max: -3 }, 1],
    [{ max: 'many' }, 1],
    [{ max: null }, 1],
    [{ max: Infinity }, 1],
    [{ max: 100_000 }, 100_000],
  ])('max of %j is %d', (options, max) => {
    const pool = open(options);
    expect(pool.max).toBe(max);
    expect(pool.spareResourceCapacity).toBe(max);
  });

  test.each([
    [{ max: 5 }, 0],
    [{ max: 5, min: 2 }, 2],
    [{ max: 5, min: '2' }, 2],
    [{ max: 5, min: 9 }, 5],
    [{ max: 5, min: 'few' }, 0],
    [{ max: 5, min: null }, 0],
    [{ max: 5, min: -1 }, -1],
    [{ min: 3 }, 1],
  ])('min of %j is %d', (options, min) => {
    const pool = open(options);
    expect(pool.min).toBe(min);
    expect(pool.size).toBe(Math.max(min, 0));
  });

  test.each([[undefined], [null], [0], ['']])('options may be %p', (options) => {
    expect(counters(open(options))).toEqual({
      size: 0,
      available: 0,
      borrowed: 0,
      pending: 0,
      spareResourceCapacity: 1,
      max: 1,
      min: 0,
    });
  });

  test('unknown options are passed over', () => {
    expect(open({ max: 2, name: 'x', refreshIdle: true, returnToHead: 1 }).max).toBe(2);
  });

  test('the options given stay as they are, and later changes of them count for nothing', () => {
    const options = Object.freeze({ max: '3', min: 1, testOnBorrow: 1 });
    const pool = open(options);
    expect(options).toEqual({ max: '3', min: 1, testOnBorrow: 1 });
    expect(pool.max).toBe(3);
  });

  test.each([
    [{}, 'first'],
    [{ fifo: true }, 'first'],
    [{ fifo: false }, 'last'],
    [{ fifo: 0 }, 'first'],
    [{ fifo: 'false' }, 'first'],
    [{ fifo: null }, 'first'],
  ])('%j lends what was released %s', async (options, which) => {
    const pool = open({ max: 2, ...options });
    const [a, b] = await Promise.all([pool.acquire(), pool.acquire()]);
    pool.release(b);
    pool.release(a);
    expect(await pool.acquire()).toBe(which === 'first' ? b : a);
  });

  test.each([
    [{ testOnBorrow: true }, 1],
    [{ testOnBorrow: false }, 0],
    [{ testOnBorrow: 1 }, 0],
    [{ testOnBorrow: 'true' }, 0],
    [{ testOnReturn: true }, 0],
  ])('%j validates %d times in one round', async (options, times) => {
    const workshop = new Workshop({ validate: () => true });
    const pool = open(options, workshop);
    await pool.release(await pool.acquire());
    await quiet();
    expect(workshop.calls.filter((call) => call.startsWith('validate'))).toHaveLength(times);
  });

  test.each([[{}], [{ autostart: true }], [{ autostart: 0 }], [{ autostart: null }]])(
    '%j starts in the constructor',
    (options) => {
      const workshop = new Workshop({ held: true });
      open({ min: 2, max: 3, ...options }, workshop);
      expect(workshop.calls).toEqual(['create 1', 'create 2']);
    },
  );

  test.each([[0], [null], [undefined], ['']])(
    'acquireTimeoutMillis %p waits without end',
    async (acquireTimeoutMillis) => {
      const pool = open({ acquireTimeoutMillis });
      const resource = await pool.acquire();
      const waiting = pool.acquire();
      await quiet();
      expect(pool.pending).toBe(1);
      pool.release(resource);
      expect(await waiting).toBe(resource);
    },
  );

  test.each([[-1], [-0.5], ['-20'], ['soon'], [0.5], [NaN + '']])(
    'acquireTimeoutMillis %p makes acquire throw',
    (acquireTimeoutMillis) => {
      const pool = open({ acquireTimeoutMillis });
      expect(() => pool.acquire()).toThrow(new Error('delay must be a positive int'));
      expect(counters(pool)).toMatchObject({ size: 0, pending: 0 });
    },
  );

  test.each([['20'], [20.9], ['20ms']])('acquireTimeoutMillis %p is 20', async (given) => {
    const pool = open({ acquireTimeoutMillis: given });
    await pool.acquire();
    const began = Date.now();
    await rejection(pool.acquire());
    expect(Date.now() - began).toBeGreaterThanOrEqual(15);
  });

  test.each([[null], [undefined], ['none'], [NaN]])(
    'maxWaitingClients %p is no limit',
    async (maxWaitingClients) => {
      const pool = open({ maxWaitingClients });
      for (let i = 0; i < 20; i++) pool.acquire();
      expect(pool.pending).toBe(20);
    },
  );

  test.each([
    ['factory.create must be a function', { destroy() {} }],
    ['factory.create must be a function', { create: 'x', destroy() {} }],
    ['factory.destroy must be a function', { create() {} }],
    ['factory.destroy must be a function', { create() {}, destroy: null }],
    ['factory.validate must be a function', { create() {}, destroy() {}, validate: true }],
    ['factory.validate must be a function', { create() {}, destroy() {}, validate: null }],
    ['factory.create must be a function', {}],
    ['factory.create must be a function', 'factory'],
  ])('TypeError: %s', (message, factory) => {
    const { createPool } = load();
    expect(() => createPool(factory)).toThrow(TypeError);
    expect(() => createPool(factory)).toThrow(message);
  });

  test.each([[undefined], [null]])('a factory of %p is a TypeError', (factory) => {
    expect(() => load().createPool(factory)).toThrow(TypeError);
  });

  test('a factory is called as an object, with nothing but the resource', async () => {
    const calls = [];
    class Maker {
      create(...given) {
        calls.push(['create', this instanceof Maker, given]);
        return 'thing';
      }
      destroy(...given) {
        calls.push(['destroy', this instanceof Maker, given]);
      }
      validate(...given) {
        calls.push(['validate', this instanceof Maker, given]);
        return true;
      }
    }
    const pool = load().createPool(new Maker(), { testOnBorrow: true });
    await pool.destroy(await pool.acquire());
    expect(calls).toEqual([
      ['create', true, []],
      ['validate', true, ['thing']],
      ['destroy', true, ['thing']],
    ]);
  });

  test('methods that a factory gets later are the ones called', async () => {
    const workshop = new Workshop();
    const pool = open({ max: 2 }, workshop);
    await pool.acquire();
    workshop.factory.create = () => 'another kind';
    expect(await pool.acquire()).toBe('another kind');
  });
});

agree('counters of pools with every kind of bounds', (lib, trace) => {
  for (const max of [undefined, 1, 2, '3', 4.5, 'x']) {
    for (const min of [undefined, 0, 1, '2', 9, -2]) {
      const workshop = new Workshop({ held: true });
      const pool = lib.createPool(workshop.factory, { max, min });
      trace.watch(pool, workshop);
      trace.step(`max ${max} min ${min}`);
      pool.acquire();
      trace.step('acquire');
    }
  }
});
