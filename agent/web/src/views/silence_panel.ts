// Silences: made for one suspect, listed, and ended. They keep alerts from being sent, not from being shown.

import { addSilence, removeSilence } from '../api';
import type { Alert, Query, Scope, Silence, Suspect } from '../api_types';
import { h, keyed, type Row, setText } from '../dom';
import { formatMoment, visibleName } from '../format';
import { panel } from './parts';

const LENGTHS = [
  ['2h', 'for 2 hours'],
  ['24h', 'for a day'],
  ['168h', 'for a week'],
  ['next_build', 'until the next build (expected until then)'],
] as const;
const SCOPES_WITHOUT_BUILDS = new Set<Scope>(['cgroup', 'external', 'host']);

/** SCOPE:NAME, without the signal behind the last slash. */
function subjectOf(id: string): string {
  return id.slice(0, id.lastIndexOf('/'));
}

function endWords(silence: Silence, now: number): string {
  const end = silence.endsAt === null ? '' : formatMoment(Date.parse(silence.endsAt) / 1000, now);
  if (silence.until === 'next_build') return `until the next build${end ? `, ${end} at the latest` : ''}`;
  return end ? `until ${end}` : 'without an end';
}

function whatWords(silence: Silence): string {
  return silence.matchers.map(({ name, pattern }) => `${name} ${visibleName(pattern)}`).join(', ');
}

interface SilenceItem {
  silence: Silence;
  now: number;
}

function createSilenceRow(refresh: () => void): (item: SilenceItem) => Row<SilenceItem> {
  return ({ silence }) => {
    const what = h('strong', {}, whatWords(silence));
    const until = h('span');
    const by = [silence.createdBy, silence.comment].filter((words) => words !== '').map(visibleName);
    const problem = h('span', { class: 'problem', role: 'status' });
    const end = h(
      'button',
      {
        type: 'button',
        class: 'button button-small',
        onclick: () =>
          removeSilence(silence.id).then(refresh, (error: Error) => setText(problem, `not ended: ${error.message}`)),
      },
      'End it',
    );
    const element = h(
      'li',
      {},
      what,
      until,
      by.length > 0 && h('span', { class: 'muted' }, by.join(': ')),
      silence.configured ? h('span', { class: 'muted' }, 'from the configuration') : end,
      problem,
    );
    return { element, update: ({ silence: item, now }) => setText(until, endWords(item, now)) };
  };
}

export interface SilenceList {
  element: HTMLElement;
  set(silences: readonly Silence[], now: number): void;
}

/** The active silences; hidden while there are none. */
export function createSilenceList(refresh: () => void): SilenceList {
  const list = h('ul', { class: 'history' });
  const section = panel('silences-title', 'Silences', list);
  section.hidden = true;
  return {
    element: section,
    set(silences, now) {
      const active = silences.filter(({ state }) => state === 'active');
      section.hidden = active.length === 0;
      keyed(
        list,
        active.map((silence) => ({ silence, now })),
        ({ silence }) => silence.id,
        createSilenceRow(refresh),
      );
    },
  };
}

/** Those that keep alerts of the suspect from being sent, or would. */
function silencesOf(suspect: Suspect, alerts: readonly Alert[], silences: readonly Silence[]): Silence[] {
  const subject = subjectOf(suspect.id);
  const used = new Set(alerts.filter(({ labels }) => labels.subject === subject).map(({ silencedBy }) => silencedBy));
  const names: Partial<Record<Silence['matchers'][number]['name'], string>> = { subject, group: suspect.subject.group };
  const isAbout = ({ matchers }: Silence) => matchers.some(({ name, pattern }) => pattern === names[name]);
  return silences.filter((silence) => used.has(silence.id) || isAbout(silence));
}

export interface SilencePanel {
  element: HTMLElement;
  set(suspect: Suspect | null, alerts: readonly Alert[], silences: readonly Silence[], now: number): void;
}

export function createSilencePanel(refresh: () => void): SilencePanel {
  const whose = h('select', { id: 'silence-whose' });
  const length = h('select', { id: 'silence-length' });
  const comment = h('input', { type: 'text', id: 'silence-comment', maxlength: 200, autocomplete: 'off' });
  const outcome = h('p', { class: 'muted', role: 'status' });
  const list = h('ul', { class: 'history' });
  let suspect: Suspect | null = null;

  async function silence(): Promise<void> {
    if (!suspect) return;
    const isOfGroup = whose.value === 'group' || length.value === 'next_build';
    const matcher: Query<'addSilence'> = isOfGroup
      ? { group: suspect.subject.group }
      : { subject: subjectOf(suspect.id) };
    const end: Query<'addSilence'> =
      length.value === 'next_build' ? { until: 'next_build' } : { duration: length.value };
    setText(outcome, 'Asking the agent\u2026');
    try {
      await addSilence({ ...matcher, ...end, comment: comment.value.trim(), created_by: 'the page' });
      setText(outcome, 'Silenced: alerts are shown, and not sent.');
      comment.value = '';
      refresh();
    } catch (error) {
      setText(outcome, `Not silenced: ${error instanceof Error ? error.message : String(error)}`);
    }
  }

  const form = h(
    'form',
    {
      class: 'silence-form',
      onsubmit: (event) => {
        event.preventDefault();
        void silence();
      },
    },
    h('label', { for: 'silence-whose' }, 'Alerts of'),
    whose,
    h('label', { for: 'silence-length' }, 'End'),
    length,
    h('label', { for: 'silence-comment' }, 'Why'),
    comment,
    h('button', { type: 'submit', class: 'button' }, 'Silence'),
  );
  const section = panel('silence-title', 'Silence', list, form, outcome);
  section.hidden = true;

  function offer(of: Suspect): void {
    const group = of.subject.group;
    whose.replaceChildren(
      h('option', { value: 'subject' }, `this subject, ${visibleName(of.subject.comm)}`),
      ...(group ? [h('option', { value: 'group' }, `group ${visibleName(group)}`)] : []),
    );
    const hasBuilds = group !== '' && !SCOPES_WITHOUT_BUILDS.has(of.scope);
    const lengths = LENGTHS.filter(([value]) => value !== 'next_build' || hasBuilds);
    length.replaceChildren(...lengths.map(([value, words]) => h('option', { value }, words)));
  }

  return {
    element: section,
    set(item, alerts, silences, now) {
      section.hidden = item === null;
      if (!item) return;
      if (suspect?.id !== item.id) offer(item);
      suspect = item;
      const active = silencesOf(item, alerts, silences).filter(({ state }) => state === 'active');
      keyed(
        list,
        active.map((entry) => ({ silence: entry, now })),
        ({ silence: entry }) => entry.id,
        createSilenceRow(refresh),
      );
    },
  };
}
