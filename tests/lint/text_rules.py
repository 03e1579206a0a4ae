#!/usr/bin/env python3
"""text_rules.py ROOT: no tabs, no trailing white space, one newline at the end, in every file written by hand."""

import os
import sys

import source_tree

NEEDS_TABS = ("Makefile", ".go")
BINARY = (".png", ".gz", ".bin", ".woff2", ".ico")


def main():
    root = sys.argv[1]
    found = []
    for path in source_tree.files(root):
        if path.endswith(BINARY):
            continue
        text = source_tree.read(root, path)
        for number, line in enumerate(text.split("\n"), 1):
            if line != line.rstrip():
                found.append(f"{path}:{number}: trailing white space")
            if "\t" in line and not path.endswith(NEEDS_TABS):
                found.append(f"{path}:{number}: a tab")
        if text and (not text.endswith("\n") or text.endswith("\n\n")):
            found.append(f"{path}: does not end with exactly one newline")
    print("\n".join(found))
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
