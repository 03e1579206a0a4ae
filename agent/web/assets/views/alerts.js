// Alerts as the agent raises them: what is firing, what is pending.

import { fetchAlerts } from '../api.js';
import { h, keyed, pageHeading, setAttribute, setText } from '../dom.js';
import { formatDuration, formatMoment, visibleName } from '../format.js';
import { refusal, suspectLink } from './parts.js';

const SHOWN_ELSEWHERE = new Set(['alertname', 'severity']);

function keyOf(alert) {
  return JSON.stringify(Object.entries(alert.labels).sort());
}

function order(a, b) {
  if (a.state !== b.state) return a.state === 'firing' ? -1 : 1;
  return a.activeAt < b.activeAt ? 1 : -1;
}

function createAlert(alert) {
  const state = h('span', { class: 'alert-state' });
  const silenced = h('span', { class: 'alert-silenced', hidden: true }, 'silenced');
  const summary = h('h2', { class: 'alert-summary' });
  const since = h('span', { class: 'muted' });
  const description = h('p');
  const labels = Object.entries(alert.labels).filter(([name]) => !SHOWN_ELSEWHERE.has(name));
  const { subject, signal } = alert.labels;
  // An alert of a metric has no series of its own.
  const link = subject && signal && !signal.startsWith('heapfloor_')
    ? h('a', { href: suspectLink(`${subject}/${signal}`) }, 'Chart and reason') : null;
  const element = h('li', { class: 'card alert' },
    h('div', { class: 'card-head' }, state,
      h('span', { class: 'severity', 'data-severity': alert.labels.severity },
        visibleName(alert.labels.severity ?? 'no severity')),
      h('span', { class: 'alert-name' }, visibleName(alert.labels.alertname)), silenced, since),
    summary, description,
    h('ul', { class: 'labels' }, labels.map(([name, value]) => h('li', {},
      h('span', {}, visibleName(name)), visibleName(value)))),
    link);
  return {
    element,
    update({ alert: item, now }) {
      setAttribute(element, 'data-alert', item.state);
      setText(state, item.state);
      silenced.hidden = !item.silenced;
      const seconds = Date.parse(item.activeAt) / 1000;
      setText(since, `active since ${formatMoment(seconds, now)}, ${formatDuration(now - seconds)}`);
      setText(summary, visibleName(item.annotations?.summary ?? item.labels.alertname));
      setText(description, visibleName(item.annotations?.description ?? ''));
    },
  };
}

export function createAlertsView() {
  const list = h('ul', { class: 'cards' });
  const empty = h('p', { class: 'empty', hidden: true });
  const problem = h('div');
  const element = h('div', { class: 'page' }, pageHeading('Alerts'), problem, list, empty);
  return {
    element,
    title: 'Alerts',
    async load(signal) {
      return (await fetchAlerts(signal)).sort(order);
    },
    render(alerts, { status, now }) {
      problem.replaceChildren();
      keyed(list, alerts.map((alert) => ({ alert, now })), (item) => keyOf(item.alert),
        (item) => createAlert(item.alert));
      empty.hidden = alerts.length > 0;
      const { suspected } = status.counts;
      setText(empty, 'No alert is pending or firing. An alert is raised when a process is leaking, not while it '
        + `is only suspected${suspected > 0 ? ` (${suspected} now)` : ''}.`);
    },
    fail(error) {
      problem.replaceChildren(refusal(error));
    },
  };
}
