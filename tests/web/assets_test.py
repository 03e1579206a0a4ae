#!/usr/bin/env python3
"""Rules that the page's files keep, checked on their text: no markup from strings, nothing inline that the content
policy would refuse, no address outside, every import and link present, at most two spaces of indentation a level."""

import pathlib
import re
import sys

ASSETS = pathlib.Path(__file__).resolve().parents[2] / 'agent' / 'web' / 'assets'

MARKUP = re.compile(r'innerHTML|outerHTML|insertAdjacentHTML|document\.write|DOMParser|createContextualFragment|setHTMLUnsafe'
                    r'|\beval\s*\(|new Function|srcdoc|cssText')
STYLE_STRING = re.compile(r"setAttribute\(\s*['\"]style|[{,]\s*style:")
ADDRESS = re.compile(r"(?:https?:)?//[a-z0-9.-]+\.[a-z]{2,}", re.IGNORECASE)
NAMESPACES = {'http://www.w3.org'}
ROOTED = re.compile(r"(?:href|src)=\"/|url\(\s*['\"]?/|fetch\(\s*['\"]/|from '/")
INLINE = re.compile(r'<style|\sstyle=|\son[a-z]+=|<script(?![^>]*\ssrc=)', re.IGNORECASE)
IMPORT = re.compile(r"from '([^']+)'")
LINK = re.compile(r'<(?:link|script)[^>]*\s(?:href|src)="([^"]+)"')
BYTES_AT_MOST = 160 * 1024
COLUMNS = 120


def complaints_of_script(path, text):
    for number, line in enumerate(text.splitlines(), 1):
        where = f'{path.relative_to(ASSETS)}:{number}'
        if MARKUP.search(line):
            yield f'{where}: makes markup or code from a string'
        if STYLE_STRING.search(line):
            yield f'{where}: sets a style attribute, which the content policy refuses'
        if (len(line) - len(line.lstrip(' '))) % 2 and not line.lstrip().startswith('*'):
            yield f'{where}: odd indentation'
        if len(line) > COLUMNS or line.rstrip() != line or '\t' in line:
            yield f'{where}: too long, trailing space or a tab'
    for target in IMPORT.findall(text):
        if not (path.parent / target).is_file():
            yield f'{path.relative_to(ASSETS)}: imports {target}, which does not exist'


def complaints_of(path):
    text = path.read_text(encoding='utf-8')
    name = path.relative_to(ASSETS)
    for found in ADDRESS.findall(text):
        if not any(found == known or known.startswith(found) for known in NAMESPACES):
            yield f'{name}: an address outside: {found}'
    if ROOTED.search(text):
        yield f'{name}: an address from the root breaks behind a path prefix'
    if path.suffix == '.js':
        yield from complaints_of_script(path, text)
    if path.suffix == '.html':
        if INLINE.search(text):
            yield f'{name}: inline script, style or handler'
        for target in LINK.findall(text):
            if not (ASSETS / target).is_file():
                yield f'{name}: refers to {target}, which does not exist'


def main():
    files = [path for path in sorted(ASSETS.rglob('*')) if path.is_file()]
    complaints = [complaint for path in files for complaint in complaints_of(path)]
    total = sum(path.stat().st_size for path in files)
    if len(files) < 10:
        complaints.append(f'only {len(files)} files under {ASSETS}')
    if total > BYTES_AT_MOST:
        complaints.append(f'the page weighs {total} bytes, more than {BYTES_AT_MOST}')
    print('\n'.join(complaints) or f'{len(files)} files, {total} bytes: fine')
    return 1 if complaints else 0


if __name__ == '__main__':
    sys.exit(main())
