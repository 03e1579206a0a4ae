// The chart of one series: uPlot draws readings, floors and the fitted line; the limit, the forecast and what happened
// when are drawn on its canvas. Every mark has a shape of its own, so that colour is never the only difference.

import uPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';

import type { Point, Series, TimeValue } from './api_types';
import { h, iconPaths, setAttribute } from './dom';
import {
  formatAmount,
  formatClock,
  formatClockWithSeconds,
  formatDay,
  formatMoment,
  formatTick,
  isBytes,
  visibleName,
} from './format';
import { byteTicks, countTicks, gapSeconds, isLocalMidnight, nearest, timeTicks } from './scale';
import { describeSeries, lineAt, readoutText, timeDomain, valueDomain } from './series_view';

const ABOVE_PIXELS = 42; // room for the words of marks
const WORD_ROWS = [16, 32]; // their baselines
const FONT = '12px system-ui, sans-serif';
const COLOURS = [
  'surface',
  'ink',
  'muted',
  'rule',
  'edge',
  'reading',
  'floor',
  'fit',
  'limit',
  'accent',
  'leaking',
  'suspected',
  'recovering',
  'stable',
] as const;
type Colours = Record<(typeof COLOURS)[number], string>;

/** Something that happened at a time: a change of state, another build. */
export interface Mark {
  at: number;
  kind: string;
  label: string;
}

export interface ChartOptions {
  now: number;
  withForecast: boolean;
  marks: Mark[];
}

interface Shown extends ChartOptions {
  series: Series;
  times: [number, number];
  values: [number, number];
}

function coloursOf(element: Element): Colours {
  const style = getComputedStyle(element);
  return Object.fromEntries(COLOURS.map((name) => [name, style.getPropertyValue(`--${name}`).trim()])) as Colours;
}

type Column = (number | null | undefined)[];

/** Times and values for uPlot, whose line breaks where a value is null. */
function pointColumns(points: readonly Point[], span: number): [number[], Column, Column] {
  const columns: [number[], Column, Column] = [[], [], []];
  const gap = gapSeconds(points, span);
  let previous = Number.POSITIVE_INFINITY;
  const add = (time: number, minimum: number | null, maximum: number | null) => {
    columns[0].push(time);
    columns[1].push(minimum);
    columns[2].push(maximum);
  };
  for (const [time, minimum, maximum] of points) {
    if (time <= (columns[0].at(-1) ?? Number.NEGATIVE_INFINITY)) continue;
    if (time - previous > gap) add((time + previous) / 2, null, null);
    add(time, minimum, maximum);
    previous = time;
  }
  return columns;
}

function valueColumns(entries: readonly TimeValue[]): [number[], Column] {
  const rising = entries.filter(([time], index) => index === 0 || time > (entries[index - 1]?.[0] ?? time));
  return [rising.map(([time]) => time), rising.map(([, value]) => value)];
}

function columnsOf({ series, times }: Shown): uPlot.AlignedData {
  const line = series.line ? [series.line.start, series.line.end] : [];
  return uPlot.join([
    pointColumns(series.points, times[1] - times[0]),
    valueColumns(series.floors),
    valueColumns(line),
  ] as uPlot.AlignedData[]);
}

/** What is drawn by hand, in pixels of CSS: uPlot's canvas has more of them on a dense screen. */
class Pen {
  readonly context: CanvasRenderingContext2D;
  private readonly ratio = uPlot.pxRatio;

  constructor(
    private readonly plot: uPlot,
    readonly colours: Colours,
  ) {
    this.context = plot.ctx;
  }

  get box() {
    const { left, top, width, height } = this.plot.bbox;
    const scale = this.ratio;
    return {
      left: left / scale,
      top: top / scale,
      right: (left + width) / scale,
      bottom: (top + height) / scale,
    };
  }

  x(time: number): number {
    return this.plot.valToPos(time, 'x', true) / this.ratio;
  }

  y(value: number): number {
    return this.plot.valToPos(value, 'y', true) / this.ratio;
  }

