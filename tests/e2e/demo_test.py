#!/usr/bin/env python3
"""demo_test.py AGENT PROGRAMS: what packaging/demo tells is true.

It is run as a user would run it, quickly; what it printed is held against what its services do by their sources: the rates,
the functions, the structure, who is repaired and who never leaked. Nothing of it runs on afterwards.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

import harness

EXAMPLES = os.path.join(os.path.dirname(os.path.abspath(__file__)), os.pardir, os.pardir, "packaging/examples")
SECONDS = 330
# By their sources: MiB a second.
RATES = {"sessions": 1.0, "mailer": 1.0, "report": 1.0, "basket": 1.0, "orders": 1.0}
PROFILED = {"sessions": "SessionCache::open()", "mailer": "write_letter"}
NEEDS = {"basket": "go", "orders": "javac"}


def seconds_after(first, second):
    """From one time of day to the next time that it is another."""
    times = [sum(int(part) * scale for part, scale in zip(text.split(":"), (3600, 60, 1))) for text in (first, second)]
    return (times[1] - times[0]) % 86400


class DemoTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.work = cls.enterClassContext(tempfile.TemporaryDirectory())
        done = subprocess.run([sys.executable, os.path.join(EXAMPLES, "demo.py"), "--agent", harness.AGENT, "--work", cls.work, "--quick"],
                              capture_output=True, text=True, timeout=SECONDS, check=False, stdin=subprocess.DEVNULL)
        cls.code = done.returncode
        cls.printed, cls.errors = done.stdout, done.stderr
        cls.told = " ".join(done.stdout.split())
        cls.leaking = [name for name in RATES if name not in NEEDS or shutil.which(NEEDS[name])]
        cls.pids = {name: int(pid) for name, pid in re.findall(r"(\w+) \(pid (\d+)\):", cls.told)}
        if cls.code:
            print(cls.printed, cls.errors, sep="\n", file=sys.stderr)

    def test_it_went_as_it_should(self):
        self.assertEqual(self.code, 0)
        self.assertEqual(self.pids.keys(), {*self.leaking, "healthy"})

    def test_every_leak_is_told_with_its_rate(self):
        for name in self.leaking:
            with self.subTest(service=name):
                self.assertIn(f"{name} is SUSPECTED: ", self.told)
                rate = re.search(rf"\b{name} is LEAKING: it grows by ([0-9.]+) MiB/s \(([0-9.]+) to ([0-9.]+)\) and holds ([0-9.]+) MiB\.", self.told)
                self.assertIsNotNone(rate, self.printed)
                self.assertAlmostEqual(float(rate.group(1)), RATES[name], delta=0.3 * RATES[name])

    def test_a_death_is_told_within_its_bounds_and_by_its_limit(self):
        deaths = re.findall(r"It dies at (\d\d:\d\d:\d\d) \(between (\d\d:\d\d:\d\d) and (\d\d:\d\d:\d\d|never)\), when it meets its limit of "
                            r"([0-9.]+) MiB \((\w+)\)", self.told)
        self.assertEqual(len(deaths), len(self.leaking), self.printed)
        self.assertLessEqual({source for *_, source in deaths}, {"configured", "go", "jvm"})
        for at, earliest, latest, *_ in deaths:
            self.assertLess(seconds_after(earliest, at), 600)
            if latest != "never":
                self.assertLess(seconds_after(at, latest), 900)

    def test_the_structure_that_grows_is_that_of_the_source(self):
        self.assertRegex(self.told, r"sessions: the structure that grows is session_cache, (9\d|100)% of the growth")

    def test_the_function_of_a_go_service_is_told_with_its_place(self):
        if "basket" not in self.leaking:
            self.skipTest("there is no Go")
        [told] = re.findall(r"basket: the function that grows is main\.addToBasket \(main\.go:(\d+)\), \d+% of the growth", self.told)
        with open(os.path.join(EXAMPLES, "basket/main.go"), encoding="utf-8") as source:
            [body] = [number for number, line in enumerate(source, 1) if "make([]byte, itemBytes)}" in line]
        self.assertEqual(int(told), body)

    def test_the_alert_has_its_text(self):
        self.assertRegex(self.told, r"The alert HeapfloorLeak fires for sessions \(\w+\); .*? would be told: (the [\w ]+ of )?sessions leaks memory\. "
                         rf"The heap floor of (the [\w ]+ of )?sessions \(pid {self.pids['sessions']}\) stands at \d+ MiB and rises by ")

    def test_what_is_captured_is_named_and_the_profile_names_the_function(self):
        for file in ("suspect.json", "series.json", "smaps.txt", "heap.pb.gz"):
            self.assertIn(file, self.told)
        if shutil.which("go"):
            for name, function in PROFILED.items():
                profile = self.printed[self.printed.index(f"/processes/{self.pids[name]}/debug/pprof/heap"):]
                self.assertRegex(profile[:profile.index("[ ")], rf"% +{re.escape(function)}")
        if "orders" in self.leaking:
            self.assertRegex(self.told, r"heapfloor histogram --pid \d+ --yes --live .*Orders\$Order")
        self.assertRegex(self.told, r"report: All of the growth is anonymous memory that nothing tells apart without a probe\.")

    def test_what_is_repaired_recovers_and_what_is_healthy_was_never_called_leaking(self):
        went = dict(re.findall(r"(\w+): ([a-z]+(?: > [a-z]+)*)", self.told.partition("How it went: ")[2]))
        self.assertRegex(went["sessions"], r"suspected > leaking > recovering > stable$")
        self.assertIn("sessions is RECOVERING", self.told)
        self.assertIn("sessions is STABLE", self.told)
        self.assertNotIn("leaking", went["healthy"])
        self.assertIn("The alert of sessions has ended.", self.told)

    def test_nothing_of_it_runs_on(self):
        address = re.search(r"http://(127\.0\.0\.1:\d+)/", self.told).group(1)
        with open("/proc/net/tcp", encoding="ascii") as sockets:
            listening = {line.split()[1] for line in sockets if line.split()[3] == "0A"}
        self.assertNotIn(f"0100007F:{int(address.rpartition(':')[2]):04X}", listening)
        for pid in self.pids.values():
            self.assertFalse(self.is_of_the_demo(pid), pid)

    def is_of_the_demo(self, pid):
        """A pid may be somebody else's by now."""
        try:
            with open(f"/proc/{pid}/cmdline", encoding="utf-8", errors="replace") as file:
                return self.work in file.read()
        except OSError:
            return False


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1], verbosity=2)
