#!/usr/bin/env python3
"""check_rules_test.py AGENT PROGRAMS: heapfloor check-rules asks a real Prometheus which of our rules it has loaded, and a real VictoriaMetrics."""

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

import harness
from prometheus_server import RULES, Prometheus, free_port, shipped_rules

FILES = ("heapfloor.rules.yml", "runtimes.rules.yml", "fleet.rules.yml")
NOBODY = f"127.0.0.1:{free_port()}"


def text_of(name):
    with open(os.path.join(RULES, name), encoding="utf-8") as file:
        return file.read()


def names_in(name, kinds="alert|record"):
    """The names of the rules of a file, in its order."""
    return re.findall(rf"^ +- (?:{kinds}): (\S+)$", text_of(name), re.M)


def check(address, *options):
    """(exit code, standard output, standard error)"""
    done = subprocess.run([harness.AGENT, "check-rules", f"--prometheus.url=http://{address}", *options],
                          capture_output=True, text=True, timeout=60)
    return done.returncode, done.stdout, done.stderr


def report(address, *options):
    """(exit code, what is said as JSON)"""
    code, said, error = check(address, "--format=json", *options)
    return code, json.loads(said) if said else error


class CheckRulesTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.agent = cls.enterClassContext(harness.Agent("--collection.interval=1s"))

    def server(self, rules, alertmanagers=(), targets=None):
        targets = [self.agent.address] if targets is None else targets
        prometheus = self.enterContext(Prometheus(*targets, rules=rules, alertmanagers=alertmanagers))

        def is_ready():
            loaded = prometheus.get("rules")
            scraped = (prometheus.get("targets") or {"activeTargets": []})["activeTargets"]
            return loaded and all(target["health"] != "unknown" for target in scraped) and len(scraped) == len(targets)

        harness.wait_until(is_ready, 60, "Prometheus has loaded the rules and scraped")
        return prometheus.address

    def test_all_rules_as_they_are_shipped_are_armed(self):
        address = self.server({name: text_of(name) for name in FILES}, [NOBODY])
        code, said = report(address)
        self.assertEqual([rule for rule in said["rules"] if rule["state"] != "loaded"], [])
        self.assertEqual((code, said["armed"], said["reasons"]), (0, True, []))
        self.assertEqual(said["targets"], {"up": 1, "all": 1})
        self.assertIn(NOBODY, said["alertmanagers"][0])
        self.assertEqual([rule["name"] for rule in said["rules"]], [name for file in FILES for name in names_in(file)])
        lacking = {metric for rule in said["rules"] for metric in rule["lacking_metrics"]}
        self.assertNotIn("heapfloor_host_memory_mappings_limit", lacking)
        code, table, _ = check(address)
        self.assertEqual(code, 0)
        self.assertRegex(table, r"HeapfloorLeak \(warning\) +loaded\n")
        self.assertTrue(table.endswith("\narmed\n"), table)

    def test_what_is_missing_or_changed_is_said(self):
        ours = text_of("heapfloor.rules.yml")
        changed = re.sub(r"(alert: HeapfloorCgroupNearLimit\n.*?)> 0\.9", r"\1> 0.5", ours, flags=re.S)
        self.assertNotEqual(changed, ours)
        # Without the hold times as they are shipped.
        address = self.server({"heapfloor.rules.yml": changed, "fleet.rules.yml": shipped_rules("fleet.rules.yml")})
        code, said = report(address)
        states = {(rule["name"], rule["labels"].get("severity")): (rule["state"], rule["detail"]) for rule in said["rules"]}
        self.assertEqual(code, 1)
        self.assertFalse(said["armed"])
        self.assertEqual(states["HeapfloorLeak", "warning"], ("loaded", ""))
        self.assertEqual(states["HeapfloorCgroupNearLimit", "warning"], ("changed", "another expression"))
        self.assertEqual(states["HeapfloorFleetLeak", "warning"], ("changed", "for: 2s, ours 15m"))
        self.assertEqual(states["replica:leaking:max", None], ("loaded", ""))
        self.assertEqual(states["HeapfloorGcPressure", "warning"], ("missing", ""))
        counts = {state: sum(rule["state"] == state for rule in said["rules"]) for state in ("missing", "changed")}
        self.assertEqual(counts, {"missing": len(names_in("runtimes.rules.yml")), "changed": 1 + len(names_in("fleet.rules.yml", "alert"))})
        self.assertEqual(said["reasons"], [f"{count} of {len(said['rules'])} rules are {state}" for state, count in counts.items()]
                         + ["alerts go to no Alertmanager"])

    def test_a_part_of_the_rules_and_changed_ones_can_be_enough(self):
        address = self.server({"fleet.rules.yml": shipped_rules("fleet.rules.yml")}, [NOBODY])
        self.assertEqual(report(address, "--rules=fleet.rules.yml")[0], 1)
        self.assertEqual(report(address, "--rules=fleet.rules.yml", "--accept-changed")[0], 0)

    def test_without_an_agent_nothing_is_armed(self):
        rules = {"fleet.rules.yml": text_of("fleet.rules.yml")}
        address = self.server(rules, [NOBODY], targets=[NOBODY])
        code, said = report(address, "--rules=fleet.rules.yml")
        self.assertEqual((code, said["reasons"]), (1, ["none of 1 agents is up"]))
        self.assertIn("heapfloor_leak_state", {metric for rule in said["rules"] for metric in rule["lacking_metrics"]})
        code, said = report(address, "--rules=fleet.rules.yml", "--job=memory")
        self.assertEqual((code, said["reasons"]), (1, ["no agent is scraped"]))

    @unittest.skipUnless(shutil.which("vmalert") and shutil.which("victoria-metrics"), "VictoriaMetrics is not installed")
    def test_victoria_metrics_is_asked_for_the_rules_of_its_vmalert(self):
        folder = self.enterContext(tempfile.TemporaryDirectory())
        store, alerts = (f"127.0.0.1:{free_port()}" for _ in range(2))
        scrape, rules = os.path.join(folder, "scrape.yml"), os.path.join(folder, "fleet.rules.yml")
        with open(scrape, "w", encoding="utf-8") as file:
            json.dump({"scrape_configs": [{"job_name": "heapfloor", "scrape_interval": "1s",
                                           "static_configs": [{"targets": [self.agent.address]}]}]}, file)
        with open(rules, "w", encoding="utf-8") as file:
            file.write(text_of("fleet.rules.yml"))
        self.start("victoria-metrics", "-storageDataPath=" + os.path.join(folder, "data"), "-retentionPeriod=1", "-memory.allowedBytes=256MB",
                   "-httpListenAddr=" + store, "-promscrape.config=" + scrape, f"-vmalert.proxyURL=http://{alerts}")
        self.start("vmalert", "-rule=" + rules, f"-datasource.url=http://{store}", f"-remoteWrite.url=http://{store}",
                   f"-notifier.url=http://{NOBODY}", "-httpListenAddr=" + alerts)
        options = ("--rules=fleet.rules.yml", "--no-alertmanagers")
        said = harness.wait_until(lambda: (answer := report(store, *options))[0] == 0 and answer[1], 60,
                                  lambda: f"armed; it is {report(store, *options)}")
        self.assertEqual({rule["state"] for rule in said["rules"]}, {"loaded"})
        code, said = report(store, "--rules=fleet.rules.yml")
        self.assertEqual(code, 1)
        self.assertRegex(said["reasons"][0], "not known whether alerts go to an Alertmanager: the server answered HTTP 400")

    def start(self, program, *arguments):
        process = subprocess.Popen([program, *arguments], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.addCleanup(process.wait)
        self.addCleanup(process.terminate)

    def test_a_server_that_cannot_be_asked_is_an_error(self):
        code, said, error = check(NOBODY)
        self.assertEqual((code, said), (1, ""))
        self.assertIn(f"heapfloor: http://{NOBODY}", error)
        # An agent has rules at this path, but no labels' values.
        code, said, error = check(self.agent.address)
        self.assertEqual((code, said), (1, ""), error)
        for options in (["--prometheus.url=ftp://x"], [], ["--prometheus.url=http://x", "--rules=other.yml"]):
            done = subprocess.run([harness.AGENT, "check-rules", *options], capture_output=True, text=True, timeout=60)
            self.assertEqual(done.returncode, 2, done.stderr)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1], verbosity=2)
