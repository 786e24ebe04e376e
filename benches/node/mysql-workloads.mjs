// The rows of the bench over MariaDB and MySQL; workloads.mjs says what a row consists of.
import { arrival } from './arrivals.mjs';
import { SUMS } from './cells.mjs';
import { FEW, fixedResult, inserts, leases, MANY, pointSelect, transactions } from './loops.mjs';
import { SCHEMA } from './schema.mjs';

const RATE = { key: 'rate', better: 'higher' };
/** Of what replaces mysql2. */
const DROPIN = { mysql2: 1.6 };
const SCRIPT_CPU = {
  key: 'scriptUs',
  title: 'JavaScript-thread CPU',
  unit: 'µs/op',
  better: 'lower',
};
const PROCESS_CPU = { key: 'processUs', title: 'process CPU', unit: 'µs/op', better: 'lower' };
const POINT = {
  tables: ['users'],
  workers: MANY,
  checkEvery: 16,
  metrics: [
    { ...RATE, unit: 'queries/s', floors: { bun: 0.9, mysql2: 2.3 }, dropin: DROPIN },
    { ...SCRIPT_CPU, aims: { polypool: 1.5 } },
    PROCESS_CPU,
  ],
};

const USER_TEXT = `select id, name, email, active from ${SCHEMA}.users where id = ?`;
const PEOPLE_TEXT = `select id, name, active, score, city, created from ${SCHEMA}.people`;
const WIDE_TEXT = `select id, doc, at, amount, code, body, note, title, seen
  from ${SCHEMA}.wide where id <= ? order by id`;
const PAGES_TEXT = `select id, body from ${SCHEMA}.pages where id <= ? order by id`;
const INSERTS = {
  text: `insert into ${SCHEMA}.entries values (?, ?, ?, ?, ?)`,
  count: `select count(*) as value from ${SCHEMA}.entries`,
  flag: Number,
};
const TRANSACTIONS = {
  text: `update ${SCHEMA}.accounts set balance = balance + ? where id = ?`,
  fill: (n) => `select id - 1, 0 from ${SCHEMA}.people where id <= ${n}`,
  sum: `select cast(sum(balance) as signed) as value from ${SCHEMA}.accounts`,
};

export const WORKLOADS = [
  {
    ...POINT,
    name: 'point',
    title: 'point select, 65 workers, prepared',
    open: (peer) => pointSelect(peer, peer.statement(USER_TEXT)),
  },
  {
    ...POINT,
    name: 'point-text',
    title: 'point select, 65 workers, as text',
    open: (peer) => pointSelect(peer, (values) => peer.once(USER_TEXT, values)),
  },
  {
    name: 'rows1000',
    title: '1000 rows of 6 columns, 10 workers',
    tables: ['people'],
    workers: FEW,
    checkEvery: 1,
    rowsPerOperation: 1000,
    metrics: [
      { ...RATE, unit: 'rows/s', floors: { bun: 1 }, dropin: DROPIN },
      SCRIPT_CPU,
      PROCESS_CPU,
    ],
    open: (peer) =>
      fixedResult(peer, `${PEOPLE_TEXT} where id <= ? order by id`, 1000, SUMS.person),
  },
  {
    name: 'wide',
    title: '100 wide rows (json, decimal, blob ..), 10 workers',
    tables: ['wide'],
    workers: FEW,
    checkEvery: 1,
    rowsPerOperation: 100,
    metrics: [{ ...RATE, unit: 'rows/s', floors: { bun: 1 }, dropin: DROPIN }, SCRIPT_CPU],
    open: (peer) => fixedResult(peer, WIDE_TEXT, 100, SUMS.document),
  },
  {
    name: 'text2k',
    title: '100 texts of 2 KB, 10 workers',
    tables: ['pages'],
    workers: FEW,
    checkEvery: 1,
    rowsPerOperation: 100,
    metrics: [{ ...RATE, unit: 'rows/s', floors: { bun: 1 }, dropin: { mysql2: 1.3 } }, SCRIPT_CPU],
    open: (peer) => fixedResult(peer, PAGES_TEXT, 100, SUMS.page),
  },
  {
    name: 'insert',
    title: 'inserts, 65 workers',
    tables: ['entries'],
    workers: MANY,
    checkEvery: 16,
    metrics: [{ ...RATE, unit: 'inserts/s', floors: { bun: 0.9 }, dropin: DROPIN }, SCRIPT_CPU],
    open: (peer) => inserts(peer, INSERTS),
  },
  {
    name: 'transaction',
    title: 'begin, update, commit, 65 workers',
    tables: ['accounts', 'people'],
    workers: MANY,
    checkEvery: 4,
    metrics: [
      { ...RATE, unit: 'transactions/s', floors: { bun: 1 }, dropin: { mysql2: 1.3 } },
      SCRIPT_CPU,
    ],
    open: (peer) => transactions(peer, TRANSACTIONS),
  },
  {
    name: 'acquire',
    title: 'acquire and release, 65 workers',
    tables: [],
    workers: MANY,
    checkEvery: 256,
    metrics: [{ ...RATE, unit: 'leases/s', floors: { mysql2: 1 } }],
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
      { key: 'blockedMs', title: 'time blocked beyond 5 ms', unit: 'ms/query', better: 'lower' },
      { key: 'peakMib', title: 'peak memory growth', unit: 'MiB', better: 'lower' },
    ],
    measure: (peer, seconds) => arrival(peer, `${PEOPLE_TEXT} order by id`, seconds),
  },
];
