// The flame graph: d3-flame-graph lays the frames out and zooms; colours are classes of the stylesheet, and the keyboard
// goes from frame to frame.

import flamegraph, { type FlameGraph, type Laid } from 'd3-flame-graph';
import { select } from 'd3-selection';

import { h, setChildren, setText } from '../dom';
import { changeWords, formatBytes, formatPercent, nameElement, plural } from '../format';
import type { Frame, ProfileTree } from './profile';

const CELL_PIXELS = 20;
const LEAST_FRAME_PIXELS = 2;
const COLOURS = 6; // .flame-1 … of the stylesheet; .flame-0 is for what has no name
const SHADES = 4; // .flame-grew-1 …

export type ColourBy = 'structures' | 'phases';

/** The names that have a colour of their own, the largest first. */
function largestNames(root: Frame, by: ColourBy): string[] {
  return [...root[by]]
    .sort(([, a], [, b]) => b - a)
    .slice(0, COLOURS)
    .map(([name]) => name);
}

/** The name that most of the frame's bytes have, where it is most of them. */
function mainName(frame: Frame, by: ColourBy): string | null {
  const [largest] = [...frame[by]].sort(([, a], [, b]) => b - a);
  return largest && largest[1] * 2 > frame.now + frame.base ? largest[0] : null;
}

function shadeOf({ now, base, value }: Frame): string {
  const change = value > 0 ? (now - base) / value : 0;
  if (Math.abs(change) < 0.02) return 'flame-same';
  const shade = Math.min(SHADES, Math.ceil(Math.abs(change) * SHADES));
  return `flame-${change > 0 ? 'grew' : 'shrank'}-${shade}`;
}

export interface FlameView {
  element: HTMLElement;
  show(tree: ProfileTree, by: ColourBy): void;
  search(words: string): void;
  reset(): void;
  destroy(): void;
}

class FlameChart implements FlameView {
  readonly element: HTMLElement;
  private readonly stage = h('div', { class: 'flame-stage' });
  private readonly details = h('p', { class: 'flame-details', 'aria-live': 'polite' });
  private readonly found = h('p', { class: 'muted', role: 'status' });
  private readonly legend = h('ul', { class: 'legend' });
  private readonly resized = new ResizeObserver(() => this.layOut());
  private chart: FlameGraph<Frame> | null = null;
  private tree: ProfileTree | null = null;
  private by: ColourBy = 'structures';
  private names: string[] = [];
  private frames = new Map<number, SVGGElement>();
  private width = 0;

  constructor() {
    this.element = h('div', { class: 'flame' }, this.details, this.stage, this.found, this.legend);
    this.resized.observe(this.stage);
    this.stage.addEventListener('keydown', (event) => this.onKey(event));
    this.stage.addEventListener('focusin', (event) => {
      if (event.target instanceof SVGGElement) this.describe(this.laidAt(event.target));
    });
  }

  show(tree: ProfileTree, by: ColourBy): void {
    this.tree = tree;
    this.by = by;
    this.names = tree.isDifference ? [] : largestNames(tree.root, by);
    this.chart?.destroy();
    this.chart = null;
    this.width = 0;
    setText(this.found, '');
    this.showLegend();
    this.describe(null);
    this.layOut();
  }

  search(words: string): void {
    if (!this.chart) return;
    if (words === '') {
      this.chart.clear();
      setText(this.found, '');
    } else {
      this.chart.search(words);
    }
    this.decorate();
  }

  reset(): void {
    this.chart?.resetZoom();
    this.decorate();
  }

  destroy(): void {
    this.resized.disconnect();
    this.chart?.destroy();
  }

  private layOut(): void {
    const width = Math.floor(this.stage.clientWidth);
    if (!this.tree || width < 100 || width === this.width) return;
    this.width = width;
    if (this.chart) {
      this.chart.width(width).update();
    } else {
      this.chart = this.makeChart(width);
      this.chart(select<Frame>(this.stage).datum(this.tree.root));
      const drawing = this.stage.querySelector('svg');
      drawing?.setAttribute('role', 'tree');
      drawing?.setAttribute('aria-label', 'Flame graph: arrow keys move between frames, Enter zooms, Escape shows all');
    }
    this.decorate();
  }

  private makeChart(width: number): FlameGraph<Frame> {
    return flamegraph<Frame>()
      .width(width)
      .cellHeight(CELL_PIXELS)
      .minFrameSize(LEAST_FRAME_PIXELS)
      .transitionDuration(0)
      .inverted(true)
      .resetHeightOnZoom(true)
      .sort((a, b) => b.data.value - a.data.value)
      .label((laid) => this.words(laid))
      .setSearchMatch(({ data }, words) => data.name.toLowerCase().includes(words.toLowerCase()))
      .setSearchHandler((found, sum, total) => {
        const share = total > 0 ? `, ${formatPercent(sum / total)} of the bytes` : '';
        setText(
          this.found,
          found.length === 0 ? 'No frame has that name.' : `${plural(found.length, 'frame', 'frames')}${share}`,
        );
      })
      .onClick(() => this.decorate())
      .onHover((laid) => this.describe(laid));
  }

