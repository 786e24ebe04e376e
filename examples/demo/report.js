'use strict';
// The report: one HTML file with its styles and plots inside, nothing fetched, no script.

const fs = require('node:fs');
const path = require('node:path');
const { bothSchemes, latencyChart, throughputChart } = require('./charts');
const { COLUMNS, cells, count, milliseconds } = require('./progress');

const STYLE = `
:root { color-scheme: light dark; --text: #1f2933; --faint: #5f6c7b; --line: #dfe4ea;
  --page: #f4f6f8; --card: #ffffff; --pooled: #0b67c2; --plain: #c2510b; }
.only-dark { display: none; }
@media (prefers-color-scheme: dark) {
  :root { --text: #e6eaf0; --faint: #9aa7b8; --line: #333d4b; --page: #0f1319; --card: #171c24;
    --pooled: #5cb3ff; --plain: #ffa056; }
  .only-light { display: none; }
  .only-dark { display: block; }
}
* { box-sizing: border-box; }
body { margin: 0; background: var(--page); color: var(--text);
  font: 16px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif; }
main { max-width: 940px; margin: 0 auto; padding: 40px 20px 56px; }
h1 { font-size: 28px; line-height: 1.2; margin: 0 0 8px; }
h2 { font-size: 19px; margin: 0 0 4px; }
p { margin: 0 0 12px; }
.lead, .note, footer { color: var(--faint); }
section { background: var(--card); border: 1px solid var(--line); border-radius: 12px;
  padding: 20px 24px; margin-top: 20px; }
.figures { display: grid; grid-template-columns: repeat(auto-fit, minmax(220px, 1fr)); gap: 20px;
  margin-top: 24px; }
.figures section { padding: 16px 20px; margin: 0; }
.figures strong { display: block; font-size: 32px; line-height: 1.2; }
.figures span { color: var(--faint); }
svg { display: block; width: 100%; min-width: 620px; height: auto; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
th, td { padding: 9px 12px; text-align: right; white-space: nowrap;
  border-bottom: 1px solid var(--line); }
th:first-child, td:first-child { text-align: left; padding-left: 0; }
tr:last-child td { border-bottom: 0; }
th { color: var(--faint); font-weight: 500; }
.pooled td:first-child { color: var(--pooled); font-weight: 600; }
.plain td:first-child { color: var(--plain); font-weight: 600; }
footer { margin-top: 24px; font-size: 14px; }
`;

function escapeHtml(text) {
  const names = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };
  return String(text).replace(/[&<>"]/g, (character) => names[character]);
}

function figure(value, text) {
  return `<section><strong>${escapeHtml(value)}</strong><span>${escapeHtml(text)}</span></section>`;
}

function figures({ plain, pooled }) {
  const p99 = ({ result }) => result.latencyMs.find((l) => l.percentile === 99).ms;
  const times = pooled.result.perSecond / plain.result.perSecond;
  const [more, less] = [pooled, plain].map(({ result }) => count(result.perSecond));
  return [
    figure(
      Number.isFinite(times) ? `${times.toFixed(1)}x` : '-',
      `the requests per second: ${more} instead of ${less}`,
    ),
    figure(
      milliseconds(p99(pooled)),
      `for 99 of 100 requests, instead of ${milliseconds(p99(plain))}`,
    ),
    figure(count(pooled.opened), `connections opened, instead of ${count(plain.opened)}`),
  ].join('\n');
}

function resultTable({ plain, pooled }) {
  const row = (tag, values) =>
    values.map((value) => `<${tag}>${escapeHtml(value)}</${tag}>`).join('');
  return `<table>
<thead><tr>${row('th', COLUMNS)}</tr></thead>
<tbody>
<tr class="plain">${row('td', cells(plain))}</tr>
<tr class="pooled">${row('td', cells(pooled))}</tr>
</tbody>
</table>`;
}

function errorNote({ plain, pooled }) {
  return [plain, pooled]
    .filter(({ result }) => result.errorCount > 0)
    .map(
      ({ title, result }) => `<p class="note">${escapeHtml(`${title}: ${result.firstError}`)}</p>`,
    )
    .join('\n');
}

function page(measured) {
  const { setup } = measured;
  const conditions = [
    `polypool ${setup.polypool}`,
    `${setup.database}, ${count(setup.rows)} rows`,
    `Node.js ${setup.node}`,
    setup.machine,
    setup.date,
  ];
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>polypool demo: connection per request and pool</title>
<style>${STYLE}</style>
</head>
<body>
<main>
<h1>One pool against a connection per request</h1>
<p class="lead">${setup.users} simultaneous users ask an Express server for
<code>/users/:id</code>, ${setup.seconds} s each. Every answer was checked: status 200 and the user
that was asked for.</p>
<div class="figures">
${figures(measured)}
</div>
<section>
<h2>Result</h2>
<div class="scroll">${resultTable(measured)}</div>
${errorNote(measured)}
</section>
<section>
<h2>Throughput over time</h2>
<p class="note">Higher is better. Right answers per second, as the users saw them.</p>
${bothSchemes('Throughput over time', (scheme) => throughputChart(measured, setup.seconds, scheme))}
</section>
<section>
<h2>Latency</h2>
<p class="note">Lower is better. From sending a request to its complete answer, in milliseconds.</p>
${bothSchemes('Latency percentiles', (scheme) => latencyChart(measured, scheme))}
</section>
<footer>
<p>${escapeHtml(setup.place)} The Express server ran in one process, the load generator in
another. A warm-up of one second before each measurement is left out of rates and times, but not
out of connections opened. The two servers ran one after the other and differ only in where a
query's connection comes from (<code>examples/express.js</code>).</p>
<p>${conditions.map(escapeHtml).join(' · ')}</p>
</footer>
</main>
</body>
</html>
`;
}

/** Writes index.html into the folder; returns its path as the reader would type it. */
function writeReport(folder, measured) {
  fs.mkdirSync(folder, { recursive: true });
  const file = path.join(folder, 'index.html');
  fs.writeFileSync(file, page(measured));
  const relative = path.relative(process.cwd(), file);
  return relative.startsWith('..') ? file : relative;
}

module.exports = { writeReport };
