// The rows of the bench, as data for the parent (run.mjs) and as work for the peers (child.mjs).
//
// A timed row has `open(peer)`, which gives { verify, work, reset?, settle? }: `verify` reads every
// cell once and returns a digest that all peers must share, `work` is one worker's loop and checks
// each result, `settle` checks what the server holds afterwards. A row with `measure` does it all
// itself; one with `tls` is measured over TLS and over plain connections (secured.mjs). `fresh` rows
// get a process of their own for every measurement. `peers` are those that can run the row (default:
// all), `floors` the ratios polypool wants to reach (`dropin`: what replaces pg), `aims` and `limits` bound its own values;
// breaking a limit fails a run.
import { digestRows, sumRows, SUMS } from './cells.mjs';
import { arrival, streaming } from './arrivals.mjs';
import { copyIn, copyOut } from './copies.mjs';
import { ACCOUNTS_PER_WORKER, SCHEMA, USERS } from './schema.mjs';

const RATE = { key: 'rate', better: 'higher' };
const SCRIPT_CPU = {
  key: 'scriptUs',
  title: 'JavaScript-thread CPU',
  unit: 'µs/op',
  better: 'lower',
};
/** Of what replaces pg. */
const DROPIN = { pg: 1.8 };
const DROPIN_CPU = { ...SCRIPT_CPU, dropin: { pg: 4 } };
const PROCESS_CPU = { key: 'processUs', title: 'process CPU', unit: 'µs/op', better: 'lower' };
/** Bun.SQL has no COPY. */
const COPYING = ['polypool', 'pg', 'postgres'];
const MANY = 65;
const FEW = 10;

export const WORKLOADS = [
  {
    name: 'point',
    title: 'point select, 65 workers, prepared',
    tables: ['users'],
    workers: MANY,
    checkEvery: 16,
    metrics: [
      { ...RATE, unit: 'queries/s', floors: { bun: 1.1, pg: 2.8 }, dropin: DROPIN },
      { ...DROPIN_CPU, aims: { polypool: 1.5 } },
      PROCESS_CPU,
    ],
    open: (peer) => pointSelect(peer, peer.statement(userText(''))),
  },
  {
    name: 'point-unnamed',
    title: 'point select, 65 workers, parsed each time',
    tables: ['users'],
    peers: ['polypool-pg-pipeline', 'polypool-pg', 'pg'],
    workers: MANY,
    checkEvery: 16,
    metrics: [{ ...RATE, unit: 'queries/s', dropin: DROPIN }, DROPIN_CPU, PROCESS_CPU],
    open: (peer) => pointSelect(peer, (values) => peer.once(userText(''), values)),
  },
  {
    name: 'point-tls',
    title: 'point select over TLS, 65 workers, prepared',
    tables: ['users'],
    // Compared with the same over plain connections, in one process.
    tls: true,
    fresh: true,
    workers: MANY,
    checkEvery: 16,
    metrics: [
      { ...RATE, unit: 'queries/s' },
      { key: 'rateShare', title: 'share of the plain rate', unit: '%', better: 'higher' },
      {
        key: 'scriptCost',
        title: 'JavaScript-thread CPU, times plain',
        unit: 'x',
        better: 'lower',
        limits: { polypool: 1.15 },
      },
      PROCESS_CPU,
    ],
    open: (peer) => pointSelect(peer, peer.statement(userText(''))),
  },
  {
    name: 'first-use',
    title: 'point select, 65 workers, every text new',
    tables: ['users'],
    // A peer that caches every text keeps it on the server until its connections end.
    fresh: true,
    workers: MANY,
    checkEvery: 16,
    metrics: [{ ...RATE, unit: 'queries/s' }, SCRIPT_CPU, PROCESS_CPU],
    open(peer) {
      let texts = 0;
      return pointSelect(peer, (values) => peer.once(userText(`/* ${++texts} */`), values));
    },
  },
  {
    name: 'rows1000',
    title: '1000 rows of 6 columns, 10 workers',
    tables: ['people'],
    workers: FEW,
    checkEvery: 1,
    rowsPerOperation: 1000,
    metrics: [
      { ...RATE, unit: 'rows/s', floors: { bun: 1.2 }, dropin: DROPIN },
      DROPIN_CPU,
      PROCESS_CPU,
    ],
    open: (peer) =>
      fixedResult(peer, `${PEOPLE_TEXT} where id <= $1 order by id`, 1000, SUMS.person),
  },
  {
    name: 'wide',
    title: '100 wide rows (json, arrays, numeric, bytea ..), 10 workers',
    tables: ['wide'],
    workers: FEW,
    checkEvery: 1,
    rowsPerOperation: 100,
    metrics: [{ ...RATE, unit: 'rows/s', floors: { bun: 1 }, dropin: DROPIN }, DROPIN_CPU],
    open: (peer) => fixedResult(peer, WIDE_TEXT, 100, SUMS.wide),
  },
  {
    name: 'text2k',
    title: '100 texts of 2 KB, 10 workers',
    tables: ['pages'],
    workers: FEW,
    checkEvery: 1,
    rowsPerOperation: 100,
    metrics: [{ ...RATE, unit: 'rows/s', floors: { bun: 1 }, dropin: { pg: 1.3 } }, DROPIN_CPU],
    open: (peer) => fixedResult(peer, PAGES_TEXT, 100, SUMS.page),
  },
  {
    name: 'insert',
    title: 'inserts, 65 workers',
    tables: ['entries'],
    workers: MANY,
    checkEvery: 16,
    metrics: [{ ...RATE, unit: 'inserts/s', floors: { bun: 1 }, dropin: DROPIN }, DROPIN_CPU],
    open: inserts,
  },
  {
    name: 'transaction',
    title: 'begin, update, commit, 65 workers',
    tables: ['accounts'],
    workers: MANY,
    checkEvery: 4,
    metrics: [
      { ...RATE, unit: 'transactions/s', floors: { bun: 1 }, dropin: { pg: 1.3 } },
      DROPIN_CPU,
    ],
    open: transactions,
  },
  {
    name: 'acquire',
    title: 'acquire and release, 65 workers',
    tables: [],
    workers: MANY,
    checkEvery: 256,
    metrics: [{ ...RATE, unit: 'leases/s', floors: { pg: 1 } }],
    open: leases,
  },
  {
    name: 'acquire-serial',
    title: 'acquire and release, one worker',
    tables: [],
    workers: 1,
    checkEvery: 256,
    metrics: [{ ...RATE, unit: 'leases/s', floors: { pg: 1 } }],
    open: leases,
  },
  {
    name: 'lag',
    title: '200,000 rows arrive in one query',
    tables: ['people'],
    fresh: true,
    metrics: [
      { ...RATE, unit: 'rows/s' },
      { key: 'worstMs', title: 'worst loop lag', unit: 'ms', better: 'lower' },
      {
        key: 'blockedMs',
        title: 'time blocked beyond 5 ms',
        unit: 'ms/query',
        better: 'lower',
        floors: { postgres: 5 },
      },
      { key: 'blockedShare', title: 'share of time blocked', unit: '%', better: 'lower' },
      { key: 'peakMib', title: 'peak memory growth', unit: 'MiB', better: 'lower' },
    ],
    measure: (peer, seconds) => arrival(peer, `${PEOPLE_TEXT} order by id`, seconds),
  },
  {
    name: 'stream',
    title: '1,000,000 rows streamed',
    tables: ['people'],
    fresh: true,
    metrics: [
      { ...RATE, unit: 'rows/s' },
      {
        key: 'peakMib',
        title: 'memory growth',
        unit: 'MiB',
        better: 'lower',
        limits: { polypool: 100 },
      },
    ],
    measure: (peer, seconds) => streaming(peer, STREAM_TEXT, seconds),
  },
  {
    name: 'copy-in',
    title: 'COPY FROM of 1,000,000 rows, line by line',
    tables: ['numbers'],
    peers: COPYING,
    fresh: true,
    metrics: [{ ...RATE, unit: 'rows/s', floors: { pg: 1.5 } }],
    measure: (peer, seconds) => copyIn(peer, seconds, false),
  },
  {
    name: 'copy-in-chunks',
    title: 'COPY FROM of 1,000,000 rows, in chunks of 64 KiB',
    tables: ['numbers'],
    peers: COPYING,
    fresh: true,
    metrics: [{ ...RATE, unit: 'rows/s' }],
    measure: (peer, seconds) => copyIn(peer, seconds, true),
  },
  {
    name: 'copy-out',
    title: 'COPY TO of 1,000,000 rows',
    tables: ['series'],
    // The readable of postgres.js does not end after so many rows.
    peers: ['polypool', 'pg'],
    fresh: true,
    metrics: [{ ...RATE, unit: 'rows/s', floors: { pg: 1.5 } }],
    measure: copyOut,
  },
];

