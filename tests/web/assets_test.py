#!/usr/bin/env python3
"""assets_test.py SOURCE PAGE: rules that the page keeps, checked on its text.

SOURCE: no markup from strings, nothing inline that the content policy would refuse, no address outside or from the root.
PAGE, the bundle: every file that the document names is there, and all of it is small.
"""

import gzip
import pathlib
import re
import sys

MARKUP = re.compile(r'innerHTML|outerHTML|insertAdjacentHTML|document\.write|DOMParser|createContextualFragment|setHTMLUnsafe'
                    r'|\beval\s*\(|new Function|srcdoc|cssText')
STYLE_STRING = re.compile(r"setAttribute\(\s*['\"]style|[{,]\s*style:")
ADDRESS = re.compile(r"(?:https?:)?//[a-z0-9.-]+\.[a-z]{2,}", re.IGNORECASE)
NAMESPACES = {'http://www.w3.org'}
ROOTED = re.compile(r"(?:href|src)=\"/|url\(\s*['\"]?/|fetch\(\s*['\"]/|from '/")
INLINE = re.compile(r'<style|\sstyle=|\son[a-z]+=|<script(?![^>]*\ssrc=)', re.IGNORECASE)
ANCHOR = re.compile(r'<a [^>]*href="([^"]+)"')
LINK = re.compile(r'<(?:link|script)[^>]*\s(?:href|src)="([^"]+)"')
BYTES_AT_MOST = 300 * 1024
# What gzip makes of the scripts and styles: of those that every view needs, and of all.
PACKED_BYTES_AT_FIRST = 66 * 1024
PACKED_BYTES_AT_MOST = 100 * 1024


def complaints_of_source(source, path):
    text = path.read_text(encoding='utf-8')
    name = path.relative_to(source)
    for found in ADDRESS.findall(text):
        if not any(found == known or known.startswith(found) for known in NAMESPACES):
            yield f'{name}: an address outside: {found}'
    if ROOTED.search(text):
        yield f'{name}: an address from the root breaks behind a path prefix'
    if path.suffix == '.html' and INLINE.search(text):
        yield f'{name}: inline script, style or handler'
    for number, line in enumerate(text.splitlines(), 1):
        if path.suffix == '.ts' and MARKUP.search(line):
            yield f'{name}:{number}: makes markup or code from a string'
        if path.suffix == '.ts' and STYLE_STRING.search(line):
            yield f'{name}:{number}: sets a style attribute, which the content policy refuses'


def complaints_of_page(page):
    for target in LINK.findall((page / 'index.html').read_text(encoding='utf-8')):
        if not (page / target).is_file():
            yield f'index.html refers to {target}, which does not exist'
    licences = (page / 'licenses.txt').read_text(encoding='utf-8')
    if 'uplot' not in licences or 'MIT License' not in licences:
        yield 'licenses.txt lacks a licence of what is bundled'
    for runbook in sorted((page / 'runbooks').iterdir()):
        text = runbook.read_text(encoding='utf-8')
        if INLINE.search(text) or '<script' in text:
            yield f'{runbook.name}: inline script, style or handler'
        for target in LINK.findall(text) + ANCHOR.findall(text):
            if not ADDRESS.match(target) and not (page / 'runbooks' / target.split('#')[0]).exists():
                yield f'{runbook.name} refers to {target}, which does not exist'
    total = sum(path.stat().st_size for path in page.iterdir() if path.is_file())
    if total > BYTES_AT_MOST:
        yield f'the page weighs {total} bytes, more than {BYTES_AT_MOST}'
    packed = {path.name: len(gzip.compress(path.read_bytes())) for path in page.iterdir() if path.suffix in ('.js', '.css')}
    late = sum(size for name, size in packed.items() if name.startswith('flame-'))
    if late == 0:
        yield 'what draws profiles is not a file of its own'
    at_first = sum(packed.values()) - late
    if at_first > PACKED_BYTES_AT_FIRST or at_first + late > PACKED_BYTES_AT_MOST:
        yield f'scripts and styles weigh {at_first} bytes packed, with what is loaded late {at_first + late}'
    print(f'{total} bytes; scripts and styles {at_first} bytes packed, and {late} that are loaded late')


def main():
    source, page = (pathlib.Path(argument) for argument in sys.argv[1:3])
    files = [path for path in sorted(source.rglob('*')) if path.is_file()]
    complaints = [complaint for path in files for complaint in complaints_of_source(source, path)]
    if len(files) < 10:
        complaints.append(f'only {len(files)} files under {source}')
    complaints += complaints_of_page(page)
    print('\n'.join(complaints) or f'{len(files)} files: fine')
    return 1 if complaints else 0


if __name__ == '__main__':
    sys.exit(main())
