// The heap profile of a subject's process, as it is now or was captured, alone or against an earlier one: the flame graph
// and, as its equal in text, the functions that hold most.

import { evidenceUrl, fetchProfile, heapProfileUrl, Refused } from '../api';
import type { Capture, Scope, SubjectRow, Suspect } from '../api_types';
import { h, setChildren, setText } from '../dom';
import type { ColourBy, FlameView } from '../flame/flame_graph';
import type { FunctionTotal, ProfileTree } from '../flame/profile';
import { shortName } from '../flame/short_name';
import { changeWords, formatBytes, nameElement } from '../format';
import { captureWords } from './detail_panels';
import { panel } from './parts';

const PROFILE_FILE = 'heap.pb.gz';
const FUNCTIONS_LISTED = 25;
const LIVE = 'now';
const SCOPES_OF_PROCESSES = new Set<Scope | undefined>(['process', 'allocator', 'structure', 'site', 'go']);
const HOW_TO_GET_ONE =
  'Programs with a probe in them have heap profiles: start a program with heapfloor run -- PROGRAM.';

interface Source {
  key: string;
  words: string;
  url: string;
}

/** process:PID:START of an id; null where it is of no process. */
function processOf(id: string, scope: Scope | undefined): string | null {
  const [, pid, start] = id.split('/')[0]?.split(':') ?? [];
  return SCOPES_OF_PROCESSES.has(scope) && pid && start ? `process:${pid}:${start}` : null;
}

function sourcesOf(process: string, captures: readonly Capture[], isAlive: boolean, now: number): Source[] {
  const captured = captures
    .filter(({ files }) => files.includes(PROFILE_FILE))
    .map((capture) => ({
      key: capture.id,
      words: captureWords(capture, now),
      url: evidenceUrl(capture.id, PROFILE_FILE),
    }));
  const live = { key: LIVE, words: 'Now, read when asked for', url: heapProfileUrl(process) };
  return isAlive || captured.length === 0 ? [live, ...captured] : captured;
}

function options(select: HTMLSelectElement, choices: readonly (readonly [string, string])[], value: string): void {
  setChildren(select, JSON.stringify(choices), () => choices.map(([key, words]) => h('option', { value: key }, words)));
  select.value = value;
}

function functionRow(entry: FunctionTotal, isDifference: boolean) {
  const { name, place, self, selfBase, total, totalBase } = entry;
  const number = (words: string) => h('td', { class: 'number' }, words);
  const file =
    place === '' ? null : h('span', { class: 'below' }, nameElement(place.slice(place.lastIndexOf('/') + 1)));
  const amounts = isDifference
    ? [number(changeWords(self - selfBase)), number(changeWords(total - totalBase)), number(formatBytes(self))]
    : [number(formatBytes(self)), number(formatBytes(total))];
  return h('tr', {}, h('th', { scope: 'row' }, nameElement(shortName(name), { title: name }), file), amounts);
}

function createTop() {
  const head = h('thead');
  const body = h('tbody');
  const element = h(
    'details',
    { class: 'floor-table', open: true },
    h('summary', {}, 'Functions as a table'),
    h(
      'div',
      { class: 'scroll', tabindex: '0', role: 'group', 'aria-label': 'Functions' },
      h('table', { class: 'plain functions' }, head, body),
    ),
  );
  return {
    element,
    set({ functions, isDifference }: ProfileTree) {
      const labels = isDifference
        ? ['Own growth', 'Growth with what it calls', 'Own now']
        : ['Own', 'With what it calls'];
      const heads = labels.map((label) => h('th', { scope: 'col', class: 'number' }, label));
      head.replaceChildren(h('tr', {}, h('th', { scope: 'col' }, 'Function'), heads));
      const hasMoved = ({ total, totalBase }: FunctionTotal) => !isDifference || total !== totalBase;
      const shown = functions.filter(hasMoved).slice(0, FUNCTIONS_LISTED);
      body.replaceChildren(...shown.map((entry) => functionRow(entry, isDifference)));
    },
  };
}

export interface ProfilePanel {
  element: HTMLElement;
  set(id: string, row: SubjectRow | null, suspect: Suspect | null, now: number): void;
  destroy(): void;
}

class Panel implements ProfilePanel {
  readonly element: HTMLElement;
  private readonly whole = h('select', { id: 'profile-of', onchange: () => this.load() });
  private readonly base = h('select', { id: 'profile-base', onchange: () => this.load() });
  private readonly by = h('select', { id: 'profile-colours', onchange: () => this.draw() });
  private readonly search = h('input', {
    type: 'search',
    id: 'profile-search',
    autocomplete: 'off',
    spellcheck: 'false',
    placeholder: 'Function',
    oninput: () => this.flame?.search(this.search.value.trim()),
  });
  private readonly download = h('a', { download: true, hidden: true }, 'Download it, for go tool pprof');
  private readonly reset = h(
    'button',
    { type: 'button', class: 'button', onclick: () => this.flame?.reset() },
    'Show all',
  );
  private readonly start = h('button', { type: 'button', class: 'button', onclick: () => this.load() }, 'Read it');
  private readonly words = h('p', { class: 'muted', role: 'status' });
  private readonly progress = h('progress', { hidden: true, 'aria-label': 'The profile is on its way' });
  private readonly place = h('div');
  private flame: FlameView | null = null;
  private readonly top = createTop();
  private readonly shown: HTMLElement;
  private sources: Source[] = [];
  private tree: ProfileTree | null = null;
  private request: AbortController | null = null;
  private isAsked = false;

