'use strict';
// The evictor: when it runs, what it looks at, what it destroys. Time is the test's own.

const { LIBRARIES, Workshop, agree, counters, quiet } = require('./libraries.js');

beforeEach(() => {
  jest.useFakeTimers({ toFake: ['Date', 'setTimeout', 'clearTimeout'], now: 1_700_000_000_000 });
});

afterEach(() => {
  jest.useRealTimers();
});

/** Time passes and promises settle. */
async function pass(ms) {
  jest.advanceTimersByTime(ms);
  await quiet();
}

/** Borrows so many, one after the other, and releases them in that order. */
async function fill(pool, count) {
  const lent = [];
  for (let i = 0; i < count; i++) lent.push(await pool.acquire());
  for (const resource of lent) pool.release(resource);
  return lent;
}

const destroyed = ({ calls }) =>
  calls.filter((call) => call.startsWith('destroy')).map((call) => Number(call.slice(8)));

describe.each(LIBRARIES)('%s', (_name, load) => {
  const open = (workshop, options) => load().createPool(workshop.factory, options);

  test('does not run unless asked for', async () => {
    const workshop = new Workshop();
    const pool = open(workshop, { max: 3, idleTimeoutMillis: 1 });
    await fill(pool, 3);
    await pass(1_000_000);
    expect(pool.available).toBe(3);
  });

  test('idleTimeoutMillis: whatever was idle for longer goes, at the next run', async () => {
    const workshop = new Workshop();
    const options = { max: 3, idleTimeoutMillis: 100, evictionRunIntervalMillis: 60 };
    const pool = open(workshop, options);
    await fill(pool, 3);
    await pass(60);
    expect(destroyed(workshop)).toEqual([]);
    await pass(60);
    expect(destroyed(workshop)).toEqual([1, 2, 3]);
    expect(counters(pool)).toMatchObject({ size: 0, available: 0 });
  });

  test('exactly idleTimeoutMillis is not longer', async () => {
    const workshop = new Workshop();
    const options = { max: 1, idleTimeoutMillis: 100, evictionRunIntervalMillis: 50 };
    await fill(open(workshop, options), 1);
    await pass(100);
    expect(destroyed(workshop)).toEqual([]);
    await pass(50);
    expect(destroyed(workshop)).toEqual([1]);
  });

  test.each([[0], [null], [undefined]])(
    'idleTimeoutMillis %p is 30 s',
    async (idleTimeoutMillis) => {
      const workshop = new Workshop();
      const pool = open(workshop, { max: 1, idleTimeoutMillis, evictionRunIntervalMillis: 1000 });
      await fill(pool, 1);
      await pass(30_000);
      expect(pool.available).toBe(1);
      await pass(1_000);
      expect(pool.available).toBe(0);
    },
  );

  test('a use begins the time anew', async () => {
    const workshop = new Workshop();
    const options = { max: 1, idleTimeoutMillis: 100, evictionRunIntervalMillis: 90 };
    const pool = open(workshop, options);
    await fill(pool, 1);
    await pass(80);
    await fill(pool, 1);
    await pass(100);
    expect(destroyed(workshop)).toEqual([]);
    await pass(90);
    expect(destroyed(workshop)).toEqual([1]);
  });

  test('what is lent is never evicted', async () => {
    const workshop = new Workshop();
    const options = { max: 1, idleTimeoutMillis: 10, evictionRunIntervalMillis: 20 };
    const pool = open(workshop, options);
    const resource = await pool.acquire();
    await pass(1000);
    expect(pool.isBorrowedResource(resource)).toBe(true);
    expect(destroyed(workshop)).toEqual([]);
  });

  test('the hard limit ignores min, which is then refilled', async () => {
    const workshop = new Workshop();
    const options = { min: 2, max: 3, idleTimeoutMillis: 50, evictionRunIntervalMillis: 60 };
    const pool = open(workshop, options);
    await quiet();
    await pass(60);
    expect(destroyed(workshop)).toEqual([1, 2]);
    expect(workshop.made).toBe(4);
    expect(counters(pool)).toMatchObject({ size: 2, available: 2 });
  });

  test('softIdleTimeoutMillis spares min', async () => {
    const workshop = new Workshop();
    const options = { min: 2, max: 5, softIdleTimeoutMillis: 50, evictionRunIntervalMillis: 60 };
    const pool = open(workshop, { ...options, numTestsPerEvictionRun: 10 });
    await fill(pool, 5);
    await pass(60);
    expect(destroyed(workshop)).toEqual([1, 2, 3]);
    expect(counters(pool)).toMatchObject({ size: 2, available: 2 });
    await pass(600);
    expect(pool.available).toBe(2);
  });

  test.each([[-1], [0], [null]])('softIdleTimeoutMillis %p is off', async (soft) => {
    const workshop = new Workshop();
    const options = { max: 2, softIdleTimeoutMillis: soft, evictionRunIntervalMillis: 60 };
    const pool = open(workshop, options);
    await fill(pool, 2);
    await pass(600);
    expect(pool.available).toBe(2);
  });

  test('numTestsPerEvictionRun bounds a run', async () => {
    const workshop = new Workshop();
    const options = { max: 7, idleTimeoutMillis: 10, evictionRunIntervalMillis: 20 };
    const pool = open(workshop, options);
    await fill(pool, 7);
    await pass(20);
    expect(destroyed(workshop)).toEqual([1, 2, 3]);
    await pass(20);
    await pass(20);
    expect(destroyed(workshop)).toEqual([1, 2, 3, 4, 5, 6, 7]);
  });

  test('drain ends the runs', async () => {
    const workshop = new Workshop();
    const options = { max: 2, idleTimeoutMillis: 10, evictionRunIntervalMillis: 20 };
    const pool = open(workshop, options);
    await fill(pool, 2);
    await pool.drain();
    await pass(200);
    expect(destroyed(workshop)).toEqual([]);
    expect(jest.getTimerCount()).toBe(0);
  });

  test('without autostart the runs begin at start', async () => {
    const workshop = new Workshop();
    const options = { max: 2, idleTimeoutMillis: 10, evictionRunIntervalMillis: 20 };
    const pool = open(workshop, { ...options, autostart: false });
    expect(jest.getTimerCount()).toBe(0);
    pool.start();
    pool.start();
    expect(jest.getTimerCount()).toBe(1);
  });

  describe('an Evictor of the user', () => {
    /** A pool whose evictor records what it is asked and answers with `judge`. */
    const withEvictor = (options, judge, workshop = new Workshop()) => {
      const { Pool, Deque, PriorityQueue } = load();
      const asked = [];
      class Evictor {
        evict(...given) {
          asked.push(given);
          return judge(...given);
        }
      }
      const pool = new Pool(Evictor, Deque, PriorityQueue, workshop.factory, {
        evictionRunIntervalMillis: 100,
        ...options,
      });
      return { pool, asked, workshop };
    };

    test('is given the settings, the resource and how many are available', async () => {
      const settings = { softIdleTimeoutMillis: 7, idleTimeoutMillis: 11, min: 1 };
      const { pool, asked } = withEvictor({ ...settings, max: 2 }, () => false);
      await fill(pool, 2);
      await pass(100);
      expect(asked.map(([config]) => config)).toEqual([settings, settings]);
      expect(asked.map(([, resource]) => resource.obj)).toEqual([{ id: 1 }, { id: 2 }]);
      expect(asked.map(([, , available]) => available)).toEqual([2, 2]);
      expect(asked[0]).toHaveLength(3);
    });

    test('sees the times of the resource', async () => {
      const { pool, asked } = withEvictor({ max: 1 }, () => false);
      const began = Date.now();
      const resource = await pool.acquire();
      await pass(50);
      pool.release(resource);
      await pass(150);
      expect(asked).toHaveLength(2);
      expect(asked[0][1]).toMatchObject({
        creationTime: began,
        lastIdleTime: began + 50,
        lastBorrowTime: began,
        lastReturnTime: began + 50,
        obj: resource,
        state: 'IDLE',
      });
    });

    test('sees what was never lent', async () => {
      const { asked } = withEvictor({ min: 1, max: 1 }, () => false);
      const began = Date.now();
      await quiet();
      await pass(100);
      expect(asked[0][1]).toMatchObject({
        creationTime: began,
        lastIdleTime: began,
        lastBorrowTime: null,
        lastReturnTime: null,
      });
    });

    test('may keep marks on what it is given', async () => {
      const { pool, workshop } = withEvictor({ max: 1 }, (_config, resource) => {
        resource.seen = (resource.seen ?? 0) + 1;
        return resource.seen === 3;
      });
      await fill(pool, 1);
      await pass(200);
      expect(destroyed(workshop)).toEqual([]);
      await pass(100);
      expect(destroyed(workshop)).toEqual([1]);
    });

    test.each([[1], ['yes'], [{}], [undefined]])(
      'an answer of %p evicts nothing',
      async (answer) => {
        const { pool } = withEvictor({ max: 2 }, () => answer);
        await fill(pool, 2);
        await pass(500);
        expect(pool.available).toBe(2);
      },
    );

    test('is made once per pool, without arguments', () => {
      const { Pool, Deque, PriorityQueue } = load();
      const made = [];
      class Evictor {
        constructor(...given) {
          made.push(given);
        }
        evict() {
          return false;
        }
      }
      const { factory } = new Workshop();
      new Pool(Evictor, Deque, PriorityQueue, factory);
      new Pool(Evictor, Deque, PriorityQueue, factory, { max: 2 });
      expect(made).toEqual([[], []]);
    });

    test('DefaultEvictor can be extended', async () => {
      const { Pool, DefaultEvictor, Deque, PriorityQueue } = load();
      class Careful extends DefaultEvictor {
        evict(config, resource, available) {
          return resource.obj.id !== 1 && super.evict(config, resource, available);
        }
      }
      const workshop = new Workshop();
      const options = { max: 3, idleTimeoutMillis: 10, evictionRunIntervalMillis: 20 };
      const pool = new Pool(Careful, Deque, PriorityQueue, workshop.factory, options);
      await fill(pool, 3);
      await pass(40);
      expect(destroyed(workshop)).toEqual([2, 3]);
    });
  });

  test.each([
    [{ softIdleTimeoutMillis: -1, idleTimeoutMillis: 100, min: 0 }, 50, 1, false],
    [{ softIdleTimeoutMillis: -1, idleTimeoutMillis: 100, min: 0 }, 100, 1, false],
    [{ softIdleTimeoutMillis: -1, idleTimeoutMillis: 100, min: 9 }, 101, 1, true],
    [{ softIdleTimeoutMillis: 50, idleTimeoutMillis: 100, min: 0 }, 51, 1, true],
    [{ softIdleTimeoutMillis: 50, idleTimeoutMillis: 100, min: 1 }, 51, 1, false],
    [{ softIdleTimeoutMillis: 50, idleTimeoutMillis: 100, min: 1 }, 51, 2, true],
    [{ softIdleTimeoutMillis: 50, idleTimeoutMillis: 100, min: 1 }, 50, 2, false],
    [{ softIdleTimeoutMillis: 0, idleTimeoutMillis: 100, min: 0 }, 51, 2, false],
  ])('DefaultEvictor: %j, idle for %d ms, %d available: %p', (config, idle, available, verdict) => {
    const { DefaultEvictor } = load();
    const lastIdleTime = Date.now() - idle;
    expect(new DefaultEvictor().evict(config, { lastIdleTime }, available)).toBe(verdict);
  });
});

