// What the tables of the page have in common: heads that sort, and a pager.

import { h, setAttribute, setText } from '../dom.js';
import { formatCount } from '../format.js';

/**
 * The heads of a table's columns: [sort key of the agent or null, label, order of the first click, class].
 * set(sort, order) shows which one sorts.
 */
export function createHeads(columns, onSort) {
  const heads = columns.map(([key, label, , column]) => {
    if (!key) return h('th', { scope: 'col', class: column }, label);
    return h('th', { scope: 'col', class: column, 'data-key': key }, h('button', { type: 'button', class: 'sort',
      onclick: () => onSort(key) }, label, h('span', { class: 'sort-mark', 'aria-hidden': 'true' })));
  });
  return {
    element: h('tr', {}, heads),
    set(sort, order) {
      for (const head of heads) {
        const active = head.dataset.key !== undefined && head.dataset.key === sort;
        setAttribute(head, 'aria-sort', active ? (order === 'asc' ? 'ascending' : 'descending') : null);
      }
    },
  };
}

/**
 * What a list asks of the agent, kept in the address `route`: `defaults` (search, sort, order, further filters) and an
 * offset, unless `parameters` say otherwise. The heads and the pager of `columns` and `pageRows` change it, as change()
 * does; refresh() asks the agent again, `onPage` follows a step.
 */
export function createListing({ route, parameters, defaults, columns, pageRows, refresh, onPage }) {
  const query = {
    ...Object.fromEntries(Object.entries(defaults).map(([key, value]) => [key, parameters.get(key) ?? value])),
    offset: Math.max(0, Number.parseInt(parameters.get('offset') ?? '0', 10) || 0),
  };

  function change(changes) {
    Object.assign(query, { offset: 0 }, changes);
    const kept = new URLSearchParams(Object.entries(query).filter(([, value]) => value !== '' && value !== 0));
    history.replaceState(null, '', `#/${route}?${kept}`);
    heads.set(query.sort, query.order);
    refresh();
  }

  const heads = createHeads(columns, (key) => {
    const first = columns.find(([own]) => own === key)[2];
    const turned = query.order === 'asc' ? 'desc' : 'asc';
    change({ sort: key, order: query.sort === key ? turned : first });
  });
  const pager = createPager((step) => {
    change({ offset: Math.max(0, query.offset + step * pageRows) });
    onPage();
  });
  heads.set(query.sort, query.order);
  return { query, change, heads, pager };
}

/** Steps through a list that the agent pages. */
export function createPager(onPage) {
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
