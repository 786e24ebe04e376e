import { Client, Pool, Result } from 'polypool/pg';
import PgClient = require('polypool/pg/lib/client');
import PgConnection = require('polypool/pg/lib/connection.js');
import ConnectionParameters = require('polypool/pg/lib/connection-parameters');
import defaults = require('polypool/pg/lib/defaults');
import PgQuery = require('polypool/pg/lib/query.js');
import PgResult = require('polypool/pg/lib/result');
import TypeOverrides = require('polypool/pg/lib/type-overrides.js');
import utils = require('polypool/pg/lib/utils');
import PgPool = require('polypool/pg-pool');
import { exact } from './exact.js';

exact<typeof PgClient, typeof Client>(true);
exact<typeof PgResult, typeof Result>(true);
exact<ReturnType<typeof utils.escapeLiteral>, string>(true);

const parameters = new ConnectionParameters({ host: 'db.example', port: 5433 });
export const where: string = `${parameters.host}:${parameters.port}/${parameters.database}`;
export const maximum: number | undefined = defaults.poolSize;

export const overrides = new TypeOverrides();
overrides.setTypeParser(20, BigInt);
export const query: PgQuery = new PgQuery('select $1::int', [utils.prepareValue(1)]);
export const connectionOf = (connection: PgConnection): boolean => connection.stream.destroyed;

class Recorded extends Client {}

export async function count(): Promise<number> {
  const standalone: Pool = new PgPool({ max: 2, Client: Recorded }, Recorded);
  const { rows } = await standalone.query<{ n: number }>('select 1 as n');
  await standalone.end();
  return rows.length;
}
