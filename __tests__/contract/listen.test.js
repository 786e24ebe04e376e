'use strict';
// LISTEN and NOTIFY: one connection for all channels and listeners of a pool.

const { AsyncLocalStorage } = require('node:async_hooks');
const { once } = require('node:events');
const { Proxy } = require('../support/proxy.js');
const {
  load,
  track,
  openPool,
  lazyPool,
  observe,
  unique,
  rejection,
  until,
} = require('../support/pools.js');
const { runProgram, printed } = require('../support/child.js');
const { testServer } = require('../support/urls.js');

const storage = new AsyncLocalStorage();

/** The next n notifications of a subscription's iteration, which goes on afterwards. */
async function take(iterator, n) {
  const taken = [];
  while (taken.length < n) taken.push((await iterator.next()).value);
  return taken;
}

const payloads = async (subscription, n) =>
  (await take(subscription[Symbol.asyncIterator](), n)).map(({ payload }) => payload);

const sessions = async (applicationName) => {
  const text = 'select pid from pg_stat_activity where application_name = $1';
  return (await observe(text, [applicationName])).map(({ pid }) => pid);
};

test('notifications reach listeners and iterations', async () => {
  const pool = await openPool({ max: 1 });
  const channel = unique('c');
  const subscription = await pool.listen(channel);
  expect(subscription).toMatchObject({ channel, closed: false });
  expect(pool.stats()).toMatchObject({ listening: 1, max: 1 });
  const connection = await pool.acquire();
  const heard = once(subscription, 'notification');
  await connection.query(`notify "${channel}", 'one'`);
  const expected = { channel, payload: 'one', processId: connection.processId };
  expect(await heard).toEqual([expected]);
  const other = await pool.listen(channel);
  await connection.query('select pg_notify($1, $2)', [channel, 'two']);
  for await (const notification of other) {
    expect(notification).toEqual({ ...expected, payload: 'two' });
    break;
  }
  expect(other.closed).toBe(true);
  await connection.release();
  await subscription[Symbol.asyncDispose]();
  expect(pool.stats().listening).toBe(0);
});

test('those of a transaction come when it commits, and not when it does not', async () => {
  const pool = await openPool({ max: 2 });
  const channel = unique('c');
  const subscription = await pool.listen(channel);
  await rejection(
    pool.transaction(async (tx) => {
      await tx.query('select pg_notify($1, $2)', [channel, 'undone']);
      throw new Error('no');
    }),
  );
  await pool.transaction((tx) => tx.query('select pg_notify($1, $2)', [channel, 'done']));
  expect(await payloads(subscription, 1)).toEqual(['done']);
});

test('what comes before anybody listens or iterates is kept', async () => {
  const pool = await openPool({ max: 1 });
  const channel = unique('c');
  const [emitting, iterated, single] = await Promise.all([1, 2, 3].map(() => pool.listen(channel)));
  for (let i = 0; i < 5; i++) await pool.notify(channel, String(i));
  expect(await payloads(iterated, 5)).toEqual(['0', '1', '2', '3', '4']);
  const heard = [];
  emitting.on('notification', ({ payload }) => heard.push(payload));
  await pool.notify(channel, '5');
  await until(() => heard.length === 6);
  expect(heard).toEqual(['0', '1', '2', '3', '4', '5']);
  const firsts = [];
  for (let i = 0; i < 3; i++) firsts.push((await once(single, 'notification'))[0].payload);
  expect(firsts).toEqual(['0', '1', '2']);
});

test('20,000 notifications come completely, in order, to every listener', async () => {
  const name = unique('listen');
  const pool = await openPool({ max: 2, applicationName: name });
  const channels = [unique('a'), unique('b')];
  const heard = new Map(channels.map((channel) => [channel, []]));
  const iterated = await Promise.all(channels.map((channel) => pool.listen(channel)));
  for (const channel of channels) {
    const subscription = await pool.listen(channel);
    subscription.on('notification', ({ payload }) => heard.get(channel).push(Number(payload)));
  }
  // One session's beside those of the pool.
  await observe(
    `select pg_notify($1, i::text), pg_notify($2, i::text)
    from generate_series(0, 4999) i`,
    channels,
  );
  for (let from = 5000; from < 20_000; from += 5000) {
    await pool.query(
      `select pg_notify($1, i::text), pg_notify($2, i::text) from generate_series($3::int, $4) i`,
      [...channels, from, from + 4999],
    );
  }
  const expected = Array.from({ length: 20_000 }, (_, i) => i);
  for (const subscription of iterated) {
    expect((await payloads(subscription, 20_000)).map(Number)).toEqual(expected);
  }
  for (const channel of channels) {
    await until(() => heard.get(channel).length === 20_000);
    expect(heard.get(channel)).toEqual(expected);
  }
});

