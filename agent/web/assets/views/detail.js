// One subject: its chart, the numbers with their uncertainty, and why it is, or is not, believed to leak.

import { evidenceUrl, fetchSeries, fetchSubjects, fetchSuspect } from '../api.js';
import { createChart, describeSeries } from '../chart.js';
import { h, icon, keyed, pageHeading, setAttribute, setChildren, setText, stateBadge } from '../dom.js';
import {
  UNKNOWN, evidenceWords, formatAge, formatAmount, formatBytes, formatCount, formatDuration, formatMoment,
  formatPercent, formatRoughDuration, limitSource, nameElement, sentence, signalWords, visibleName,
} from '../format.js';
import { createFigure, refusal, setForecastFigure, setGrowthFigure } from './parts.js';

const RANGES = [['1 h', 3600], ['6 h', 21600], ['24 h', 86400], ['7 d', 604800], ['All', null]];
const FLOORS_LISTED_AT_MOST = 60;
const ROWS_SEARCHED = 10;
const SUSPECT_STATES = new Set(['suspected', 'leaking', 'recovering']);

const GATES = {
  trend: 'The floors rise',
  size: 'The rise is large enough to matter',
  signal: 'The rise stands out of the noise',
  record: 'The newest floors are the highest',
  increments: 'Many rises, not one jump',
  still_growing: 'It still grows',
  shape: 'It does not level off',
  precedent: 'More than earlier rises that were undone',
  patience: 'Watched for long enough',
  season: 'Not part of a daily wave',
  gc_runtime: 'Enough collections seen',
  persistence: 'Confirmed twice in a row',
};

const OUTCOMES = { true: ['passed', 'passed'], false: ['failed', 'not passed'], null: ['unknown', 'not asked'] };

/** Series are of one signal of a subject; an id without a signal means its rss_anon. */
function seriesId(id) {
  return id.includes('/') ? id : `${id}/rss_anon`;
}

/** A subject may have slashes of its own; the signal is behind the last one. */
function subjectOf(id) {
  return id.includes('/') ? id.slice(0, id.lastIndexOf('/')) : id;
}

/** The subject's row of the list; its full name is part of what is searched. */
async function fetchRow(id, signal) {
  const { subjects } = await fetchSubjects({ search: subjectOf(id), limit: ROWS_SEARCHED }, signal);
  return subjects.find((row) => row.id === seriesId(id))
    ?? subjects.find((row) => subjectOf(row.id) === subjectOf(id)) ?? null;
}

function createGateList() {
  const body = h('tbody');
  const summary = h('p', { class: 'muted gate-summary' });
  const section = h('section', { class: 'panel', 'aria-labelledby': 'gates-title' },
    h('h2', { id: 'gates-title' }, 'Why: the gates'), summary,
    h('table', { class: 'gates' },
      h('thead', { class: 'visually-hidden' }, h('tr', {}, ['Outcome', 'Gate', 'Numbers'].map((label) =>
        h('th', { scope: 'col' }, label)))),
      body));

  function create() {
    const outcome = h('td', { class: 'gate-outcome' });
    const words = h('span', { class: 'gate-words' });
    const name = h('span', { class: 'gate-name' });
    const detail = h('td', { class: 'gate-detail' });
    const row = h('tr', {}, outcome, h('th', { scope: 'row' }, words, name), detail);
    return {
      element: row,
      update({ gate, passed, detail: numbers }) {
        const [shape, word] = OUTCOMES[String(passed)] ?? OUTCOMES.null;
        setAttribute(row, 'data-outcome', shape);
        setChildren(outcome, shape, () => [icon(shape), h('span', { class: 'visually-hidden' }, word)]);
        setText(words, GATES[gate] ?? visibleName(gate));
        setText(name, visibleName(gate));
        setText(detail, numbers ? visibleName(numbers) : word);
      },
    };
  }

  return {
    element: section,
    set(gates) {
      section.hidden = gates.length === 0;
      keyed(body, gates, (gate) => gate.gate, create);
      const passed = gates.filter((gate) => gate.passed === true).length;
      const failed = gates.filter((gate) => gate.passed === false).map((gate) => gate.gate);
      setText(summary, failed.length > 0
        ? `${passed} passed, then held by ${failed.map(visibleName).join(', ')}.`
        : `All ${passed} gates that apply are passed.`);
    },
  };
}

function createFacts() {
  const list = h('dl', { class: 'facts' });
  return {
    element: h('section', { class: 'panel', 'aria-labelledby': 'facts-title' },
      h('h2', { id: 'facts-title' }, 'Facts'), list),
    set(facts) {
      const shown = facts.filter(([, value]) => value !== null && value !== undefined && value !== UNKNOWN);
      setChildren(list, JSON.stringify(shown), () => shown.map(([label, value, name]) => h('div', {},
        h('dt', {}, label), h('dd', {}, name ? nameElement(value) : value))));
    },
  };
}

