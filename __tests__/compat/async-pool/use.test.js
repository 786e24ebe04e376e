'use strict';
// use() and closing: the same tests over async-pool and its drop-in, each with its own bluebird.

const { setImmediate: turn } = require('node:timers/promises');

const LIBRARIES = [
  ['async-pool', () => require('async-pool'), [require.resolve('async-pool')]],
  ['polypool/async-pool', () => require('../../../lib/compat/async-pool/index.js'), [__dirname]],
];

const CLOSED = 'AsyncPool is closed or without resources.';
const BUSY = 'AsyncPool closing while resources still checked out.';

/** A promise with its handle outside. */
function gate() {
  let open;
  const promise = new Promise((resolve) => (open = resolve));
  return { promise, open };
}

describe.each(LIBRARIES)('%s', (_name, load, paths) => {
  const bluebird = () => require(require.resolve('bluebird', { paths }));

  /** Uses a pool, and notes who got what when, and what the pool showed at that moment. */
  function user(pool, log) {
    const { using } = bluebird();
    return (label, work = () => turn()) =>
      using(pool.use(), (resource) => {
        log.push([label, resource, pool.resources?.length, pool.waiting.length]);
        return work(resource);
      });
  }

  test('fields of a fresh pool', () => {
    const AsyncPool = load();
    const pool = new AsyncPool(['a', 'b', 'c']);
    expect(pool.resources).toEqual(['a', 'b', 'c']);
    expect([pool.nresources, pool.waiting, pool.willClose]).toEqual([3, [], null]);
    expect(pool.isClosed()).toBe(false);
    expect(pool).toBeInstanceOf(AsyncPool);
  });

  test('the last resource goes first, and of those who wait the last one', async () => {
    const AsyncPool = load();
    const pool = new AsyncPool(['foo', 'bar', 'baz']);
    const log = [];
    const use = user(pool, log);
    const all = [1, 2, 3, 4, 5, 6, 7, 8].map((n) => use(n));
    expect([pool.resources, pool.waiting.length]).toEqual([[], 5]);
    await Promise.all(all);
    expect(log.map(([label]) => label)).toEqual([1, 2, 3, 8, 7, 6, 5, 4]);
    expect(log.slice(0, 3).map(([, resource]) => resource)).toEqual(['baz', 'bar', 'foo']);
    await turn();
    expect(pool.resources).toHaveLength(3);
    expect(pool.waiting).toHaveLength(0);
  });

  test('what came back last goes next', async () => {
    const AsyncPool = load();
    const pool = new AsyncPool([1, 2, 3]);
    const use = user(pool, []);
    const [first, second] = [gate(), gate()];
    const uses = [use('a', () => first.promise), use('b', () => second.promise)];
    await turn();
    expect(pool.resources).toEqual([1]);
    first.open();
    await uses[0];
    await turn();
    expect(pool.resources).toEqual([1, 3]);
    second.open();
    await uses[1];
    await turn();
    expect(pool.resources).toEqual([1, 3, 2]);
    let got;
    await use('c', (resource) => (got = resource));
    expect(got).toBe(2);
  });

  test('resources may be alike', async () => {
    const AsyncPool = load();
    const pool = new AsyncPool(['same', 'same']);
    const use = user(pool, []);
    await Promise.all([use(1), use(2), use(3)]);
    await turn();
    expect(pool.resources).toEqual(['same', 'same']);
  });

  test('a use that fails gives back as well, and its result is that of using', async () => {
    const AsyncPool = load();
    const pool = new AsyncPool([{}]);
    const use = user(pool, []);
    const wrong = new Error('wrong');
    await expect(use('a', () => Promise.reject(wrong))).rejects.toBe(wrong);
    expect(await use('b', () => 'result')).toBe('result');
    await turn();
    expect(pool.resources).toHaveLength(1);
  });

  test('without resources there is no use', () => {
    const AsyncPool = load();
    expect(() => new AsyncPool([]).use()).toThrow(new Error(CLOSED));
    expect(() => new AsyncPool().use()).toThrow(new Error(CLOSED));
    expect(new AsyncPool().isClosed()).toBe(true);
    expect(new AsyncPool(null).close()).toBe(true);
    expect(new AsyncPool().nresources).toBe(0);
  });

  test('close of a pool at rest', () => {
    const AsyncPool = load();
    const pool = new AsyncPool([1, 2]);
    expect(pool.close()).toBe(true);
    expect(pool.isClosed()).toBe(true);
    expect(pool.resources).toBe(null);
    expect(pool.close()).toBe(true);
    expect(() => pool.use()).toThrow(new Error(CLOSED));
  });

  test('close of a pool at work: no more uses, and a second close is false', async () => {
    const AsyncPool = load();
    const pool = new AsyncPool([1, 2]);
    const { promise, open } = gate();
    const using = user(pool, [])('a', () => promise);
    await turn();
    expect(pool.close()).toBe(true);
    expect([pool.isClosed(), pool.willClose, pool.close()]).toEqual([true, true, false]);
    expect(() => pool.use()).toThrow(new Error(CLOSED));
    expect(pool.resources).toBe(null);
    open();
    await using;
  });

  test('closeImmediately of a pool at rest returns the pool', () => {
    const AsyncPool = load();
    const pool = new AsyncPool([1, 2]);
    expect(pool.closeImmediately()).toBe(pool);
    expect(pool.isClosed()).toBe(true);
    expect(pool.closeImmediately()).toBeUndefined();
  });

  test('closeImmediately of a pool at work throws and leaves it open', async () => {
    const AsyncPool = load();
    const pool = new AsyncPool([1, 2]);
    const use = user(pool, []);
    const { promise, open } = gate();
    const using = use('a', () => promise);
    await turn();
    expect(() => pool.closeImmediately()).toThrow(new Error(BUSY));
    expect(pool.isClosed()).toBe(false);
    await use('b');
    open();
    await using;
    await turn();
    expect(pool.closeImmediately()).toBe(pool);
  });

  test('closeAndWait of a pool at rest resolves to the pool', async () => {
    const AsyncPool = load();
    const pool = new AsyncPool([1]);
    const closing = pool.closeAndWait();
    expect(closing).toBeInstanceOf(bluebird());
    expect(await closing).toBe(pool);
    expect(await pool.closeAndWait()).toBe(pool);
  });

  test('a use while closeAndWait waits ends both', async () => {
    const AsyncPool = load();
    const pool = new AsyncPool([1]);
    const { promise, open } = gate();
    const using = user(pool, [])('a', () => promise);
    await turn();
    const closing = pool.closeAndWait();
    expect(() => pool.use()).toThrow(new Error(CLOSED));
    await expect(closing).rejects.toThrow('AsyncPool used while closing.');
    expect(pool.resources).toBe(null);
    open();
    await using;
  });

  test('closeImmediately while closeAndWait waits takes both back', async () => {
    const AsyncPool = load();
    const pool = new AsyncPool([1]);
    const { promise, open } = gate();
    const using = user(pool, [])('a', () => promise);
    await turn();
    const closing = pool.closeAndWait();
    expect(() => pool.closeImmediately()).toThrow(new Error(BUSY));
    await expect(closing).rejects.toBe('Immediate close while resources still checked out.');
    expect(pool.isClosed()).toBe(false);
    open();
    await using;
  });

  test('constructors of functions can build on it', () => {
    const AsyncPool = load();
    function Own(...args) {
      AsyncPool.apply(this, args);
    }
    Object.setPrototypeOf(Own.prototype, AsyncPool.prototype);
    const own = new Own([1, 2]);
    expect([own.nresources, own.isClosed()]).toEqual([2, false]);
    class Derived extends AsyncPool {}
    expect(new Derived([1]).nresources).toBe(1);
  });
});
