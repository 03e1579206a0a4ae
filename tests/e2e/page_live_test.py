#!/usr/bin/env python3
"""page_live_test.py AGENT PROGRAMS: the page of a real agent, in a real browser, while a real program leaks beside it."""

import os
import shutil
import subprocess
import sys
import unittest

import harness

HERE = os.path.dirname(os.path.abspath(__file__))
PAGE_TEST = os.path.join(HERE, "../web/page_test.py")
SKIPPED = 77
# The system's interpreter first: that is where the distribution's python3-selenium lives.
PYTHON = shutil.which("python3", path="/usr/bin") or sys.executable
LEAKING = "e2e_steady_leak"
LEAKING_SECONDS = 300


class PageOfARealAgent(unittest.TestCase):
    def test_the_suspect_and_its_chart_are_there(self):
        with harness.Programs([LEAKING, "e2e_flat"]) as programs, harness.Agent(
                "--collection.interval=1s", "--trend.time_scale=0.0166667", "--trend.limit=512MiB") as agent:
            def is_leaking():
                suspect = harness.suspect_of(agent, programs.pid(LEAKING))
                return suspect and suspect["state"] == "leaking"
            harness.wait_until(is_leaking, LEAKING_SECONDS, "the leaking program is leaking")
            page = subprocess.run(
                [PYTHON, PAGE_TEST, "--url", f"http://{agent.address}", "--expect-suspect",
                 harness.comm_of(LEAKING), "--timeout", "60", "--screenshots", os.path.join(os.getcwd(), "screenshots")],
                check=False)
        if page.returncode == SKIPPED:
            sys.exit(SKIPPED)
        self.assertEqual(page.returncode, 0)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
