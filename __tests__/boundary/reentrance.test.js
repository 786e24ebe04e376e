'use strict';
// Reading the values of a statement may run code of the caller's, and that may submit in its turn.

const { once } = require('node:events');
const { types } = require('node:util');
const { generator, seed } = require('../support/random.js');
const { openPool, rejection, unique } = require('../support/pools.js');
const { runProgram, printed } = require('../support/child.js');

/** Ways in which reading a value runs code: `[values, type, what comes back]` that call `run`. */
const TRIGGERS = {
  toJSON: (run, tag) => [[{ toJSON: () => (run(), { tag }) }], 'json', { tag }],
  'getter of an object': (run, tag) => {
    return [[Object.defineProperty({}, 'tag', { get: () => (run(), tag), enumerable: true })]];
  },
  'toJSON in an array': (run, tag) => [[[{ toJSON: () => (run(), tag) }]], 'json', [tag]],
  'getter of an array': (run, tag) => {
    const array = [0];
    Object.defineProperty(array, 0, { get: () => (run(), tag) });
    return [[array], 'int[]', [tag]];
  },
  'getter of the values': (run, tag) => {
    const values = [0];
    Object.defineProperty(values, 0, { get: () => (run(), tag) });
    return [values, 'int', tag];
  },
  'Proxy of the values': (run, tag) => {
    const get = (target, key) => (run(), target[key]);
    return [new Proxy([tag], { get }), 'int', tag];
  },
  Date: (run, tag) => {
    const date = new (class extends Date {
      getFullYear() {
        run();
        return super.getFullYear();
      }
    })(2000 + (tag % 50), 5, 1);
    return [[date], 'timestamptz', new Date(date.getTime())];
  },
};

function trigger(name, run, tag) {
  const [values, type = 'json', expected = { tag }] = TRIGGERS[name](run, tag);
  return { values, type, expected };
}

/** Runs `run` once, whatever reads how often. */
function firstTime(run) {
  let ran = false;
  return () => {
    if (ran) return;
    ran = true;
    run();
  };
}

const value = async (query) => (await query).rows[0].value;

test.each(Object.keys(TRIGGERS))('a query from within the values of another: %s', async (name) => {
  const pool = await openPool({ max: 2 });
  const other = await openPool({ max: 1 });
  const asleep = value(other.query('select 7 as value, pg_sleep(0.1)'));
  for (let i = 0; i < 3; i++) {
    const inner = [];
    const run = () => inner.push(value(pool.query('select $1::int as value', [inner.length])));
    const { values, type, expected } = trigger(name, run, i);
    expect(await value(pool.query(`select $1::${type} as value`, values))).toEqual(expected);
    expect(inner.length).toBeGreaterThan(0);
    expect(await Promise.all(inner)).toEqual(inner.map((_, index) => index));
  }
  expect(await asleep).toBe(7);
});

