'use strict';
// Subscriptions whose connection, server or thread goes away.

const { once } = require('node:events');
const path = require('node:path');
const { Worker } = require('node:worker_threads');
const { Proxy } = require('../support/proxy.js');
const { Server } = require('../support/server.js');
const {
  load,
  track,
  openPool,
  observe,
  terminateBackend,
  unique,
  rejection,
  until,
} = require('../support/pools.js');
const { runProgram, printed } = require('../support/child.js');
const { testServer, url } = require('../support/urls.js');

/** Processes that wait for notifications: their last statement was a LISTEN. */
async function listeners(applicationName) {
  const text = `select pid from pg_stat_activity
    where application_name = $1 and query ilike 'listen%'`;
  return (await observe(text, [applicationName])).map(({ pid }) => pid);
}

async function nextPayload(subscription) {
  const { value } = await subscription[Symbol.asyncIterator]().next();
  return value.payload;
}

test('a lost connection is replaced, and its subscriptions are told', async () => {
  const name = unique('lost');
  const pool = await openPool({ max: 1, applicationName: name });
  const channels = [unique('a'), unique('b')];
  const subscriptions = await Promise.all(channels.map((channel) => pool.listen(channel)));
  for (let round = 0; round < 3; round++) {
    const [backend] = await listeners(name);
    const told = subscriptions.map((subscription) => once(subscription, 'resubscribed'));
    await terminateBackend(backend);
    const gaps = (await Promise.all(told)).map(([gap]) => gap);
    gaps.forEach((gap, at) => {
      expect(gap).toMatchObject({ channel: channels[at], lostForMs: expect.any(Number) });
      expect(gap.cause.code).toBe('ERR_POLYPOOL_CONNECTION_LOST');
    });
    for (const channel of channels) await pool.notify(channel, `round ${round}`);
    for (const subscription of subscriptions) {
      expect(await nextPayload(subscription)).toBe(`round ${round}`);
    }
    expect(pool.stats()).toMatchObject({ listening: 1 });
    expect(await listeners(name)).toHaveLength(1);
  }
});

test('those who come and go while it is lost get what they asked for', async () => {
  const { host, port } = testServer();
  const proxy = await Proxy.open({ host, port });
  const name = unique('lost');
  const options = { applicationName: name, connectTimeoutMs: 200 };
  const pool = await openPool(options, { port: proxy.port });
  const [staying, leaving] = await Promise.all([pool.listen('staying'), pool.listen('leaving')]);
  const told = once(staying, 'resubscribed');
  proxy.behave('blackHole');
  const before = proxy.accepted;
  proxy.cut();
  await until(() => proxy.accepted > before, 'an attempt to connect');
  await leaving.close();
  const coming = pool.listen('coming');
  const hasty = await rejection(pool.listen('hasty', { timeoutMs: 30 }));
  expect(hasty.code).toBe('ERR_POLYPOOL_ACQUIRE_TIMEOUT');
  proxy.behave('pass');
  proxy.cut();
  await Promise.all([told, coming]);
  await observe(`select pg_notify(c, c) from unnest('{leaving,hasty,staying,coming}'::text[]) c`);
  expect(await nextPayload(staying)).toBe('staying');
  expect(await nextPayload(await coming)).toBe('coming');
  await pool.close();
  await proxy.close();
});

test('a session that ends in the middle of a LISTEN or UNLISTEN is a lost one', async () => {
  const { host, port } = testServer();
  const proxy = await Proxy.open({ host, port });
  const name = unique('lost');
  const pool = await openPool({ applicationName: name }, { port: proxy.port });
  const [staying, leaving] = await Promise.all([pool.listen('staying'), pool.listen('leaving')]);
  const change = [() => pool.listen('coming'), () => leaving.close()];
  for (const begin of change) {
    const [backend] = await listeners(name);
    const told = once(staying, 'resubscribed');
    // The command stays on its way until the server has said why it ends the session.
    proxy.freeze();
    const changed = begin();
    await terminateBackend(backend);
    proxy.thaw();
    const [[gap]] = await Promise.all([told, changed]);
    expect(gap.cause.code).toBe('57P01');
  }
  await pool.notify('staying', 'all is well');
  expect(await nextPayload(staying)).toBe('all is well');
  await pool.close();
  await proxy.close();
});

test('a peer that falls silent is noticed by the check', async () => {
  const { host, port } = testServer();
  const proxy = await Proxy.open({ host, port });
  const pool = await openPool({ max: 1, connectTimeoutMs: 500 }, { port: proxy.port });
  const channel = unique('c');
  const subscription = await pool.listen(channel, { checkIntervalMs: 100 });
  const heard = [];
  subscription.on('notification', ({ payload }) => heard.push(payload));
  const told = once(subscription, 'resubscribed');
  const before = proxy.accepted;
  proxy.freeze();
  await until(() => proxy.accepted > before, 'a new connection');
  proxy.thaw();
  const [{ cause }] = await told;
  expect(cause.code).toBe('ERR_POLYPOOL_QUERY_TIMEOUT');
  await observe('select pg_notify($1, $2)', [channel, 'back']);
  await until(() => heard.includes('back'));
  await pool.close();
  await proxy.close();
});

test('a peer that is silent because nothing happens is asked, and kept', async () => {
  const name = unique('quiet');
  const pool = await openPool({ lazy: true, applicationName: name });
  const channel = unique('c');
  const subscription = await pool.listen(channel, { checkIntervalMs: 1000 });
  const disturbed = [];
  subscription.on('resubscribed', (gap) => disturbed.push(gap));
  const text = 'select query, query_start from pg_stat_activity where application_name = $1';
  const asked = new Set();
  await until(async () => {
    const [{ query, query_start: at }] = await observe(text, [name]);
    if (query === 'select 1') asked.add(String(at));
    return asked.size === 2;
  });
  await observe('select pg_notify($1, $2)', [channel, 'still here']);
  expect(await nextPayload(subscription)).toBe('still here');
  expect(disturbed).toEqual([]);
});

