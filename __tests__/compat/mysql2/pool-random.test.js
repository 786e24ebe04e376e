'use strict';
// The same random walk over both pools, with connections that are connections to no server: after
// each step both have told the same, in the same order, and show the same counters.
// POLYPOOL_TEST_SEED=<seed> walks that one alone.

const { generator } = require('../../support/random.js');
const { fakePools } = require('./fake-connections.js');
const { IMPLEMENTATIONS } = require('./implementations.js');
const { counters, quiet } = require('./pools.js');

const { POLYPOOL_TEST_SEED: SEED } = process.env;
const SEEDS = SEED ? [Number(SEED)] : Array.from({ length: 40 }, (_, at) => at + 1);
const STEPS = 80;

const EVENTS = ['connection', 'acquire', 'enqueue', 'release'];

class Walk {
  lent = [];
  asked = 0;
  lines = [];
  /**
   * A connection goes, and somebody waits: mysql2 makes the next one a tick later, so that until
   * the end of the step the counters differ.
   */
  #isGoing = false;

  constructor({ Fake, createPool }, seed) {
    this.random = generator(seed);
    this.Fake = Fake;
    this.pool = createPool({
      connectionLimit: this.#pick([0, 1, 2, 3]),
      queueLimit: this.#pick([0, 0, 0, 2]),
      waitForConnections: this.#below(5) > 0,
      resetOnRelease: this.#below(3) === 0,
    });
    for (const event of EVENTS) {
      this.pool.on(event, (connection) => this.#note(`${event} ${connection?.id ?? ''}`));
    }
  }

  #below(bound) {
    return Math.floor(this.random() * bound);
  }

  #pick(list) {
    return list[this.#below(list.length)];
  }

  #note(what) {
    this.lines.push(this.#isGoing ? what : `${what} | ${counters(this.pool)}`);
  }

  async run() {
    for (let i = 0; i < STEPS; i++) {
      const [name, step, isGoing = false] = this.#pick(this.#possible());
      this.#isGoing = isGoing;
      this.#note(`-- ${name}`);
      step();
      this.#note('after it');
      await quiet();
      this.#isGoing = false;
      this.#note('then');
    }
    await this.#settle();
    return [...this.lines, ...this.Fake.calls];
  }

  #possible() {
    const { Fake, lent, pool } = this;
    const take = (list) => list.splice(this.#below(list.length), 1)[0];
    const steps = [
      ['getConnection', () => this.#ask()],
      ['getConnection by a promise', () => this.#promise()],
      ['query', () => this.#query('query')],
      ['execute', () => this.#query('execute')],
      ['two at once', () => [this.#ask(), this.#query('query')]],
    ];
    if (Fake.opening.length > 0) {
      steps.push(['connected', () => take(Fake.opening).go()]);
      steps.push(['connected', () => take(Fake.opening).go()]);
      steps.push(['refused', () => take(Fake.opening).go(new Error('refused')), true]);
    }
    if (Fake.running.length > 0) steps.push(...this.#answers(take));
    if (Fake.resetting.length > 0) {
      steps.push(['reset', () => take(Fake.resetting).go()]);
      steps.push(['not reset', () => take(Fake.resetting).go(new Error('not reset')), true]);
    }
    if (lent.length > 0) {
      steps.push(['release', () => take(lent).release()]);
      steps.push(['release', () => take(lent).release()]);
      steps.push(['release twice', () => this.#twice(take(lent))]);
      steps.push(['destroy', () => take(lent).destroy(), true]);
      steps.push(['die', () => take(lent).emit('error', new Error('died')), true]);
    }
    const idle = pool._freeConnections.length;
    if (idle > 0) {
      const one = () => pool._freeConnections.get(this.#below(idle));
      steps.push(['an idle one is destroyed', () => one().destroy(), true]);
      steps.push(['an idle one dies', () => one().emit('error', new Error('died')), true]);
    }
    return steps;
  }

  #answers(take) {
    const answer = (errno) => {
      const { go } = take(this.Fake.running);
      go(errno && Object.assign(new Error(`error ${errno}`), { errno }));
    };
    return [
      ['answered', () => answer()],
      ['answered', () => answer()],
      ['refused by the server', () => answer(1064)],
      ['refused as a write', () => answer(1290), true],
    ];
  }

  #twice(connection) {
    connection.release();
    connection.release();
  }

  #tell(id, error, connection) {
    this.#note(`answer ${id}: ${error ? error.message : connection.id}`);
    if (!error) this.lent.push(connection);
  }

  #ask() {
    const id = ++this.asked;
    this.pool.getConnection((error, connection) => this.#tell(id, error, connection));
  }

  #promise() {
    const id = ++this.asked;
    const asking = this.pool.promise().getConnection();
    asking.then(
      ({ connection }) => this.#tell(id, null, connection),
      (error) => this.#tell(id, error),
    );
  }

  #query(method) {
    const id = ++this.asked;
    this.pool[method]('text', [id], (error, rows) => {
      this.#note(`answer ${id}: ${error ? error.message : rows}`);
    });
  }

  /** Everything goes well until nobody waits; the pool ends with some connections still lent. */
  async #settle() {
    const { Fake, lent, pool } = this;
    const next = () => Fake.opening.shift() ?? Fake.running.shift() ?? Fake.resetting.shift();
    for (;;) {
      const under = next();
      if (under !== undefined) under.go();
      else if (pool._connectionQueue.length > 0) lent.shift().release();
      else break;
      await quiet();
    }
    this.#note('settled');
    pool.end(() => this.lines.push('over'));
    for (const { go } of Fake.closing) {
      go();
      await quiet();
      this.lines.push('went on');
    }
    this.pool.getConnection((error) => this.lines.push(error.message));
    await quiet();
  }
}

test.each(SEEDS)('both agree on every step of walk %i', async (seed) => {
  const traces = [];
  for (const [name] of IMPLEMENTATIONS) traces.push(await new Walk(fakePools(name), seed).run());
  const [peer, dropIn] = traces;
  expect(dropIn).toEqual(peer);
});