describe('what else is submitted while values are read', () => {
  async function query(pool, run, text = 'select $1::json as value', ...more) {
    return value(pool.query(text, [{ toJSON: firstTimeGiving(run) }, ...more]));
  }
  const firstTimeGiving = (run) => {
    const once = firstTime(run);
    return () => {
      once();
      return 'outer';
    };
  };

  test('a stream, a cursor and a transaction', async () => {
    const pool = await openPool({ max: 3 });
    let inner;
    const run = () => {
      inner = [
        pool.stream('select 1 as value').toArray(),
        pool.cursor('select 2 as value').read(10),
        pool.transaction((tx) => tx.query('select 3 as value').then(({ rows }) => rows)),
      ];
    };
    expect(await query(pool, run)).toBe('outer');
    expect(await Promise.all(inner)).toEqual([[{ value: 1 }], [{ value: 2 }], [{ value: 3 }]]);
  });

  test('the abort of another statement, and of this one', async () => {
    const pool = await openPool({ max: 2 });
    const controller = new AbortController();
    const { signal } = controller;
    const other = rejection(pool.query('select pg_sleep(60)', [], { signal }));
    expect(await query(pool, () => controller.abort())).toBe('outer');
    expect((await other).code).toBe('ERR_POLYPOOL_ABORTED');
    const own = new AbortController();
    const values = [{ toJSON: () => own.abort() ?? 1 }];
    const text = 'select pg_sleep(60), $1::json';
    const error = await rejection(pool.query(text, values, { signal: own.signal }));
    expect(error.code).toBe('ERR_POLYPOOL_ABORTED');
  });

  test('data of a COPY, more than is handed over at once', async () => {
    const pool = await openPool({ max: 2 });
    const table = unique('copy');
    await pool.query(`create table ${table} (t text)`);
    const writer = pool.copyFrom(`copy ${table} from stdin`);
    await new Promise((resolve) => writer.write('first\n', resolve));
    const line = `${'x'.repeat(99)}\n`;
    const run = () => {
      writer.write(Buffer.from(line.repeat(2000)));
      writer.write(line.repeat(100));
    };
    expect(await query(pool, run)).toBe('outer');
    writer.end();
    await once(writer, 'close');
    expect(writer.rowCount).toBe(2101);
  });

  test('the release of its connection, which comes after it', async () => {
    const pool = await openPool({ max: 1 });
    const connection = await pool.acquire();
    let released;
    expect(await query(connection, () => (released = connection.release()))).toBe('outer');
    await released;
    expect(pool.stats()).toMatchObject({ inUse: 0, idle: 1 });
  });

  test('the close of the pool, which comes after it', async () => {
    const pool = await openPool({ max: 1 });
    let closed;
    expect(await query(pool, () => (closed = pool.close()))).toBe('outer');
    await closed;
  });

  test('large values on both sides', async () => {
    const pool = await openPool({ max: 2 });
    const large = 'x'.repeat(600_000);
    const text = 'select $2::text as value, $1::json';
    const inner = [];
    const ask = () => inner.push(value(pool.query('select $1::text as value', [`${large}i`])));
    expect((await query(pool, () => (ask(), ask()), text, large)) === large).toBe(true);
    for (const one of await Promise.all(inner)) expect(one === `${large}i`).toBe(true);
  });

  test('more texts than are numbered', async () => {
    const pool = await openPool({ max: 2 });
    let inner;
    const ask = (_, i) => value(pool.query(`select ${i} as value`));
    expect(await query(pool, () => (inner = Array.from({ length: 4100 }, ask)))).toBe('outer');
    expect(await Promise.all(inner)).toEqual(inner.map((_, i) => i));
    expect(await query(pool, () => {})).toBe('outer');
  });

  test('a statement within one that is refused', async () => {
    const pool = await openPool({ max: 2 });
    let inner;
    const run = () => (inner = value(pool.query('select $1::int as value', [5])));
    const text = 'select $1::json, $2::int';
    const error = await rejection(query(pool, run, text, undefined));
    expect(error.message).toBe('parameter $2 is undefined; use null for SQL NULL');
    expect(await inner).toBe(5);
    const refused = [];
    const refuse = () => refused.push(rejection(pool.query('select $1', [undefined])));
    expect(await query(pool, refuse)).toBe('outer');
    expect((await refused[0]).code).toBe('ERR_POLYPOOL_PARAMETER');
  });

  test('a tick that ends meanwhile', async () => {
    const run = await runProgram(`
      (async () => {
        const pool = await createPool(url, { max: 2 });
        let inner;
        const toJSON = () => {
          inner = pool.query('select 1 as a');
          process._tickCallback();
          return 2;
        };
        const before = pool.query('select 0 as a');
        const outer = pool.query('select $1::json as a', [{ toJSON }]);
        const all = await Promise.all([before, outer, inner]);
        console.log(JSON.stringify(all.map(({ rows }) => rows[0].a)));
        await pool.close();
      })();`);
    expect(run).toMatchObject({ code: 0, stderr: '' });
    expect(printed(run)).toEqual([[0, 2, 1]]);
  });

  test('values that lie about their number', async () => {
    const pool = await openPool({ max: 1 });
    for (const length of [0, 1.5, -1, 'x', 3]) {
      const values = new Proxy([1], { get: (target, key) => (key === 'length' ? length : 1) });
      await pool.query('select 1', values).catch(() => {});
      expect(await value(pool.query('select 1 as value'))).toBe(1);
    }
  });
});

test(`statements nested at random get their own answers (seed ${seed})`, async () => {
  const pool = await openPool({ max: 4 });
  const connection = await pool.acquire();
  const random = generator();
  const pick = (list) => list[Math.floor(random() * list.length)];
  const names = Object.keys(TRIGGERS);
  const checks = [];
  let tag = 0;

  function submit(depth) {
    const mine = tag++;
    const inside = () => {
      if (depth === 3) return;
      for (let n = Math.floor(random() * 3); n >= 0; n--) submit(depth + 1);
    };
    const { values, type, expected } = trigger(pick(names), firstTime(inside), mine);
    const refused = random() < 0.1;
    const size = random() < 0.03 ? 300_000 : Math.floor(random() * 100);
    const filler = `${mine}/${'é'.repeat(size)}`;
    const proxy = Array.isArray(values) && types.isProxy(values);
    if (!proxy) values.push(filler);
    if (!proxy && refused) values.push(undefined);
    const more = proxy ? '' : ', $2::text as filler';
    const unique = random() < 0.3 ? ` /* ${mine} */` : '';
    const text = `select $1::${type} as value${more}${unique}`;
    const wanted = [{ value: expected, ...(proxy ? {} : { filler }) }];
    const ask = pick([
      () => pool.query(text, values).then(({ rows }) => rows),
      () => connection.query(text, values).then(({ rows }) => rows),
      () => pool.stream(text, values).toArray(),
    ]);
    checks.push([ask(), !proxy && refused ? null : wanted]);
  }

  for (let round = 0; round < 40; round++) {
    for (let i = 0; i < 4; i++) submit(0);
    const results = await Promise.allSettled(checks.map(([asked]) => asked));
    results.forEach(({ value: rows, reason }, i) => {
      const [, wanted] = checks[i];
      if (wanted === null) expect(reason?.code).toBe('ERR_POLYPOOL_PARAMETER');
      else expect(reason ?? rows).toEqual(wanted);
    });
    checks.length = 0;
  }
  expect(tag).toBeGreaterThan(1000);
  await connection.release();
});
