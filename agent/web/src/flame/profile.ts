// Heap profiles (pprof files) as trees of frames. What is in them was written by programs: sizes are bounded, names are
// made visible.

import { Profile } from 'pprof-format';

import { visibleName } from '../format';
import { shortName } from './short_name';

const UNPACKED_BYTES_AT_MOST = 32 * 1024 * 1024;
const DEPTH_AT_MOST = 200;
const FRAMES_AT_MOST = 4000;

/** One function on one path; amounts in bytes, `base` those of the profile that it is compared with. */
export interface Frame {
  name: string;
  n: string; // the name as it is drawn
  place: string; // file of the function; empty where it is not known
  now: number;
  base: number;
  value: number; // the width: the larger of both, so that what is gone is seen too
  structures: ReadonlyMap<string, number>;
  phases: ReadonlyMap<string, number>;
  children: Frame[];
}

/** One function over all paths: bytes of its own allocations, and of all that it has called. */
export interface FunctionTotal {
  name: string;
  place: string;
  self: number;
  selfBase: number;
  total: number;
  totalBase: number;
}

export interface ProfileTree {
  root: Frame;
  functions: FunctionTotal[]; // the largest own allocations first, then the largest of what they call; of a difference by change
  isDifference: boolean;
}

/** One allocating path: the outermost function first. */
interface Stack {
  names: string[];
  places: string[];
  bytes: number;
  structure: string;
  phase: string;
}

async function unpacked(bytes: Uint8Array<ArrayBuffer>): Promise<Uint8Array<ArrayBuffer>> {
  if (bytes[0] !== 0x1f || bytes[1] !== 0x8b) return bytes;
  const reader = new Blob([bytes]).stream().pipeThrough(new DecompressionStream('gzip')).getReader();
  const chunks: Uint8Array<ArrayBuffer>[] = [];
  let size = 0;
  for (let part = await reader.read(); !part.done; part = await reader.read()) {
    size += part.value.byteLength;
    if (size > UNPACKED_BYTES_AT_MOST) {
      await reader.cancel();
      throw new Error('the profile is too large to be shown here');
    }
    chunks.push(part.value);
  }
  return new Uint8Array(await new Blob(chunks).arrayBuffer());
}

/** Frames that the profile itself says are of no interest, with what they call: the allocator's. */
function dropper(pattern: string): (name: string) => boolean {
  if (pattern === '') return () => false;
  try {
    const expression = new RegExp(`^(?:${pattern})$`);
    return (name) => expression.test(name);
  } catch {
    return () => false;
  }
}

interface Named {
  name: string;
  place: string;
}

/** The functions of each location, the outermost first: what was inlined stands behind what it was inlined in. */
function locationNames(profile: Profile, text: (index: number | bigint) => string): Map<number, Named[]> {
  const functions = new Map<number, Named>();
  for (const { id, name, filename } of profile.function) {
    functions.set(Number(id), { name: visibleName(text(name)), place: visibleName(text(filename) || '') });
  }
  const names = new Map<number, Named[]>();
  for (const { id, line, address } of profile.location) {
    const own = line.map(({ functionId }) => functions.get(Number(functionId))).filter((named) => named !== undefined);
    const unknown = { name: `0x${BigInt(address).toString(16)}`, place: '' };
    names.set(Number(id), own.length > 0 ? own.reverse() : [unknown]);
  }
  return names;
}

function stacksOf(profile: Profile): Stack[] {
  const text = (index: number | bigint) => profile.stringTable.strings[Number(index)] ?? '';
  const column = profile.sampleType.findIndex(({ type }) => text(type) === 'inuse_space');
  if (column < 0) throw new Error('the profile does not tell how much memory is in use');
  const names = locationNames(profile, text);
  const isDropped = dropper(text(profile.dropFrames));
  return profile.sample.map(({ locationId, value, label }) => {
    const path = locationId.toReversed().flatMap((id) => names.get(Number(id)) ?? []);
    const end = path.findIndex(({ name }) => isDropped(name));
    const kept = (end > 0 ? path.slice(0, end) : path).slice(0, DEPTH_AT_MOST);
    const labelled = (key: string) => {
      const found = label.find((entry) => text(entry.key) === key);
      return found ? visibleName(text(found.str)) : '';
    };
    return {
      names: kept.map(({ name }) => name),
      places: kept.map(({ place }) => (place === '(no name)' ? '' : place)),
      bytes: Number(value[column] ?? 0),
      structure: labelled('structure'),
      phase: labelled('phase'),
    };
  });
}

