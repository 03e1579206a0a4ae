// Everything that is followed: searched, sorted, filtered and paged by the agent, so the document stays small however
// much there is.

import { fetchSubjects } from '../api';
import type { LeakState, Scope, Status, SubjectRow } from '../api_types';
import { h, keyed, pageHeading, type Row, setAttribute, setChildren, setText, stateBadge } from '../dom';
import { formatAmount, formatBytes, formatCount, formatForecast, formatGrowth, nameElement, UNKNOWN } from '../format';
import { refusal, SCOPES, subjectLink, subjectMeta } from './parts';
import { type Column, createListing, createSearch, createSelect, type ListQuery } from './table';
import type { View } from './view';

const PAGE_ROWS = 50;
const STATES: readonly LeakState[] = ['leaking', 'suspected', 'recovering', 'learning', 'stable'];
const COLUMNS: Column[] = [
  { key: 'name', label: 'Subject', firstOrder: 'asc', className: 'col-name' },
  { key: null, label: 'State', firstOrder: 'asc', className: 'col-state' },
  { key: 'value', label: 'Now', firstOrder: 'desc', className: 'col-value' },
  { key: 'floor', label: 'Floor', firstOrder: 'desc', className: 'col-floor' },
  { key: 'growth', label: 'Growth', firstOrder: 'desc', className: 'col-growth' },
  { key: 'exhaustion', label: 'Reaches limit', firstOrder: 'asc', className: 'col-exhaustion' },
  { key: null, label: 'Swap', firstOrder: 'desc', className: 'col-swap' },
  { key: null, label: 'Threads', firstOrder: 'desc', className: 'col-threads' },
];
// Where there is nothing of a scope, what would make it appear.
const HOW_TO_GET: Record<string, string> = {
  allocator: 'No program with a probe was found: start a program with heapfloor run -- PROGRAM.',
  structure:
    'No program tells of its structures: link it with the probe\u2019s headers, or start it with heapfloor run --.',
  site: 'No program with a probe was found: start a program with heapfloor run -- PROGRAM.',
  go: 'No Go program is followed (yet). Reading one takes CAP_SYS_PTRACE; the view \u201cStatus\u201d says what is closed.',
  jvm: 'No JVM is followed (yet). The view \u201cStatus\u201d says what could not be read.',
  external: 'No series of another server is followed: external.targets in the configuration names servers.',
  cgroup: 'No cgroup is watched (yet). The view \u201cCgroups\u201d lists all that were read.',
  host: 'Of the host itself nothing is watched: see the view \u201cHost\u201d.',
} satisfies Partial<Record<Scope, string>>;

interface Item {
  row: SubjectRow;
  now: number;
}

function createRow({ row: { id } }: Item): Row<Item> {
  const link = h('a', { href: subjectLink(id), class: 'row-name' });
  const meta = h('span', { class: 'row-meta' });
  const state = h('td', { class: 'col-state' });
  const value = h('span');
  const floorBelow = h('span', { class: 'below floor-below' });
  const floor = h('td', { class: 'col-floor number' });
  const growth = h('td', { class: 'col-growth number' });
  const exhaustion = h('td', { class: 'col-exhaustion number' });
  const swap = h('td', { class: 'col-swap number' });
  const threads = h('td', { class: 'col-threads number' });
  const element = h(
    'tr',
    {},
    h('th', { scope: 'row', class: 'col-name' }, link, meta),
    state,
    h('td', { class: 'col-value number' }, value, floorBelow),
    floor,
    growth,
    exhaustion,
    swap,
    threads,
  );
  const withDetail = (main: string, below: string) => [h('span', {}, main), h('span', { class: 'below' }, below)];
  return {
    element,
    update({ row, now }) {
      setAttribute(element, 'data-state', row.state);
      setChildren(link, row.subject.comm, () => nameElement(row.subject.comm));
      const described = JSON.stringify([row.subject, row.scope, row.unit, row.signal]);
      setChildren(meta, described, () => subjectMeta(row.subject, row.scope, row.unit, row.signal));
      setChildren(state, String(row.state), () => stateBadge(row.state));
      setText(value, formatAmount(row.value, row.unit));
      setText(floor, formatAmount(row.floor, row.unit));
      setText(floorBelow, `floor ${formatAmount(row.floor, row.unit)}`);
      const rate = formatGrowth(row.growth_per_second, row.unit);
      setChildren(growth, JSON.stringify(rate), () => (rate ? withDetail(rate.value, rate.interval) : UNKNOWN));
      const forecast = formatForecast(row.predicted_exhaustion, now);
      setChildren(exhaustion, JSON.stringify(forecast), () =>
        forecast ? withDetail(forecast.wait, forecast.moment) : UNKNOWN,
      );
      setText(swap, formatBytes(row.swap_bytes));
      setText(threads, formatCount(row.threads));
    },
  };
}