test('any text is a channel, and a payload up to 7999 bytes', async () => {
  // Channels belong to a database: this one's are nobody else's.
  const database = unique('channels');
  await observe(`create database ${database}`);
  const pool = await openPool({ max: 1 }, { database });
  const odd = [
    'MixedCase',
    'with "quotes"',
    "it's; --",
    ' ',
    'größe €🦀',
    'select',
    'é'.repeat(31),
    'x'.repeat(63),
  ];
  const texts = ['', 'ünï €🦀', 'line\nline', 'x'.repeat(7999), '€'.repeat(2666), '\u0001', '\\'];
  for (const channel of odd) {
    const subscription = await pool.listen(channel);
    for (const text of texts) await pool.notify(channel, text);
    expect([channel, await payloads(subscription, texts.length)]).toEqual([channel, texts]);
    await subscription.close();
  }
  const subscription = await pool.listen('c');
  await pool.notify('c');
  expect(await payloads(subscription, 1)).toEqual(['']);
  await pool.close();
  await observe(`drop database ${database} with (force)`);
});

test('what cannot be a channel, payload or option is refused at once', async () => {
  const pool = await openPool({ max: 1 });
  const channels = ['', 'x'.repeat(64), 'é'.repeat(32), 'a\0b', '\ud800', 5, null, undefined, {}];
  for (const channel of channels) {
    for (const call of [() => pool.listen(channel), () => pool.notify(channel)]) {
      const error = await rejection(call());
      expect([channel, error.code]).toEqual([channel, 'ERR_POLYPOOL_PARAMETER']);
      expect(error.message).toMatch(/channel/);
    }
  }
  for (const payload of ['x'.repeat(8000), '€'.repeat(2667), 'a\0b', 5, {}, null]) {
    const error = await rejection(pool.notify('c', payload));
    expect([payload, error.code]).toEqual([payload, 'ERR_POLYPOOL_PARAMETER']);
    expect(error.message).toMatch(/payload/);
  }
  const options = [{ maxqueued: 1 }, { maxQueued: 0 }, { checkIntervalMs: 0 }, { signal: 1 }];
  for (const option of [...options, { timeoutMs: 0 }]) {
    const error = await rejection(pool.listen('c', option));
    expect([option, error.code]).toEqual([option, 'ERR_POLYPOOL_OPTION']);
  }
  expect((await rejection(pool.notify('c', '', { timeout: 1 }))).code).toBe('ERR_POLYPOOL_OPTION');
  expect(pool.stats()).toMatchObject({ listening: 0 });
});

test('many channels and listeners share one connection, which goes with the last', async () => {
  const name = unique('listen');
  const pool = await openPool({ max: 1, applicationName: name });
  const [own] = await sessions(name);
  const channels = Array.from({ length: 60 }, () => unique('many'));
  const all = await Promise.all([...channels, ...channels].map((channel) => pool.listen(channel)));
  const pids = await sessions(name);
  expect(pids).toHaveLength(2);
  expect(pids).toContain(own);
  for (const channel of channels) await pool.notify(channel, channel);
  for (const subscription of all) {
    expect(await payloads(subscription, 1)).toEqual([subscription.channel]);
  }
  await Promise.all(all.slice(1).map((subscription) => subscription.close()));
  // The channels that are left stay on the same connection; the others are not listened to.
  await pool.notify(channels[1], 'unheard');
  await pool.notify(channels[0], 'heard');
  expect(await payloads(all[0], 1)).toEqual(['heard']);
  expect((await sessions(name)).sort()).toEqual(pids.sort());
  await all[0].close();
  expect(pool.stats().listening).toBe(0);
  await until(async () => (await sessions(name)).length === 1);
  const again = await pool.listen(channels[0]);
  await pool.notify(channels[0], 'again');
  expect(await payloads(again, 1)).toEqual(['again']);
});