  /** Runs `draw` with the canvas scaled to pixels of CSS, its state kept. */
  within(draw: () => void): void {
    this.context.save();
    this.context.scale(this.ratio, this.ratio);
    this.context.font = FONT;
    draw();
    this.context.restore();
  }

  path(points: readonly (readonly [number, number])[]): void {
    this.context.beginPath();
    for (const [x, y] of points) this.context.lineTo(x, y);
  }

  line(points: readonly (readonly [number, number])[], colour: string, width: number, dash: number[] = []): void {
    this.path(points);
    this.context.strokeStyle = colour;
    this.context.lineWidth = width;
    this.context.setLineDash(dash);
    this.context.stroke();
    this.context.setLineDash([]);
  }

  /** A text with a rim of the ground's colour, so that lines do not cross it. */
  text(words: string, x: number, y: number, colour: string, align: CanvasTextAlign = 'left'): void {
    const { context } = this;
    context.textAlign = align;
    context.lineJoin = 'round';
    context.strokeStyle = this.colours.surface;
    context.lineWidth = 3;
    context.strokeText(words, x, y);
    context.fillStyle = colour;
    context.fillText(words, x, y);
  }
}

/** The forecast and, between the slopes of its interval, a cone; neither above the limit. */
function drawForecast(pen: Pen, { series, times }: Shown): boolean {
  const { line, limit } = series;
  if (!line || !(times[1] > line.end[0])) return false;
  const { context, box, colours } = pen;
  const [time, value] = line.end;
  const top = Math.max(box.top, limit ? pen.y(limit) : box.top);
  const start = [pen.x(time), pen.y(value)] as const;
  const end = pen.x(times[1]);
  context.save();
  context.beginPath();
  context.rect(box.left, top, box.right - box.left, Math.max(0, box.bottom - top));
  context.clip();
  const growth = line.growth_per_second;
  if (growth && growth.low !== null && growth.high !== null) {
    const at = (rate: number) => [end, pen.y(value + rate * (times[1] - time))] as const;
    pen.path([start, at(growth.high), at(growth.low)]);
    context.fillStyle = colours.fit;
    context.globalAlpha = 0.16;
    context.fill();
    context.globalAlpha = 1;
  }
  pen.line([start, [end, pen.y(lineAt(line, times[1]))]], colours.fit, 2, [7, 5]);
  context.restore();
  return true;
}

function drawNow(pen: Pen, { series, times }: Shown): void {
  const newest = series.points.at(-1)?.[0];
  if (newest === undefined || times[1] - newest < 0.02 * (times[1] - times[0])) return;
  const { box, colours } = pen;
  const x = pen.x(newest);
  pen.line(
    [
      [x, box.top],
      [x, box.bottom],
    ],
    colours.edge,
    1,
  );
  pen.text('now', x + 5, box.bottom - 7, colours.muted);
}

function drawLimit(pen: Pen, { series, values }: Shown): void {
  const { limit, unit } = series;
  if (!limit) return;
  const { box, colours, context } = pen;
  context.font = `600 ${FONT}`;
  if (limit > values[1]) {
    pen.text(
      `\u2191 limit ${formatAmount(limit, unit)}, above this view`,
      box.right,
      box.top + 12,
      colours.limit,
      'right',
    );
    return;
  }
  const y = pen.y(limit);
  pen.line(
    [
      [box.left, y],
      [box.right, y],
    ],
    colours.limit,
    1.6,
  );
  const hasRoomAbove = y - box.top > 20; // else the words of marks are there
  pen.text(`limit ${formatAmount(limit, unit)}`, box.left + 6, hasRoomAbove ? y - 6 : y + 15, colours.limit);
}

