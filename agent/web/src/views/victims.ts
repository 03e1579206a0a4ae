// Whom the OOM killer took: what an operator wants to see before anything else.

import type { Ooms, OomVictim, OomWorkload } from '../api_types';
import { h, keyed, type Row, setChildren, setText } from '../dom';
import { formatAge, formatBytes, formatMoment, nameElement, plural } from '../format';
import { subjectLink } from './parts';

interface Item {
  key: string;
  at: number | null; // null where it is not known
  now: number;
  victim?: OomVictim;
  workload?: OomWorkload;
}

/** Kills that no victim is known of: the kernel's log may not be read, only counters of cgroups tell. */
function withoutVictims({ victims, workloads }: Ooms): OomWorkload[] {
  const told = new Set(victims.map((victim) => victim.workload));
  return workloads.filter((workload) => !told.has(workload.workload));
}

function showTime(node: Element, at: number | null, now: number): void {
  setChildren(node, `${at} ${Math.floor(now / 10)}`, () => [
    h('span', {}, formatMoment(at, now)),
    at !== null && h('span', { class: 'muted' }, formatAge(now - at)),
  ]);
}

function createVictim(victim: OomVictim): Row<Item> {
  const name = nameElement(victim.comm, { class: 'victim-name' });
  const time = h('span', { class: 'victim-time' });
  const bytes = victim.resident_anon_bytes;
  const held = bytes === null ? null : h('span', { class: 'victim-held' }, `held ${formatBytes(bytes)}`);
  const place = victim.workload ?? victim.cgroup;
  const isInGroup = victim.group !== null && victim.group !== victim.comm;
  const who = h(
    'span',
    { class: 'victim-who' },
    victim.id ? h('a', { href: subjectLink(victim.id) }, name) : name,
    h(
      'span',
      { class: 'meta' },
      h('span', {}, `pid\u00a0${victim.pid}`),
      place !== null && h('span', {}, 'in\u00a0', nameElement(place)),
      isInGroup && h('span', {}, 'group\u00a0', nameElement(victim.group)),
    ),
  );
  return { element: h('li', {}, time, who, held), update: ({ now }) => showTime(time, victim.at, now) };
}

function createWorkload(workload: OomWorkload): Row<Item> {
  const time = h('span', { class: 'victim-time' });
  const count = h('span', { class: 'meta' });
  const name = nameElement(workload.workload, { class: 'victim-name' });
  return {
    element: h('li', {}, time, h('span', { class: 'victim-who' }, name, count)),
    update({ workload: item = workload, now }) {
      showTime(time, item.last_at, now);
      setText(count, `${plural(item.oom_kills, 'process', 'processes')} killed`);
    },
  };
}

function createItem(item: Item): Row<Item> {
  if (item.victim) return createVictim(item.victim);
  return createWorkload(item.workload ?? { workload: item.key, oom_kills: 0, last_at: item.at });
}

export interface VictimsOptions {
  withinSeconds?: number; // older kills, and those of an unknown time, are left out
  most?: number; // of the newest
  more?: HTMLElement | null; // shown where there are more than `most`
}

export interface Victims {
  element: HTMLElement;
  set(ooms: Ooms, now: number): void;
}

/** Hidden while there are none. */
export function createVictims(options: VictimsOptions = {}): Victims {
  const { withinSeconds = Number.POSITIVE_INFINITY, most = Number.POSITIVE_INFINITY, more = null } = options;
  const list = h('ul', { class: 'victims-list' });
  const title = h('h2', { id: 'victims-title' });
  const note = h(
    'p',
    { class: 'muted victims-note', hidden: true },
    'Which processes they were is not known: the agent may not read the kernel\u2019s log (view \u201cStatus\u201d).',
  );
  const section = h(
    'section',
    { class: 'panel victims', 'aria-labelledby': 'victims-title', hidden: true },
    title,
    list,
    note,
    more,
  );
  return {
    element: section,
    set(ooms, now) {
      const victims = ooms.victims.map((victim) => ({ key: `${victim.at} ${victim.pid}`, at: victim.at, victim, now }));
      const workloads = withoutVictims(ooms).map((workload) => ({
        key: workload.workload,
        at: workload.last_at,
        workload,
        now,
      }));
      const all: Item[] = [...victims, ...workloads];
      const isShown = ({ at }: Item) => (at === null ? !Number.isFinite(withinSeconds) : now - at < withinSeconds);
      const items = all.filter(isShown).sort((a, b) => (b.at ?? 0) - (a.at ?? 0));
      const count = items.reduce((sum, { workload }) => sum + (workload?.oom_kills ?? 1), 0);
      const within = Number.isFinite(withinSeconds) ? ` within ${Math.round(withinSeconds / 3600)}\u00a0h` : '';
      section.hidden = items.length === 0;
      setText(title, `Killed for want of memory: ${plural(count, 'process', 'processes')}${within}`);
      note.hidden = ooms.kernel_log_readable !== false || !items.some(({ workload }) => workload);
      if (more) more.hidden = items.length <= most;
      keyed(list, items.slice(0, most), ({ key }) => key, createItem);
    },
  };
}
