'use strict';
// One pool that several parts of a process use under its name. Each createPool call attaches once,
// whether in another thread, in another load of lib/ or in the same one; those of one thread are
// seen here, worker threads in shared-workers.test.js.

const net = require('node:net');
const { Duplex } = require('node:stream');
const { ROLES, freePort } = require('../support/server.js');
const { url } = require('../support/urls.js');
const {
  deferred,
  lazyPool,
  load,
  observe,
  openPool,
  rejection,
  track,
  unique,
  until,
} = require('../support/pools.js');

const sharing = (options) => ({ shared: true, name: unique('shared'), ...options });

/** A pool as two parts of the program see it. */
async function both(options) {
  const given = sharing(options);
  return [await openPool(given), await openPool(given), given];
}

const backends = async (applicationName) => {
  const text = 'select pid from pg_stat_activity where application_name = $1';
  return (await observe(text, [applicationName])).map(({ pid }) => pid);
};

/** Settles within a few turns of the event loop, or says that it has not. */
const soon = (promise) =>
  Promise.race([promise, new Promise((resolve) => setTimeout(resolve, 60, 'pending'))]);

test('the same name is the same pool and the same budget', async () => {
  const [one, two] = await both({ max: 2 });
  const held = [await one.acquire(), await two.acquire()];
  expect(held[0].processId).not.toBe(held[1].processId);
  const late = rejection(one.acquire({ timeoutMs: 30 }));
  expect(await late).toMatchObject({ code: 'ERR_POLYPOOL_ACQUIRE_TIMEOUT', max: 2, inUse: 2 });
  expect(one.stats()).toEqual(two.stats());
  expect(two.stats()).toMatchObject({ threads: 1, max: 2, inUse: 2, name: one.name });
  await held[0].release();
  const next = await two.acquire();
  expect(next.processId).toBe(held[0].processId);
  expect(() => one.release(next)).toThrow('acquired from this pool');
  await next.release();
  await held[1].release();
});

test('the synchronous form shares as well', async () => {
  const given = sharing({ max: 1 });
  const one = lazyPool(given);
  const two = lazyPool(given);
  await one.query('select 1');
  await two.query('select 1');
  expect(two.stats()).toMatchObject({ created: 1, total: 1 });
});

test('pools of other names are other pools', async () => {
  const [one] = await both({ max: 1 });
  const other = await openPool(sharing({ max: 1 }));
  const alone = await openPool({ max: 1, name: one.name });
  await Promise.all([one, other, alone].map((pool) => pool.query('select 1')));
  expect([one, other, alone].map((pool) => pool.stats().created)).toEqual([1, 1, 1]);
});

test('a shared pool needs a name', async () => {
  const error = await rejection(load().createPool(url(), { shared: true }));
  expect(error).toMatchObject({ code: 'ERR_POLYPOOL_OPTION', option: 'shared' });
  expect(error.message).toContain("'name'");
});

test.each([
  ['max', { max: 3 }, {}],
  ['idleTimeoutMs', { idleTimeoutMs: 5 }, {}],
  ['types', { types: { int8: 'string' } }, {}],
  ['reset', { reset: 'always' }, {}],
  ['onConnect', { onConnect: () => {} }, {}],
  ['reset', { reset: () => {} }, {}],
  ['applicationName', { applicationName: 'another' }, {}],
  ['user', {}, { role: 'nopass', password: ROLES.app.password }],
  ['host', {}, { host: 'localhost' }],
  ['database', {}, { database: 'another' }],
  ['password', {}, { password: 'some0ther-pa55' }],
])('another %s is refused by name', async (option, change, target) => {
  const given = sharing({ max: 2 });
  await openPool(given);
  const error = await rejection(load().createPool(url(target), { ...given, ...change }));
  expect(error).toMatchObject({ code: 'ERR_POLYPOOL_OPTION', option });
  expect(error.message).toContain(`'${option}' differs`);
  expect(error.message).toContain(given.name);
  expect(`${error.message} ${error.stack}`).not.toMatch(/pa55/);
});

test('the same settings may be spelled another way', async () => {
  const given = sharing({ max: 2 });
  await openPool(given);
  const { hostname, port, pathname } = new URL(url());
  const spelled = {
    ...{ host: hostname, port: Number(port), dbname: pathname.slice(1), sslmode: 'disable' },
    ...{ user: 'app', password: ROLES.app.password, idleTimeoutMs: 10_000 },
  };
  const pool = track(await load().createPool({ ...given, ...spelled }));
  expect(pool.stats().created).toBe(1);
});

