#!/usr/bin/env python3
"""reborn_test.py AGENT PROGRAMS: a leaking program that is ended and started again before any one life of it is long
enough to be called a leak.

The agent adds up its lives: the suspect says leaking, and that earlier runs grew alike. A program that warms up in each of its
lives and levels off stays quiet beside it.
"""

import os
import sys
import tempfile
import threading
import unittest

from harness import PROGRAMS, Agent, Programs, wait_until

# Names of their own: the same programs run in tests beside this one, for longer.
LEAK = "reborn_leak"
WARM_UP = "reborn_warmup"
# A day lasts 72 s, the 48 h that a rise far from its limit has to last 144 s.
TIME_SCALE = 1 / 1200
LIFE_SECONDS = 60


class Supervisor:
    """Starts the programs again and again, each for LIFE_SECONDS. A context manager: leaving it ends all."""

    def __init__(self, names):
        self._names = names
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def _run(self):
        while not self._stopped.is_set():
            with Programs(self._names, f"--seconds={LIFE_SECONDS + 60}"):
                self._stopped.wait(LIFE_SECONDS)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._stopped.set()
        self._thread.join(30)


class RebornTest(unittest.TestCase):
    def setUp(self):
        folder = self.enterContext(tempfile.TemporaryDirectory())
        self.programs = [os.path.join(folder, name) for name in (LEAK, WARM_UP)]
        for program, scenario in zip(self.programs, ("e2e_steady_leak", "e2e_warmup")):
            os.symlink(os.path.abspath(os.path.join(PROGRAMS, scenario)), program)

    def test_lives_that_grew_alike_add_up(self):
        seen = {}

        def leaking_of(agent, name):
            for suspect in agent.api("suspects")["suspects"]:
                if suspect["subject"].get("comm") == name:
                    seen[name, suspect["state"]] = suspect["reason"]
                    if suspect["state"] == "leaking":
                        return suspect
            return None

        with Agent("--collection.interval=1s", f"--trend.time_scale={TIME_SCALE:.7f}", "--trend.limit=64GiB") as agent, \
                Supervisor(self.programs):
            leak = wait_until(lambda: leaking_of(agent, WARM_UP) or leaking_of(agent, LEAK), 420,
                              lambda: f"the leak is found; seen: {seen}")
            self.assertEqual(leak["subject"]["comm"], LEAK, seen)
            runs = [entry for entry in leak["evidence"] if entry["kind"] == "earlier_runs"]
            self.assertEqual(len(runs), 1, leak)
            self.assertGreaterEqual(runs[0]["runs"], 1)
            self.assertGreater(runs[0]["seconds"], 0)
            self.assertIn("that grew alike", leak["reason"])


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1], verbosity=2)
