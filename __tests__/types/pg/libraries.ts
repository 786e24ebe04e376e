// Libraries over `pg`, which their own declarations name. Compiled as it stands with pg, and with
// `replaced.json`, where both they and this program find ours under that name.

import { PrismaPg } from '@prisma/adapter-pg';
import { drizzle } from 'drizzle-orm/node-postgres';
import { Kysely, PostgresDialect } from 'kysely';
import { Client, Pool, types } from 'pg';
import type { PoolClient, QueryResult } from 'pg';
import Cursor from 'pg-cursor';
import QueryStream from 'pg-query-stream';

async function read(client: Client, lent: PoolClient, pool: Pool): Promise<void> {
  const cursor = client.query(new Cursor<{ n: number }>('select n from numbers'));
  const rows: { n: number }[] = await cursor.read(100);
  cursor.read(5, (_error, some, result: QueryResult) => void [some, result.rowCount]);
  await cursor.close();
  lent.query(new Cursor('select $1', [1], { rowMode: 'array', types }));
  const stream: QueryStream = pool.query(new QueryStream('select 1', [], { batchSize: 10 }));
  for await (const row of stream) void [row, rows];
}

interface Tables {
  users: { id: number; name: string };
}

const pool = new Pool({ max: 1 });
const kysely = new Kysely<Tables>({ dialect: new PostgresDialect({ pool, cursor: Cursor }) });
const drizzled = drizzle(pool);
const drizzledToo = drizzle({ client: new Client() });
const adapter = new PrismaPg(pool, { schema: 'app', onPoolError: (error) => void error.message });

void [read, kysely, drizzled, drizzledToo, adapter];
