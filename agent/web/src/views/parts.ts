// Pieces that several views show.

import { encodeId } from '../api';
import type { Growth, Prediction, Scope, Signal, SubjectName, Unit } from '../api_types';
import { h, setText } from '../dom';
import { formatBytes, formatForecast, formatGrowth, isBytes, nameElement, signalWords, UNKNOWN } from '../format';

export function suspectLink(id: string): string {
  return `#/suspect/${encodeId(id)}`;
}

export function subjectLink(id: string): string {
  return `#/subject/${encodeId(id)}`;
}

/** What the scopes of subjects are called: one of them, and many. Groups are no subjects of their own. */
export const SCOPES: Record<string, readonly [string, string]> = {
  process: ['process', 'Processes'],
  cgroup: ['cgroup', 'Cgroups'],
  go: ['Go program', 'Go programs'],
  jvm: ['JVM', 'JVMs'],
  allocator: ['allocator', 'Allocators'],
  structure: ['structure', 'Structures'],
  site: ['allocation site', 'Allocation sites'],
  external: ['series', 'Series of other servers'],
  host: ['host', 'Host'],
} satisfies Record<Exclude<Scope, 'group'>, readonly [string, string]>;

export function scopeWord(scope: Scope | null | undefined): string {
  return SCOPES[scope ?? '']?.[0] ?? scope ?? 'subject';
}

/** "pid 4711 · group shop", "cgroup · /system.slice/shop.service"; what is unknown is left out. */
export function subjectMeta(subject: SubjectName, scope: Scope, unit: Unit, signal?: Signal): HTMLElement {
  const parts: HTMLElement[] = [];
  // A process or a cgroup has several signals in bytes; what is not said is resident memory.
  const hasSeveral = scope === 'process' || scope === 'cgroup';
  if (hasSeveral && isBytes(unit) && signal && signal !== 'rss_anon') {
    parts.push(h('span', { class: 'meta-unit' }, signalWords(signal)));
  }
  if (!isBytes(unit)) parts.push(h('span', { class: 'meta-unit' }, unit));
  if (scope !== 'process') parts.push(h('span', {}, scopeWord(scope)));
  if (subject.part) parts.push(h('span', {}, nameElement(subject.part)));
  if (scope === 'cgroup' && subject.cgroup) parts.push(h('span', {}, nameElement(subject.cgroup)));
  if (subject.pid) parts.push(h('span', {}, `pid\u00a0${subject.pid}`));
  if (subject.group && subject.group !== subject.comm) {
    parts.push(h('span', {}, 'group\u00a0', nameElement(subject.group)));
  }
  return h('span', { class: 'meta' }, parts);
}

export interface Figure {
  element: HTMLElement;
  set(text: string, below?: string): void;
}

/** A name for the value, the value, and a line below it for its uncertainty. */
export function createFigure(label: string): Figure {
  const value = h('span', { class: 'figure-value' }, UNKNOWN);
  const detail = h('span', { class: 'figure-detail' }, '\u00a0');
  return {
    element: h('div', { class: 'figure' }, h('dt', {}, label), h('dd', {}, value, detail)),
    set(text, below = '') {
      setText(value, text);
      setText(detail, below || '\u00a0');
    },
  };
}

export function setGrowthFigure(figure: Figure, growth: Growth | null, unit: Unit): void {
  const words = formatGrowth(growth, unit);
  figure.set(words?.value ?? UNKNOWN, words?.interval ?? '');
}

export function setForecastFigure(
  figure: Figure,
  prediction: Prediction | null,
  growth: Growth | null,
  now: number,
): void {
  const forecast = formatForecast(prediction, now);
  if (forecast) figure.set(forecast.moment, `${forecast.wait} (${forecast.interval})`);
  else figure.set('no forecast', growth ? 'no limit is known' : 'no growth is measured');
}

export interface Meter {
  element: HTMLElement;
  set(value: number | null | undefined, limit: number | null | undefined): void;
  setShare(share: number, words: string): void;
}

/** How full: a meter that is also a text. */
export function createMeter(label: string): Meter {
  const fill = h('div', { class: 'meter-fill' });
  const element = h('div', { class: 'meter', role: 'img' }, fill);
  const setShare = (share: number, words: string) => {
    fill.style.width = `${(Math.max(0, Math.min(1, share)) * 100).toFixed(1)}%`;
    element.setAttribute('aria-label', `${label}: ${words}`);
  };
  return {
    element,
    setShare,
    set(value, limit) {
      const share = value && limit && limit > 0 ? Math.min(1, value / limit) : 0;
      element.classList.toggle('meter-high', share > 0.9);
      setShare(share, `${formatBytes(value)} of ${formatBytes(limit)}`);
    },
  };
}

export function refusal(error: Error): HTMLElement {
  return h(
    'div',
    { class: 'empty' },
    h('p', {}, 'The agent refused to answer this.'),
    h('p', { class: 'muted' }, error.message),
  );
}

/** A panel with a heading that names it. */
export function panel(id: string, title: string, ...content: Parameters<typeof h>[2][]): HTMLElement {
  return h('section', { class: 'panel', 'aria-labelledby': id }, h('h2', { id }, title), content);
}
