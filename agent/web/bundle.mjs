// bundle.mjs MODULES SOURCE RUNBOOKS OUTPUT: the page's files, as the agent serves them.
//
// MODULES holds the node_modules folder of package-lock.json; RUNBOOKS one Markdown file an alert. OUTPUT is made anew:
// index.html, app.js, app.css, icons, runbooks/NAME.html, and licenses.txt with the licence of each package whose code is
// in the bundle. OUTPUT.packed holds the same, packed by gzip, as FILE.gz.

import { copyFile, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import path from 'node:path';
import { gzipSync } from 'node:zlib';

const [modules, source, runbooks, output] = process.argv.slice(2).map((argument) => path.resolve(argument));
const packages = path.join(modules, 'node_modules');
const load = createRequire(path.join(modules, 'package.json'));
const { build } = load('esbuild');
const { Marked } = load('marked');

/** The packages that bytes of the output come from, sorted. */
function bundledPackages(metafile) {
  const names = new Set();
  for (const { inputs } of Object.values(metafile.outputs)) {
    for (const [input, { bytesInOutput }] of Object.entries(inputs)) {
      const [, behind] = input.split('node_modules/');
      if (!behind || bytesInOutput === 0) continue;
      const parts = behind.split('/');
      names.add(behind.startsWith('@') ? parts.slice(0, 2).join('/') : parts[0]);
    }
  }
  return [...names].sort();
}

async function licenceOf(name) {
  const folder = path.join(packages, name);
  const { version, license, homepage } = JSON.parse(await readFile(path.join(folder, 'package.json'), 'utf8'));
  const files = (await readdir(folder)).filter((file) => /^(licen[cs]e|notice)(\.(md|txt))?$/i.test(file)).sort();
  if (files.length === 0) throw new Error(`${name} has no licence file`);
  const texts = await Promise.all(files.map((file) => readFile(path.join(folder, file), 'utf8')));
  return [`${name} ${version} (${license})`, homepage ?? '', '', ...texts.map((text) => text.trim()), ''].join('\n');
}

/** Runbooks link to one another; of what else lies beside them in the repository the agent has no page. */
function linkWithin({ href, tokens }) {
  const words = this.parser.parseInline(tokens);
  if (/^https?:/.test(href)) return `<a href="${href}">${words}</a>`;
  const name = /^(\w+)\.(?:md|html)$/.exec(href)?.[1];
  return name ? `<a href="${name}.html">${words}</a>` : words;
}

/** Plain pages, which need no script: whoever reads one has been woken by it. The overview is README.html. */
async function writeRunbooks() {
  const template = await readFile(path.join(source, 'runbook.html'), 'utf8');
  const names = (await readdir(runbooks))
    .filter((file) => file.endsWith('.md'))
    .map((file) => path.basename(file, '.md'));
  const pages = names.filter((name) => name !== 'README').sort();
  const list = pages.map((name) => `- [${name}](${name}.html)`).join('\n');
  const markdown = new Marked({ async: false, renderer: { link: linkWithin } });
  await mkdir(path.join(output, 'runbooks'));
  for (const name of names) {
    const text = await readFile(path.join(runbooks, `${name}.md`), 'utf8');
    const body = markdown.parse(name === 'README' ? `${text}\n\n${list}\n` : text);
    const html = template.replace('{{title}}', () => name).replace('{{body}}', () => body);
    await writeFile(path.join(output, 'runbooks', `${name}.html`), html);
  }
}

const packed = `${output}.packed`;
for (const folder of [output, packed]) {
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
}

/** The flame graph's own look is not wanted: the page's style sheet has another, and a part that is loaded late has none. */
const withoutStyle = {
  name: 'without-style',
  setup({ onLoad }) {
    onLoad({ filter: /d3-flamegraph\.css$/ }, () => ({ contents: '', loader: 'empty' }));
  },
};

const { metafile } = await build({
  entryPoints: { app: path.join(source, 'app.ts') },
  outdir: output,
  bundle: true,
  splitting: true, // what only some readers need is a file of its own
  chunkNames: '[name]-[hash]',
  plugins: [withoutStyle],
  minify: true,
  format: 'esm',
  target: ['es2022', 'chrome116', 'firefox124', 'safari17.4'],
  charset: 'utf8',
  legalComments: 'none',
  nodePaths: [packages],
  metafile: true,
  logLevel: 'warning',
});
for (const file of ['index.html', 'favicon.svg']) await copyFile(path.join(source, file), path.join(output, file));
const licences = await Promise.all(bundledPackages(metafile).map(licenceOf));
await writeFile(
  path.join(output, 'licenses.txt'),
  `The page of heapfloor contains code of these packages.\n\n${licences.join(`\n${'-'.repeat(80)}\n\n`)}`,
);
await writeRunbooks();
for (const entry of await readdir(output, { recursive: true, withFileTypes: true })) {
  if (!entry.isFile()) continue;
  const file = path.relative(output, path.join(entry.parentPath ?? entry.path, entry.name));
  await mkdir(path.dirname(path.join(packed, file)), { recursive: true });
  await writeFile(path.join(packed, `${file}.gz`), gzipSync(await readFile(path.join(output, file)), { level: 9 }));
}
