#!/usr/bin/env python3
"""metrics_page_test.py HEAPFLOOR PAGE: the documented table of metrics is the one that the program holds."""
import subprocess
import sys

program, page = sys.argv[1:]
printed = subprocess.run([program, "once", "--list-metrics"], capture_output=True, text=True, check=True).stdout
with open(page, encoding="utf-8") as file:
    documented = file.read()
if documented != printed:
    sys.exit(f"{page} is not what the program says; rewrite it with: heapfloor once --list-metrics > {page}")
