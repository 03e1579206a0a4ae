// The overview: does anything leak, and when does it die.

import { fetchOoms, fetchSeries, fetchSubjects, fetchSuspects } from '../api';
import type { Counts, LeakState, Scope, Series, Site, Status, Structure, SubjectRow, Suspect } from '../api_types';
import { h, icon, keyed, pageHeading, type Row, setAttribute, setChildren, setText, stateBadge } from '../dom';
import { shortName } from '../flame/short_name';
import {
  evidenceWords,
  forecastSentence,
  formatAmount,
  formatBytes,
  formatCount,
  formatForecast,
  formatMoment,
  formatRoughDuration,
  limitSource,
  nameElement,
  plural,
  sentence,
  visibleName,
} from '../format';
import { createSparkline } from '../spark';
import {
  createFigure,
  createMeter,
  setForecastFigure,
  setGrowthFigure,
  subjectLink,
  subjectMeta,
  suspectLink,
} from './parts';
import { createVictims } from './victims';
import type { View } from './view';

const STATE_ORDER: readonly LeakState[] = ['leaking', 'suspected', 'recovering'];
const LARGEST = { scope: 'process', sort: 'value', order: 'desc', limit: 6 };
const VICTIMS_SHOWN = 5;
const VICTIMS_WITHIN_SECONDS = 24 * 3600;
const SPARKLINES_AT_MOST = 8;
const LEAST_SHARE_SHOWN = 0.2;
const SPARKLINE_PERIOD_SECONDS = 30;

/**
 * One suspect a program: several signals of one leak (resident memory, live heap, a structure) are one thing to
 * look at.
 * The one in the worst state; of several its resident memory, which is what the limit is about.
 */
function onePerProgram(suspects: readonly Suspect[]): Suspect[] {
  const rank = ({ state, scope, signal }: Suspect) =>
    STATE_ORDER.indexOf(state) + (scope === 'process' ? 0 : 0.5) + (signal === 'rss_anon' ? 0 : 0.25);
  const shown = new Map<string, Suspect>();
  for (const suspect of suspects) {
    const { pid, start_time: start } = suspect.subject;
    const program = pid === null ? suspect.id : `${pid}:${start}`;
    const other = shown.get(program);
    if (!other || rank(suspect) < rank(other)) shown.set(program, suspect);
  }
  return [...shown.values()];
}

/** The worst state first, inside it by the time to exhaustion. */
function sorted(suspects: readonly Suspect[]): Suspect[] {
  const rank = (suspect: Suspect) => STATE_ORDER.indexOf(suspect.state);
  const end = (suspect: Suspect) => suspect.predicted_exhaustion?.at ?? Infinity;
  return onePerProgram(suspects).sort((a, b) => rank(a) - rank(b) || end(a) - end(b) || (a.id < b.id ? -1 : 1));
}

/** "3 processes", "2 series"; "5 subjects" where they are not of one kind. */
const NOUNS: Partial<Record<Scope, [string, string]>> = {
  cgroup: ['cgroup', 'cgroups'],
  external: ['series', 'series'],
};

function countedSubjects(suspects: readonly Suspect[]): string {
  const kinds = new Set(suspects.map(({ scope }) => (NOUNS[scope] ? scope : 'process')));
  const [kind = 'process'] = kinds;
  const [one, many] =
    kinds.size > 1 ? (['subject', 'subjects'] as const) : (NOUNS[kind] ?? (['process', 'processes'] as const));
  return plural(suspects.length, one, many);
}

function isAre(count: number): string {
  return count === 1 ? 'is' : 'are';
}

interface Headline {
  tone: string;
  title: string;
  detail: string;
}

