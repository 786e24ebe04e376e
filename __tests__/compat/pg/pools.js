'use strict';
// What the tests of pools need: pools on the test server that are ended after each test, clients
// that are no clients of any server, and a record of what a pool told and showed.

const { EventEmitter } = require('node:events');
const { setImmediate: turn } = require('node:timers/promises');
const { url } = require('../../support/urls.js');

const open = new Set();

/** A pool on the test server that is ended when the test is over. */
function openPool({ Pool }, options = {}) {
  const pool = new Pool({ connectionString: url({ role: 'nopass' }), ...options });
  pool.on('error', () => {});
  open.add(pool);
  return pool;
}

afterEach(async () => {
  const ending = [...open].filter((pool) => !pool.ending);
  open.clear();
  await Promise.all(ending.map((pool) => pool.end()));
});

const counters = ({ totalCount, idleCount, waitingCount, expiredCount, ending, ended }) =>
  `total ${totalCount} idle ${idleCount} waiting ${waitingCount} expired ${expiredCount}` +
  `${ending ? ' ending' : ''}${ended ? ' ended' : ''}`;

const EVENTS = ['connect', 'acquire', 'release', 'remove', 'error'];

/** What a pool tells, by the names of its clients, and its counters at that moment. */
class Trace {
  lines = [];
  #names = new Map();
  #pool;

  constructor(pool) {
    this.#pool = pool;
    for (const event of EVENTS) {
      pool.on(event, (...about) => this.note(event, ...about));
    }
  }

  /** Clients are named in the order in which they are told of. */
  show(value) {
    if (value instanceof Error) return value.message;
    if (value === null || typeof value !== 'object') return String(value);
    if (!this.#names.has(value)) this.#names.set(value, `client ${this.#names.size + 1}`);
    return this.#names.get(value);
  }

  note(what, ...about) {
    const shown = [what, ...about.map((value) => this.show(value))].join(' ');
    this.lines.push(`${shown} | ${counters(this.#pool)}`);
  }
}

/** Lets everything run that waits for nothing but the event loop. */
async function quiet() {
  for (let i = 0; i < 4; i++) await turn();
}

/**
 * A class of clients without a server: `connect` and `end` call back after the tick, or when the
 * test says so (`held`: clients in `Fake.opening`, `Fake.closing` with how to go on).
 */
function fakeClients({ held = false } = {}) {
  return class Fake extends EventEmitter {
    static made = [];
    static opening = [];
    static closing = [];
    static calls = [];
    _queryable = true;
    _ending = false;

    constructor(options) {
      super();
      this.options = options;
      this.id = Fake.made.push(this);
    }

    connect(callback) {
      Fake.calls.push(`connect ${this.id}`);
      const go = (error) => callback(error);
      if (held) Fake.opening.push({ client: this, go });
      else process.nextTick(go);
    }

    query(text, values, callback) {
      Fake.calls.push(`query ${this.id}`);
      process.nextTick(callback, null, { rows: [{ text, values }] });
    }

    end(callback) {
      Fake.calls.push(`end ${this.id}`);
      this._ending = true;
      const go = () => callback();
      if (held) Fake.closing.push({ client: this, go });
      else process.nextTick(go);
    }

    ref() {
      Fake.calls.push(`ref ${this.id}`);
    }

    unref() {
      Fake.calls.push(`unref ${this.id}`);
    }
  };
}

/** What a callback is called with, as an array. */
function called(start) {
  return new Promise((resolve) => start((...given) => resolve(given)));
}

/** What the next of these events is told with: unlike `once`, an error is an event like others. */
const next = (emitter, event) => called((done) => emitter.once(event, done));

module.exports = { Trace, called, counters, fakeClients, next, openPool, quiet };
