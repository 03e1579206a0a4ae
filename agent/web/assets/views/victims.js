// Whom the OOM killer took: what an operator wants to see before anything else.

import { h, keyed, setChildren, setText } from '../dom.js';
import { formatAge, formatBytes, formatMoment, nameElement, plural } from '../format.js';
import { subjectLink } from './parts.js';

/** Kills that no victim is known of: the kernel's log may not be read, only counters of cgroups tell. */
function withoutVictims({ victims, workloads }) {
  const told = new Set(victims.map((victim) => victim.workload));
  return workloads.filter((workload) => !told.has(workload.workload));
}

function createVictim({ victim }) {
  const name = nameElement(victim.comm, { class: 'victim-name' });
  const time = h('span', { class: 'victim-time' });
  const held = victim.resident_anon_bytes === null ? null
    : h('span', { class: 'victim-held' }, `held ${formatBytes(victim.resident_anon_bytes)}`);
  const place = victim.workload ?? victim.cgroup;
  const element = h('li', {}, time, h('span', { class: 'victim-who' },
    victim.id ? h('a', { href: subjectLink(victim.id) }, name) : name,
    h('span', { class: 'meta' }, h('span', {}, `pid\u00a0${victim.pid}`),
      place && h('span', {}, 'in\u00a0', nameElement(place)),
      victim.group && victim.group !== victim.comm && h('span', {}, 'group\u00a0', nameElement(victim.group)))), held);
  return { element, update: ({ now }) => showTime(time, victim.at, now) };
}

function showTime(node, at, now) {
  const key = `${at} ${Math.floor(now / 10)}`;
  setChildren(node, key, () => [h('span', {}, formatMoment(at, now)),
    h('span', { class: 'muted' }, formatAge(now - at))]);
}

function createWorkload({ workload }) {
  const time = h('span', { class: 'victim-time' });
  const count = h('span', { class: 'meta' });
  const element = h('li', {}, time, h('span', { class: 'victim-who' },
    nameElement(workload.workload, { class: 'victim-name' }), count));
  return {
    element,
    update({ workload: item, now }) {
      showTime(time, item.last_at, now);
      setText(count, `${plural(item.oom_kills, 'process', 'processes')} killed`);
    },
  };
}

/** `within_seconds`: older kills are left out; `most`: of the newest. Hidden while there are none. */
export function createVictims({ within_seconds: within = Infinity, most = Infinity, more = null } = {}) {
  const list = h('ul', { class: 'victims-list' });
  const title = h('h2', { id: 'victims-title' });
  const note = h('p', { class: 'muted victims-note', hidden: true },
    'Which processes they were is not known: the agent may not read the kernel\u2019s log (page \u201cAgent\u201d).');
  const section = h('section', { class: 'panel victims', 'aria-labelledby': 'victims-title', hidden: true },
    title, list, note, more);
  return {
    element: section,
    set(ooms, now) {
      const items = [
        ...ooms.victims.map((victim) => ({ key: `${victim.at} ${victim.pid}`, at: victim.at, victim, now })),
        ...withoutVictims(ooms).map((workload) => ({ key: workload.workload, at: workload.last_at, workload, now })),
      ].filter((item) => now - item.at < within).sort((a, b) => b.at - a.at);
      const count = items.reduce((sum, { workload }) => sum + (workload?.oom_kills ?? 1), 0);
      section.hidden = items.length === 0;
      setText(title, `Killed for want of memory: ${plural(count, 'process', 'processes')}`
        + (Number.isFinite(within) ? ` within ${Math.round(within / 3600)}\u00a0h` : ''));
      note.hidden = ooms.kernel_log_readable !== false || !items.some((item) => item.workload);
      if (more) more.hidden = items.length <= most;
      keyed(list, items.slice(0, most), (item) => item.key,
        (item) => (item.victim ? createVictim(item) : createWorkload(item)));
    },
  };
}