test('waiters are served in the order of their calls, whoever calls', async () => {
  const [one, two] = await both({ max: 1 });
  const held = await one.acquire();
  const order = [];
  const waiting = [one, two, two, one, two].map((pool, number) =>
    pool.use(async () => {
      order.push(number);
    }),
  );
  await held.release();
  await Promise.all(waiting);
  expect(order).toEqual([0, 1, 2, 3, 4]);
});

test('close() of one leaves the pool to the others', async () => {
  const [one, two] = await both({ max: 3, idleTimeoutMs: 0 });
  const events = [];
  one.on('close', () => events.push('one'));
  two.on('close', () => events.push('two'));
  const lent = await two.acquire();
  await one.close();
  expect(one.closed).toBe(true);
  expect((await rejection(one.query('select 1'))).code).toBe('ERR_POLYPOOL_CLOSED');
  expect((await lent.query('select 1 as a')).rows).toEqual([{ a: 1 }]);
  await lent.release();
  expect(two.stats().total).toBeGreaterThan(0);
  expect((await two.query('select 2 as a')).rows).toEqual([{ a: 2 }]);
  await two.close();
  expect(two.stats()).toMatchObject({ total: 0, threads: 0 });
  expect(events).toEqual(['one', 'two']);
});

test('close() waits for what its own side has borrowed and runs', async () => {
  const [one, two] = await both({ max: 3 });
  const lent = await one.acquire();
  const other = await two.acquire();
  const running = one.query('select pg_sleep(0.1)');
  await until(() => two.stats().inUse === 3);
  const closing = one.close();
  expect(await soon(closing)).toBe('pending');
  await running;
  expect((await lent.query('select 1 as a')).rows).toEqual([{ a: 1 }]);
  expect(await soon(closing)).toBe('pending');
  await lent.release();
  await closing;
  await other.release();
});

test('close() refuses its own waiters and leaves those of others in line', async () => {
  const [one, two] = await both({ max: 1 });
  const held = await two.acquire();
  const mine = [rejection(one.acquire()), rejection(one.query('select 1'))];
  const theirs = two.query('select 3 as a');
  await until(() => two.stats().waiting === 3);
  await one.close();
  for (const error of await Promise.all(mine)) expect(error.code).toBe('ERR_POLYPOOL_CLOSED');
  expect(two.stats().waiting).toBe(1);
  await held.release();
  expect((await theirs).rows).toEqual([{ a: 3 }]);
});

test('what is still used at the deadline of close() is cut off, that of others not', async () => {
  const [one, two] = await both({ max: 3 });
  const lent = await one.acquire();
  const theirs = await two.acquire();
  const running = rejection(lent.query('select pg_sleep(20)'));
  const alone = rejection(one.query('select pg_sleep(20)'));
  await until(() => two.stats().inUse === 3);
  const { processId } = lent;
  await one.close({ timeoutMs: 20 });
  expect((await running).code).toBe('ERR_POLYPOOL_CLOSED');
  expect((await alone).code).toBe('ERR_POLYPOOL_CLOSED');
  expect(lent.released).toBe(true);
  expect((await theirs.query('select 1 as a')).rows).toEqual([{ a: 1 }]);
  await theirs.release();
  const gone = 'select 1 from pg_stat_activity where pid = $1';
  await until(async () => (await observe(gone, [processId])).length === 0);
  const active = "select 1 from pg_stat_activity where pid = any($1) and state = 'active'";
  await until(async () => (await observe(active, [[processId]])).length === 0);
});

test('a second close() brings the end forward', async () => {
  const [one, two] = await both({ max: 2 });
  const lent = await one.acquire();
  const closing = one.close({ timeoutMs: null });
  expect(await soon(closing)).toBe('pending');
  await one.close({ timeoutMs: 10 });
  await closing;
  expect(lent.released).toBe(true);
  expect((await two.query('select 1 as a')).rows).toEqual([{ a: 1 }]);
});

test('a second close() does so too when the others have left meanwhile', async () => {
  const [one, two] = await both({ max: 2 });
  const lent = await one.acquire();
  const closing = one.close({ timeoutMs: null });
  expect(await soon(closing)).toBe('pending');
  await two.close();
  expect(await soon(closing)).toBe('pending');
  await one.close({ timeoutMs: 10 });
  await closing;
  expect(lent.released).toBe(true);
  expect(one.stats()).toMatchObject({ total: 0, threads: 0 });
});

test('the last one hears how its connections go', async () => {
  const [one, two] = await both({ max: 1 });
  const heard = [];
  for (const [who, pool] of [one, two].entries()) {
    pool.on('remove', (_, reason) => heard.push(`${reason} ${who}`));
  }
  await one.close();
  await two.close();
  expect(heard).toEqual(['closed 1']);
});

