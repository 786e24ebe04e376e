'use strict';
// The form of the documents, `AsyncPool((callback) => callback(null, instance), n).get()`, and what
// else the drop-in does beyond async-pool.

const Bluebird = require('bluebird');
const { setImmediate: turn } = require('node:timers/promises');
const { runProgram, printed } = require('../../support/child.js');

const load = () => require('../../../lib/compat/async-pool/index.js');

describe('get()', () => {
  let made;
  const make = (callback) => callback(null, { id: ++made });

  beforeEach(() => {
    made = 0;
  });

  test.each([
    ['without new', (...args) => load()(...args)],
    ['with new', (...args) => new (load())(...args)],
  ])('hands out the instances in turn, %s', (_how, construct) => {
    const pool = construct(make, 3);
    expect(made).toBe(3);
    const got = Array.from({ length: 7 }, () => pool.get().id);
    expect(got).toEqual([1, 2, 3, 1, 2, 3, 1]);
    expect(made).toBe(3);
    expect(pool).toBeInstanceOf(load());
  });

  test('answers at once and lends nothing', () => {
    const pool = load()(make, 2);
    pool.get();
    pool.get();
    expect([pool.nresources, pool.resources.length]).toEqual([2, 2]);
    expect(pool.closeImmediately()).toBe(pool);
  });

  test('may give the same instance each time', () => {
    const shared = { query: () => 'rows' };
    const pool = load()((callback) => callback(null, shared), 5);
    expect(pool.get()).toBe(shared);
    expect(pool.get().query('select 1', [], () => {})).toBe('rows');
  });

  test('takes an instance that is null, and error values that mean none', () => {
    const AsyncPool = load();
    expect(AsyncPool((callback) => callback(null, null), 1).get()).toBe(null);
    expect(AsyncPool((callback) => callback(undefined, 7), 1).get()).toBe(7);
  });

  test('goes round the resources of the other form as well', () => {
    const pool = new (load())(['a', 'b']);
    expect([pool.get(), pool.get(), pool.get()]).toEqual(['a', 'b', 'a']);
  });

  test('the instances can be lent too', async () => {
    const pool = load()(make, 2);
    const ids = [1, 2, 3].map(() => Bluebird.using(pool.use(), ({ id }) => id));
    expect(await Promise.all(ids)).toEqual([2, 1, 2]);
  });

  test('ends with the pool', () => {
    const pool = load()(make, 2);
    pool.close();
    expect(() => pool.get()).toThrow('AsyncPool is closed or without resources.');
    expect(() => new (load())([]).get()).toThrow('AsyncPool is closed or without resources.');
  });

  test.each([[0], [-1], [1.5], [NaN], [Infinity], ['5'], [null], [undefined]])(
    'a number of %p is refused',
    (count) => {
      expect(() => load()(make, count)).toThrow(RangeError);
      expect(() => load()(make, count)).toThrow('n must be an integer of at least 1');
      expect(made).toBe(0);
    },
  );

  test.each([[{}], [null], [undefined], ['fn'], [['a']]])('a function of %p is refused', (fn) => {
    expect(() => load()(fn, 5)).toThrow(TypeError);
    expect(() => load()(fn, 5)).toThrow('fn must be a function');
  });

  test.each([[{}], ['abc'], [7]])('resources of %p are refused', (resources) => {
    expect(() => new (load())(resources)).toThrow(TypeError);
    expect(() => new (load())(resources)).toThrow('an array of resources');
  });

  test('a callback that comes later is refused', async () => {
    const late = (callback) => setImmediate(callback, null, {});
    expect(() => load()(late, 2)).toThrow(
      'instance 1 of 2 is not there: the function must call its callback before it returns',
    );
    await turn();
  });

  test('an async function that has not called back by its first await is refused', () => {
    const late = async (callback) => {
      await null;
      callback(null, {});
    };
    expect(() => load()(late, 1)).toThrow('must call its callback before it returns');
  });

  test('an error given to the callback is the cause', () => {
    const wrong = new Error('no server');
    let calls = 0;
    const failing = (callback) => (++calls === 2 ? callback(wrong) : callback(null, {}));
    let thrown;
    try {
      load()(failing, 3);
    } catch (error) {
      thrown = error;
    }
    expect(thrown.message).toBe('AsyncPool: instance 2 of 3 could not be made: no server');
    expect(thrown.cause).toBe(wrong);
    expect(calls).toBe(2);
  });

  test('an error that is no Error is told as well', () => {
    expect(() => load()((callback) => callback('E1'), 1)).toThrow("could not be made: 'E1'");
  });

  test('what the function throws is thrown', () => {
    const wrong = new Error('broken');
    const failing = () => {
      throw wrong;
    };
    expect(() => load()(failing, 1)).toThrow(wrong);
  });

  test('of several calls of the callback the first counts', () => {
    const twice = (callback) => {
      callback(null, 'first');
      callback(new Error('second'));
    };
    expect(load()(twice, 1).get()).toBe('first');
  });
});

