'use strict';
// Where the drop-in's pool is better than pg-pool: nobody waits for ever, no count is lost, no error
// ends a process that did nothing wrong.

const { AsyncLocalStorage } = require('node:async_hooks');
const { setTimeout: pause } = require('node:timers/promises');
const { runProgram } = require('../../support/child.js');
const { rejection, terminateBackend } = require('../../support/pools.js');
const { called, counters, fakeClients, next, openPool, quiet } = require('./pools.js');

const load = () => require('../../../lib/compat/pg');
const open = (options) => openPool(load(), options);

const EMPTY = 'total 0 idle 0 waiting 0 expired 0';
const TIMED_OUT = 'Connection terminated due to connection timeout';

test('the ssl object of the caller stays as it is', () => {
  const ssl = Object.freeze({ key: 'secret', ca: 'ca' });
  const { options } = new (load().Pool)({ ssl });
  expect([Object.keys(ssl), Object.keys(options.ssl)]).toEqual([['key', 'ca'], ['ca']]);
});

describe('end', () => {
  test('whoever waits is served before the pool ends', async () => {
    const pool = open({ max: 1 });
    const client = await pool.connect();
    const waiting = [pool.query('select 1 as one'), pool.query('select 2 as two')];
    const ended = pool.end();
    expect(counters(pool)).toBe('total 1 idle 0 waiting 2 expired 0 ending');
    client.release();
    const rows = (await Promise.all(waiting)).map((result) => result.rows[0]);
    expect(rows).toEqual([{ one: 1 }, { two: 2 }]);
    await ended;
    expect(counters(pool)).toBe(`${EMPTY} ending ended`);
  });

  test('also who asked for an idle client in the same tick', async () => {
    const pool = open();
    await pool.query('select 1');
    const query = pool.query('select 1 as one');
    const ended = pool.end();
    expect((await query).rows).toEqual([{ one: 1 }]);
    await ended;
  });

  test('whoever waits in vain is refused in time', async () => {
    const pool = open({ max: 1, connectionTimeoutMillis: 1000 });
    const client = await pool.connect();
    const waiting = rejection(pool.connect());
    const ended = pool.end();
    expect((await waiting).message).toBe('timeout exceeded when trying to connect');
    client.release();
    await ended;
  });

  test('a listener that throws costs nothing', async () => {
    const { stdout, code } = await runProgram(`
      const pg = require('./lib/compat/pg');
      process.on('uncaughtException', (error) => console.log(error.message));
      const pool = new pg.Pool({ connectionString: url, max: 1 });
      for (const name of ['connect', 'acquire', 'remove']) {
        pool.once(name, () => { throw new Error('thrown at ' + name); });
      }
      pool.query('select 1')
        .then(() => pool.query('select 1'))
        .then(() => console.log(pool.totalCount, pool.idleCount))
        .then(() => pool.end());`);
    const lines = ['thrown at connect', 'thrown at acquire', '1 1', 'thrown at remove'];
    expect({ stdout, code }).toEqual({ stdout: `${lines.join('\n')}\n`, code: 0 });
  });
});

describe('an idle client that is lost', () => {
  test('without a listener it does not end the process, which is warned once', async () => {
    const { stdout, code } = await runProgram(`
      const pg = require('./lib/compat/pg');
      process.on('warning', ({ name, code }) => console.log(name, code));
      const pool = new pg.Pool({ connectionString: url, max: 3 });
      const end = 'select pg_terminate_backend($1, 10000)';
      (async () => {
        for (let i = 0; i < 2; i++) {
          const [first, second] = await Promise.all([pool.connect(), pool.connect()]);
          const removed = new Promise((resolve) => pool.once('remove', resolve));
          second.release();
          await first.query(end, [second.processID]);
          await removed;
          first.release();
        }
        await pool.end();
        console.log('survived');
      })();`);
    const expected = 'PolypoolWarning POLYPOOL_IDLE_CLIENT_LOST\nsurvived\n';
    expect({ stdout, code }).toEqual({ stdout: expected, code: 0 });
  });

  test('its place is taken by whoever waits', async () => {
    const Fake = fakeClients({ held: true });
    const pool = open({ Client: Fake, max: 1 });
    const first = pool.connect();
    Fake.opening.shift().go();
    (await first).release();
    Fake.made[0].emit('error', new Error('died'));
    const [newcomer, waiter] = [pool.connect(), pool.connect()];
    expect(counters(pool)).toBe('total 1 idle 0 waiting 1 expired 0');
    Fake.opening.shift().go(new Error('refused'));
    expect((await rejection(newcomer)).message).toBe('refused');
    Fake.opening.shift().go();
    (await waiter).release();
    const ended = pool.end();
    for (const { go } of Fake.closing.splice(0)) go();
    await ended;
  });
});

