// The rows of the bench over PostgreSQL, as data for the parent (run.mjs) and as work for the peers
// (child.mjs); those over MySQL are in mysql-workloads.mjs.
//
// A timed row has `open(peer)`, which gives { verify, work, reset?, settle? }: `verify` reads every
// cell once and returns a digest that all peers must share, `work` is one worker's loop and checks
// each result, `settle` checks what the server holds afterwards. A row with `measure` does it all
// itself; one with `tls` is measured over TLS and over plain connections (secured.mjs). `fresh` rows
// get a process of their own for every measurement. `peers` are those that can run the row (default:
// all), `floors` the ratios polypool wants to reach (`dropin`: what replaces pg), `aims` and `limits`
// bound its own values; breaking a limit fails a run.
import { SUMS } from './cells.mjs';
import { arrival, streaming } from './arrivals.mjs';
import { copyIn, copyOut } from './copies.mjs';
import { FEW, fixedResult, inserts, leases, MANY, pointSelect, transactions } from './loops.mjs';
import { SCHEMA } from './schema.mjs';

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
    open: (peer) => inserts(peer, INSERTS),
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
    open: (peer) => transactions(peer, TRANSACTIONS),
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

const userText = (comment) =>
  `select id, name, email, active from ${SCHEMA}.users where id = $1 ${comment}`.trimEnd();
const PEOPLE_TEXT = `select id, name, active, score, city, created from ${SCHEMA}.people`;
const WIDE_TEXT = `select id, doc, at, amount, key, marks, tags, body, note, title, seen
  from ${SCHEMA}.wide where id <= $1 order by id`;
const PAGES_TEXT = `select id, body from ${SCHEMA}.pages where id <= $1 order by id`;
const STREAM_TEXT = `select p.id, p.name, p.score
  from ${SCHEMA}.people p, generate_series(1, 5)`;
const INSERTS = {
  text: `insert into ${SCHEMA}.entries values ($1, $2, $3, $4, $5)`,
  count: `select count(*)::int4 as value from ${SCHEMA}.entries`,
};
const TRANSACTIONS = {
  text: `update ${SCHEMA}.accounts set balance = balance + $1 where id = $2`,
  fill: (n) => `select i, 0 from generate_series(0, ${n - 1}) i`,
  sum: `select sum(balance)::int4 as value from ${SCHEMA}.accounts`,
};
