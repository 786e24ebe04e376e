// `polypool/pg` in an ES module: named, and as the default.

import pg, { Client, Pool } from 'polypool/pg';
import * as all from 'polypool/pg';
import { exact } from '../exact.js';

exact<typeof pg.Client, typeof Client>(true);
exact<typeof pg.Pool, typeof Pool>(true);
exact<typeof all.default, typeof pg>(true);

const config: pg.PoolConfig = { max: 1 };
const pool: pg.Pool = new pg.Pool(config);
const client: pg.PoolClient = await pool.connect();
const result: pg.QueryResult<{ n: number }> = await client.query('select 1 as n');
void [result.rows, pg.utils.escapeLiteral('a'), pg.native];
