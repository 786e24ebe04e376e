// Rows that need a process of their own: one huge result, and one endless stream.
import { digestRows, sumRows, SUMS } from './cells.mjs';
import { LoopWatch, MemoryWatch } from './measure.mjs';

/** Loop lag and memory while a large result arrives; the first arrival is the memory's and warms
 * up, the following ones are the lag's. Reading the cells is the caller's work, so not watched. */
export async function arrival(peer, text, seconds) {
  const find = peer.statement(text);
  await peer.once('select 1 as one', []);
  const memory = new MemoryWatch();
  const first = peer.rows(await find([]));
  const peakMib = memory.peak();
  const count = first.length;
  const expected = sumRows(first, SUMS.person);
  const digest = digestRows(first);

  const watch = new LoopWatch();
  let arrivals = 0;
  while (arrivals === 0 || watch.elapsed < seconds * 1000) {
    watch.start();
    const rows = peer.rows(await find([]));
    watch.stop();
    arrivals += 1;
    if (rows.length !== count || sumRows(rows, SUMS.person) !== expected) {
      throw new Error('a later arrival differs from the first');
    }
  }
  return {
    digest,
    operations: arrivals,
    seconds: watch.elapsed / 1000,
    rate: (count * arrivals * 1000) / watch.elapsed,
    worstMs: watch.worst,
    blockedMs: watch.blocked / arrivals,
    blockedShare: (100 * watch.blocked) / watch.elapsed,
    peakMib,
  };
}

/** Streams the text until the seconds are over; memory counts from the first row to the last. */
export async function streaming(peer, text, seconds) {
  await peer.once('select 1 as one', []);
  const memory = new MemoryWatch();
  const begin = performance.now();
  let rows = 0;
  let passes = 0;
  let digest = '';
  while (passes === 0 || performance.now() - begin < seconds * 1000) {
    const before = rows;
    let sum = 0;
    await peer.stream(text, (row) => {
      rows += 1;
      sum += row.id + row.name.length + row.name.charCodeAt(row.name.length >> 1) + row.score;
    });
    passes += 1;
    const pass = `${rows - before} rows, sum ${sum}`;
    if (digest !== '' && pass !== digest) throw new Error(`${pass}, but before ${digest}`);
    digest = pass;
  }
  const elapsed = (performance.now() - begin) / 1000;
  const peakMib = memory.peak();
  return { digest, operations: passes, seconds: elapsed, rate: rows / elapsed, peakMib };
}
