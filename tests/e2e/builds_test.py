#!/usr/bin/env python3
"""builds_test.py AGENT PROGRAMS: a program whose next build leaks, under an agent that is started again in between.

The suspect says since which build it grows and that the build before it was level, from the stored history of both.
"""

import os
import subprocess
import sys
import tempfile
import unittest

from harness import PROGRAMS, Agent, build_id_of, suspect_of, wait_until

PROGRAM = "build_shop"
RATE_BYTES_PER_SECOND = 1 << 20  # of the build that leaks
LIFE_SECONDS = 110


def program_of(build):
    return os.path.join("builds", build, PROGRAM)


class Running:
    """One run of a build. A context manager: leaving it ends the process."""

    def __init__(self, build):
        self.process = subprocess.Popen([os.path.join(PROGRAMS, program_of(build)), f"--seconds={LIFE_SECONDS}"],
                                        stdin=subprocess.DEVNULL)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()


def row_of(agent):
    """The subject of the program, when it is watched; the latest where there are two."""
    rows = [row for row in agent.api("subjects?limit=1000&search=" + PROGRAM)["subjects"] if row["watched"]]
    return max(rows, key=lambda row: row["subject"]["start_time"], default=None)


class BuildsTest(unittest.TestCase):
    def setUp(self):
        self.folder = self.enterContext(tempfile.TemporaryDirectory())

    def agent(self):
        return Agent("--collection.interval=500ms", "--trend.time_scale=0.0083333", "--trend.limit=2GiB",
                     storage=os.path.join(self.folder, "state"))

    def test_a_suspect_says_since_which_build_it_grows_and_what_the_one_before_did(self):
        healthy, leaking = (build_id_of(program_of(build)) for build in ("healthy", "leaking"))
        self.assertNotEqual(healthy, leaking)
        with Running("healthy"):
            with self.agent() as agent:
                wait_until(lambda: (row_of(agent) or {}).get("state") == "stable", 60, "the healthy build is judged")
                wait_until(lambda: self.info(agent, healthy), 30, "its build is exposed")
            with self.agent() as agent:
                row = wait_until(lambda: row_of(agent), 30, "the agent that was started again knows it")
                self.assertEqual(row["state"], "stable", row)
                self.replaced = row["subject"]["pid"]
        with self.agent() as agent, Running("leaking"):
            suspect = wait_until(lambda: self.suspect(agent), 90, lambda: f"a suspect with builds; it is {row_of(agent)}")
            self.check(suspect["build"], healthy, leaking)
            texts = [entry["text"] for entry in suspect["evidence"] if entry["kind"] == "builds"]
            self.assertEqual(len(texts), 1, suspect["evidence"])
            self.assertRegex(texts[0], rf"^since build {leaking[:12]}, \S.* ago: \+[0-9.]+ GB/h; "
                                       rf"build {healthy[:12]} before it: level \(seen for \S.*\)$")
            self.assertEqual([labels["version"] for labels in self.info(agent, leaking)], [""])
            self.assertEqual(self.info(agent, healthy), [])

    def info(self, agent, build):
        return [labels for name, labels, _ in agent.metrics()
                if name == "heapfloor_trend_build_info" and labels["build"] == build and labels["program"] == PROGRAM]

    def suspect(self, agent):
        row = row_of(agent)
        found = suspect_of(agent, row["subject"]["pid"]) if row and row["subject"]["pid"] != self.replaced else None
        build = found and found["build"]
        return found if build and build["move"] == "rising" and build["run_seconds"] > 20 else None

    def check(self, build, healthy, leaking):
        self.assertEqual((build["id"], build["kind"], build["program"]), (leaking, "gnu_build_id", PROGRAM))
        self.assertEqual((build["runs"], build["is_rollback"]), (1, False))
        growth = build["growth_per_second"]["estimate"]
        self.assertAlmostEqual(growth / RATE_BYTES_PER_SECOND, 1, delta=0.2, msg=build)
        before = build["before"]
        self.assertEqual((before["id"], before["move"], before["runs"]), (healthy, "level", 1), build)
        self.assertGreater(before["seen_seconds"], 10, build)
        self.assertGreaterEqual(before["run_seconds"], before["seen_seconds"], build)
        self.assertLess(before["since"] + before["run_seconds"], build["since"] + 2, "one ran after the other")


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1], verbosity=2)
