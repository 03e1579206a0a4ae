#!/usr/bin/env python3
"""go_test.py AGENT PROGRAMS: Go services with nothing changed in them, under an agent at one second and a 120th of every time
constant.

A map of large users, a map whose keys are pointers, a sync.Map, goroutines that never end and small pieces of large slices
leak; a bounded cache, a cache whose entries expire and a service that warms up do not. A leak that is repaired recovers,
which takes a season of quiet: a second agent has seasons of an hour.
"""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest

import harness

SOURCES = os.path.join(os.path.dirname(os.path.abspath(__file__)), "programs", "go")
LIMIT_BYTES = 256 << 20
RATE_BYTES_PER_SECOND = 1 << 20
# Of the limit the runtime has that much for itself: 11 to 15 MiB were measured.
OWN_BYTES = 12 << 20
# A goroutine of the program takes 4,522 bytes with its stack, where 4,096 are counted.
LEAKED_SHARE = {"goroutine": 4522 / 4096}
OPTIONS = ("--collection.interval=1s", "--trend.time_scale=0.00833333")
SHORT_SEASON = ("--trend.season_hours=1",)
# What leaks, and the function that allocates it.
LEAKING = {"users": "main.holdUser", "sessions": "main.holdSession", "syncmap": "main.holdForever",
           "goroutine": "main.handle", "subslice": "main.keepHeader"}
REPAIRED = "repaired"
HEALTHY = ("lru", "ttl", "warmup")
# As go builds by default, for another address at each start, without debugging information, and as most services are built.
BUILDS = {"sessions": ("-buildmode=pie",), "syncmap": ("-ldflags=-w",), "lru": ("-buildmode=pie",),
          "users": ("-ldflags=-s -w",), "goroutine": ("-buildmode=pie", "-ldflags=-s -w")}
WATCHED_SECONDS = 150
DEADLINE_SECONDS = 210


class GoTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = cls.enterClassContext(tempfile.TemporaryDirectory())
        cls.agent = cls.enterClassContext(harness.Agent(*OPTIONS))
        cls.other_agent = cls.enterClassContext(harness.Agent(*OPTIONS, *SHORT_SEASON))
        cls.services, cls.pids, cls.started = {}, {}, {}
        for kind in (*LEAKING, REPAIRED, *HEALTHY):
            cls.start(kind, BUILDS.get(kind, ()))
        cls.start("unknown", BUILDS["users"], "lru", is_of_other_version=True)
        cls.leaking, cls.forecasts, cls.states, cls.last, cls.changes = {}, {}, {}, {}, []
        cls.alerts = []
        cls.named = {}  # suspects of whose sites the fastest has a name, as they were last
        try:
            begun = time.monotonic()
            harness.wait_until(lambda: cls.observe() and time.monotonic() - begun > WATCHED_SECONDS, DEADLINE_SECONDS,
                               lambda: f"leaking are {sorted(cls.leaking)}, states {cls.states}, changes {cls.changes}")
        except BaseException:
            cls.agent.print_log()
            raise

    @classmethod
    def start(cls, name, build, kind=None, is_of_other_version=False):
        program = os.path.join(cls.folder, "service" + "".join(build).replace(" ", "") + ("other" if is_of_other_version else ""))
        if not os.path.exists(program):
            environment = dict(os.environ, GOFLAGS="-mod=mod", GOCACHE=os.path.join(cls.folder, "cache"))
            subprocess.run(["go", "build", *build, "-o", program, "."], cwd=SOURCES, env=environment, check=True, timeout=120)
            if is_of_other_version:
                harness.forge_go_version(program)
        process = subprocess.Popen(
            ["nice", "-n", "5", program, kind or name, "240", str(RATE_BYTES_PER_SECOND), "1"],
            env=dict(os.environ, GOMEMLIMIT=str(LIMIT_BYTES), GOMAXPROCS="2"), stdin=subprocess.DEVNULL)
        cls.addClassCleanup(process.wait)
        cls.addClassCleanup(process.kill)
        cls.services[process.pid] = name
        cls.pids[name] = process.pid
        cls.started[name] = time.time()

    @classmethod
    def observe(cls):
        """Notes the states of each service, and what is said of a leak while half of the memory is left."""
        now = {}
        for suspect in cls.agent.api("suspects")["suspects"]:
            service = cls.services.get(suspect["subject"].get("pid"))
            if service is None:
                continue
            cls.states.setdefault(service, set()).add((suspect["scope"], suspect["signal"], suspect["state"]))
            now.setdefault(service, []).append((suspect["scope"], suspect["state"], suspect["reason"]))
            if suspect["scope"] != "go" or suspect["state"] != "leaking":
                continue
            cls.leaking.setdefault(service, suspect)
            if any(site["function"] for site in suspect["sites"][:1]):
                cls.named[service] = suspect
            if suspect["predicted_exhaustion"] and suspect["value"] < LIMIT_BYTES / 2:
                cls.forecasts[service] = (time.time(), suspect)
        cls.last = now
        cls.alerts = cls.agent.api("alerts")["alerts"]
        cls.observe_repaired()
        return (set(LEAKING) <= set(cls.leaking) and set(LEAKING) <= set(cls.named)
                and cls.changes[-1:] == ["stable"])

    @classmethod
    def observe_repaired(cls):
        """Notes the states of the one that is repaired, and repairs it when it is found leaking."""
        pid = cls.pids[REPAIRED]
        rows = cls.other_agent.api("subjects?scope=go&limit=1000")["subjects"]
        states = [row["state"] for row in rows if row["subject"].get("pid") == pid and row["signal"] == "gc_live"]
        if not states or cls.changes[-1:] == states:
            return
        cls.changes += states
        if states == ["leaking"]:
            os.kill(pid, signal.SIGUSR1)

    def test_every_leak_is_found_by_what_lives_after_collections(self):
        self.assertEqual(set(self.leaking) - {REPAIRED}, set(LEAKING))
        for suspect in self.leaking.values():
            self.assertEqual((suspect["signal"], suspect["basis"]), ("gc_live", "gc_live"))

    def test_a_suspect_names_the_function_that_allocates_what_grows(self):
        self.assertLessEqual(set(LEAKING), set(self.named))
        for service, function in LEAKING.items():
            with self.subTest(service=service):
                suspect = self.named[service]
                site = suspect["sites"][0]
                self.assertEqual(site["function"], function, suspect["sites"])
                self.assertTrue(site["file"].endswith("/service.go"), site)
                self.assertGreater(site["line"], 0)
                self.assertGreater(site["growth_bytes_per_second"]["estimate"], RATE_BYTES_PER_SECOND / 3)
                self.assertRegex(suspect["cause_summary"], rf"of the growth is .*\b{function} \(service\.go:\d+\)")

    def test_the_growth_of_sites_is_on_the_metrics_page(self):
        grown = self.agent.metric("heapfloor_leak_site_growth_bytes_per_second", group="service")
        self.assertGreater(max(grown), RATE_BYTES_PER_SECOND / 3)

    def test_a_heap_profile_is_captured_when_a_program_is_called_leaking(self):
        for service in LEAKING:
            with self.subTest(service=service):
                captures = [capture for capture in self.named[service]["captures"] if capture["occasion"] == "leaking"]
                self.assertIn("heap.pb.gz", captures[0]["files"])

    def test_an_alert_leads_to_the_profile_and_the_runbook(self):
        links = [alert["links"] for alert in self.agent.api("alerts")["alerts"]
                 if alert["labels"]["scope"] == "go" and alert["labels"]["alertname"] == "HeapfloorLeak"]
        captured = [link for link in links if link["profile"]]
        self.assertGreaterEqual(len(captured), 1, links)
        status, _, profile = self.agent.request("/" + captured[0]["profile"])
        self.assertEqual((status, profile[:2]), (200, b"\x1f\x8b"))
        self.assertEqual(captured[0]["flame_graph"], captured[0]["chart"] + "?show=profile")
        status, _, runbook = self.agent.request("/" + captured[0]["runbook"])
        self.assertEqual(status, 200)
        self.assertIn(b"<h1>HeapfloorLeak</h1>", runbook)

    def test_goroutines_that_never_end_are_named_as_what_grows(self):
        for service in LEAKING:
            with self.subTest(service=service):
                gained = [entry for entry in self.forecasts[service][1]["evidence"] if entry["kind"] == "goroutines"]
                self.assertEqual(len(gained), 1 if service == "goroutine" else 0)
                for entry in gained:
                    self.assertGreater(entry["now"], entry["before"] + 1000)
                    self.assertGreater(entry["stack_share"], 0.3)

    def test_where_goroutines_that_never_end_wait_is_said(self):
        suspect = self.named["goroutine"]
        waits = next(entry["waits"] for entry in suspect["evidence"] if entry["kind"] == "goroutines")
        self.assertEqual(waits["source"], "memory")
        first = waits["places"][0]
        self.assertEqual((first["at"]["function"], first["reason"]), ("main.handle.func1", "chan receive"))
        self.assertEqual(first["started_at"]["function"], "main.handle")
        self.assertGreater(first["goroutines"], 0.9 * waits["goroutines"])
        self.assertRegex(suspect["explanation"], r"goroutines wait in main\.handle\.func1 \(service\.go:\d+\) for a channel receive, "
                                                 r"started at main\.handle \(service\.go:\d+\)")
        described = [alert["annotations"]["description"] for alert in self.alerts
                     if alert["labels"]["alertname"] == "HeapfloorLeak"]
        self.assertTrue(any("goroutines wait in main.handle.func1" in text for text in described), described)

    def test_exhaustion_is_forecast_before_half_of_the_memory_is_used(self):
        self.assertLessEqual(set(LEAKING), set(self.forecasts))
        for service in LEAKING:
            with self.subTest(service=service):
                told, suspect = self.forecasts[service]
                rate = RATE_BYTES_PER_SECOND * LEAKED_SHARE.get(service, 1)
                true = self.started[service] + (LIMIT_BYTES - OWN_BYTES) / rate
                forecast = suspect["predicted_exhaustion"]
                self.assertLess(abs(forecast["at"] - true), 0.2 * (true - told), (forecast, true, told))

    def test_a_leak_that_is_repaired_recovers_and_is_stable(self):
        self.assertEqual(self.changes[self.changes.index("leaking"):], ["leaking", "recovering", "stable"])

    def test_a_healthy_service_is_never_leaking_and_not_suspected_at_the_end(self):
        for service in HEALTHY:
            with self.subTest(service=service):
                self.assertNotIn("leaking", {state for _, _, state in self.states.get(service, ())}, self.states.get(service))
                self.assertEqual([one for one in self.last.get(service, []) if one[1] != "recovering"], [])

    def test_what_cannot_be_read_is_counted_by_its_reason(self):
        self.assertGreaterEqual(self.agent.metric("heapfloor_unreadable_go_programs", reason="no_symbols")[0], 1)
        self.assertGreaterEqual(self.agent.metric("heapfloor_watched_go_programs")[0], len(self.services) - 1)


if __name__ == "__main__":
    if not shutil.which("go"):
        sys.exit(77)
    unittest.main(argv=sys.argv[:1], verbosity=2)
