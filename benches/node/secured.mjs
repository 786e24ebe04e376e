// What TLS costs: the same work over plain and over encrypted connections of one process.
import { timed } from './measure.mjs';

const ENCRYPTED = 'select ssl from pg_stat_ssl where pid = pg_backend_pid()';

/** Takes turns as plain, TLS, TLS, plain, so that a drift of the machine falls on both alike. */
export async function compareWithTls({ open, workers, checkEvery }, plain, openAnother, seconds) {
  const secure = await openAnother({ tls: true });
  try {
    const [{ ssl }] = secure.rows(await secure.once(ENCRYPTED, []));
    if (!ssl) throw new Error('the connections are not encrypted');
    const sides = { plain: await open(plain), secure: await open(secure) };
    const digest = await sides.secure.verify();
    if ((await sides.plain.verify()) !== digest) throw new Error('TLS changes what is read');
    const run = (side, share) =>
      timed(sides[side].work, { workers, checkEvery, seconds: seconds * share });
    for (const side of ['plain', 'secure']) await run(side, 0.25);
    const laps = { plain: [], secure: [] };
    for (const side of ['plain', 'secure', 'secure', 'plain'])
      laps[side].push(await run(side, 0.5));
    const before = total(laps.plain);
    const now = total(laps.secure);
    return {
      ...now,
      digest,
      scriptCost: now.scriptUs === null ? null : now.scriptUs / before.scriptUs,
      rateShare: (100 * now.rate) / before.rate,
    };
  } finally {
    await secure.close();
  }
}

function total(laps) {
  const sum = (pick) => laps.reduce((all, lap) => all + pick(lap), 0);
  const operations = sum((lap) => lap.operations);
  const seconds = sum((lap) => lap.seconds);
  const perOperation = (key) => sum((lap) => lap[key] * lap.operations) / operations;
  const scriptUs = laps[0].scriptUs === null ? null : perOperation('scriptUs');
  const processUs = perOperation('processUs');
  return { operations, seconds, rate: operations / seconds, scriptUs, processUs };
}
