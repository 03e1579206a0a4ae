#!/usr/bin/env python3
"""run_as_nobody.py PROGRAM ARGS…: runs a copy of a test program as uid 65534 without capabilities.

Exits 77, which ctest counts as skipped, where it may not change the user. The copy is where that user can reach it,
whatever the permissions of the build directory are.
"""

import os
import shutil
import subprocess
import sys
import tempfile

NOBODY = 65534


def main():
    if os.geteuid() != 0:
        print("only root can become another user")
        return 77
    with tempfile.TemporaryDirectory() as directory:
        os.chmod(directory, 0o755)
        program = shutil.copy(sys.argv[1], directory)
        os.chmod(program, 0o755)
        return subprocess.run([program, *sys.argv[2:]], user=NOBODY, group=NOBODY, extra_groups=[], cwd="/",
                              check=False, timeout=100).returncode


if __name__ == "__main__":
    sys.exit(main())
