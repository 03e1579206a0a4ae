// The chart of one series, drawn as SVG: raw points, floors, fitted line with its interval, limit, forecast and
// state changes. Every mark has a shape of its own, so that colour is never the only difference.

import { h, icon, s, setAttribute, setText } from './dom.js';
import {
  forecastSentence, formatAmount, formatClock, formatClockWithSeconds, formatDay, formatForecast, formatGrowth,
  formatMoment, formatTick, isBytes,
} from './format.js';
import { byteTicks, countTicks, isLocalMidnight, linearScale, nearest, thinPoints, timeTicks } from './scale.js';

const MARGIN = { top: 44, right: 16, bottom: 26, left: 62 };
const CHANGE_ROWS = [18, 34];  // baselines of the words above the plot
const FLOORS_DRAWN_AT_MOST = 240;

function last(list) {
  return list.length > 0 ? list[list.length - 1] : undefined;
}

function lineAt(line, time) {
  const [startTime, startValue] = line.start;
  const [endTime, endValue] = line.end;
  const slope = endTime > startTime ? (endValue - startValue) / (endTime - startTime)
    : line.growth_per_second?.estimate ?? 0;
  return endValue + slope * (time - endTime);
}

/** How much of the future is worth the width: up to the forecast, but never so much that the past gets small. */
function timeDomain(series, now, withForecast) {
  const first = Math.min(series.points[0]?.[0] ?? now, series.floors[0]?.[0] ?? now);
  const newest = Math.max(last(series.points)?.[0] ?? first, last(series.floors)?.[0] ?? first);
  const end = Math.max(newest, first + 1);
  const prediction = series.predicted_exhaustion;
  if (!withForecast || !prediction || !series.line) return [first, end];
  const past = end - first;
  const wanted = prediction.latest ?? prediction.at + 0.2 * Math.max(0, prediction.at - end);
  return [first, Math.max(end, Math.min(wanted + 0.04 * past, end + 1.2 * past))];
}

function valueDomain(series, [start, end]) {
  let low = Infinity;
  let high = -Infinity;
  for (const [time, minimum, maximum] of series.points) {
    if (time < start) continue;
    low = Math.min(low, minimum);
    high = Math.max(high, maximum);
  }
  for (const [time, value] of series.floors) {
    if (time < start) continue;
    low = Math.min(low, value);
    high = Math.max(high, value);
  }
  // Nothing lives above its limit, so neither does the forecast.
  if (series.line) high = Math.max(high, Math.min(lineAt(series.line, end), series.limit ?? Infinity));
  if (!Number.isFinite(high)) [low, high] = [0, series.limit ?? 1024 ** 2];
  // A limit more than half above the data would press the data flat; it is named at the upper edge instead.
  const limit = series.limit;
  if (limit && limit <= high * 1.6) high = Math.max(high, limit);
  const base = low < 0.55 * high ? 0 : low - 0.15 * (high - low || high * 0.1);
  return [base, high + 0.05 * (high - base || high || 1)];
}

function polyline(points) {
  return points.map(([x, y], index) => `${index === 0 ? 'M' : 'L'}${x.toFixed(1)} ${y.toFixed(1)}`).join('');
}

