// The agent itself: what it reads, how long that takes, what it could not read and what would open it.

import { fetchConfig } from '../api';
import type { Collector, Config, ErrorCounts, ExternalTarget, GoEndpoint, Status } from '../api_types';
import { type Child, h, icon, keyed, pageHeading, type Row, setAttribute, setChildren, setText } from '../dom';
import {
  formatAge,
  formatBytes,
  formatCount,
  formatDuration,
  formatMoment,
  plural,
  UNKNOWN,
  visibleName,
} from '../format';
import { panel } from './parts';
import type { View } from './view';

const REASONS: Record<string, string> = {
  permission: 'refused: no permission for the user that the agent runs as',
  vanished: 'ended while being read (normal)',
  unavailable: 'not offered by this kernel',
  parse: 'not understood',
  timeout: 'too slow',
  io: 'failed otherwise',
} satisfies Record<keyof ErrorCounts, string>;

function formatMilliseconds(seconds: number): string {
  return seconds < 1 ? `${(seconds * 1000).toFixed(seconds < 0.01 ? 1 : 0)}\u00a0ms` : `${seconds.toFixed(1)}\u00a0s`;
}

interface CollectorItem {
  collector: Collector;
  now: number;
}

function createCollector(): Row<CollectorItem> {
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
      setChildren(state, shape, () => [
        icon(shape),
        h('span', { class: 'visually-hidden' }, collector.success ? 'works' : 'fails'),
      ]);
      setText(name, visibleName(collector.name));
      setText(duration, formatMilliseconds(collector.duration_seconds));
      setText(success, collector.last_success_at ? formatAge(now - collector.last_success_at) : 'never');
      const counted = Object.entries(collector.errors).filter(([, count]) => count > 0);
      const closed = Object.entries(collector.closed_sources);
      setChildren(errors, JSON.stringify([counted, closed]), () =>
        counted.length + closed.length === 0
          ? h('span', { class: 'muted' }, 'everything read')
          : h('ul', {}, [
              ...closed.map(([source, needs]) =>
                h(
                  'li',
                  { 'data-source': source },
                  h('strong', {}, visibleName(source)),
                  ` closed to this agent${needs ? `; it needs ${visibleName(needs)}` : ''}`,
                ),
              ),
              ...counted.map(([reason, count]) =>
                h(
                  'li',
                  { 'data-reason': reason },
                  h('strong', {}, formatCount(count)),
                  ` ${REASONS[reason] ?? visibleName(reason)}`,
                ),
              ),
            ]),
      );
    },
  };
}

function agentFacts(status: Status, now: number): [string, string][] {
  const { series, host, counts, probes } = status;
  return [
    ['Version', `${visibleName(status.version)} (${visibleName(status.revision)})`],
    ['Running', `since ${formatMoment(status.started_at, now)}, ${formatDuration(now - status.started_at)}`],
    ['Reads every', formatDuration(status.interval_seconds)],
    [
      'Host memory',
      `${formatBytes(host.memory_available_bytes)} of ` + `${formatBytes(host.memory_capacity_bytes)} available`,
    ],
    [
      'Processes',
      `${formatCount(counts.processes)} in ${plural(counts.groups, 'group', 'groups')}, ` +
        `${formatCount(counts.watched_processes)} watched`,
    ],
    ['Programs with a probe', formatCount(probes.targets)],
    [
      'Series',
      `${formatCount(series.series)} of at most ${formatCount(series.limit)}` +
        (series.dropped > 0 ? `; ${formatCount(series.dropped)} not kept for lack of room` : ''),
    ],
  ];
}

// Whoever is asked over HTTP.
interface AskedItem {
  key: string;
  name: string;
  url: string;
  up: boolean | null;
  amount: string;
  seconds: number;
  success: number | null;
  problems: string[];
  now: number;
}

const notEmpty = (line: string | null | false): line is string => typeof line === 'string' && line !== '';

function askedServer(target: ExternalTarget, now: number): AskedItem {
  const dropped = Object.values(target.series_dropped).reduce((sum, count) => sum + count, 0);
  return {
    key: target.name,
    name: visibleName(target.name),
    url: visibleName(target.url),
    up: target.up,
    amount: formatCount(target.series),
    seconds: target.duration_seconds,
    success: target.last_success_at,
    problems: [
      target.error && visibleName(target.error),
      dropped > 0 && `${plural(dropped, 'series was', 'series were')} left out since the start`,
      target.readings_refused > 0 && `${plural(target.readings_refused, 'reading', 'readings')} of the future refused`,
    ].filter(notEmpty),
    now,
  };
}