describe.each([[true], [false]])('fifo %p', (fifo) => {
  /** Which resource each run looks at, while `between` does something after each. */
  const runs = (verdict, between) => async (lib, trace) => {
    const workshop = new Workshop();
    class Evictor {
      evict(_config, { obj }, available) {
        trace.note('looks at', obj.id, available);
        return verdict(obj.id);
      }
    }
    const options = { max: 6, fifo, evictionRunIntervalMillis: 10, numTestsPerEvictionRun: 2 };
    const pool = new lib.Pool(Evictor, lib.Deque, lib.PriorityQueue, workshop.factory, options);
    trace.watch(pool, workshop);
    await fill(pool, 5);
    for (let run = 0; run < 12; run++) {
      await pass(10);
      trace.step(`run ${run}`);
      await between(pool, run);
    }
  };

  agree(
    'the cursor goes on where it stopped',
    runs(
      () => false,
      () => {},
    ),
  );

  agree(
    'the cursor after evictions',
    runs(
      (id) => id % 2 === 0,
      () => {},
    ),
  );

  agree(
    'the cursor while resources come and go',
    runs(
      () => false,
      async (pool, run) => {
        const lent = [];
        for (let i = 0; i <= run % 3; i++) lent.push(await pool.acquire());
        for (const resource of run % 2 === 0 ? lent : lent.reverse()) pool.release(resource);
      },
    ),
  );

  agree(
    'the cursor while resources are lent, destroyed and evicted',
    runs(
      (id) => id % 3 === 0,
      async (pool, run) => {
        const lent = [];
        for (let i = 0; i <= run % 4; i++) lent.push(await pool.acquire());
        lent.forEach((resource, i) => {
          if ((run + i) % 3 === 0) pool.destroy(resource);
          else pool.release(resource);
        });
      },
    ),
  );
});
