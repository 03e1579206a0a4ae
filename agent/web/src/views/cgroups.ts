// Every cgroup: how near to its limit, whether its tasks wait for memory, and whom the OOM killer took in it.

import { fetchCgroups, fetchOoms } from '../api';
import type { CgroupRow, LeakState } from '../api_types';
import { type Child, h, keyed, pageHeading, type Row, setChildren, setText, stateBadge } from '../dom';
import { formatBytes, formatCount, formatPercent, nameElement, UNKNOWN } from '../format';
import { createMeter, refusal, subjectLink } from './parts';
import { type Column, createListing, createSearch } from './table';
import { createVictims } from './victims';
import type { View } from './view';

const PAGE_ROWS = 50;
const STATE_ORDER: readonly LeakState[] = ['leaking', 'suspected', 'recovering', 'learning', 'stable'];
const COLUMNS: Column[] = [
  { key: 'path', label: 'Cgroup', firstOrder: 'asc', className: 'col-name' },
  { key: null, label: 'State', firstOrder: 'asc', className: 'col-state' },
  { key: 'limit_share', label: 'Of its limit', firstOrder: 'desc', className: 'col-share' },
  { key: 'unreclaimable', label: 'Unreclaimable', firstOrder: 'desc', className: 'col-kept' },
  { key: 'working_set', label: 'Working set', firstOrder: 'desc', className: 'col-set' },
  { key: null, label: 'Stalled', firstOrder: 'desc', className: 'col-stalled' },
  { key: 'oom_kills', label: 'OOM kills', firstOrder: 'desc', className: 'col-kills' },
];

interface Item {
  row: CgroupRow;
  stalled: number | null; // share of the time
}

/** The watch that matters most: the state that an operator is to look at. */
function worst(watches: CgroupRow['watches']): CgroupRow['watches'][number] | null {
  const rank = (watch: { state: LeakState }) => STATE_ORDER.indexOf(watch.state);
  return [...watches].sort((a, b) => rank(a) - rank(b))[0] ?? null;
}

/** "of 4 GiB, limit of /a/b"; "of 16 GiB, memory of this host". */
function limitWords(row: CgroupRow): Child {
  const limit = row.effective_limit;
  if (!limit) return 'no limit known';
  const of = `of ${formatBytes(limit.bytes)}, `;
  if (limit.source === 'host') return `${of}this host`;
  if (limit.cgroup === row.cgroup) return `${of}its own`;
  if (limit.cgroup === null) return `${of}set out of sight`;
  return [`${of}limit of `, nameElement(limit.cgroup)];
}

/** What the cgroup is, apart from its name. */
function metaOf(row: CgroupRow): Child {
  const { runtime, namespace, pod, pod_uid: uid, container, image } = row.identity;
  const podName = pod ?? uid;
  return [
    h('span', {}, nameElement(row.cgroup)),
    runtime !== null && h('span', {}, nameElement(runtime)),
    podName !== null && h('span', {}, 'pod\u00a0', nameElement(namespace ? `${namespace}/${podName}` : podName)),
    container !== null && h('span', {}, 'container\u00a0', nameElement(container)),
    image !== null && h('span', {}, 'image\u00a0', nameElement(image)),
    row.processes !== null && h('span', {}, `${formatCount(row.processes)}\u00a0proc.`),
  ];
}