function headlineWords(suspects: readonly Suspect[], status: Status, now: number): Headline {
  const of = (state: LeakState) => suspects.filter((suspect) => suspect.state === state);
  const leaking = of('leaking');
  const suspected = of('suspected');
  const first = leaking.find((suspect) => suspect.predicted_exhaustion) ?? leaking[0];
  if (first) {
    const name = visibleName(first.subject.comm);
    const forecast = formatForecast(first.predicted_exhaustion, now);
    const others = suspected.length > 0 ? ` ${plural(suspected.length, 'more is', 'more are')} suspected.` : '';
    const subjectWords = leaking.length === 1 ? 'It' : `${name} is the first: it`;
    return {
      tone: 'leaking',
      title: leaking.length === 1 ? `${name} is leaking` : `${countedSubjects(leaking)} are leaking`,
      detail:
        (forecast
          ? `${subjectWords} reaches its limit at ${forecast.moment}, ${forecastSentence(forecast)}.`
          : 'No limit is known, so there is no forecast.') + others,
    };
  }
  if (suspected.length > 0) {
    const soonest = suspected.find((suspect) => suspect.predicted_exhaustion);
    const forecast = formatForecast(soonest?.predicted_exhaustion, now);
    return {
      tone: 'suspected',
      title:
        suspected.length === 1
          ? `${visibleName(suspected[0]?.subject.comm)} is suspected of leaking`
          : `${countedSubjects(suspected)} are suspected of leaking`,
      detail:
        'Nothing is confirmed: the reason below says what is missing.' +
        (forecast
          ? ` If it holds, ${visibleName(soonest?.subject.comm)} reaches its limit at ${forecast.moment}, ` +
            `${forecastSentence(forecast)}.`
          : ''),
    };
  }
  const recovering = of('recovering');
  const { watched, watched_processes: watchedProcesses, learning } = status.counts;
  if (watchedProcesses > 0 && learning === watched && recovering.length === 0) {
    return { tone: 'learning', title: 'No verdict yet', detail: emptyWords(status, now) };
  }
  return {
    tone: 'stable',
    title: 'Nothing is leaking',
    detail:
      recovering.length > 0
        ? `${countedSubjects(recovering)} ${isAre(recovering.length)} recovering from a leak.`
        : emptyWords(status, now),
  };
}

/** Why there are no suspects, and when to expect a verdict. States count all that is watched, not processes alone. */
function emptyWords(status: Status, now: number): string {
  const { watched, watched_processes: watchedProcesses, learning, stable, processes } = status.counts;
  const size = formatBytes(status.minimum_size_bytes);
  if (watchedProcesses === 0) {
    return `No suspects. None of ${plural(processes, 'process', 'processes')} is above ${size}, so none is watched yet.`;
  }
  const head =
    `No suspects. ${plural(watchedProcesses, 'process', 'processes')} ${isAre(watchedProcesses)} watched ` +
    `(above ${size}); `;
  if (learning < watched) {
    return (
      head +
      (learning > 0
        ? `of ${plural(watched, 'signal', 'signals')} ${formatCount(stable)} ${isAre(stable)} stable, ` +
          `${formatCount(learning)} still learning.`
        : 'all have a verdict: stable.')
    );
  }
  const needed = status.first_verdict_seconds;
  const left = status.started_at + needed - now;
  const due = left > 0 && left < 0.9 * needed ? `, due in about ${formatRoughDuration(left)}` : '';
  return `${head}the first verdict needs about ${formatRoughDuration(needed)} at this interval${due}.`;
}

/** Which structure of the program grows, where it says so itself. */
function structureWords(structures: readonly Structure[]): string {
  const first = structures.find(({ share }) => share !== null && share >= LEAST_SHARE_SHOWN);
  if (!first || first.share === null) return '';
  const phase = first.phase ? `, phase ${visibleName(first.phase)}` : '';
  return `${Math.round(100 * Math.min(first.share, 1))} % of the growth is in ${visibleName(first.name)}${phase}.`;
}

/** Which place in the program allocates most of the growth: "71 % is allocated by AddUser(Session&), cache.cpp:88." */
function siteWords(sites: readonly Site[]): string {
  const first = sites.find(
    ({ function: name, share }) => name !== null && share !== null && share >= LEAST_SHARE_SHOWN,
  );
  if (!first || first.function === null || first.share === null) return '';
  const file = first.file === null ? '' : visibleName(first.file.slice(first.file.lastIndexOf('/') + 1));
  const place = file === '' ? '' : `, ${file}${first.line === null ? '' : `:${first.line}`}`;
  const share = Math.round(100 * Math.min(first.share, 1));
  return `${share} % is allocated by ${visibleName(shortName(first.function))}${place}.`;
}

interface Item {
  suspect: Suspect;
  series: Series | null | undefined;
  now: number;
}

