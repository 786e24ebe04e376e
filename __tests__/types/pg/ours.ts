// Libraries whose declarations name pg take what is declared here instead.

import { PrismaPg } from '@prisma/adapter-pg';
import { drizzle } from 'drizzle-orm/node-postgres';
import { Kysely, PostgresDialect } from 'kysely';
import Cursor from 'pg-cursor';
import QueryStream from 'pg-query-stream';
import * as dropIn from 'polypool/pg';

function passed(client: dropIn.Client, pool: dropIn.Pool, lent: dropIn.PoolClient): void {
  client.query(new Cursor('select 1'));
  lent.query(new Cursor('select 1'));
  pool.query(new QueryStream('select 1'));
  void [
    new Kysely({ dialect: new PostgresDialect({ pool, cursor: Cursor }) }),
    drizzle(pool),
    drizzle(client),
    new PrismaPg(pool),
  ];
}

void passed;
