// Wiring: the route in the address's fragment chooses a view; one loop asks the agent and hands the answers to it.

import { type DatedStatus, fetchStatus, Refused, Unreachable } from './api';
import { h, setAttribute, setText } from './dom';
import { formatClockWithSeconds, formatDuration } from './format';
import { createAlertsView } from './views/alerts';
import { createCgroupsView } from './views/cgroups';
import { createDetailView } from './views/detail';
import { createHostView } from './views/host';
import { createOverview } from './views/overview';
import { createStatusView } from './views/status';
import { createSubjectsView } from './views/subjects';
import type { View } from './views/view';

import './style.css'; // last: it overrides what libraries bring
import './flame/flame.css';

const SHORTEST_PERIOD_SECONDS = 2;
const LONGEST_PERIOD_SECONDS = 60;
const RETRY_SECONDS = 2;

function byId(id: string): HTMLElement {
  const element = document.getElementById(id);
  if (!element) throw new Error(`the document has no #${id}`);
  return element;
}

const main = byId('main');

let view: View | null = null;
let status: DatedStatus | null = null;
let clockBasis: { agent_seconds: number; steady_seconds: number } | null = null; // one moment on both clocks
let unreachable: { since_seconds: number; reason: string } | null = null; // on the browser's wall clock
let loadedVersion: string | null = null;
let inFlight: AbortController | null = null;
let timer = 0;

function secondsNow(): number {
  return performance.now() / 1000;
}

/** The agent's wall clock now, whatever the browser's clock says. */
function agentNow(): number {
  return clockBasis ? clockBasis.agent_seconds + secondsNow() - clockBasis.steady_seconds : Date.now() / 1000;
}

// Without a Date header the clock runs on from the first answer that held this reading, so that the age of a
// reading that is repeated still grows.
function setClock(fresh: DatedStatus): void {
  if (fresh.date_seconds !== null || fresh.now !== status?.now) {
    clockBasis = { agent_seconds: Math.max(fresh.date_seconds ?? 0, fresh.now), steady_seconds: secondsNow() };
  }
}

/** When the newest reading was made, on the agent's clock. */
function dataTime(of: DatedStatus): number {
  const times = of.collectors.map(({ last_success_at: at }) => at).filter((at) => at !== null);
  return times.length > 0 ? Math.max(...times) : of.now;
}

function backLink(address: string, label: string): HTMLElement {
  return h('a', { class: 'back', href: address }, `\u2190 ${label}`);
}

const PAGES: Record<string, (id: string, query: URLSearchParams) => View> = {
  '': createOverview,
  suspect: (id, query) => createDetailView(id, query, backLink('#/', 'Suspects'), poll),
  subject: (id, query) => createDetailView(id, query, backLink('#/subjects', 'Subjects'), poll),
  subjects: (_, query) => createSubjectsView(query, poll),
  cgroups: (_, query) => createCgroupsView(query, poll),
  host: createHostView,
  alerts: () => createAlertsView(poll),
  status: createStatusView,
};
// Which entry of the navigation a page belongs to.
const ENTRIES: Record<string, string> = { '': 'overview', suspect: 'overview', subject: 'subjects' };

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

interface Route {
  page: string;
  id: string;
  query: URLSearchParams;
}

