#!/usr/bin/env python3
"""endpoints_test.py AGENT PROGRAMS: Go services without symbols (-ldflags='-s -w') and of a version that nobody knows, so that their
memory cannot be read, followed by the pages that they serve, under an agent at one second and a 120th of every time constant.

One has client_golang's page, one expvar, one net/http/pprof alone; what leaks leaks, what does not is left alone, goroutines that
never end are named with the function in which they wait. Servers that are no service do no harm and are counted.
"""

import os
import re
import shutil
import socketserver
import subprocess
import sys
import tempfile
import threading
import time
import unittest
import zlib

import harness

SOURCES = os.path.join(os.path.dirname(os.path.abspath(__file__)), "programs", "go")
LIMIT_BYTES = 256 << 20
RATE_BYTES_PER_SECOND = 1 << 20
OWN_BYTES = 12 << 20
OPTIONS = ("--collection.interval=1s", "--trend.time_scale=0.00833333", "--targets.go_discovery=listening",
           "--targets.go_slow_interval=1s")
# Name → what it does and which pages it has.
SERVICES = {"users": ("users", "metrics,pprof"), "goroutine": ("goroutine", "metrics,pprof"), "sessions": ("sessions", "vars"),
            "bare": ("subslice", "pprof"), "lru": ("lru", "metrics"), "ttl": ("ttl", "vars,pprof"), "closed": ("lru", "")}
LEAKING = ("users", "goroutine", "sessions", "bare")
HEALTHY = ("lru", "ttl")
PAGES = {"users": "metrics", "goroutine": "metrics", "sessions": "vars", "bare": "pprof", "lru": "metrics", "ttl": "vars"}
# A goroutine of the program takes 4,522 bytes with its stack, where 4,096 are counted.
LEAKED_SHARE = {"goroutine": 4522 / 4096}
DEADLINE_SECONDS = 220
BOMB_BYTES = 256 << 20


class Hostile(socketserver.BaseRequestHandler):
    """Answers by the first part of the path: without an end, packed, slowly, with another place, or with something else."""

    asked = {}
    bomb = zlib.compress(bytes(BOMB_BYTES), 9, 31)

    def handle(self):
        head = b""
        while b"\r\n\r\n" not in head:
            piece = self.request.recv(4096)
            if not piece:
                return
            head += piece
        kind = head.split()[1].split(b"/")[1].decode()
        self.asked[kind] = self.asked.get(kind, 0) + 1
        try:
            getattr(self, kind)()
        except OSError:
            pass  # the agent has hung up

    def send(self, head, body=b""):
        self.request.sendall(b"HTTP/1.1 " + head + b"\r\nConnection: close\r\n\r\n" + body)

    def endless(self):
        self.send(b"200 OK")
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            self.request.sendall(b"go_goroutines 1\n" * 4096)

    def bomb_of_gzip(self):
        self.send(b"200 OK\r\nContent-Encoding: gzip", self.bomb)

    def drip(self):
        self.send(b"200 OK")
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            self.request.sendall(b"#")
            time.sleep(0.2)  # what it is to be: slow

    def elsewhere(self):
        self.send(f"302 Found\r\nLocation: http://127.0.0.1:{self.server.server_address[1]}/trap/metrics".encode())

    def trap(self):
        self.send(b"200 OK", b"go_memstats_next_gc_bytes 5e+08\ngo_memstats_heap_alloc_bytes 4e+08\n")

    def nonsense(self):
        self.send(b"200 OK", bytes(range(256)) * 100)


class Server(socketserver.ThreadingMixIn, socketserver.TCPServer):
    daemon_threads = True


HOSTILE = ("endless", "bomb_of_gzip", "drip", "elsewhere", "nonsense")


class EndpointsTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = cls.enterClassContext(tempfile.TemporaryDirectory())
        cls.server = cls.enterClassContext(Server(("127.0.0.1", 0), Hostile))
        threading.Thread(target=cls.server.serve_forever, daemon=True).start()
        cls.addClassCleanup(cls.server.shutdown)
        cls.agent = cls.enterClassContext(harness.Agent(*OPTIONS, "--config.file=" + cls.configuration()))
        cls.build()
        cls.pids, cls.services, cls.started = {}, {}, {}
        for name, (kind, pages) in SERVICES.items():
            cls.start(name, kind, pages)
        cls.leaking, cls.forecasts, cls.states, cls.last, cls.goroutines = {}, {}, {}, {}, None
        try:
            harness.wait_until(cls.observe, DEADLINE_SECONDS, lambda: (
                f"leaking {sorted(cls.leaking)}, forecast {sorted(cls.forecasts)}, goroutines {cls.goroutines}, "
                f"states {cls.states}, endpoints {cls.agent.api('status')['go_endpoints']}"))
        except BaseException:
            cls.agent.print_log()
            raise

    @classmethod
    def configuration(cls):
        path = os.path.join(cls.folder, "heapfloor.yml")
        with open(path, "w", encoding="utf-8") as file:
            file.write("targets:\n  go:\n")
            for kind in HOSTILE:
                file.write(f"    - {{name: {kind}, url: 'http://127.0.0.1:{cls.server.server_address[1]}/{kind}', timeout: 2s}}\n")
        return path

    @classmethod
    def build(cls):
        environment = dict(os.environ, GOFLAGS="-mod=mod", GOCACHE=os.path.join(cls.folder, "cache"))
        program = os.path.join(cls.folder, "service")
        subprocess.run(["go", "build", "-ldflags=-s -w", "-o", program, "."], cwd=SOURCES, env=environment, check=True, timeout=120)
        harness.forge_go_version(program)  # of a version that is known it is read, also without symbols

    @classmethod
    def start(cls, name, kind, pages):
        process = subprocess.Popen(
            ["nice", "-n", "5", os.path.join(cls.folder, "service"), kind, "280", str(RATE_BYTES_PER_SECOND), "1"],
            env=dict(os.environ, GOMEMLIMIT=str(LIMIT_BYTES), GOMAXPROCS="2", SERVICE_PAGES=pages), stdin=subprocess.DEVNULL)
        cls.addClassCleanup(process.wait)
        cls.addClassCleanup(process.kill)
        cls.services[process.pid] = name
        cls.pids[name] = process.pid
        cls.started[name] = time.time()

    @classmethod
    def observe(cls):
        """Notes the states of each service, what is said of a leak, and what was captured."""
        cls.last = {}
        for suspect in cls.agent.api("suspects")["suspects"]:
            service = cls.services.get(suspect["subject"].get("pid"))
            if service is None:
                continue
            cls.states.setdefault(service, set()).add((suspect["scope"], suspect["state"]))
            cls.last.setdefault(service, []).append((suspect["scope"], suspect["state"]))
            if suspect["scope"] != "go" or suspect["state"] != "leaking":
                continue
            cls.leaking.setdefault(service, suspect)
            if suspect["predicted_exhaustion"] and suspect["value"] < LIMIT_BYTES / 2:
                cls.forecasts[service] = (time.time(), suspect)
            if service == "goroutine":
                cls.note_goroutines(suspect)
        return set(LEAKING) <= set(cls.leaking) and set(LEAKING) <= set(cls.forecasts) and cls.goroutines is not None

    @classmethod
    def note_goroutines(cls, suspect):
        for capture in suspect["captures"]:
            if "goroutines.txt" in capture["files"]:
                cls.goroutines = cls.agent.request(f"/api/v1/evidence/{capture['id']}/goroutines.txt")[2].decode()

    def test_every_leak_is_found_by_what_the_pages_say_of_what_lives(self):
        self.assertEqual(set(self.leaking), set(LEAKING))
        for suspect in self.leaking.values():
            self.assertEqual((suspect["signal"], suspect["basis"]), ("gc_live", "gc_live"))

    def test_exhaustion_is_forecast_by_the_limit_that_the_runtime_was_given(self):
        for service in LEAKING:
            with self.subTest(service=service):
                told, suspect = self.forecasts[service]
                rate = RATE_BYTES_PER_SECOND * LEAKED_SHARE.get(service, 1)
                true = self.started[service] + (LIMIT_BYTES - OWN_BYTES) / rate
                forecast = suspect["predicted_exhaustion"]
                self.assertEqual(forecast["limit_source"], "go")
                self.assertLess(abs(forecast["at"] - true), 0.2 * (true - told), (forecast, true, told))

    def test_each_is_read_by_the_first_page_that_it_has(self):
        endpoints = {self.services.get(endpoint["pid"]): endpoint for endpoint in self.agent.api("status")["go_endpoints"]}
        self.assertEqual({name: endpoints[name]["page"] for name in PAGES}, PAGES)
        self.assertNotIn("closed", endpoints)
        search = self.agent.api("status")["go_search"]
        self.assertGreaterEqual(search["found"], len(PAGES))
        self.assertGreaterEqual(search["no_listener"], 1)

    def test_goroutines_that_never_end_are_named_with_the_function_in_which_they_wait(self):
        self.assertRegex(self.goroutines, re.compile(r"^\d{4,} in main\.handle\.func1 \(.*/service\.go:\d+\): chan receive$", re.M))

    def test_a_heap_profile_is_given_and_captured_that_names_what_allocates(self):
        for service, function in (("users", "main.holdUser"), ("bare", "main.keepHeader")):
            with self.subTest(service=service):
                status, _, body = self.agent.request(f"/processes/{self.pids[service]}/debug/pprof/heap")
                self.assertEqual(status, 200, body[:300])
                path = os.path.join(self.folder, service + ".pb.gz")
                with open(path, "wb") as file:
                    file.write(body)
                top = subprocess.run(["go", "tool", "pprof", "-top", "-sample_index=inuse_space", path], capture_output=True,
                                     text=True, check=True, timeout=60).stdout
                self.assertIn(function, top)
                captures = [capture for capture in self.leaking[service]["captures"] if capture["occasion"] == "suspected"]
                self.assertIn("heap.pb.gz", captures[0]["files"])

    def test_a_healthy_service_is_never_leaking(self):
        for service in HEALTHY:
            with self.subTest(service=service):
                self.assertNotIn("leaking", {state for _, state in self.states.get(service, ())}, self.states.get(service))
                self.assertEqual([one for one in self.last.get(service, []) if one[1] != "recovering"], [])

    def test_hostile_servers_do_no_harm_and_are_counted(self):
        harness.wait_until(lambda: set(HOSTILE) <= set(Hostile.asked), 30, lambda: Hostile.asked)
        self.assertNotIn("trap", Hostile.asked, "a redirect was followed")
        for kind in HOSTILE:
            self.assertEqual(self.agent.metric("heapfloor_go_up", target=kind), [0.0], kind)
        for reason in ("parse", "timeout", "unavailable"):
            self.assertGreater(self.agent.metric("heapfloor_go_endpoint_errors_total", reason=reason)[0], 0, reason)
        with open(f"/proc/{self.agent.process.pid}/status", encoding="ascii") as file:
            peak_kib = int(re.search(r"VmHWM:\s*(\d+) kB", file.read()).group(1))
        self.assertLess(peak_kib << 10, BOMB_BYTES / 2)

    def test_what_is_there_only_over_http_is_on_the_metrics_page(self):
        self.assertGreater(self.agent.metric("heapfloor_go_heap_objects", group="service")[0], 1000)
        self.assertGreaterEqual(self.agent.metric("heapfloor_go_endpoint_programs", state="found")[0], len(PAGES))


if __name__ == "__main__":
    if not shutil.which("go"):
        sys.exit(77)
    unittest.main(argv=sys.argv[:1], verbosity=2)
