#!/usr/bin/env python3
"""format_check.py CLANG_FORMAT ROOT: every C++ file is as clang-format would write it."""

import os
import subprocess
import sys

import source_tree


def main():
    program, root = sys.argv[1:3]
    paths = [os.path.join(root, p) for p in source_tree.cpp_files(root) if not p.endswith(".def")]
    return subprocess.run([program, "--dry-run", "-Werror", *paths], check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
