#!/usr/bin/env python3
"""external_test.py AGENT PROGRAMS: series of a real Prometheus and of a real VictoriaMetrics, which scrape an exporter of a leaking
and of a healthy service, are followed by an agent at one second and a sixtieth of every time constant."""

import http.server
import json
import math
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import unittest
import urllib.error
import urllib.request

import harness

MIB = 1 << 20
LIMIT_MIB = 640
CANARY = "canary-7b1f"
OPTIONS = ("--collection.interval=1s", "--trend.time_scale=0.0166667", "--no-collector.process", "--no-collector.smaps",
           "--no-collector.cgroup")


class Exporter(http.server.BaseHTTPRequestHandler):
    """Two pods that are as old as this test: one gains a MiB a second, the other makes waves over a level floor."""

    begun = time.time()

    def do_GET(self):  # pylint: disable=invalid-name
        age = time.time() - self.begun
        sizes = {"leak": 200 + age, "level": 400 + 20 * abs(math.sin(age / 7))}
        lines = []
        for pod, size in sizes.items():
            labels = f'{{namespace="shop",pod="{pod}"}}'
            lines += [f"process_resident_memory_bytes{labels} {size * MIB:.0f}", f"memory_limit_bytes{labels} {LIMIT_MIB * MIB}",
                      f"process_start_time_seconds{labels} {self.begun:.0f}"]
        body = ("\n".join(lines) + "\n").encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/plain; version=0.0.4")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):  # pylint: disable=arguments-differ
        pass


class Way(http.server.BaseHTTPRequestHandler):
    """The way from the agent to the server, which can be cut while the server goes on scraping."""

    address = ""
    is_cut = False
    heads = []

    def do_POST(self):  # pylint: disable=invalid-name
        self.heads.append(dict(self.headers))
        body = self.rfile.read(int(self.headers["Content-Length"]))
        status, answer = 503, b"cut"
        if not self.is_cut:
            try:
                with urllib.request.urlopen(f"http://{self.address}{self.path}", body, timeout=10) as response:
                    status, answer = response.status, response.read()
            except urllib.error.HTTPError as error:
                status, answer = error.code, error.read()
        self.send_response(status)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_):  # pylint: disable=arguments-differ
        pass


def free_address():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return f"127.0.0.1:{listener.getsockname()[1]}"


