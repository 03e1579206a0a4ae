#!/usr/bin/env python3
"""A Python program with no probe in it: what it has reported it keeps, 1 MiB a second.

    python3 report.py [SECONDS]                      seen from outside: that it leaks, how fast, and until when
    heapfloor run -- python3 report.py [SECONDS]     and which functions of the interpreter and its libraries allocate it

It ends by itself, and stops growing at 400 MiB.
"""

import sys
import time

MOST = 400
KEPT = []


def report(number):
    KEPT.append(bytes([number % 256]) * 2**20)


def main():
    seconds = int(sys.argv[1]) if len(sys.argv) > 1 else 600
    start = time.monotonic()
    while time.monotonic() < start + seconds:
        while len(KEPT) < min(MOST, time.monotonic() - start):
            report(len(KEPT))
        time.sleep(0.2)


if __name__ == "__main__":
    main()
