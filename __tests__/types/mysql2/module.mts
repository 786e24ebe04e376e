// `polypool/mysql2` in an ES module: named, and as the default.

import mysql, { createPool } from 'polypool/mysql2';
import promises, { createPool as createPromisePool } from 'polypool/mysql2/promise';
import { exact } from '../exact.js';

exact<typeof mysql.createPool, typeof createPool>(true);
exact<typeof promises.createPool, typeof createPromisePool>(true);

const pool: promises.Pool = createPromisePool({ connectionLimit: 1 });
const [rows] = await pool.query<mysql.RowDataPacket[]>('select 1 as n');
void rows[0]?.['n'];