function axes(frame) {
  const { x, y, width, height } = frame;
  const bottom = height - MARGIN.bottom;
  const group = s('g', { class: 'axes' });
  const ticks = isBytes(frame.unit) ? byteTicks : countTicks;
  const rows = ticks(y.low, y.high, Math.max(2, Math.floor((bottom - MARGIN.top) / 44)));
  for (const value of rows.values) {
    const top = y(value);
    group.append(s('line', { class: 'grid', x1: MARGIN.left, x2: width - MARGIN.right, y1: top, y2: top }),
      s('text', { class: 'tick', x: MARGIN.left - 8, y: top + 4, 'text-anchor': 'end' },
        formatTick(value, rows.step, frame.unit)));
  }
  const columns = timeTicks(x.low, x.high, Math.max(2, Math.floor((width - MARGIN.left - MARGIN.right) / 76)));
  for (const time of columns.values) {
    const left = x(time);
    const label = columns.step >= 86400 || isLocalMidnight(time) ? formatDay(time)
      : columns.step < 60 ? formatClockWithSeconds(time) : formatClock(time);
    group.append(s('line', { class: 'tick-mark', x1: left, x2: left, y1: bottom, y2: bottom + 4 }),
      s('text', { class: 'tick', x: Math.min(left, width - 22), y: bottom + 18, 'text-anchor': 'middle' }, label));
  }
  group.append(s('line', { class: 'axis', x1: MARGIN.left, x2: width - MARGIN.right, y1: bottom, y2: bottom }));
  if (y.low > 0) {
    // A broken axis is said and drawn: nobody should take a rise of 5 % for a doubling.
    group.append(s('path', { class: 'axis-break',
      d: `M${MARGIN.left} ${bottom}l0 -4 l4 -2 l-8 -4 l4 -2 l0 -4` }),
    s('text', { class: 'tick', x: MARGIN.left + 8, y: bottom - 6 },
      width < 560 ? 'not from 0' : 'axis does not begin at 0'));
  }
  return group;
}

function band(runs, frame) {
  const { x, y } = frame;
  const group = s('g', { class: 'points' });
  for (const run of runs) {
    const upper = run.map(([time, , maximum]) => [x(time), y(maximum)]);
    const lower = run.map(([time, minimum]) => [x(time), y(minimum)]).reverse();
    if (run.length === 1) {
      group.append(s('circle', { class: 'point', cx: upper[0][0], cy: upper[0][1], r: 1.5 }));
      continue;
    }
    group.append(s('path', { class: 'band', d: `${polyline(upper)}${polyline(lower).replace('M', 'L')}Z` }),
      s('path', { class: 'raw', d: polyline(upper) }));
  }
  return group;
}

function floorDots(series, frame) {
  const { x, y } = frame;
  const visible = series.floors.filter(([time]) => time >= x.low);
  const stride = Math.ceil(visible.length / FLOORS_DRAWN_AT_MOST);
  return s('g', { class: 'floors' }, visible
    .filter((_, index) => (visible.length - 1 - index) % stride === 0)
    .map(([time, value]) => s('circle', { class: 'floor', cx: x(time).toFixed(1), cy: y(value).toFixed(1), r: 3.4 })));
}

/** Between the slopes of the interval, from the end of the fitted line to the edge of the chart. */
function cone(series, frame) {
  const { x, y } = frame;
  const growth = series.line.growth_per_second;
  if (!growth || !(x.high > series.line.end[0])) return null;
  const [time, value] = series.line.end;
  const stop = x.high;
  const at = (rate) => [x(stop), y(value + rate * (stop - time))];
  const start = [x(time), y(value)];
  return s('path', { class: 'cone', d: `${polyline([start, at(growth.high), at(growth.low)])}Z` });
}

function fittedLine(series, frame) {
  if (!series.line) return null;
  const { x, y } = frame;
  const { start, end } = series.line;
  const group = s('g', { class: 'fit' });
  if (x.high > end[0]) {
    const future = s('g', { 'clip-path': 'url(#below-limit)' }, cone(series, frame));
    group.append(future);
    future.append(s('path', { class: 'forecast', d: polyline([[x(end[0]), y(end[1])],
      [x(x.high), y(lineAt(series.line, x.high))]]) }));
  }
  group.append(s('path', { class: 'line', d: polyline([[x(start[0]), y(start[1])], [x(end[0]), y(end[1])]]) }));
  return group;
}