/** On the limit: when it is met, with the interval as a whisker. */
function drawExhaustion(pen: Pen, { series, times, values, withForecast, now }: Shown): void {
  const prediction = series.predicted_exhaustion;
  if (!prediction || !withForecast || !series.limit || series.limit > values[1]) return;
  const { box, colours, context } = pen;
  const y = pen.y(series.limit);
  context.font = `600 ${FONT}`;
  if (prediction.at > times[1]) {
    pen.text(`met ${formatMoment(prediction.at, now)} \u2192`, box.right, y + 18, colours.limit, 'right');
    return;
  }
  const from = Math.max(pen.x(prediction.earliest ?? prediction.at), box.left);
  const to = prediction.latest ? Math.min(pen.x(prediction.latest), box.right) : box.right;
  context.globalAlpha = 0.4;
  pen.line(
    [
      [from, y],
      [to, y],
    ],
    colours.limit,
    7,
  );
  context.globalAlpha = 1;
  const x = pen.x(prediction.at);
  pen.line(
    [
      [x - 5, y - 5],
      [x + 5, y + 5],
    ],
    colours.limit,
    2.2,
  );
  pen.line(
    [
      [x + 5, y - 5],
      [x - 5, y + 5],
    ],
    colours.limit,
    2.2,
  );
  const isAtEdge = x > box.right - 30;
  pen.text(formatClock(prediction.at), isAtEdge ? box.right : x, y + 20, colours.limit, isAtEdge ? 'right' : 'center');
}

function drawIcon(pen: Pen, kind: string, x: number, y: number): void {
  const { context, colours } = pen;
  const [solid, line] = iconPaths(kind);
  context.save();
  context.translate(x, y);
  context.scale(11 / 16, 11 / 16);
  context.lineWidth = 2;
  if (kind === 'stable') context.stroke(new Path2D(solid));
  else if (solid) context.fill(new Path2D(solid));
  if (solid && kind !== 'stable') context.strokeStyle = colours.surface;
  context.stroke(new Path2D(line));
  context.restore();
}

/**
 * Each with the shape of its kind. Placed from the newest back: where there is no room, in two rows, it is the older
 * ones that lose their word, then their mark; the line stays.
 */
function drawMarks(pen: Pen, { marks, times }: Shown): number {
  const { box, colours, context } = pen;
  const taken = WORD_ROWS.map(() => box.right + 14); // where the next mark to the right begins
  const shown = marks.filter(({ at }) => at >= times[0] && at <= times[1]).sort((a, b) => b.at - a.at);
  for (const { at, kind, label } of shown) {
    const x = pen.x(at);
    const colour =
      { build: colours.accent, learning: colours.muted }[kind] ?? colours[kind as keyof Colours] ?? colours.muted;
    const words = visibleName(label).slice(0, 40);
    const width = context.measureText(words).width;
    const withWord = taken.findIndex((edge) => x + 12 + width < edge);
    const row = withWord >= 0 ? withWord : taken.findIndex((edge) => x + 8 < edge);
    const baseline = WORD_ROWS[row] ?? box.top;
    context.globalAlpha = 0.8;
    pen.line(
      [
        [x, baseline + 3],
        [x, box.bottom],
      ],
      colour,
      1,
      [2, 3],
    );
    context.globalAlpha = 1;
    if (row < 0) continue;
    context.fillStyle = colour;
    context.strokeStyle = colour;
    drawIcon(pen, kind, x - 5.5, baseline - 9.5);
    if (withWord >= 0) pen.text(words, x + 9, baseline, colour);
    taken[row] = x - 8;
  }
  return shown.length;
}

/** A broken axis is said: nobody should take a rise of 5 % for a doubling. */
function drawAxisNote(pen: Pen, { values }: Shown): void {
  if (values[0] <= 0) return;
  const { box, colours } = pen;
  const isNarrow = box.right - box.left < 480;
  pen.text(isNarrow ? 'not from 0' : 'axis does not begin at 0', box.left + 8, box.bottom - 7, colours.muted);
}

function timeLabels(splits: number[], step: number): string[] {
  return splits.map((time) => {
    if (step >= 86400 || isLocalMidnight(time)) return formatDay(time);
    return step < 60 ? formatClockWithSeconds(time) : formatClock(time);
  });
}

