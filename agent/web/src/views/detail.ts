// One subject: its chart, the numbers with their uncertainty, and why it is, or is not, believed to leak.

import { fetchAlerts, fetchSeries, fetchSilences, fetchSubjects, fetchSuspect } from '../api';
import type { Alert, LeakState, Series, Silence, Status, SubjectRow, Suspect } from '../api_types';
import { createChart } from '../chart';
import type { Mark } from '../chart_marks';
import { h, pageHeading, setAttribute, setChildren, setText, stateBadge } from '../dom';
import {
  formatAmount,
  formatBytes,
  formatMoment,
  formatPercent,
  formatRoughDuration,
  limitSource,
  nameElement,
  visibleName,
} from '../format';
import { describeSeries } from '../series_view';
import {
  createCaptures,
  createCauses,
  createFacts,
  createFloorTable,
  createFormerLives,
  createGateList,
  createGrowers,
  createHistory,
  createOtherSignals,
  factsOf,
} from './detail_panels';
import { createFigure, refusal, setForecastFigure, setGrowthFigure } from './parts';
import { createProfilePanel } from './profile_panel';
import { createSilencePanel } from './silence_panel';
import type { Environment, View } from './view';

const RANGES: readonly (readonly [string, number | null])[] = [
  ['1 h', 3600],
  ['6 h', 21600],
  ['24 h', 86400],
  ['7 d', 604800],
  ['All', null],
];
const ROWS_SEARCHED = 10;
const SUSPECT_STATES = new Set<LeakState | null>(['suspected', 'leaking', 'recovering']);

/** Series are of one signal of a subject; an id without a signal means its rss_anon. */
function seriesId(id: string): string {
  return id.includes('/') ? id : `${id}/rss_anon`;
}

/** A subject may have slashes of its own; the signal is behind the last one. */
function subjectOf(id: string): string {
  return id.includes('/') ? id.slice(0, id.lastIndexOf('/')) : id;
}

interface Rows {
  row: SubjectRow | null; // of the series that is asked for, else of the same subject
  others: SubjectRow[]; // what else is watched of the subject
}

/** The subject's rows of the list; its full name is part of what is searched. */
async function fetchRows(id: string, signal: AbortSignal): Promise<Rows> {
  const { subjects } = await fetchSubjects({ search: subjectOf(id), limit: ROWS_SEARCHED }, signal);
  const same = subjects.filter((row) => subjectOf(row.id) === subjectOf(id));
  const row = same.find((candidate) => candidate.id === seriesId(id)) ?? same[0] ?? null;
  return { row, others: same.filter((other) => other.watched && other.id !== seriesId(id)) };
}

/** Changes of state, and since when which build runs. */
function marksOf(series: Series, suspect: Suspect | null): Mark[] {
  const changes = series.changes.map(({ at, state }) => ({ at, kind: state, label: state }));
  const build = suspect?.build;
  return build ? [...changes, { at: build.since, kind: 'build', label: `build ${build.name}` }] : changes;
}

// What a mark is called, and whether a series has it.
const LEGEND: readonly (readonly [string, string, (series: Series) => boolean])[] = [
  ['raw', 'readings (band: lowest to highest)', () => true],
  ['floor', 'floors', (series) => series.floors.length > 0],
  ['line', 'fitted line', (series) => series.line !== null],
  ['forecast', 'forecast and its interval', (series) => series.line !== null && series.predicted_exhaustion !== null],
  ['limit', 'limit', (series) => Boolean(series.limit)],
];

function notWatchedWords(status: Status): string {
  return (
    'This subject is not watched, so no points are stored. A process is watched once its anonymous memory and swap ' +
    `pass ${formatBytes(status.minimum_size_bytes)}; what has ended is forgotten.`
  );
}

function createChartPanel(onRange: (seconds: number | null | undefined) => void) {
  const chart = createChart();
  const buttons = RANGES.map(([label, seconds]) =>
    h('button', { type: 'button', 'aria-pressed': String(seconds === null), onclick: () => onRange(seconds) }, label),
  );
  const future = h('input', { type: 'checkbox', checked: true, onchange: () => onRange(undefined) });
  const empty = h('p', { class: 'chart-empty', hidden: true });
  const keys = LEGEND.map(([kind, label]) =>
    h('li', {}, h('span', { class: `key key-${kind}`, 'aria-hidden': 'true' }), label),
  );
  const ranges = h('div', { class: 'segments', role: 'group', 'aria-label': 'Time range' }, buttons);
  const element = h(
    'section',
    { class: 'panel chart-panel', 'aria-label': 'Chart' },
    h('div', { class: 'chart-tools' }, ranges, h('label', { class: 'check' }, future, 'Forecast')),
    chart.element,
    empty,
    h('ul', { class: 'legend' }, keys),
  );
  return {
    element,
    destroy: () => chart.destroy(),
    press(seconds: number | null) {
      buttons.forEach((button, index) => {
        setAttribute(button, 'aria-pressed', String(RANGES[index]?.[1] === seconds));
      });
    },
    set(series: Series | null, suspect: Suspect | null, { status, now }: Environment) {
      const isDrawable = series !== null && series.points.length > 0;
      chart.element.hidden = !isDrawable;
      empty.hidden = isDrawable;
      keys.forEach((key, index) => {
        key.hidden = !isDrawable || !LEGEND[index]?.[2](series);
      });
      if (isDrawable) chart.update(series, { now, withForecast: future.checked, marks: marksOf(series, suspect) });
      else setText(empty, series === null ? notWatchedWords(status) : 'No points are stored for this range yet.');
    },
  };
}

