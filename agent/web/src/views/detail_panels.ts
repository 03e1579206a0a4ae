// The panels below a subject's chart. Each has an element and a set() that shows what is new and hides the panel where
// there is nothing.

import { archiveUrl, evidenceUrl } from '../api';
import type {
  Capture,
  Cause,
  FormerLife,
  Gate,
  Occasion,
  Signal,
  Site,
  StateChange,
  Structure,
  SubjectRow,
  Suspect,
  TimeValue,
  Unit,
} from '../api_types';
import { type Child, h, icon, keyed, type Row, setAttribute, setChildren, setText, stateBadge } from '../dom';
import { shortName } from '../flame/short_name';
import {
  formatAge,
  formatAmount,
  formatBytes,
  formatCount,
  formatDuration,
  formatGrowth,
  formatMoment,
  formatPercent,
  nameElement,
  signalWords,
  UNKNOWN,
  visibleName,
} from '../format';
import { createMeter, panel, scopeWord, subjectLink } from './parts';

const FLOORS_LISTED_AT_MOST = 60;
const SITES_LISTED_AT_MOST = 20;

const GATES: Record<string, string> = {
  trend: 'The floors rise',
  size: 'The rise is large enough to matter',
  signal: 'The rise stands out of the noise',
  record: 'The newest floors are the highest',
  increments: 'Many rises, not one jump',
  still_growing: 'It still grows',
  shape: 'It does not level off',
  precedent: 'More than earlier rises that were undone',
  patience: 'Watched for long enough',
  season: 'Not part of a daily wave',
  gc_runtime: 'Enough collections seen',
  persistence: 'Confirmed twice in a row',
} satisfies Record<Gate['gate'], string>;

const PASSED = ['passed', 'passed'] as const;
const FAILED = ['failed', 'not passed'] as const;
const NOT_ASKED = ['unknown', 'not asked'] as const;

function outcomeOf(passed: boolean | null): readonly [string, string] {
  if (passed === null) return NOT_ASKED;
  return passed ? PASSED : FAILED;
}

function createGate(): Row<Gate> {
  const outcome = h('td', { class: 'gate-outcome' });
  const words = h('span', { class: 'gate-words' });
  const name = h('span', { class: 'gate-name' });
  const detail = h('td', { class: 'gate-detail' });
  const row = h('tr', {}, outcome, h('th', { scope: 'row' }, words, name), detail);
  return {
    element: row,
    update({ gate, passed, detail: numbers }) {
      const [shape, word] = outcomeOf(passed);
      setAttribute(row, 'data-outcome', shape);
      setChildren(outcome, shape, () => [icon(shape), h('span', { class: 'visually-hidden' }, word)]);
      setText(words, GATES[gate] ?? visibleName(gate));
      setText(name, visibleName(gate));
      setText(detail, numbers ? visibleName(numbers) : word);
    },
  };
}

export function createGateList() {
  const body = h('tbody');
  const summary = h('p', { class: 'muted gate-summary' });
  const heads = ['Outcome', 'Gate', 'Numbers'].map((label) => h('th', { scope: 'col' }, label));
  const table = h('table', { class: 'gates' }, h('thead', { class: 'visually-hidden' }, h('tr', {}, heads)), body);
  const section = panel('gates-title', 'Why: the gates', summary, table);
  return {
    element: section,
    set(gates: readonly Gate[]) {
      section.hidden = gates.length === 0;
      keyed(body, gates, ({ gate }) => gate, createGate);
      const passed = gates.filter((gate) => gate.passed === true).length;
      const failed = gates.filter((gate) => gate.passed === false).map(({ gate }) => visibleName(gate));
      setText(
        summary,
        failed.length > 0
          ? `${passed} passed, then held by ${failed.join(', ')}.`
          : `All ${passed} gates that apply are passed.`,
      );
    },
  };
}

/** What is said of the subject: a label, the value, and whether the value is a name. */
export type Fact = [label: string, value: string | null | undefined, isName?: boolean];

/** The sum of those that are known; null where none is. */
function sumOf(...amounts: (number | null)[]): number | null {
  const known = amounts.filter((amount) => amount !== null);
  return known.length > 0 ? known.reduce((sum, amount) => sum + amount, 0) : null;
}