describe('a client that fails to be made', () => {
  test.each([
    [
      'its constructor throws',
      (Fake) =>
        class extends Fake {
          constructor(options) {
            super(options);
            throw new Error('not made');
          }
        },
    ],
    [
      'its connect throws',
      (Fake) =>
        class extends Fake {
          connect() {
            throw new Error('not made');
          }
        },
    ],
    [
      'its connect is async and rejects',
      (Fake) =>
        class extends Fake {
          async connect() {
            throw new Error('not made');
          }
        },
    ],
  ])('%s: the request fails, not at once', async (_what, failing) => {
    const pool = open({ Client: failing(fakeClients()), max: 1 });
    let isSynchronous = true;
    const byCallback = called((done) =>
      pool.connect((error) => done(isSynchronous, error.message)),
    );
    const waiting = [pool.connect(), pool.query('text')].map(rejection);
    isSynchronous = false;
    expect(await byCallback).toEqual([false, 'not made']);
    for (const error of await Promise.all(waiting)) expect(error.message).toBe('not made');
    expect(counters(pool)).toBe(EMPTY);
  });

  test('a connect that calls back twice counts once', async () => {
    const Fake = fakeClients();
    class Twice extends Fake {
      connect(callback) {
        super.connect(callback);
        super.connect(callback);
        super.connect(() => callback(new Error('after all')));
      }
    }
    const pool = open({ Client: Twice, max: 2 });
    const client = await pool.connect();
    await quiet();
    expect(counters(pool)).toBe('total 1 idle 0 waiting 0 expired 0');
    client.release();
    expect(await pool.connect()).toBe(client);
    client.release();
  });

  test('a rejection with nothing is one all the same', async () => {
    const pool = open({ onConnect: () => Promise.reject() });
    expect((await rejection(pool.connect())).message).toBe('The client could not be connected');
  });
});

describe('connectionTimeoutMillis bounds', () => {
  const bounded = (options) => open({ connectionTimeoutMillis: 60, ...options });

  test('a connect that never calls back', async () => {
    class Silent extends fakeClients() {
      connect() {}
    }
    const pool = bounded({ Client: Silent, max: 1 });
    const [first, second] = [pool.connect(), pool.connect()].map(rejection);
    expect((await first).message).toBe(TIMED_OUT);
    expect((await second).message).toBe('timeout exceeded when trying to connect');
  });

  test('onConnect', async () => {
    const pool = bounded({ onConnect: () => new Promise(() => {}) });
    expect((await rejection(pool.connect())).message).toBe(TIMED_OUT);
    expect(counters(pool)).toBe(EMPTY);
  });

  test('verify', async () => {
    const pool = bounded({ verify: () => {} });
    expect((await rejection(pool.connect())).message).toBe(TIMED_OUT);
    expect(counters(pool)).toBe(EMPTY);
  });

  test('the wait for somebody who gives back late, of a query too', async () => {
    const pool = open({ connectionTimeoutMillis: 1000, max: 1 });
    const client = await pool.connect();
    expect((await rejection(pool.query('select 1'))).message).toBe(
      'timeout exceeded when trying to connect',
    );
    client.release();
    await pause(100);
    expect(counters(pool)).toBe('total 1 idle 1 waiting 0 expired 0');
  });
});