function axesOf(shown: () => Shown | null, colours: () => Colours): uPlot.Axis[] {
  let timeStep = 60;
  let valueStep = 1;
  const unit = () => shown()?.series.unit;
  return [
    {
      font: FONT,
      stroke: () => colours().muted,
      size: 30,
      gap: 4,
      grid: { show: false },
      ticks: { stroke: () => colours().edge, width: 1, size: 4 },
      border: { show: true, stroke: () => colours().edge, width: 1 },
      splits: (plot, _axis, low, high) => {
        const ticks = timeTicks(low, high, Math.max(2, Math.floor(plot.bbox.width / uPlot.pxRatio / 76)));
        timeStep = ticks.step;
        return ticks.values;
      },
      values: (_plot, splits) => timeLabels(splits, timeStep),
    },
    {
      font: FONT,
      stroke: () => colours().muted,
      size: 66,
      gap: 6,
      grid: { stroke: () => colours().rule, width: 1 },
      ticks: { show: false },
      splits: (plot, _axis, low, high) => {
        const count = Math.max(2, Math.floor(plot.bbox.height / uPlot.pxRatio / 44));
        const ticks = (isBytes(unit()) ? byteTicks : countTicks)(low, high, count);
        valueStep = ticks.step;
        return ticks.values;
      },
      values: (_plot, splits) => splits.map((value) => formatTick(value, valueStep, unit())),
    },
  ];
}

function seriesOf(colours: () => Colours): uPlot.Series[] {
  return [
    {},
    { label: 'lowest', width: 0, points: { show: false } },
    { label: 'readings', width: 1.2, stroke: () => colours().reading, points: { size: 3 } },
    {
      label: 'floors',
      paths: () => null,
      points: { show: true, size: 8, width: 1.4, fill: () => colours().floor, stroke: () => colours().surface },
    },
    { label: 'fitted line', width: 2.4, stroke: () => colours().fit, spanGaps: true, points: { show: false } },
  ];
}

/** The stylesheet's colours are #rrggbb; with an alpha of 22 %. */
function translucent(colour: string): string {
  return `${colour}38`;
}

export interface Chart {
  element: HTMLElement;
  update(series: Series, options: ChartOptions): void;
  destroy(): void;
}

/**
 * update() redraws; the chart also follows the width of its place and the colour scheme by itself. Its cursor is a
 * slider: arrows move it, and its value is spoken. data-* of the element say what is drawn.
 */