  constructor() {
    options(
      this.by,
      [
        ['structures', 'structure'],
        ['phases', 'phase'],
      ],
      'structures',
    );
    const field = (label: string, control: HTMLElement) =>
      h('div', { class: 'profile-field' }, h('label', { for: control.id }, label), control);
    this.shown = h(
      'div',
      { class: 'profile-shown', hidden: true },
      h('div', { class: 'profile-tools' }, field('Find', this.search), field('Colour by', this.by), this.reset),
      this.place,
      this.top.element,
      h('p', {}, this.download),
    );
    this.element = panel(
      'profile-title',
      'Heap profile',
      h('div', { class: 'profile-tools' }, field('Profile', this.whole), field('Compared with', this.base), this.start),
      this.words,
      this.progress,
      this.shown,
    );
    this.element.hidden = true;
  }

  set(id: string, row: SubjectRow | null, suspect: Suspect | null, now: number): void {
    const process = processOf(id, suspect?.scope ?? row?.scope);
    this.element.hidden = process === null || (row === null && suspect === null);
    if (process === null || this.element.hidden) return;
    this.sources = sourcesOf(process, suspect?.captures ?? [], row !== null, now);
    const captured = this.sources.filter(({ key }) => key !== LIVE);
    const isFirst = this.whole.value === '';
    const choices = this.sources.map(({ key, words }) => [key, words] as const);
    const bases = captured.map(({ key, words }) => [key, words] as const);
    const oldest = captured.at(-1)?.key ?? '';
    const first = this.sources[0]?.key ?? '';
    options(this.whole, choices, isFirst ? first : this.whole.value);
    options(this.base, [['', 'nothing'], ...bases], isFirst && oldest !== first ? oldest : this.base.value);
    if (this.isAsked) return;
    // Who has one is shown it; of others it is read when asked for.
    if (captured.length > 0 || (suspect?.sites.length ?? 0) > 0) void this.load();
    else setText(this.words, HOW_TO_GET_ONE);
  }

  destroy(): void {
    this.request?.abort();
    this.flame?.destroy();
  }

  private async load(): Promise<void> {
    this.isAsked = true;
    this.request?.abort();
    const request = new AbortController();
    this.request = request;
    this.start.hidden = true;
    this.progress.hidden = false;
    setText(this.words, 'Reading the profile\u2026');
    try {
      await this.read(request.signal);
    } catch (error) {
      if (request.signal.aborted) return;
      this.shown.hidden = true;
      this.start.hidden = false;
      const reason = error instanceof Error ? error.message : String(error);
      const hint = error instanceof Refused ? ` ${HOW_TO_GET_ONE}` : '';
      setText(this.words, `There is no profile to show: ${reason}.${hint}`);
    }
    if (request === this.request) this.progress.hidden = true;
  }

  private async read(signal: AbortSignal): Promise<void> {
    const find = (key: string) => this.sources.find((source) => source.key === key);
    const source = find(this.whole.value);
    const base = this.base.value === this.whole.value ? undefined : find(this.base.value);
    if (!source) return;
    const hear = (bytes: number) => setText(this.words, `Reading the profile\u2026 ${formatBytes(bytes)}`);
    // Decoding and drawing profiles is half of the page's bytes, and most views do without.
    const { createFlameGraph, profileTree, readStacks } = await import('../flame/flame');
    const stacks = await readStacks(await fetchProfile(source.url, signal, hear));
    const before = base && (await readStacks(await fetchProfile(base.url, signal, hear)));
    signal.throwIfAborted();
    this.tree = profileTree(stacks, before ?? null);
    if (!this.flame) {
      this.flame = createFlameGraph();
      this.place.append(this.flame.element);
    }
    this.download.hidden = false;
    this.download.href = source.url;
    this.draw();
    const { root } = this.tree;
    const size = `${formatBytes(root.now)} in use, as the samples estimate it`;
    setText(this.words, before ? `${size}: ${changeWords(root.now - root.base)} since then.` : `${size}.`);
  }

  private draw(): void {
    if (!this.tree) return;
    this.shown.hidden = false;
    this.by.disabled = this.tree.isDifference;
    this.flame?.show(this.tree, this.by.value as ColourBy);
    this.flame?.search(this.search.value.trim());
    this.top.set(this.tree);
  }
}

export function createProfilePanel(): ProfilePanel {
  return new Panel();
}
