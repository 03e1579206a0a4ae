// Wiring: the route in the address's fragment chooses a view; one loop asks the agent and hands the answers to it.

import { Refused, Unreachable, fetchStatus } from './api.js';
import { h, setAttribute, setText } from './dom.js';
import { formatClockWithSeconds, formatDuration } from './format.js';
import { createAlertsView } from './views/alerts.js';
import { createCgroupsView } from './views/cgroups.js';
import { createDetailView } from './views/detail.js';
import { createOverview } from './views/overview.js';
import { createStatusView } from './views/status.js';
import { createSubjectsView } from './views/subjects.js';

const SHORTEST_PERIOD_SECONDS = 2;
const LONGEST_PERIOD_SECONDS = 60;
const RETRY_SECONDS = 2;

const byId = (id) => document.getElementById(id);
const main = byId('main');

let view = null;
let status = null;
let clockBasis = null;         // {agent_seconds, steady_seconds}: one moment on both clocks
let unreachable = null;        // {since_seconds, reason} on the browser's wall clock
let loadedVersion = null;
let inFlight = null;
let timer = 0;

function secondsNow() {
  return performance.now() / 1000;
}

/** The agent's wall clock now, whatever the browser's clock says. */
function agentNow() {
  return clockBasis ? clockBasis.agent_seconds + secondsNow() - clockBasis.steady_seconds : Date.now() / 1000;
}

// Without a Date header the clock runs on from the first answer that held this reading, so that the age of a
// reading that is repeated still grows.
function setClock(fresh) {
  if (fresh.date_seconds !== null || fresh.now !== status?.now) {
    clockBasis = { agent_seconds: Math.max(fresh.date_seconds ?? 0, fresh.now), steady_seconds: secondsNow() };
  }
}

/** When the newest reading was made, on the agent's clock. */
function dataTime() {
  const times = status.collectors.map((collector) => collector.last_success_at).filter(Number.isFinite);
  return times.length > 0 ? Math.max(...times) : status.now;
}

function environment() {
  return { status, now: agentNow() };
}

function backLink(address, label) {
  return h('a', { class: 'back', href: address }, `\u2190 ${label}`);
}

const PAGES = {
  '': () => createOverview(),
  suspect: (id) => createDetailView(id, backLink('#/', 'Overview'), poll),
  subject: (id) => createDetailView(id, backLink('#/subjects', 'Processes'), poll),
  subjects: (_, query) => createSubjectsView(query, poll),
  cgroups: (_, query) => createCgroupsView(query, poll),
  alerts: () => createAlertsView(),
  status: () => createStatusView(),
};

function decoded(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

function parseRoute() {
  const [path, query = ''] = location.hash.replace(/^#\/?/, '').split('?');
  const [page, ...rest] = path.split('/');
  return {
    page: Object.hasOwn(PAGES, page) ? page : '',
    id: decoded(rest.join('/')),
    query: new URLSearchParams(query),
  };
}

function navigate(event) {
  const { page, id, query } = parseRoute();
  view = PAGES[page](id, query);
  main.replaceChildren(view.element);
  main.setAttribute('aria-busy', 'true');
  const current = { '': 'overview', suspect: 'overview', subject: 'subjects' }[page] ?? page;
  for (const link of document.querySelectorAll('.nav a')) {
    setAttribute(link, 'aria-current', link.dataset.page === current ? 'page' : null);
  }
  document.title = `${view.title} \u00b7 heapfloor`;
  if (event) {
    window.scrollTo(0, 0);
    main.querySelector('h1')?.focus({ preventScroll: true });
  }
  poll();
}

function showFreshness() {
  const element = byId('freshness');
  const text = byId('freshness-text');
  if (unreachable) {
    setAttribute(element, 'data-state', 'lost');
    setText(text, status ? `Data from ${formatClockWithSeconds(dataTime())}` : 'No data');
    return;
  }
  if (!status) return;
  const age = agentNow() - dataTime();
  const stalled = age > Math.max(10, 3 * status.interval_seconds);
  setAttribute(element, 'data-state', stalled ? 'stalled' : 'live');
  const old = formatDuration(Math.max(1, age));
  setText(text, stalled ? `Collection stalled: data ${old} old` : `Data ${old} old`);
}

function showConnection() {
  const notice = byId('connection');
  if (!unreachable) {
    notice.hidden = true;
    setText(notice, '');
  } else {
    const old = status ? ' The values below are the last ones received.' : '';
    setText(notice, `Agent not reachable since ${formatClockWithSeconds(unreachable.since_seconds)} `
      + `(${unreachable.reason}). Trying again every ${RETRY_SECONDS} s.${old}`);
    notice.hidden = false;
  }
  document.body.classList.toggle('stale', Boolean(unreachable && status));
}

function showHeader() {
  const counts = status.counts;
  const alerts = byId('alert-count');
  alerts.hidden = !(counts.alerts_firing > 0);
  setText(alerts, String(counts.alerts_firing ?? ''));
  setAttribute(alerts, 'aria-label', `, ${counts.alerts_firing} firing`);
  const ailing = status.collectors.some((collector) => !collector.success);
  byId('health-mark').hidden = !ailing;
  setAttribute(byId('health-mark'), 'aria-label', ', a collector fails');
  const version = `${status.version} ${status.revision}`;
  loadedVersion ??= version;
  byId('upgrade').hidden = version === loadedVersion;
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  setText(byId('foot'), `heapfloor ${status.version} on ${location.host} \u00b7 every `
    + `${formatDuration(status.interval_seconds)} \u00b7 times are local (${zone})`);
}

async function ask(signal) {
  const asked = view;
  const answer = asked.load(signal, environment()).then((data) => ({ data }), (error) => {
    if (error instanceof Refused) return { refused: error };
    throw error;
  });
  const [freshStatus, { data, refused }] = await Promise.all([fetchStatus(signal), answer]);
  signal.throwIfAborted();
  setClock(freshStatus);
  status = freshStatus;
  if (asked !== view) return;
  showHeader();
  if (refused) {
    asked.fail(refused);
  } else {
    asked.render(data, environment());
  }
  main.removeAttribute('aria-busy');
}

function periodSeconds() {
  if (unreachable || !status) return RETRY_SECONDS;
  return Math.min(LONGEST_PERIOD_SECONDS, Math.max(SHORTEST_PERIOD_SECONDS, status.interval_seconds));
}

/** Asks now; any question under way is dropped. Then again after the period, unless nobody looks. */
async function poll() {
  clearTimeout(timer);
  inFlight?.abort();
  const request = new AbortController();
  inFlight = request;
  try {
    await ask(request.signal);
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
