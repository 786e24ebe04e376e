'use strict';
// Pools of resources and the end of their process, their thread, their timers.

const { Worker } = require('node:worker_threads');
const { once } = require('node:events');
const { load, track, rejection } = require('../support/pools.js');
const { runProgram } = require('../support/child.js');

const FACTORY = `const factory = { create: () => ({}), destroy() {} };`;

const clean = (stdout) => ({ code: 0, signal: null, stderr: '', stdout });

test.each([
  ['an idle pool', `createPool(factory, { min: 2 });`, ''],
  ['a lease that is never given back', `createPool(factory, {}).then((p) => p.acquire());`, ''],
  [
    'one who waits is told',
    `createPool(factory, { max: 1 }).then(async (p) => {
       await p.acquire();
       await p.acquire({ timeoutMs: 50 }).catch(({ code }) => console.log(code)); });`,
    'ERR_POLYPOOL_ACQUIRE_TIMEOUT\n',
  ],
  [
    'close() is waited for',
    `createPool({ create: () => 1, destroy: () => new Promise(() => {}) }, { destroyTimeoutMs: 30 })
       .then((p) => p.close()).then(() => console.log('closed'));`,
    'closed\n',
  ],
  [
    'close() keeps it until its deadline, and destroys what is lent',
    `createPool({ create: () => 1, destroy: () => console.log('destroyed') }, { max: 1 })
       .then(async (p) => { await p.acquire(); await p.close({ timeoutMs: 50 }); console.log('closed'); });`,
    'destroyed\nclosed\n',
  ],
])('the process ends: %s', async (_, program, stdout) => {
  expect(await runProgram(FACTORY + program)).toEqual(clean(stdout));
});

test('no engine thread is started for them', async () => {
  const program = `const { readdirSync } = require('node:fs');
    const before = readdirSync('/proc/self/task').length;
    createPool(factory).then((p) => p.use(() => {
      console.log(readdirSync('/proc/self/task').length - before); }));`;
  expect(await runProgram(FACTORY + program)).toEqual(clean('0\n'));
});

test('threads with pools may end at any moment', async () => {
  const program = `
    const { createPool } = require(${JSON.stringify(require.resolve('../../index.js'))});
    const { parentPort } = require('node:worker_threads');
    const factory = { create: () => new Promise((r) => setImmediate(r, {})), destroy() {} };
    createPool(factory, { max: 3, min: 2 }).then((pool) => {
      const user = async () => { for (;;) await pool.use(() => new Promise(setImmediate)); };
      for (let i = 0; i < 9; i++) user();
      parentPort.postMessage('up');
    });`;
  for (let round = 0; round < 10; round++) {
    const workers = [0, 1].map(() => new Worker(program, { eval: true }));
    await Promise.all(workers.map((worker) => once(worker, 'message')));
    await Promise.all(workers.map((worker) => worker.terminate()));
  }
});

test('faked timers do not stop the pool', async () => {
  const { ObjectPool } = load();
  jest.useFakeTimers();
  try {
    const pool = track(new ObjectPool({ create: () => ({}), destroy() {}, max: 1 }));
    const resource = await pool.acquire();
    expect((await rejection(pool.acquire({ timeoutMs: 10 }))).code).toBe(
      'ERR_POLYPOOL_ACQUIRE_TIMEOUT',
    );
    await pool.release(resource);
  } finally {
    jest.useRealTimers();
  }
});

test('what a listener throws is uncaught and harms nothing else', async () => {
  const program = `process.on('uncaughtException', ({ message }) => console.log(message));
    createPool(factory, { lazy: true, max: 1 }).then(async (p) => {
      for (const event of ['connect', 'acquire', 'release', 'remove', 'close'])
        p.once(event, () => { throw new Error(event); });
      await p.release(await p.acquire(), { destroy: true });
      await p.use(() => {});
      await p.close();
      console.log('done'); });`;
  const { stdout, code } = await runProgram(FACTORY + program);
  expect(code).toBe(0);
  expect(stdout.trim().split('\n').sort()).toEqual([
    'acquire',
    'close',
    'connect',
    'done',
    'release',
    'remove',
  ]);
});

test('a garbage collected pool leaves nothing behind', async () => {
  const program = `
    let live = 0;
    const registry = new FinalizationRegistry(() => live--);
    const one = async () => {
      const pool = await createPool({ create: () => new Array(1e4).fill(0), destroy() {} });
      live++;
      registry.register(pool, 0);
      await pool.use(() => {});
      await pool.close();
    };
    (async () => {
      for (let i = 0; i < 200; i++) await one();
      for (let i = 0; i < 50 && live > 5; i++) { global.gc(); await new Promise(setImmediate); }
      console.log(live <= 5);
    })();`;
  const { stdout } = await runProgram(program, { flags: ['--expose-gc'] });
  expect(stdout).toBe('true\n');
});

test('nor do timers that were faked before the library was loaded', async () => {
  const { resolve } = require;
  jest.resetModules();
  jest.useFakeTimers();
  try {
    const { ObjectPool } = require(resolve('../../index.js'));
    const pool = new ObjectPool({ create: () => ({}), destroy() {}, max: 1 });
    const resource = await pool.acquire();
    for (let turn = 0; turn < 3; turn++) {
      const error = await rejection(pool.acquire({ timeoutMs: 10 }));
      expect(error.waitedMs).toBeGreaterThanOrEqual(10);
    }
    await pool.release(resource);
    await pool.close();
    expect(jest.getTimerCount()).toBe(0);
  } finally {
    jest.useRealTimers();
  }
});
