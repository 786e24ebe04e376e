'use strict';
// What the reader sees while the demo runs: one line that is rewritten on a terminal, a line per
// second elsewhere (CI logs); and the table at the end.

const BAR_WIDTH = 12;

function count(number) {
  return Math.round(number).toLocaleString('en-US');
}

/** Three significant digits, at least: 0.84 ms, 7.31 ms, 96.2 ms, 1,204 ms. */
function milliseconds(ms) {
  if (ms === null) return '-';
  if (ms >= 100) return `${count(ms)} ms`;
  return `${ms.toFixed(ms >= 10 ? 1 : 2)} ms`;
}

class Progress {
  #output;
  #tty;
  #lastSecond = -1;

  constructor(output = process.stdout) {
    this.#output = output;
    this.#tty = Boolean(output.isTTY);
  }

  /** A finished line. */
  line(text) {
    this.clear();
    this.#output.write(`${text}\n`);
  }

  /** A step that takes a moment: shown at once on a terminal, in a log when it is done. */
  async step(text, work) {
    const from = performance.now();
    if (this.#tty) this.#output.write(`${text} ...`);
    const result = await work();
    this.line(`${text} (${((performance.now() - from) / 1000).toFixed(1)} s)`);
    return result;
  }

  /** Where a measurement stands; negative `elapsedMs` is the warm-up. */
  measurement(title, durationMs, { elapsedMs, answered, errors }) {
    const second = Math.floor(elapsedMs / 1000);
    if (!this.#tty && (second === this.#lastSecond || second < 1)) return;
    this.#lastSecond = second;
    const done = Math.max(0, elapsedMs) / durationMs;
    const filled = Math.round(done * BAR_WIDTH);
    const bar = '#'.repeat(filled) + '.'.repeat(BAR_WIDTH - filled);
    const rate = elapsedMs > 0 ? (answered / elapsedMs) * 1000 : 0;
    const state = elapsedMs < 0 ? 'warming up' : `${count(rate)} requests/s`;
    const shown = (Math.max(0, elapsedMs) / 1000).toFixed(this.#tty ? 1 : 0);
    const seconds = `${shown} of ${durationMs / 1000} s`;
    const text = `${title} [${bar}] ${seconds}  ${state}  ${count(errors)} errors`;
    if (!this.#tty) return this.#output.write(`${text}\n`);
    this.clear();
    this.#output.write(text.slice(0, Math.max(20, (this.#output.columns || 80) - 1)));
  }

  clear() {
    this.#lastSecond = -1;
    if (this.#tty) this.#output.write('\r\x1b[2K');
  }
}

/** Rows of cells as aligned text: first column to the left, figures to the right. */
function table(rows) {
  const widths = rows[0].map((_, i) => Math.max(...rows.map((row) => row[i].length)));
  const align = (cell, i) => (i === 0 ? cell.padEnd(widths[i]) : cell.padStart(widths[i]));
  const lines = rows.map((row) => row.map(align).join('   ').trimEnd());
  lines.splice(1, 0, widths.map((width) => '-'.repeat(width)).join('   '));
  return lines.join('\n');
}

const COLUMNS = ['', 'requests/s', 'p50', 'p99', 'connections opened', 'errors'];

/** The cells of one measurement; the report shows the same. */
function cells({ title, result, opened }) {
  const latency = (p) => milliseconds(result.latencyMs.find((l) => l.percentile === p).ms);
  const figures = [count(result.perSecond), latency(50), latency(99), count(opened)];
  return [title, ...figures, count(result.errorCount)];
}

module.exports = { COLUMNS, Progress, cells, count, milliseconds, table };