function askedProgram(endpoint: GoEndpoint, now: number): AskedItem {
  const pid = endpoint.pid === null ? '' : ` (${endpoint.pid})`;
  return {
    key: `${endpoint.name ?? ''} ${endpoint.url} ${endpoint.pid ?? ''}`,
    name: visibleName(endpoint.name ?? endpoint.group ?? 'Go program') + pid,
    url: visibleName(endpoint.url),
    up: endpoint.up,
    amount: formatBytes(endpoint.live_bytes),
    seconds: endpoint.duration_seconds,
    success: endpoint.last_success_at,
    problems: [
      endpoint.error && visibleName(endpoint.error),
      endpoint.up === true && endpoint.live_bytes === null && 'its page does not tell what lives after collections',
    ].filter(notEmpty),
    now,
  };
}

function createAsked(): Row<AskedItem> {
  const state = h('td', { class: 'collector-state' });
  const name = h('span');
  const url = h('span', { class: 'row-meta' });
  const amount = h('td', { class: 'number' });
  const duration = h('td', { class: 'number' });
  const success = h('td', { class: 'number' });
  const problems = h('td', { class: 'collector-errors' });
  const row = h('tr', {}, state, h('th', { scope: 'row' }, name, url), amount, duration, success, problems);
  return {
    element: row,
    update(target) {
      const shape = target.up ? 'passed' : 'failed';
      const words = target.up === null ? 'not asked yet' : `${target.up ? 'answers' : 'does not answer as it should'}`;
      setAttribute(row, 'data-outcome', shape);
      setChildren(state, words, () => [icon(shape), h('span', { class: 'visually-hidden' }, words)]);
      setText(name, target.name);
      setText(url, target.url);
      setText(amount, target.amount);
      setText(duration, target.up === null ? UNKNOWN : formatMilliseconds(target.seconds));
      setText(success, target.success ? formatAge(target.now - target.success) : 'never');
      const said = target.problems;
      setChildren(problems, JSON.stringify(said), () =>
        said.length === 0
          ? h('span', { class: 'muted' }, 'none')
          : h(
              'ul',
              {},
              said.map((line) => h('li', {}, line)),
            ),
      );
    },
  };
}

/** Every source that is closed, by what would open it: what one capability costs to be without. */
function closedByNeed(status: Status): [string, string[]][] {
  const sources = new Map<string, string[]>();
  for (const { name, closed_sources: closed } of status.collectors) {
    for (const [source, needs] of Object.entries(closed)) {
      const key = needs ?? 'not known';
      sources.set(key, [...(sources.get(key) ?? []), `${visibleName(source)} (${visibleName(name)})`]);
    }
  }
  return [...sources].sort(([a], [b]) => (a < b ? -1 : 1));
}

interface Part {
  element: HTMLElement;
  set(status: Status, now: number): void;
}

function createPrivileges(): Part {
  const body = h('tbody');
  const none = h('p', { class: 'muted' }, 'Everything that the collectors ask for may be read.');
  const table = h(
    'table',
    { class: 'plain' },
    h('thead', {}, h('tr', {}, h('th', { scope: 'col' }, 'What would open it'), h('th', { scope: 'col' }, 'Closed'))),
    body,
  );
  return {
    element: panel('privileges-title', 'Privileges', none, table),
    set(status) {
      const closed = closedByNeed(status);
      none.hidden = closed.length > 0;
      table.hidden = closed.length === 0;
      setChildren(body, JSON.stringify(closed), () =>
        closed.map(([needs, sources]) =>
          h('tr', {}, h('th', { scope: 'row' }, visibleName(needs)), h('td', {}, sources.join(', '))),
        ),
      );
    },
  };
}

function scrolled(id: string, ...table: Child[]): HTMLElement {
  return h('div', { class: 'scroll', tabindex: '0', role: 'group', 'aria-labelledby': id }, table);
}

function columns(...labels: [string, string?][]): HTMLElement {
  const state = h('td', {}, h('span', { class: 'visually-hidden' }, 'State'));
  const heads = labels.map(([label, name]) => h('th', { scope: 'col', class: name }, label));
  return h('thead', {}, h('tr', {}, state, heads));
}

