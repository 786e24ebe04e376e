// The rows of the bench over MariaDB and MySQL; workloads.mjs says what a row consists of.
import { SUMS } from './cells.mjs';
import { commonRows, SCRIPT_CPU } from './common-rows.mjs';
import { pointSelect } from './loops.mjs';
import { SCHEMA } from './schema.mjs';

/** Of what replaces mysql2. */
const DROPIN = { mysql2: 1.6 };
const ROWS = { floors: { bun: 1 }, dropin: DROPIN };

const USER_TEXT = `select id, name, email, active from ${SCHEMA}.users where id = ?`;
const PEOPLE_TEXT = `select id, name, active, score, city, created from ${SCHEMA}.people`;

const { point, ...rows } = commonRows({
  texts: {
    user: USER_TEXT,
    people: `${PEOPLE_TEXT} where id <= ? order by id`,
    everybody: `${PEOPLE_TEXT} order by id`,
    wide: `select id, doc, at, amount, code, body, note, title, seen
      from ${SCHEMA}.wide where id <= ? order by id`,
    pages: `select id, body from ${SCHEMA}.pages where id <= ? order by id`,
    inserts: {
      text: `insert into ${SCHEMA}.entries values (?, ?, ?, ?, ?)`,
      count: `select count(*) as value from ${SCHEMA}.entries`,
      flag: Number,
    },
    transactions: {
      text: `update ${SCHEMA}.accounts set balance = balance + ? where id = ?`,
      fill: (n) => `select id - 1, 0 from ${SCHEMA}.people where id <= ${n}`,
      sum: `select cast(sum(balance) as signed) as value from ${SCHEMA}.accounts`,
    },
  },
  wide: { holds: 'json, decimal, blob', sum: SUMS.document },
  // Those that the accounts are counted from are needed as well.
  accounts: ['accounts', 'people'],
  cpu: SCRIPT_CPU,
  goals: {
    point: { floors: { bun: 0.9, mysql2: 2.3 }, dropin: DROPIN },
    rows1000: ROWS,
    wide: ROWS,
    text2k: { floors: { bun: 1 }, dropin: { mysql2: 1.3 } },
    insert: { floors: { bun: 0.9 }, dropin: DROPIN },
    transaction: { floors: { bun: 1 }, dropin: { mysql2: 1.3 } },
    acquire: { floors: { mysql2: 1 } },
  },
});

export const WORKLOADS = [
  point,
  {
    ...point,
    name: 'point-text',
    title: 'point select, 65 workers, as text',
    open: (peer) => pointSelect(peer, (values) => peer.once(USER_TEXT, values)),
  },
  ...Object.values(rows),
];
