// Bun.SQL and Bun.redis; run under Bun's own runtime. SQL prepares and caches every text by default.
import { RedisClient, SQL } from 'bun';
import { cursorRows } from './cursor.mjs';

async function openRedis(url) {
  const client = new RedisClient(url);
  await client.connect();
  return {
    get: (key) => client.get(key),
    set: (key, value) => client.set(key, value),
    close: () => client.close(),
  };
}

export function open({ url, max, tls }) {
  if (url.startsWith('redis')) return openRedis(url);
  const address = new URL(url);
  if (tls) address.searchParams.set('sslmode', 'require');
  const sql = new SQL({ url: String(address), max });

  return {
    once: (text, values) => sql.unsafe(text, values),
    statement: (text) => (values) => sql.unsafe(text, values),
    transaction: (text) => (values) => sql.begin((tx) => tx.unsafe(text, values)),
    rows: (result) => result,
    affected: (result) => result.count,
    acquire: () => sql.reserve(),
    release: (reserved) => reserved.release(),
    stream: (text, each) =>
      sql.begin((tx) => cursorRows((command) => tx.unsafe(command), text, each)),
    close: () => sql.close(),
  };
}
