// Every cgroup: how near to its limit, whether its tasks wait for memory, and whom the OOM killer took in it.

import { fetchCgroups, fetchOoms } from '../api.js';
import { h, icon, keyed, pageHeading, setChildren, setText, stateBadge } from '../dom.js';
import { UNKNOWN, formatBytes, formatCount, formatPercent, nameElement } from '../format.js';
import { createMeter, refusal, subjectLink } from './parts.js';
import { createListing } from './table.js';
import { createVictims } from './victims.js';

const PAGE_ROWS = 50;
const TYPING_PAUSE_MILLISECONDS = 200;
const STATE_ORDER = ['leaking', 'suspected', 'recovering', 'learning', 'stable'];
const COLUMNS = [
  ['path', 'Cgroup', 'asc', 'col-name'],
  [null, 'State', null, 'col-state'],
  ['limit_share', 'Of its limit', 'desc', 'col-share'],
  ['unreclaimable', 'Unreclaimable', 'desc', 'col-kept'],
  ['working_set', 'Working set', 'desc', 'col-set'],
  [null, 'Stalled', null, 'col-stalled'],
  ['oom_kills', 'OOM kills', 'desc', 'col-kills'],
];

/** The watch that matters most: the state that an operator is to look at. */
function worst(watches) {
  const rank = (watch) => STATE_ORDER.indexOf(watch.state);
  return [...watches].sort((a, b) => rank(a) - rank(b))[0] ?? null;
}

/** "of 4 GiB, limit of /a/b"; "of 16 GiB, memory of this host". */
function limitWords(row) {
  const limit = row.effective_limit;
  if (!limit) return ['no limit known'];
  if (limit.source === 'host') return [`of ${formatBytes(limit.bytes)}, this host`];
  if (limit.cgroup === row.cgroup) return [`of ${formatBytes(limit.bytes)}, its own`];
  if (limit.cgroup === null) return [`of ${formatBytes(limit.bytes)}, set out of sight`];
  return [`of ${formatBytes(limit.bytes)}, limit of `, nameElement(limit.cgroup)];
}

/** What the cgroup is, apart from its name. */
function metaOf(row) {
  const { runtime, namespace, pod, pod_uid: uid } = row.identity;
  return [
    h('span', {}, nameElement(row.cgroup)),
    runtime && h('span', {}, nameElement(runtime)),
    (pod || uid) && h('span', {}, 'pod\u00a0', nameElement([namespace, pod ?? uid].filter(Boolean).join('/'))),
    row.processes !== null && h('span', {}, `${formatCount(row.processes)}\u00a0proc.`),
  ].filter(Boolean);
}

function createRow() {
  const name = h('span', { class: 'row-title' });
  const meta = h('span', { class: 'row-meta' });
  const state = h('td', { class: 'col-state' });
  const meter = createMeter('Unreclaimable memory');
  const percent = h('span', { class: 'share-value' });
  const limit = h('span', { class: 'below' });
  const kept = h('td', { class: 'col-kept number' });
  const set = h('td', { class: 'col-set number' });
  const stalled = h('td', { class: 'col-stalled number' });
  const kills = h('td', { class: 'col-kills number' });
  const element = h('tr', {}, h('th', { scope: 'row', class: 'col-name' }, name, meta), state,
    h('td', { class: 'col-share' }, h('span', { class: 'share' }, meter.element, percent), limit),
    kept, set, stalled, kills);
  return {
    element,
    update({ row, stalled: share }) {
      const watch = worst(row.watches);
      setChildren(name, JSON.stringify([row.name, watch?.id]), () => (watch
        ? h('a', { class: 'row-name', href: subjectLink(watch.id) }, nameElement(row.name))
        : h('span', { class: 'row-name' }, nameElement(row.name))));
      setChildren(meta, JSON.stringify([row.cgroup, row.identity, row.processes]),
        () => h('span', { class: 'meta' }, metaOf(row)));
      setChildren(state, String(watch?.state), () => stateBadge(watch?.state));
      meter.element.hidden = row.limit_share === null;
      meter.set(row.unreclaimable_bytes, row.effective_limit?.bytes);
      setText(percent, formatPercent(row.limit_share));
      setChildren(limit, JSON.stringify(row.effective_limit), () => limitWords(row));
      setText(kept, formatBytes(row.unreclaimable_bytes));
      setText(set, formatBytes(row.working_set_bytes));
      setText(stalled, share === null ? UNKNOWN : formatPercent(share));
      stalled.classList.toggle('alarming', share !== null && share > 0.1);
      setText(kills, formatCount(row.oom_kills));
      kills.classList.toggle('alarming', row.oom_kills > 0);
    },
  };
}

