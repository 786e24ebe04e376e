'use strict';
// testOnBorrow: each candidate is validated before it is lent.

const { LIBRARIES, Workshop, agree, counters, quiet } = require('./libraries.js');

/** A validate function whose answers are given by hand. */
function examiner() {
  const questions = [];
  const validate = ({ id }) => new Promise((answer) => questions.push({ id, answer }));
  return { questions, validate };
}

describe.each(LIBRARIES)('%s', (_name, load) => {
  const open = (workshop, options) =>
    load().createPool(workshop.factory, { testOnBorrow: true, ...options });

  test('each loan is preceded by a validation, the first one too', async () => {
    const workshop = new Workshop({ validate: () => true });
    const pool = open(workshop);
    await pool.release(await pool.acquire());
    await pool.release(await pool.acquire());
    expect(workshop.calls).toEqual(['create 1', 'validate 1', 'validate 1']);
  });

  test.each([[true], [undefined], [null], [0], [''], ['false'], [NaN]])(
    'an answer of %p passes',
    async (answer) => {
      const workshop = new Workshop({ validate: () => answer });
      expect(await open(workshop).acquire()).toEqual({ id: 1 });
    },
  );

  test('false destroys, and the next candidate is tried', async () => {
    const workshop = new Workshop({ validate: ({ id }) => id > 2 });
    const pool = open(workshop, { max: 3, min: 2 });
    await quiet();
    expect(await pool.acquire()).toMatchObject({ id: 3 });
    expect(workshop.calls.filter((call) => call.startsWith('destroy'))).toEqual([
      'destroy 1',
      'destroy 2',
    ]);
    await quiet();
    expect(counters(pool)).toMatchObject({ borrowed: 1, pending: 0 });
  });

  test('a promise of false destroys as well', async () => {
    let asked = 0;
    const workshop = new Workshop({ validate: async () => ++asked > 1 });
    const pool = open(workshop);
    expect(await pool.acquire()).toEqual({ id: 2 });
    expect(workshop.calls).toContain('destroy 1');
  });

  test('while it is validated a resource is neither available nor borrowed', async () => {
    const { questions, validate } = examiner();
    const workshop = new Workshop({ validate });
    const pool = open(workshop);
    const lent = pool.acquire();
    await quiet();
    expect(counters(pool)).toMatchObject({ size: 1, available: 0, borrowed: 0, pending: 1 });
    questions[0].answer(true);
    expect(await lent).toEqual({ id: 1 });
    expect(counters(pool)).toMatchObject({ size: 1, available: 0, borrowed: 1, pending: 0 });
  });

  test('who timed out meanwhile leaves the resource to others', async () => {
    const { questions, validate } = examiner();
    const workshop = new Workshop({ validate });
    const pool = open(workshop, { acquireTimeoutMillis: 10 });
    await expect(pool.acquire()).rejects.toThrow('ResourceRequest timed out');
    questions[0].answer(true);
    await quiet();
    expect(counters(pool)).toMatchObject({ size: 1, available: 1, borrowed: 0, pending: 0 });
  });

  test('idle resources are not validated by themselves', async () => {
    const workshop = new Workshop({ validate: () => true });
    open(workshop, { min: 2, max: 4 });
    await quiet();
    expect(workshop.calls).toEqual(['create 1', 'create 2']);
  });

  test('testOnReturn changes nothing', async () => {
    const workshop = new Workshop({ validate: () => false });
    const pool = load().createPool(workshop.factory, { testOnReturn: true });
    await pool.release(await pool.acquire());
    await quiet();
    expect(workshop.calls).toEqual(['create 1']);
    expect(pool.available).toBe(1);
  });
});

agree('waiters, creates and validations side by side', async (lib, trace) => {
  const { questions, validate } = examiner();
  const workshop = new Workshop({ held: true, validate });
  const pool = lib.createPool(workshop.factory, { max: 3, testOnBorrow: true });
  trace.watch(pool, workshop);
  const lent = [];
  for (let i = 0; i < 4; i++) {
    trace.follow(`waiter ${i}`, pool.acquire()).then((resource) => lent.push(resource));
    trace.step(`acquire ${i}`);
  }
  for (const at of [0, 1]) {
    workshop.opening[at].finish();
    await quiet();
    trace.step(`created ${at}`);
  }
  questions[1].answer(true);
  await quiet();
  trace.step('the second is fine');
  questions[0].answer(false);
  await quiet();
  trace.step('the first is not');
  workshop.opening[2].finish();
  workshop.opening[3].finish();
  await quiet();
  trace.step('two more are created');
  for (const { answer } of questions.slice(2)) answer(true);
  await quiet();
  trace.step('both are fine');
  while (lent.length > 0) {
    pool.release(lent.shift());
    trace.step('release');
    await quiet();
    questions.at(-1).answer(true);
    await quiet();
    trace.step('quiet');
  }
});

agree('every other validation fails', async (lib, trace) => {
  let asked = 0;
  const workshop = new Workshop({ validate: async () => ++asked % 2 === 0 });
  const pool = lib.createPool(workshop.factory, { max: 2, min: 1, testOnBorrow: true });
  trace.watch(pool, workshop);
  for (let i = 0; i < 6; i++) {
    const resource = await trace.follow(`loan ${i}`, pool.acquire());
    await quiet();
    trace.step(`loan ${i}`);
    pool.release(resource);
    trace.step('release');
  }
});
