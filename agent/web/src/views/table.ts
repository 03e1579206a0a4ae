// What the tables of the page have in common: heads that sort, a search field, and a pager.

import { h, icon, setAttribute, setText } from '../dom';
import { formatCount } from '../format';

const TYPING_PAUSE_MILLISECONDS = 200;

export type Order = 'asc' | 'desc';

export interface Column {
  key: string | null; // the agent's name for sorting by it
  label: string;
  firstOrder: Order;
  className: string;
}

export interface ListQuery {
  search: string;
  sort: string;
  order: string;
  offset: number;
  [filter: string]: string | number;
}

interface Heads {
  element: HTMLElement;
  set(sort: string, order: string): void;
}

function createHeads(columns: readonly Column[], onSort: (column: Column) => void): Heads {
  const heads = columns.map((column) => {
    const { key, label, className } = column;
    if (!key) return h('th', { scope: 'col', class: className }, label);
    const mark = h('span', { class: 'sort-mark', 'aria-hidden': 'true' });
    const button = h('button', { type: 'button', class: 'sort', onclick: () => onSort(column) }, label, mark);
    return h('th', { scope: 'col', class: className, 'data-key': key }, button);
  });
  return {
    element: h('tr', {}, heads),
    set(sort, order) {
      for (const head of heads) {
        const active = head.dataset.key !== undefined && head.dataset.key === sort;
        const direction = order === 'asc' ? 'ascending' : 'descending';
        setAttribute(head, 'aria-sort', active ? direction : null);
      }
    },
  };
}

interface Pager {
  element: HTMLElement;
  set(offset: number, shown: number, total: number): void;
}

/** Steps through a list that the agent pages. */
function createPager(onPage: (step: number) => void): Pager {
  const text = h('span', { class: 'pager-text', 'aria-live': 'polite' }, '\u00a0');
  const back = h('button', { type: 'button', class: 'button', onclick: () => onPage(-1) }, '\u2190 Previous');
  const next = h('button', { type: 'button', class: 'button', onclick: () => onPage(1) }, 'Next \u2192');
  return {
    element: h('nav', { class: 'pager', 'aria-label': 'Pages of the list' }, back, text, next),
    set(offset, shown, total) {
      const range = `${formatCount(offset + 1)} \u2013 ${formatCount(offset + shown)}`;
      setText(text, total === 0 ? 'none' : `${range} of ${formatCount(total)}`);
      back.disabled = offset === 0;
      next.disabled = offset + shown >= total;
    },
  };
}

export interface ListingOptions {
  route: string; // of the address, where the query is kept
  parameters: URLSearchParams; // what the address said
  defaults: Record<string, string>; // search, sort, order, further filters
  columns: readonly Column[];
  pageRows: number;
  refresh: () => void; // asks the agent again at once
  onPage: () => void; // follows a step of the pager
}

export interface Listing {
  query: ListQuery;
  change(changes: Record<string, string | number>): void;
  heads: Heads;
  pager: Pager;
}

/** What a list asks of the agent; its heads and its pager change it, as change() does. */
export function createListing(options: ListingOptions): Listing {
  const { route, parameters, defaults, columns, pageRows, refresh, onPage } = options;
  const chosen = Object.entries(defaults).map(([key, value]) => [key, parameters.get(key) ?? value]);
  const query: ListQuery = {
    search: '',
    sort: '',
    order: '',
    ...Object.fromEntries(chosen),
    offset: Math.max(0, Number.parseInt(parameters.get('offset') ?? '0', 10) || 0),
  };

  function change(changes: Record<string, string | number>): void {
    Object.assign(query, { offset: 0 }, changes);
    const kept = new URLSearchParams();
    for (const [key, value] of Object.entries(query)) {
      if (value !== (defaults[key] ?? '') && value !== 0) kept.set(key, String(value));
    }
    history.replaceState(null, '', `#/${route}${kept.size > 0 ? `?${kept}` : ''}`);
    heads.set(query.sort, query.order);
    refresh();
  }

  const heads = createHeads(columns, ({ key, firstOrder }) => {
    const turned = query.order === 'asc' ? 'desc' : 'asc';
    change({ sort: key ?? '', order: query.sort === key ? turned : firstOrder });
  });
  const pager = createPager((step) => {
    change({ offset: Math.max(0, query.offset + step * pageRows) });
    onPage();
  });
  heads.set(query.sort, query.order);
  return { query, change, heads, pager };
}

/** A search field that asks once the typing pauses. */
export function createSearch(
  label: string,
  placeholder: string,
  value: string,
  onChange: (words: string) => void,
): HTMLElement {
  const input = h('input', {
    type: 'search',
    id: 'search',
    placeholder,
    autocomplete: 'off',
    spellcheck: 'false',
    value,
  });
  let timer = 0;
  input.addEventListener('input', () => {
    window.clearTimeout(timer);
    timer = window.setTimeout(() => onChange(input.value.trim()), TYPING_PAUSE_MILLISECONDS);
  });
  return h(
    'div',
    { class: 'field field-grow' },
    h('label', { for: 'search', class: 'visually-hidden' }, label),
    icon('search'),
    input,
  );
}

/** A select with a label that is spoken, not seen. */
export function createSelect(
  id: string,
  label: string,
  choices: readonly (readonly [string, string])[],
  value: string,
  onChange: (value: string) => void,
): HTMLElement {
  const options = choices.map(([name, words]) => h('option', { value: name, selected: name === value }, words));
  const select = h('select', { id, onchange: () => onChange(select.value) }, options);
  return h('div', { class: 'field' }, h('label', { for: id, class: 'visually-hidden' }, label), select);
}
