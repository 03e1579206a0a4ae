#!/usr/bin/env python3
"""page_live_test.py AGENT PROGRAMS: the page of a real agent, in a real browser, while a real program leaks beside it."""

import os
import subprocess
import sys
import tempfile
import unittest

import harness

HERE = os.path.dirname(os.path.abspath(__file__))
PAGE_TEST = os.path.join(HERE, "../web/page_test.mjs")
NODE = os.environ.get("HEAPFLOOR_NODE", "node")
SKIPPED = 77
LEAKING = "probe_service"  # it has a probe, so the page has its heap profile
LEAKING_FUNCTION = "add_user"
LEAKING_SECONDS = 300


class PageOfARealAgent(unittest.TestCase):
    def test_the_suspect_its_chart_and_its_flame_graph_are_there(self):
        with tempfile.TemporaryDirectory() as storage, harness.Programs([LEAKING, "e2e_flat"]) as programs, harness.Agent(
                "--collection.interval=1s", "--trend.time_scale=0.0166667", "--trend.limit=512MiB", storage=storage) as agent:
            def is_leaking():
                suspect = harness.suspect_of(agent, programs.pid(LEAKING))
                return suspect and suspect["state"] == "leaking"
            harness.wait_until(is_leaking, LEAKING_SECONDS, "the leaking program is leaking")
            page = subprocess.run(
                [NODE, PAGE_TEST, "--url", f"http://{agent.address}", "--expect-suspect", harness.comm_of(LEAKING),
                 "--expect-function", LEAKING_FUNCTION, "--timeout", "60",
                 "--screenshots", os.path.join(os.getcwd(), "screenshots")],
                check=False, timeout=150)
        if page.returncode == SKIPPED:
            sys.exit(SKIPPED)
        self.assertEqual(page.returncode, 0)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
