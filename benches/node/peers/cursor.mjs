// Batches through an SQL cursor, for the peers that bring no streaming of their own.
const BATCH = 1000;

export async function cursorRows(run, text, each) {
  await run(`declare bench_cursor no scroll cursor for ${text}`);
  for (;;) {
    const rows = await run(`fetch forward ${BATCH} from bench_cursor`);
    for (const row of rows) each(row);
    if (rows.length < BATCH) break;
  }
  await run('close bench_cursor');
}
