#!/usr/bin/env python3
"""vmalert_test.py AGENT PROGRAMS: the fleet's rules, as they are, on a real VictoriaMetrics and its vmalert.

Verdicts and builds of five replicas on three hosts are written into the server as agents expose them; the hold times are cut.
"""

import json
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import unittest
import urllib.error
import urllib.request

import harness

RULES = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../dashboards/prometheus/fleet.rules.yml")
DEADLINE_SECONDS = 120

# host, pid, version, leaks
REPLICAS = (("h1", 10, "v8", 1), ("h2", 11, "v8", 1), ("h1", 12, "v7", 0), ("h2", 13, "v7", 0), ("h3", 14, "v7", 0))
BUILDS = {"v7": "7e" * 20, "v8": "8f" * 20}


def verdicts():
    """The page of all agents of the fleet, in Prometheus's text format."""
    lines = []
    for host, pid, version, leaks in REPLICAS:
        subject = f'job="heapfloor",instance="{host}",scope="process",subject="process:{pid}:1",group="shop"'
        lines.append(f'heapfloor_leak_state{{{subject},signal="rss_anon",state="leaking"}} {leaks}')
        lines.append(f'heapfloor_trend_build_info{{{subject},program="shopd",build="{BUILDS[version]}",version="{version}"}} 1')
        if leaks:
            lines.append(f'heapfloor_trend_growth_bytes_per_second{{{subject},signal="rss_anon"}} 2048')
    # Its job says what its build is.
    lines.append('heapfloor_leak_state{job="heapfloor",instance="h1",scope="process",subject="process:20:1",group="alone",'
                 'signal="rss_anon",build="v1",state="leaking"} 1')
    return "".join(line + "\n" for line in lines).encode()


def free_address():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return f"127.0.0.1:{listener.getsockname()[1]}"


def ask(address, path, body=None):
    """An answer's text; None while nobody serves there, or where it is refused."""
    try:
        with urllib.request.urlopen(f"http://{address}{path}", data=body, timeout=10) as answer:
            return answer.read().decode()
    except (OSError, urllib.error.HTTPError):
        return None


class VmalertTest(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="heapfloor-vmalert-")
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        self.store, self.alerts = free_address(), free_address()
        with open(RULES, encoding="utf-8") as file:
            rules = re.sub(r"^( +for:).*$", r"\1 2s", file.read(), flags=re.M)
        self.rules = os.path.join(self.folder, "fleet.rules.yml")
        with open(self.rules, "w", encoding="utf-8") as file:
            file.write(rules)
        self.start("victoria-metrics", "-storageDataPath=" + os.path.join(self.folder, "data"), "-retentionPeriod=1",
                   "-memory.allowedBytes=256MB", "-search.latencyOffset=0s", "-httpListenAddr=" + self.store)
        harness.wait_until(lambda: ask(self.store, "/health"), 60, "VictoriaMetrics is ready")

    def start(self, program, *arguments):
        log = open(os.path.join(self.folder, program + ".log"), "w", encoding="utf-8")
        self.addCleanup(log.close)
        process = subprocess.Popen([program, *arguments], stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        self.addCleanup(process.wait)
        self.addCleanup(process.terminate)

    def firing(self):
        """(name, group, build) → description of the alerts that fire, after the agents' pages were written anew."""
        ask(self.store, "/api/v1/import/prometheus", verdicts())
        text = ask(self.alerts, "/api/v1/alerts")
        alerts = json.loads(text)["data"]["alerts"] or [] if text else []
        return {(alert["name"], alert["labels"]["group"], alert["labels"].get("build")):
                alert["annotations"]["description"] for alert in alerts if alert["state"] == "firing"}

    def test_a_leak_of_one_build_in_two_replicas_is_one_alert_of_the_fleet(self):
        # Nobody takes the notifications: alerts are read from vmalert itself.
        self.start("vmalert", "-rule=" + self.rules, "-evaluationInterval=1s", f"-datasource.url=http://{self.store}",
                   f"-remoteWrite.url=http://{self.store}", "-notifier.url=http://" + free_address(),
                   "-httpListenAddr=" + self.alerts)

        build = BUILDS["v8"]

        def complete():
            found = self.firing()
            text = found.get(("HeapfloorFleetLeak", "shop", build), "")
            return found if len(found) >= 2 and text.endswith("B/s.") else None

        found = harness.wait_until(complete, DEADLINE_SECONDS, "the fleet's alerts fire in vmalert")
        self.assertEqual(set(found), {("HeapfloorFleetLeak", "shop", build), ("HeapfloorFleetBuildLeak", "shop", build)})
        self.assertEqual(found["HeapfloorFleetLeak", "shop", build],
                         f"2 replicas of shop, build {build} (v8), leak of 2, on 2 hosts, each by 2kiB/s.")
        self.assertEqual(found["HeapfloorFleetBuildLeak", "shop", build],
                         f"2 replicas of shop with build {build} (v8) leak; another build of it runs beside them and none of "
                         "its replicas leaks.")


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1], verbosity=2)
