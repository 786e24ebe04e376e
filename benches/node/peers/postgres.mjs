// postgres.js; repeated statements ask for `prepare`, which sql.unsafe leaves off by default.
import postgres from 'postgres';

export function open({ url, max, tls }) {
  const sql = postgres(url, { max, onnotice: () => {}, ...(tls && { ssl: 'require' }) });
  const prepared = { prepare: true };

  return {
    once: (text, values) => sql.unsafe(text, values),
    statement: (text) => (values) => sql.unsafe(text, values, prepared),
    transaction: (text) => (values) => sql.begin((tx) => tx.unsafe(text, values, prepared)),
    rows: (result) => result,
    affected: (result) => result.count,
    acquire: () => sql.reserve(),
    release: (reserved) => reserved.release(),
    async stream(text, each) {
      for await (const rows of sql.unsafe(text).cursor(1000)) {
        for (const row of rows) each(row);
      }
    },
    copyFrom: async (text, write) => write(await sql.unsafe(text).writable()),
    copyTo: async (text, read) => read(await sql.unsafe(text).readable()),
    close: () => sql.end({ timeout: 5 }),
  };
}