  /** Classes, roles and names of the frames that are drawn: the library writes them anew whenever it draws. */
  private decorate(): void {
    this.frames = new Map();
    const [first] = this.stage.querySelectorAll<SVGGElement>('g.frame[tabindex="0"]');
    for (const node of this.stage.querySelectorAll<SVGGElement>('g.frame')) {
      const laid = this.laidAt(node);
      this.frames.set(laid.id, node);
      node.classList.add(this.colourOf(laid.data));
      node.classList.toggle('flame-hit', laid.highlight === true);
      node.setAttribute('role', 'treeitem');
      node.setAttribute('aria-level', String(laid.depth + 1));
      node.setAttribute('aria-label', this.words(laid));
      node.setAttribute('tabindex', '-1');
    }
    const entry = first?.isConnected ? first : this.frames.get(0);
    entry?.setAttribute('tabindex', '0');
  }

  private laidAt(node: SVGGElement): Laid<Frame> {
    return select<Laid<Frame>>(node).datum();
  }

  private colourOf(frame: Frame): string {
    if (this.tree?.isDifference) return shadeOf(frame);
    const name = mainName(frame, this.by);
    return `flame-${name === null ? 0 : this.names.indexOf(name) + 1}`;
  }

  private words({ data }: Laid<Frame>, name = data.n): string {
    const total = this.tree?.root.now ?? 0;
    const parts = [name, `${formatBytes(data.now)} in use`];
    if (total > 0) parts.push(`${formatPercent(data.now / total)} of all`);
    if (this.tree?.isDifference) parts.push(changeWords(data.now - data.base));
    const structure = mainName(data, 'structures');
    const phase = mainName(data, 'phases');
    if (structure !== null) parts.push(`in ${structure}`);
    if (phase !== null) parts.push(`phase ${phase}`);
    return parts.join(', ');
  }

  private describe(laid: Laid<Frame> | null): void {
    setText(
      this.details,
      laid ? this.words(laid, laid.data.name) : 'Point at a frame, or go to one with the arrow keys.',
    );
  }

  private showLegend(): void {
    const key = (name: string) => h('span', { class: `flame-key ${name}`, 'aria-hidden': 'true' });
    const shades: [string, string][] = [
      ['flame-grew-4', 'all of it is new'],
      ['flame-grew-2', 'half of it is new'],
      ['flame-same', 'as before'],
      ['flame-shrank-2', 'half of it is gone'],
      ['flame-shrank-4', 'gone'],
    ];
    setChildren(this.legend, JSON.stringify([this.tree?.isDifference, this.names]), () => {
      if (this.tree?.isDifference) return shades.map(([name, words]) => h('li', {}, key(name), words));
      const named = this.names.map((name, index) => h('li', {}, key(`flame-${index + 1}`), nameElement(name)));
      return named.length > 0 ? [...named, h('li', {}, key('flame-0'), 'none, or several')] : [];
    });
  }

  private onKey(event: KeyboardEvent): void {
    if (!(event.target instanceof SVGGElement)) return;
    const laid = this.laidAt(event.target);
    const drawn = (of: Laid<Frame> | undefined | null) => (of && this.frames.has(of.id) ? of : undefined);
    const siblings = (laid.parent?.children ?? [laid]).filter((sibling) => drawn(sibling));
    const place = siblings.indexOf(laid);
    const targets: Record<string, () => Laid<Frame> | undefined> = {
      ArrowDown: () => laid.children?.find((child) => drawn(child)),
      ArrowUp: () => drawn(laid.parent),
      ArrowLeft: () => siblings[place - 1],
      ArrowRight: () => siblings[place + 1],
      Home: () => drawn(this.rootOf(laid)),
      End: () => siblings.at(-1),
    };
    const find = targets[event.key];
    if (find) this.focus(find());
    else if (event.key === 'Enter' || event.key === ' ') this.zoom(laid);
    else if (event.key === 'Escape') this.zoom(this.rootOf(laid));
    else return;
    event.preventDefault();
  }

  private rootOf(laid: Laid<Frame>): Laid<Frame> {
    let root = laid;
    while (root.parent) root = root.parent;
    return root;
  }

  private zoom(laid: Laid<Frame>): void {
    this.chart?.zoomTo(laid);
    this.decorate();
    this.focus(laid);
  }

  private focus(laid: Laid<Frame> | undefined): void {
    const node = laid && this.frames.get(laid.id);
    if (!node) return;
    for (const other of this.frames.values()) other.setAttribute('tabindex', '-1');
    node.setAttribute('tabindex', '0');
    node.focus();
  }
}

export function createFlameGraph(): FlameView {
  return new FlameChart();
}
