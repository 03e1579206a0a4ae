// The host: where its memory is, whether tasks wait for it, and whom the OOM killer took.

import { fetchMetrics, fetchOoms } from '../api';
import { type Child, h, pageHeading, setChildren, setText } from '../dom';
import { formatBytes, formatCount, formatDuration, formatPercent, UNKNOWN } from '../format';
import { findSample, parseMetrics, type Sample } from '../metrics';
import { createFigure, createMeter, panel, refusal } from './parts';
import { createVictims } from './victims';
import type { View } from './view';

const PREFIX = 'heapfloor_host_';
const COMPONENTS: Record<string, string> = {
  anon: 'anonymous memory of programs',
  file_cache: 'page cache of files',
  shmem: 'shared memory and tmpfs',
  buffers: 'buffers of block devices',
  slab_reclaimable: 'kernel objects, reclaimable',
  slab_unreclaimable: 'kernel objects, not reclaimable',
  page_tables: 'page tables',
  kernel_stack: 'stacks of the kernel',
  percpu: 'per-CPU areas of the kernel',
  free: 'free',
};

type Value = (name: string) => number | null;

interface Rates {
  share(counter: string, seconds: number | null, now: number): number | null;
}

/** Counters of seconds become shares of the time between two answers. */
function createRates(): Rates {
  const known = new Map<string, { at: number; seconds: number; share: number | null }>();
  return {
    share(counter, seconds, now) {
      if (seconds === null) return null;
      const before = known.get(counter);
      if (before && now - before.at < 0.5) return before.share;
      const share =
        before && seconds >= before.seconds ? Math.min(1, (seconds - before.seconds) / (now - before.at)) : null;
      known.set(counter, { at: now, seconds, share });
      return share;
    },
  };
}

function componentRows(samples: readonly Sample[], capacity: number | null): Child {
  const parts = samples
    .filter(({ name }) => name === `${PREFIX}memory_component_bytes`)
    .map(({ labels, value }) => [labels.component ?? '', value] as const)
    .sort(([a, x], [b, y]) => Number(a === 'free') - Number(b === 'free') || y - x);
  return parts.map(([component, bytes]) => {
    const meter = createMeter(COMPONENTS[component] ?? component);
    const share = capacity ? bytes / capacity : 0;
    meter.setShare(share, `${formatPercent(share)} of the host's memory`);
    return h(
      'tr',
      {},
      h('th', { scope: 'row' }, COMPONENTS[component] ?? component),
      h('td', { class: 'share-meter' }, meter.element),
      h('td', { class: 'number' }, formatPercent(share)),
      h('td', { class: 'number' }, formatBytes(bytes)),
    );
  });
}

function createFigures() {
  const rates = createRates();
  const figures = {
    available: createFigure('Available'),
    swap: createFigure('Swap in use'),
    committed: createFigure('Committed'),
    waiting: createFigure('Some tasks wait for memory'),
    stalled: createFigure('All tasks wait for memory'),
    kills: createFigure('OOM kills since boot'),
  };
  const shareOfTime = (share: number | null) => (share === null ? UNKNOWN : formatPercent(share));
  return {
    element: h(
      'dl',
      { class: 'figures figures-wide' },
      Object.values(figures).map(({ element }) => element),
    ),
    set(value: Value, now: number) {
      figures.available.set(
        formatBytes(value('memory_available_bytes')),
        `of ${formatBytes(value('memory_capacity_bytes'))}`,
      );
      const capacity = value('swap_capacity_bytes');
      const free = value('swap_free_bytes');
      if (capacity === 0) figures.swap.set('none', 'this host has no swap');
      else
        figures.swap.set(
          formatBytes(capacity !== null && free !== null ? capacity - free : null),
          `of ${formatBytes(capacity)}`,
        );
      figures.committed.set(formatBytes(value('committed_bytes')), `limit ${formatBytes(value('commit_limit_bytes'))}`);
      const waiting = value('memory_pressure_waiting_seconds_total');
      const stalled = value('memory_pressure_stalled_seconds_total');
      const since = (seconds: number | null) =>
        seconds === null ? 'not told by this kernel' : `${formatDuration(seconds)} since boot`;
      figures.waiting.set(shareOfTime(rates.share('waiting', waiting, now)), since(waiting));
      figures.stalled.set(shareOfTime(rates.share('stalled', stalled, now)), since(stalled));
      figures.kills.set(formatCount(value('oom_kills_total')), '');
    },
  };
}

export function createHostView(): View {
  const figures = createFigures();
  const body = h('tbody');
  const head = h(
    'tr',
    {},
    h('th', { scope: 'col' }, 'Kind'),
    h('td', {}),
    h('th', { scope: 'col', class: 'number' }, 'Share'),
    h('th', { scope: 'col', class: 'number' }, 'Size'),
  );
  const components = panel(
    'components-title',
    'Where the memory is',
    h('table', { class: 'plain components' }, h('thead', {}, head), body),
  );
  const empty = h(
    'p',
    { class: 'empty', hidden: true },
    'The host is not read: the collector is off (--collector.host), or has not run yet.',
  );
  const victims = createVictims();
  const noVictims = h('p', { class: 'muted' });
  const problem = h('div');
  return {
    element: h(
      'div',
      { class: 'page' },
      pageHeading('Host'),
      problem,
      figures.element,
      empty,
      components,
      victims.element,
      noVictims,
    ),
    title: 'Host',
    async ask(signal) {
      const [text, ooms] = await Promise.all([fetchMetrics('host', signal), fetchOoms(signal)]);
      const samples = parseMetrics(text);
      const value: Value = (name) => findSample(samples, PREFIX + name);
      return ({ now }) => {
        problem.replaceChildren();
        const isRead = samples.some(({ name }) => name.startsWith(PREFIX));
        figures.element.hidden = !isRead;
        components.hidden = !isRead;
        empty.hidden = isRead;
        figures.set(value, now);
        setChildren(body, JSON.stringify(samples), () => componentRows(samples, value('memory_capacity_bytes')));
        victims.set(ooms, now);
        noVictims.hidden = ooms.victims.length + ooms.workloads.length > 0;
        setText(
          noVictims,
          ooms.kernel_log_readable === false
            ? 'No OOM kill is known. The kernel\u2019s log may not be read, so victims would not be named.'
            : 'No OOM kill is known.',
        );
      };
    },
    fail(error) {
      problem.replaceChildren(refusal(error));
    },
  };
}
