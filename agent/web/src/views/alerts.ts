// Alerts as the agent raises them: what is firing, what is pending, what is silenced.

import { fetchAlerts, fetchSilences } from '../api';
import type { Alert, AlertLinks } from '../api_types';
import { h, keyed, pageHeading, type Row, setAttribute, setChildren, setText } from '../dom';
import { formatDuration, formatMoment, visibleName } from '../format';
import { refusal } from './parts';
import { createSilenceList } from './silence_panel';
import type { View } from './view';

const SHOWN_ELSEWHERE = new Set(['alertname', 'severity']);

interface Item {
  alert: Alert;
  now: number;
}

function keyOf({ alert }: Item): string {
  return JSON.stringify(Object.entries(alert.labels).sort());
}

function order(a: Alert, b: Alert): number {
  if (a.state !== b.state) return a.state === 'firing' ? -1 : 1;
  return a.activeAt < b.activeAt ? 1 : -1;
}

function linksOf({ chart, flame_graph, profile, runbook }: AlertLinks): HTMLElement[] {
  const link = (href: string | null, words: string, download = false) =>
    href === null ? [] : [h('li', {}, h('a', { href, download: download || null }, words))];
  return [
    ...link(chart, 'Chart and reason'),
    ...link(flame_graph, 'Flame graph'),
    ...link(profile, 'Heap profile, for go tool pprof', true),
    ...link(runbook, 'Runbook'),
  ];
}

function createAlert({ alert }: Item): Row<Item> {
  const state = h('span', { class: 'alert-state' });
  const silenced = h('span', { class: 'alert-silenced', hidden: true }, 'silenced');
  const summary = h('h2', { class: 'alert-summary' });
  const since = h('span', { class: 'muted' });
  const description = h('p');
  const labels = Object.entries(alert.labels).filter(([name, value]) => !SHOWN_ELSEWHERE.has(name) && value !== '');
  const { severity, alertname } = alert.labels;
  const links = h('ul', { class: 'links' });
  const head = h(
    'div',
    { class: 'card-head' },
    state,
    h('span', { class: 'severity', 'data-severity': severity }, visibleName(severity || 'no severity')),
    h('span', { class: 'alert-name' }, visibleName(alertname)),
    silenced,
    since,
  );
  const chips = labels.map(([name, value]) => h('li', {}, h('span', {}, visibleName(name)), visibleName(value)));
  const element = h(
    'li',
    { class: 'card alert' },
    head,
    summary,
    description,
    h('ul', { class: 'labels' }, chips),
    links,
  );
  return {
    element,
    update({ alert: item, now }) {
      setAttribute(element, 'data-alert', item.state);
      setText(state, item.state);
      silenced.hidden = !item.silenced;
      const seconds = Date.parse(item.activeAt) / 1000;
      setText(since, `active since ${formatMoment(seconds, now)}, ${formatDuration(now - seconds)}`);
      setText(summary, visibleName(item.annotations.summary));
      setText(description, visibleName(item.annotations.description));
      setChildren(links, JSON.stringify(item.links), () => linksOf(item.links));
    },
  };
}

export function createAlertsView(refresh: () => void): View {
  const list = h('ul', { class: 'cards' });
  const empty = h('p', { class: 'empty', hidden: true });
  const problem = h('div');
  const silences = createSilenceList(refresh);
  return {
    element: h('div', { class: 'page' }, pageHeading('Alerts'), problem, list, empty, silences.element),
    title: 'Alerts',
    async ask(signal) {
      const [alerts, silenced] = await Promise.all([fetchAlerts(signal), fetchSilences(signal)]);
      alerts.sort(order);
      return ({ status, now }) => {
        problem.replaceChildren();
        keyed(
          list,
          alerts.map((alert) => ({ alert, now })),
          keyOf,
          createAlert,
        );
        silences.set(silenced, now);
        empty.hidden = alerts.length > 0;
        const { suspected } = status.counts;
        setText(
          empty,
          'No alert is pending or firing. An alert is raised when a subject is leaking, not while it is only ' +
            `suspected${suspected > 0 ? ` (${suspected} now)` : ''}.`,
        );
      };
    },
    fail(error) {
      problem.replaceChildren(refusal(error));
    },
  };
}