describe('verify', () => {
  test.each([
    [
      'throws',
      () => {
        throw new Error('unfit');
      },
    ],
    [
      'rejects',
      async () => {
        throw new Error('unfit');
      },
    ],
    [
      'calls back twice',
      (_client, callback) => {
        callback(new Error('unfit'));
        callback();
      },
    ],
  ])('that %s fails the request, and the client goes', async (_what, verify) => {
    const pool = open({ Client: fakeClients(), verify });
    expect((await rejection(pool.connect())).message).toBe('unfit');
    expect((await rejection(pool.query('text'))).message).toBe('unfit');
    expect(counters(pool)).toBe(EMPTY);
  });

  test('a client that is lost meanwhile fails the request', async () => {
    const verify = (client) => client.emit('error', new Error('lost'));
    const pool = open({ Client: fakeClients(), verify });
    expect((await rejection(pool.connect())).message).toBe('lost');
    expect((await rejection(pool.query('text'))).message).toBe('lost');
    expect(counters(pool)).toBe(EMPTY);
  });

  test('a client whose request gave up is verified before somebody gets it', async () => {
    const Fake = fakeClients({ held: true });
    const seen = [];
    const verify = (client, callback) => callback(void seen.push(client.id));
    const pool = open({ Client: Fake, max: 1, verify, connectionTimeoutMillis: 2000 });
    const first = pool.connect();
    const second = rejection(pool.connect());
    Fake.opening.shift().go();
    const client = await first;
    await pause(1000); // so that the next client has longer than whoever it is made for
    client.release(true);
    Fake.closing.shift().go();
    expect((await second).message).toBe('timeout exceeded when trying to connect');
    Fake.opening.shift().go();
    expect(counters(pool)).toBe('total 1 idle 1 waiting 0 expired 0');
    expect(seen).toEqual([1]);
    (await pool.connect()).release();
    expect(seen).toEqual([1, 2]);
    const ended = pool.end();
    for (const { go } of Fake.closing.splice(0)) go();
    await ended;
  });
});

test('what a callback throws is not for whoever gave the client back', async () => {
  const { stdout, code } = await runProgram(`
    const pg = require('./lib/compat/pg');
    process.on('uncaughtException', (error) => console.log(error.message));
    const pool = new pg.Pool({ connectionString: url, max: 1 });
    pool.connect((error, client, release) => {
      pool.connect((_, again, giveBack) => {
        setImmediate(() => { giveBack(); pool.end(); });
        throw new Error('of the waiter');
      });
      release();
      console.log('released');
    });`);
  expect({ stdout, code }).toEqual({ stdout: 'released\nof the waiter\n', code: 0 });
});

test('callbacks and queries run in the async context of their caller', async () => {
  const storage = new AsyncLocalStorage();
  const Fake = fakeClients();
  const seen = [];
  class Watching extends Fake {
    query(...given) {
      seen.push(storage.getStore());
      super.query(...given);
    }
  }
  const pool = open({ Client: Watching, max: 1 });
  const asked = (name) =>
    storage.run(name, () =>
      called((done) =>
        pool.connect((_error, _client, release) => {
          seen.push(storage.getStore());
          setImmediate(() => release());
          done();
        }),
      ),
    );
  const queried = storage.run('c', () => pool.query('text'));
  await Promise.all([asked('a'), asked('b'), queried]);
  expect(seen).toEqual(['c', 'a', 'b']);
});

test('hooks of a loan run in the async context of who waited for it', async () => {
  const storage = new AsyncLocalStorage();
  const seen = [];
  const pool = open({ max: 1 });
  pool.on('acquire', () => seen.push(storage.getStore()));
  const lend = async () => (await pool.connect()).release();
  const asked = [storage.run('a', lend), storage.run('b', () => pool.query('select 1'))];
  await Promise.all([...asked, storage.run('c', lend)]);
  expect(seen).toEqual(['a', 'b', 'c']);
});

test('a rejected connect has the stack of who awaits it', async () => {
  const pool = open({ max: 1, connectionTimeoutMillis: 500 });
  const client = await pool.connect();
  async function somewhereInTheApplication() {
    await pool.connect();
  }
  expect((await rejection(somewhereInTheApplication())).stack).toMatch('somewhereInTheApplication');
  client.release();
});

test('a lost client that is still lent is replaced once it is given back', async () => {
  const pool = open({ max: 1 });
  const client = await pool.connect();
  client.on('error', () => {});
  const ended = next(client, 'end');
  await terminateBackend(client.processID);
  await ended;
  const waiting = pool.query('select 1 as one');
  client.release();
  expect((await waiting).rows).toEqual([{ one: 1 }]);
});

test('in pipeline mode who was sent ahead is answered, though no client came free in time', async () => {
  const pool = open({ max: 1, pipeline: true, connectionTimeoutMillis: 500 });
  await pool.query('select 1');
  const slow = pool.query('select pg_sleep(1.5)');
  const ahead = pool.query('select 2 as n');
  await quiet();
  expect(pool.waitingCount).toBe(1);
  expect((await ahead).rows).toEqual([{ n: 2 }]);
  await slow;
  expect(counters(pool)).toBe('total 1 idle 1 waiting 0 expired 0');
});
