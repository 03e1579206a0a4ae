// Axes: linear scales and ticks at round binary sizes and round local times. Pure functions.

const MINUTE = 60;
const HOUR = 3600;
const DAY = 86400;
const TIME_STEPS = [1, 2, 5, 10, 15, 30, MINUTE, 2 * MINUTE, 5 * MINUTE, 10 * MINUTE, 15 * MINUTE, 30 * MINUTE,
  HOUR, 2 * HOUR, 3 * HOUR, 6 * HOUR, 12 * HOUR, DAY, 2 * DAY, 7 * DAY, 14 * DAY, 28 * DAY, 91 * DAY, 364 * DAY];

/** A function from [low, high] to [from, to]; its domain is kept for whoever needs to clip. */
export function linearScale(low, high, from, to) {
  const factor = high > low ? (to - from) / (high - low) : 0;
  const scale = (value) => from + (value - low) * factor;
  scale.invert = (position) => (factor === 0 ? low : low + (position - from) / factor);
  return Object.assign(scale, { low, high });
}

/** Multiples of a power of two, so that labels are whole MiB or GiB; about `count` of them. */
export function byteTicks(low, high, count) {
  const step = 2 ** Math.max(0, Math.ceil(Math.log2((high - low) / count)));
  const values = [];
  for (let value = Math.ceil(low / step) * step; value <= high; value += step) values.push(value);
  return { values, step };
}

/** Multiples of 1, 2 or 5 times a power of ten, for things that are counted; about `count` of them. */
export function countTicks(low, high, count) {
  const least = Math.max(1, (high - low) / count);
  const power = 10 ** Math.floor(Math.log10(least));
  const step = [1, 2, 5, 10].map((factor) => factor * power).find((candidate) => candidate >= least);
  const values = [];
  for (let value = Math.ceil(low / step) * step; value <= high; value += step) values.push(value);
  return { values, step };
}

function localDayStart(seconds) {
  const date = new Date(seconds * 1000);
  return new Date(date.getFullYear(), date.getMonth(), date.getDate());
}

function dayTicks(low, high, days) {
  const values = [];
  const date = localDayStart(low);
  while (date.getTime() / 1000 <= high) {
    const seconds = date.getTime() / 1000;
    if (seconds >= low) values.push(seconds);
    date.setDate(date.getDate() + days);  // a day of 23 or 25 hours is one day
  }
  return values;
}

/** Times that are round on the clock of the reader; about `count` of them. */
export function timeTicks(low, high, count) {
  const step = TIME_STEPS.find((candidate) => (high - low) / candidate <= count) ?? TIME_STEPS.at(-1);
  if (step >= DAY) return { values: dayTicks(low, high, step / DAY), step };
  const offset = new Date(low * 1000).getTimezoneOffset() * MINUTE;
  const values = [];
  for (let value = Math.ceil((low - offset) / step) * step + offset; value <= high; value += step) values.push(value);
  return { values, step };
}

export function isLocalMidnight(seconds) {
  return localDayStart(seconds).getTime() / 1000 === seconds;
}

/**
 * Points [time, minimum, maximum] thinned to at most one a column without losing an extreme. Gaps stay gaps: the
 * answer is a list of unbroken runs.
 */
export function thinPoints(points, low, high, columns) {
  const visible = points.filter((point) => point[0] >= low && point[0] <= high);
  const width = (high - low) / Math.max(1, columns);
  const gap = Math.max(3.5 * medianSpacing(visible), width * 2);
  const runs = [];
  let previous = -Infinity;
  let column = -1;
  for (const [time, minimum, maximum] of visible) {
    if (time - previous > gap) {
      runs.push([]);
      column = -1;
    }
    const run = runs.at(-1);
    const own = Math.floor((time - low) / width);
    if (own === column) {
      const last = run.at(-1);
      run[run.length - 1] = [time, Math.min(last[1], minimum), Math.max(last[2], maximum)];
    } else {
      run.push([time, minimum, maximum]);
    }
    column = own;
    previous = time;
  }
  return runs;
}

function medianSpacing(points) {
  if (points.length < 3) return Infinity;
  const spacings = points.slice(1).map((point, index) => point[0] - points[index][0]).sort((a, b) => a - b);
  return spacings[Math.floor(spacings.length / 2)];
}

/** Index of the entry whose first element is nearest to `time`, in a list sorted by it; -1 when empty. */
export function nearest(entries, time) {
  let low = 0;
  let high = entries.length - 1;
  if (high < 0) return -1;
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (entries[middle][0] < time) low = middle;
    else high = middle;
  }
  return Math.abs(entries[high][0] - time) < Math.abs(entries[low][0] - time) ? high : low;
}