test('subscribing and leaving in quick succession ends as asked', async () => {
  const pool = await openPool({ max: 1 });
  const channel = unique('c');
  for (let round = 0; round < 5; round++) {
    const leaving = await pool.listen(channel);
    const [staying] = await Promise.all([pool.listen(channel), leaving.close()]);
    const closing = staying.close();
    const next = await pool.listen(channel);
    await closing;
    await pool.notify(channel, String(round));
    expect(await payloads(next, 1)).toEqual([String(round)]);
    await next.close();
  }
  expect(pool.stats().listening).toBe(0);
});

test('a queue that nobody reads ends the subscription, with the rest still readable', async () => {
  const pool = await openPool({ max: 1 });
  const channel = unique('c');
  const slow = await pool.listen(channel, { maxQueued: 3 });
  const fast = await pool.listen(channel);
  const iterator = slow[Symbol.asyncIterator]();
  const [error] = await Promise.all([
    once(slow, 'error'),
    pool.query('select pg_notify($1, i::text) from generate_series(1, 5) i', [channel]),
  ]).then(([[first]]) => [first]);
  expect(error.code).toBe('ERR_POLYPOOL_QUEUE_FULL');
  expect(error.message).toContain('maxQueued');
  expect((await take(iterator, 3)).map(({ payload }) => payload)).toEqual(['1', '2', '3']);
  expect(await rejection(iterator.next())).toBe(error);
  expect(await iterator.next()).toEqual({ value: undefined, done: true });
  expect(await payloads(fast, 5)).toEqual(['1', '2', '3', '4', '5']);
});

test('an AbortSignal ends it, at any time', async () => {
  const pool = await openPool({ max: 1 });
  const channel = unique('c');
  const early = await rejection(pool.listen(channel, { signal: AbortSignal.abort() }));
  expect(early.code).toBe('ERR_POLYPOOL_ABORTED');
  const connecting = new AbortController();
  const never = rejection(pool.listen(channel, { signal: connecting.signal }));
  connecting.abort(new Error('changed my mind'));
  expect(await never).toMatchObject({
    code: 'ERR_POLYPOOL_ABORTED',
    cause: { message: 'changed my mind' },
  });
  const aborter = new AbortController();
  const subscription = await pool.listen(channel, { signal: aborter.signal });
  const next = rejection(subscription[Symbol.asyncIterator]().next());
  const closed = once(subscription, 'close');
  aborter.abort();
  expect((await next).code).toBe('ERR_POLYPOOL_ABORTED');
  await closed;
  await until(() => pool.stats().listening === 0);
});

test('callbacks and iterations run in the context of the subscriber', async () => {
  const pool = await openPool({ max: 1 });
  const channel = unique('c');
  const seen = [];
  const running = ['a', 'b'].map((name) =>
    storage.run(name, async () => {
      const subscription = await pool.listen(channel);
      subscription.on('notification', () => seen.push(['event', storage.getStore()]));
      subscription.on('close', () => seen.push(['close', storage.getStore()]));
      for await (const { payload } of subscription) {
        seen.push(['loop', storage.getStore()]);
        if (payload === 'end') break;
      }
    }),
  );
  await until(() => pool.stats().listening === 1);
  const other = await pool.listen(channel);
  await storage.run('notifier', () => pool.notify(channel, 'end'));
  await Promise.all(running);
  await until(() => seen.length === 6);
  const expected = ['close', 'event', 'loop'].flatMap((what) => [`${what} a`, `${what} b`]);
  expect(seen.map((pair) => pair.join(' ')).sort()).toEqual(expected);
  await other.close();
});

test('what a listener throws is an uncaught exception and harms no other', async () => {
  const channel = unique('throwing');
  const run = await runProgram(
    `const uncaught = [];
     process.on('uncaughtException', (error) => uncaught.push(error.message));
     createPool(url, { max: 1 }).then(async (pool) => {
       const bad = await pool.listen('${channel}');
       const good = await pool.listen('${channel}');
       bad.on('notification', ({ payload }) => { throw new Error(payload); });
       const rows = pool.query("select pg_notify('${channel}', i::text) from generate_series(1, 3) i");
       const heard = [];
       for await (const { payload } of good) if (heard.push(payload) === 3) break;
       console.log(JSON.stringify([heard, (await rows).rowCount, uncaught]));
       await pool.close();
     });`,
  );
  expect(run).toMatchObject({ code: 0, signal: null, stderr: '' });
  expect(printed(run)).toEqual([[['1', '2', '3'], 3, ['1', '2', '3']]]);
});

