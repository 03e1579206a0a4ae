// The agent's interface. Addresses are relative to this file, so the page works behind any path prefix.

import type {
  Alert,
  Alerts,
  CgroupPage,
  Config,
  OneSuspect,
  Ooms,
  Query,
  Series,
  Silence,
  Silences,
  Status,
  SubjectPage,
  Suspect,
  Suspects,
} from './api_types';

const BASE = new URL('.', import.meta.url);
const ROOT = new URL('api/v1/', BASE);
const TIMEOUT_MILLISECONDS = 10000;
const PROFILE_TIMEOUT_MILLISECONDS = 60000;

/** The agent did not answer, or something between answered for it. */
export class Unreachable extends Error {}

/** The agent answered that it cannot: an unknown id, a bad parameter. */
export class Refused extends Error {
  constructor(
    readonly status: number,
    message: string,
  ) {
    super(message);
  }
}

interface Answered {
  response: Response;
  body: unknown;
}

async function ask(url: URL, signal: AbortSignal, options: RequestInit = {}): Promise<Answered> {
  const timeout = AbortSignal.timeout(TIMEOUT_MILLISECONDS);
  let response: Response | undefined;
  try {
    response = await fetch(url, {
      cache: 'no-store',
      ...options,
      signal: AbortSignal.any([signal, timeout]),
      headers: { Accept: 'application/json', ...options.headers },
    });
    return { response, body: await response.json() };
  } catch (error) {
    if (signal.aborted) throw error;
    if (timeout.aborted) throw new Unreachable('no answer within 10 s');
    if (!response) throw new Unreachable('no connection');
    throw new Unreachable(`an answer that is not the agent's (HTTP ${response.status})`);
  }
}

function isDocument(body: unknown): body is { status: unknown; data?: unknown; error?: unknown } {
  return typeof body === 'object' && body !== null && 'status' in body;
}

function unwrap<T>({ response, body }: Answered): T {
  if (isDocument(body)) {
    if (body.status === 'success') return body.data as T;
    if (body.status === 'error') throw new Refused(response.status, String(body.error));
  }
  throw new Unreachable(`an answer that is not the agent's (HTTP ${response.status})`);
}

async function get<T>(path: string, signal: AbortSignal): Promise<T> {
  return unwrap<T>(await ask(new URL(path, ROOT), signal));
}

async function orNullIfMissing<T>(answer: Promise<T>): Promise<T | null> {
  try {
    return await answer;
  } catch (error) {
    if (error instanceof Refused && error.status === 404) return null;
    throw error;
  }
}

// Ids hold colons and slashes, which are fine in a path; everything else in them is not trusted to be.
export function encodeId(id: string): string {
  return id
    .split('/')
    .map((part) => encodeURIComponent(part).replaceAll('%3A', ':'))
    .join('/');
}

/** The address of a file of a capture. */
export function evidenceUrl(id: string, file: string): string {
  return new URL(`evidence/${encodeId(id)}/${encodeId(file)}`, ROOT).href;
}

/** The address of all files of a capture in one archive. */
export function archiveUrl(id: string): string {
  return new URL(`evidence/${encodeId(id)}.tar.gz`, ROOT).href;
}

/** The address of the heap profile of a process as it is now: subject process:PID:START. */
export function heapProfileUrl(subject: string): string {
  return new URL(`debug/pprof/heap?${new URLSearchParams({ subject })}`, BASE).href;
}

export type DatedStatus = Status & { date_seconds: number | null };

/** Agent, host, counts and collectors, with `date_seconds`: the server's clock when it answered, where it says so. */
export async function fetchStatus(signal: AbortSignal): Promise<DatedStatus> {
  const answered = await ask(new URL('status', ROOT), signal);
  const date = answered.response.headers.get('Date');
  const parsed = date ? Date.parse(date) / 1000 : Number.NaN;
  return { ...unwrap<Status>(answered), date_seconds: Number.isFinite(parsed) ? parsed : null };
}

/** The configuration in force. */
export function fetchConfig(signal: AbortSignal): Promise<Config> {
  return get('config', signal);
}

/** What is empty is left out. */
function withQuery(path: string, parameters: Record<string, string | number | null | undefined>): string {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(parameters)) {
    if (value !== '' && value !== null && value !== undefined) query.set(name, String(value));
  }
  return query.size > 0 ? `${path}?${query}` : path;
}