function createCard({ suspect }: Item): Row<Item> {
  const badge = h('span', { class: 'card-badge' });
  const name = h('a', { class: 'card-name', href: suspectLink(suspect.id) });
  const meta = h('span', { class: 'card-meta' });
  const since = h('span', { class: 'card-since' });
  const reason = h('p', { class: 'card-reason' });
  const evidence = h('p', { class: 'card-evidence', hidden: true });
  const spark = createSparkline();
  const growth = createFigure('Grows');
  const floor = createFigure('Floor');
  const death = createFigure('Reaches its limit');
  death.element.classList.add('figure-wide');
  const element = h(
    'li',
    { class: 'card' },
    h('div', { class: 'card-head' }, badge, h('h3', {}, name), meta, since),
    h(
      'div',
      { class: 'card-body' },
      h('div', { class: 'card-spark' }, spark.element),
      h('dl', { class: 'figures' }, death.element, growth.element, floor.element),
    ),
    reason,
    evidence,
  );
  return {
    element,
    update({ suspect: item, series, now }) {
      setAttribute(element, 'data-state', item.state);
      setChildren(badge, item.state, () => stateBadge(item.state));
      setChildren(name, item.subject.comm, () => nameElement(item.subject.comm));
      setChildren(meta, JSON.stringify(item.subject), () => subjectMeta(item.subject, item.scope, item.unit));
      setText(since, `since ${formatMoment(item.since, now)}`);
      setText(reason, sentence(item.reason));
      const words = [
        item.cause_summary,
        structureWords(item.structures),
        siteWords(item.sites),
        evidenceWords(item.evidence),
      ]
        .filter(Boolean)
        .join(' ');
      evidence.hidden = words === '';
      setText(evidence, words);
      setGrowthFigure(growth, item.growth_per_second, item.unit);
      const prediction = item.predicted_exhaustion;
      floor.set(
        formatAmount(item.floor, item.unit),
        prediction
          ? `of ${formatAmount(prediction.limit, item.unit)} (${limitSource(prediction.limit_source)})`
          : 'no limit known',
      );
      setForecastFigure(death, prediction, item.growth_per_second, now);
      if (series !== undefined) spark.update(series);
    },
  };
}

const TILES: [LeakState, string][] = [
  ['leaking', 'Leaking'],
  ['suspected', 'Suspected'],
  ['recovering', 'Recovering'],
  ['learning', 'Learning'],
  ['stable', 'Stable'],
];

interface Part<T> {
  element: HTMLElement;
  set(value: T): void;
}

function createTiles(): Part<Counts> {
  const values = new Map<LeakState, HTMLElement>();
  const list = h(
    'ul',
    { class: 'tiles' },
    TILES.map(([state, label]) => {
      const value = h('span', { class: 'tile-value' }, '\u2013');
      values.set(state, value);
      return h(
        'li',
        {},
        h(
          'a',
          { class: `tile tile-${state}`, href: `#/subjects?state=${state}` },
          icon(state),
          value,
          h('span', { class: 'tile-label' }, label),
        ),
      );
    }),
  );
  return {
    element: list,
    set(counts) {
      for (const [state, value] of values) {
        setText(value, formatCount(counts[state]));
        value.parentElement?.classList.toggle('tile-zero', !(counts[state] > 0));
      }
    },
  };
}

function createHostLine(): Part<Status> {
  const text = h('a', { class: 'host-text', href: '#/host' }, '\u00a0');
  const meter = createMeter('Memory in use');
  const watched = h('a', { class: 'host-watched', href: '#/subjects?scope=process' }, '\u00a0');
  return {
    element: h('div', { class: 'host' }, h('div', { class: 'host-memory' }, text, meter.element), watched),
    set(status) {
      const { memory_capacity_bytes: capacity, memory_available_bytes: available } = status.host;
      setText(text, `${formatBytes(available)} of ${formatBytes(capacity)} memory available`);
      meter.element.hidden = capacity === null || available === null;
      meter.set((capacity ?? 0) - (available ?? 0), capacity);
      const { processes, watched_processes: followed } = status.counts;
      setText(watched, `${plural(processes, 'process', 'processes')}, ${formatCount(followed)} watched`);
    },
  };
}

/** What to look at while nothing is suspected. */
function createLargest(): Part<readonly SubjectRow[]> {
  const list = h('ul', { class: 'largest' });
  const section = h(
    'section',
    { class: 'panel', 'aria-labelledby': 'largest-title', hidden: true },
    h('h2', { id: 'largest-title' }, 'Largest processes'),
    list,
  );

  function create(row: SubjectRow): Row<SubjectRow> {
    const name = h('a', { class: 'row-name', href: subjectLink(row.id) }, nameElement(row.subject.comm));
    const badge = h('span', { class: 'largest-state' });
    const value = h('span', { class: 'number' });
    const floor = h('span', { class: 'number muted' });
    const element = h(
      'li',
      {},
      h('span', { class: 'largest-name' }, name, subjectMeta(row.subject, row.scope, row.unit)),
      badge,
      value,
      floor,
    );
    return {
      element,
      update(item) {
        setChildren(badge, String(item.state), () => stateBadge(item.state));
        setText(value, formatAmount(item.value, item.unit));
        setText(floor, `floor ${formatAmount(item.floor, item.unit)}`);
      },
    };
  }

  return {
    element: section,
    set(rows) {
      section.hidden = rows.length === 0;
      keyed(list, rows, (row) => row.id, create);
    },
  };
}

