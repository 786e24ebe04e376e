// COPY of a million narrow rows: written line by line, as generators and transforms do, or in large
// chunks, as files do; and read back. Each pass is checked against what the server then holds.
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { finished } from 'node:stream/promises';
import { SCHEMA } from './schema.mjs';

const ROWS = 1_000_000;
const TABLE = `${SCHEMA}.numbers`;
const CHUNK = 64 * 1024;
const value = (id) => (id * 7919) % 1_000_003;

async function writeLines(stream) {
  for (let id = 1; id <= ROWS; id += 1) {
    if (!stream.write(`${id}\t${value(id)}\n`)) await once(stream, 'drain');
  }
  stream.end();
}

async function writeChunks(stream, chunks) {
  for (const chunk of chunks) if (!stream.write(chunk)) await once(stream, 'drain');
  stream.end();
}

function makeChunks() {
  const chunks = [];
  let text = '';
  for (let id = 1; id <= ROWS; id += 1) {
    text += `${id}\t${value(id)}\n`;
    if (text.length >= CHUNK) chunks.push(Buffer.from(text));
    if (text.length >= CHUNK) text = '';
  }
  chunks.push(Buffer.from(text));
  return chunks;
}

/** Passes until the seconds are over; only the copy itself is on the clock. */
async function passes(seconds, pass) {
  let elapsed = 0;
  let operations = 0;
  let digest;
  // The first pass opens the connection and warms up.
  for (let count = 0; count < 2 || elapsed < seconds; count += 1) {
    const { took, found } = await pass();
    if (digest !== undefined && found !== digest) throw new Error(`${found}, but before ${digest}`);
    digest = found;
    if (count === 0) continue;
    elapsed += took;
    operations += 1;
  }
  return { digest, operations, seconds: elapsed, rate: (operations * ROWS) / elapsed };
}

const timed = async (work) => {
  const begin = performance.now();
  await work();
  return (performance.now() - begin) / 1000;
};

export async function copyIn(peer, seconds, inChunks) {
  const chunks = inChunks ? makeChunks() : null;
  return passes(seconds, async () => {
    await peer.once(`truncate ${TABLE}`, []);
    const took = await timed(() =>
      peer.copyFrom(`copy ${TABLE} from stdin`, async (stream) => {
        const end = finished(stream);
        await Promise.all([end, chunks ? writeChunks(stream, chunks) : writeLines(stream)]);
      }),
    );
    const text = `select count(*)::int4 as rows, sum(id::int8 * value)::text as sum from ${TABLE}`;
    const [{ rows, sum }] = peer.rows(await peer.once(text, []));
    if (rows !== ROWS) throw new Error(`the server holds ${rows} rows`);
    return { took, found: `${rows} rows, sum ${sum}` };
  });
}

export async function copyOut(peer, seconds) {
  let known;
  return passes(seconds, async () => {
    const hash = createHash('sha256');
    let bytes = 0;
    const took = await timed(() =>
      peer.copyTo(`copy ${SCHEMA}.series to stdout`, async (stream) => {
        for await (const chunk of stream) {
          bytes += chunk.length;
          // The first pass reads every byte; the clock is for the others.
          if (known === undefined) hash.update(chunk);
        }
      }),
    );
    known ??= { bytes, found: `${bytes} bytes ${hash.digest('hex').slice(0, 16)}` };
    if (bytes !== known.bytes) throw new Error(`${bytes} bytes, but before ${known.bytes}`);
    return { took, found: known.found };
  });
}