test('when all close at once the pool closes with the last of them', async () => {
  const name = unique('last');
  const [one, two, given] = await both({ max: 3, applicationName: name });
  const lent = [await one.acquire(), await two.acquire()];
  const closing = [one.close(), two.close()];
  expect(await soon(Promise.race(closing))).toBe('pending');
  await Promise.all(lent.map((connection) => connection.release()));
  await Promise.all(closing);
  await until(async () => (await backends(name)).length === 0);
  const again = await openPool(given);
  expect(again.stats()).toMatchObject({ created: 1, threads: 1 });
});

test('a pool made while its predecessor closes keeps to one budget', async () => {
  const name = unique('successor');
  const given = sharing({ max: 1, applicationName: name });
  const one = await openPool(given);
  const other = await openPool({ max: 1 });
  const lent = await one.acquire();
  const closing = one.close();
  // The engine takes what it is told in its order.
  await other.query('select 1');
  const next = lazyPool(given);
  const query = next.query('select pg_backend_pid() as pid');
  expect(await soon(query)).toBe('pending');
  expect(await backends(name)).toEqual([lent.processId]);
  await lent.release();
  await closing;
  const { pid } = (await query).rows[0];
  expect(pid).not.toBe(lent.processId);
});

test('events of connections reach everyone, those of requests the one concerned', async () => {
  const [one, two] = await both({ max: 2, leakDetectionMs: 20, idleTimeoutMs: 0 });
  const heard = [];
  const { promise: leaked, resolve } = deferred();
  for (const [who, pool] of [one, two].entries()) {
    for (const event of ['connect', 'acquire', 'release', 'remove', 'leak', 'notice']) {
      pool.on(event, () => heard.push(`${event} ${who}`));
    }
    pool.on('leak', resolve);
  }
  const first = await one.acquire();
  const second = await two.acquire();
  await second.query("do $$ begin raise notice 'for two'; end $$");
  await leaked;
  await until(() => heard.filter((event) => event.startsWith('leak')).length === 2);
  await first.release({ destroy: true });
  await second.release();
  await until(() => heard.includes('remove 1'));
  expect(heard.sort()).toEqual([
    ...['acquire 0', 'acquire 1', 'connect 0', 'connect 1', 'leak 0', 'leak 1', 'notice 1'],
    ...['release 0', 'release 1', 'remove 0', 'remove 1'],
  ]);
});

test('resize() and clear() act on the one pool', async () => {
  const [one, two, given] = await both({ max: 1 });
  one.resize({ max: 3 });
  expect(two.stats().max).toBe(3);
  const before = await two.use((connection) => connection.processId);
  one.clear();
  expect(await two.use((connection) => connection.processId)).not.toBe(before);
  const third = await openPool(given);
  expect(third.stats().max).toBe(3);
});