function unreadable(status: Status): string {
  const failing = status.collectors.filter((collector) => !collector.success).map(({ name }) => visibleName(name));
  if (failing.length > 0) return `Collector ${failing.join(', ')} fails: what it measures is missing here.`;
  const denied = status.collectors.reduce((sum, collector) => sum + collector.errors.permission, 0);
  return denied > 0 ? `${plural(denied, 'reading was', 'readings were')} refused for lack of permission.` : '';
}

/** Loads the suspects and, at a slower pace, the series of the first few for their small charts. */
export function createOverview(): View {
  const title = pageHeading('Asking the agent\u2026', { class: 'headline-title' });
  const detail = h('p', { class: 'headline-detail' }, '\u00a0');
  const mark = h('div', { class: 'headline-icon' });
  const headline = h(
    'section',
    {
      class: 'headline',
      'aria-label': 'Verdict',
      'aria-live': 'polite',
      'aria-atomic': 'true',
      'data-tone': 'waiting',
    },
    mark,
    h('div', {}, title, detail),
  );
  const tiles = createTiles();
  const host = createHostLine();
  const cards = h('ul', { class: 'cards' });
  const section = h(
    'section',
    { class: 'suspects', 'aria-labelledby': 'suspects-title', hidden: true },
    h('h2', { id: 'suspects-title' }, 'Suspects'),
    cards,
  );
  const largest = createLargest();
  const victims = createVictims({
    withinSeconds: VICTIMS_WITHIN_SECONDS,
    most: VICTIMS_SHOWN,
    more: h('p', { class: 'victims-more' }, h('a', { href: '#/cgroups' }, 'All of them, with the cgroups')),
  });
  const health = h('p');
  const healthLink = h('a', { href: '#/status' }, 'See what could not be read');
  const element = h(
    'div',
    { class: 'page' },
    headline,
    victims.element,
    tiles.element,
    host.element,
    section,
    largest.element,
    h('div', { class: 'hint-line' }, health),
  );
  const charts = new Map<string, { series: Series | null; loaded_seconds: number }>();

  async function loadCharts(suspects: readonly Suspect[], signal: AbortSignal): Promise<void> {
    const now = performance.now() / 1000;
    const wanted = suspects.slice(0, SPARKLINES_AT_MOST).filter((suspect) => {
      const chart = charts.get(suspect.id);
      return !chart || now - chart.loaded_seconds > SPARKLINE_PERIOD_SECONDS;
    });
    await Promise.all(
      wanted.map(async ({ id }) => {
        charts.set(id, { series: await fetchSeries(id, {}, signal), loaded_seconds: now });
      }),
    );
  }

  return {
    element,
    title: 'Suspects',
    async ask(signal) {
      const [unsorted, ooms] = await Promise.all([fetchSuspects(signal), fetchOoms(signal)]);
      const suspects = sorted(unsorted);
      await loadCharts(suspects, signal);
      const rows = suspects.length > 0 ? [] : (await fetchSubjects(LARGEST, signal)).subjects;
      return ({ status, now }) => {
        const words = headlineWords(suspects, status, now);
        setAttribute(headline, 'data-tone', words.tone);
        setChildren(mark, words.tone, () => icon(words.tone));
        setText(title, words.title);
        setText(detail, words.detail);
        victims.set(ooms, now);
        tiles.set(status.counts);
        host.set(status);
        section.hidden = suspects.length === 0;
        const items = suspects.map((suspect) => ({ suspect, series: charts.get(suspect.id)?.series, now }));
        keyed(cards, items, (item) => item.suspect.id, createCard);
        largest.set(rows);
        const trouble = unreadable(status);
        setChildren(health, trouble, () => (trouble ? [h('span', {}, `${trouble} `), healthLink] : []));
      };
    },
    fail(error) {
      setText(title, 'The suspects cannot be shown');
      setText(detail, error.message);
      setChildren(mark, 'unknown', () => icon('unknown'));
    },
  };
}
