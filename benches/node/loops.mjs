// What the workers of the rows do, over any peer: their loops, what they verify and check.
import { digestRows, sumRows, SUMS } from './cells.mjs';
import { ACCOUNTS_PER_WORKER, SCHEMA, USERS } from './schema.mjs';

export const MANY = 65;
export const FEW = 10;

/** Users by their ids. */
export function pointSelect(peer, find) {
  const sums = new Float64Array(USERS + 1);
  return {
    async verify() {
      const all = [];
      const ids = Array.from({ length: USERS }, (_, i) => i + 1);
      await Promise.all(
        Array.from({ length: MANY }, async () => {
          for (let id = ids.pop(); id !== undefined; id = ids.pop()) {
            const rows = peer.rows(await find([id]));
            sums[id] = sumRows(rows, SUMS.user);
            all[id - 1] = rows[0];
          }
        }),
      );
      return digestRows(all);
    },
    async work(worker, lap) {
      let id = 1 + ((worker * 31) % USERS);
      while (lap.more()) {
        const rows = peer.rows(await find([id]));
        if (rows.length !== 1 || SUMS.user(rows[0]) !== sums[id]) throw wrong(`user ${id}`);
        id = id === USERS ? 1 : id + 1;
      }
    },
  };
}

/** The same rows again and again. */
export function fixedResult(peer, text, limit, sumRow) {
  const find = peer.statement(text);
  let expected = 0;
  return {
    async verify() {
      const rows = peer.rows(await find([limit]));
      expected = sumRows(rows, sumRow);
      return digestRows(rows);
    },
    async work(worker, lap) {
      while (lap.more()) {
        const rows = peer.rows(await find([limit]));
        if (rows.length !== limit || sumRows(rows, sumRow) !== expected) throw wrong('result');
      }
    },
  };
}

/** Rows into `entries`; `text` inserts one, `count` selects how many there are as `value`. */
export function inserts(peer, { text, count, flag = (value) => value }) {
  const insert = peer.statement(text);
  const epoch = new Date('2024-05-06T07:08:09.123Z');
  const add = (id) => insert([id, `entry é ${id}`, flag(id % 2 === 0), id * 0.5, epoch]);
  const reset = () => peer.once(`truncate ${SCHEMA}.entries`, []);
  return {
    reset,
    async verify() {
      await reset();
      await Promise.all(Array.from({ length: 100 }, async (_, id) => add(id)));
      const all = `select * from ${SCHEMA}.entries order by id`;
      return digestRows(peer.rows(await peer.once(all, [])));
    },
    async work(worker, lap) {
      let id = worker * 1_000_000;
      while (lap.more()) {
        if (peer.affected(await add(id)) !== 1) throw wrong(`insert ${id}`);
        id += 1;
      }
    },
    settle: (operations) => expectOne(peer, count, operations),
  };
}

/**
 * Deposits in transactions; `text` makes one, `fill(n)` selects n accounts of nothing, `sum` their
 * balances as `value`.
 */
export function transactions(peer, { text, fill, sum }) {
  const deposit = peer.transaction(text);
  const total = MANY * ACCOUNTS_PER_WORKER;
  async function reset() {
    await peer.once(`truncate ${SCHEMA}.accounts`, []);
    await peer.once(`insert into ${SCHEMA}.accounts ${fill(total)}`, []);
  }
  return {
    reset,
    async verify() {
      await reset();
      await Promise.all(Array.from({ length: total }, async (_, id) => deposit([id, id])));
      const all = `select * from ${SCHEMA}.accounts order by id`;
      return digestRows(peer.rows(await peer.once(all, [])));
    },
    // Each worker has accounts of its own: the row is about round trips, not about lock waits.
    async work(worker, lap) {
      const first = worker * ACCOUNTS_PER_WORKER;
      let next = 0;
      while (lap.more()) {
        const done = await deposit([1, first + next]);
        if (peer.affected(done) !== 1) throw wrong(`deposit to ${first + next}`);
        next = (next + 1) % ACCOUNTS_PER_WORKER;
      }
    },
    settle: (operations) => expectOne(peer, sum, operations),
  };
}

/** Connections taken and given back. */
export function leases(peer) {
  return {
    async verify() {
      const held = await Promise.all(Array.from({ length: 10 }, async () => peer.acquire()));
      const distinct = new Set(held).size;
      for (const connection of held) await peer.release(connection);
      return `${distinct} distinct leases`;
    },
    async work(worker, lap) {
      while (lap.more()) {
        const connection = await peer.acquire();
        await peer.release(connection);
      }
    },
  };
}

async function expectOne(peer, text, expected) {
  const [{ value }] = peer.rows(await peer.once(text, []));
  if (value !== expected) throw wrong(`server holds ${value}, expected ${expected}; the table`);
}

const wrong = (what) => new Error(`${what} is not what the verification pass read`);
