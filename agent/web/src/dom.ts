// Building and updating the document. Text enters it only as text nodes and attributes, never as markup: names
// of processes are written by the processes.

import type { LeakState } from './api_types';

const SVG_NAMESPACE = 'http://www.w3.org/2000/svg';

export type Child = Node | string | number | null | undefined | false | Child[];
type Listener = (event: Event) => void;
export type Properties = Record<string, string | number | boolean | null | undefined | Listener>;

function apply(node: Element, properties: Properties): void {
  for (const [name, value] of Object.entries(properties)) {
    if (value === null || value === undefined || value === false) continue;
    if (typeof value === 'function') {
      node.addEventListener(name.slice(2), value);
    } else {
      node.setAttribute(name, value === true ? '' : String(value));
    }
  }
}

function append<T extends Element>(node: T, children: Child[]): T {
  for (const child of children) {
    if (child === null || child === undefined || child === false) continue;
    if (Array.isArray(child)) append(node, child);
    else node.append(child instanceof Node ? child : String(child));
  }
  return node;
}

/** An HTML element. Properties that are functions are listeners ("onclick"), all others attributes. */
export function h<T extends keyof HTMLElementTagNameMap>(
  tag: T,
  properties: Properties = {},
  ...children: Child[]
): HTMLElementTagNameMap[T] {
  const node = document.createElement(tag);
  apply(node, properties);
  return append(node, children);
}

/** The same for SVG. */
export function s<T extends keyof SVGElementTagNameMap>(
  tag: T,
  properties: Properties = {},
  ...children: Child[]
): SVGElementTagNameMap[T] {
  const node = document.createElementNS(SVG_NAMESPACE, tag);
  apply(node, properties);
  return append(node, children);
}

/** Sets the text only when it differs, so that live regions and selections are left in peace. */
export function setText(node: Element, text: string): void {
  if (node.textContent !== text) node.textContent = text;
}

const childrenKeys = new WeakMap<Element, string>();

/** Replaces the children only when `key` differs from the last call's. */
export function setChildren(node: Element, key: string, make: () => Child): void {
  if (childrenKeys.get(node) === key) return;
  childrenKeys.set(node, key);
  node.replaceChildren();
  append(node, [make()]);
}

export function setAttribute(node: Element, name: string, value: string | number | null | false): void {
  if (value === null || value === false) {
    node.removeAttribute(name);
  } else if (node.getAttribute(name) !== String(value)) {
    node.setAttribute(name, String(value));
  }
}

/** An element of a list with what brings it up to date. */
export interface Row<T> {
  element: Element;
  update(item: T): void;
}

const keyedRows = new WeakMap<Element, Map<string, Row<unknown>>>();

/**
 * Makes the children of `parent` match `items` and reuses the elements of equal keys, so that focus, scroll
 * position and text selection survive an update.
 */
export function keyed<T>(
  parent: Element,
  items: readonly T[],
  keyOf: (item: T) => string,
  create: (item: T) => Row<T>,
): void {
  const old = (keyedRows.get(parent) ?? new Map()) as Map<string, Row<T>>;
  const wanted = new Map(items.map((item) => [keyOf(item), item]));
  const focused = document.activeElement;
  for (const [key, row] of old) {
    if (!wanted.has(key)) row.element.remove();
  }
  const rows = new Map<string, Row<T>>();
  let cursor = parent.firstElementChild;
  for (const [key, item] of wanted) {
    const row = old.get(key) ?? create(item);
    row.update(item);
    rows.set(key, row);
    if (row.element === cursor) {
      cursor = cursor.nextElementSibling;
    } else {
      parent.insertBefore(row.element, cursor);
    }
  }
  keyedRows.set(parent, rows as Map<string, Row<unknown>>);
  if (focused instanceof HTMLElement && focused !== document.activeElement && focused.isConnected) {
    focused.focus({ preventScroll: true });
  }
}

/** A solid shape and lines on it, in a square of 16. */
const ICONS: Record<string, readonly [string, string]> = {
  leaking: ['M8 1.6 15 14H1Z', 'M8 6v4M8 11.6v.2'],
  suspected: ['M8 1 15 8 8 15 1 8Z', 'M8 5v3.6M8 10.4v.2'],
  recovering: ['M1 2.4h14L8 14.6Z', ''],
  learning: ['', 'M8 2a6 6 0 1 1-.01 0M8 5v3.2l2.2 1.4'],
  stable: ['M8 2a6 6 0 1 1-.01 0Z', 'M5.2 8.2 7.2 10.2 10.8 6.2'],
  passed: ['', 'M3 8.6 6.6 12 13 4.6'],
  failed: ['', 'M4 4l8 8M12 4l-8 8'],
  unknown: ['', 'M4 8h8'],
  search: ['', 'M7 2.5a4.5 4.5 0 1 1-.01 0M10.4 10.4 14 14'],
  build: ['M2 6 8 2l6 4v7l-6 1.6L2 13Z', ''],
};
const NO_ICON = ['', 'M4 8h8'] as const;

export function iconPaths(name: string): readonly [string, string] {
  return ICONS[name] ?? NO_ICON;
}

/** A small drawing whose shape, not only its colour, tells a state or an outcome. */
export function icon(name: string): SVGSVGElement {
  const [solid, line] = iconPaths(name);
  return s(
    'svg',
    { class: `icon icon-${name}`, viewBox: '0 0 16 16', 'aria-hidden': 'true', focusable: 'false' },
    solid !== '' && s('path', { class: 'icon-solid', d: solid }),
    line !== '' && s('path', { class: solid ? 'icon-cut' : 'icon-line', d: line }),
  );
}

const STATES = new Set<LeakState>(['leaking', 'suspected', 'recovering', 'learning', 'stable']);

/** The badge of a leak state: shape, word and colour. A subject without a state is not watched. */
export function stateBadge(state: LeakState | null | undefined): HTMLElement {
  const shown = state && STATES.has(state) ? state : null;
  return h(
    'span',
    { class: `badge badge-${shown ?? 'unwatched'}` },
    icon(shown ?? 'unknown'),
    h('span', {}, shown ?? 'not watched'),
  );
}

/** A heading that the router can focus when the page changes. */
export function pageHeading(text: string, properties: Properties = {}): HTMLHeadingElement {
  return h('h1', { tabindex: '-1', ...properties }, text);
}
