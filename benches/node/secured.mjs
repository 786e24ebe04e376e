// What TLS costs: the same work over plain and over encrypted connections of one process.
import { timed } from './measure.mjs';
import { median } from './report.mjs';

const ENCRYPTED = 'select ssl from pg_stat_ssl where pid = pg_backend_pid()';

/** Laps of either side, short and in turns, so that a drift of the machine falls on both alike. */
const TURNS = 8;

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
    for (let turn = 0; turn < TURNS; turn += 1) {
      const order = turn % 2 === 0 ? ['plain', 'secure'] : ['secure', 'plain'];
      for (const side of order) laps[side].push(await run(side, 1 / TURNS));
    }
    const before = middle(laps.plain);
    const now = middle(laps.secure);
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

function middle(laps) {
  const of = (key) => median(laps.map((lap) => lap[key]));
  return {
    operations: laps.reduce((all, lap) => all + lap.operations, 0),
    seconds: laps.reduce((all, lap) => all + lap.seconds, 0),
    rate: of('rate'),
    scriptUs: laps[0].scriptUs === null ? null : of('scriptUs'),
    processUs: of('processUs'),
  };
}
