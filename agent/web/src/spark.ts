// A small, silent chart for lists: points, line and limit without axes, as SVG.

import type { Point, Series } from './api_types';
import { s } from './dom';
import { linearScale, thinPoints } from './scale';
import { valueDomain } from './series_view';

type Scale = (value: number) => number;

function polyline(points: readonly (readonly [number, number])[]): string {
  return points.map(([x, y], index) => `${index === 0 ? 'M' : 'L'}${x.toFixed(1)} ${y.toFixed(1)}`).join('');
}

function band(runs: readonly Point[][], x: Scale, y: Scale): SVGElement {
  const group = s('g');
  for (const run of runs) {
    const upper = run.map(([time, , maximum]) => [x(time), y(maximum)] as const);
    const lower = run.map(([time, minimum]) => [x(time), y(minimum)] as const).reverse();
    group.append(
      s('path', { class: 'band', d: `${polyline(upper)}${polyline(lower).replace('M', 'L')}Z` }),
      s('path', { class: 'raw', d: polyline(upper) }),
    );
  }
  return group;
}

export interface Sparkline {
  element: SVGSVGElement;
  update(series: Series | null | undefined): void;
}

export function createSparkline(): Sparkline {
  const svg = s('svg', {
    class: 'spark',
    'aria-hidden': 'true',
    focusable: 'false',
    preserveAspectRatio: 'none',
    viewBox: '0 0 240 56',
  });
  return {
    element: svg,
    update(series) {
      const first = series?.points[0];
      const newest = series?.points.at(-1);
      if (!series || !first || !newest || first === newest) {
        svg.replaceChildren();
        return;
      }
      const { high } = valueDomain({ ...series, line: null }, [first[0], newest[0]]);
      const x = linearScale(first[0], newest[0], 1, 239);
      const y = linearScale(0, high, 54, 3);
      svg.replaceChildren(band(thinPoints(series.points, first[0], newest[0], 120), x, y));
      if (series.line) {
        const ends = [series.line.start, series.line.end].map(([time, value]) => [x(time), y(value)] as const);
        svg.append(s('path', { class: 'line', d: polyline(ends) }));
      }
      if (series.limit && series.limit <= high) {
        svg.append(s('line', { class: 'limit-line', x1: 0, x2: 240, y1: y(series.limit), y2: y(series.limit) }));
      }
    },
  };
}
