// The rows of the bench over Redis: reads and writes of short values, over any peer.
import { MANY } from './loops.mjs';

const RATE = { key: 'rate', unit: 'commands/s', better: 'higher' };
const SCRIPT_CPU = {
  key: 'scriptUs',
  title: 'JavaScript-thread CPU',
  unit: 'µs/op',
  better: 'lower',
  aims: { polypool: 1.5 },
};
const PROCESS_CPU = { key: 'processUs', title: 'process CPU', unit: 'µs/op', better: 'lower' };

/** Keys that all workers read and write. */
const KEYS = 1000;
const keys = Array.from({ length: KEYS }, (_, at) => `bench:${at}`);
const values = keys.map((key) => `value of ${key}, of some forty characters`);

const wrong = (what) => new Error(`${what} is not what was written`);

/** Every key is written once and read once. */
async function fill(peer) {
  await Promise.all(keys.map((key, at) => peer.set(key, values[at])));
  const found = await Promise.all(keys.map((key) => peer.get(key)));
  found.forEach((value, at) => {
    if (value !== values[at]) throw wrong(keys[at]);
  });
  return `${KEYS} keys`;
}

const gets = (peer) => ({
  verify: () => fill(peer),
  async work(worker, lap) {
    let at = (worker * 31) % KEYS;
    while (lap.more()) {
      const value = await peer.get(keys[at]);
      if (value.length !== values[at].length) throw wrong(keys[at]);
      at = at + 1 === KEYS ? 0 : at + 1;
    }
  },
});

const sets = (peer) => ({
  verify: () => fill(peer),
  async work(worker, lap) {
    let at = (worker * 31) % KEYS;
    while (lap.more()) {
      if ((await peer.set(keys[at], values[at])) !== 'OK') throw wrong('the answer to SET');
      at = at + 1 === KEYS ? 0 : at + 1;
    }
  },
});

const floors = { bun: 1, 'ioredis-auto': 1.5 };

const row = (name, title, workers, open, given) => ({
  ...{ name, title, workers, open, checkEvery: 64 },
  metrics: [{ ...RATE, floors: given }, SCRIPT_CPU, PROCESS_CPU],
});

export const WORKLOADS = [
  row('get', 'GET, 1000 in flight', 1000, gets, floors),
  row('set', 'SET, 1000 in flight', 1000, sets, floors),
  row('get65', 'GET, 65 workers', MANY, gets, { bun: 1 }),
  row('set65', 'SET, 65 workers', MANY, sets, { bun: 1 }),
];