test('the server is stopped and started: subscriptions live on', async () => {
  const server = await Server.start();
  try {
    const pool = track(await load().createPool(url({ server: server.describe() }), { max: 2 }));
    const channel = unique('c');
    const subscription = await pool.listen(channel);
    for (const mode of ['fast', 'immediate']) {
      const told = once(subscription, 'resubscribed');
      await server.restart(mode);
      await told;
      await until(() =>
        pool.notify(channel, mode).then(
          () => true,
          () => false,
        ),
      );
      expect(await nextPayload(subscription)).toBe(mode);
    }
    await pool.close();
  } finally {
    await server.destroy();
  }
});

test('a database that is gone ends them with an error', async () => {
  const database = unique('gone');
  await observe(`create database ${database}`);
  const pool = await openPool({ max: 1 }, { database });
  const [emitting, iterated] = await Promise.all([pool.listen('c'), pool.listen('c')]);
  const failed = once(emitting, 'error');
  const loop = rejection(nextPayload(iterated));
  await observe(`drop database ${database} with (force)`);
  expect((await failed)[0].code).toBe('3D000');
  expect((await loop).code).toBe('3D000');
  expect(emitting.closed).toBe(true);
  await until(() => pool.stats().listening === 0);
});

test('the threads of a process have a connection each; a terminated one leaves none', async () => {
  const name = unique('worker');
  const start = () =>
    new Worker(
      `const { workerData, parentPort } = require('node:worker_threads');
       const { createPool } = require(workerData.entry);
       const options = { max: 1, lazy: true, applicationName: workerData.name };
       createPool(workerData.url, options).then(async (pool) => {
         const subscription = await pool.listen(workerData.name);
         subscription.on('notification', ({ payload }) => parentPort.postMessage(payload));
         parentPort.postMessage('ready');
       });`,
      { eval: true, workerData: { entry: path.resolve('index.js'), url: url(), name } },
    );
  const workers = [start(), start(), start()];
  await Promise.all(workers.map((worker) => once(worker, 'message')));
  expect(await listeners(name)).toHaveLength(3);
  const heard = workers.map((worker) => once(worker, 'message'));
  await observe('select pg_notify($1, $2)', [name, 'all']);
  expect(await Promise.all(heard)).toEqual([['all'], ['all'], ['all']]);
  const flood = `select pg_notify($1, i::text) from generate_series(1, 20000) i`;
  const flooding = observe(flood, [name]);
  await Promise.all(workers.map((worker) => worker.terminate()));
  await flooding;
  await until(async () => (await listeners(name)).length === 0);
});

test('a thread that does not come to read has the server wait, and misses nothing', async () => {
  const channel = unique('flood');
  // 60 MB: more than the engine holds for a thread, and the sockets in between.
  const run = await runProgram(
    `const { Worker } = require('node:worker_threads');
     const sender = \`
       const { workerData } = require('node:worker_threads');
       const { createPool } = require(workerData.entry);
       createPool(workerData.url).then(async (pool) => {
         const text = "select pg_notify('${channel}', i || repeat('x', 3000)) from generate_series(1, 20000) i";
         await pool.query(text);
         await pool.close();
         Atomics.store(workerData.flag, 0, 1);
         Atomics.notify(workerData.flag, 0);
       });\`;
     createPool(url, { max: 1 }).then(async (pool) => {
       const subscription = await pool.listen('${channel}');
       let next = 1;
       let wrong = 0;
       const done = new Promise((resolve) => {
         subscription.on('notification', ({ payload }) => {
           if (payload.length !== String(next).length + 3000 || parseInt(payload) !== next) wrong++;
           if (next++ === 20000) resolve();
         });
       });
       const flag = new Int32Array(new SharedArrayBuffer(4));
       const entry = require.resolve('./index.js');
       new Worker(sender, { eval: true, workerData: { entry, url, flag } });
       Atomics.wait(flag, 0, 0);
       Atomics.wait(flag, 0, 1, 500);
       const held = process.memoryUsage().rss;
       await done;
       console.log(JSON.stringify([next - 1, wrong, held < 400e6]));
       await pool.close();
     });`,
  );
  expect(run).toMatchObject({ code: 0, signal: null, stderr: '' });
  expect(printed(run)).toEqual([[20_000, 0, true]]);
});

test('a live subscription keeps the process alive, an unreferenced or closed one does not', async () => {
  const heard = await runProgram(
    `createPool(url, { max: 1 }).then(async (pool) => {
       const subscription = await pool.listen('alive');
       subscription.once('notification', ({ payload }) => {
         console.log(payload);
         subscription.close();
       });
       console.log('ready');
     });`,
    {
      onOutput: (text) => {
        if (text === 'ready\n') observe("select pg_notify('alive', 'heard')").catch(() => {});
      },
    },
  );
  expect(heard).toMatchObject({ code: 0, signal: null, stdout: 'ready\nheard\n', stderr: '' });
  const left = await runProgram(
    `createPool(url, { max: 1 }).then(async (pool) => {
       const kept = await pool.listen('alive');
       (await pool.listen('alive')).unref();
       kept.unref().ref();
       await kept.close();
       console.log('left');
     });`,
  );
  expect(left).toMatchObject({ code: 0, signal: null, stdout: 'left\n', stderr: '' });
});