function createHistory() {
  const list = h('ol', { class: 'history' });
  const section = h('section', { class: 'panel', 'aria-labelledby': 'history-title' },
    h('h2', { id: 'history-title' }, 'State changes'), list);
  return {
    element: section,
    set(changes, now) {
      section.hidden = changes.length === 0;
      const minute = Math.floor(now / 60);
      setChildren(list, JSON.stringify([changes, minute]), () => [...changes].reverse().map(({ at, state }) =>
        h('li', {}, stateBadge(state), h('span', {}, formatMoment(at, now)),
          h('span', { class: 'muted' }, `${formatDuration(now - at)} ago`))));
    },
  };
}

const ENDS = { exited: 'ended', reboot: 'ended by a reboot', exec: 'replaced by another program' };

/** How processes of the same program ended before this one. */
function createFormerLives() {
  const list = h('ol', { class: 'history' });
  const section = h('section', { class: 'panel', 'aria-labelledby': 'lives-title' },
    h('h2', { id: 'lives-title' }, 'Former lives of this program'), list);
  return {
    element: section,
    set(lives, unit, now) {
      section.hidden = lives.length === 0;
      const minute = Math.floor(now / 60);
      setChildren(list, JSON.stringify([lives, minute]), () => [...lives].reverse().map((life) =>
        h('li', {}, stateBadge(life.state),
          h('span', {}, `${ENDS[life.reason] ?? visibleName(life.reason)} ${formatMoment(life.ended_at, now)}`),
          h('span', { class: 'muted' }, [`after ${formatDuration(life.ended_at - life.start_time)}`,
            `floor ${formatAmount(life.floor, unit)}`,
            ...(life.build ? [`build ${visibleName(life.build.name)}`] : [])].join(', ')))));
    },
  };
}

const OCCASIONS = {
  suspected: 'When it became suspected', leaking: 'When it was called leaking', ended: 'When it had ended',
};
const FILES = {
  'heap.pb.gz': 'heap profile', 'suspect.json': 'suspect', 'series.json': 'series', 'mappings.txt': 'mappings',
};

/** What was captured of the subject, the newest first, as files to download. */
function createCaptures() {
  const list = h('ol', { class: 'history' });
  const section = h('section', { class: 'panel captures', 'aria-labelledby': 'captures-title' },
    h('h2', { id: 'captures-title' }, 'Evidence'), list);
  return {
    element: section,
    set(captures, now) {
      section.hidden = captures.length === 0;
      const minute = Math.floor(now / 60);
      const words = ({ occasion, at }) => `${OCCASIONS[occasion] ?? visibleName(occasion)}, ${formatMoment(at, now)}:`;
      setChildren(list, JSON.stringify([captures, minute]), () => captures.map((capture) => h('li', {},
        h('span', {}, words(capture)),
        capture.files.map((file) => h('a', { href: evidenceUrl(capture.id, file), download: true },
          FILES[file] ?? visibleName(file))))));
    },
  };
}

function createFloorTable() {
  const body = h('tbody');
  const element = h('details', { class: 'floor-table' }, h('summary', {}, 'Floors as a table'),
    h('table', { class: 'plain' }, h('thead', {}, h('tr', {}, h('th', { scope: 'col' }, 'Time'),
      h('th', { scope: 'col' }, 'Floor'))), body));
  return {
    element,
    set(floors, unit, now) {
      element.hidden = floors.length === 0;
      const shown = floors.slice(-FLOORS_LISTED_AT_MOST).reverse();
      setChildren(body, JSON.stringify(shown), () => shown.map(([time, value]) => h('tr', {},
        h('td', {}, formatMoment(time, now)), h('td', {}, formatAmount(value, unit)))));
    },
  };
}

// What a mark is called, and whether a series has it.
const LEGEND = [
  ['raw', 'readings (band: lowest to highest)', () => true],
  ['floor', 'floors', (series) => series.floors.length > 0],
  ['line', 'fitted line', (series) => series.line !== null],
  ['forecast', 'forecast and its interval', (series) => series.line !== null && series.predicted_exhaustion !== null],
  ['limit', 'limit', (series) => Boolean(series.limit)],
];

