'use strict';
// Random schedules over the JavaScript surface, against the invariants that no schedule may break.
// fast-check prints the seed and the shortest schedule that fails.

const fc = require('fast-check');
const { load } = require('../support/pools.js');
const { factoryOf } = require('../support/factory.js');

const MAX = 3;

const turns = async () => {
  for (let turn = 0; turn < 8; turn++) await null;
};

/** A pool whose factory steps wait for the schedule, and everybody who ever asked it. */
class World {
  constructor({ min, reset, validate, idleOrder }) {
    const optional = { reset: reset ? 'ok' : undefined, validate: validate ? 'ok' : undefined };
    this.made = factoryOf({ hold: true, ...optional });
    const { ObjectPool } = load();
    this.pool = new ObjectPool(this.made.factory, {
      max: MAX,
      min,
      idleOrder,
      validateAfterIdleMs: 0,
      maxConnecting: MAX,
    });
    this.held = [];
    this.waiting = new Set();
    this.asked = 0;
    this.settled = 0;
  }

  acquire() {
    const controller = new AbortController();
    const waiter = { controller };
    this.asked++;
    this.waiting.add(waiter);
    this.pool.acquire({ signal: controller.signal, timeoutMs: null }).then(
      (resource) => {
        this.#settle(waiter);
        if (this.held.includes(resource)) throw new Error('lent twice');
        if (!this.made.alive.has(resource)) throw new Error('lent though destroyed');
        this.held.push(resource);
      },
      () => this.#settle(waiter),
    );
  }

  #settle(waiter) {
    this.settled++;
    this.waiting.delete(waiter);
  }

  release(which, destroy) {
    if (this.held.length === 0) return;
    const [resource] = this.held.splice(which % this.held.length, 1);
    this.pool.release(resource, { destroy });
  }

  abort(which) {
    [...this.waiting][which % this.waiting.size]?.controller.abort();
  }

  settleStep(which, ok) {
    const { pending } = this.made;
    if (pending.length === 0) return;
    const [step] = pending.splice(which % pending.length, 1);
    // A create that fails earns a pause in real time: the others only.
    if (ok || step.step === 'create') step.ok();
    else step.fail();
  }

  check() {
    const { total, idle, inUse, connecting, waiting, max } = this.pool.stats();
    expect(total).toBeLessThanOrEqual(max);
    expect(idle + inUse + connecting).toBeLessThanOrEqual(total);
    expect(inUse).toBe(this.held.length);
    expect(waiting).toBe(this.waiting.size);
    // Whoever waits and what is free never stand side by side, unless it is being validated.
    const validating = this.made.pending.filter((it) => it.step === 'validate').length;
    if (idle > 0) expect(waiting).toBeLessThanOrEqual(validating);
    if (waiting > 0) expect(this.made.pending.length + this.held.length).toBeGreaterThan(0);
    const { acquired, released } = this.pool.stats();
    expect(acquired - released).toBe(inUse);
    expect(this.made.alive.size).toBeLessThanOrEqual(max);
  }

  /** Lets everything come to its end. */
  async finish() {
    while (this.made.pending.length > 0 || this.held.length > 0 || this.waiting.size > 0) {
      this.settleStep(0, true);
      this.release(0, false);
      await turns();
      this.check();
    }
    expect(this.settled).toBe(this.asked);
    const closed = this.pool.close();
    while (this.made.pending.length > 0) {
      this.settleStep(0, true);
      await turns();
    }
    await closed;
    expect(this.made.alive.size).toBe(0);
    const { total, created, destroyed } = this.pool.stats();
    expect([total, created - destroyed]).toEqual([0, 0]);
  }
}

const which = fc.nat({ max: 9 });
const step = fc.oneof(
  { weight: 4, arbitrary: fc.constant(['acquire']) },
  { weight: 4, arbitrary: fc.tuple(fc.constant('release'), which, fc.boolean()) },
  { weight: 1, arbitrary: fc.tuple(fc.constant('abort'), which) },
  { weight: 6, arbitrary: fc.tuple(fc.constant('settleStep'), which, fc.boolean()) },
  { weight: 1, arbitrary: fc.constant(['clear']) },
);
const options = fc.record({
  min: fc.nat({ max: MAX }),
  reset: fc.boolean(),
  validate: fc.boolean(),
  idleOrder: fc.constantFrom('lifo', 'fifo'),
});

test('no schedule loses a waiter or a resource, or lends one twice', async () => {
  await fc.assert(
    fc.asyncProperty(options, fc.array(step, { maxLength: 60 }), async (chosen, schedule) => {
      const world = new World(chosen);
      for (const [name, ...rest] of schedule) {
        if (name === 'clear') world.pool.clear();
        else world[name](...rest);
        await turns();
        world.check();
      }
      await world.finish();
    }),
    { numRuns: 300 },
  );
});