function emptyWords(query: ListQuery, status: Status): string {
  const words = [query.search && `matches \u201c${query.search}\u201d`, query.state && `is ${query.state}`].filter(
    (part) => part !== '',
  );
  const scope = String(query.scope);
  if (words.length > 0) {
    const what =
      scope === ''
        ? 'Nothing that is followed'
        : `None of what is listed as \u201c${SCOPES[scope]?.[1] ?? scope}\u201d`;
    return `${what} ${words.join(' and ')}.`;
  }
  const processes = status.counts.processes === 0 ? 'The agent has not read any process yet.' : 'Nothing to list.';
  return HOW_TO_GET[scope] ?? processes;
}

/** `parameters` come from the address and are kept there; refresh() asks the agent again at once. */
export function createSubjectsView(parameters: URLSearchParams, refresh: () => void): View {
  const title = pageHeading('Subjects');
  const { query, change, heads, pager } = createListing({
    route: 'subjects',
    parameters,
    refresh,
    columns: COLUMNS,
    pageRows: PAGE_ROWS,
    defaults: { search: '', state: '', scope: '', sort: 'value', order: 'desc' },
    onPage: () => title.scrollIntoView({ block: 'nearest' }),
  });
  const scopes = Object.entries(SCOPES).map(([name, [, many]]) => [name, many] as const);
  const states = STATES.map((name) => [name, name] as const);
  const filters = h(
    'div',
    { class: 'filters', role: 'search' },
    createSearch('Search', 'Name, group or pid', query.search, (search) => change({ search })),
    createSelect('scope', 'What is listed', [['', 'Everything'], ...scopes], String(query.scope), (scope) =>
      change({ scope }),
    ),
    createSelect('state', 'State', [['', 'Any state'], ...states], String(query.state), (state) => change({ state })),
  );
  const body = h('tbody');
  const empty = h('p', { class: 'empty', hidden: true });
  const problem = h('div');
  const table = h(
    'table',
    { class: 'subjects' },
    h('caption', { class: 'visually-hidden' }, 'Subjects with their amount, floor, growth and forecast'),
    h('thead', {}, heads.element),
    body,
  );

  return {
    element: h('div', { class: 'page' }, title, filters, problem, table, empty, pager.element),
    title: 'Subjects',
    async ask(signal) {
      const data = await fetchSubjects({ ...query, limit: PAGE_ROWS }, signal);
      return ({ status, now }) => {
        problem.replaceChildren();
        if (data.subjects.length === 0 && data.total > 0 && query.offset > 0) {
          change({ offset: 0 }); // the list got shorter than the page that was looked at
          return;
        }
        keyed(
          body,
          data.subjects.map((row) => ({ row, now })),
          ({ row }) => `${row.id} ${row.signal}`,
          createRow,
        );
        pager.set(data.offset, data.subjects.length, data.total);
        table.hidden = data.total === 0;
        empty.hidden = data.total > 0;
        setText(empty, data.total > 0 ? '' : emptyWords(query, status));
      };
    },
    fail(error) {
      problem.replaceChildren(refusal(error));
    },
  };
}