function createRow(): Row<Item> {
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
  const share = h('td', { class: 'col-share' }, h('span', { class: 'share' }, meter.element, percent), limit);
  const head = h('th', { scope: 'row', class: 'col-name' }, name, meta);
  return {
    element: h('tr', {}, head, state, share, kept, set, stalled, kills),
    update({ row, stalled: part }) {
      const watch = worst(row.watches);
      setChildren(name, JSON.stringify([row.name, watch?.id]), () =>
        watch
          ? h('a', { class: 'row-name', href: subjectLink(watch.id) }, nameElement(row.name))
          : h('span', { class: 'row-name' }, nameElement(row.name)),
      );
      const described = JSON.stringify([row.cgroup, row.identity, row.processes]);
      setChildren(meta, described, () => h('span', { class: 'meta' }, metaOf(row)));
      setChildren(state, String(watch?.state), () => stateBadge(watch?.state));
      meter.element.hidden = row.limit_share === null;
      meter.set(row.unreclaimable_bytes, row.effective_limit?.bytes);
      setText(percent, formatPercent(row.limit_share));
      setChildren(limit, JSON.stringify(row.effective_limit), () => limitWords(row));
      setText(kept, formatBytes(row.unreclaimable_bytes));
      setText(set, formatBytes(row.working_set_bytes));
      setText(stalled, part === null ? UNKNOWN : formatPercent(part));
      stalled.classList.toggle('alarming', part !== null && part > 0.1);
      setText(kills, formatCount(row.oom_kills));
      kills.classList.toggle('alarming', (row.oom_kills ?? 0) > 0);
    },
  };
}

/** Counters of stalled seconds become shares of the time between two ticks of the agent. */
function createRates(): (row: CgroupRow, now: number) => number | null {
  const known = new Map<string, { now: number; seconds: number; share: number | null }>();
  return (row, now) => {
    const seconds = row.pressure.stalled_seconds;
    const before = known.get(row.cgroup);
    if (seconds === null) return null;
    if (before && before.now === now) return before.share;
    const isRising = before !== undefined && now > before.now && seconds >= before.seconds;
    const share = isRising ? Math.min(1, (seconds - before.seconds) / (now - before.now)) : null;
    known.set(row.cgroup, { now, seconds, share });
    return share;
  };
}

/** `parameters` come from the address and are kept there; refresh() asks the agent again at once. */
export function createCgroupsView(parameters: URLSearchParams, refresh: () => void): View {
  const rates = createRates();
  const title = pageHeading('Cgroups');
  const { query, change, heads, pager } = createListing({
    route: 'cgroups',
    parameters,
    refresh,
    columns: COLUMNS,
    pageRows: PAGE_ROWS,
    defaults: { search: '', sort: 'limit_share', order: 'desc' },
    onPage: () => title.scrollIntoView({ block: 'nearest' }),
  });
  const body = h('tbody');
  const empty = h('p', { class: 'empty', hidden: true });
  const problem = h('div');
  const victims = createVictims();
  const table = h(
    'table',
    { class: 'subjects cgroups' },
    h('caption', { class: 'visually-hidden' }, 'Cgroups with their memory, limit, pressure and OOM kills'),
    h('thead', {}, heads.element),
    body,
  );
  const search = createSearch('Search cgroups', 'Path, unit, pod or container', query.search, (words) =>
    change({ search: words }),
  );
  const filters = h('div', { class: 'filters', role: 'search' }, search);

  return {
    element: h('div', { class: 'page' }, title, filters, problem, table, empty, pager.element, victims.element),
    title: 'Cgroups',
    async ask(signal) {
      const [data, ooms] = await Promise.all([fetchCgroups({ ...query, limit: PAGE_ROWS }, signal), fetchOoms(signal)]);
      return ({ now }) => {
        problem.replaceChildren();
        if (data.cgroups.length === 0 && data.total > 0 && query.offset > 0) {
          change({ offset: 0 });
          return;
        }
        const items = data.cgroups.map((row) => ({ row, stalled: rates(row, data.now) }));
        keyed(body, items, ({ row }) => row.cgroup, createRow);
        pager.set(data.offset, data.cgroups.length, data.total);
        table.hidden = data.total === 0;
        empty.hidden = data.total > 0;
        setText(
          empty,
          query.search
            ? `No cgroup matches \u201c${query.search}\u201d.`
            : 'The agent has read no cgroup: the collector is off (--collector.cgroup), or no hierarchy of the ' +
                'controller memory is mounted.',
        );
        victims.set(ooms, now);
      };
    },
    fail(error) {
      problem.replaceChildren(refusal(error));
    },
  };
}
