// Bun.SQL; runs under Bun's own runtime. It prepares and caches every text by default.
import { SQL } from 'bun';
import { cursorRows } from './cursor.mjs';

export function open({ url, max, tls }) {
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
