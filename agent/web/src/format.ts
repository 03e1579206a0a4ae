// Numbers, times and names as people read them. Sizes are binary, times local; every interval that the agent
// gives is shown. Units are joined to their numbers with no-break spaces.

import type { Evidence, Growth, LimitSource, Prediction, Signal, Unit } from './api_types';
import { h, type Properties } from './dom';

type Amount = number | null | undefined;

const NBSP = '\u00a0';
const DASH = '\u2013';
export const UNKNOWN = DASH;
const UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'];
const MINUTE = 60;
const HOUR = 3600;
const DAY = 86400;

function known(value: Amount): value is number {
  return typeof value === 'number' && Number.isFinite(value);
}

function unitIndex(bytes: number): number {
  const magnitude = Math.abs(bytes);
  let index = 0;
  while (index < UNITS.length - 1 && magnitude >= 999.5 * 1024 ** index) ++index;
  return index;
}

function digits(value: number): string {
  const magnitude = Math.abs(value);
  if (magnitude >= 100 || magnitude === 0) return value.toFixed(0);
  return magnitude >= 10 ? value.toFixed(1).replace(/\.0$/, '') : value.toFixed(2).replace(/\.?0+$/, '');
}

/** 312 MiB */
export function formatBytes(bytes: Amount): string {
  if (!known(bytes)) return UNKNOWN;
  const index = unitIndex(bytes);
  const value = bytes / 1024 ** index;
  return `${index === 0 ? value.toFixed(0) : digits(value)}${NBSP}${UNITS[index]}`;
}

/** "+12 MiB", "−3 MiB". */
export function changeWords(bytes: number): string {
  if (bytes === 0) return 'no change';
  return `${bytes > 0 ? '+' : '\u2212'}${formatBytes(Math.abs(bytes))}`;
}

/** Whether an amount of that unit (the API's `unit`) is shown as a size. */
export function isBytes(unit: Unit): boolean {
  return (unit ?? 'bytes') === 'bytes';
}

/** 312 MiB; 1,024 descriptors */
export function formatAmount(amount: Amount, unit: Unit): string {
  if (isBytes(unit)) return formatBytes(amount);
  return known(amount) ? `${formatCount(Math.round(amount))}${NBSP}${unit}` : UNKNOWN;
}

/** For axis ticks: exact multiples need no decimals. */
export function formatTick(bytes: number, step: number, unit: Unit): string {
  if (!isBytes(unit)) return formatCount(bytes);
  const index = unitIndex(Math.max(Math.abs(bytes), step));
  const value = bytes / 1024 ** index;
  const decimals = Number.isInteger(value) ? 0 : Number.isInteger(value * 2) ? 1 : 2;
  return bytes === 0 ? '0' : `${value.toFixed(decimals)}${NBSP}${UNITS[index]}`;
}

interface RateScale {
  seconds: number;
  word: string;
}

function rateScale(bytesPerSecond: number): RateScale {
  const magnitude = Math.abs(bytesPerSecond);
  if (magnitude >= 256 * 1024) return { seconds: 1, word: 's' }; // as the agent's own sentences do
  if (magnitude * HOUR < 1024 ** 2) return { seconds: DAY, word: 'day' };
  return { seconds: HOUR, word: 'h' };
}

export interface GrowthWords {
  value: string;
  interval: string;
}

/** Growth {estimate, low, high} per second → {value: "212 MiB/h", interval: "198 – 230"}; null stays null. */
export function formatGrowth(growth: Growth | null | undefined, unit: Unit): GrowthWords | null {
  if (!growth || !known(growth.estimate)) return null;
  if (!isBytes(unit)) return formatCountGrowth(growth);
  const scale = rateScale(growth.estimate);
  const index = unitIndex(growth.estimate * scale.seconds);
  const show = (rate: number) => digits((rate * scale.seconds) / 1024 ** index);
  const rateUnit = `${NBSP}${UNITS[index]}/${scale.word}`;
  const { low, high } = growth;
  return {
    value: show(growth.estimate) + rateUnit,
    interval: known(low) && known(high) ? `${show(low)}${NBSP}${DASH}${NBSP}${show(high)}` : '',
  };
}

// What is counted stands beside the floor; beside a rate it would not fit.
function formatCountGrowth(growth: Growth): GrowthWords {
  const hourly = Math.abs(growth.estimate) * HOUR;
  const scale =
    hourly >= HOUR
      ? { seconds: 1, word: 's' }
      : hourly < 1
        ? { seconds: DAY, word: 'day' }
        : { seconds: HOUR, word: 'h' };
  const show = (rate: number) => digits(rate * scale.seconds);
  const { low, high } = growth;
  return {
    value: `${show(growth.estimate)}/${scale.word}`,
    interval: known(low) && known(high) ? `${show(low)}${NBSP}${DASH}${NBSP}${show(high)}` : '',
  };
}

