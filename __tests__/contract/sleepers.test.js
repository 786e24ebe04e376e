'use strict';
// Statements that take long beside many that do not: a pool shares wires among the short ones, and
// none of them may stand behind one that sleeps.

const { openPool: openPostgres, unique } = require('../support/pools.js');
const { KINDS, openPool } = require('../support/mysql-pools.js');

const MAX = 10;
const ROUNDS = 2;
const WORKERS = 60;
/** Long enough that a busy machine alone keeps nobody waiting for a third of it. */
const SECONDS = 2;

const MYSQL = { sleep: `select sleep(${SECONDS})`, sleepFor: 'select sleep(?)', mark: '?' };
const POSTGRES = {
  sleep: `select pg_sleep(${SECONDS})`,
  sleepFor: 'select pg_sleep($1)',
  mark: '$1::int',
};

const ENGINES = [
  ['postgres', POSTGRES, (options) => openPostgres(options)],
  ...KINDS.map((kind) => [kind, MYSQL, (options) => openPool({ kind, ...options })]),
];

async function timed(run) {
  const began = performance.now();
  await run();
  return performance.now() - began;
}

/** What short statements look like: as text, with a parameter, a write, and texts never seen yet. */
function shortStatements(pool, table, mark) {
  let texts = 0;
  return [
    () => pool.query('select 1 as one'),
    (n) => pool.query(`select ${mark} as n`, [n]),
    (n) => pool.query(`insert into ${table} values (${mark})`, [n]),
    () => pool.query(`select ${++texts} as text`),
  ];
}

/** Workers run short statements while sleepers sleep: the longest wait, and how long each slept. */
async function runBeside(sleeps, statements) {
  let sleeping = sleeps.length;
  const asleep = sleeps.map(async (sleep) => {
    const took = [];
    for (let round = 0; round < ROUNDS; round++) took.push(await timed(sleep));
    sleeping -= 1;
    return took;
  });
  let count = 0;
  let longest = 0;
  const working = Array.from({ length: WORKERS }, async (_, worker) => {
    const run = statements[worker % statements.length];
    // While all of them sleep, and no longer: later there is nobody to stand behind.
    for (; sleeping === sleeps.length; count += 1) {
      longest = Math.max(longest, await timed(() => run(worker)));
    }
  });
  const slept = (await Promise.all(asleep)).flat();
  await Promise.all(working);
  return { count, longest, slept };
}

test.each(ENGINES)('%s: no short statement waits for sleepers', async (_, engine, open) => {
  const { sleep, sleepFor, mark } = engine;
  const pool = await open({ max: MAX });
  const table = unique('beside');
  await pool.query(`create table ${table} (n int)`);
  const sleeps = [
    () => pool.query(sleep),
    () => pool.query(sleep),
    () => pool.query(sleepFor, [SECONDS]),
    () => pool.use((connection) => connection.query(sleep)),
  ];
  const { count, longest, slept } = await runBeside(sleeps, shortStatements(pool, table, mark));
  expect(count).toBeGreaterThan(WORKERS);
  expect(longest / Math.min(...slept)).toBeLessThan(0.3);
  await pool.query(`drop table ${table}`);
});