describe('functions', () => {
  const prepare = (name) => (connection) => connection.query(`set application_name = '${name}'`);
  const prepared = async (pool) => {
    const text = "select current_setting('application_name') as name";
    return (await pool.query(text)).rows[0].name;
  };

  test('those of the first run, whoever asks; others may leave them out', async () => {
    const given = sharing({ max: 2 });
    await openPool({ ...given, onConnect: prepare('first') });
    const two = await openPool({ ...given, onConnect: prepare('second') });
    const three = await openPool(given);
    two.clear();
    expect(await prepared(two)).toBe('first');
    three.clear();
    expect(await prepared(three)).toBe('first');
  });

  test('another that passed one takes over', async () => {
    const given = sharing({ max: 2 });
    const one = await openPool({ ...given, onConnect: prepare('first') });
    const two = await openPool(given);
    const three = await openPool({ ...given, onConnect: prepare('third') });
    await one.close();
    two.clear();
    expect(await prepared(two)).toBe('third');
    await three.close();
  });

  test('when nobody is left who passed one, new connections fail and name it', async () => {
    for (const hook of ['onConnect', 'reset']) {
      const given = sharing({ max: 1 });
      const one = await openPool({ ...given, [hook]: () => {} });
      const two = await openPool(given);
      await one.close();
      two.clear();
      const error = await rejection(two.query('select 1'));
      expect(error.code).toBe('ERR_POLYPOOL_CONNECT');
      expect(error.message).toContain(`'${hook}'`);
    }
  });

  test('a hook that its side leaves behind is run anew by another', async () => {
    const given = sharing({ max: 1 });
    const started = deferred();
    const hang = () => {
      started.resolve();
      return new Promise(() => {});
    };
    const one = lazyPool({ ...given, onConnect: hang });
    const two = lazyPool({ ...given, onConnect: prepare('second') });
    const name = prepared(two);
    await started.promise;
    await one.close();
    expect(await name).toBe('second');
  });

  const password = () => ROLES.app.password;
  const target = { password: '' };

  test('a password function that its side leaves behind fails nobody', async () => {
    const given = sharing({ max: 1 });
    const asked = deferred();
    const hang = () => {
      asked.resolve();
      return new Promise(() => {});
    };
    const one = lazyPool({ ...given, password: hang }, target);
    const opening = openPool({ ...given, password }, target);
    await asked.promise;
    await one.close();
    expect((await (await opening).query('select 1 as a')).rows).toEqual([{ a: 1 }]);
  });

  test('a transport that its side leaves behind is made by another', async () => {
    const given = sharing({ max: 1, connectTimeoutMs: 60_000 });
    const asked = deferred();
    const silent = () => {
      asked.resolve();
      return new Duplex({ read() {}, write: (chunk, encoding, taken) => taken() });
    };
    const one = lazyPool({ ...given, stream: silent });
    const two = lazyPool({ ...given, stream: ({ host, port }) => net.connect(port, host) });
    const query = two.query('select 1 as a');
    await asked.promise;
    await one.close();
    expect((await query).rows).toEqual([{ a: 1 }]);
  });

  test('connections over a transport of the one that leaves are replaced', async () => {
    const made = [];
    const through = (who) => (to) => {
      made.push(who);
      return net.connect(to.port, to.host);
    };
    const given = sharing({ max: 1 });
    const one = await openPool({ ...given, stream: through('one') });
    const two = await openPool({ ...given, stream: through('two') });
    const lent = await two.acquire();
    await one.close();
    expect((await lent.query('select 1 as a')).rows).toEqual([{ a: 1 }]);
    await lent.release();
    await two.query('select 1');
    expect(made).toEqual(['one', 'two']);
  });

  test('listen() needs those that open connections', async () => {
    const given = sharing({ max: 1 });
    const one = await openPool({ ...given, password }, target);
    const two = await openPool(given, target);
    await (await one.listen('jobs')).close();
    const error = await rejection(two.listen('jobs'));
    expect(error).toMatchObject({ code: 'ERR_POLYPOOL_OPTION', option: 'password' });
  });
});

test("a borrower's own LISTEN notifies its side", async () => {
  const [one, two] = await both({ max: 1 });
  const { NOTIFIED } = require('../../lib/listen.js');
  const heard = [];
  one.on(NOTIFIED, () => heard.push('one'));
  two.on(NOTIFIED, () => heard.push('two'));
  await two.use((lent) => lent.query('listen mine; notify mine'));
  await until(() => heard.length > 0);
  expect(heard).toEqual(['two']);
});

describe('replicas', () => {
  const split = (options) => sharing({ replicas: url(), ...options });

  test('they stay for as long as their primary', async () => {
    const given = split({ max: 3 });
    const [one, two] = [await openPool(given), await openPool(given)];
    const lent = [await one.acquire(), await two.acquire()];
    const closing = [one.close(), two.close()];
    expect(await soon(Promise.race(closing))).toBe('pending');
    const three = await openPool(given);
    const read = async () => {
      const { acquired } = three.stats().replicas;
      await three.query('select 1');
      return three.stats().replicas.acquired - acquired;
    };
    await until(async () => (await read()) === 1, 'a read there');
    await Promise.all(lent.map((connection) => connection.release()));
    await Promise.all(closing);
    expect(await read()).toBe(1);
    expect(three.stats().replicas.threads).toBe(1);
    await three.close();
    expect(three.stats().replicas).toMatchObject({ total: 0, threads: 0 });
  });

  test('those of a successor wait for those of its predecessor', async () => {
    const name = unique('replicas');
    const given = split({ max: 1, applicationName: name });
    const one = await openPool(given);
    const lent = await one.acquire({ target: 'replica' });
    expect(lent.target).toBe('replica');
    const closing = one.close();
    const other = await openPool({ max: 1 });
    await until(async () => (await backends(name)).length === 1);
    await other.query('select 1');
    const next = lazyPool(given);
    const waiting = next.acquire({ target: 'replica' });
    expect(await soon(waiting)).toBe('pending');
    expect(await backends(name)).toEqual([lent.processId]);
    await lent.release();
    await closing;
    const lease = await waiting;
    expect(lease.target).toBe('replica');
    await lease.release();
  });

  test('one that attaches while they are away knows it', async () => {
    const given = sharing({ replicas: `postgres://127.0.0.1:${await freePort()}` });
    const one = await openPool(given);
    await until(() => !one.stats().replicas.reachable);
    const two = await openPool(given);
    expect(two.stats().replicas.reachable).toBe(false);
  });
});