export function fetchSubjects(parameters: Query<'listSubjects'>, signal: AbortSignal): Promise<SubjectPage> {
  return get(withQuery('subjects', parameters), signal);
}

export function fetchCgroups(parameters: Query<'listCgroups'>, signal: AbortSignal): Promise<CgroupPage> {
  return get(withQuery('cgroups', parameters), signal);
}

/** Whom the OOM killer took, the last first, and how many of which workload. */
export function fetchOoms(signal: AbortSignal): Promise<Ooms> {
  return get('ooms', signal);
}

export async function fetchSuspects(signal: AbortSignal): Promise<Suspect[]> {
  return (await get<Suspects>('suspects', signal)).suspects;
}

/** One suspect, or null when the subject is none (any more). */
export async function fetchSuspect(id: string, signal: AbortSignal): Promise<Suspect | null> {
  const answer = await orNullIfMissing(get<OneSuspect>(`suspects/${encodeId(id)}`, signal));
  return answer?.suspect ?? null;
}

/** Points, floors and line, or null when the subject is not watched (any more). */
export function fetchSeries(id: string, range: Query<'getSeries'>, signal: AbortSignal): Promise<Series | null> {
  return orNullIfMissing(get<Series>(withQuery(`series/${encodeId(id)}`, range), signal));
}

export async function fetchAlerts(signal: AbortSignal): Promise<Alert[]> {
  return (await get<Alerts>('alerts', signal)).alerts;
}

export async function fetchSilences(signal: AbortSignal): Promise<Silence[]> {
  return (await get<Silences>('silences', signal)).silences;
}

// The server takes no bodies; the header is what a page of another site cannot send.
async function change(method: string, path: string): Promise<void> {
  const options = { method, headers: { 'X-Heapfloor': '1' } };
  unwrap(await ask(new URL(path, ROOT), new AbortController().signal, options));
}

export function addSilence(parameters: Query<'addSilence'>): Promise<void> {
  return change('POST', withQuery('silences', parameters));
}

export function removeSilence(id: string): Promise<void> {
  const query: Query<'removeSilence'> = { id };
  return change('DELETE', withQuery('silences', query));
}

/** The metrics of one collector in the text format. */
export async function fetchMetrics(collector: string, signal: AbortSignal): Promise<string> {
  const query: Query<'getMetrics'> = { 'collect[]': collector };
  const url = new URL(withQuery('metrics', query), BASE);
  const response = await fetch(url, { signal, cache: 'no-store', headers: { Accept: 'text/plain' } }).catch((error) => {
    if (signal.aborted) throw error;
    throw new Unreachable('no connection');
  });
  if (!response.ok) throw new Refused(response.status, (await response.text()).trim().slice(0, 300));
  return response.text();
}

/** A profile file as it is on the wire; `onBytes` hears how much has come. */
export async function fetchProfile(
  url: string,
  signal: AbortSignal,
  onBytes: (bytes: number) => void,
): Promise<Uint8Array<ArrayBuffer>> {
  const timeout = AbortSignal.timeout(PROFILE_TIMEOUT_MILLISECONDS);
  let response: Response;
  try {
    response = await fetch(url, { signal: AbortSignal.any([signal, timeout]) });
  } catch (error) {
    if (signal.aborted) throw error;
    throw new Unreachable(timeout.aborted ? 'no answer within a minute' : 'no connection');
  }
  if (!response.ok) {
    const body: unknown = await response.json().catch(() => null);
    const words = isDocument(body) && typeof body.error === 'string' ? body.error : `HTTP ${response.status}`;
    throw new Refused(response.status, words);
  }
  return collect(response.body, onBytes);
}

async function collect(
  body: ReadableStream<Uint8Array<ArrayBuffer>> | null,
  onBytes: (bytes: number) => void,
): Promise<Uint8Array<ArrayBuffer>> {
  const chunks: Uint8Array<ArrayBuffer>[] = [];
  let bytes = 0;
  const reader = body?.getReader();
  for (let part = await reader?.read(); part && !part.done; part = await reader?.read()) {
    chunks.push(part.value);
    bytes += part.value.byteLength;
    onBytes(bytes);
  }
  return new Uint8Array(await new Blob(chunks).arrayBuffer());
}
