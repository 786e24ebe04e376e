// Libraries over `mysql2`, which their own declarations name. Compiled as it stands with mysql2, and
// with `replaced.json`, where both they and this program find ours under that name.

import { drizzle } from 'drizzle-orm/mysql2';
import { Kysely, MysqlDialect } from 'kysely';
import { createConnection, createPool } from 'mysql2';
import promise from 'mysql2/promise';

interface Tables {
  users: { id: number; name: string };
}

const pool = createPool({ connectionLimit: 1 });
const kysely = new Kysely<Tables>({ dialect: new MysqlDialect({ pool }) });
const drizzled = [
  drizzle(pool),
  drizzle(promise.createPool({ uri: 'mysql://h' })),
  drizzle({ client: createConnection('mysql://h') }),
];

void [kysely, drizzled];
