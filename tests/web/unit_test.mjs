// The page's pure functions, bundled as they are shipped. HEAPFLOOR_WEB_MODULES: see browser.mjs.

import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import path from 'node:path';
import test from 'node:test';

const modules = process.env.HEAPFLOOR_WEB_MODULES;
const source = path.resolve(path.dirname(new URL(import.meta.url).pathname), '../../agent/web/src');
const { build } = createRequire(path.join(modules, 'package.json'))('esbuild');

async function load(file) {
  const { outputFiles } = await build({
    entryPoints: [path.join(source, file)],
    bundle: true,
    write: false,
    format: 'esm',
    nodePaths: [path.join(modules, 'node_modules')],
  });
  return import(`data:text/javascript;base64,${Buffer.from(outputFiles[0].contents).toString('base64')}`);
}

test('template arguments are left out of the names of functions', async () => {
  const { shortName } = await load('flame/short_name.ts');
  const names = {
    'std::_Hashtable<unsigned long, std::pair<long const, User> >::_M_insert': 'std::_Hashtable<\u2026>::_M_insert',
    'operator<(A<B>, C)': 'operator<(A<\u2026>, C)',
    'ns::operator<< <char>(x)': 'ns::operator<< <\u2026>(x)',
    'A<B>::operator->()': 'A<\u2026>::operator->()',
    'call<lambda(int)->int>(x)': 'call<\u2026>(x)',
    'x > y': 'x > y',
    'open<never closed': 'open<never closed',
    main: 'main',
    '': '',
  };
  for (const [name, short] of Object.entries(names)) assert.equal(shortName(name), short);
});

test('samples of the text format are read, and nothing else', async () => {
  const { findSample, parseMetrics } = await load('metrics.ts');
  const samples = parseMetrics(
    '# HELP a_bytes what\n# TYPE a_bytes gauge\na_bytes 1.5e3\nb{name="x \\"y\\"\\n",kind="}"} 2 1700000000\nc NaN\nbroken{\n\n',
  );
  assert.deepEqual(samples, [
    { name: 'a_bytes', labels: {}, value: 1500 },
    { name: 'b', labels: { name: 'x "y"\n', kind: '}' }, value: 2 },
  ]);
  assert.equal(findSample(samples, 'a_bytes'), 1500);
  assert.equal(findSample(samples, 'none'), null);
});

function stack(names, bytes, structure = '', phase = '') {
  return { names, places: names.map(() => ''), bytes, structure, phase };
}

test('a difference is as wide as the larger of both, and knows what has gone', async () => {
  const { profileTree } = await load('flame/profile.ts');
  const now = [stack(['main', 'grow'], 300, 'cache', 'fill'), stack(['main', 'keep'], 50)];
  const before = [stack(['main', 'grow'], 100, 'cache', 'fill'), stack(['main', 'gone'], 80)];
  const { root, functions, isDifference } = profileTree(now, before);
  assert.ok(isDifference);
  assert.deepEqual([root.now, root.base, root.value], [350, 180, 300 + 50 + 80]);
  const [grow, gone, keep] = root.children[0].children;
  assert.deepEqual([grow.name, grow.now, grow.base, grow.value], ['grow', 300, 100, 300]);
  assert.deepEqual([gone.name, gone.now, gone.base, gone.value], ['gone', 0, 80, 80]);
  assert.equal(keep.name, 'keep');
  assert.equal(grow.structures.get('cache'), 400);
  assert.deepEqual(
    functions.map(({ name }) => name),
    ['grow', 'gone', 'keep', 'main'],
  );
  assert.equal(profileTree(now, null).root.value, 350);
});

test('a function that calls itself is counted once', async () => {
  const { profileTree } = await load('flame/profile.ts');
  const { functions } = profileTree([stack(['main', 'visit', 'visit'], 10)], null);
  assert.deepEqual(
    functions.map(({ name, self, total }) => [name, self, total]),
    [
      ['visit', 10, 10],
      ['main', 0, 10],
    ],
  );
});

test('a profile of very many stacks becomes a tree that can be drawn', async () => {
  const { profileTree } = await load('flame/profile.ts');
  const stacks = Array.from({ length: 20000 }, (_, index) => stack(['main', `site ${index}`], index + 1));
  const { root } = profileTree(stacks, null);
  assert.ok(root.children[0].children.length <= 4000);
  assert.equal(root.children[0].children[0].name, 'site 19999');
});

test('bytes that are no profile are refused', async () => {
  const { readStacks } = await load('flame/profile.ts');
  await assert.rejects(readStacks(new Uint8Array([0x1f, 0x8b, 8, 0, 1, 2, 3])));
  await assert.rejects(readStacks(new TextEncoder().encode('<html>not a profile</html>')));
  await assert.rejects(readStacks(new Uint8Array()), /in use/);
});
