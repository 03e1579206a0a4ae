// Pieces that several views show.

import { encodeId } from '../api.js';
import { h, setText } from '../dom.js';
import {
  UNKNOWN, formatBytes, formatForecast, formatGrowth, isBytes, nameElement,
} from '../format.js';

export function suspectLink(id) {
  return `#/suspect/${encodeId(id)}`;
}

export function subjectLink(id) {
  return `#/subject/${encodeId(id)}`;
}

/** "pid 4711 · group shop", "cgroup · /system.slice/shop.service"; what is unknown is left out. */
export function subjectMeta(subject, scope, unit) {
  const parts = [];
  if (!isBytes(unit)) parts.push(h('span', { class: 'meta-unit' }, unit));
  if (scope && scope !== 'process') parts.push(h('span', {}, scope));
  if (subject.part) parts.push(h('span', {}, nameElement(subject.part)));
  if (scope === 'cgroup' && subject.cgroup) parts.push(h('span', {}, nameElement(subject.cgroup)));
  if (subject.pid) parts.push(h('span', {}, `pid\u00a0${subject.pid}`));
  if (subject.group && subject.group !== subject.comm) {
    parts.push(h('span', {}, 'group\u00a0', nameElement(subject.group)));
  }
  return h('span', { class: 'meta' }, parts);
}

/** A name for the value, the value, and a line below it for its uncertainty. */
export function createFigure(label) {
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

export function setGrowthFigure(figure, growth, unit) {
  const words = formatGrowth(growth, unit);
  figure.set(words?.value ?? UNKNOWN, words?.interval ?? '');
}

export function setForecastFigure(figure, prediction, growth, now) {
  const forecast = formatForecast(prediction, now);
  if (!forecast) {
    figure.set('no forecast', growth ? 'no limit is known' : 'no growth is measured');
    return;
  }
  figure.set(forecast.moment, `${forecast.wait} (${forecast.interval})`);
}

/** How full: a meter that is also a text. */
export function createMeter(label) {
  const fill = h('div', { class: 'meter-fill' });
  const element = h('div', { class: 'meter', role: 'img' }, fill);
  return {
    element,
    set(value, limit) {
      const ratio = limit > 0 && Number.isFinite(value) ? Math.min(1, value / limit) : 0;
      fill.style.width = `${(ratio * 100).toFixed(1)}%`;
      element.classList.toggle('meter-high', ratio > 0.9);
      element.setAttribute('aria-label', `${label}: ${formatBytes(value)} of ${formatBytes(limit)}`);
    },
  };
}

export function refusal(error) {
  return h('div', { class: 'empty' }, h('p', {}, 'The agent refused to answer this.'),
    h('p', { class: 'muted' }, error.message));
}