function createFigures() {
  const figures = {
    death: createFigure('Reaches its limit'),
    growth: createFigure('Grows'),
    floor: createFigure('Floor'),
    limit: createFigure('Limit'),
    confidence: createFigure('Confidence in the trend'),
  };
  figures.death.element.classList.add('figure-wide');
  return {
    element: h(
      'dl',
      { class: 'figures figures-wide' },
      Object.values(figures).map(({ element }) => element),
    ),
    set({ series, suspect, row }: Answer, now: number) {
      const source = suspect ?? row;
      const growth = source?.growth_per_second ?? series?.line?.growth_per_second ?? null;
      const unit = source?.unit ?? series?.unit ?? null;
      const prediction = source?.predicted_exhaustion ?? series?.predicted_exhaustion ?? null;
      setGrowthFigure(figures.growth, growth, unit);
      setForecastFigure(figures.death, prediction, growth, now);
      const value = row?.value ?? series?.points.at(-1)?.[2];
      const floor = source?.floor ?? series?.floors.at(-1)?.[1];
      figures.floor.set(formatAmount(floor, unit), `now ${formatAmount(value, unit)}`);
      const limit = prediction?.limit ?? series?.limit;
      const limitWords = prediction ? limitSource(prediction.limit_source) : '';
      figures.limit.set(limit ? formatAmount(limit, unit) : 'unknown', limitWords);
      const confidence = source?.confidence ?? null;
      const isHeld = confidence !== null && confidence <= 0.5;
      figures.confidence.set(formatPercent(confidence), isHeld ? 'at most 50 % until confirmed' : '');
    },
  };
}

function runbookOf(state: LeakState): string {
  return `runbooks/${state === 'suspected' ? 'HeapfloorLeakSuspected' : 'HeapfloorLeak'}.html`;
}

interface Answer extends Rows {
  suspect: Suspect | null;
  series: Series | null;
}

interface Told {
  alerts: Alert[];
  silences: Silence[];
}

function createHead(id: string) {
  const heading = pageHeading('\u00a0', { class: 'detail-title' });
  const badge = h('span', { class: 'detail-badge' });
  const severity = h('span', { class: 'severity', hidden: true });
  const since = h('span', { class: 'muted' });
  const reason = h('p', { class: 'reason' }, '\u00a0');
  const runbook = h('p', { hidden: true }, h('a', {}, 'What to do now: the runbook'));
  const name = h('div', { class: 'detail-name' }, heading, badge, severity, since);
  return {
    element: h('div', { class: 'detail-head', 'aria-live': 'polite' }, name, reason, runbook),
    set({ series, suspect, row }: Answer, { status, now }: Environment) {
      const comm = suspect?.subject.comm ?? row?.subject.comm ?? id;
      setChildren(heading, comm, () => nameElement(comm));
      document.title = `${visibleName(comm)} \u00b7 heapfloor`;
      const state = suspect?.state ?? row?.state ?? series?.state ?? null;
      setChildren(badge, String(state), () => stateBadge(state));
      severity.hidden = suspect === null;
      setText(severity, suspect?.severity ?? '');
      setAttribute(severity, 'data-severity', suspect?.severity ?? null);
      setText(since, suspect ? `since ${formatMoment(suspect.since, now)}` : '');
      runbook.hidden = suspect === null;
      if (suspect) setAttribute(runbook.firstElementChild as Element, 'href', runbookOf(suspect.state));
      setText(reason, suspect ? visibleName(suspect.explanation) : plainReason(state, series, row, status));
    },
  };
}

// The row says what there is to ask for: neither a stable process's reason nor a small one's points exist.
async function askFor(id: string, start: number | null, signal: AbortSignal): Promise<Answer> {
  const { row, others } = await fetchRows(id, signal);
  const [suspect, series] = await Promise.all([
    row && !SUSPECT_STATES.has(row.state) ? null : fetchSuspect(seriesId(id), signal),
    row && !row.watched ? null : fetchSeries(seriesId(id), { start: start?.toFixed(3) ?? null }, signal),
  ]);
  return { row, others, suspect, series };
}

async function askForAlerts(suspect: Suspect | null, signal: AbortSignal): Promise<Told> {
  if (!suspect) return { alerts: [], silences: [] };
  const [alerts, silences] = await Promise.all([fetchAlerts(signal), fetchSilences(signal)]);
  return { alerts, silences };
}

