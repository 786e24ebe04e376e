'use strict';
// The same random walk over both pools, with clients that are no clients of any server: after each
// step both have told the same, in the same order, and show the same counters.
// POLYPOOL_TEST_SEED=<seed> walks that one alone.

const { IMPLEMENTATIONS } = require('./implementations.js');
const { Trace, fakeClients, quiet } = require('./pools.js');
const { generator } = require('../../support/random.js');

const { POLYPOOL_TEST_SEED: SEED } = process.env;
const SEEDS = SEED ? [Number(SEED)] : Array.from({ length: 40 }, (_, at) => at + 1);
const STEPS = 80;

class Walk {
  lent = [];
  asked = 0;

  constructor({ Pool }, seed) {
    this.random = generator(seed);
    this.Fake = fakeClients({ held: true });
    const max = 1 + this.#below(3);
    this.pool = new Pool({
      Client: this.Fake,
      max,
      min: this.#below(max + 1),
      maxUses: this.#pick([0, 0, 2, 5]),
      allowExitOnIdle: this.#below(2) === 1,
      idleTimeoutMillis: 0,
    });
    this.trace = new Trace(this.pool);
    /** In the order of their return. */
    this.returned = new Set();
    this.pool.on('release', (_error, client) => this.returned.add(client));
    this.pool.on('acquire', (client) => this.returned.delete(client));
  }

  #below(bound) {
    return Math.floor(this.random() * bound);
  }

  #pick(list) {
    return list[this.#below(list.length)];
  }

  async run() {
    for (let i = 0; i < STEPS; i++) {
      const [name, step] = this.#pick(this.#possible());
      this.trace.note(`-- ${name}`);
      step();
      this.trace.note('after it');
      await quiet();
      this.trace.note('then');
    }
    await this.#settle();
    return [...this.trace.lines, ...this.Fake.calls];
  }

  #possible() {
    const { Fake, lent } = this;
    const steps = [
      ['connect by a callback', () => this.#connect()],
      ['connect by a promise', () => this.#promise()],
      ['query', () => this.#query()],
      ['two at once', () => [this.#connect(), this.#query()]],
    ];
    const take = (list) => list.splice(this.#below(list.length), 1)[0];
    if (Fake.opening.length > 0) {
      steps.push(['connected', () => take(Fake.opening).go()]);
      steps.push(['connected', () => take(Fake.opening).go()]);
      steps.push(['refused', () => take(Fake.opening).go(new Error('refused'))]);
    }
    if (Fake.closing.length > 0) steps.push(['ended', () => take(Fake.closing).go()]);
    if (lent.length > 0) {
      steps.push(['release', () => take(lent)()]);
      steps.push(['release', () => take(lent)()]);
      steps.push(['release a broken one', () => take(lent)(new Error('broken'))]);
    }
    if (this.pool.idleCount > 0) steps.push(['an idle one dies', () => this.#die()]);
    return steps;
  }

  /**
   * Whoever was given back last of those that are still idle. It is gone at once: pg-pool does not
   * serve its queue when it is, see differences-pool.test.js.
   */
  #die() {
    const client = [...this.returned].reverse().find(({ _ending }) => !_ending);
    client._queryable = false;
    client.emit('error', new Error('died'));
    this.Fake.closing.pop().go();
  }

  #connect() {
    const id = ++this.asked;
    this.pool.connect((error, client, release) => {
      this.trace.note(`answer ${id}`, error, client);
      if (client !== undefined) this.lent.push(release);
    });
  }

  #promise() {
    const id = ++this.asked;
    this.pool.connect().then(
      (client) => {
        this.trace.note(`answer ${id}`, client);
        this.lent.push(client.release);
      },
      (error) => this.trace.note(`answer ${id}`, error),
    );
  }

  #query() {
    const id = ++this.asked;
    this.pool.query('text', [id], (error, result) => {
      this.trace.note(`answer ${id}`, error, result?.rows[0].values[0]);
    });
  }

  /** Everything goes well until nobody waits; the pool ends with some clients still out. */
  async #settle() {
    const { Fake, pool } = this;
    while (pool.waitingCount > 0 || Fake.opening.length > 0) {
      (Fake.opening.shift()?.go ?? Fake.closing.shift()?.go ?? this.lent.shift())();
      await quiet();
    }
    this.trace.note('settled');
    pool.end(() => this.trace.note('over'));
    this.trace.note('end');
    for (;;) {
      const go = Fake.closing.shift()?.go ?? this.lent.shift();
      if (go === undefined) break;
      go();
      this.trace.note('went on');
      await quiet();
      this.trace.note('then');
    }
  }
}

test.each(SEEDS)('both agree on every step of walk %i', async (seed) => {
  const traces = [];
  for (const [, load] of IMPLEMENTATIONS) traces.push(await new Walk(load(), seed).run());
  const [peer, dropIn] = traces;
  expect(dropIn).toEqual(peer);
});
