#!/usr/bin/env python3
"""jvm_test.py AGENT PROGRAMS: Java services under each collector, with nothing changed in them, under an agent at one second
and a sixtieth of every time constant.

A static map, listeners and a thread-local list leak; a cache of soft references and a bounded cache do not. A leak that
is repaired recovers, which takes a season of quiet: a second agent has seasons of an hour, at a 120th of every constant.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
import unittest

import harness

SOURCE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "programs", "java", "Service.java")
HEAP_BYTES = 256 << 20
RATE_BYTES_PER_SECOND = 512 << 10
BLOCK_BYTES = 4096
# An array has a header of 16 bytes; a map has a node of 32, a boxed key of 16 and about 8 of its table.
# Measured at eight times this rate: each collector fails with 239 to 262 MiB leaked into a heap of 256.
LEAKED_SHARE = (BLOCK_BYTES + 16 + 56) / BLOCK_BYTES
SECRET = "hunter2"
OPTIONS = ("--collection.interval=1s", "--trend.time_scale=0.0166667")
SHORT_SEASON = ("--collection.interval=1s", "--trend.time_scale=0.00833333", "--trend.season_hours=1",
                "--alerts.hold=1s", "--alerts.resolve_hold=5s")
COLLECTORS = {"serial": "Serial", "parallel": "Parallel", "g1": "G1", "zgc": "Z"}
LEAKING = [("map", "serial"), ("map", "parallel"), ("map", "g1"), ("map", "zgc"), ("listener", "g1"), ("threadlocal", "parallel")]
HEALTHY = [("bounded", "serial"), ("bounded", "parallel"), ("bounded", "g1"), ("bounded", "zgc"), ("soft", "parallel"), ("soft", "g1")]
# All of the heap is resident from the start: what leaks in it shows nowhere else.
HEAP = (f"-Xms{HEAP_BYTES >> 20}m", f"-Xmx{HEAP_BYTES >> 20}m", "-XX:+AlwaysPreTouch")
FEW_THREADS = ("-XX:ParallelGCThreads=1", "-XX:ConcGCThreads=1", "-XX:CICompilerCount=2")
# No file of their counters is mapped: they are found in the memory of the process.
WITHOUT_FILE = "-XX:+PerfDisableSharedMem"
OF_SERVICE = {("threadlocal", "parallel"): (WITHOUT_FILE,)}
# By default ZGC leaves a quarter of a page's memory to garbage, and its heap is full the sooner.
OF_COLLECTOR = {"zgc": ("-XX:ZFragmentationLimit=5",)}
FORECAST_ERROR = 0.2  # of the time that is left
WATCHED_SECONDS = 225
DEADLINE_SECONDS = 240


class JvmTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        classes = cls.enterClassContext(tempfile.TemporaryDirectory())
        subprocess.run(["javac", "-d", classes, SOURCE], check=True, timeout=60)
        cls.agent = cls.enterClassContext(harness.Agent(*OPTIONS))
        cls.services, cls.started = {}, {}
        for service in LEAKING + HEALTHY:
            cls.start(classes, service)
        # As long as all of them, and of collectors that no other has.
        cls.hidden = cls.run_java(classes, "-XX:+UseShenandoahGC", WITHOUT_FILE, "-Xms32m", "-Xmx32m")
        cls.run_java(classes, "-XX:+UseSerialGC", "-XX:-UsePerfData", "-Xmx32m")
        cls.other_agent = cls.enterClassContext(harness.Agent(*SHORT_SEASON))
        cls.repaired = cls.run_java(classes, "-XX:+UseG1GC", *HEAP, kind="repaired", rate=RATE_BYTES_PER_SECOND, collect_seconds=1,
                                    stdin=subprocess.PIPE)
        cls.addClassCleanup(cls.repaired.stdin.close)
        cls.changes, cls.firing, cls.alerts_at_end = [], set(), None
        cls.leaking, cls.forecasts, cls.states, cls.last = {}, {}, {}, {}
        try:
            begun = time.monotonic()
            harness.wait_until(lambda: cls.observe() and time.monotonic() - begun > WATCHED_SECONDS, DEADLINE_SECONDS,
                               lambda: f"leaking are {sorted(cls.leaking)}, states {cls.states}, changes {cls.changes}")
        except BaseException:
            cls.agent.print_log()
            raise

    @classmethod
    def start(cls, classes, service):
        kind, collector = service
        process = cls.run_java(classes, f"-XX:+Use{COLLECTORS[collector]}GC", *HEAP, *OF_COLLECTOR.get(collector, ()),
                               *OF_SERVICE.get(service, ()), kind=kind, rate=RATE_BYTES_PER_SECOND, collect_seconds=3)
        cls.services[process.pid] = service
        cls.started[service] = time.time()

    @classmethod
    def run_java(cls, classes, *options, kind="bounded", rate=0, collect_seconds=1000,
                 stdin=subprocess.DEVNULL):
        process = subprocess.Popen(
            ["nice", "-n", "5", "java", *options, *FEW_THREADS, f"-Dtoken={SECRET}", "-cp", classes, "Service", kind, "280",
             str(rate), str(collect_seconds)], stdin=stdin, stdout=subprocess.DEVNULL)
        cls.addClassCleanup(process.wait)
        cls.addClassCleanup(process.kill)
        return process

    @classmethod
    def observe(cls):
        """Notes the states of each service, and what is said of a leak while half of the heap is left."""
        now = {}
        for suspect in cls.agent.api("suspects")["suspects"]:
            service = cls.services.get(suspect["subject"].get("pid"))
            if service is None:
                continue
            cls.states.setdefault(service, set()).add((suspect["scope"], suspect["signal"], suspect["state"]))
            now.setdefault(service, []).append((suspect["scope"], suspect["state"], suspect["reason"]))
            if suspect["scope"] != "jvm" or suspect["state"] != "leaking":
                continue
            cls.leaking.setdefault(service, suspect)
            forecast = suspect["predicted_exhaustion"]
            if forecast and suspect["value"] < HEAP_BYTES / 2:
                cls.forecasts[service] = (time.time(), suspect)
        cls.last = now
        cls.observe_repaired()
        return set(LEAKING) <= set(cls.leaking) and cls.changes[-1:] == ["stable"] and not cls.alerts_at_end

    @classmethod
    def observe_repaired(cls):
        """Notes the states of the one that is repaired, and switches its eviction on when its alert fires."""
        pid = cls.repaired.pid
        cls.alerts_at_end = [alert["labels"]["alertname"] for alert in cls.other_agent.api("alerts")["alerts"]
                             if alert["state"] == "firing" and alert["labels"].get("subject", "").startswith(f"jvm:{pid}:")]
        if cls.alerts_at_end and not cls.firing:
            cls.repaired.stdin.write(b"\n")
            cls.repaired.stdin.flush()
        cls.firing.update(cls.alerts_at_end)
        rows = cls.other_agent.api("subjects?scope=jvm&limit=1000")["subjects"]
        states = [row["state"] for row in rows if row["subject"].get("pid") == pid and row["signal"] == "gc_live"]
        if states and cls.changes[-1:] != states:
            cls.changes += states

    def test_every_leak_is_found_by_what_lives_after_collections(self):
        self.assertEqual(set(self.leaking), set(LEAKING))
        for (_, collector), suspect in self.leaking.items():
            self.assertEqual(suspect["collector"], collector)
            self.assertEqual((suspect["signal"], suspect["basis"]), ("gc_live", "gc_live"))

    def test_exhaustion_is_forecast_before_half_of_the_heap_is_used(self):
        self.assertEqual(set(self.forecasts), set(LEAKING))
        for service, (told, suspect) in self.forecasts.items():
            with self.subTest(service=service):
                forecast = suspect["predicted_exhaustion"]
                rate = RATE_BYTES_PER_SECOND * LEAKED_SHARE
                true = self.started[service] + HEAP_BYTES / rate
                self.assertLess(abs(forecast["at"] - true), FORECAST_ERROR * (true - told), (forecast, true, told))

    def test_a_leak_that_is_repaired_recovers_and_is_stable_and_its_alert_ends(self):
        self.assertEqual(self.changes[self.changes.index("leaking"):], ["leaking", "recovering", "stable"])
        self.assertIn("HeapfloorLeak", self.firing)
        self.assertEqual(self.alerts_at_end, [])

    def test_a_healthy_service_is_never_leaking_and_not_suspected_at_the_end(self):
        for service in HEALTHY:
            with self.subTest(service=service):
                self.assertNotIn("leaking", {state for _, _, state in self.states.get(service, ())}, self.states.get(service))
                self.assertEqual([one for one in self.last.get(service, []) if one[1] != "recovering"], [])

    def test_every_collector_tells_its_pools_and_collections(self):
        samples = self.agent.metrics()
        for collector in COLLECTORS:
            with self.subTest(collector=collector):
                of = {name: value for name, labels, value in samples
                      if name.startswith("heapfloor_jvm_") and (labels.get("collector"), labels["group"]) == (collector, "Service")}
                self.assertGreater(of["heapfloor_jvm_old_collections_total"], 3)
                self.assertEqual(of["heapfloor_jvm_heap_limit_bytes"] % HEAP_BYTES, 0)
        pools = {labels["pool"] for name, labels, value in samples if name == "heapfloor_jvm_memory_used_after_gc_bytes"}
        self.assertEqual(pools, {"old", "heap"})

    def test_counters_that_no_file_shows_are_those_that_the_jvm_tells_itself(self):
        told = subprocess.run(["jcmd", str(self.hidden.pid), "GC.heap_info"], check=True, capture_output=True, text=True, timeout=30).stdout
        most, committed = re.search(r"(\d+)K max, .*?(\d+)K committed", told).groups()
        self.assertEqual(self.agent.metric("heapfloor_jvm_heap_limit_bytes", collector="shenandoah"), [int(most) * 1024])
        self.assertEqual(self.agent.metric("heapfloor_jvm_heap_committed_bytes", collector="shenandoah"), [int(committed) * 1024])
        asked = subprocess.run(["jstat", "-gc", str(self.hidden.pid)], capture_output=True, text=True, timeout=30)
        self.assertNotEqual(asked.returncode, 0, "no file shows them")

    def test_a_jvm_that_keeps_no_counters_is_counted(self):
        self.assertGreaterEqual(self.agent.metric("heapfloor_unreadable_jvms", reason="no_counters")[0], 1)

    def test_no_argument_of_a_program_is_told(self):
        for path in ("/metrics", "/api/v1/suspects", "/api/v1/subjects?limit=1000"):
            _, _, page = self.agent.request(path)
            self.assertIn(b"jvm", page)
            self.assertFalse(SECRET.encode() in page, path)


if __name__ == "__main__":
    if not shutil.which("javac"):
        sys.exit(77)
    unittest.main(argv=sys.argv[:1], verbosity=2)
