// The agent itself: what it reads, how long that takes and what it could not read.

import { h, icon, keyed, pageHeading, setAttribute, setChildren, setText } from '../dom.js';
import { formatAge, formatBytes, formatCount, formatDuration, formatMoment, plural, visibleName } from '../format.js';

const REASONS = {
  permission: 'refused: no permission for the user that the agent runs as',
  vanished: 'ended while being read (normal)',
  unavailable: 'not offered by this kernel',
  parse: 'not understood',
  timeout: 'too slow',
  io: 'failed otherwise',
};

function formatMilliseconds(seconds) {
  if (!Number.isFinite(seconds)) return '\u2013';
  return seconds < 1 ? `${(seconds * 1000).toFixed(seconds < 0.01 ? 1 : 0)}\u00a0ms` : `${seconds.toFixed(1)}\u00a0s`;
}

function createCollector() {
  const state = h('td', { class: 'collector-state' });
  const name = h('th', { scope: 'row' });
  const duration = h('td', { class: 'number' });
  const success = h('td', { class: 'number' });
  const errors = h('td', { class: 'collector-errors' });
  const row = h('tr', {}, state, name, duration, success, errors);
  return {
    element: row,
    update({ collector, now }) {
      const shape = collector.success ? 'passed' : 'failed';
      setAttribute(row, 'data-outcome', shape);
      setChildren(state, shape, () => [icon(shape),
        h('span', { class: 'visually-hidden' }, collector.success ? 'works' : 'fails')]);
      setText(name, visibleName(collector.name));
      setText(duration, formatMilliseconds(collector.duration_seconds));
      setText(success, collector.last_success_at ? formatAge(now - collector.last_success_at) : 'never');
      const counted = Object.entries(collector.errors ?? {}).filter(([, count]) => count > 0);
      const closed = Object.entries(collector.closed_sources ?? {});
      setChildren(errors, JSON.stringify([counted, closed]), () => (counted.length + closed.length === 0
        ? h('span', { class: 'muted' }, 'everything read')
        : h('ul', {}, [
          ...closed.map(([source, needs]) => h('li', { 'data-source': source },
            h('strong', {}, visibleName(source)),
            ` closed to this agent${needs ? `; it needs ${visibleName(needs)}` : ''}`)),
          ...counted.map(([reason, count]) => h('li', { 'data-reason': reason },
            h('strong', {}, formatCount(count)), ` ${REASONS[reason] ?? visibleName(reason)}`))])));
    },
  };
}

function agentFacts(status, now) {
  const { series, host, counts } = status;
  return [
    ['Version', `${visibleName(status.version)} (${visibleName(status.revision)})`],
    ['Running', `since ${formatMoment(status.started_at, now)}, ${formatDuration(now - status.started_at)}`],
    ['Reads every', formatDuration(status.interval_seconds)],
    ['Host memory', `${formatBytes(host.memory_available_bytes)} of `
      + `${formatBytes(host.memory_capacity_bytes)} available`],
    ['Processes', `${formatCount(counts.processes)} in ${plural(counts.groups, 'group', 'groups')}, `
      + `${formatCount(counts.watched_processes)} watched`],
    ['Series', `${formatCount(series.series)} of at most ${formatCount(series.limit)}`
      + (series.dropped > 0 ? `; ${formatCount(series.dropped)} not kept for lack of room` : '')],
  ];
}

// A server whose series are followed.
function createTarget() {
  const state = h('td', { class: 'collector-state' });
  const name = h('span');
  const url = h('span', { class: 'row-meta' });
  const series = h('td', { class: 'number' });
  const duration = h('td', { class: 'number' });
  const success = h('td', { class: 'number' });
  const problems = h('td', { class: 'collector-errors' });
  const row = h('tr', {}, state, h('th', { scope: 'row' }, name, url), series, duration, success, problems);
  return {
    element: row,
    update({ target, now }) {
      const shape = target.up ? 'passed' : 'failed';
      const words = target.up === null ? 'not asked yet' : `${target.up ? 'answers' : 'does not answer as it should'}`;
      setAttribute(row, 'data-outcome', shape);
      setChildren(state, words, () => [icon(shape), h('span', { class: 'visually-hidden' }, words)]);
      setText(name, visibleName(target.name));
      setText(url, visibleName(target.url));
      setText(series, formatCount(target.series));
      setText(duration, target.up === null ? '\u2013' : formatMilliseconds(target.duration_seconds));
      setText(success, target.last_success_at ? formatAge(now - target.last_success_at) : 'never');
      const dropped = Object.values(target.series_dropped ?? {}).reduce((sum, count) => sum + count, 0);
      const said = [target.error && visibleName(target.error),
        dropped > 0 && `${plural(dropped, 'series was', 'series were')} left out since the start`,
        target.readings_refused > 0
          && `${plural(target.readings_refused, 'reading', 'readings')} of the future refused`,
      ].filter(Boolean);
      setChildren(problems, JSON.stringify(said), () => (said.length === 0 ? h('span', { class: 'muted' }, 'none')
        : h('ul', {}, said.map((line) => h('li', {}, line)))));
    },
  };
}

export function createStatusView() {
  const facts = h('dl', { class: 'facts facts-wide' });
  const body = h('tbody');
  const column = (label, properties = {}) => h('th', { scope: 'col', ...properties }, label);
  const targets = h('tbody');
  const servers = h('section', { class: 'panel', 'aria-labelledby': 'servers-title', hidden: true },
    h('h2', { id: 'servers-title' }, 'Other servers'),
    h('div', { class: 'scroll', tabindex: '0', role: 'region', 'aria-labelledby': 'servers-title' },
      h('table', { class: 'plain collectors servers' }, h('thead', {}, h('tr', {},
        h('th', {}, h('span', { class: 'visually-hidden' }, 'State')), column('Target'),
        column('Series', { class: 'number' }), column('Took', { class: 'number' }),
        column('Last success', { class: 'number' }), column('Problems'))), targets)));
  const element = h('div', { class: 'page' }, pageHeading('Agent'),
    h('section', { class: 'panel' }, facts),
    h('section', { class: 'panel', 'aria-labelledby': 'collectors-title' },
      h('h2', { id: 'collectors-title' }, 'Collectors'),
      h('div', { class: 'scroll', tabindex: '0', role: 'region', 'aria-labelledby': 'collectors-title' },
        h('table', { class: 'plain collectors' }, h('thead', {}, h('tr', {},
          h('th', {}, h('span', { class: 'visually-hidden' }, 'State')), column('Collector'),
          column('Took', { class: 'number' }), column('Last success', { class: 'number' }),
          column('Could not read, since the start'))), body))),
    servers);
  return {
    element,
    title: 'Agent',
    async load() {
      return null;  // everything shown here is in the status that every page asks for
    },
    render(_, { status, now }) {
      const rows = agentFacts(status, now);
      setChildren(facts, JSON.stringify(rows), () => rows.map(([label, value]) => h('div', {},
        h('dt', {}, label), h('dd', {}, value))));
      keyed(body, status.collectors.map((collector) => ({ collector, now })), (item) => item.collector.name,
        createCollector);
      const followed = status.external_targets ?? [];
      servers.hidden = followed.length === 0;
      keyed(targets, followed.map((target) => ({ target, now })), (item) => item.target.name, createTarget);
    },
    fail() {},
  };
}