function limitLine(series, frame) {
  const { y, width } = frame;
  const limit = series.limit;
  if (!limit) return null;
  const right = width - MARGIN.right;
  if (limit > y.high) {
    return s('g', { class: 'limit limit-above' }, s('text', { class: 'limit-label', x: right, y: MARGIN.top + 12,
      'text-anchor': 'end' }, `\u2191 limit ${formatAmount(limit, series.unit)}, above this view`));
  }
  const top = y(limit);
  return s('g', { class: 'limit' },
    s('line', { class: 'limit-line', x1: MARGIN.left, x2: right, y1: top, y2: top }),
    s('text', { class: 'limit-label', x: MARGIN.left + 6, y: top - 6 }, `limit ${formatAmount(limit, series.unit)}`));
}

/** On the limit: when it is met, with the interval as a whisker. */
function exhaustionMark(series, frame, now) {
  const { x, y, width } = frame;
  const prediction = series.predicted_exhaustion;
  if (!prediction || !frame.withForecast || !series.limit || series.limit > y.high) return null;
  const right = width - MARGIN.right;
  const top = y(series.limit);
  const group = s('g', { class: 'exhaustion' });
  if (prediction.at <= x.high) {
    const from = Math.max(x(prediction.earliest ?? prediction.at), MARGIN.left);
    const to = prediction.latest ? Math.min(x(prediction.latest), right) : right;
    group.append(s('line', { class: 'whisker', x1: from, x2: to, y1: top, y2: top }));
    const left = x(prediction.at);
    group.append(s('path', { class: 'cross', d: `M${left - 5} ${top - 5}l10 10m0 -10l-10 10` }));
    const anchor = left > width - 90 ? 'end' : 'middle';
    group.append(s('text', { class: 'exhaustion-label', x: anchor === 'end' ? right : left, y: top + 20,
      'text-anchor': anchor }, formatClock(prediction.at)));
  } else {
    group.append(s('text', { class: 'exhaustion-label', x: right, y: top + 18, 'text-anchor': 'end' },
      `met ${formatMoment(prediction.at, now)} \u2192`));
  }
  return group;
}

/**
 * Each with the shape of its state. Placed from the newest back: where there is no room, in two rows, it is the
 * older ones that lose their word, then their mark; the line stays.
 */
function stateChanges(series, frame) {
  const { x, height } = frame;
  const group = s('g', { class: 'changes' });
  const taken = CHANGE_ROWS.map(() => frame.width);  // where the next mark to the right begins
  for (const { at, state } of [...(series.changes ?? [])].reverse()) {
    if (at < x.low || at > x.high) continue;
    const left = x(at);
    const wordFits = (edge) => left + 16 + String(state).length * 7.2 < edge;
    const markFits = (edge) => left + 8 < edge;
    const withWord = taken.findIndex(wordFits);
    const row = withWord >= 0 ? withWord : taken.findIndex(markFits);
    const top = CHANGE_ROWS[row] ?? MARGIN.top;
    const change = s('g', { class: `change change-${state}` },
      s('line', { x1: left, x2: left, y1: top + 3, y2: height - MARGIN.bottom }));
    group.append(change);
    if (row < 0) continue;
    const mark = icon(state);
    for (const [name, value] of Object.entries({ x: left - 5.5, y: top - 9.5, width: 11, height: 11 })) {
      mark.setAttribute(name, value);
    }
    change.append(mark);
    if (withWord >= 0) change.append(s('text', { x: left + 9, y: top }, state));
    taken[row] = left - 8;
  }
  return group;
}

function nowLine(frame, end) {
  const { x, height } = frame;
  if (x.high - end < 0.02 * (x.high - x.low)) return null;
  return s('g', { class: 'now' },
    s('line', { class: 'now-line', x1: x(end), x2: x(end), y1: MARGIN.top, y2: height - MARGIN.bottom }),
    s('text', { class: 'now-label', x: x(end) + 5, y: height - MARGIN.bottom - 6 }, 'now'));
}

function framed(series, width, height, now, withForecast) {
  const times = timeDomain(series, now, withForecast);
  const values = valueDomain(series, times);
  return {
    width, height, withForecast, unit: series.unit,
    x: linearScale(times[0], times[1], MARGIN.left, width - MARGIN.right),
    y: linearScale(values[0], values[1], height - MARGIN.bottom, MARGIN.top),
  };
}

