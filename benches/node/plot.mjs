// The report as one SVG: a small bar chart per metric, drawn by ECharts without a browser.
import * as echarts from 'echarts';
import { figure } from './report.mjs';

const COLUMNS = 3;
const PANEL = { width: 380, height: 190 };
const MARGIN = { top: 84, left: 20 };
const COLORS = { polypool: '#c2410c', pg: '#64748b', postgres: '#94a3b8', bun: '#475569' };

export function plot(report) {
  const panels = report.rows.flatMap((row) => row.metrics.map((metric) => ({ row, metric })));
  const width = MARGIN.left * 2 + Math.min(COLUMNS, panels.length) * PANEL.width;
  const height = MARGIN.top + Math.ceil(panels.length / COLUMNS) * PANEL.height;
  const chart = echarts.init(null, null, { renderer: 'svg', ssr: true, width, height });
  chart.setOption({
    animation: false,
    backgroundColor: '#ffffff',
    title: [heading(report), ...panels.map(({ row, metric }, i) => panelTitle(row, metric, i))],
    grid: panels.map((_, index) => ({ ...corner(index, 110, 44), width: 200, height: 120 })),
    xAxis: panels.map((_, gridIndex) => ({ gridIndex, type: 'value', show: false, min: 0 })),
    yAxis: panels.map((_, gridIndex) => ({
      gridIndex,
      type: 'category',
      data: report.peers,
      inverse: true,
      axisLine: { show: false },
      axisTick: { show: false },
    })),
    series: panels.map(({ metric }, index) => bars(report.peers, metric, index)),
  });
  const svg = chart.renderToSVGString();
  chart.dispose();
  return svg;
}

function corner(index, right, down) {
  const column = index % COLUMNS;
  const line = Math.floor(index / COLUMNS);
  return {
    left: MARGIN.left + column * PANEL.width + right,
    top: MARGIN.top + line * PANEL.height + down,
  };
}

function heading({ versions, rounds, seconds }) {
  const list = Object.entries(versions).map(([name, version]) => `${name} ${version}`);
  return {
    text: 'polypool and its peers',
    subtext: `${list.join(', ')}\nmedians of ${rounds} x ${seconds} s, ten connections`,
    left: MARGIN.left,
    top: 8,
  };
}

function panelTitle(row, metric, index) {
  const arrow = metric.better === 'higher' ? 'more is better' : 'less is better';
  return {
    text: metric.title ? `${row.name}: ${metric.title}` : row.title,
    subtext: `${metric.unit}, ${arrow}`,
    textStyle: { fontSize: 12 },
    subtextStyle: { fontSize: 11 },
    itemGap: 3,
    ...corner(index, 10, 4),
  };
}

const shown = ({ medians }, peer) => (peer in medians ? figure(medians[peer]) : '-');

function bars(peers, metric, index) {
  return {
    type: 'bar',
    xAxisIndex: index,
    yAxisIndex: index,
    barWidth: 16,
    data: peers.map((peer) => ({
      value: metric.medians[peer] ?? 0,
      itemStyle: { color: COLORS[peer] },
      label: { show: true, position: 'right', formatter: () => shown(metric, peer) },
    })),
  };
}