export function createChart(): Chart {
  const stage = h('div', { class: 'chart-stage' });
  const readout = h('p', { class: 'readout', 'aria-hidden': 'true' });
  const element = h('div', { class: 'chart', role: 'group' }, readout, stage);
  let shown: Shown | null = null;
  let colours: Colours | null = null;
  let plot: uPlot | null = null;
  let selected: number | null = null; // index into points while the cursor is shown
  const currentShown = () => shown;
  const currentColours = () => {
    colours ??= coloursOf(element);
    return colours;
  };

  function say(): void {
    const points = shown?.series.points ?? [];
    const index = Math.min(selected ?? points.length - 1, points.length - 1);
    const point = points[index];
    const over = plot?.over;
    if (!shown || !point || !over) return;
    const text = readoutText(shown.series, point);
    setAttribute(over, 'aria-valuemax', points.length - 1);
    setAttribute(over, 'aria-valuenow', index);
    setAttribute(over, 'aria-valuetext', text.join(', '));
    const parts = text.map((part, position) => h(position === 0 ? 'strong' : 'span', {}, part));
    readout.replaceChildren(...parts);
    if (selected === null) readout.prepend(h('span', { class: 'muted' }, 'latest'));
  }

  function draw(drawn: uPlot): void {
    if (!shown) return;
    const pen = new Pen(drawn, currentColours());
    const view = shown;
    pen.within(() => {
      drawNow(pen, view);
      const hasForecast = view.withForecast && drawForecast(pen, view);
      const marks = drawMarks(pen, view);
      drawLimit(pen, view);
      drawExhaustion(pen, view);
      pen.context.font = FONT;
      drawAxisNote(pen, view);
      setAttribute(element, 'data-forecast', hasForecast ? 'yes' : 'no');
      setAttribute(element, 'data-marks', marks);
    });
    const { points, floors, line, limit } = view.series;
    const inView = (entry: readonly [number, ...number[]]) => entry[0] >= view.times[0];
    setAttribute(element, 'data-readings', points.filter(inView).length);
    setAttribute(element, 'data-floors', floors.filter(inView).length);
    setAttribute(element, 'data-line', line ? 'yes' : 'no');
    setAttribute(element, 'data-limit', limit ? 'yes' : 'no');
  }

  function select(index: number | null, withCursor: boolean): void {
    const points = shown?.series.points ?? [];
    selected = index === null ? null : Math.max(0, Math.min(points.length - 1, index));
    const point = selected === null ? undefined : points[selected];
    if (withCursor && plot) {
      const place = point
        ? { left: plot.valToPos(point[0], 'x'), top: plot.valToPos(point[2], 'y') }
        : { left: -10, top: -10 };
      plot.setCursor(place, false);
    }
    say();
  }

  function followPointer(moved: uPlot): void {
    const { left } = moved.cursor;
    if (!shown || left === undefined || left < 0) select(null, false);
    else select(nearest(shown.series.points, moved.posToVal(left, 'x')), false);
  }

  function onKey(event: KeyboardEvent): void {
    const count = shown?.series.points.length ?? 0;
    const page = Math.max(1, Math.round(count / 20));
    const from = selected ?? count - 1;
    const targets: Record<string, number | null> = {
      ArrowLeft: from - 1,
      ArrowDown: from - 1,
      ArrowRight: from + 1,
      ArrowUp: from + 1,
      PageDown: from - page,
      PageUp: from + page,
      Home: 0,
      End: count - 1,
      Escape: null,
    };
    const target = targets[event.key];
    if (target === undefined) return;
    event.preventDefault();
    select(target, true);
  }

  function makePlot(width: number, height: number, data: uPlot.AlignedData): uPlot {
    const made = new uPlot(
      {
        width,
        height,
        padding: [ABOVE_PIXELS, 22, 0, 0],
        legend: { show: false },
        cursor: { drag: { x: false, y: false }, y: false, points: { show: false } },
        scales: {
          x: { time: true, range: () => shown?.times ?? [0, 1] },
          y: { range: () => shown?.values ?? [0, 1] },
        },
        axes: axesOf(currentShown, currentColours),
        series: seriesOf(currentColours),
        bands: [{ series: [2, 1], fill: () => translucent(currentColours().reading) }],
        hooks: { draw: [draw], setCursor: [followPointer] },
      },
      data,
      stage,
    );
    setAttribute(made.ctx.canvas, 'aria-hidden', 'true');
    const { over } = made;
    for (const [name, value] of Object.entries({
      role: 'slider',
      tabindex: '0',
      'aria-label': 'Chart cursor: arrow keys move through the points',
      'aria-valuemin': '0',
    })) {
      over.setAttribute(name, value);
    }
    over.addEventListener('keydown', onKey);
    over.addEventListener('blur', () => select(null, true));
    return made;
  }

  function layOut(): void {
    const width = Math.floor(stage.clientWidth);
    const height = Math.floor(stage.clientHeight);
    if (!shown || width < 100 || height < 80) return;
    const data = columnsOf(shown);
    if (!plot) {
      plot = makePlot(width, height, data);
    } else {
      if (plot.width !== width || plot.height !== height) plot.setSize({ width, height });
      plot.setData(data, true);
    }
    setAttribute(element, 'aria-label', describeSeries(shown.series, shown.now));
    say();
  }

  const resized = new ResizeObserver(layOut);
  resized.observe(stage);
  const scheme = matchMedia('(prefers-color-scheme: dark)');
  const recolour = () => {
    colours = null;
    plot?.redraw(false, true);
  };
  scheme.addEventListener('change', recolour);

  return {
    element,
    update(series, options) {
      const times = timeDomain(series, options.now, options.withForecast);
      const { low, high } = valueDomain(series, times);
      shown = { ...options, series, times, values: [low, high] };
      layOut();
    },
    destroy() {
      resized.disconnect();
      scheme.removeEventListener('change', recolour);
      plot?.destroy();
    },
  };
}
