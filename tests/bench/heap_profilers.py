#!/usr/bin/env python3
"""heap_profilers.py --bin DIR --probe libheapfloor_probe.so: what heap profilers add to a program that allocates.

Rounds are interleaved: every profiler runs each loop once, then all again. A cell is the least of the rounds of each, since what
else the machine does can only add. Each allocator's profiler is compared with that allocator without it. One judgement is made
by counting instead of timing: instructions a pair, under valgrind, which no load disturbs.
"""

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile

LIBRARIES = "/usr/lib/x86_64-linux-gnu"
PASS_THROUGH = "a library that only forwards"
LOOPS = ("tight", "hot", "wide", "deep", "json")
MOST_ADDED_NS = {"tight": 4.0, "hot": 4.0}
MOST_RATIO = {"wide": 1.01, "json": 1.003}
MOST_RESIDENT_MIB = 1.5
PRIVATE_TABLES_MIB = 144 / 1024


def library(name):
    path = f"{LIBRARIES}/{name}"
    return path if os.path.exists(path) else None


def variants(probe, pass_through):
    """name -> (name of what it is compared with, environment, command in front)."""
    jemalloc, tcmalloc = library("libjemalloc.so.2"), library("libtcmalloc.so.4")
    rows = {
        "glibc": (None, {}, []),
        PASS_THROUGH: ("glibc", {"LD_PRELOAD": pass_through}, []),
        "heapfloor, 512 KiB": ("glibc", {"LD_PRELOAD": probe}, []),
        "heapfloor, 128 KiB": ("glibc", {"LD_PRELOAD": probe, "HEAPFLOOR_SAMPLE_BYTES": "131072"}, []),
        "heapfloor, sampling off": ("glibc", {"LD_PRELOAD": probe, "HEAPFLOOR_SAMPLE_BYTES": "0"}, []),
    }
    if jemalloc:
        rows["jemalloc"] = (None, {"LD_PRELOAD": jemalloc}, [])
        rows["jemalloc, prof 512 KiB"] = ("jemalloc", {"LD_PRELOAD": jemalloc, "MALLOC_CONF": "prof:true,lg_prof_sample:19"}, [])
        rows["heapfloor over jemalloc"] = ("jemalloc", {"LD_PRELOAD": f"{probe}:{jemalloc}"}, [])
    if tcmalloc:
        rows["gperftools"] = (None, {"LD_PRELOAD": tcmalloc}, [])
        rows["gperftools, sample 512 KiB"] = ("gperftools", {"LD_PRELOAD": tcmalloc, "TCMALLOC_SAMPLE_PARAMETER": "524288"}, [])
        rows["heapfloor over gperftools"] = ("gperftools", {"LD_PRELOAD": f"{probe}:{tcmalloc}"}, [])
    return rows


def timed(program, loop, environment, front):
    run = subprocess.run([*front, program, loop], env={**os.environ, **environment}, capture_output=True, text=True, timeout=300, check=True)
    return float(re.search(rf"^{loop} ([0-9.]+) ns$", run.stdout, re.MULTILINE).group(1))


def heaptrack(program, loop, folder):
    if not shutil.which("heaptrack"):
        return None
    return timed(program, loop, {}, ["heaptrack", "-o", f"{folder}/recording"])


def resident_mib(program, probe):
    """What the probe's own memory takes in a program with a live heap of 1 GiB: segment, library and private tables."""
    child = subprocess.Popen([program, "fill"], env={**os.environ, "LD_PRELOAD": probe}, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        child.stdout.readline()
        total, is_counted, after_library = 0, False, False
        with open(f"/proc/{child.pid}/smaps", encoding="utf-8") as file:
            for line in file:
                if re.match(r"^[0-9a-f]+-[0-9a-f]+ ", line):
                    is_own = "heapfloor_probe" in line
                    # Its bss has no name and follows the library's last mapping.
                    is_bss = after_library and len(line.split()) == 5
                    is_counted, after_library = is_own or is_bss, "libheapfloor_probe" in line
                elif line.startswith("Rss:") and is_counted:
                    total += int(line.split()[1])
        # The private tables have no name on most kernels: counted whole.
        return (total / 1024) + PRIVATE_TABLES_MIB
    finally:
        child.stdin.close()
        child.wait()


def instructions(program, loop, environment):
    run = subprocess.run(["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null", program, loop],
                         env={**os.environ, **environment}, capture_output=True, text=True, timeout=600, check=True)
    return int(re.search(r"Collected : (\d+)", run.stderr).group(1))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bin", required=True, help="folder with the program allocations")
    parser.add_argument("--probe", required=True)
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--output", help="JSON of every cell")
    options = parser.parse_args()
    program, probe = os.path.join(os.path.abspath(options.bin), "allocations"), os.path.abspath(options.probe)
    rows = variants(probe, os.path.join(os.path.dirname(os.path.abspath(options.bin)), "lib", "libpass_through.so"))
    least = {name: {} for name in rows}
    for _ in range(options.rounds):
        for loop in LOOPS:
            for name, (_, environment, front) in rows.items():
                value = timed(program, loop, environment, front)
                least[name][loop] = min(value, least[name].get(loop, value))
    print("| | " + " | ".join(f"{loop}, ns" if loop != "json" else "json, ns a byte" for loop in LOOPS) + " |")
    print("|---" * (len(LOOPS) + 1) + "|")
    for name, (base, _, _) in rows.items():
        cells = []
        for loop in LOOPS:
            value = least[name][loop]
            added = "" if base is None else f" (+{value - least[base][loop]:.1f}, {value / least[base][loop]:.3f}×)"
            cells.append(f"{value:.1f}{added}")
        print(f"| {name} | " + " | ".join(cells) + " |")
    with tempfile.TemporaryDirectory() as folder:
        tracked = {loop: heaptrack(program, loop, folder) for loop in ("tight", "hot")}
        if tracked["tight"] is not None:
            print("| heaptrack, every allocation | " +
                  " | ".join(f"{tracked[loop]:.1f} (+{tracked[loop] - least['glibc'][loop]:.1f})" if loop in tracked else "" for loop in LOOPS) + " |")
    resident = resident_mib(program, probe)
    print(f"\nresident memory of the probe beside a heap of 1 GiB: {resident:.2f} MiB")
    if shutil.which("valgrind"):
        plain, probed = (instructions(program, "hot", environment) for environment in ({}, {"LD_PRELOAD": probe}))
        print(f"instructions of the hot loop with the probe: {probed / plain:.3f}×")
    ours, glibc, forwarding = least["heapfloor, 512 KiB"], least["glibc"], least[PASS_THROUGH]
    goals = [(f"{loop}: at most +{most} ns", ours[loop] - glibc[loop] <= most) for loop, most in MOST_ADDED_NS.items()]
    goals += [(f"{loop}: at most {most}× ({ours[loop] / glibc[loop]:.3f}×; {PASS_THROUGH}: {forwarding[loop] / glibc[loop]:.3f}×)",
               ours[loop] / glibc[loop] <= most) for loop, most in MOST_RATIO.items()]
    goals.append((f"resident: at most {MOST_RESIDENT_MIB} MiB", resident <= MOST_RESIDENT_MIB))
    for text, is_met in goals:
        print(("met    " if is_met else "MISSED ") + text)
    if options.output:
        with open(options.output, "w", encoding="utf-8") as file:
            json.dump({"least": least, "heaptrack": tracked, "resident_mib": resident}, file, indent=1)
    return 0 if all(is_met for _, is_met in goals) else 1


if __name__ == "__main__":
    sys.exit(main())