test('onConnect prepares its connection too', async () => {
  const name = unique('prepared');
  const pool = await openPool({
    max: 1,
    onConnect: (connection) => connection.query(`set application_name = '${name}'`),
  });
  const subscription = await pool.listen(unique('c'));
  expect(await sessions(name)).toHaveLength(2);
  await subscription.close();
});

test('closing the pool ends all subscriptions and their connection', async () => {
  const name = unique('listen');
  const pool = await openPool({ max: 1, applicationName: name });
  const subscriptions = await Promise.all([pool.listen('a'), pool.listen('b')]);
  const loops = subscriptions.map(async (subscription) => {
    for await (const notification of subscription) void notification;
  });
  const closes = subscriptions.map((subscription) => once(subscription, 'close'));
  const late = rejection(pool.listen('c'));
  await pool.close();
  await Promise.all([...loops, ...closes]);
  expect(['ERR_POLYPOOL_CLOSED']).toContain((await late).code);
  expect((await rejection(pool.listen('a'))).code).toBe('ERR_POLYPOOL_CLOSED');
  expect((await rejection(pool.notify('a'))).code).toBe('ERR_POLYPOOL_CLOSED');
  expect(pool.stats().listening).toBe(0);
  await until(async () => (await sessions(name)).length === 0);
  await subscriptions[0].close();
});

test('a server that never answers: listen() is bounded, and closing does not wait', async () => {
  const { host, port } = testServer();
  const proxy = await Proxy.open({ host, port });
  proxy.behave('blackHole');
  const pool = lazyPool({ acquireTimeoutMs: 20_000 }, { port: proxy.port });
  const error = await rejection(pool.listen('c', { timeoutMs: 60 }));
  expect(error.code).toBe('ERR_POLYPOOL_ACQUIRE_TIMEOUT');
  expect(error.message).toContain("channel 'c'");
  const connecting = rejection(pool.listen('c'));
  await until(() => proxy.connections > 0);
  await pool.close();
  expect((await connecting).code).toBe('ERR_POLYPOOL_CLOSED');
  await until(() => proxy.connections === 0);
  await proxy.close();
});

test('a refused login or target rejects listen() at once', async () => {
  const wrong = lazyPool({}, { password: 'wrong' });
  const refused = await rejection(wrong.listen('c'));
  expect(refused).toBeInstanceOf(load().DatabaseError);
  expect(refused.code).toBe('28P01');
  const away = lazyPool({ acquireTimeoutMs: 700 }, { port: 1 });
  const error = await rejection(away.listen('c'));
  expect(error.code).toBe('ERR_POLYPOOL_ACQUIRE_TIMEOUT');
  expect(error.cause).toMatchObject({ code: 'ERR_POLYPOOL_CONNECT', errno: 'ECONNREFUSED' });
});

test('limits of the pool are none of its connection', async () => {
  const { Pool } = load();
  const pool = track(
    new Pool(require('../support/urls.js').url(), {
      ...{ max: 3, min: 2, maxConnecting: 3, maxLeaseMs: 50, idleTimeoutMs: 20, maxUses: 1 },
      ...{ reset: () => {}, priorities: 3, leakDetectionMs: 10, queryTimeoutMs: 5000 },
      ...{ maxLifetimeMs: 30, maxIdle: 1, name: 'limited', maxWaiting: 0, lazy: true },
    }),
  );
  const channel = unique('c');
  const subscription = await pool.listen(channel);
  const disturbed = [];
  subscription.on('resubscribed', (gap) => disturbed.push(gap));
  await new Promise((resolve) => setTimeout(resolve, 300));
  await observe('select pg_notify($1, $2)', [channel, 'still here']);
  expect(await payloads(subscription, 1)).toEqual(['still here']);
  expect(disturbed).toEqual([]);
});
