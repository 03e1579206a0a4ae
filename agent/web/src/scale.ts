// Axes: linear scales and ticks at round binary sizes and round local times. Pure functions.

import type { Point } from './api_types';

const MINUTE = 60;
const HOUR = 3600;
const DAY = 86400;
const TIME_STEPS = [
  1,
  2,
  5,
  10,
  15,
  30,
  MINUTE,
  2 * MINUTE,
  5 * MINUTE,
  10 * MINUTE,
  15 * MINUTE,
  30 * MINUTE,
  HOUR,
  2 * HOUR,
  3 * HOUR,
  6 * HOUR,
  12 * HOUR,
  DAY,
  2 * DAY,
  7 * DAY,
  14 * DAY,
  28 * DAY,
  91 * DAY,
  364 * DAY,
];

/** A function from [low, high] to [from, to]. */
export function linearScale(low: number, high: number, from: number, to: number): (value: number) => number {
  const factor = high > low ? (to - from) / (high - low) : 0;
  return (value) => from + (value - low) * factor;
}

export interface Ticks {
  values: number[];
  step: number;
}

/** Multiples of a power of two, so that labels are whole MiB or GiB; about `count` of them. */
export function byteTicks(low: number, high: number, count: number): Ticks {
  const step = 2 ** Math.max(0, Math.ceil(Math.log2((high - low) / count)));
  const values: number[] = [];
  for (let value = Math.ceil(low / step) * step; value <= high; value += step) values.push(value);
  return { values, step };
}

/** Multiples of 1, 2 or 5 times a power of ten, for things that are counted; about `count` of them. */
export function countTicks(low: number, high: number, count: number): Ticks {
  const least = Math.max(1, (high - low) / count);
  const power = 10 ** Math.floor(Math.log10(least));
  const step = [1, 2, 5, 10].map((factor) => factor * power).find((candidate) => candidate >= least) ?? 10 * power;
  const values: number[] = [];
  for (let value = Math.ceil(low / step) * step; value <= high; value += step) values.push(value);
  return { values, step };
}

function localDayStart(seconds: number): Date {
  const date = new Date(seconds * 1000);
  return new Date(date.getFullYear(), date.getMonth(), date.getDate());
}

function dayTicks(low: number, high: number, days: number): number[] {
  const values: number[] = [];
  const date = localDayStart(low);
  while (date.getTime() / 1000 <= high) {
    const seconds = date.getTime() / 1000;
    if (seconds >= low) values.push(seconds);
    date.setDate(date.getDate() + days); // a day of 23 or 25 hours is one day
  }
  return values;
}

/** Times that are round on the clock of the reader; about `count` of them. */
export function timeTicks(low: number, high: number, count: number): Ticks {
  const step = TIME_STEPS.find((candidate) => (high - low) / candidate <= count) ?? 364 * DAY;
  if (step >= DAY) return { values: dayTicks(low, high, step / DAY), step };
  const offset = new Date(low * 1000).getTimezoneOffset() * MINUTE;
  const values: number[] = [];
  for (let value = Math.ceil((low - offset) / step) * step + offset; value <= high; value += step) values.push(value);
  return { values, step };
}

export function isLocalMidnight(seconds: number): boolean {
  return localDayStart(seconds).getTime() / 1000 === seconds;
}

/** From what distance on two neighbours are a gap: the points of a series are `span` seconds in all. */
export function gapSeconds(points: readonly Point[], span: number): number {
  return Math.max(3.5 * medianSpacing(points), span / 400);
}

/** Unbroken runs of points, thinned to at most one a column without losing an extreme. */
export function thinPoints(points: readonly Point[], low: number, high: number, columns: number): Point[][] {
  const visible = points.filter((point) => point[0] >= low && point[0] <= high);
  const width = (high - low) / Math.max(1, columns);
  const gap = gapSeconds(visible, high - low);
  const runs: Point[][] = [];
  let previous = Number.NEGATIVE_INFINITY;
  let column = -1;
  for (const [time, minimum, maximum] of visible) {
    let run = runs.at(-1);
    if (!run || time - previous > gap) {
      run = [];
      runs.push(run);
      column = -1;
    }
    const own = Math.floor((time - low) / width);
    const last = run.at(-1);
    if (last && own === column) {
      run[run.length - 1] = [time, Math.min(last[1], minimum), Math.max(last[2], maximum)];
    } else {
      run.push([time, minimum, maximum]);
    }
    column = own;
    previous = time;
  }
  return runs;
}

function medianSpacing(points: readonly Point[]): number {
  if (points.length < 3) return Number.POSITIVE_INFINITY;
  const spacings = points.slice(1).map((point, index) => point[0] - (points[index]?.[0] ?? point[0]));
  spacings.sort((a, b) => a - b);
  return spacings[Math.floor(spacings.length / 2)] ?? Number.POSITIVE_INFINITY;
}

/** Index of the entry whose first element is nearest to `time`, in a list sorted by it; -1 when empty. */
export function nearest(entries: readonly (readonly [number, ...number[]])[], time: number): number {
  let low = 0;
  let high = entries.length - 1;
  const at = (index: number) => entries[index]?.[0] ?? 0;
  if (high < 0) return -1;
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (at(middle) < time) low = middle;
    else high = middle;
  }
  return Math.abs(at(high) - time) < Math.abs(at(low) - time) ? high : low;
}
