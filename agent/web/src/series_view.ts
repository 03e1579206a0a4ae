// What of a series is shown: the part of time and values, and the same in words. Pure functions.

import type { FittedLine, Point, Series, TimeValue } from './api_types';
import {
  forecastSentence,
  formatAmount,
  formatClockWithSeconds,
  formatForecast,
  formatGrowth,
  formatMoment,
  isBytes,
} from './format';
import { nearest } from './scale';

/** The value of the fitted line at `time`, also before and behind it. */
export function lineAt(line: FittedLine, time: number): number {
  const [startTime, startValue] = line.start;
  const [endTime, endValue] = line.end;
  const slope = endTime > startTime ? (endValue - startValue) / (endTime - startTime) : line.growth_per_second.estimate;
  return endValue + slope * (time - endTime);
}

/** How much of the future is worth the width: up to the forecast, but never so much that the past gets small. */
export function timeDomain(series: Series, now: number, withForecast: boolean): [number, number] {
  const first = Math.min(series.points[0]?.[0] ?? now, series.floors[0]?.[0] ?? now);
  const newest = Math.max(series.points.at(-1)?.[0] ?? first, series.floors.at(-1)?.[0] ?? first);
  const end = Math.max(newest, first + 1);
  const prediction = series.predicted_exhaustion;
  if (!withForecast || !prediction || !series.line) return [first, end];
  const past = end - first;
  const wanted = prediction.latest ?? prediction.at + 0.2 * Math.max(0, prediction.at - end);
  return [first, Math.max(end, Math.min(wanted + 0.04 * past, end + 1.2 * past))];
}

export interface ValueDomain {
  low: number;
  high: number;
}

export function valueDomain(series: Series, [start, end]: [number, number]): ValueDomain {
  let low = Number.POSITIVE_INFINITY;
  let high = Number.NEGATIVE_INFINITY;
  const include = (lowest: number, highest: number) => {
    low = Math.min(low, lowest);
    high = Math.max(high, highest);
  };
  for (const [time, minimum, maximum] of series.points) if (time >= start) include(minimum, maximum);
  for (const [time, value] of series.floors) if (time >= start) include(value, value);
  const limit = series.limit ?? 0;
  // Nothing lives above its limit, so neither does the forecast.
  if (series.line) high = Math.max(high, Math.min(lineAt(series.line, end), limit || Number.POSITIVE_INFINITY));
  if (!Number.isFinite(high)) [low, high] = [0, limit || 1024 ** 2];
  // A limit more than half above the data would press the data flat; it is named at the upper edge instead.
  if (limit && limit <= high * 1.6) high = Math.max(high, limit);
  const base = low < 0.55 * high ? 0 : low - 0.15 * (high - low || high * 0.1);
  return { low: base, high: high + 0.05 * (high - base || high || 1) };
}

/** What the chart shows, for those who do not see it. */
export function describeSeries(series: Series, now: number): string {
  const first = series.points[0];
  const newest = series.points.at(-1);
  if (!first || !newest) return 'Chart: no points are stored yet.';
  const what = isBytes(series.unit) ? 'Memory' : `Number of ${series.unit}`;
  const amount = (value: number) => formatAmount(value, series.unit);
  const parts = [
    `${what} from ${formatMoment(first[0], now)} to ${formatMoment(newest[0], now)}: ` +
      `${amount(first[2])} at first, ${amount(newest[2])} now.`,
  ];
  const [oldest, latest] = [series.floors[0], series.floors.at(-1)];
  if (oldest && latest) {
    parts.push(`${series.floors.length} floors, from ${amount(oldest[1])} to ${amount(latest[1])}.`);
  }
  const growth = formatGrowth(series.line?.growth_per_second, series.unit);
  if (growth) parts.push(`Fitted growth ${growth.value}, interval ${growth.interval}.`);
  if (series.limit) parts.push(`Limit ${amount(series.limit)}.`);
  const forecast = formatForecast(series.predicted_exhaustion, now);
  if (forecast) parts.push(`Predicted to meet it ${forecastSentence(forecast)}.`);
  return parts.join(' ');
}

/** The readings at one point: time, values, floor, line. */
export function readoutText(series: Series, [time, minimum, maximum]: Point): string[] {
  const amount = (value: number) => formatAmount(value, series.unit);
  const parts = [
    formatClockWithSeconds(time),
    minimum === maximum ? amount(maximum) : `${amount(minimum)} \u2013 ${amount(maximum)}`,
  ];
  const floor: TimeValue | undefined = series.floors[nearest(series.floors, time)];
  if (floor) parts.push(`floor ${amount(floor[1])}`);
  if (series.line && time >= series.line.start[0]) parts.push(`line ${amount(lineAt(series.line, time))}`);
  return parts;
}
