'use strict';
// pool.query: a client is taken, used and given back.

const { observe, rejection, terminateBackend, until } = require('../../support/pools.js');
const { IMPLEMENTATIONS } = require('./implementations.js');
const { Trace, called, counters, fakeClients, openPool } = require('./pools.js');

describe.each(IMPLEMENTATIONS)('%s', (_name, load) => {
  const open = (options) => openPool(load(), options);

  test.each([
    ['a text', ['select 1::int4 as n']],
    ['a text and values', ['select $1::int4 as n', [1]]],
    ['a text and no values', ['select 1::int4 as n', null]],
    ['an object', [{ text: 'select $1::int4 as n', values: [1] }]],
    ['an object and values', [{ text: 'select $1::int4 as n' }, [1]]],
    ['a named statement', [{ name: 'one', text: 'select $1::int4 as n', values: [1] }]],
  ])('%s, by a promise and by a callback', async (_form, query) => {
    const pool = open();
    expect((await pool.query(...query)).rows).toEqual([{ n: 1 }]);
    let returned = 'something';
    const [error, result] = await called((done) => (returned = pool.query(...query, done)));
    expect([returned, error, result.rows]).toEqual([undefined, undefined, [{ n: 1 }]]);
    expect(counters(pool)).toBe('total 1 idle 1 waiting 0 expired 0');
  });

  test.each(['promises', 'callbacks'])('over one client, %s settle in their order', async (how) => {
    const pool = open({ max: 1 });
    const texts = ['select $1::int as n, 1 / $2::int', 'select 1 as n'];
    // Known as short, so that later ones need not wait for a client.
    for (let i = 0; i < 3; i++) await pool.query(texts[0], [0, 1]);
    const wanted = [];
    const told = [];
    const asked = Array.from({ length: 40 }, (_none, n) => {
      const divisor = n % 3 === 1 ? 0 : 1;
      wanted.push(divisor === 0 ? `${n} fails` : `${n}`);
      const answer = (error) => told.push(error ? `${n} fails` : `${n}`);
      const query = n % 5 === 4 && divisor === 1 ? [texts[1]] : [texts[0], [n, divisor]];
      if (how === 'callbacks') {
        return new Promise((resolve) => pool.query(...query, (error) => resolve(answer(error))));
      }
      return pool.query(...query).then(() => answer(), answer);
    });
    await Promise.all(asked);
    expect(told).toEqual(wanted);
  });

  test('events and counters of one that works and one that fails', async () => {
    const pool = open();
    const trace = new Trace(pool);
    const working = pool.query('select 1');
    trace.note('asked');
    await working;
    trace.note('done');
    const failing = pool.query('select 1/0');
    trace.note('asked');
    const removed = new Promise((resolve) => pool.once('remove', resolve));
    await rejection(failing);
    trace.note('failed');
    await removed;
    expect(trace.lines).toEqual([
      'asked | total 1 idle 0 waiting 0 expired 0',
      'connect client 1 | total 1 idle 0 waiting 0 expired 0',
      'acquire client 1 | total 1 idle 0 waiting 0 expired 0',
      'release null client 1 | total 1 idle 0 waiting 0 expired 0',
      'done | total 1 idle 1 waiting 0 expired 0',
      'asked | total 1 idle 1 waiting 1 expired 0',
      'acquire client 1 | total 1 idle 0 waiting 0 expired 0',
      'release division by zero client 1 | total 1 idle 0 waiting 0 expired 0',
      'failed | total 0 idle 0 waiting 0 expired 0',
      'remove client 1 | total 0 idle 0 waiting 0 expired 0',
    ]);
  });

  test('a failed one destroys its client, whoever hears of it', async () => {
    const pool = open();
    const error = await rejection(pool.query('select nope'));
    expect(error).toMatchObject({ code: '42703', message: 'column "nope" does not exist' });
    expect(pool.totalCount).toBe(0);
    const [given, result] = await called((done) => pool.query('select nope', done));
    expect([given.code, result]).toEqual(['42703', undefined]);
    expect(pool.totalCount).toBe(0);
  });

  test('a function as the text is refused, not at once', async () => {
    const pool = open();
    let isSynchronous = true;
    const given = await called((done) => {
      expect(pool.query((error) => done(isSynchronous, error.message))).toBeUndefined();
      isSynchronous = false;
    });
    const message = 'Passing a function as the first parameter to pool.query is not supported';
    expect(given).toEqual([false, message]);
    expect(pool.totalCount).toBe(0);
  });

  test('without a text', async () => {
    const pool = open();
    const error = await rejection(pool.query());
    expect(error).toBeInstanceOf(TypeError);
    expect(pool.totalCount).toBe(0);
  });

  test('a query object of its own is submitted', async () => {
    const pool = open();
    const { Query } = load();
    const result = await called((done) => pool.query(new Query('select 1 as one'), done));
    expect(result[1].rows).toEqual([{ one: 1 }]);
  });

  test('many at once are served in their order', async () => {
    const pool = open({ max: 2 });
    const seen = [];
    await Promise.all(
      Array.from({ length: 50 }, (_, at) =>
        pool.query('select $1::int4 as n', [at]).then(({ rows }) => seen.push(rows[0].n)),
      ),
    );
    expect(seen.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 50 }, (_, at) => at));
    expect(counters(pool)).toBe('total 2 idle 2 waiting 0 expired 0');
  });

  test('its server process is killed meanwhile', async () => {
    const pool = open();
    const mark = `pool_query_${process.pid}_${Date.now()}`;
    const failing = rejection(pool.query(`select pg_sleep(60) as ${mark}`));
    const text = `select pid from pg_stat_activity where query like $1 and pid <> pg_backend_pid()`;
    const [{ pid }] = await until(async () => {
      const found = await observe(text, [`%as ${mark}`]);
      return found.length > 0 && found;
    });
    await terminateBackend(pid);
    expect((await failing).code).toBe('57P01');
    expect(pool.totalCount).toBe(0);
    expect((await pool.query('select 1 as one')).rows).toEqual([{ one: 1 }]);
  });

  test('the methods of a client that were patched are called', async () => {
    const { Pool } = load();
    const Fake = fakeClients();
    const pool = open({ Client: Fake });
    const connect = jest.spyOn(Fake.prototype, 'connect');
    const query = jest.spyOn(Fake.prototype, 'query');
    const { rows } = await pool.query('text', [1]);
    expect(rows).toEqual([{ text: 'text', values: [1] }]);
    expect(connect).toHaveBeenCalledTimes(1);
    expect(query).toHaveBeenCalledWith('text', [1], expect.any(Function));
  });

  test('a client whose query throws', async () => {
    const { Pool } = load();
    class Throwing extends fakeClients() {
      query() {
        throw new Error('not today');
      }
    }
    const pool = open({ Client: Throwing });
    expect((await rejection(pool.query('text'))).message).toBe('not today');
    expect((await called((done) => pool.query('text', done)))[0].message).toBe('not today');
    expect(counters(pool)).toBe('total 0 idle 0 waiting 0 expired 0');
  });

  test('a client that fails during its query and answers all the same', async () => {
    const { Pool } = load();
    class Failing extends fakeClients() {
      query(_text, _values, callback) {
        process.nextTick(() => {
          this.emit('error', new Error('cut off'));
          callback(new Error('late'));
        });
      }
    }
    const pool = open({ Client: Failing });
    pool.on('error', () => {});
    const trace = new Trace(pool);
    expect((await rejection(pool.query('text'))).message).toBe('cut off');
    expect(trace.lines.slice(2)).toEqual(
      [
        'release cut off client 1 | total 1 idle 0 waiting 0 expired 0',
        'remove client 1 | total 0 idle 0 waiting 0 expired 0',
      ].slice(0, trace.lines.length - 2),
    );
    expect(pool.totalCount).toBe(0);
  });

  test('a subclass that replaces connect replaces it for queries', async () => {
    const { Pool } = load();
    const seen = [];
    class Watched extends Pool {
      connect(callback) {
        seen.push(typeof callback);
        return super.connect(callback);
      }
    }
    const pool = openPool({ Pool: Watched });
    expect((await pool.query('select 1 as one')).rows).toEqual([{ one: 1 }]);
    expect((await rejection(pool.query('select 1/0'))).code).toBe('22012');
    expect(seen).toEqual(['function', 'function']);
    expect(counters(pool)).toBe('total 0 idle 0 waiting 0 expired 0');
  });

  test('a rejection has the stack of who awaits it', async () => {
    const pool = open();
    async function somewhereInTheApplication() {
      await pool.query('select nope');
    }
    const error = await rejection(somewhereInTheApplication());
    expect(error.stack).toMatch('somewhereInTheApplication');
  });
});