function createCollectors(): Part {
  const body = h('tbody');
  const head = columns(
    ['Collector'],
    ['Took', 'number'],
    ['Last success', 'number'],
    ['Could not read, since the start'],
  );
  return {
    element: panel(
      'collectors-title',
      'Collectors',
      scrolled('collectors-title', h('table', { class: 'plain collectors' }, head, body)),
    ),
    set(status, now) {
      const items = status.collectors.map((collector) => ({ collector, now }));
      keyed(body, items, ({ collector }) => collector.name, createCollector);
    },
  };
}

function createAskedPart(
  title: string,
  id: string,
  amount: string,
  list: (status: Status, now: number) => AskedItem[],
): Part {
  const body = h('tbody');
  const head = columns(['Target'], [amount, 'number'], ['Took', 'number'], ['Last success', 'number'], ['Problems']);
  const section = panel(
    `${id}-title`,
    title,
    scrolled(`${id}-title`, h('table', { class: `plain collectors ${id}` }, head, body)),
  );
  return {
    element: section,
    set(status, now) {
      const items = list(status, now);
      section.hidden = items.length === 0;
      keyed(body, items, ({ key }) => key, createAsked);
    },
  };
}

const createServers = () =>
  createAskedPart('Other servers', 'servers', 'Series', (status, now) =>
    status.external_targets.map((target) => askedServer(target, now)),
  );

const createPrograms = () =>
  createAskedPart('Go programs that are asked', 'programs', 'Live heap', (status, now) =>
    status.go_endpoints.map((endpoint) => askedProgram(endpoint, now)),
  );

/** What differs from the defaults, and behind a click everything. */
function createConfiguration() {
  const changed = h('tbody');
  const none = h('p', { class: 'muted' }, 'Everything is as it is by default.');
  const all = h('tbody');
  const lists = h('p', { class: 'muted' });
  const head = () =>
    h(
      'thead',
      {},
      h(
        'tr',
        {},
        ['Key', 'Value', 'Default'].map((label) => h('th', { scope: 'col' }, label)),
      ),
    );
  const changes = h('table', { class: 'plain configuration' }, head(), changed);
  const rows = (settings: Config['settings']) =>
    settings.map(({ key, value, default: initial, help }) =>
      h(
        'tr',
        {},
        h('th', { scope: 'row', title: help }, h('code', {}, key)),
        h('td', {}, value === '' ? UNKNOWN : visibleName(value)),
        h('td', { class: 'muted' }, initial === '' ? UNKNOWN : visibleName(initial)),
      ),
    );
  const title = 'configuration-title';
  return {
    element: panel(
      title,
      'Configuration',
      none,
      scrolled(title, changes),
      lists,
      h(
        'details',
        {},
        h('summary', {}, 'Every key'),
        scrolled(title, h('table', { class: 'plain configuration' }, head(), all)),
      ),
    ),
    set(config: Config) {
      const different = config.settings.filter((setting) => !setting.is_default);
      none.hidden = different.length > 0;
      changes.hidden = different.length === 0;
      const filled = config.lists.filter(({ entries }) => entries > 0);
      lists.hidden = filled.length === 0;
      setText(lists, filled.map(({ path, entries }) => `${path}: ${plural(entries, 'entry', 'entries')}`).join(', '));
      setChildren(changed, JSON.stringify(different), () => rows(different));
      setChildren(all, JSON.stringify(config.settings), () => rows(config.settings));
    },
  };
}

export function createStatusView(): View {
  const facts = h('dl', { class: 'facts facts-wide' });
  const parts = [createPrivileges(), createCollectors(), createServers(), createPrograms()];
  const configuration = createConfiguration();
  const licences = h(
    'p',
    { class: 'muted' },
    h('a', { href: 'licenses.txt' }, 'Licences of what this page is made of'),
  );
  const element = h(
    'div',
    { class: 'page' },
    pageHeading('Status'),
    h('section', { class: 'panel', 'aria-label': 'Agent' }, facts),
    parts.map((part) => part.element),
    configuration.element,
    licences,
  );
  return {
    element,
    title: 'Status',
    // The rest of what is shown here is in the status that every page asks for.
    async ask(signal) {
      // Without it the rest is worth showing.
      const config = await fetchConfig(signal).catch(() => null);
      return ({ status, now }) => {
        configuration.element.hidden = config === null;
        if (config) configuration.set(config);
        const rows = agentFacts(status, now);
        setChildren(facts, JSON.stringify(rows), () =>
          rows.map(([label, value]) => h('div', {}, h('dt', {}, label), h('dd', {}, value))),
        );
        for (const part of parts) part.set(status, now);
      };
    },
    fail() {},
  };
}
