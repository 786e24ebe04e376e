// The databases that the bench knows: for each its rows, and its peers, which are the packages (the
// first one names a peer) and the runtime of each.
import { WORKLOADS as MYSQL } from './mysql-workloads.mjs';
import { WORKLOADS as REDIS } from './redis-workloads.mjs';
import { WORKLOADS as POSTGRES } from './workloads.mjs';

const POLYPOOL = { packages: [], runtime: 'node' };
const BUN = { packages: ['bun'], runtime: 'bun' };

const MYSQL_PEERS = {
  polypool: POLYPOOL,
  mysql2: { packages: ['mysql2'], runtime: 'node' },
  mariadb: { packages: ['mariadb'], runtime: 'node' },
  bun: BUN,
  // Beside mysql2 only.
  'polypool-mysql2': { ...POLYPOOL, apart: true },
};

export const DATABASES = {
  postgres: {
    workloads: POSTGRES,
    peers: {
      polypool: POLYPOOL,
      pg: { packages: ['pg', 'pg-pool', 'pg-copy-streams'], runtime: 'node' },
      postgres: { packages: ['postgres'], runtime: 'node' },
      bun: BUN,
      // Beside pg only: see `npm run bench:pg`.
      'polypool-pg': { ...POLYPOOL, apart: true },
      'polypool-pg-pipeline': { ...POLYPOOL, apart: true },
    },
  },
  mariadb: { workloads: MYSQL, peers: MYSQL_PEERS },
  mysql: { workloads: MYSQL, peers: MYSQL_PEERS },
  redis: {
    workloads: REDIS,
    peers: {
      polypool: POLYPOOL,
      'polypool-ioredis': POLYPOOL,
      ioredis: { packages: ['ioredis'], runtime: 'node' },
      'ioredis-auto': { packages: ['ioredis'], runtime: 'node' },
      redis: { packages: ['redis'], runtime: 'node' },
      bun: BUN,
    },
  },
};

export function databaseNamed(name) {
  if (Object.hasOwn(DATABASES, name)) return DATABASES[name];
  const known = Object.keys(DATABASES).join(', ');
  throw new Error(`unknown database '${name}'; the databases are ${known}`);
}

export function workloadNamed({ workloads }, name) {
  const found = workloads.find((workload) => workload.name === name);
  if (found) return found;
  const known = workloads.map((workload) => workload.name).join(', ');
  throw new Error(`unknown row '${name}'; the rows are ${known}`);
}
