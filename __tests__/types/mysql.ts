// What the declarations say of MySQL and MariaDB.

import { createPool, escapeIdentifier, escapeLiteral } from 'polypool';
import type { DatabaseError, Pool } from 'polypool';
import { exact } from './exact.js';

export async function targets(): Promise<Pool> {
  await createPool({
    engine: 'mariadb',
    socketPath: '/run/mysqld/mysqld.sock',
    multipleStatements: false,
    collation: 'utf8mb4_unicode_ci',
    connectAttributes: { team: 'payments' },
    sslmode: 'verify_identity',
  });
  // @ts-expect-error there is no such compression
  await createPool({ engine: 'mysql', compress: 'brotli' });
  // @ts-expect-error nor such an engine
  await createPool({ engine: 'oracle' });
  return createPool('mysql://app@db/shop', { compress: true, 'ssl-mode': 'REQUIRED' });
}

export async function results(pool: Pool): Promise<void> {
  const { insertId, affectedRows } = await pool.query('insert into t values (?)', [1]);
  exact<typeof insertId, number | bigint | string | null | undefined>(true);
  exact<typeof affectedRows, number | null | undefined>(true);
}

export function explain({ code, errno, sqlState }: DatabaseError): string {
  return `${code} ${errno ?? 0} ${sqlState ?? ''}`;
}

export const text = `${escapeIdentifier('a', 'mysql')} ${escapeLiteral('b', 'mariadb')}`;