/** "212 MiB, read 40 s ago": reading it is dear, so that it is older than everything else. */
function proportionalWords({ proportional }: SubjectRow, now: number): string {
  if (!proportional) return 'not read';
  const sum = sumOf(proportional.anon_bytes, proportional.file_bytes, proportional.shmem_bytes);
  return `${formatBytes(sum)}, read ${formatAge(now - proportional.sampled_at)}`;
}

/** The name, and the id where it is not in the name already. */
function buildWords({ name, id }: { name: string; id: string }): string {
  return id.startsWith(name) ? id : `${name}, ${id}`;
}

/** The image, and its id where the name does not hold it. */
function imageWords({ image, image_id: id }: { image: string | null; image_id: string | null }): string | null {
  if (image === null || id === null) return image ?? id;
  return image.includes(id) ? image : `${image}, ${id}`;
}

function memoryFacts(row: SubjectRow, now: number): Fact[] {
  const resident = sumOf(row.resident_anon_bytes, row.resident_file_bytes, row.resident_shmem_bytes);
  return [
    ['Resident (RSS)', formatBytes(resident)],
    ['Proportional (PSS)', row.scope === 'process' ? proportionalWords(row, now) : null],
    ['Anonymous', formatBytes(row.resident_anon_bytes)],
    ['File-backed', formatBytes(row.resident_file_bytes)],
    ['Shared', formatBytes(row.resident_shmem_bytes)],
    ['Swap', formatBytes(row.swap_bytes)],
    ['Threads', formatCount(row.threads)],
  ];
}

export function factsOf(row: SubjectRow | null, suspect: Suspect | null, signal: Signal | null, now: number): Fact[] {
  const subject = suspect?.subject ?? row?.subject;
  return [
    ['Kind', scopeWord(suspect?.scope ?? row?.scope)],
    ['Process', subject?.pid ? `pid ${subject.pid}` : null],
    ['Started', subject?.start_time ? formatMoment(subject.start_time, now) : null],
    ['Group', subject?.group || null, true],
    ['Cgroup', subject?.cgroup, true],
    ['Part', subject?.part, true],
    ['Image', suspect?.build ? imageWords(suspect.build) : null, true],
    ['Build', suspect?.build && suspect.build.kind !== 'image' ? buildWords(suspect.build) : null, true],
    ['Signal', signalWords(suspect?.signal ?? signal ?? row?.signal)],
    ...(row ? memoryFacts(row, now) : []),
  ];
}

export function createFacts() {
  const list = h('dl', { class: 'facts' });
  return {
    element: panel('facts-title', 'Facts', list),
    set(facts: readonly Fact[]) {
      const shown = facts.filter(([, value]) => value !== null && value !== undefined && value !== UNKNOWN);
      setChildren(list, JSON.stringify(shown), () =>
        shown.map(([label, value, isName]) =>
          h('div', {}, h('dt', {}, label), h('dd', {}, isName ? nameElement(value) : value)),
        ),
      );
    },
  };
}

export function createHistory() {
  const list = h('ol', { class: 'history' });
  const section = panel('history-title', 'State changes', list);
  return {
    element: section,
    set(changes: readonly StateChange[], now: number) {
      section.hidden = changes.length === 0;
      setChildren(list, JSON.stringify([changes, Math.floor(now / 60)]), () =>
        changes.toReversed().map(({ at, state }) => {
          const age = h('span', { class: 'muted' }, `${formatDuration(now - at)} ago`);
          return h('li', {}, stateBadge(state), h('span', {}, formatMoment(at, now)), age);
        }),
      );
    },
  };
}

/** What else of the same subject is watched. */
export function createOtherSignals() {
  const list = h('ul', { class: 'history' });
  const section = panel('others-title', 'Other signals', list);
  return {
    element: section,
    set(rows: readonly SubjectRow[]) {
      section.hidden = rows.length === 0;
      const key = rows.map(({ id, state, value }) => [id, state, value]);
      setChildren(list, JSON.stringify(key), () =>
        rows.map(({ id, signal, state, value, unit }) => {
          const link = h('a', { href: subjectLink(id) }, signalWords(signal));
          return h('li', {}, stateBadge(state), link, h('span', { class: 'muted' }, formatAmount(value, unit)));
        }),
      );
    },
  };
}

