// The chart of one series: uPlot draws readings, floors and the fitted line, chart_marks the rest. Every mark has a shape
// of its own, so that colour is never the only difference.

import uPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';

import type { Point, Series, TimeValue } from './api_types';
import { type ChartOptions, type Colours, coloursOf, drawByHand, FONT, type Shown } from './chart_marks';
import { h, setAttribute } from './dom';
import { formatClock, formatClockWithSeconds, formatDay, formatTick, isBytes } from './format';
import { byteTicks, countTicks, gapSeconds, isLocalMidnight, nearest, timeTicks } from './scale';
import { describeSeries, readoutText, timeDomain, valueDomain } from './series_view';

const ABOVE_PIXELS = 42; // room for the words of marks

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

/** What a key does to the place of the cursor; nothing where it is no key of the chart. */
function placeAfter(key: string, from: number, count: number): number | null | undefined {
  const page = Math.max(1, Math.round(count / 20));
  const places: Record<string, number | null> = {
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
  return places[key];
}

class SeriesChart implements Chart {
  readonly element: HTMLElement;
  private readonly stage = h('div', { class: 'chart-stage' });
  private readonly readout = h('p', { class: 'readout', 'aria-hidden': 'true' });
  private readonly resized = new ResizeObserver(() => this.layOut());
  private readonly scheme = matchMedia('(prefers-color-scheme: dark)');
  private shown: Shown | null = null;
  private colours: Colours | null = null;
  private plot: uPlot | null = null;
  private selected: number | null = null; // index into points while the cursor is shown

  constructor() {
    this.element = h('div', { class: 'chart', role: 'group' }, this.readout, this.stage);
    this.resized.observe(this.stage);
    this.scheme.addEventListener('change', this.recolour);
  }

  update(series: Series, options: ChartOptions): void {
    const times = timeDomain(series, options.now, options.withForecast);
    const { low, high } = valueDomain(series, times);
    this.shown = { ...options, series, times, values: [low, high] };
    this.layOut();
  }

  destroy(): void {
    this.resized.disconnect();
    this.scheme.removeEventListener('change', this.recolour);
    this.plot?.destroy();
  }

  private readonly recolour = (): void => {
    this.colours = null;
    this.plot?.redraw(false, true);
  };

  private currentColours(): Colours {
    this.colours ??= coloursOf(this.element);
    return this.colours;
  }

  private layOut(): void {
    const width = Math.floor(this.stage.clientWidth);
    const height = Math.floor(this.stage.clientHeight);
    if (!this.shown || width < 100 || height < 80) return;
    const data = columnsOf(this.shown);
    if (this.plot) {
      if (this.plot.width !== width || this.plot.height !== height) this.plot.setSize({ width, height });
      this.plot.setData(data, true);
    } else {
      this.plot = this.makePlot(width, height, data);
    }
    setAttribute(this.element, 'aria-label', describeSeries(this.shown.series, this.shown.now));
    this.say();
  }

  private makePlot(width: number, height: number, data: uPlot.AlignedData): uPlot {
    const colours = () => this.currentColours();
    const options: uPlot.Options = {
      width,
      height,
      padding: [ABOVE_PIXELS, 22, 0, 0],
      legend: { show: false },
      cursor: { drag: { x: false, y: false }, y: false, points: { show: false } },
      scales: {
        x: { time: true, range: () => this.shown?.times ?? [0, 1] },
        y: { range: () => this.shown?.values ?? [0, 1] },
      },
      axes: axesOf(() => this.shown, colours),
      series: seriesOf(colours),
      bands: [{ series: [2, 1], fill: () => translucent(colours().reading) }],
      hooks: { draw: [(plot) => this.draw(plot)], setCursor: [(plot) => this.followPointer(plot)] },
    };
    const made = new uPlot(options, data, this.stage);
    setAttribute(made.ctx.canvas, 'aria-hidden', 'true');
    setAttribute(made.over, 'role', 'slider');
    setAttribute(made.over, 'tabindex', 0);
    setAttribute(made.over, 'aria-label', 'Chart cursor: arrow keys move through the points');
    setAttribute(made.over, 'aria-valuemin', 0);
    made.over.addEventListener('keydown', (event) => this.onKey(event));
    made.over.addEventListener('blur', () => this.select(null, true));
    return made;
  }

  private draw(plot: uPlot): void {
    if (!this.shown) return;
    const { hasForecast, marks } = drawByHand(plot, this.currentColours(), this.shown);
    const { series, times } = this.shown;
    const inView = (entry: readonly [number, ...number[]]) => entry[0] >= times[0];
    setAttribute(this.element, 'data-forecast', hasForecast ? 'yes' : 'no');
    setAttribute(this.element, 'data-marks', marks);
    setAttribute(this.element, 'data-readings', series.points.filter(inView).length);
    setAttribute(this.element, 'data-floors', series.floors.filter(inView).length);
    setAttribute(this.element, 'data-line', series.line ? 'yes' : 'no');
    setAttribute(this.element, 'data-limit', series.limit ? 'yes' : 'no');
  }

  /** Shows and speaks the point under the cursor, else the newest. */
  private say(): void {
    const points = this.shown?.series.points ?? [];
    const index = Math.min(this.selected ?? points.length - 1, points.length - 1);
    const point = points[index];
    const over = this.plot?.over;
    if (!this.shown || !point || !over) return;
    const text = readoutText(this.shown.series, point);
    setAttribute(over, 'aria-valuemax', points.length - 1);
    setAttribute(over, 'aria-valuenow', index);
    setAttribute(over, 'aria-valuetext', text.join(', '));
    const parts = text.map((part, position) => h(position === 0 ? 'strong' : 'span', {}, part));
    this.readout.replaceChildren(...parts);
    if (this.selected === null) this.readout.prepend(h('span', { class: 'muted' }, 'latest'));
  }

  private select(index: number | null, withCursor: boolean): void {
    const points = this.shown?.series.points ?? [];
    this.selected = index === null ? null : Math.max(0, Math.min(points.length - 1, index));
    const point = this.selected === null ? undefined : points[this.selected];
    if (withCursor && this.plot) {
      const place = point
        ? { left: this.plot.valToPos(point[0], 'x'), top: this.plot.valToPos(point[2], 'y') }
        : { left: -10, top: -10 };
      this.plot.setCursor(place, false);
    }
    this.say();
  }

  private followPointer(plot: uPlot): void {
    const { left } = plot.cursor;
    if (!this.shown || left === undefined || left < 0) this.select(null, false);
    else this.select(nearest(this.shown.series.points, plot.posToVal(left, 'x')), false);
  }

  private onKey(event: KeyboardEvent): void {
    const count = this.shown?.series.points.length ?? 0;
    const place = placeAfter(event.key, this.selected ?? count - 1, count);
    if (place === undefined) return;
    event.preventDefault();
    this.select(place, true);
  }
}

/**
 * update() redraws; the chart also follows the width of its place and the colour scheme by itself. Its cursor is a
 * slider: arrows move it, and its value is spoken. data-* of the element say what is drawn.
 */
export function createChart(): Chart {
  return new SeriesChart();
}
