#!/usr/bin/env python3
"""service_test.py UNIT README: the unit file grants what the documents say, is as closed as they say, and uses nothing that
would blind the agent."""

import re
import subprocess
import sys
import unittest

UNIT, README = sys.argv[1:3] if len(sys.argv) > 2 else ("", "")
THRESHOLD = 25  # the tool's own scale, times ten
# With each of these it would see itself alone, a part of /proc, or no victim of the OOM killer.
BLINDING = ("ProtectProc", "ProcSubset", "PrivateUsers", "ProtectKernelLogs", "CPUQuota", "PrivateNetwork", "DynamicUser")


def read(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


def values(key):
    return re.findall(rf"^{key}=(.*)$", read(UNIT), re.M)


class ServiceTest(unittest.TestCase):
    def test_systemd_finds_it_closed_enough(self):
        done = subprocess.run(["systemd-analyze", "security", "--offline=true", "--no-pager", f"--threshold={THRESHOLD}", UNIT],
                              capture_output=True, text=True, timeout=50, check=False)
        print(done.stdout.strip().splitlines()[-1])
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        score = re.search(r"exposure level for heapfloor.service: ([\d.]+)", done.stdout).group(1)
        self.assertIn(f"`systemd-analyze security heapfloor` gives {score} ", read(README))

    def test_it_has_the_capabilities_that_are_documented_and_no_others(self):
        documented = re.findall(r"^\| `(CAP_\w+)`", read(README), re.M)
        self.assertEqual(values("AmbientCapabilities"), [" ".join(documented)])
        self.assertEqual(values("CapabilityBoundingSet"), [" ".join(documented)])

    def test_nothing_blinds_it(self):
        for key in BLINDING:
            self.assertEqual(values(key), [], key)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1], verbosity=2)