/** 5 h 12 min; two units at most. */
export function formatDuration(seconds: Amount): string {
  if (!known(seconds)) return UNKNOWN;
  const total = Math.max(0, Math.round(seconds));
  const pair = (large: number, largeWord: string, small: number, smallWord: string) =>
    small > 0 ? `${large}${NBSP}${largeWord}${NBSP}${small}${NBSP}${smallWord}` : `${large}${NBSP}${largeWord}`;
  if (total < MINUTE) return `${total}${NBSP}s`;
  if (total < 10 * MINUTE) return pair(Math.floor(total / MINUTE), 'min', total % MINUTE, 's');
  const minutes = Math.round(total / MINUTE);
  if (minutes < 60) return `${minutes}${NBSP}min`;
  if (total < 2 * DAY) return pair(Math.floor(minutes / 60), 'h', minutes % 60, 'min');
  const hours = Math.round(total / HOUR);
  if (total < 14 * DAY) return pair(Math.floor(hours / 24), 'd', hours % 24, 'h');
  return `${Math.round(total / DAY)}${NBSP}d`;
}

/** About 9 min: for estimates of a wait. */
export function formatRoughDuration(seconds: number): string {
  if (seconds < 90) return `${Math.max(5, Math.round(seconds / 5) * 5)}${NBSP}s`;
  if (seconds < 2 * HOUR) return `${Math.round(seconds / MINUTE)}${NBSP}min`;
  return formatDuration(Math.round(seconds / HOUR) * HOUR);
}

const clock = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit', hourCycle: 'h23' });
const clockWithSeconds = new Intl.DateTimeFormat(undefined, {
  hour: '2-digit',
  minute: '2-digit',
  second: '2-digit',
  hourCycle: 'h23',
});
const dayOfMonth = new Intl.DateTimeFormat(undefined, { day: 'numeric', month: 'short' });
const weekday = new Intl.DateTimeFormat(undefined, { weekday: 'short', day: 'numeric', month: 'short' });
const fullDate = new Intl.DateTimeFormat(undefined, { day: 'numeric', month: 'short', year: 'numeric' });

export function formatClock(seconds: Amount): string {
  return known(seconds) ? clock.format(new Date(seconds * 1000)) : UNKNOWN;
}

export function formatClockWithSeconds(seconds: Amount): string {
  return known(seconds) ? clockWithSeconds.format(new Date(seconds * 1000)) : UNKNOWN;
}

export function formatDay(seconds: number): string {
  return dayOfMonth.format(new Date(seconds * 1000));
}

/** 08:24 today; tomorrow 03:10; Tue, 24 Nov, 03:10. Beyond half a year only the date. */
export function formatMoment(seconds: Amount, now: number): string {
  if (!known(seconds)) return UNKNOWN;
  const date = new Date(seconds * 1000);
  const today = new Date(now * 1000);
  const midnight = (moment: Date) => new Date(moment.getFullYear(), moment.getMonth(), moment.getDate()).getTime();
  const days = Math.round((midnight(date) - midnight(today)) / (DAY * 1000));
  if (days === 0) return `${formatClock(seconds)} today`;
  if (days === 1) return `${formatClock(seconds)} tomorrow`;
  if (days === -1) return `${formatClock(seconds)} yesterday`;
  if (Math.abs(days) > 180) return fullDate.format(date);
  return `${weekday.format(date)}, ${formatClock(seconds)}`;
}

export interface ForecastWords {
  moment: string;
  wait: string;
  interval: string;
}

/**
 * When a limit is met, as the agent predicts it: {moment: "08:24 today", wait: "in 5 h 12 min",
 * interval: "4 h 40 min – 6 h 30 min"}; null where nothing is predicted.
 */
export function formatForecast(prediction: Prediction | null | undefined, now: number): ForecastWords | null {
  if (!prediction || !known(prediction.at)) return null;
  const wait = prediction.at - now;
  const early = known(prediction.earliest) ? formatDuration(prediction.earliest - now) : UNKNOWN;
  const late = known(prediction.latest) ? formatDuration(prediction.latest - now) : null;
  return {
    moment: formatMoment(prediction.at, now),
    wait: wait > 0 ? `in${NBSP}${formatDuration(wait)}` : 'any moment now',
    interval: late === null ? `${early} at the earliest, no upper bound` : `${early} ${DASH} ${late}`,
  };
}

/** The forecast on one line: "in 5 h 12 min (4 h 40 min – 6 h 30 min)". */
export function forecastSentence(forecast: ForecastWords): string {
  return `${forecast.wait} (${forecast.interval})`;
}

export function formatAge(seconds: Amount): string {
  if (!known(seconds)) return UNKNOWN;
  return seconds < 1.5 ? 'just now' : `${formatDuration(seconds)} ago`;
}

export function formatCount(count: Amount): string {
  return known(count) ? count.toLocaleString() : UNKNOWN;
}

export function plural(count: Amount, one: string, many: string): string {
  return `${formatCount(count)}${NBSP}${count === 1 ? one : many}`;
}

export function formatPercent(ratio: Amount): string {
  if (!known(ratio)) return UNKNOWN;
  // Rounding up to 100 % would claim a certainty that nobody has.
  return ratio > 0.99 && ratio < 1 ? `>${NBSP}99${NBSP}%` : `${Math.round(ratio * 100)}${NBSP}%`;
}

