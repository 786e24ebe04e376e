// The rows of the bench over PostgreSQL, as data for the parent (run.mjs) and as work for the peers
// (child.mjs); those over MySQL are in mysql-workloads.mjs, what both have in common-rows.mjs.
//
// A timed row has `open(peer)`, which gives { verify, work, reset?, settle? }: `verify` reads every
// cell once and returns a digest that all peers must share, `work` is one worker's loop and checks
// each result, `settle` checks what the server holds afterwards. A row with `measure` does it all
// itself; one with `tls` is measured over TLS and over plain connections (secured.mjs). `fresh` rows
// get a process of their own for every measurement. `peers` are those that can run the row (default:
// all), `floors` the ratios polypool wants to reach (`dropin`: what replaces pg), `aims` and `limits`
// bound its own values; breaking a limit fails a run.
import { SUMS } from './cells.mjs';
import { streaming } from './arrivals.mjs';
import { commonRows, LEASES, PROCESS_CPU, RATE, SCRIPT_CPU, SHORT } from './common-rows.mjs';
import { copyIn, copyOut } from './copies.mjs';
import { pointSelect } from './loops.mjs';
import { SCHEMA } from './schema.mjs';

/** Of what replaces pg. */
const DROPIN = { pg: 1.8 };
const DROPIN_CPU = { ...SCRIPT_CPU, dropin: { pg: 4 } };
/** Bun.SQL has no COPY. */
const COPYING = ['polypool', 'pg', 'postgres'];

const userText = (comment) =>
  `select id, name, email, active from ${SCHEMA}.users where id = $1 ${comment}`.trimEnd();
const PEOPLE_TEXT = `select id, name, active, score, city, created from ${SCHEMA}.people`;
const STREAM_TEXT = `select p.id, p.name, p.score
  from ${SCHEMA}.people p, generate_series(1, 5)`;

const rows = commonRows({
  texts: {
    user: userText(''),
    people: `${PEOPLE_TEXT} where id <= $1 order by id`,
    everybody: `${PEOPLE_TEXT} order by id`,
    wide: `select id, doc, at, amount, key, marks, tags, body, note, title, seen
      from ${SCHEMA}.wide where id <= $1 order by id`,
    pages: `select id, body from ${SCHEMA}.pages where id <= $1 order by id`,
    inserts: {
      text: `insert into ${SCHEMA}.entries values ($1, $2, $3, $4, $5)`,
      count: `select count(*)::int4 as value from ${SCHEMA}.entries`,
    },
    transactions: {
      text: `update ${SCHEMA}.accounts set balance = balance + $1 where id = $2`,
      fill: (n) => `select i, 0 from generate_series(0, ${n - 1}) i`,
      sum: `select sum(balance)::int4 as value from ${SCHEMA}.accounts`,
    },
  },
  wide: { holds: 'json, arrays, numeric, bytea', sum: SUMS.wide },
  accounts: ['accounts'],
  cpu: DROPIN_CPU,
  goals: {
    point: { floors: { bun: 1.1, pg: 2.8 }, dropin: DROPIN },
    rows1000: { floors: { bun: 1.2 }, dropin: DROPIN },
    wide: { floors: { bun: 1 }, dropin: DROPIN },
    text2k: { floors: { bun: 1 }, dropin: { pg: 1.3 } },
    insert: { floors: { bun: 1 }, dropin: DROPIN },
    transaction: { floors: { bun: 1 }, dropin: { pg: 1.3 } },
    acquire: { floors: { pg: 1 } },
    blocked: { floors: { postgres: 5 } },
  },
});

export const WORKLOADS = [
  rows.point,
  {
    name: 'point-unnamed',
    title: 'point select, 65 workers, parsed each time',
    tables: ['users'],
    peers: ['polypool-pg-pipeline', 'polypool-pg', 'pg'],
    ...SHORT,
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
    ...SHORT,
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
    ...SHORT,
    metrics: [{ ...RATE, unit: 'queries/s' }, SCRIPT_CPU, PROCESS_CPU],
    open(peer) {
      let texts = 0;
      return pointSelect(peer, (values) => peer.once(userText(`/* ${++texts} */`), values));
    },
  },
  rows.rows1000,
  rows.wide,
  rows.text2k,
  rows.insert,
  rows.transaction,
  rows.acquire,
  {
    name: 'acquire-serial',
    title: 'acquire and release, one worker',
    ...LEASES,
    workers: 1,
    metrics: [{ ...RATE, unit: 'leases/s', floors: { pg: 1 } }],
  },
  rows.lag,
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