/** Counters of stalled seconds become shares of the time between two ticks of the agent. */
function createRates() {
  const known = new Map();  // path → {now, seconds, share}
  return (row, now) => {
    const seconds = row.pressure.stalled_seconds;
    const before = known.get(row.cgroup);
    if (seconds === null) return null;
    if (before && before.now === now) return before.share;
    const share = before && now > before.now && seconds >= before.seconds
      ? Math.min(1, (seconds - before.seconds) / (now - before.now)) : null;
    known.set(row.cgroup, { now, seconds, share });
    return share;
  };
}

function createSearch(value, onChange) {
  const input = h('input', { type: 'search', id: 'search', placeholder: 'Path, unit, pod or container',
    autocomplete: 'off', spellcheck: 'false', value });
  let timer = 0;
  input.addEventListener('input', () => {
    clearTimeout(timer);
    timer = setTimeout(() => onChange(input.value.trim()), TYPING_PAUSE_MILLISECONDS);
  });
  return h('div', { class: 'filters', role: 'search' }, h('div', { class: 'field field-grow' },
    h('label', { for: 'search', class: 'visually-hidden' }, 'Search cgroups'), icon('search'), input));
}

/** `parameters` come from the address and are kept there; refresh() asks the agent again at once. */
export function createCgroupsView(parameters, refresh) {
  const rates = createRates();
  const title = pageHeading('Cgroups');
  const { query, change, heads, pager } = createListing({
    route: 'cgroups', parameters, refresh, columns: COLUMNS, pageRows: PAGE_ROWS,
    defaults: { search: '', sort: 'limit_share', order: 'desc' },
    onPage: () => title.scrollIntoView({ block: 'nearest' }),
  });
  const body = h('tbody');
  const empty = h('p', { class: 'empty', hidden: true });
  const problem = h('div');
  const victims = createVictims();
  const table = h('table', { class: 'subjects cgroups' }, h('caption', { class: 'visually-hidden' },
    'Cgroups with their memory, limit, pressure and OOM kills'), h('thead', {}, heads.element), body);
  const search = createSearch(query.search, (words) => change({ search: words }));
  const element = h('div', { class: 'page' }, title, search, problem, table, empty, pager.element, victims.element);

  return {
    element,
    title: 'Cgroups',
    async load(signal) {
      const [cgroups, ooms] = await Promise.all([
        fetchCgroups({ ...query, limit: PAGE_ROWS }, signal), fetchOoms(signal)]);
      return { cgroups, ooms };
    },
    render({ cgroups: data, ooms }, { now }) {
      problem.replaceChildren();
      if (data.cgroups.length === 0 && data.total > 0 && query.offset > 0) {
        change({ offset: 0 });
        return;
      }
      keyed(body, data.cgroups.map((row) => ({ row, stalled: rates(row, data.now) })), (item) => item.row.cgroup,
        createRow);
      pager.set(data.offset, data.cgroups.length, data.total);
      table.hidden = data.total === 0;
      empty.hidden = data.total > 0;
      setText(empty, query.search ? `No cgroup matches \u201c${query.search}\u201d.`
        : 'The agent has read no cgroup: the collector is off, or no hierarchy of the controller memory is mounted.');
      victims.set(ooms, now);
    },
    fail(error) {
      problem.replaceChildren(refusal(error));
    },
  };
}
