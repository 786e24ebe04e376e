// Medians, ratios and the printed table.
import os from 'node:os';

export function median(values) {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/** How many times better the first peer is; above 1 is better whichever way the metric runs. */
function advantage(ours, theirs, better) {
  if (ours === theirs) return 1;
  return better === 'higher' ? ours / theirs : theirs / ours;
}

/** One row of the report: per metric the medians, the ratios to the first peer, and all rounds. */
export function summarize({ name, title, metrics }, results) {
  const peers = Object.keys(results);
  const measured = metrics.filter(({ key }) =>
    peers.every((peer) => results[peer][0][key] !== null),
  );
  return {
    name,
    title,
    digest: results[peers[0]][0].digest,
    rounds: results,
    metrics: measured.map((metric) => {
      const medians = Object.fromEntries(
        peers.map((peer) => [peer, median(results[peer].map((round) => round[metric.key]))]),
      );
      const [subject, ...others] = peers;
      const ratios = Object.fromEntries(
        others.map((peer) => [peer, advantage(medians[subject], medians[peer], metric.better)]),
      );
      return { ...metric, medians, ratios, floors: floorsOf(metric, subject, ratios) };
    }),
  };
}

// Floors are those of the peer that comes first; `floors` are polypool's, `dropin` those of what
// replaces another package.
function floorsOf({ floors = {}, dropin = {} }, subject, ratios) {
  const own = { polypool: floors }[subject] ?? (subject.startsWith('polypool-') ? dropin : {});
  return Object.entries(own)
    .filter(([peer]) => peer in ratios)
    .map(([peer, floor]) => ({ peer, floor, reached: ratios[peer] >= floor }));
}

/** Sentences about values beyond the limits of their own peer. */
export function brokenLimits({ rows }) {
  return rows.flatMap(({ name, metrics }) =>
    metrics.flatMap(({ key, title, unit, medians, limits = {} }) =>
      Object.entries(limits)
        .filter(([peer, limit]) => peer in medians && medians[peer] > limit)
        .map(
          ([peer, limit]) =>
            `${name}: ${title ?? key} of ${peer} is ${figure(medians[peer])} ${unit}, ` +
            `the limit is ${limit} ${unit}`,
        ),
    ),
  );
}

/** Where the figures come from. */
export function machine() {
  const [{ model }, ...others] = os.cpus();
  const memoryGib = Math.round(os.totalmem() / 2 ** 30);
  return {
    platform: `${os.platform()} ${os.arch()}`,
    cpu: model,
    cpus: others.length + 1,
    memoryGib,
  };
}

export function figure(value) {
  if (!Number.isFinite(value)) return '∞';
  const digits = Math.abs(value) >= 100 ? 0 : Math.abs(value) >= 10 ? 1 : 2;
  return value.toLocaleString('en-US', {
    minimumFractionDigits: digits,
    maximumFractionDigits: digits,
  });
}

const ratio = (value) => (Number.isFinite(value) ? `${value.toFixed(2)}x` : '∞');

// What this row is meant to reach, and whether it does.
function reach(metric, subject) {
  const mark = (reached) => (reached ? '✓' : '✗');
  const floors = metric.floors.map(
    ({ peer, floor, reached }) => `${mark(reached)} ${floor}x ${peer}`,
  );
  const most = metric.limits?.[subject] ?? metric.aims?.[subject];
  if (most !== undefined) floors.push(`${mark(metric.medians[subject] <= most)} at most ${most}`);
  return floors.join(', ');
}

function tableLines({ peers, rows }) {
  const [subject, ...others] = peers;
  const lines = [['row', 'unit', ...peers, ...others.map((peer) => `vs ${peer}`), 'reach']];
  for (const row of rows) {
    row.metrics.forEach((metric, index) => {
      lines.push([
        index === 0 ? row.name : `  ${metric.title}`,
        metric.unit,
        ...peers.map((peer) => (peer in metric.medians ? figure(metric.medians[peer]) : '-')),
        ...others.map((peer) => (peer in metric.ratios ? ratio(metric.ratios[peer]) : '-')),
        reach(metric, subject),
      ]);
    });
  }
  return lines;
}

export function printReport(report) {
  const { versions, machine, rounds, seconds, lap = `${seconds} s` } = report;
  const list = Object.entries(versions).map(([name, version]) => `${name} ${version}`);
  console.log(list.join(', '));
  console.log(`${machine.cpus} x ${machine.cpu}, ${machine.memoryGib} GiB, ${machine.platform}`);
  console.log(`medians of ${rounds} x ${lap}; ratios above 1 favour ${report.peers[0]}\n`);

  const lines = tableLines(report);
  const widths = lines[0].map((_, column) => Math.max(...lines.map((line) => line[column].length)));
  const numbers = (column) => column > 1 && column < widths.length - 1;
  for (const line of lines) {
    const cells = line.map((cell, column) =>
      numbers(column) ? cell.padStart(widths[column]) : cell.padEnd(widths[column]),
    );
    console.log(cells.join('  ').trimEnd());
  }
}
