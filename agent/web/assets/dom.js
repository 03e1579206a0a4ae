// Building and updating the document. Text enters it only as text nodes and attributes, never as markup: names
// of processes are written by the processes.

const SVG_NAMESPACE = 'http://www.w3.org/2000/svg';

function apply(node, properties) {
  for (const [name, value] of Object.entries(properties)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith('on')) {
      node.addEventListener(name.slice(2), value);
    } else {
      node.setAttribute(name, value === true ? '' : String(value));
    }
  }
}

function append(node, children) {
  for (const child of children.flat(Infinity)) {
    if (child === null || child === undefined || child === false) continue;
    node.append(child instanceof Node ? child : String(child));
  }
  return node;
}

/** An HTML element. Properties that begin with "on" are event listeners, all others attributes. */
export function h(tag, properties = {}, ...children) {
  const node = document.createElement(tag);
  apply(node, properties);
  return append(node, children);
}

/** The same for SVG. */
export function s(tag, properties = {}, ...children) {
  const node = document.createElementNS(SVG_NAMESPACE, tag);
  apply(node, properties);
  return append(node, children);
}

/** Sets the text only when it differs, so that live regions and selections are left in peace. */
export function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

/** Replaces the children only when `key` differs from the last call's. */
export function setChildren(node, key, make) {
  if (node.childrenKey === key) return;
  node.childrenKey = key;
  node.replaceChildren();
  append(node, [make()]);
}

export function setAttribute(node, name, value) {
  if (value === null || value === false) {
    node.removeAttribute(name);
  } else if (node.getAttribute(name) !== String(value)) {
    node.setAttribute(name, String(value));
  }
}

/**
 * Makes the children of `parent` match `items` and reuses the elements of equal keys, so that focus, scroll
 * position and text selection survive an update.
 * create(item) returns {element, update(item)}.
 */
export function keyed(parent, items, keyOf, create) {
  const old = parent.keyedRows ?? new Map();
  const wanted = new Map(items.map((item) => [keyOf(item), item]));
  const focused = document.activeElement;
  for (const [key, row] of old) {
    if (!wanted.has(key)) row.element.remove();
  }
  const rows = new Map();
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
  parent.keyedRows = rows;
  if (focused !== document.activeElement && focused?.isConnected) focused.focus({ preventScroll: true });
}

const ICONS = {
  leaking: ['M8 1.6 15 14H1Z', 'M8 6v4M8 11.6v.2'],
  suspected: ['M8 1 15 8 8 15 1 8Z', 'M8 5v3.6M8 10.4v.2'],
  recovering: ['M1 2.4h14L8 14.6Z', ''],
  learning: ['', 'M8 2a6 6 0 1 1-.01 0M8 5v3.2l2.2 1.4'],
  stable: ['M8 2a6 6 0 1 1-.01 0Z', 'M5.2 8.2 7.2 10.2 10.8 6.2'],
  passed: ['', 'M3 8.6 6.6 12 13 4.6'],
  failed: ['', 'M4 4l8 8M12 4l-8 8'],
  unknown: ['', 'M4 8h8'],
  search: ['', 'M7 2.5a4.5 4.5 0 1 1-.01 0M10.4 10.4 14 14'],
};

/** A small drawing whose shape, not only its colour, tells a state or an outcome. */
export function icon(name) {
  const [solid, line] = ICONS[name] ?? ICONS.unknown;
  return s('svg', { class: `icon icon-${name}`, viewBox: '0 0 16 16', 'aria-hidden': 'true', focusable: 'false' },
    solid && s('path', { class: 'icon-solid', d: solid }),
    line && s('path', { class: solid ? 'icon-cut' : 'icon-line', d: line }));
}

const STATES = new Set(['leaking', 'suspected', 'recovering', 'learning', 'stable']);

/** The badge of a leak state: shape, word and colour. A subject without a state is not watched. */
export function stateBadge(state) {
  const known = STATES.has(state);
  return h('span', { class: `badge badge-${known ? state : 'unwatched'}` },
    icon(known ? state : 'unknown'), h('span', {}, known ? state : 'not watched'));
}

/** A heading that the router can focus when the page changes. */
export function pageHeading(text, properties = {}) {
  return h('h1', { tabindex: '-1', ...properties }, text);
}
