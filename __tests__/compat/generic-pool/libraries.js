'use strict';
// generic-pool and its drop-in: the same tests over both, and the same script run on each with
// what it saw compared line by line.

const { setImmediate: turn } = require('node:timers/promises');

const LIBRARIES = [
  ['generic-pool', () => require('generic-pool')],
  ['polypool/generic-pool', () => require('../../../lib/compat/generic-pool/index.js')],
];

const [[, loadPeer], [, loadDropIn]] = LIBRARIES;

const COUNTERS = [
  'size',
  'available',
  'borrowed',
  'pending',
  'spareResourceCapacity',
  'max',
  'min',
];

const counters = (pool) => Object.fromEntries(COUNTERS.map((name) => [name, pool[name]]));

/** Lets everything run that waits for nothing but promises. */
async function quiet() {
  for (let i = 0; i < 3; i++) await turn();
}

/** A factory that keeps a record; its resources are `{ id }`, numbered in the order of creation. */
class Workshop {
  made = 0;
  calls = [];
  /** Creates under way of a workshop that is `held`: `{ id, finish, fail }`. */
  opening = [];
  onCreate = () => {};

  constructor({ held = false, validate } = {}) {
    this.held = held;
    this.factory = {
      create: () => this.#create(),
      destroy: async ({ id }) => void this.calls.push(`destroy ${id}`),
    };
    if (validate !== undefined) {
      this.factory.validate = (resource) => {
        this.calls.push(`validate ${resource.id}`);
        return validate(resource);
      };
    }
  }

  #create() {
    const id = ++this.made;
    this.calls.push(`create ${id}`);
    if (!this.held) return Promise.resolve({ id });
    return new Promise((resolve, fail) => {
      this.opening.push({ id, finish: () => resolve({ id }), fail });
      this.onCreate();
    });
  }
}

/** What a script did and what the pool showed at once after each step of it. */
class Trace {
  #pool;
  #calls = [];
  #seen = 0;
  lines = [];

  watch(pool, { calls }) {
    this.#pool = pool;
    this.#calls = calls;
    for (const event of ['factoryCreateError', 'factoryDestroyError']) {
      pool.on(event, (error) => this.note(event, String(error)));
    }
  }

  note(...what) {
    this.lines.push(what.join(': '));
  }

  step(label) {
    const calls = this.#calls.slice(this.#seen);
    this.#seen = this.#calls.length;
    const shown = Object.values(counters(this.#pool)).join(' ');
    this.lines.push(`${label} | ${shown} | ${calls.join(', ')}`);
  }

  /** Follows a promise to its end under a name. */
  follow(label, promise) {
    promise.then(
      (value) => this.note(label, value === undefined ? 'done' : JSON.stringify(value)),
      (error) => this.note(label, String(error)),
    );
    return promise;
  }
}

/** A test that holds when the script leaves the same trace with both libraries. */
function agree(name, script) {
  test(`both agree: ${name}`, async () => {
    const traces = [];
    for (const [, load] of LIBRARIES) {
      const trace = new Trace();
      await script(load(), trace);
      traces.push([...trace.lines]); // what the first pool does later is not part of it
    }
    const [peer, dropIn] = traces;
    expect(dropIn).toEqual(peer);
    expect(peer.length).toBeGreaterThan(0);
  });
}

/** The error a promise rejects with; fails when it resolves. */
const rejection = (promise) =>
  promise.then(
    (value) => {
      throw new Error(`expected a rejection, got ${JSON.stringify(value)}`);
    },
    (error) => error,
  );

module.exports = {
  LIBRARIES,
  Workshop,
  agree,
  counters,
  loadDropIn,
  loadPeer,
  quiet,
  rejection,
};