const ENDS: Record<string, string> = {
  exited: 'ended',
  reboot: 'ended by a reboot',
  exec: 'replaced by another program',
} satisfies Record<FormerLife['reason'], string>;

function lifeItem(life: FormerLife, unit: Unit, now: number): Child {
  const detail = [
    `after ${formatDuration(life.ended_at - life.start_time)}`,
    `floor ${formatAmount(life.floor, unit)}`,
    ...(life.build ? [`build ${visibleName(life.build.name)}`] : []),
  ];
  const end = `${ENDS[life.reason] ?? visibleName(life.reason)} ${formatMoment(life.ended_at, now)}`;
  return h('li', {}, stateBadge(life.state), h('span', {}, end), h('span', { class: 'muted' }, detail.join(', ')));
}

/** How processes of the same program ended before this one. */
export function createFormerLives() {
  const list = h('ol', { class: 'history' });
  const section = panel('lives-title', 'Former lives of this program', list);
  return {
    element: section,
    set(lives: readonly FormerLife[], unit: Unit, now: number) {
      section.hidden = lives.length === 0;
      setChildren(list, JSON.stringify([lives, Math.floor(now / 60)]), () =>
        lives.toReversed().map((life) => lifeItem(life, unit, now)),
      );
    },
  };
}

const OCCASIONS: Record<string, string> = {
  suspected: 'When it became suspected',
  leaking: 'When it was called leaking',
  ended: 'When it had ended',
} satisfies Record<Occasion, string>;
const FILES: Record<string, string> = {
  'heap.pb.gz': 'heap profile',
  'suspect.json': 'suspect',
  'series.json': 'series',
  'mappings.txt': 'mappings',
  'metrics.txt': 'measurements',
  'smaps.txt': 'address space',
  'heap_growth.pb.gz': 'heap growth',
  'oom_kill.json': 'OOM kill',
};

export function captureWords({ occasion, at }: Capture, now: number): string {
  return `${OCCASIONS[occasion] ?? visibleName(occasion)}, ${formatMoment(at, now)}`;
}

/** What was captured of the subject, the newest first, as files to download. */
export function createCaptures() {
  const list = h('ol', { class: 'history' });
  const section = panel('captures-title', 'Evidence', list);
  section.classList.add('captures');
  const fileLink = (id: string, file: string) =>
    h('a', { href: evidenceUrl(id, file), download: true }, FILES[file] ?? visibleName(file));
  return {
    element: section,
    set(captures: readonly Capture[], now: number) {
      section.hidden = captures.length === 0;
      setChildren(list, JSON.stringify([captures, Math.floor(now / 60)]), () =>
        captures.map((capture) => {
          const links = capture.files.map((file) => fileLink(capture.id, file));
          const archive = h('a', { href: archiveUrl(capture.id), download: true }, 'all (.tar.gz)');
          return h('li', {}, h('span', {}, `${captureWords(capture, now)}:`), links, archive);
        }),
      );
    },
  };
}

const CAUSES: Record<string, string> = {
  live_growth: 'memory that the program holds',
  allocator_retention: 'memory that its allocator keeps free',
  file_cache: 'page cache of files',
  shared_memory: 'shared memory',
  thread_stacks: 'stacks of threads',
  unattributed: 'not attributed',
} satisfies Record<keyof Cause, string>;

/** What the growth is made of. */
export function createCauses() {
  const body = h('tbody');
  const section = panel('cause-title', 'What grows', h('table', { class: 'plain causes' }, body));
  return {
    element: section,
    set(cause: Cause) {
      const shares = Object.entries(cause).flatMap(([name, share]) => (share === null ? [] : [[name, share] as const]));
      section.hidden = shares.length === 0;
      setChildren(body, JSON.stringify(shares), () =>
        shares
          .filter(([, share]) => share >= 0.005)
          .sort(([, a], [, b]) => b - a)
          .map(([name, share]) => {
            const meter = createMeter(CAUSES[name] ?? name);
            meter.setShare(share, `${formatPercent(share)} of the growth`);
            return h(
              'tr',
              {},
              h('th', { scope: 'row' }, CAUSES[name] ?? name),
              h('td', { class: 'share-meter' }, meter.element),
              h('td', { class: 'number' }, formatPercent(share)),
            );
          }),
      );
    },
  };
}