function parseRoute(): Route {
  const [path = '', query = ''] = location.hash.replace(/^#\/?/, '').split('?');
  const [page = '', ...rest] = path.split('/');
  return {
    page: Object.hasOwn(PAGES, page) ? page : '',
    id: decoded(rest.join('/')),
    query: new URLSearchParams(query),
  };
}

function navigate(event?: Event): void {
  const { page, id, query } = parseRoute();
  view?.destroy?.();
  view = (PAGES[page] ?? createOverview)(id, query);
  main.replaceChildren(view.element);
  main.setAttribute('aria-busy', 'true');
  const current = ENTRIES[page] ?? page;
  for (const link of document.querySelectorAll<HTMLElement>('.nav a')) {
    setAttribute(link, 'aria-current', link.dataset.page === current ? 'page' : null);
  }
  document.title = `${view.title} \u00b7 heapfloor`;
  if (event) {
    window.scrollTo(0, 0);
    main.querySelector<HTMLElement>('h1')?.focus({ preventScroll: true });
  }
  poll();
}

function showFreshness(): void {
  const element = byId('freshness');
  const text = byId('freshness-text');
  if (unreachable) {
    setAttribute(element, 'data-state', 'lost');
    setText(text, status ? `Data from ${formatClockWithSeconds(dataTime(status))}` : 'No data');
    return;
  }
  if (!status) return;
  const age = agentNow() - dataTime(status);
  const stalled = age > Math.max(10, 3 * status.interval_seconds);
  setAttribute(element, 'data-state', stalled ? 'stalled' : 'live');
  const old = formatDuration(Math.max(1, age));
  setText(text, stalled ? `Collection stalled: data ${old} old` : `Data ${old} old`);
}

function showConnection(): void {
  const notice = byId('connection');
  if (!unreachable) {
    notice.hidden = true;
    setText(notice, '');
  } else {
    const old = status ? ' The values below are the last ones received.' : '';
    setText(
      notice,
      `Agent not reachable since ${formatClockWithSeconds(unreachable.since_seconds)} ` +
        `(${unreachable.reason}). Trying again every ${RETRY_SECONDS} s.${old}`,
    );
    notice.hidden = false;
  }
  document.body.classList.toggle('stale', Boolean(unreachable && status));
}

function showHeader(fresh: DatedStatus): void {
  const { counts } = fresh;
  const alerts = byId('alert-count');
  alerts.hidden = !(counts.alerts_firing > 0);
  setText(alerts, String(counts.alerts_firing ?? ''));
  setAttribute(alerts, 'aria-label', `, ${counts.alerts_firing} firing`);
  const ailing = fresh.collectors.some((collector) => !collector.success);
  byId('health-mark').hidden = !ailing;
  setAttribute(byId('health-mark'), 'aria-label', ', a collector fails');
  const version = `${fresh.version} ${fresh.revision}`;
  loadedVersion ??= version;
  byId('upgrade').hidden = version === loadedVersion;
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  setText(
    byId('foot'),
    `heapfloor ${fresh.version} on ${location.host} \u00b7 every ` +
      `${formatDuration(fresh.interval_seconds)} \u00b7 times are local (${zone})`,
  );
}

async function ask(asked: View, signal: AbortSignal): Promise<void> {
  const answer = asked.ask(signal, agentNow()).catch((error: unknown) => {
    if (error instanceof Refused) return error;
    throw error;
  });
  const [fresh, shown] = await Promise.all([fetchStatus(signal), answer]);
  signal.throwIfAborted();
  setClock(fresh);
  status = fresh;
  showHeader(fresh);
  if (shown instanceof Refused) asked.fail(shown);
  else shown({ status: fresh, now: agentNow() });
  main.removeAttribute('aria-busy');
}

function periodSeconds(): number {
  if (unreachable || !status) return RETRY_SECONDS;
  return Math.min(LONGEST_PERIOD_SECONDS, Math.max(SHORTEST_PERIOD_SECONDS, status.interval_seconds));
}

/** Asks now; any question under way is dropped. Then again after the period, unless nobody looks. */
async function poll(): Promise<void> {
  clearTimeout(timer);
  inFlight?.abort();
  const request = new AbortController();
  inFlight = request;
  try {
    if (view) await ask(view, request.signal);
    unreachable = null;
  } catch (error) {
    if (request !== inFlight) return;
    if (!(error instanceof Unreachable)) console.error(error);
    const reason = error instanceof Unreachable ? error.message : 'an answer this page does not understand';
    unreachable = { since_seconds: unreachable?.since_seconds ?? Date.now() / 1000, reason };
  }
  if (request !== inFlight) return;
  showConnection();
  showFreshness();
  if (!document.hidden) timer = setTimeout(poll, periodSeconds() * 1000);
}

byId('skip').addEventListener('click', (event) => {
  event.preventDefault();
  main.focus();
});
byId('reload').addEventListener('click', () => location.reload());
window.addEventListener('hashchange', navigate);
document.addEventListener('visibilitychange', () => {
  if (document.hidden) clearTimeout(timer);
  else poll();
});
setInterval(showFreshness, 1000);
navigate();