// What a process may put into its name and a browser would obey or hide: controls, line separators,
// bidirectional and zero-width characters, tags, noncharacters, unpaired surrogates.
const INVISIBLE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}\p{Cn}\p{Co}\u115f\u1160\u3164\uffa0]|\u034f/gu;
const SHORT_ESCAPES: Record<string, string> = { '\n': '\\n', '\t': '\\t', '\r': '\\r', '\0': '\\0', '\x1b': '\\e' };

function escapeCharacter(character: string): string {
  const code = character.codePointAt(0) ?? 0;
  return (
    SHORT_ESCAPES[character] ?? (code < 256 ? `\\x${code.toString(16).padStart(2, '0')}` : `\\u{${code.toString(16)}}`)
  );
}

/** The name with everything invisible spelled out, as plain text. */
export function visibleName(name: string | number | null | undefined): string {
  const text = String(name ?? '').replace(INVISIBLE, escapeCharacter);
  return text.trim() === '' ? '(no name)' : text;
}

/** The agent's words as a sentence: with a capital and a full stop. */
export function sentence(words: string): string {
  const text = visibleName(words);
  return text.charAt(0).toUpperCase() + text.slice(1) + (/[.!?)]$/.test(text) ? '' : '.');
}

/** The name as an element: isolated from the direction of its surroundings, escapes set apart from real text. */
export function nameElement(name: string | null | undefined, properties: Properties = {}): HTMLElement {
  const node = h('bdi', { title: visibleName(name), ...properties });
  const text = String(name ?? '');
  if (text.trim() === '') return h('bdi', { class: 'escape', ...properties }, '(no name)');
  let position = 0;
  for (const match of text.matchAll(INVISIBLE)) {
    node.append(text.slice(position, match.index), h('span', { class: 'escape' }, escapeCharacter(match[0])));
    position = match.index + match[0].length;
  }
  node.append(text.slice(position));
  return node;
}

const LIMIT_SOURCES: Record<string, string> = {
  configured: 'configured budget',
  host: 'memory of this host',
  cgroup: 'what its cgroup leaves it',
  go: 'GOMEMLIMIT',
  jvm: 'its largest heap, -Xmx',
  rlimit: 'its resource limit (ulimit)',
  query: 'what its target\u2019s limit query gives',
} satisfies Record<LimitSource, string>;

export function limitSource(source: LimitSource | null): string {
  return LIMIT_SOURCES[source ?? ''] ?? visibleName(source ?? 'source unknown');
}

const PLURAL_SIGNALS = new Set<Signal>(['threads', 'file_descriptors', 'cgroup_slab', 'structure_elements']);
const SIGNALS: Record<string, string> = {
  rss_anon: 'anonymous memory and swap',
  gc_live: 'live heap after collection',
  allocator_live: 'heap in use',
  sampled_live: 'sampled live heap',
  threads: 'threads',
  file_descriptors: 'open file descriptors',
  cgroup_anon: 'anonymous memory of the cgroup itself',
  cgroup_shmem: 'shared memory (tmpfs) of the cgroup itself',
  cgroup_slab: 'kernel objects of the cgroup itself',
  structure_bytes: 'size',
  structure_elements: 'elements',
  structure_capacity: 'capacity',
  site_bytes: 'memory allocated there',
  external: 'value',
  external_count: 'value',
} satisfies Record<Signal, string>;

const HOW_MANY: Record<string, string> = { s: 'a second', h: 'an hour', day: 'a day' };

function goroutineWords(entry: Extract<Evidence, { kind: 'goroutines' }>): string {
  const share = entry.stack_share === null ? '' : `, ${formatPercent(entry.stack_share)} of the growth`;
  const waits = entry.waits?.text ? ` ${entry.waits.text}` : '';
  return (
    `Its goroutines grew from ${formatCount(entry.before)} to ${formatCount(entry.now)}; their stacks by ` +
    `${formatBytes(entry.stack_growth_bytes)}${share}.${waits}`
  );
}

/** What the builds of a suspect's program say, goroutines that it gained, and its other signals that grow: "Its threads
 *  grow too: 12 an hour."; nothing without any. */
export function evidenceWords(evidence: readonly Evidence[]): string {
  return evidence
    .map(oneInWords)
    .filter((words) => words !== '')
    .join(' ');
}

function oneInWords(entry: Evidence): string {
  if (entry.kind === 'builds') return sentence(`${entry.text}.`);
  if (entry.kind === 'goroutines') return goroutineWords(entry);
  if (entry.kind !== 'signal') return '';
  const growth = formatGrowth(entry.growth_per_second, entry.unit);
  const [amount, word] = growth ? growth.value.split('/') : [null, ''];
  const verb = PLURAL_SIGNALS.has(entry.signal) ? 'grow' : 'grows';
  return `Its ${signalWords(entry.signal)} ${verb} too${amount ? `: ${amount} ${HOW_MANY[word ?? ''] ?? ''}` : ''}.`;
}

export function signalWords(signal: Signal | null | undefined): string {
  return SIGNALS[signal ?? ''] ?? visibleName(signal ?? 'memory');
}
