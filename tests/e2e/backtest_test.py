#!/usr/bin/env python3
"""backtest_test.py AGENT PROGRAMS: the past of a real Prometheus and of a real VictoriaMetrics, of which backtest says what leaks.

Three days are written into each, under names as the exporters of others have them: a service that leaks, one whose floor rises
under the teeth of its garbage collector, and healthy ones: level, warming up, with teeth over a level floor.
"""

import json
import os
import random
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import unittest
import urllib.request

import harness

MIB = 1 << 20
DAYS = 3
STEP_SECONDS = 60
LIMIT_MIB = 1024
SHAPES = {
    "level": lambda s: 300,
    "leak": lambda s: 300 + s / 86400 * 100,
    "teeth": lambda s: 300 + s % 3600 / 3600 * 80,
    "rising_teeth": lambda s: 300 + s % 3600 / 3600 * 80 + s / 86400 * 60,
    "warm_up": lambda s: 300 + 200 * (1 - 2.718 ** (-s / 7200)),
}
LEAKING = {"leak", "rising_teeth"}


def openmetrics(end):
    """The series of all shapes and their limits, as promtool reads them."""
    noise = random.Random(1)
    times = range(end - DAYS * 86400, end, STEP_SECONDS)
    yield "# TYPE container_memory_rss gauge"
    for shape, size in SHAPES.items():
        for t in times:
            value = (size(t - times.start) + noise.gauss(0, 0.4)) * MIB
            yield f'container_memory_rss{{container="app",namespace="shop",pod="{shape}"}} {value:.0f} {t}'
    yield "# TYPE kube_pod_container_resource_limits gauge"
    for shape in SHAPES:
        for t in times:
            yield f'kube_pod_container_resource_limits{{pod="{shape}",resource="memory"}} {LIMIT_MIB * MIB} {t}'
    yield "# EOF"


class Backtest:
    """What every such server is asked; who inherits starts one that holds the series."""

    program = ""

    @classmethod
    def setUpClass(cls):
        if not shutil.which(cls.program):
            raise unittest.SkipTest(f"{cls.program} is not installed")
        cls.end = int(time.time()) // STEP_SECONDS * STEP_SECONDS
        cls.folder = cls.enterClassContext(tempfile.TemporaryDirectory())
        with socket.socket() as listener:
            listener.bind(("127.0.0.1", 0))
            cls.address = f"127.0.0.1:{listener.getsockname()[1]}"
        cls.url = "http://" + cls.address
        cls.start_server()

    @classmethod
    def start(cls, *command):
        server = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        cls.addClassCleanup(server.wait)
        cls.addClassCleanup(server.terminate)

    @classmethod
    def answers(cls, path, body=None):
        try:
            with urllib.request.urlopen(cls.url + path, body, timeout=60) as answer:
                return answer.status < 300
        except OSError:
            return False

    def backtest(self, *arguments):
        return subprocess.run([harness.AGENT, "backtest", "--prometheus.url=" + self.url, f"--end={self.end}", *arguments],
                              capture_output=True, text=True, timeout=120, check=False)

    def judged(self, *arguments):
        """The last line of each series, by its pod."""
        done = self.backtest("--format=json", f"--start={self.end - DAYS * 86400}", *arguments)
        self.assertEqual(done.returncode, 0, done.stderr)
        lines = [json.loads(line) for line in done.stdout.splitlines()]
        return {line["series"].split('pod="')[1].split('"')[0]: line for line in lines}

    def test_what_leaks_is_found_and_nothing_else(self):
        series = self.judged("--query=container_memory_rss")
        self.assertEqual(set(series), set(SHAPES))
        self.assertEqual({pod for pod, line in series.items() if line["state"] == "leaking"}, LEAKING)
        growth = series["leak"]["growth_bytes_per_second"]
        self.assertTrue(growth["low"] <= 100 * MIB / 86400 <= growth["high"], growth)

    def test_a_limit_that_is_asked_for_gives_a_forecast(self):
        limits = 'max by (pod) (kube_pod_container_resource_limits{resource="memory"})'
        leak = self.judged("--query=container_memory_rss", "--limit-query=" + limits)["leak"]
        forecast = leak["predicted_exhaustion"]
        truth = self.end - DAYS * 86400 + (LIMIT_MIB - 300) / 100 * 86400
        self.assertEqual(forecast["limit_bytes"], LIMIT_MIB * MIB)
        self.assertTrue(forecast["earliest"] <= truth <= forecast["latest"], (forecast, truth))

    def test_a_range_of_more_points_than_one_answer_holds_is_fetched_in_parts(self):
        series = self.judged("--query=container_memory_rss", "--step=20s")
        self.assertGreater(series["leak"]["points"], 12000)
        self.assertEqual({pod for pod, line in series.items() if line["state"] == "leaking"}, LEAKING)

    def test_the_table_has_what_leaks_on_top(self):
        done = self.backtest("--query=container_memory_rss", f"--start={self.end - DAYS * 86400}", "--format=table")
        rows = done.stdout.splitlines()
        self.assertTrue(all("leaking" in row for row in rows[1:3]), done.stdout)
        self.assertIn("5 series: 2 leaking", rows[-1])

    def test_errors_are_told_in_the_servers_words(self):
        done = self.backtest("--query=container_memory_rss{", "--start=1d")
        self.assertEqual(done.returncode, 1)
        self.assertRegex(done.stderr, "the server answered .*(parse error|unexpected token)")
        done = self.backtest("--query=x", "--start=tomorrow")
        self.assertEqual(done.returncode, 2)
        self.assertIn("--start", done.stderr)


class PrometheusTest(Backtest, unittest.TestCase):
    program = "promtool"

    @classmethod
    def start_server(cls):
        text, data = os.path.join(cls.folder, "series.txt"), os.path.join(cls.folder, "data")
        with open(text, "w", encoding="utf-8") as file:
            file.writelines(line + "\n" for line in openmetrics(cls.end))
        subprocess.run(["promtool", "tsdb", "create-blocks-from", "openmetrics", text, data], check=True, stdout=subprocess.DEVNULL)
        cls.start("prometheus", "--config.file=/dev/null", "--storage.tsdb.path=" + data, "--storage.tsdb.retention.time=30d",
                  "--web.listen-address=" + cls.address)
        harness.wait_until(lambda: cls.answers("/-/ready"), 60, "Prometheus is ready")


class VictoriaMetricsTest(Backtest, unittest.TestCase):
    program = "victoria-metrics"

    @classmethod
    def start_server(cls):
        cls.start("victoria-metrics", "-storageDataPath=" + cls.folder, "-httpListenAddr=" + cls.address, "-retentionPeriod=1",
                  "-memory.allowedBytes=256MB")
        harness.wait_until(lambda: cls.answers("/health"), 60, "VictoriaMetrics is ready")
        # Its import takes milliseconds.
        lines = [line + "000\n" for line in openmetrics(cls.end) if not line.startswith("#")]
        if not cls.answers("/api/v1/import/prometheus", "".join(lines).encode()) or not cls.answers("/internal/force_flush"):
            raise AssertionError("VictoriaMetrics did not take the series")


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1], verbosity=2)
