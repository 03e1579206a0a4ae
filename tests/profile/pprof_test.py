#!/usr/bin/env python3
"""pprof_test.py HEAPFLOOR TARGET: `heapfloor pprof` and the agent give what `go tool pprof` opens and explains.

TARGET is programs/target.cpp. Without Go what it writes is checked by its own means alone; exit code 77 says so.
"""

import gzip
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
import unittest

from profiling_agent import Agent, pprof

HEAPFLOOR, TARGET = sys.argv[1:3]
HAS_GO = shutil.which("go") is not None and subprocess.run(
    ["go", "tool", "pprof", "-help"], capture_output=True, check=False).returncode in (0, 2)


class Target:
    """A program with a segment of its own."""

    def __init__(self):
        self.process = subprocess.Popen([TARGET], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert self.process.stdout.readline() == "ready\n"

    @property
    def pid(self):
        return self.process.pid

    def leak(self, count):
        self.process.stdin.write(f"leak {count}\n")
        self.process.stdin.flush()
        assert self.process.stdout.readline() == "done\n"

    def end(self):
        try:
            self.process.stdin.close()
        except BrokenPipeError:
            pass
        self.process.wait()
        self.process.stdout.close()


def heapfloor_pprof(*arguments):
    return subprocess.run([HEAPFLOOR, "pprof", *map(str, arguments)], capture_output=True, timeout=60, check=False)


def wait_for(condition, seconds=120):
    """The first true value of condition(), asked again and again."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        value = condition()
        if value:
            return value
        time.sleep(0.05)
    raise AssertionError("did not come true in time")


class AgentTest(unittest.TestCase):
    def test_the_agent_serves_what_lives_what_changes_and_what_a_dead_program_held(self):
        target = Target()
        self.addCleanup(target.end)
        target.leak(100)
        agent = Agent(HEAPFLOOR)
        self.addCleanup(agent.end)
        path = f"/processes/{target.pid}/debug/pprof/heap"
        status, body = wait_for(lambda: [answer for answer in [agent.get(path)] if answer[0] == 200])[0]
        self.assertIn(b"shop::register_users(int)", gzip.decompress(body))
        # A difference holds what is allocated while it waits, and only that.
        during = threading.Thread(target=lambda: [target.leak(5) for _ in range(20) if not time.sleep(0.1)])
        during.start()
        status, body = agent.get(f"/debug/pprof/heap?pid={target.pid}&seconds=1")
        during.join()
        self.assertEqual(status, 200)
        self.assertIn(b"shop::register_users(int)", gzip.decompress(body))
        status, body = agent.get("/debug/pprof/allocs?pid=" + str(os.getpid()))
        self.assertEqual(status, 404)
        self.assertIn(b"start it with `heapfloor run --", body)
        # Its symbols were read while it lived.
        target.process.kill()
        target.process.wait()
        listed = f'"pid":{target.pid},'.encode()
        wait_for(lambda: listed not in agent.get(f"/api/v1/subjects?search={target.pid}")[1])
        status, body = agent.get(path)
        self.assertEqual(status, 200)
        self.assertIn(b"shop::register_users(int)", gzip.decompress(body))


class PprofTest(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.target = Target()
        self.addCleanup(self.target.end)

    def path(self, name):
        return os.path.join(self.folder.name, name)

    def profile(self, name, *flags):
        done = heapfloor_pprof("--pid", self.target.pid, "-o", self.path(name), *flags)
        self.assertEqual((done.returncode, done.stderr), (0, b""))
        return self.path(name)

    def test_a_profile_is_written_gzipped(self):
        self.target.leak(10)
        with gzip.open(self.profile("a.pb.gz")) as file:
            plain = file.read()
        for text in (b"inuse_space", b"shop::register_users(int)", b"user_cache", b"std::pair<const int, shop::User>"):
            self.assertIn(text, plain)

    def test_a_profile_goes_to_standard_output_too(self):
        self.target.leak(10)
        done = heapfloor_pprof("--pid", self.target.pid, "-o", "-")
        self.assertEqual(done.returncode, 0)
        self.assertIn(b"register_users", gzip.decompress(done.stdout))

    def test_what_cannot_be_had_is_an_error_that_says_what_to_do(self):
        done = heapfloor_pprof("--pid", self.target.pid, "-o", self.path("a"))
        self.assertEqual(done.returncode, 1)
        self.assertIn(b"nothing was sampled", done.stderr)
        done = heapfloor_pprof("--pid", os.getpid(), "-o", self.path("a"))
        self.assertEqual(done.returncode, 1)
        self.assertIn(b"start it with `heapfloor run --", done.stderr)
        done = heapfloor_pprof("--pid", 2 ** 22 + 1, "-o", self.path("a"))
        self.assertEqual(done.returncode, 1)
        self.assertIn(b"there is no process", done.stderr)
        self.assertFalse(os.path.exists(self.path("a")))
        self.target.leak(1)
        self.assertEqual(heapfloor_pprof("--pid", self.target.pid, "-o", "/nonexistent/a").returncode, 1)
        for wrong in ((), ("--pid", "0", "-o", "a"), ("--pid", "x", "-o", "a"), ("--pid", "1")):
            self.assertEqual(heapfloor_pprof(*wrong).returncode, 2, wrong)

    @unittest.skipUnless(HAS_GO, "no go tool pprof")
    def test_top_names_the_function_that_leaks(self):
        self.target.leak(100)
        top = pprof("-top", "-cum", self.profile("a.pb.gz"))
        self.assertIn("Type: inuse_space", top)
        self.assertIn("shop::register_users", top)
        self.assertIn("File: profile_target", top)
        top = pprof("-top", "-sample_index=alloc_objects", self.path("a.pb.gz"))
        self.assertIn("Type: alloc_objects", top)
        self.assertIn("Type: alloc_space", pprof("-top", self.profile("b.pb.gz", "--allocs")))

    @unittest.skipUnless(HAS_GO, "no go tool pprof")
    def test_lines_callers_and_build_ids_are_known(self):
        self.target.leak(100)
        profile = self.profile("a.pb.gz")
        peek = pprof("-peek", "register_users", profile)
        self.assertRegex(peek, r"(?m)^ .*\| +.*run(\(\))?$")
        lines = pprof("-top", "-lines", "-cum", profile)
        self.assertRegex(lines, r"shop::register_users.* .*programs/target\.cpp:\d+")
        raw = pprof("-raw", profile)
        self.assertRegex(raw, r"(?m)^1: 0x[0-9a-f]+/0x[0-9a-f]+/0x[0-9a-f]+ .*profile_target [0-9a-f]{40} \[FN\]\[FL\]\[LN\]")
        self.assertIn("PeriodType: space bytes\nPeriod: 524288", raw)
        comments = pprof("-comments", profile)
        self.assertIn("relative standard error", comments)

    @unittest.skipUnless(HAS_GO, "no go tool pprof")
    def test_a_source_listing_finds_the_line(self):
        self.target.leak(100)
        # As if it had been built elsewhere: the path is cut down to the folder that is there.
        folder = os.path.dirname(os.path.abspath(__file__))
        listing = pprof(f"-source_path={folder}", "-list", "register_users", self.profile("a.pb.gz"))
        self.assertRegex(listing, r"(?m)^ .*[1-9][0-9.]*[kMG]?B .*users\(\)\[")

    @unittest.skipUnless(HAS_GO, "no go tool pprof")
    def test_structures_and_containers_are_roots_and_tags(self):
        self.target.leak(100)
        profile = self.profile("a.pb.gz")
        tags = pprof("-tags", profile)
        for text in ("structure: ", "user_cache", "phase: ", "grow", "container: ", "unordered_map", "element: ",
                     "std::pair<const int, shop::User>"):
            self.assertIn(text, tags)
        tree = pprof("-top", "-cum", "-tagroot=structure", profile)
        self.assertRegex(tree, r"(?m)100% +user_cache")
        tree = pprof("-top", "-cum", "-tagroot=container", profile)
        self.assertRegex(tree, r"(?m)% +unordered_map$")

    @unittest.skipUnless(HAS_GO, "no go tool pprof")
    def test_the_difference_of_two_profiles_is_what_leaked_between_them(self):
        self.target.leak(1000)
        base = self.profile("a.pb.gz")
        self.target.leak(1)
        top = pprof("-top", "-cum", "-unit=B", f"-diff_base={base}", self.profile("b.pb.gz"))
        self.assertRegex(top, r"(?m)^ +0B? .* 2\d{5}B .*shop::register_users")


if __name__ == "__main__":
    done = unittest.main(argv=sys.argv[:1], exit=False, verbosity=2)
    sys.exit(1 if not done.result.wasSuccessful() else 0 if HAS_GO else 77)
