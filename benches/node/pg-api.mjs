// What pg, or a replacement of it, does as a peer: with its own pool and pg-copy-streams, every
// repeated statement named so that it is prepared once.
import { createRequire } from 'node:module';
import { cursorRows } from './peers/cursor.mjs';

const copy = createRequire(import.meta.url)('pg-copy-streams');

export function openWith(pg, { url, max, tls, pipeline }) {
  // What the URL says of TLS would win over the option.
  const address = new URL(url);
  if (tls) address.searchParams.set('sslmode', 'no-verify');
  const pool = new pg.Pool({
    connectionString: String(address),
    max,
    idleTimeoutMillis: 0,
    // `false` would be an option of its own.
    ...(pipeline && { pipeline }),
  });
  let statements = 0;
  const named = (text) => ({ name: `bench_${++statements}`, text });

  async function leased(callback) {
    const client = await pool.connect();
    try {
      await client.query('begin');
      const result = await callback(client);
      await client.query('commit');
      return result;
    } catch (error) {
      await client.query('rollback');
      throw error;
    } finally {
      client.release();
    }
  }

  async function copying(callback) {
    const client = await pool.connect();
    try {
      return await callback(client);
    } finally {
      client.release();
    }
  }

  return {
    once: (text, values) => pool.query(text, values),
    statement(text) {
      const { name } = named(text);
      return (values) => pool.query({ name, text, values });
    },
    transaction(text) {
      const { name } = named(text);
      return (values) => leased((client) => client.query({ name, text, values }));
    },
    rows: (result) => result.rows,
    affected: (result) => result.rowCount,
    acquire: () => pool.connect(),
    release: (client) => client.release(),
    stream: (text, each) =>
      leased((client) =>
        cursorRows(async (command) => (await client.query(command)).rows, text, each),
      ),
    copyFrom: (text, write) => copying((client) => write(client.query(copy.from(text)))),
    copyTo: (text, read) => copying((client) => read(client.query(copy.to(text)))),
    close: () => pool.end(),
  };
}
