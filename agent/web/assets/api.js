// The agent's JSON interface. Addresses are relative to this file, so the page works behind any path prefix.

const ROOT = new URL('api/v1/', import.meta.url);
const TIMEOUT_MILLISECONDS = 10000;

/** The agent did not answer, or something between answered for it. */
export class Unreachable extends Error {}

/** The agent answered that it cannot: an unknown id, a bad parameter. */
export class Refused extends Error {
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

async function get(path, signal) {
  const timeout = AbortSignal.timeout(TIMEOUT_MILLISECONDS);
  let response;
  let body;
  try {
    response = await fetch(new URL(path, ROOT), {
      signal: AbortSignal.any([signal, timeout]),
      cache: 'no-store',
      headers: { Accept: 'application/json' },
    });
    body = await response.json();
  } catch (error) {
    if (signal.aborted) throw error;
    if (timeout.aborted) throw new Unreachable('no answer within 10 s');
    if (!response) throw new Unreachable('no connection');
    throw new Unreachable(`an answer that is not the agent's (HTTP ${response.status})`);
  }
  if (body?.status === 'success') return { data: body.data, date: response.headers.get('Date') };
  if (body?.status === 'error') throw new Refused(response.status, String(body.error));
  throw new Unreachable(`an answer that is not the agent's (HTTP ${response.status})`);
}

async function dataOf(promise) {
  return (await promise).data;
}

// Ids hold colons and slashes, which are fine in a path; everything else in them is not trusted to be.
export function encodeId(id) {
  return id.split('/').map((part) => encodeURIComponent(part).replaceAll('%3A', ':')).join('/');
}

/** The address of a file of a capture. */
export function evidenceUrl(id, file) {
  return new URL(`evidence/${encodeId(id)}/${encodeId(file)}`, ROOT).href;
}

/** Agent, host, counts and collectors, with `date_seconds`: the server's clock when it answered, where it says so. */
export async function fetchStatus(signal) {
  const { data, date } = await get('status', signal);
  const parsed = date ? Date.parse(date) / 1000 : Number.NaN;
  return { ...data, date_seconds: Number.isFinite(parsed) ? parsed : null };
}

function queryOf(parameters) {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(parameters)) {
    if (value !== '' && value !== null && value !== undefined) query.set(name, String(value));
  }
  return query;
}

export function fetchSubjects(parameters, signal) {
  return dataOf(get(`subjects?${queryOf(parameters)}`, signal));
}

export function fetchCgroups(parameters, signal) {
  return dataOf(get(`cgroups?${queryOf(parameters)}`, signal));
}

/** Whom the OOM killer took, the last first, and how many of which workload. */
export function fetchOoms(signal) {
  return dataOf(get('ooms', signal));
}

export async function fetchSuspects(signal) {
  return (await dataOf(get('suspects', signal))).suspects;
}

/** One suspect, or null when the subject is none (any more). */
export async function fetchSuspect(id, signal) {
  try {
    return (await dataOf(get(`suspects/${encodeId(id)}`, signal))).suspect;
  } catch (error) {
    if (error instanceof Refused && error.status === 404) return null;
    throw error;
  }
}

/** Points, floors and line, or null when the subject is not watched (any more). */
export async function fetchSeries(id, range, signal) {
  const query = new URLSearchParams();
  if (range.start !== undefined) query.set('start', range.start.toFixed(3));
  if (range.end !== undefined) query.set('end', range.end.toFixed(3));
  const suffix = query.size > 0 ? `?${query}` : '';
  try {
    return await dataOf(get(`series/${encodeId(id)}${suffix}`, signal));
  } catch (error) {
    if (error instanceof Refused && error.status === 404) return null;
    throw error;
  }
}

export async function fetchAlerts(signal) {
  return (await dataOf(get('alerts', signal))).alerts;
}