function rateWords(bytesPerSecond: number): string {
  return formatGrowth({ estimate: bytesPerSecond, low: null, high: null }, 'bytes')?.value ?? UNKNOWN;
}

function structureRow({ name, phase, growth_bytes_per_second: rate, share }: Structure): Child {
  return h(
    'tr',
    {},
    h(
      'th',
      { scope: 'row' },
      nameElement(name),
      phase !== null && h('span', { class: 'below' }, `phase ${visibleName(phase)}`),
    ),
    h('td', { class: 'number' }, rateWords(rate)),
    h('td', { class: 'number' }, formatPercent(share)),
  );
}

/** "cache.cpp:88", without the folders before it; the whole is the title. */
function placeOf({ file, line, location }: Site): Child {
  if (file === null) return location !== null && h('span', { class: 'below' }, nameElement(location));
  const whole = line === null ? file : `${file}:${line}`;
  return h(
    'span',
    { class: 'below' },
    nameElement(whole.slice(whole.lastIndexOf('/') + 1), { title: visibleName(whole) }),
  );
}

function siteName(site: Site): HTMLElement {
  if (site.function === null) return nameElement(`site ${site.site}`);
  return nameElement(shortName(site.function), { title: visibleName(site.function) });
}

function siteRow(site: Site): Child {
  const within = [
    site.structure && `in ${visibleName(site.structure)}`,
    site.phase && `phase ${visibleName(site.phase)}`,
    site.container && visibleName(site.container),
  ].filter((part) => part);
  const filled = within.length > 0 && h('span', { class: 'below' }, within.join(', '));
  return h(
    'tr',
    {},
    h('th', { scope: 'row' }, siteName(site), placeOf(site), filled),
    h('td', { class: 'number' }, rateWords(site.growth_bytes_per_second.estimate)),
    h('td', { class: 'number' }, formatPercent(site.share)),
  );
}

function headOf(...labels: string[]): HTMLElement {
  const isNumber = (label: string) => label === 'Grows' || label === 'Share';
  const heads = labels.map((label) => h('th', { scope: 'col', class: isNumber(label) ? 'number' : null }, label));
  return h('thead', {}, h('tr', {}, heads));
}

/** Which structures of the program, and which places that allocate, grow. */
export function createGrowers() {
  const structures = h('tbody');
  const sites = h('tbody');
  const structurePanel = panel(
    'structures-title',
    'Structures that grow',
    h('table', { class: 'plain' }, headOf('Structure', 'Grows', 'Share'), structures),
  );
  const sitePanel = panel(
    'sites-title',
    'Allocation sites that grow',
    h('table', { class: 'plain sites' }, headOf('Function', 'Grows', 'Share'), sites),
  );
  return {
    elements: [structurePanel, sitePanel],
    set(suspect: Suspect | null) {
      const growing = suspect?.structures ?? [];
      const places = (suspect?.sites ?? []).slice(0, SITES_LISTED_AT_MOST);
      structurePanel.hidden = growing.length === 0;
      sitePanel.hidden = places.length === 0;
      setChildren(structures, JSON.stringify(growing), () => growing.map(structureRow));
      setChildren(sites, JSON.stringify(places), () => places.map(siteRow));
    },
  };
}

export function createFloorTable() {
  const body = h('tbody');
  const heads = ['Time', 'Floor'].map((label) => h('th', { scope: 'col' }, label));
  const table = h('table', { class: 'plain' }, h('thead', {}, h('tr', {}, heads)), body);
  const element = h('details', { class: 'floor-table' }, h('summary', {}, 'Floors as a table'), table);
  return {
    element,
    set(floors: readonly TimeValue[], unit: Unit, now: number) {
      element.hidden = floors.length === 0;
      const shown = floors.slice(-FLOORS_LISTED_AT_MOST).reverse();
      setChildren(body, JSON.stringify(shown), () =>
        shown.map(([time, value]) =>
          h('tr', {}, h('td', {}, formatMoment(time, now)), h('td', {}, formatAmount(value, unit))),
        ),
      );
    },
  };
}