/** What the chart shows, for those who do not see it. */
export function describeSeries(series, now) {
  if (series.points.length === 0) return 'Chart: no points are stored yet.';
  const first = series.points[0];
  const newest = last(series.points);
  const what = isBytes(series.unit) ? 'Memory' : `Number of ${series.unit}`;
  const parts = [`${what} from ${formatMoment(first[0], now)} to ${formatMoment(newest[0], now)}: `
    + `${formatAmount(first[2], series.unit)} at first, ${formatAmount(newest[2], series.unit)} now.`];
  if (series.floors.length > 0) {
    parts.push(`${series.floors.length} floors, from ${formatAmount(series.floors[0][1], series.unit)} `
      + `to ${formatAmount(last(series.floors)[1], series.unit)}.`);
  }
  const growth = formatGrowth(series.line?.growth_per_second, series.unit);
  if (growth) parts.push(`Fitted growth ${growth.value}, interval ${growth.interval}.`);
  if (series.limit) parts.push(`Limit ${formatAmount(series.limit, series.unit)}.`);
  const forecast = formatForecast(series.predicted_exhaustion, now);
  if (forecast) parts.push(`Predicted to meet it ${forecastSentence(forecast)}.`);
  return parts.join(' ');
}

function readoutText(series, point) {
  const [time, minimum, maximum] = point;
  const parts = [formatClockWithSeconds(time), minimum === maximum ? formatAmount(maximum, series.unit)
    : `${formatAmount(minimum, series.unit)} \u2013 ${formatAmount(maximum, series.unit)}`];
  const index = nearest(series.floors, time);
  if (index >= 0) parts.push(`floor ${formatAmount(series.floors[index][1], series.unit)}`);
  if (series.line && time >= series.line.start[0]) {
    parts.push(`line ${formatAmount(lineAt(series.line, time), series.unit)}`);
  }
  return parts;
}

/**
 * The chart with its crosshair. update(series, {now, withForecast}) redraws; it also follows the width of its
 * place by itself. The crosshair is a slider: arrows move it, and its value is spoken.
 */
