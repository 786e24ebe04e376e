import polypool, { Pool, createPool, sql } from 'polypool';
import type { QueryResult } from 'polypool';
import { exact } from './exact.js';

exact<typeof polypool.Pool, typeof Pool>(true);
exact<typeof polypool.createPool, typeof createPool>(true);
const pool: Pool = await polypool.createPool({ max: 1 });
const result: QueryResult = await pool.query(sql`select 1`);
void result;