/** What stands below the chart, in two columns: why, and what else is known. */
function createPanels(refresh: () => void) {
  const gates = createGateList();
  const causes = createCauses();
  const growers = createGrowers();
  const facts = createFacts();
  const others = createOtherSignals();
  const history = createHistory();
  const lives = createFormerLives();
  const captures = createCaptures();
  const silence = createSilencePanel(refresh);
  const why = h('div', { class: 'column' }, causes.element, growers.elements, gates.element);
  const known = [captures, silence, facts, others, history, lives].map(({ element }) => element);
  return {
    element: h('div', { class: 'columns' }, why, h('div', { class: 'column' }, known)),
    set({ suspect, series, row, others: alsoWatched }: Answer, told: Told, now: number) {
      why.hidden = suspect === null;
      gates.set(suspect?.gates ?? []);
      causes.set(suspect?.cause ?? {});
      growers.set(suspect);
      captures.set(suspect?.captures ?? [], now);
      silence.set(suspect, told.alerts, told.silences, now);
      facts.set(factsOf(row, suspect, series?.signal ?? null, now));
      others.set(alsoWatched);
      history.set(series?.changes ?? suspect?.changes ?? [], now);
      lives.set(series?.former_lives ?? [], series?.unit, now);
    },
  };
}

/** What is there of the series since `start`. */
function cut(series: Series | null, start: number | null): Series | null {
  if (!series || start === null) return series;
  return {
    ...series,
    points: series.points.filter(([time]) => time >= start),
    floors: series.floors.filter(([time]) => time >= start),
  };
}

class DetailView implements View {
  readonly element: HTMLElement;
  readonly title = 'Subject';
  private readonly head: ReturnType<typeof createHead>;
  private readonly figures = createFigures();
  private readonly chart = createChartPanel((seconds) => this.choose(seconds));
  private readonly floors = createFloorTable();
  private readonly profile = createProfilePanel();
  private readonly panels: ReturnType<typeof createPanels>;
  private readonly description = h('p', { class: 'visually-hidden' });
  private readonly problem = h('div');
  private range: number | null = null; // seconds
  private latest: { answer: Answer; environment: Environment } | null = null;

  constructor(
    private readonly id: string,
    private showsProfile: boolean,
    back: HTMLElement,
    private readonly refresh: () => void,
  ) {
    this.head = createHead(id);
    this.panels = createPanels(refresh);
    this.element = h(
      'div',
      { class: 'page' },
      back,
      this.head.element,
      this.problem,
      this.figures.element,
      this.chart.element,
      this.description,
      this.floors.element,
      this.profile.element,
      this.panels.element,
    );
  }

  async ask(signal: AbortSignal, now: number): Promise<(environment: Environment) => void> {
    const answer = await askFor(this.id, this.start(now), signal);
    const told = await askForAlerts(answer.suspect, signal);
    return (environment) => this.show(answer, told, environment);
  }

  fail(error: Error): void {
    this.problem.replaceChildren(refusal(error));
  }

  destroy(): void {
    this.chart.destroy();
    this.profile.destroy();
  }

  private start(now: number): number | null {
    return this.range === null ? null : now - this.range;
  }

  /** A range, or whether there is a forecast, was chosen; until the agent has answered, what is here is cut to it. */
  private choose(seconds: number | null | undefined): void {
    if (seconds !== undefined) {
      this.range = seconds;
      this.chart.press(seconds);
      this.refresh();
    }
    if (this.latest) this.showChart(this.latest.answer, this.latest.environment);
  }

  private showChart({ series, suspect }: Answer, environment: Environment): void {
    this.chart.set(cut(series, this.start(environment.now)), suspect, environment);
  }

  private show(answer: Answer, told: Told, environment: Environment): void {
    const { suspect, series, row } = answer;
    const { now } = environment;
    this.latest = { answer, environment };
    this.problem.replaceChildren();
    this.head.set(answer, environment);
    this.figures.set(answer, now);
    this.showChart(answer, environment);
    setText(this.description, series ? describeSeries(series, now) : '');
    this.floors.set(series?.floors ?? [], series?.unit, now);
    this.profile.set(this.id, row, suspect, now);
    this.panels.set(answer, told, now);
    if (this.showsProfile && !this.profile.element.hidden) {
      this.showsProfile = false;
      this.profile.element.scrollIntoView();
    }
  }
}

/**
 * `?show=profile` begins at the heap profile. `back` is a link to where the reader came from; `refresh` asks the agent
 * again at once.
 */
export function createDetailView(id: string, query: URLSearchParams, back: HTMLElement, refresh: () => void): View {
  return new DetailView(id, query.get('show') === 'profile', back, refresh);
}

/** What is said of a subject that is no suspect. */
function plainReason(state: LeakState | null, series: Series | null, row: SubjectRow | null, status: Status): string {
  if (!series && !row) {
    return 'The agent does not know this subject (any more). It may have ended, or the agent restarted.';
  }
  if (!series) return 'Too small to be watched: no floor is followed and no verdict is made.';
  if (state === 'learning') {
    const needed = formatRoughDuration(status.first_verdict_seconds);
    return `Learning: the first verdict needs about ${needed} at this interval.`;
  }
  if (state === 'stable') return 'Stable: no rise of the floor passes the gates.';
  return '\u00a0';
}