export function createChart() {
  const svg = s('svg', { class: 'chart-svg', role: 'img' });
  const cursor = h('div', { class: 'chart-cursor', role: 'slider', tabindex: '0', 'aria-label':
    'Chart cursor: arrow keys move through the points', 'aria-valuemin': '0' });
  const readout = h('p', { class: 'readout', 'aria-hidden': 'true' });
  const stage = h('div', { class: 'chart-stage' }, svg, cursor);
  const element = h('div', { class: 'chart' }, readout, stage);
  let current = null;
  let frame = null;
  let selected = null;  // index into points while the crosshair is shown
  const crosshair = s('g', { class: 'crosshair' });

  function showCrosshair() {
    crosshair.replaceChildren();
    const points = current?.series.points ?? [];
    const index = Math.min(selected ?? points.length - 1, points.length - 1);
    setAttribute(cursor, 'aria-valuemax', Math.max(0, points.length - 1));
    setAttribute(cursor, 'aria-valuenow', Math.max(0, index));
    if (index < 0) {
      setText(readout, '');
      setAttribute(cursor, 'aria-valuetext', 'no points');
      return;
    }
    const text = readoutText(current.series, points[index]);
    readout.replaceChildren(...text.map((part, position) => h(position === 0 ? 'strong' : 'span', {}, part)));
    if (selected === null) readout.prepend(h('span', { class: 'muted' }, 'latest'));
    setAttribute(cursor, 'aria-valuetext', text.join(', '));
    if (selected === null) return;
    const left = frame.x(points[index][0]);
    crosshair.append(
      s('line', { class: 'crosshair-line', x1: left, x2: left, y1: MARGIN.top, y2: frame.height - MARGIN.bottom }),
      s('circle', { class: 'crosshair-dot', cx: left, cy: frame.y(points[index][2]), r: 4 }));
  }

  function draw() {
    const width = Math.floor(stage.clientWidth);
    const height = Math.floor(stage.clientHeight);
    if (!current || width < 100 || height < 80) return;
    const { series, now, withForecast } = current;
    frame = framed(series, width, height, now, withForecast);
    setAttribute(svg, 'viewBox', `0 0 ${width} ${height}`);
    setAttribute(svg, 'aria-label', describeSeries(series, now));
    const runs = thinPoints(series.points, frame.x.low, frame.x.high, width - MARGIN.left - MARGIN.right);
    const clip = (id, top) => s('clipPath', { id }, s('rect', { x: MARGIN.left, y: top,
      width: width - MARGIN.left - MARGIN.right, height: Math.max(0, height - MARGIN.bottom - top) }));
    const limitTop = Math.max(MARGIN.top, frame.y(series.limit ?? frame.y.high));
    const newest = last(series.points)?.[0] ?? now;
    const plot = s('g', { 'clip-path': 'url(#plot)' },
      band(runs, frame), fittedLine(series, frame), floorDots(series, frame));
    svg.replaceChildren(...[clip('plot', MARGIN.top - 2), clip('below-limit', limitTop), axes(frame),
      nowLine(frame, newest), plot, stateChanges(series, frame), limitLine(series, frame),
      exhaustionMark(series, frame, now), crosshair].filter(Boolean));
    showCrosshair();
  }

  function select(index) {
    const points = current?.series.points ?? [];
    if (points.length === 0) return;
    selected = index === null ? null : Math.max(0, Math.min(points.length - 1, index));
    showCrosshair();
  }

  cursor.addEventListener('pointermove', (event) => {
    if (!frame) return;
    const time = frame.x.invert(event.clientX - stage.getBoundingClientRect().left);
    select(nearest(current.series.points, time));
  });
  cursor.addEventListener('pointerleave', () => select(null));
  cursor.addEventListener('blur', () => select(null));
  cursor.addEventListener('keydown', (event) => {
    const count = current?.series.points.length ?? 0;
    const page = Math.max(1, Math.round(count / 20));
    const from = selected ?? count - 1;
    const target = { ArrowLeft: from - 1, ArrowDown: from - 1, ArrowRight: from + 1, ArrowUp: from + 1,
      PageDown: from - page, PageUp: from + page, Home: 0, End: count - 1, Escape: null }[event.key];
    if (target === undefined) return;
    event.preventDefault();
    select(target);
  });
  new ResizeObserver(draw).observe(stage);

  return {
    element,
    update(series, options) {
      current = { series, ...options };
      draw();
    },
  };
}

/** A small, silent version for lists: points, floors and limit without axes. */
export function createSparkline() {
  const svg = s('svg', { class: 'spark', 'aria-hidden': 'true', focusable: 'false', preserveAspectRatio: 'none',
    viewBox: '0 0 240 56' });
  return {
    element: svg,
    update(series) {
      if (!series || series.points.length < 2) {
        svg.replaceChildren();
        return;
      }
      const times = [series.points[0][0], last(series.points)[0]];
      const [, high] = valueDomain({ ...series, line: null }, times);
      const frame = { x: linearScale(times[0], times[1], 1, 239), y: linearScale(0, high, 54, 3) };
      const limit = series.limit;
      svg.replaceChildren(band(thinPoints(series.points, times[0], times[1], 120), frame));
      if (series.line) {
        const { start, end } = series.line;
        svg.append(s('path', { class: 'line', d: polyline([[frame.x(start[0]), frame.y(start[1])],
          [frame.x(end[0]), frame.y(end[1])]]) }));
      }
      if (limit && limit <= high) {
        svg.append(s('line', { class: 'limit-line', x1: 0, x2: 240, y1: frame.y(limit), y2: frame.y(limit) }));
      }
    },
  };
}
