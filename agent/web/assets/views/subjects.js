// Every process, or every series of other servers: searched, sorted and paged by the agent, so the document stays small
// however many there are.

import { fetchSubjects } from '../api.js';
import { h, icon, keyed, pageHeading, setAttribute, setChildren, setText, stateBadge } from '../dom.js';
import {
  formatAmount, formatBytes, formatCount, formatForecast, formatGrowth, nameElement, plural,
} from '../format.js';
import { refusal, subjectLink, subjectMeta } from './parts.js';
import { createListing } from './table.js';

const PAGE_ROWS = 50;
const TYPING_PAUSE_MILLISECONDS = 200;
const SCOPES = [['process', 'Processes'], ['external', 'Series of other servers']];
const STATES = ['leaking', 'suspected', 'recovering', 'learning', 'stable'];
// Sort key of the agent, heading, whether the first click sorts downwards, class of the column.
const COLUMNS = [
  ['name', 'Process', 'asc', 'col-name'],
  [null, 'State', null, 'col-state'],
  ['value', 'Memory', 'desc', 'col-value'],
  ['floor', 'Floor', 'desc', 'col-floor'],
  ['growth', 'Growth', 'desc', 'col-growth'],
  ['exhaustion', 'Reaches limit', 'asc', 'col-exhaustion'],
  [null, 'Swap', null, 'col-swap'],
  [null, 'Threads', null, 'col-threads'],
];

function createRow(subject) {
  const link = h('a', { href: subjectLink(subject.id), class: 'row-name' });
  const meta = h('span', { class: 'row-meta' });
  const state = h('td', { class: 'col-state' });
  const value = h('span');
  const floorBelow = h('span', { class: 'below floor-below' });
  const floor = h('td', { class: 'col-floor number' });
  const growth = h('td', { class: 'col-growth number' });
  const exhaustion = h('td', { class: 'col-exhaustion number' });
  const swap = h('td', { class: 'col-swap number' });
  const threads = h('td', { class: 'col-threads number' });
  const element = h('tr', {}, h('th', { scope: 'row', class: 'col-name' }, link, meta), state,
    h('td', { class: 'col-value number' }, value, floorBelow), floor, growth, exhaustion, swap, threads);
  return {
    element,
    update({ row, now }) {
      setAttribute(element, 'data-state', row.state);
      setChildren(link, row.subject.comm, () => nameElement(row.subject.comm));
      setChildren(meta, JSON.stringify([row.subject, row.scope, row.unit]),
        () => subjectMeta(row.subject, row.scope, row.unit));
      setChildren(state, String(row.state), () => stateBadge(row.state));
      setText(value, formatAmount(row.value, row.unit));
      setText(floor, formatAmount(row.floor, row.unit));
      setText(floorBelow, `floor ${formatAmount(row.floor, row.unit)}`);
      const rate = formatGrowth(row.growth_per_second, row.unit);
      setChildren(growth, JSON.stringify(rate), () => (rate ? [h('span', {}, rate.value),
        h('span', { class: 'below' }, rate.interval)] : '\u2013'));
      const forecast = formatForecast(row.predicted_exhaustion, now);
      setChildren(exhaustion, JSON.stringify(forecast), () => (forecast ? [h('span', {}, forecast.wait),
        h('span', { class: 'below' }, forecast.moment)] : '\u2013'));
      setText(swap, formatBytes(row.swap_bytes));
      setText(threads, formatCount(row.threads));
    },
  };
}

function createFilters(query, onChange) {
  const search = h('input', { type: 'search', id: 'search', placeholder: 'Name, group or pid', autocomplete: 'off',
    spellcheck: 'false', value: query.search });
  const state = h('select', { id: 'state' }, h('option', { value: '' }, 'Any state'),
    STATES.map((name) => h('option', { value: name, selected: name === query.state }, name)));
  const scope = h('select', { id: 'scope' }, SCOPES.map(([name, label]) => h('option', { value: name,
    selected: name === query.scope }, label)));
  const scopes = h('div', { class: 'field', hidden: true },
    h('label', { for: 'scope', class: 'visually-hidden' }, 'What is listed'), scope);
  let timer = 0;
  search.addEventListener('input', () => {
    clearTimeout(timer);
    timer = setTimeout(() => onChange({ search: search.value.trim() }), TYPING_PAUSE_MILLISECONDS);
  });
  state.addEventListener('change', () => onChange({ state: state.value }));
  scope.addEventListener('change', () => onChange({ scope: scope.value }));
  return {
    element: h('div', { class: 'filters', role: 'search' },
      h('div', { class: 'field field-grow' },
        h('label', { for: 'search', class: 'visually-hidden' }, 'Search'), icon('search'), search),
      scopes, h('div', { class: 'field' }, h('label', { for: 'state', class: 'visually-hidden' }, 'State'), state)),
    // Who follows no other server has nothing to choose.
    offerScopes(isOffered) {
      scopes.hidden = !isOffered;
    },
  };
}

function rowKey(row) {
  return `${row.id} ${row.signal}`;
}

/** `parameters` come from the address and are kept there; refresh() asks the agent again at once. */
export function createSubjectsView(parameters, refresh) {
  const title = pageHeading('Processes');
  const { query, change, heads, pager } = createListing({
    route: 'subjects', parameters, refresh, columns: COLUMNS, pageRows: PAGE_ROWS,
    defaults: { search: '', state: '', scope: 'process', sort: 'value', order: 'desc' },
    onPage: () => title.scrollIntoView({ block: 'nearest' }),
  });
  const filters = createFilters(query, change);
  const body = h('tbody');
  const empty = h('p', { class: 'empty', hidden: true });
  const problem = h('div');
  const table = h('table', { class: 'subjects' }, h('caption', { class: 'visually-hidden' },
    'Processes with their memory, floor, growth and forecast'), h('thead', {}, heads.element), body);
  const element = h('div', { class: 'page' },
    title, filters.element, problem, table, empty, pager.element);
  const isOfProcesses = () => query.scope !== 'external';

  function emptyWords(status) {
    if (!isOfProcesses()) {
      return query.search || query.state ? 'None of the series of other servers is as asked for.'
        : 'No series of another server is followed (yet).';
    }
    if (query.search || query.state) {
      const words = [query.search && `matches \u201c${query.search}\u201d`, query.state && `is ${query.state}`]
        .filter(Boolean);
      return `None of ${plural(status.counts.processes, 'process', 'processes')} ${words.join(' and ')}.`;
    }
    return 'The agent has not read any process yet.';
  }

  return {
    element,
    title: 'Processes',
    load(signal) {
      return fetchSubjects({ ...query, scope: isOfProcesses() ? 'process' : 'external', limit: PAGE_ROWS }, signal);
    },
    render(data, { status, now }) {
      problem.replaceChildren();
      setText(title, isOfProcesses() ? 'Processes' : 'Series of other servers');
      filters.offerScopes(!isOfProcesses() || (status.external_targets ?? []).length > 0);
      if (data.subjects.length === 0 && data.total > 0 && query.offset > 0) {
        change({ offset: 0 });  // the list got shorter than the page that was looked at
        return;
      }
      keyed(body, data.subjects.map((row) => ({ row, now })), (item) => rowKey(item.row),
        (item) => createRow(item.row));
      pager.set(data.offset, data.subjects.length, data.total);
      empty.hidden = data.total > 0;
      setText(empty, data.total > 0 ? '' : emptyWords(status));
    },
    fail(error) {
      problem.replaceChildren(refusal(error));
    },
  };
}
