#!/usr/bin/env python3
"""defaults_test.py AGENT PROGRAMS: with nothing configured, a steady leak is suspected within minutes and a flat program is not."""

import sys
import unittest

import harness

DEADLINE_SECONDS = 12 * 60


class DefaultsTest(unittest.TestCase):
    def test_a_steady_leak_is_suspected_and_a_flat_program_is_not(self):
        with harness.Agent() as agent, harness.Programs(("e2e_steady_leak", "e2e_flat"), "--seconds=900",
                                                        "--rate-kib=384") as programs:
            leak, flat = programs.pid("e2e_steady_leak"), programs.pid("e2e_flat")

            def suspected():
                self.assertIsNone(harness.suspect_of(agent, flat))
                return harness.suspect_of(agent, leak)

            suspect = harness.wait_until(suspected, DEADLINE_SECONDS, "the steady leak is suspected")
            self.assertIn(suspect["state"], ("suspected", "leaking"))
            self.assertGreater(suspect["growth_bytes_per_second"]["estimate"], 0.5 * 384 * 1024)
            self.assertTrue(suspect["reason"])


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1], verbosity=2)
