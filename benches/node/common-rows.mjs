// The rows that all databases have in common; workloads.mjs says what a row consists of.
import { arrival } from './arrivals.mjs';
import { SUMS } from './cells.mjs';
import { FEW, fixedResult, inserts, leases, MANY, pointSelect, transactions } from './loops.mjs';

export const RATE = { key: 'rate', better: 'higher' };
export const SCRIPT_CPU = {
  key: 'scriptUs',
  title: 'JavaScript-thread CPU',
  unit: 'µs/op',
  better: 'lower',
};
export const PROCESS_CPU = {
  key: 'processUs',
  title: 'process CPU',
  unit: 'µs/op',
  better: 'lower',
};

/** Short reads and writes by many. */
export const SHORT = { workers: MANY, checkEvery: 16 };
/** Results of many rows. */
const LARGE = { workers: FEW, checkEvery: 1 };
export const LEASES = { tables: [], checkEvery: 256, open: leases };

/**
 * By name. `texts` are the statements: user, people, wide and pages with a place for the id, all of
 * the people, and what `inserts` and `transactions` take. `wide` says what its rows hold and how they
 * are summed, `cpu` is the metric of the JavaScript thread, `goals` has what each rate is to reach.
 */
export function commonRows({ texts, wide, accounts, cpu, goals }) {
  const rate = (row, unit) => ({ ...RATE, unit, ...goals[row] });
  const result = (text, count, sum) => (peer) => fixedResult(peer, text, count, sum);
  const rows = {
    point: {
      ...SHORT,
      title: 'point select, 65 workers, prepared',
      tables: ['users'],
      metrics: [rate('point', 'queries/s'), { ...cpu, aims: { polypool: 1.5 } }, PROCESS_CPU],
      open: (peer) => pointSelect(peer, peer.statement(texts.user)),
    },
    rows1000: {
      ...LARGE,
      title: '1000 rows of 6 columns, 10 workers',
      tables: ['people'],
      rowsPerOperation: 1000,
      metrics: [rate('rows1000', 'rows/s'), cpu, PROCESS_CPU],
      open: result(texts.people, 1000, SUMS.person),
    },
    wide: {
      ...LARGE,
      title: `100 wide rows (${wide.holds} ..), 10 workers`,
      tables: ['wide'],
      rowsPerOperation: 100,
      metrics: [rate('wide', 'rows/s'), cpu],
      open: result(texts.wide, 100, wide.sum),
    },
    text2k: {
      ...LARGE,
      title: '100 texts of 2 KB, 10 workers',
      tables: ['pages'],
      rowsPerOperation: 100,
      metrics: [rate('text2k', 'rows/s'), cpu],
      open: result(texts.pages, 100, SUMS.page),
    },
    insert: {
      ...SHORT,
      title: 'inserts, 65 workers',
      tables: ['entries'],
      metrics: [rate('insert', 'inserts/s'), cpu],
      open: (peer) => inserts(peer, texts.inserts),
    },
    transaction: {
      workers: MANY,
      checkEvery: 4,
      title: 'begin, update, commit, 65 workers',
      tables: accounts,
      metrics: [rate('transaction', 'transactions/s'), cpu],
      open: (peer) => transactions(peer, texts.transactions),
    },
    acquire: {
      ...LEASES,
      workers: MANY,
      title: 'acquire and release, 65 workers',
      metrics: [rate('acquire', 'leases/s')],
    },
    lag: {
      title: '200,000 rows arrive in one query',
      tables: ['people'],
      fresh: true,
      metrics: [
        rate('lag', 'rows/s'),
        { key: 'worstMs', title: 'worst loop lag', unit: 'ms', better: 'lower' },
        {
          key: 'blockedMs',
          title: 'time blocked beyond 5 ms',
          unit: 'ms/query',
          better: 'lower',
          ...goals.blocked,
        },
        { key: 'blockedShare', title: 'share of time blocked', unit: '%', better: 'lower' },
        { key: 'peakMib', title: 'peak memory growth', unit: 'MiB', better: 'lower' },
      ],
      measure: (peer, seconds) => arrival(peer, texts.everybody, seconds),
    },
  };
  return Object.fromEntries(Object.entries(rows).map(([name, row]) => [name, { name, ...row }]));
}
