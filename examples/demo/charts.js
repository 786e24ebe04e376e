'use strict';
// The two plots of the report as SVG text, drawn by ECharts on the server: no script reaches the
// page. Each is drawn once per colour scheme, since an SVG's colours are fixed when it is drawn.

const echarts = require('echarts');

const FONT = 'system-ui, -apple-system, "Segoe UI", Roboto, sans-serif';
const SIZE = { width: 860, height: 360 };

const THEMES = {
  light: { text: '#1f2933', faint: '#5f6c7b', line: '#dfe4ea', page: '#ffffff' },
  dark: { text: '#e6eaf0', faint: '#9aa7b8', line: '#333d4b', page: '#171c24' },
};

// Blue and orange stay apart for colour-blind readers; the symbols differ as well.
const COLOURS = {
  light: { pooled: '#0b67c2', plain: '#c2510b' },
  dark: { pooled: '#5cb3ff', plain: '#ffa056' },
};

function draw(option, theme) {
  const chart = echarts.init(null, null, { renderer: 'svg', ssr: true, ...SIZE });
  const base = {
    animation: false,
    backgroundColor: theme.page,
    textStyle: { fontFamily: FONT, color: theme.text },
    legend: {
      top: 4,
      left: 'center',
      itemGap: 32,
      textStyle: { color: theme.text, fontSize: 14 },
      selectedMode: false,
    },
    grid: { left: 76, right: 36, top: 52, bottom: 58 },
  };
  chart.setOption({ ...base, ...option });
  const svg = chart.renderToSVGString();
  chart.dispose();
  return svg;
}

function axis(name, theme, more) {
  return {
    name,
    nameLocation: 'middle',
    nameTextStyle: { color: theme.faint, fontSize: 13 },
    axisLabel: { color: theme.faint, fontSize: 13 },
    axisLine: { show: true, lineStyle: { color: theme.line } },
    axisTick: { lineStyle: { color: theme.line } },
    splitLine: { lineStyle: { color: theme.line } },
    ...more,
  };
}

function line(name, color, symbol, data, more) {
  return {
    name,
    type: 'line',
    data,
    symbol,
    symbolSize: 8,
    silent: true,
    lineStyle: { width: 2.5, color },
    itemStyle: { color },
    ...more,
  };
}

function throughputChart({ plain, pooled }, seconds, scheme) {
  const theme = THEMES[scheme];
  const points = ({ result }) => result.series.map((s) => [s.seconds, Math.round(s.perSecond)]);
  const series = (measured, key, symbol) =>
    line(measured.title, COLOURS[scheme][key], symbol, points(measured));
  const option = {
    xAxis: axis('seconds since the start of the measurement', theme, {
      type: 'value',
      min: 0,
      max: seconds,
      nameGap: 32,
      splitLine: { show: false },
    }),
    yAxis: axis('requests/s', theme, { type: 'value', min: 0, nameGap: 58 }),
    series: [series(pooled, 'pooled', 'circle'), series(plain, 'plain', 'diamond')],
  };
  return draw(option, theme);
}

function shortMs(ms) {
  return ms >= 100 ? ms.toFixed(0) : ms.toFixed(ms >= 10 ? 1 : 2);
}

/** Whole powers of ten around the values, with room for the labels above and below the lines. */
function decades(values) {
  const known = values.filter((value) => value > 0);
  if (known.length === 0) return {};
  return {
    min: 10 ** Math.floor(Math.log10(Math.min(...known) / 1.5)),
    max: 10 ** Math.ceil(Math.log10(Math.max(...known) * 1.5)),
  };
}

function latencyChart({ plain, pooled }, scheme) {
  const theme = THEMES[scheme];
  const all = [plain, pooled].flatMap(({ result }) => result.latencyMs.map(({ ms }) => ms));
  const names = pooled.result.latencyMs.map(({ percentile }) => `p${percentile}`);
  const series = (measured, key, symbol, position) => {
    const color = COLOURS[scheme][key];
    const values = measured.result.latencyMs.map(({ ms }) => ms);
    const formatter = ({ value }) => (value === null ? '' : shortMs(value));
    const label = { show: true, position, color, fontSize: 13, formatter };
    return line(measured.title, color, symbol, values, { label });
  };
  const option = {
    xAxis: axis('share of requests answered within this time (p99: 99 of 100)', theme, {
      type: 'category',
      data: names,
      nameGap: 32,
    }),
    // Logarithmic: the two are often an order of magnitude apart, the percentiles of one are not.
    yAxis: axis('milliseconds (logarithmic)', theme, { type: 'log', nameGap: 50, ...decades(all) }),
    series: [
      series(pooled, 'pooled', 'circle', 'bottom'),
      series(plain, 'plain', 'diamond', 'top'),
    ],
  };
  return draw(option, theme);
}

/** Both schemes of one plot; the style sheet shows the one the reader uses. */
function bothSchemes(label, drawScheme) {
  const plots = ['light', 'dark'].map(
    (scheme) => `<div class="only-${scheme}">${drawScheme(scheme)}</div>`,
  );
  return `<div class="scroll" role="img" aria-label="${label}">${plots.join('\n')}</div>`;
}

module.exports = { bothSchemes, latencyChart, throughputChart };