describe('closing, where async-pool never comes to an end', () => {
  /** A pool of one that is in use until `finish` is called. */
  async function busy() {
    const pool = new (load())(['only']);
    let finish;
    const work = new Promise((resolve) => (finish = resolve));
    const begun = new Promise((begin) => {
      Bluebird.using(pool.use(), () => (begin(), work));
    });
    await begun;
    return { pool, finish };
  }

  test('closeAndWait resolves when the last resource is back', async () => {
    const { pool, finish } = await busy();
    let closed = false;
    const closing = pool.closeAndWait().then((value) => {
      closed = true;
      return value;
    });
    await turn();
    expect(closed).toBe(false);
    finish();
    expect(await closing).toBe(pool);
    expect([pool.isClosed(), pool.willClose, pool.resources]).toEqual([true, null, null]);
  });

  test('close, and then closeAndWait, twice', async () => {
    const { pool, finish } = await busy();
    expect(pool.close()).toBe(true);
    const both = Promise.all([pool.closeAndWait(), pool.closeAndWait()]);
    finish();
    expect(await both).toEqual([pool, pool]);
  });

  test('those who waited are served before the pool is closed', async () => {
    const { pool, finish } = await busy();
    const waiting = [1, 2].map((n) => Bluebird.using(pool.use(), (resource) => [n, resource]));
    const closing = pool.closeAndWait();
    finish();
    expect(await Promise.all(waiting)).toEqual([
      [1, 'only'],
      [2, 'only'],
    ]);
    await closing;
  });

  test('those who wait when a pool is ended by a use are refused', async () => {
    const { pool, finish } = await busy();
    const waiting = Bluebird.using(pool.use(), () => {});
    const refused = expect(waiting).rejects.toThrow('AsyncPool is closed or without resources.');
    pool.close();
    expect(() => pool.use()).toThrow();
    await refused;
    finish();
  });
});

describe('without bluebird', () => {
  // Nothing but the drop-in itself finds what it requires.
  const program = (then) => `
    const Module = require('node:module');
    const resolve = Module._resolveFilename;
    Module._resolveFilename = (name, ...rest) => resolve.call(Module, name === 'bluebird' ? 'no-such-bluebird' : name, ...rest);
    const AsyncPool = require('./lib/compat/async-pool/index.js');
    const print = (value) => console.log(JSON.stringify(value));
    ${then}`;

  test('use() says what is missing', async () => {
    const run = await runProgram(
      program(`try { new AsyncPool([1]).use(); } catch (error) { print(error.message); }`),
    );
    expect(printed(run)).toEqual([expect.stringContaining("package 'bluebird' is not installed")]);
  });

  test('get() and closing work', async () => {
    const run = await runProgram(
      program(`
        const pool = AsyncPool((callback) => callback(null, 'it'), 2);
        print(pool.get());
        pool.closeAndWait().then((closed) => print(closed === pool));`),
    );
    expect(printed(run)).toEqual(['it', true]);
  });
});
