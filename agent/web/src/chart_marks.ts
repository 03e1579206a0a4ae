// What of a series is drawn by hand on uPlot's canvas: the limit, the forecast, and what happened when.

import uPlot from 'uplot';

import type { Series } from './api_types';
import { iconPaths } from './dom';
import { formatAmount, formatClock, formatMoment, visibleName } from './format';
import { lineAt } from './series_view';

const WORD_ROWS = [16, 32]; // their baselines
export const FONT = '12px system-ui, sans-serif';
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
export type Colours = Record<(typeof COLOURS)[number], string>;

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

export interface Shown extends ChartOptions {
  series: Series;
  times: [number, number];
  values: [number, number];
}

export function coloursOf(element: Element): Colours {
  const style = getComputedStyle(element);
  return Object.fromEntries(COLOURS.map((name) => [name, style.getPropertyValue(`--${name}`).trim()])) as Colours;
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

/** Draws all of it; says whether there was a forecast, and how many marks. */
export function drawByHand(plot: uPlot, colours: Colours, shown: Shown): { hasForecast: boolean; marks: number } {
  const pen = new Pen(plot, colours);
  let hasForecast = false;
  let marks = 0;
  pen.within(() => {
    drawNow(pen, shown);
    hasForecast = shown.withForecast && drawForecast(pen, shown);
    marks = drawMarks(pen, shown);
    drawLimit(pen, shown);
    drawExhaustion(pen, shown);
    pen.context.font = FONT;
    drawAxisNote(pen, shown);
  });
  return { hasForecast, marks };
}
