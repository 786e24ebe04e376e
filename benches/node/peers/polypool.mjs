// polypool as a user meets it: the public entry, default options.
import { createPool } from '../../../index.mjs';

async function openRedis(url, max) {
  const pool = await createPool(url, { max });
  return {
    get: (key) => pool.query('GET', [key]),
    set: (key, value) => pool.query('SET', [key, value]),
    close: () => pool.close(),
  };
}

export async function open({ url, max, tls }) {
  if (url.startsWith('redis')) return openRedis(url, max);
  // Plain, as its peers; the row about TLS asks for it.
  const isMySql = url.startsWith('mysql');
  const ssl = isMySql ? { sslmode: 'disabled' } : tls && { sslmode: 'require' };
  const pool = await createPool(url, { max, ...ssl });

  return {
    once: (text, values) => pool.query(text, values),
    statement: (text) => (values) => pool.query(text, values),
    transaction: (text) => (values) => pool.transaction((tx) => tx.query(text, values)),
    rows: (result) => result.rows,
    affected: (result) => result.rowCount,
    acquire: () => pool.acquire(),
    release: (connection) => pool.release(connection),
    async stream(text, each) {
      for await (const row of pool.stream(text)) each(row);
    },
    copyFrom: (text, write) => write(pool.copyFrom(text)),
    copyTo: (text, read) => read(pool.copyTo(text)),
    close: () => pool.close(),
  };
}
