#!/usr/bin/env python3
"""cause_test.py AGENT PROGRAMS: programs that grow for different reasons run side by side under an agent at one second and
a sixtieth of every time constant; each suspect says what its growth is made of."""

import contextlib
import os
import subprocess
import sys
import tempfile
import unittest

import harness

PROGRAMS = ("e2e_thread_pile", "e2e_shared_leak", "e2e_steady_leak")
CAUSES = {"live_growth", "allocator_retention", "file_cache", "shared_memory", "thread_stacks", "unattributed"}
DEADLINE_SECONDS = 180
RATE_KIB = 2048
BASE_KIB = 32 << 10
FILE_BYTES = 448 << 20
# A MiB a second of heap, and four of a file that it maps: pages of holes, which take no room on a disk.
READER = f"""
import mmap, sys, time
with open(sys.argv[1], "rb") as file:
    mapped = mmap.mmap(file.fileno(), {FILE_BYTES}, prot=mmap.PROT_READ)
heap, read = [b"x" * (32 << 20)], 0
for step in range(400):
    heap.append(b"x" * (1 << 18))
    if read < {FILE_BYTES}:
        sum(mapped[read:read + (1 << 20):4096])
        read += 1 << 20
    time.sleep(0.25)
"""


class Cgroup:
    """A cgroup of the test's own, beside nothing of the machine; `path` is None where none can be made."""

    ROOTS = ("/sys/fs/cgroup/memory", "/sys/fs/cgroup")

    def __init__(self):
        self.path = None
        for root in self.ROOTS:
            path = os.path.join(root, f"heapfloor-causes-{os.getpid()}")
            with contextlib.suppress(OSError):
                os.mkdir(path)
                if any(os.path.exists(os.path.join(path, name))
                       for name in ("memory.current", "memory.usage_in_bytes")):
                    self.path = path
                    return
                os.rmdir(path)

    def enter(self):
        """Moves the calling process into it: before it becomes another program."""
        if self.path:
            with open(os.path.join(self.path, "cgroup.procs"), "w", encoding="ascii") as file:
                file.write(str(os.getpid()))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.path:
            harness.wait_until(self.remove, 20, f"{self.path} is busy")

    def remove(self):
        with contextlib.suppress(OSError):
            os.rmdir(self.path)
        return not os.path.exists(self.path)


class Reader:
    """A program that maps and reads a file, in the cgroup."""

    def __init__(self, cgroup):
        self.file = tempfile.NamedTemporaryFile(dir=harness.PROGRAMS)
        os.truncate(self.file.name, FILE_BYTES)
        self.process = subprocess.Popen([sys.executable, "-c", READER, self.file.name], preexec_fn=cgroup.enter,
                                        stdin=subprocess.DEVNULL)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        self.file.close()


def anonymous_kib(pid):
    """Anonymous memory of a process that is resident."""
    with open(f"/proc/{pid}/status", encoding="utf-8", errors="replace") as file:
        return next((int(line.split()[1]) for line in file if line.startswith("RssAnon:")), 0)


class CauseTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.cgroup = cls.enterClassContext(Cgroup())
        cls.programs = cls.enterClassContext(harness.Programs(PROGRAMS, "--seconds=300", f"--rate-kib={RATE_KIB}"))
        cls.reader = cls.enterClassContext(Reader(cls.cgroup))
        cls.pids = {name: cls.programs.pid(name) for name in PROGRAMS} | {"reader": cls.reader.process.pid}
        # What they begin with is no growth.
        harness.wait_until(lambda: all(anonymous_kib(pid) >= BASE_KIB for pid in cls.pids.values()), 30, "no base")
        cls.agent = cls.enterClassContext(harness.Agent(
            "--collection.interval=1s", "--trend.time_scale=0.0166667", "--trend.limit=512MiB",
            "--collection.smaps_duty=0.05"))  # hurried as much as the rest
        cls.seen = {}  # the last causes of each, by name
        cls.suspects = {}  # by name, as first seen with all that is asked below
        try:
            harness.wait_until(cls.observe, DEADLINE_SECONDS, lambda: f"known are {sorted(cls.suspects)}, seen {cls.seen}")
        except BaseException:
            cls.agent.print_log()
            raise

    @classmethod
    def observe(cls):
        """Notes each suspect of the memory of a program, once the stacks of a pile of threads are measured."""
        for suspect in cls.agent.api("suspects")["suspects"]:
            cause = suspect["cause"]
            if not cause or suspect["state"] == "recovering":
                continue
            if cls.cgroup.path and suspect["scope"] == "cgroup" and suspect["signal"] == "cgroup_anon":
                if suspect["subject"]["cgroup"].endswith(os.path.basename(cls.cgroup.path)):
                    cls.suspects.setdefault("cgroup", suspect)
            if suspect["signal"] != "rss_anon":
                continue
            for name, pid in cls.pids.items():
                if suspect["subject"]["pid"] == pid:
                    cls.seen[name] = cause
                    if cause["thread_stacks"] is not None:
                        cls.suspects.setdefault(name, suspect)
        return len(cls.suspects) == len(cls.pids) + (1 if cls.cgroup.path else 0)

    def test_shares_are_disjoint_and_together_one(self):
        for name, suspect in self.suspects.items():
            with self.subTest(program=name):
                cause = suspect["cause"]
                self.assertEqual(set(cause), CAUSES)
                self.assertAlmostEqual(sum(share or 0 for share in cause.values()), 1, places=6)
                self.assertGreaterEqual(min(share or 0 for share in cause.values()), 0)

    def test_a_pile_of_threads_grows_by_their_stacks(self):
        suspect = self.suspects["e2e_thread_pile"]
        self.assertGreater(suspect["cause"]["thread_stacks"], 0.8, suspect["cause"])
        self.assertRegex(suspect["cause_summary"], r"stacks of threads: \d+ threads, \+\d+/h, 2\d\d KiB of stack each")

    def test_shared_memory_is_told_from_the_heap(self):
        cause = self.suspects["e2e_shared_leak"]["cause"]
        self.assertAlmostEqual(cause["shared_memory"], 0.75, delta=0.1, msg=cause)
        self.assertAlmostEqual(cause["unattributed"], 0.25, delta=0.1, msg=cause)

    def test_without_a_probe_a_leak_of_the_heap_is_not_claimed(self):
        suspect = self.suspects["e2e_steady_leak"]
        self.assertGreater(suspect["cause"]["unattributed"], 0.95, suspect["cause"])
        self.assertEqual(suspect["cause"]["live_growth"], 0)
        self.assertIn("without a probe", suspect["cause_summary"])

    def test_files_that_are_read_are_what_reclaim_takes(self):
        suspect = self.suspects["reader"]
        self.assertAlmostEqual(suspect["cause"]["file_cache"], 0.8, delta=0.1, msg=suspect["cause"])
        self.assertIn("takes back when memory is short", suspect["cause_summary"])

    def test_the_page_cache_of_a_cgroup_is_told_from_its_leak(self):
        if not self.cgroup.path:
            self.skipTest("no cgroup can be made here")
        cause = self.suspects["cgroup"]["cause"]
        self.assertAlmostEqual(cause["file_cache"], 0.8, delta=0.1, msg=cause)
        self.assertIsNone(cause["thread_stacks"])

    def test_the_page_for_prometheus_says_the_same(self):
        pid = self.pids["e2e_thread_pile"]
        shares = {l["cause"]: v for n, l, v in self.agent.metrics()
                  if n == "heapfloor_leak_cause_ratio" and harness.subject_pid(l["subject"]) == pid}
        self.assertEqual(set(shares), CAUSES)
        self.assertGreater(shares["thread_stacks"], 0.8)

    def test_an_alert_says_it_in_words(self):
        def told():
            return [alert["annotations"]["description"] for alert in self.agent.api("alerts")["alerts"]
                    if harness.subject_pid(alert["labels"].get("subject", "")) == self.pids["e2e_thread_pile"]
                    and "stacks of threads" in alert["annotations"].get("description", "")]

        harness.wait_until(told, 90, "no alert speaks of stacks")


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1], verbosity=2)
