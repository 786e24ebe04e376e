'use strict';
// Random schedules on both libraries: after each step the same counters, at the end the same
// outcomes. Set POLYPOOL_TEST_SEED to repeat a run.

const fc = require('fast-check');
const { seed } = require('../../support/random.js');
const { LIBRARIES, Workshop, counters, quiet } = require('./libraries.js');

const RUNS = 300;
/** More than callers wait in any schedule. */
const ROUNDS_MAX = 200;

const step = fc.oneof(
  { weight: 5, arbitrary: fc.record({ do: fc.constant('acquire'), n: fc.nat(3) }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('release'), n: fc.nat(9) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('destroy'), n: fc.nat(9) }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('finish'), n: fc.nat(9) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('answer'), n: fc.nat(9) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('foreign'), n: fc.nat(1) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('again'), n: fc.nat(1) }) },
);

const options = (more) =>
  fc.record({
    ...more,
    max: fc.integer({ min: 1, max: 4 }),
    min: fc.nat(4),
    fifo: fc.boolean(),
    priorityRange: fc.integer({ min: 1, max: 3 }),
  });

/** One run of a schedule: what was seen after each step, and how each acquire ended. */
class Run {
  seen = [];
  outcomes = [];
  #lent = [];
  #returned = null;
  #questions = [];
  #passed = new Set();
  /** Lent without a validation since they were last lent. */
  untested = [];

  constructor({ createPool }, given) {
    const validate = ({ id }) => new Promise((answer) => this.#questions.push({ id, answer }));
    this.workshop = new Workshop({ held: true, validate });
    this.pool = createPool(this.workshop.factory, given);
  }

  async perform({ do: name, n }) {
    this[name](n);
    this.#see(`${name} ${n} at once`);
    await quiet();
    this.#see(`${name} ${n} quiet`);
  }

  #see(when) {
    this.seen.push([when, counters(this.pool), this.workshop.calls.length, [...this.outcomes]]);
  }

  acquire(priority) {
    const at = this.outcomes.push('waits') - 1;
    this.pool.acquire(priority).then(
      (resource) => {
        this.outcomes[at] = resource.id;
        if (!this.#passed.delete(resource.id)) this.untested.push(resource.id);
        this.#lent.push(resource);
      },
      (error) => (this.outcomes[at] = error.message),
    );
  }

  release(n) {
    this.#giveBack('release', n);
  }

  destroy(n) {
    this.#giveBack('destroy', n);
  }

  #giveBack(method, n) {
    if (this.#lent.length === 0) return;
    [this.#returned] = this.#lent.splice(n % this.#lent.length, 1);
    this.pool[method](this.#returned);
  }

  finish(n) {
    const { opening } = this.workshop;
    if (opening.length > 0) opening.splice(n % opening.length, 1)[0].finish();
  }

  /** One validation in five fails. */
  answer(n) {
    if (this.#questions.length === 0) return;
    const { id, answer } = this.#questions.shift();
    const passes = n % 5 !== 0;
    if (passes) this.#passed.add(id);
    answer(passes);
  }

  foreign(n) {
    this.#refused(n, { id: 0 });
  }

  again(n) {
    if (this.#returned !== null && !this.#lent.includes(this.#returned)) {
      const isBorrowed = this.pool.isBorrowedResource(this.#returned);
      this.outcomes.push(`borrowed: ${isBorrowed}`);
      if (!isBorrowed) this.#refused(n, this.#returned);
    }
  }

  #refused(n, resource) {
    const at = this.outcomes.push('?') - 1;
    this.pool[n === 0 ? 'release' : 'destroy'](resource).then(
      () => (this.outcomes[at] = 'taken'),
      (error) => (this.outcomes[at] = error.message),
    );
  }

  /** Somebody waits for the next create, which comes after a pause. */
  isStuck() {
    const open = this.#lent.length + this.workshop.opening.length + this.#questions.length;
    return this.pool.pending > 0 && open === 0;
  }

  /** Ends all that is open, so that whoever waits is served. */
  async finishAll() {
    for (let round = 0; round < ROUNDS_MAX; round++) {
      // One at a time: with fifo off, generic-pool gives creates of one tick in reverse order.
      for (const end of ['release', 'finish', 'answer']) {
        this[end](1);
        await quiet();
      }
      if (this.isStuck()) await new Promise((resolve) => (this.workshop.onCreate = resolve));
      if (this.pool.pending === 0 && this.pool.available === this.pool.size) break;
    }
    this.#see('end');
  }
}

/** Performs a schedule on both. */
async function perform(given, steps) {
  const runs = LIBRARIES.map(([, load]) => new Run(load(), given));
  for (const run of runs) {
    for (const each of steps) await run.perform(each);
    await run.finishAll();
    expect(run.outcomes).not.toContain('waits');
  }
  return runs;
}

const check = (given, property) => {
  const steps = fc.array(step, { minLength: 10, maxLength: 60 });
  return fc.assert(fc.asyncProperty(given, steps, property), { seed, numRuns: RUNS });
};

const maxWaitingClients = fc.option(fc.nat(4), { nil: undefined });

test(`random schedules agree (seed ${seed})`, () =>
  check(options({ maxWaitingClients }), async (given, steps) => {
    const [peer, dropIn] = await perform(given, steps);
    expect(dropIn.seen).toEqual(peer.seen);
    expect(dropIn.workshop.calls).toEqual(peer.workshop.calls);
  }));

// Which of several candidates is ready first may differ here; what is lent, and how often, may not.
test(`random schedules with testOnBorrow serve the same callers (seed ${seed})`, () =>
  check(options({ testOnBorrow: fc.constant(true) }), async (given, steps) => {
    const [peer, dropIn] = await perform(given, steps);
    const served = ({ outcomes }) => outcomes.map((outcome) => typeof outcome);
    expect(served(dropIn)).toEqual(served(peer));
    expect(dropIn.untested).toEqual([]);
    for (const [, { size, available, borrowed, max }] of dropIn.seen) {
      expect(size).toBeLessThanOrEqual(max);
      expect(available + borrowed).toBeLessThanOrEqual(size);
    }
  }));
