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

const options = fc.record({
  max: fc.integer({ min: 1, max: 4 }),
  min: fc.nat(4),
  fifo: fc.boolean(),
  priorityRange: fc.integer({ min: 1, max: 3 }),
  maxWaitingClients: fc.option(fc.nat(4), { nil: undefined }),
  testOnBorrow: fc.boolean(),
});

/** One run of a schedule: what was seen after each step, and how each acquire ended. */
class Run {
  seen = [];
  outcomes = [];
  #lent = [];
  #returned = null;
  #questions = [];
  #passed = new Set();
  #used = new Set();
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

  /** Calls of the factory within one step are not compared in their order. */
  #see(when) {
    const calls = this.workshop.calls.splice(0).sort();
    this.seen.push([when, counters(this.pool), calls, [...this.outcomes]]);
  }

  acquire(priority) {
    const at = this.outcomes.push('waits') - 1;
    this.pool.acquire(priority).then(
      (resource) => {
        this.outcomes[at] = resource.id;
        if (!this.#passed.delete(resource.id)) this.untested.push(resource.id);
        this.#lent.push(resource);
        this.#used.add(resource.id);
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

  /** One validation in five fails; not of a new resource, whose successor takes its time here. */
  answer(n) {
    if (this.#questions.length === 0) return;
    const { id, answer } = this.#questions.shift();
    const passes = n % 5 !== 0 || !this.#used.has(id);
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

test(`random schedules agree (seed ${seed})`, () => {
  const steps = fc.array(step, { minLength: 10, maxLength: 60 });
  const property = fc.asyncProperty(options, steps, async (given, schedule) => {
    const [peer, dropIn] = await perform(given, schedule);
    expect(dropIn.seen).toEqual(peer.seen);
    if (given.testOnBorrow) expect(dropIn.untested).toEqual([]);
  });
  return fc.assert(property, { seed, numRuns: RUNS });
});
