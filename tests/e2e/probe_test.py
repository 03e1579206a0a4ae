#!/usr/bin/env python3
"""probe_test.py AGENT PROGRAMS: services with a probe in them, under an agent at one second and a sixtieth of every time constant.

The same leaking service runs over glibc, jemalloc and tcmalloc: of its four maps the one that grows is named, with its phase and
the function that fills it. A program whose resident memory grows by fragmentation alone is never called leaking. A service that
was killed still has its profile.
"""

import glob
import gzip
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest

import harness

ALLOCATORS = {"glibc": "", "jemalloc": "libjemalloc.so.2", "tcmalloc": "libtcmalloc.so.4"}
LIMIT_BYTES = 512 << 20
RATE_BYTES_PER_SECOND = 1 << 20
DEADLINE_SECONDS = 420
OPTIONS = ("--collection.interval=1s", "--trend.time_scale=0.0166667", f"--trend.limit={LIMIT_BYTES >> 20}MiB")
FRAGMENTED_SECONDS = 240  # so long the fragmenting program is watched at least


def library(name):
    found = glob.glob(f"/usr/lib/*-linux-gnu/{name}")
    return found[0] if found else None


class ProbeTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.storage = cls.enterClassContext(tempfile.TemporaryDirectory())
        cls.agent = cls.enterClassContext(harness.Agent(*OPTIONS, storage=cls.storage))
        cls.services, cls.leaking, cls.states, cls.suspects, cls.causes = {}, {}, {}, {}, {}
        for allocator, file in ALLOCATORS.items():
            preload = library(file) if file else ""
            if preload is not None:
                cls.services[allocator] = cls.start([os.path.join(harness.PROGRAMS, "probe_service"), "--seconds=600"], LD_PRELOAD=preload, HEAPFLOOR_ARENAS="1")
        cls.fragmenting = cls.start([harness.AGENT, "run", "--", os.path.join(harness.PROGRAMS, "probe_fragmenting"), "--seconds=600"])
        try:
            started = time.monotonic()
            harness.wait_until(lambda: cls.observe() and time.monotonic() - started > FRAGMENTED_SECONDS and cls.retained() > 0.5,
                               DEADLINE_SECONDS, lambda: f"leaking are {sorted(cls.leaking)}, states {cls.states}, causes {cls.causes}")
        except BaseException:
            cls.agent.print_log()
            raise

    @classmethod
    def start(cls, command, **environment):
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, env={**os.environ, **environment})
        cls.addClassCleanup(process.wait)
        cls.addClassCleanup(process.kill)
        return process

    @classmethod
    def observe(cls):
        """Notes every state of every program, and how a service is told of when it is first called leaking."""
        for suspect in cls.agent.api("suspects")["suspects"]:
            pid = suspect["subject"].get("pid")
            cls.suspects[suspect["id"]] = suspect
            if suspect["cause"]:
                cls.causes.setdefault(pid, []).append(suspect["cause"])
            cls.states.setdefault(pid, set()).add((suspect["scope"], suspect["signal"], suspect["state"]))
            if suspect["state"] != "leaking":
                continue
            for allocator, service in cls.services.items():
                # Sites are read once a minute: until then nothing, or little, is known of them.
                is_explained = suspect["structures"] and suspect["sites"] and (suspect["sites"][0]["share"] or 0) > 0.5
                if pid == service.pid and is_explained:
                    cls.leaking.setdefault(allocator, suspect)
        return len(cls.leaking) == len(cls.services)

    @classmethod
    def retained(cls):
        """The share of its growth that the fragmenting program's allocator keeps, as it was told so far at most. What it
        grows by first, while it fills its heap, is live."""
        return max((cause["allocator_retention"] for cause in cls.causes.get(cls.fragmenting.pid, [])), default=0)

    def test_a_leak_is_found_with_every_allocator(self):
        self.assertEqual(set(self.leaking), set(self.services))

    def test_the_map_that_grows_is_named_with_its_phase(self):
        for allocator, suspect in self.leaking.items():
            with self.subTest(allocator=allocator):
                first = suspect["structures"][0]
                self.assertEqual(first["name"], "user_cache", suspect["structures"])
                self.assertGreater(first["share"], 0.5)
                self.assertGreater(first["growth_bytes_per_second"], 0.5 * RATE_BYTES_PER_SECOND)
                self.assertEqual(first["phase"], "grow")

    def test_the_function_that_fills_it_is_named(self):
        for allocator, suspect in self.leaking.items():
            with self.subTest(allocator=allocator):
                site = suspect["sites"][0]
                self.assertIn("add_user", " ".join(str(value) for value in site.values()), suspect["sites"])

    def test_growth_is_that_of_the_live_heap(self):
        for allocator, suspect in self.leaking.items():
            with self.subTest(allocator=allocator):
                self.assertGreater(suspect["cause"]["live_growth"], 0.7, suspect["cause"])

    def test_fragmentation_is_no_leak(self):
        states = self.states.get(self.fragmenting.pid, set())
        self.assertNotIn("leaking", {state for _, _, state in states}, states)
        values = [value for name, labels, value in self.agent.metrics() if name == "heapfloor_leak_state"
                  and labels["state"] == "leaking" and f":{self.fragmenting.pid}:" in labels["subject"]]
        self.assertEqual(sum(values), 0)

    def test_fragmentation_is_told_as_retention(self):
        self.assertGreater(self.retained(), 0.5)

    def test_the_metrics_name_structures_and_allocators(self):
        pairs = {(labels["structure"], name) for name, labels, _ in self.agent.metrics() if name.startswith("heapfloor_structure_")}
        self.assertIn(("user_cache", "heapfloor_structure_memory_bytes"), pairs)
        allocators = {labels["allocator"] for name, labels, _ in self.agent.metrics() if name == "heapfloor_allocator_info"}
        self.assertLessEqual({"glibc"}, allocators)

    def test_arenas_of_a_program_that_lists_them_have_series(self):
        arenas = {(labels["arena"], labels["state"]): value for name, labels, value in self.agent.metrics()
                  if name == "heapfloor_allocator_arena_memory_bytes"}
        self.assertGreater(arenas[("0", "used")], 1 << 20, arenas)
        self.assertIn(("0", "free"), arenas)

    def test_a_program_trims_when_it_is_asked(self):
        pid = self.services["glibc"].pid
        suspect = next(s for s in self.suspects.values() if s["subject"].get("pid") == pid and s["scope"] == "process")
        path = f"/api/v1/subjects/{suspect['id']}/compact"
        self.assertEqual(self.agent.request(path, "POST")[0], 403)
        status, _, body = self.agent.request(path, "POST", {"X-Heapfloor": "1"})
        self.assertEqual(status, 200, body)

        def trims():
            return sum(value for name, labels, value in self.agent.metrics()
                       if name == "heapfloor_allocator_trims_total" and labels["allocator"] == "glibc")

        harness.wait_until(lambda: trims() > 0, 60, "nothing was trimmed")

    def test_z_a_killed_service_still_has_its_profile(self):
        service = self.services["glibc"]
        service.send_signal(signal.SIGKILL)
        service.wait()
        path = f"/debug/pprof/heap?pid={service.pid}"
        status, _, body = harness.wait_until(lambda: self.agent.request(path), 10, "no answer")
        time_of_death = time.monotonic()
        harness.wait_until(lambda: time.monotonic() - time_of_death > 3, 10, "time stands still")
        status, _, body = self.agent.request(path)
        self.assertEqual(status, 200, body[:300])
        self.assertIn(b"add_user", gzip.decompress(body))
        if shutil.which("go"):
            with tempfile.NamedTemporaryFile(suffix=".pb.gz") as file:
                file.write(body)
                file.flush()
                top = subprocess.run(["go", "tool", "pprof", "-top", "-cum", file.name], capture_output=True, text=True, timeout=120, check=True).stdout
                self.assertIn("add_user", top)
                tags = subprocess.run(["go", "tool", "pprof", "-tags", file.name], capture_output=True, text=True, timeout=120, check=True).stdout
                self.assertIn("user_cache", tags)
        self.assertEqual(self.captures(self.agent, service.pid), {"suspected", "leaking", "ended"})
        # The next run of the agent has it from the disk.
        self.agent.stop(20)
        with harness.Agent(*OPTIONS, storage=self.storage) as successor:
            self.assertEqual(self.captures(successor, service.pid), {"suspected", "leaking", "ended"})
            status, _, kept = successor.request(path)
            self.assertEqual(status, 200, kept[:300])
            self.assertIn(b"add_user", gzip.decompress(kept))

    def captures(self, agent, pid):
        """The occasions of all captures of a process; each has a heap profile that names the leak."""
        captures = [capture for capture in agent.api("evidence")["evidence"] if capture["pid"] == pid]
        for capture in captures:
            heap = next(file for file in capture["files"] if file["name"] == "heap.pb.gz")
            status, _, body = agent.request(heap["path"])
            self.assertEqual(status, 200, capture)
            self.assertIn(b"add_user", gzip.decompress(body), capture)
        return {capture["occasion"] for capture in captures}


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1], verbosity=2)