function createChartPanel(onRange) {
  const chart = createChart();
  const buttons = RANGES.map(([label, seconds]) => h('button', { type: 'button',
    'aria-pressed': String(seconds === null), onclick: () => onRange(seconds) }, label));
  const future = h('input', { type: 'checkbox', checked: true, onchange: () => onRange(undefined) });
  const empty = h('p', { class: 'chart-empty', hidden: true });
  const keys = LEGEND.map(([kind, label]) => h('li', {},
    h('span', { class: `key key-${kind}`, 'aria-hidden': 'true' }), label));
  const element = h('section', { class: 'panel chart-panel', 'aria-label': 'Chart' },
    h('div', { class: 'chart-tools' },
      h('div', { class: 'segments', role: 'group', 'aria-label': 'Time range' }, buttons),
      h('label', { class: 'check' }, future, 'Forecast')),
    chart.element, empty,
    h('ul', { class: 'legend' }, keys));
  return {
    element,
    withForecast: () => future.checked,
    press(seconds) {
      buttons.forEach((button, index) => setAttribute(button, 'aria-pressed', String(RANGES[index][1] === seconds)));
    },
    set(series, { status, now }) {
      const drawable = series !== null && series.points.length > 0;
      chart.element.hidden = !drawable;
      empty.hidden = drawable;
      if (drawable) {
        chart.update(series, { now, withForecast: future.checked });
        keys.forEach((key, index) => { key.hidden = !LEGEND[index][2](series); });
      } else {
        setText(empty, series === null ? 'This process is not watched, so no points are stored. A process is watched '
          + `once its anonymous memory and swap pass ${formatBytes(status.minimum_size_bytes)}; `
          + 'a process that ended is forgotten.'
          : 'No points are stored for this range yet.');
      }
    },
  };
}

/** The sum of those that are known; null where none is. */
function sumOf(...amounts) {
  const known = amounts.filter((amount) => typeof amount === 'number');
  return known.length > 0 ? known.reduce((sum, amount) => sum + amount, 0) : null;
}

/** "212 MiB, read 40 s ago": reading it is dear, so that it is older than everything else. */
function proportionalWords(proportional, now) {
  if (!proportional) return 'not read';
  const sum = sumOf(proportional.anon_bytes, proportional.file_bytes, proportional.shmem_bytes);
  return `${formatBytes(sum)}, read ${formatAge(now - proportional.sampled_at)}`;
}

/** The name, and the id where it is not in the name already. */
function buildWords({ name, id }) {
  return id.startsWith(name) ? id : `${name}, ${id}`;
}

function factsOf(row, suspect, series, now) {
  const subject = suspect?.subject ?? row?.subject ?? {};
  const isProcess = row?.scope === 'process';
  return [
    ['Process', subject.pid ? `pid ${subject.pid}` : null],
    ['Started', subject.start_time ? formatMoment(subject.start_time, now) : null],
    ['Group', subject.group, true],
    ['Cgroup', subject.cgroup, true],
    ['Build', suspect?.build ? buildWords(suspect.build) : null, true],
    ['Signal', signalWords(suspect?.signal ?? series?.signal ?? row?.signal)],
    ['Resident (RSS)', row
      ? formatBytes(sumOf(row.resident_anon_bytes, row.resident_file_bytes, row.resident_shmem_bytes)) : null],
    ['Proportional (PSS)', isProcess ? proportionalWords(row.proportional, now) : null],
    ['Anonymous', row ? formatBytes(row.resident_anon_bytes) : null],
    ['File-backed', row ? formatBytes(row.resident_file_bytes) : null],
    ['Shared', row ? formatBytes(row.resident_shmem_bytes) : null],
    ['Swap', row ? formatBytes(row.swap_bytes) : null],
    ['Threads', row ? formatCount(row.threads) : null],
  ];
}

