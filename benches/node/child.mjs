// One peer in a process of its own (node or bun): takes orders and answers as JSON lines.
import { createInterface } from 'node:readline';
import { databaseNamed, workloadNamed } from './databases.mjs';
import { timed } from './measure.mjs';
import { compareWithTls } from './secured.mjs';

const CONNECTIONS = 10;
const [, , databaseName, peerName] = process.argv;
const database = databaseNamed(databaseName);
const benches = new Map();

// Opened and verified once in the life of the process, then measured as often as asked.
async function benchOf(peer, workload) {
  if (!benches.has(workload.name)) {
    const bench = await workload.open(peer);
    benches.set(workload.name, { ...bench, digest: await bench.verify() });
  }
  return benches.get(workload.name);
}

async function measure(peer, { row, seconds }, openAnother) {
  const workload = workloadNamed(database, row);
  if (workload.tls) return compareWithTls(workload, peer, openAnother, seconds);
  if (workload.measure) return workload.measure(peer, seconds);

  const { workers, checkEvery, rowsPerOperation = 1 } = workload;
  const bench = await benchOf(peer, workload);
  for (const stretch of [Math.min(0.5, seconds / 4), seconds]) {
    await bench.reset?.();
    const result = await timed(bench.work, { workers, checkEvery, seconds: stretch });
    await bench.settle?.(result.operations);
    // The first stretch opens connections and warms up; the second one counts.
    if (stretch === seconds) {
      return { ...result, rate: result.rate * rowsPerOperation, digest: bench.digest };
    }
  }
}

const answer = (value) => process.stdout.write(`${JSON.stringify(value)}\n`);
const failure = (error) => ({ error: error?.stack ?? String(error) });

try {
  const { open } = await import(`./peers/${peerName}.mjs`);
  const settings = { url: process.env.POLYPOOL_BENCH_URL, max: CONNECTIONS };
  const openAnother = (more) => open({ ...settings, ...more });
  const peer = await openAnother();
  answer({ ready: true });
  for await (const line of createInterface({ input: process.stdin })) {
    answer(await measure(peer, JSON.parse(line), openAnother).catch(failure));
  }
  await peer.close();
} catch (error) {
  answer(failure(error));
  process.exitCode = 1;
}
