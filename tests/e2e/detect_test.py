#!/usr/bin/env python3
"""detect_test.py AGENT PROGRAMS: a day's judgement in minutes. Eight programs run side by side under an agent at one
second and a sixtieth of every time constant; exactly the three that leak may ever be called leaking."""

import sys
import time
import unittest
from collections import defaultdict

import harness

LEAKING = ("e2e_steady_leak", "e2e_map_leak", "e2e_sawtooth_leak")
QUIET = ("e2e_warmup", "e2e_sawtooth", "e2e_fork_workers", "e2e_dies", "e2e_flat")
LIMIT_BYTES = 512 << 20
RATE_BYTES_PER_SECOND = 1 << 20
DEADLINE_SECONDS = 360
# The quiet ones are watched at least so long: the warm-up has been flat for ten of its time constants by then.
OBSERVE_SECONDS = 180


class DetectTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.agent = cls.enterClassContext(harness.Agent(
            "--collection.interval=1s", "--trend.time_scale=0.0166667", f"--trend.limit={LIMIT_BYTES >> 20}MiB"))
        cls.programs = cls.enterClassContext(harness.Programs(LEAKING + QUIET, "--seconds=600"))
        cls.states = defaultdict(set)  # of the quiet ones, by comm: their workers come and go
        cls.reasons = {}
        cls.suspects = {}  # of the leaking ones, by name, as first seen leaking
        try:
            cls.watch()
        except BaseException:
            cls.agent.print_log()
            raise

    @classmethod
    def observe(cls):
        """Notes every state that a quiet program is in, and which leaking ones have been found."""
        for row in cls.agent.api("subjects?search=e2e_&limit=1000")["subjects"]:
            if row.get("state"):
                cls.states[row["subject"]["comm"]].add(row["state"])
        for suspect in cls.agent.api("suspects")["suspects"]:
            if suspect["scope"] != "process":
                continue
            comm, pid = suspect["subject"]["comm"], suspect["subject"]["pid"]
            cls.states[comm].add(suspect["state"])
            if suspect["state"] == "leaking":
                cls.reasons[comm] = suspect["reason"]
                for name in LEAKING:
                    if pid == cls.programs.pid(name):
                        cls.suspects.setdefault(name, suspect)
        return len(cls.suspects) == len(LEAKING)

    @classmethod
    def watch(cls):
        started = time.monotonic()
        harness.wait_until(
            lambda: cls.observe() and time.monotonic() - started > OBSERVE_SECONDS, DEADLINE_SECONDS,
            lambda: f"leaking are {sorted(cls.suspects)}, states {dict(cls.states)}")

    def test_every_leaking_program_is_leaking(self):
        self.assertEqual(set(self.suspects), set(LEAKING))

    def test_no_quiet_program_was_ever_leaking(self):
        for name in QUIET:
            with self.subTest(program=name):
                comm = harness.comm_of(name)
                self.assertNotIn("leaking", self.states[comm], self.reasons.get(comm))

    def test_every_program_was_watched(self):
        for name in LEAKING + QUIET:
            with self.subTest(program=name):
                self.assertTrue(self.states[harness.comm_of(name)])

    def test_the_rate_of_a_leak_is_measured(self):
        for name in ("e2e_steady_leak", "e2e_sawtooth_leak"):
            with self.subTest(program=name):
                growth = self.suspects[name]["growth_bytes_per_second"]
                self.assertLessEqual(growth["low"], growth["estimate"])
                self.assertLessEqual(growth["estimate"], growth["high"])
                self.assertGreater(growth["estimate"], 0.5 * RATE_BYTES_PER_SECOND)
                self.assertLess(growth["estimate"], 2 * RATE_BYTES_PER_SECOND)

    def test_a_leak_has_a_forecast_against_the_limit(self):
        for name, suspect in self.suspects.items():
            with self.subTest(program=name):
                forecast = suspect["predicted_exhaustion"]
                self.assertEqual(forecast["limit_bytes"], LIMIT_BYTES)
                self.assertGreater(forecast["at"], suspect["since"])
                self.assertTrue(suspect["reason"])

    def test_the_page_for_prometheus_says_leaking(self):
        for name in LEAKING:
            with self.subTest(program=name):
                pid = self.programs.pid(name)
                values = [v for n, l, v in self.agent.metrics()
                          if n == "heapfloor_leak_state" and harness.subject_pid(l["subject"]) == pid
                          and l["state"] == "leaking"]
                self.assertEqual(values, [1])

    def test_an_alert_fires_for_every_leak(self):
        def firing():
            return {harness.subject_pid(alert["labels"].get("subject", ""))
                    for alert in self.agent.api("alerts")["alerts"] if alert["state"] == "firing"}

        wanted = {self.programs.pid(name) for name in LEAKING}
        harness.wait_until(lambda: wanted <= firing(), 90, lambda: f"of {wanted} alerts fire for {firing()}")

    def test_the_agent_itself_is_well(self):
        self.assertEqual(set(self.agent.metric("heapfloor_collector_success")), {1.0})
        self.assertEqual(sum(self.agent.metric("heapfloor_series_dropped_total")), 0)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1], verbosity=2)