class External:
    """What is the same of every such server; who inherits says how one is started that scrapes `exporter`."""

    program = ""

    @classmethod
    def setUpClass(cls):
        if not shutil.which(cls.program):
            raise unittest.SkipTest(f"{cls.program} is not installed")
        cls.folder = cls.enterClassContext(tempfile.TemporaryDirectory())
        exporter = cls.serve(Exporter)
        cls.address = free_address()
        cls.way = type("Way", (Way,), {"address": cls.address, "heads": []})
        cls.url = f"http://127.0.0.1:{cls.serve(cls.way).server_port}"
        cls.scrape = cls.write("scrape.yml", json.dumps({
            "global": {"scrape_interval": "1s"},
            "scrape_configs": [{"job_name": "shop",
                                "static_configs": [{"targets": [f"127.0.0.1:{exporter.server_port}"]}]}]}))
        cls.token = cls.write("token", CANARY + "-token\n")
        cls.server = subprocess.Popen(cls.command(), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                      stderr=subprocess.DEVNULL)
        cls.addClassCleanup(cls.server.wait)
        cls.addClassCleanup(cls.server.kill)
        cls.config = cls.write("heapfloor.yml", cls.targets())
        harness.wait_until(cls.has_series, 60, f"{cls.program} has scraped")
        cls.agent = cls.enterClassContext(harness.Agent("--config.file=" + cls.config, *OPTIONS))

    @classmethod
    def serve(cls, handler):
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        cls.addClassCleanup(server.server_close)
        cls.addClassCleanup(server.shutdown)
        return server

    @classmethod
    def write(cls, name, text):
        path = os.path.join(cls.folder, name)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        return path

    @classmethod
    def has_series(cls):
        try:
            with urllib.request.urlopen(f"http://{cls.address}/api/v1/query?query=process_resident_memory_bytes", timeout=10) as answer:
                return len(json.load(answer)["data"]["result"]) == 2
        except OSError:
            return False

    @classmethod
    def targets(cls, more=()):
        target = {
            "name": "shop", "url": cls.url, "query": 'process_resident_memory_bytes{job="shop"}',
            "limit": "max by (pod) (memory_limit_bytes)", "start": "process_start_time_seconds",
            "labels": {"subject": ["pod"], "group": "namespace"}, "history": "1h", "timeout": "2s", "stale": "20s",
            "tenant": CANARY + "-tenant", "headers": {"X-Secret": CANARY + "-header"}, "bearer_token_file": cls.token}
        return json.dumps({"targets": {"prometheus": [target, *more]}})

    def state_of(self, pod, agent=None, target="shop"):
        subject = f'external:{target}{{pod="{pod}"}}'
        for row in (agent or self.agent).api("subjects?scope=external")["subjects"]:
            if row["id"].startswith(subject + "/"):
                return row["state"]
        return None

    def target_status(self, name="shop"):
        return next((t for t in self.agent.api("status")["external_targets"] if t["name"] == name), None)

    def test_1_the_leaking_service_is_found_and_the_healthy_one_is_not(self):
        harness.wait_until(lambda: self.state_of("leak") == "leaking", 240, lambda: f'it is {self.state_of("leak")}')
        self.assertIn(self.state_of("level"), ("learning", "stable"))
        suspect, = [s for s in self.agent.api("suspects")["suspects"] if s["scope"] == "external"]
        self.assertEqual(suspect["subject"]["group"], "shop")
        growth = suspect["growth_bytes_per_second"]
        self.assertAlmostEqual(growth["estimate"], MIB, delta=0.02 * MIB)
        end = suspect["predicted_exhaustion"]
        self.assertEqual((end["limit_bytes"], end["limit_source"]), (LIMIT_MIB * MIB, "query"))
        self.assertAlmostEqual(end["at"], Exporter.begun + LIMIT_MIB - 200, delta=0.2 * LIMIT_MIB)
        self.assertEqual(self.agent.metric("heapfloor_external_target_up", target="shop"), [1])
        self.assertEqual(self.agent.metric("heapfloor_external_target_series", target="shop"), [2])
        self.assertEqual(self.agent.metric("heapfloor_leak_state", scope="external", state="leaking", group="shop"), [1, 0])

    def times(self):
        """Of the points of the leaking series."""
        detail = self.agent.api("series/" + urllib.request.quote('external:shop{pod="leak"}/external', safe=""))
        return [point[0] for point in detail["points"]]

    def test_2_readings_have_the_times_of_their_samples(self):
        url = f"http://{self.address}/api/v1/query?query=" + urllib.request.quote('process_resident_memory_bytes{pod="leak"}[30s]')
        with urllib.request.urlopen(url, timeout=10) as answer:
            samples = [float(t) for t, _ in json.load(answer)["data"]["result"][0]["values"]]
        near = [t for t in self.times() if samples[0] <= t <= samples[-1]]
        self.assertTrue(near, samples)
        for t in near:
            self.assertLess(min(abs(t - sample) for sample in samples), 0.2, (t, samples))

    def test_3_an_outage_ends_nothing_and_its_gap_is_filled(self):
        begun = time.time()
        self.way.is_cut = True
        try:
            harness.wait_until(lambda: self.target_status()["up"] is False, 30, "the outage is seen")
            self.assertRegex(self.target_status()["error"], self.url + ".*HTTP 503")
            self.assertEqual(self.agent.metric("heapfloor_external_target_up", target="shop"), [0])
            time.sleep(25)  # longer than `stale`
            self.assertEqual(self.state_of("leak"), "leaking")
            self.assertIsNotNone(self.state_of("level"))
            gone = self.times()
        finally:
            self.way.is_cut = False
        harness.wait_until(lambda: self.target_status()["up"], 30, "the server is back")
        self.assertEqual(self.state_of("leak"), "leaking")
        self.assertNotIn(self.state_of("level"), (None, "suspected", "leaking"))
        self.assertGreater(sum(self.agent.metric("heapfloor_external_target_errors_total", target="shop")), 0)
        # Ten seconds of the outage, of which nothing was known while it lasted.
        within = lambda times: [t for t in times if begun + 10 < t < begun + 20]
        self.assertEqual(within(gone), [])
        harness.wait_until(lambda: len(within(self.times())) > 5, 30, lambda: f"the gap is filled: {self.times()[-60:]}")

    def test_4_a_later_agent_learns_from_the_past(self):
        with harness.Agent("--config.file=" + self.config, *OPTIONS) as late:
            harness.wait_until(lambda: self.state_of("leak", late) == "leaking", 15, lambda: f'it is {self.state_of("leak", late)}')
            self.assertIn(self.state_of("level", late), ("learning", "stable"))

    def test_5_a_reload_adds_and_removes_targets(self):
        other = {"name": "other", "url": self.url, "labels": {"subject": ["pod"]},
                 "query": "sum by (pod) (process_resident_memory_bytes)"}
        self.write("heapfloor.yml", self.targets([other]))
        self.agent.process.send_signal(signal.SIGHUP)
        harness.wait_until(lambda: self.state_of("level", target="other"), 30, "the new target is followed")
        self.assertEqual(self.state_of("leak"), "leaking", "the old one goes on")
        self.write("heapfloor.yml", self.targets().replace('"shop"', '"again"', 1))
        self.agent.process.send_signal(signal.SIGHUP)
        harness.wait_until(lambda: self.state_of("leak", target="again"), 30, "the renamed target is followed")
        self.assertIsNone(self.state_of("leak"))
        self.assertIsNone(self.target_status())

    def test_6_credentials_are_sent_and_shown_nowhere(self):
        for name, value in (("Authorization", f"Bearer {CANARY}-token"), ("X-Scope-OrgID", CANARY + "-tenant"),
                            ("X-Secret", CANARY + "-header")):
            self.assertEqual({head.get(name) for head in self.way.heads if "X-Secret" in head}, {value})
        for path in ("/metrics", "/", "/api/v1/status", "/api/v1/subjects", "/api/v1/suspects", "/api/v1/alerts", "/api/v1/rules"):
            status, _, body = self.agent.request(path)
            self.assertEqual(status, 200, path)
            self.assertNotIn(CANARY.encode(), body, path)
        self.assertNotIn(CANARY, "\n".join(self.agent.lines))


class PrometheusTest(External, unittest.TestCase):
    program = "prometheus"

    @classmethod
    def command(cls):
        return ["prometheus", "--config.file=" + cls.scrape, "--storage.tsdb.path=" + os.path.join(cls.folder, "data"),
                "--web.listen-address=" + cls.address]


class VictoriaMetricsTest(External, unittest.TestCase):
    program = "victoria-metrics"

    @classmethod
    def command(cls):
        return ["victoria-metrics", "-promscrape.config=" + cls.scrape, "-storageDataPath=" + os.path.join(cls.folder, "data"),
                "-httpListenAddr=" + cls.address, "-retentionPeriod=1", "-memory.allowedBytes=256MB", "-search.latencyOffset=1s"]


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1], verbosity=2)
