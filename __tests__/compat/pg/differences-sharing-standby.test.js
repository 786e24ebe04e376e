'use strict';
// An INSERT is not confirmed before a synchronous standby has it, whoever waits behind it.

const { Client: Observer } = require('pg');
const { Server } = require('../../support/server.js');
const { url } = require('../../support/urls.js');
const { openPool } = require('./pools.js');
const { until } = require('../../support/pools.js');

const load = () => require('../../../lib/compat/pg');

const READ = 'select count(*) from generate_series(1, $1::int)';
const INSERT = 'insert into kept values ($1)';

let server;
let admin;
beforeAll(async () => {
  server = await Server.start({ synchronous_commit: 'on' });
  admin = new Observer({ connectionString: url({ role: 'postgres', server: server.describe() }) });
  await admin.connect();
});
afterAll(async () => {
  await admin?.end();
  await server?.stop();
});

/** Its commits wait for a standby that is not there, or go on. */
async function wantStandby(name) {
  await admin.query(`alter system set synchronous_standby_names = '${name}'`);
  await admin.query('select pg_reload_conf()');
}

test('each waits for the standby, though those behind it have it stopped', async () => {
  const { paceOf } = require('../../../lib/session');
  const pool = openPool(load(), {
    max: 3,
    connectionString: url({ role: 'postgres', server: server.describe() }),
  });
  let warnings = 0;
  pool.on('connect', (client) => client.on('notice', () => warnings++));
  await pool.query('create table kept (n int)');
  while (paceOf(INSERT) === undefined) await pool.query(INSERT, [-1]);
  while (paceOf(READ) === undefined) await pool.query(READ, [-1]);
  await Promise.all([1, 2, 3].map(() => pool.query(READ, [0])));
  await admin.query('delete from kept');
  await admin.query('create table other (n int)');
  await wantStandby('nobody');
  // The server as a whole has heard of it when somebody's commit waits.
  const other = new Observer({
    connectionString: url({ role: 'postgres', server: server.describe() }),
  });
  await other.connect();
  let isProbing = true;
  const probe = async () => {
    while (isProbing) await other.query('insert into other values (1)');
  };
  const probing = probe();
  const waits = `select 1 from pg_stat_activity where wait_event = 'SyncRep'`;
  await until(async () => (await pool.query(waits)).rows.length > 0);
  isProbing = false;
  while (paceOf(READ) === undefined) await pool.query(READ, [-1]);
  // They go over the clients of the reads. The first of these takes longest, so that who is sent
  // behind it is given another client, and waits for a wire that is not his own.
  const reads = [500_000, 1, 1].map((n) => pool.query(READ, [n]));
  const answered = new Set();
  const numbers = Array.from({ length: 12 }, (_, n) => n);
  const asked = numbers.map((n) => pool.query(INSERT, [n]).then(() => answered.add(n)));
  await Promise.all(reads);
  // All are written, and what was in the way told to wait no longer.
  await until(() => warnings >= 1);
  expect([...answered]).toEqual([]);
  await wantStandby('');
  await Promise.all([probing, ...asked]);
  await other.end();
  const rows = await admin.query('select n from kept order by n');
  expect(rows.rows.map(({ n }) => n)).toEqual(numbers);
});