export function workloadNamed(name) {
  const found = WORKLOADS.find((workload) => workload.name === name);
  if (found) return found;
  const known = WORKLOADS.map((workload) => workload.name).join(', ');
  throw new Error(`unknown row '${name}'; the rows are ${known}`);
}

const userText = (comment) =>
  `select id, name, email, active from ${SCHEMA}.users where id = $1 ${comment}`.trimEnd();
const PEOPLE_TEXT = `select id, name, active, score, city, created from ${SCHEMA}.people`;
const WIDE_TEXT = `select id, doc, at, amount, key, marks, tags, body, note, title, seen
  from ${SCHEMA}.wide where id <= $1 order by id`;
const PAGES_TEXT = `select id, body from ${SCHEMA}.pages where id <= $1 order by id`;
const STREAM_TEXT = `select p.id, p.name, p.score
  from ${SCHEMA}.people p, generate_series(1, 5)`;

function pointSelect(peer, find) {
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

function fixedResult(peer, text, limit, sumRow) {
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

function inserts(peer) {
  const insert = peer.statement(`insert into ${SCHEMA}.entries values ($1, $2, $3, $4, $5)`);
  const epoch = new Date('2024-05-06T07:08:09.123Z');
  const add = (id) => insert([id, `entry é ${id}`, id % 2 === 0, id * 0.5, epoch]);
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
    settle: (operations) =>
      expectOne(peer, `select count(*)::int4 as value from ${SCHEMA}.entries`, operations),
  };
}

function transactions(peer) {
  const update = `update ${SCHEMA}.accounts set balance = balance + $1 where id = $2`;
  const deposit = peer.transaction(update);
  const total = MANY * ACCOUNTS_PER_WORKER;
  async function reset() {
    await peer.once(`truncate ${SCHEMA}.accounts`, []);
    const fill = `select i, 0 from generate_series(0, ${total - 1}) i`;
    await peer.once(`insert into ${SCHEMA}.accounts ${fill}`, []);
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
    settle: (operations) =>
      expectOne(peer, `select sum(balance)::int4 as value from ${SCHEMA}.accounts`, operations),
  };
}

function leases(peer) {
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
