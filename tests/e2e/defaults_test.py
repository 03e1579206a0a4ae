#!/usr/bin/env python3
"""defaults_test.py AGENT PROGRAMS: with nothing configured, what leaks is suspected within minutes, and nothing else leaks."""

import sys
import unittest

import harness

DEADLINE_SECONDS = 13 * 60
LEAKING = ("e2e_steady_leak", "e2e_map_leak", "e2e_sawtooth_leak")
QUIET = ("e2e_flat", "e2e_warmup", "e2e_sawtooth")
RATE_KIB = 384


class DefaultsTest(unittest.TestCase):
    def test_what_leaks_is_suspected_and_nothing_else_is_called_leaking(self):
        with harness.Agent() as agent, harness.Programs(LEAKING + QUIET, "--seconds=900",
                                                        f"--rate-kib={RATE_KIB}") as programs:
            suspected = set()

            def all_suspected():
                self.assertIsNone(harness.suspect_of(agent, programs.pid("e2e_flat")))
                for name in QUIET:
                    suspect = harness.suspect_of(agent, programs.pid(name))
                    self.assertNotEqual(suspect and suspect["state"], "leaking", name)
                for name in LEAKING:
                    suspect = harness.suspect_of(agent, programs.pid(name))
                    if suspect and name not in suspected:
                        suspected.add(name)
                        self.assertIn(suspect["state"], ("suspected", "leaking"))
                        self.assertGreater(suspect["growth_bytes_per_second"]["estimate"], 0.4 * RATE_KIB * 1024, name)
                        self.assertTrue(suspect["reason"])
                return suspected == set(LEAKING)

            harness.wait_until(all_suspected, DEADLINE_SECONDS,
                               lambda: "suspected: " + (", ".join(sorted(suspected)) or "none"))


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1], verbosity=2)
