// Style sheets that a script brings in; esbuild makes app.css of them.
declare module '*.css';

// What the page uses of two packages that bring no types.
declare module 'd3-selection' {
  export interface Selection<Datum> {
    datum(): Datum;
    datum(value: unknown): Selection<Datum>;
    call(action: (selection: Selection<Datum>) => unknown): Selection<Datum>;
  }
  export function select<Datum>(element: Element): Selection<Datum>;
}

declare module 'd3-flame-graph' {
  import type { Selection } from 'd3-selection';

  /** A frame laid out: d3-hierarchy's node. */
  export interface Laid<Data> {
    id: number;
    data: Data;
    depth: number;
    value: number;
    highlight?: boolean;
    parent: Laid<Data> | null;
    children?: Laid<Data>[];
  }

  export interface FlameGraph<Data> {
    (selection: Selection<unknown>): void;
    width(pixels: number): this;
    cellHeight(pixels: number): this;
    minFrameSize(pixels: number): this;
    transitionDuration(milliseconds: number): this;
    inverted(isInverted: boolean): this;
    sort(order: (a: Laid<Data>, b: Laid<Data>) => number): this;
    selfValue(isSelf: boolean): this;
    resetHeightOnZoom(resets: boolean): this;
    label(words: (frame: Laid<Data>) => string): this;
    setColorMapper(colour: (frame: Laid<Data>, original: string) => string): this;
    setSearchMatch(matches: (frame: Laid<Data>, term: string) => boolean): this;
    setSearchHandler(hear: (found: Laid<Data>[], sum: number, total: number) => void): this;
    onClick(hear: (frame: Laid<Data>) => void): this;
    onHover(hear: (frame: Laid<Data>) => void): this;
    search(term: string): void;
    clear(): void;
    update(data?: Data): this;
    zoomTo(frame: Laid<Data>): void;
    resetZoom(): void;
    destroy(): this;
  }

  export default function flamegraph<Data>(): FlameGraph<Data>;
}