/** What a file says of memory in use. */
export async function readStacks(bytes: Uint8Array<ArrayBuffer>): Promise<Stack[]> {
  return stacksOf(Profile.decode(await unpacked(bytes)));
}

interface Growing {
  name: string;
  place: string;
  now: number;
  base: number;
  selfNow: number;
  selfBase: number;
  structures: Map<string, number>;
  phases: Map<string, number>;
  children: Map<string, Growing>;
}

function growing(name: string, place: string): Growing {
  return {
    name,
    place,
    now: 0,
    base: 0,
    selfNow: 0,
    selfBase: 0,
    structures: new Map(),
    phases: new Map(),
    children: new Map(),
  };
}

function count(map: Map<string, number>, key: string, bytes: number): void {
  if (key !== '') map.set(key, (map.get(key) ?? 0) + bytes);
}

function addStack(root: Growing, stack: Stack, isBase: boolean): void {
  const { bytes } = stack;
  let frame = root;
  const visit = () => {
    if (isBase) frame.base += bytes;
    else frame.now += bytes;
    count(frame.structures, stack.structure, bytes);
    count(frame.phases, stack.phase, bytes);
  };
  visit();
  stack.names.forEach((name, depth) => {
    let child = frame.children.get(name);
    if (!child) {
      child = growing(name, stack.places[depth] ?? '');
      frame.children.set(name, child);
    }
    frame = child;
    visit();
  });
  if (isBase) frame.selfBase += bytes;
  else frame.selfNow += bytes;
}

function finished(from: Growing): Frame {
  const children = [...from.children.values()].map(finished).sort((a, b) => b.value - a.value);
  const own = Math.max(from.selfNow, from.selfBase);
  const value = children.reduce((sum, child) => sum + child.value, Math.max(0, own));
  const { name, place, now, base, structures, phases } = from;
  return { name, n: shortName(name), place, now, base, value, structures, phases, children };
}

/** Leaves out the narrowest frames until there are no more than can be drawn quickly. */
function pruned(root: Frame): Frame {
  const values: number[] = [];
  const collect = (frame: Frame) => {
    values.push(frame.value);
    frame.children.forEach(collect);
  };
  collect(root);
  if (values.length <= FRAMES_AT_MOST) return root;
  const least = values.sort((a, b) => b - a)[FRAMES_AT_MOST] ?? 0;
  const cut = (frame: Frame): Frame => ({
    ...frame,
    children: frame.children.filter(({ value }) => value > least).map(cut),
  });
  return cut(root);
}

function functionTotals(stacks: readonly Stack[], base: readonly Stack[]): FunctionTotal[] {
  const totals = new Map<string, FunctionTotal>();
  const at = (name: string, place: string) => {
    let total = totals.get(name);
    if (!total) {
      total = { name, place, self: 0, selfBase: 0, total: 0, totalBase: 0 };
      totals.set(name, total);
    }
    return total;
  };
  const add = (of: readonly Stack[], self: 'self' | 'selfBase', all: 'total' | 'totalBase') => {
    for (const { names, places, bytes } of of) {
      for (const name of new Set(names)) at(name, places[names.indexOf(name)] ?? '')[all] += bytes;
      const leaf = names.at(-1);
      if (leaf !== undefined) at(leaf, places.at(-1) ?? '')[self] += bytes;
    }
  };
  add(stacks, 'self', 'total');
  add(base, 'selfBase', 'totalBase');
  const hasBase = base.length > 0;
  const own = ({ self, selfBase }: FunctionTotal) => (hasBase ? Math.abs(self - selfBase) : self);
  const whole = ({ total, totalBase }: FunctionTotal) => (hasBase ? Math.abs(total - totalBase) : total);
  return [...totals.values()].sort((a, b) => own(b) - own(a) || whole(b) - whole(a));
}

/** `base` is what it is compared with; without one the tree is of what is in use. */
export function profileTree(stacks: readonly Stack[], base: readonly Stack[] | null): ProfileTree {
  const root = growing('all', '');
  for (const stack of stacks) addStack(root, stack, false);
  for (const stack of base ?? []) addStack(root, stack, true);
  return {
    root: pruned(finished(root)),
    functions: functionTotals(stacks, base ?? []),
    isDifference: base !== null,
  };
}