/** `back` is a link to where the reader came from; `refresh` asks the agent again at once, when a range was chosen. */
export function createDetailView(id, back, refresh) {
  const heading = pageHeading('\u00a0', { class: 'detail-title' });
  const badge = h('span', { class: 'detail-badge' });
  const severity = h('span', { class: 'severity', hidden: true });
  const since = h('span', { class: 'muted' });
  const reason = h('p', { class: 'reason' }, '\u00a0');
  const evidence = h('p', { class: 'evidence', hidden: true });
  const figures = {
    death: createFigure('Reaches its limit'), growth: createFigure('Grows'), floor: createFigure('Floor'),
    limit: createFigure('Limit'), confidence: createFigure('Confidence in the trend'),
  };
  figures.death.element.classList.add('figure-wide');
  const gates = createGateList();
  const facts = createFacts();
  const history = createHistory();
  const lives = createFormerLives();
  const captures = createCaptures();
  const floors = createFloorTable();
  const description = h('p', { class: 'visually-hidden' });
  const problem = h('div');
  let range = null;
  let latest = null;
  const chart = createChartPanel((seconds) => {
    if (seconds !== undefined) {
      range = seconds;
      chart.press(seconds);
      refresh();
    }
    if (latest) chart.set(cut(latest.series), latest);
  });
  const element = h('div', { class: 'page' },
    back,
    h('div', { class: 'detail-head', 'aria-live': 'polite' },
      h('div', { class: 'detail-name' }, heading, badge, severity, since), reason, evidence),
    problem,
    h('dl', { class: 'figures figures-wide' }, Object.values(figures).map((figure) => figure.element)),
    chart.element, description,
    h('div', { class: 'columns' }, gates.element,
      h('div', { class: 'column' }, captures.element, facts.element, history.element, lives.element)),
    floors.element);

  // Between choosing a range and the agent's answer, what is already here is cut to it.
  function cut(series) {
    if (!series || range === null) return series;
    const start = latest.now - range;
    return { ...series, points: series.points.filter(([time]) => time >= start),
      floors: series.floors.filter(([time]) => time >= start) };
  }

  function showFigures(series, suspect, row, now) {
    const source = suspect ?? row ?? {};
    const growth = source.growth_per_second ?? series?.line?.growth_per_second ?? null;
    const unit = source.unit ?? series?.unit ?? null;
    const prediction = source.predicted_exhaustion ?? series?.predicted_exhaustion ?? null;
    setGrowthFigure(figures.growth, growth, unit);
    setForecastFigure(figures.death, prediction, growth, now);
    const value = row?.value ?? series?.points.at(-1)?.[2];
    const floor = source.floor ?? series?.floors.at(-1)?.[1];
    figures.floor.set(formatAmount(floor, unit), `now ${formatAmount(value, unit)}`);
    const limit = prediction?.limit ?? series?.limit;
    figures.limit.set(limit ? formatAmount(limit, unit) : 'unknown',
      prediction ? limitSource(prediction.limit_source) : '');
    const held = typeof source.confidence === 'number' && source.confidence <= 0.5;
    figures.confidence.set(formatPercent(source.confidence), held ? 'at most 50 % until confirmed' : '');
  }

  function showHead(series, suspect, row, { status, now }) {
    const name = suspect?.subject.comm ?? row?.subject.comm ?? id;
    setChildren(heading, name, () => nameElement(name));
    document.title = `${visibleName(name)} \u00b7 heapfloor`;
    const state = suspect?.state ?? row?.state ?? series?.state ?? null;
    setChildren(badge, String(state), () => stateBadge(state));
    severity.hidden = !suspect?.severity;
    setText(severity, suspect?.severity ?? '');
    setAttribute(severity, 'data-severity', suspect?.severity ?? null);
    setText(since, suspect ? `since ${formatMoment(suspect.since, now)}` : '');
    const words = [suspect?.cause_summary, evidenceWords(suspect?.evidence)].filter(Boolean).join(' ');
    evidence.hidden = words === '';
    setText(evidence, words);
    setText(reason, suspect ? sentence(suspect.reason) : plainReason(state, series, row, status));
  }

  return {
    element,
    title: 'Process',
    // The row says what there is to ask for: neither a stable process's reason nor a small one's points exist.
    async load(signal, { now }) {
      const limits = range === null ? {} : { start: now - range };
      const row = await fetchRow(id, signal);
      const [suspect, series] = await Promise.all([
        row && !SUSPECT_STATES.has(row.state) ? null : fetchSuspect(seriesId(id), signal),
        row && !row.watched ? null : fetchSeries(seriesId(id), limits, signal)]);
      return { suspect, series, row };
    },
    render({ suspect, series, row }, { status, now }) {
      latest = { series, status, now };
      problem.replaceChildren();
      showHead(series, suspect, row, latest);
      showFigures(series, suspect, row, now);
      chart.set(cut(series), latest);
      setText(description, series ? describeSeries(series, now) : '');
      gates.set(suspect?.gates ?? []);
      facts.set(factsOf(row, suspect, series, now));
      history.set(series?.changes ?? suspect?.changes ?? [], now);
      captures.set(suspect?.captures ?? [], now);
      lives.set(series?.former_lives ?? [], series?.unit, now);
      floors.set(series?.floors ?? [], series?.unit, now);
    },
    fail(error) {
      problem.replaceChildren(refusal(error));
    },
  };
}

/** What is said of a subject that is no suspect. */
function plainReason(state, series, row, status) {
  if (!series && !row) {
    return 'The agent does not know this process (any more). It may have ended, or the agent restarted.';
  }
  if (!series) return 'Too small to be watched: no floor is followed and no verdict is made.';
  if (state === 'learning') {
    const needed = formatRoughDuration(status.first_verdict_seconds);
    return `Learning: the first verdict needs about ${needed} at this interval.`;
  }
  if (state === 'stable') return 'Stable: no rise of the floor passes the gates.';
  return '\u00a0';
}
