'use strict';

/**
 * A pool per process, many processes, one server: warns when they want more connections together
 * than the server gives. Asked once per process, and only under cluster or PM2.
 */

const os = require('node:os');

const CODE = 'POLYPOOL_MAX_CONNECTIONS';

/** `reserved_connections` came with PostgreSQL 16. */
const AVAILABLE = `select current_setting('max_connections')::int
  - current_setting('superuser_reserved_connections')::int
  - coalesce(current_setting('reserved_connections', true), '0')::int as available,
  pg_backend_pid() as "processId"`;

let asked = false;

/**
 * How many processes run this program, as far as one of them can tell, and how it can tell; null
 * when nothing says that there are several.
 */
function siblings(env = process.env, isWorker = require('node:cluster').isWorker) {
  const cores = os.availableParallelism();
  if (env.NODE_APP_INSTANCE !== undefined) {
    // PM2 hands its configuration down; 0, negative and 'max' count from the processors.
    const given = Number(env.instances);
    if (given >= 1) return { count: given, source: `PM2's 'instances' (${given})` };
    const count = Math.max(1, cores + (given < 0 ? given : 0));
    return { count, source: `PM2 with one process for each processor (${count})` };
  }
  if (!isWorker) return null;
  return { count: cores, source: `cluster, one worker for each processor assumed (${cores})` };
}

/** Looks once whether `max` connections in each process are more than the server has. */
async function checkBudget(pool, max) {
  if (asked) return;
  const others = siblings();
  if (others === null) return;
  asked = true;
  let row;
  let direct;
  try {
    await pool.use(async (connection) => {
      ({
        rows: [row],
      } = await connection.query(AVAILABLE));
      direct = row.processId === connection.processId;
    });
  } catch {
    // A courtesy: whatever is wrong shows elsewhere.
    return;
  }
  // Behind a pooler the server's limit is not what this program meets.
  if (!direct || max * others.count <= row.available) return;
  process.emitWarning(
    `pool '${pool.name}': max (${max}) x ${others.count} processes = ${max * others.count} ` +
      `connections, but the server has ${row.available} for all its clients. Processes counted ` +
      `by ${others.source}. Lower max to ${Math.max(1, Math.floor(row.available / others.count))}, ` +
      'share one pool over worker threads, or put PgBouncer in between',
    { type: 'PolypoolWarning', code: CODE },
  );
}

module.exports = { checkBudget, siblings };
