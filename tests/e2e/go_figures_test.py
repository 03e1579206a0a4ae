#!/usr/bin/env python3
"""go_figures_test.py AGENT PROGRAMS: what is read of a Go service's memory from outside is what the service says of itself by
runtime.ReadMemStats, with symbols and without. It is stopped for the comparison, so that both are of one moment."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import unittest
import urllib.request

import harness

SOURCES = os.path.join(os.path.dirname(os.path.abspath(__file__)), "programs", "go")
LIMIT_BYTES = 256 << 20
# One collection every ten seconds, and 1 MiB a second that it keeps.
ARGUMENTS = ("users", "120", str(1 << 20), "10")
BUILDS = {"whole": (), "stripped": ("-ldflags=-s -w",), "movable": ("-buildmode=pie",)}
# Ours → the service's, and by which share or how much they may differ: the service runs on for a moment behind its answer.
FIGURES = {
    "heapfloor_go_heap_objects": ("go_memstats_heap_objects", 0.05, 0),
    "heapfloor_go_heap_allocated_bytes": ("go_memstats_heap_alloc_bytes", 0.05, 1 << 20),
    "heapfloor_go_allocated_bytes_total": ("go_memstats_alloc_bytes_total", 0.05, 1 << 20),
    "heapfloor_go_heap_inuse_bytes": ("go_memstats_heap_inuse_bytes", 0.05, 1 << 20),
    "heapfloor_go_heap_idle_bytes": ("go_memstats_heap_idle_bytes", 0.05, 1 << 20),
    "heapfloor_go_heap_released_bytes": ("go_memstats_heap_released_bytes", 0.05, 1 << 20),
    "heapfloor_go_stack_inuse_bytes": ("go_memstats_stack_inuse_bytes", 0.05, 64 << 10),
    "heapfloor_go_system_bytes": ("go_memstats_sys_bytes", 0.05, 1 << 20),
    "heapfloor_go_heap_goal_bytes": ("go_memstats_next_gc_bytes", 0.01, 0),
    "heapfloor_go_gc_cycles_total": ("go_gc_duration_seconds_count", 0, 0),
    "heapfloor_go_gc_pause_seconds_total": ("go_gc_duration_seconds_sum", 0, 1e-9),
    "heapfloor_go_last_gc_timestamp_seconds": ("go_memstats_last_gc_time_seconds", 0, 1e-3),
    "heapfloor_go_goroutines": ("go_goroutines", 0, 2),
}


class GoFiguresTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = cls.enterClassContext(tempfile.TemporaryDirectory())
        cls.pids, cls.programs = {}, {}
        environment = dict(os.environ, GOFLAGS="-mod=mod", GOCACHE=os.path.join(cls.folder, "cache"))
        for name, options in BUILDS.items():
            cls.programs[name] = os.path.join(cls.folder, name)
            subprocess.run(["go", "build", *options, "-o", cls.programs[name], "."], cwd=SOURCES, env=environment, check=True,
                           timeout=120)
        for name, program in cls.programs.items():
            process = subprocess.Popen([program, *ARGUMENTS], stdin=subprocess.DEVNULL, env=dict(
                os.environ, GOMEMLIMIT=str(LIMIT_BYTES), GOMAXPROCS="2", SERVICE_PAGES="metrics"))
            cls.addClassCleanup(process.wait)
            cls.addClassCleanup(process.kill)
            cls.pids[name] = process.pid
        cls.agent = cls.enterClassContext(harness.Agent("--collection.interval=1s"))

    def page_of(self, pid):
        """What the service says, by the only socket on which it listens."""
        port = harness.wait_until(lambda: listening_port(pid), 60, lambda: "no socket of the service listens")
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=30) as answer:
            return {name: value for name, labels, value in harness.parse_page(answer.read().decode())}

    def ours(self, name):
        return {metric: value for metric, labels, value in self.agent.metrics() if labels == {"group": name}}

    def collections_of(self, name):
        return self.ours(name).get("heapfloor_go_gc_cycles_total", 0)

    def differences(self, name, said):
        """(ours, the service's) of the figures that are not the same."""
        read = self.ours(name)
        return {metric: (read.get(metric), said[theirs]) for metric, (theirs, share, slack) in FIGURES.items()
                if metric not in read or abs(read[metric] - said[theirs]) > share * said[theirs] + slack}

    def test_what_is_read_from_outside_is_what_the_service_says(self):
        for name, pid in self.pids.items():
            with self.subTest(service=name):
                # The second at least: figures of memory beside the heap are those of the last collection.
                harness.wait_until(lambda: self.collections_of(name) >= 2, 90, lambda: f"no collections of {name}")
                said = self.page_of(pid)
                os.kill(pid, signal.SIGSTOP)
                # Objects and goroutines are counted every ten seconds.
                harness.wait_until(lambda: not self.differences(name, said), 40, lambda: self.differences(name, said))
                os.kill(pid, signal.SIGCONT)


def listening_port(pid):
    """The first TCP port on which the process listens, or nothing."""
    sockets = set()
    for entry in os.listdir(f"/proc/{pid}/fd"):
        try:
            sockets.add(os.readlink(f"/proc/{pid}/fd/{entry}"))
        except OSError:
            pass  # closed meanwhile
    with open(f"/proc/{pid}/net/tcp", encoding="ascii") as table:
        for line in list(table)[1:]:
            fields = line.split()
            if fields[3] == "0A" and f"socket:[{fields[9]}]" in sockets:
                return int(fields[1].split(":")[1], 16)
    return None


if __name__ == "__main__":
    if not shutil.which("go"):
        sys.exit(77)
    unittest.main(argv=sys.argv[:1], verbosity=2)
